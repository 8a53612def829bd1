"""Metrics: answers of known quality get their known score, and intervals widen where answers stick together."""

import pytest

from copilot_lib import metrics
from copilot_lib.cursor import Cursor
from copilot_lib.targets import Target

TARGET = Target(Cursor("def f(x):\n    return \n", 21), "x + 1", "a.py:2:12")


@pytest.mark.parametrize(
    ("answer", "exact", "stripped", "parses", "empty"),
    [
        ("x + 1", 1, 1, 1, 0),
        (" x + 1", 0, 1, 1, 0),
        ("x + 2", 0, 0, 1, 0),
        ("", 0, 0, 1, 1),
        ("x +", 0, 0, 0, 0),
        ("x + 1\n  y", 0, 0, 0, 0),
        ("\0", 0, 0, 0, 0),
    ],
)
def test_known_answers(answer, exact, stripped, parses, empty):
    got = [metric(answer, TARGET) for metric in (metrics.exact, metrics.stripped, metrics.parses_in_place, metrics.empty)]
    assert got == [exact, stripped, parses, empty]


def test_similarity_is_a_share_of_the_longer_text():
    assert metrics.similarity("x + 1", TARGET) == 1
    assert metrics.similarity("x + 2", TARGET) == pytest.approx(0.8)
    assert metrics.similarity("", TARGET) == 0
    assert metrics.similarity("x + 1" * 2, TARGET) == pytest.approx(0.5)


def test_answers_of_one_file_count_as_one_thing():
    values = [1.0, 0.0] * 100
    mean, low, high = metrics.interval(values, [str(n) for n in range(200)])
    assert mean == 0.5
    assert 0.11 < high - low < 0.17  # 2 * 1.96 * sqrt(0.25 / 200) = 0.139
    by_file = ["a.py" if value else f"{n % 4}.py" for n, value in enumerate(values)]
    _, low, high = metrics.interval(values, by_file)
    assert high - low > 0.5


def test_no_values_are_an_error():
    with pytest.raises(ValueError, match="at least one"):
        metrics.interval([], [])
