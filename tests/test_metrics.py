"""Metrics: answers of known quality get their known score, and intervals widen where answers stick together."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_distance_is_what_similarity_lacks():
    assert metrics.distance("", TARGET) == 1
    assert metrics.distance("x + 2", TARGET) == pytest.approx(0.2)


def placed(prefix, reference):
    return Target(Cursor(prefix + "\n", len(prefix)), reference, "a.py:1:1")


@pytest.mark.parametrize(
    ("prefix", "reference", "answer", "score"),
    [
        ("total = ", "price * count", "price * count", 1),
        ("total = ", "price * count", "count + price", 1),  # what is done with the names is not its subject
        ("total = ", "price * count", "price", 2 / 3),
        ("total = ", "price * count", "price * size", 1 / 2),
        ("total = ", "price * count", "", 0),
        ("total = ", "price", "'price'  # price", 0),
        ("total = pr", "ice", "ice", 1),
        ("total = pr", "ice", "", 0),
        ("total = price", " * count", "", 0),  # a word that has ended before the cursor was not asked for
        ("total = ", "17", "17 ", 1),
        ("total = ", "17", "", 0),
        ("total = ", "17", "price", 0),
    ],
)
def test_names_are_compared_as_sets(prefix, reference, answer, score):
    assert metrics.identifier_f1(answer, placed(prefix, reference)) == pytest.approx(score)


@given(st.text(), st.text(min_size=1), st.text())
def test_every_metric_is_a_share_for_any_text(prefix, reference, answer):
    for metric in metrics.METRICS:
        assert 0 <= metric(answer, placed(prefix, reference)) <= 1
    assert metrics.identifier_f1(reference, placed(prefix, reference)) == 1
    assert metrics.similarity(reference, placed(prefix, reference)) == 1


def test_one_file_alone_is_no_certainty():
    mean, low, high = metrics.interval([1.0] * 3 + [0.0] * 17, ["a.py"] * 20)
    assert low < mean == 0.15 < high


def test_answers_of_one_file_count_as_one_thing():
    values = [1.0, 0.0] * 100
    mean, low, high = metrics.interval(values, [str(n) for n in range(200)])
    assert mean == 0.5
    assert 0.11 < high - low < 0.17  # 2 * 1.96 * sqrt(0.25 / 200) = 0.139
    by_file = ["a.py" if value else f"{n % 4}.py" for n, value in enumerate(values)]
    _, low, high = metrics.interval(values, by_file)
    assert high - low > 0.5


def test_the_mean_of_sums_is_that_of_a_unit():
    mean, low, high = metrics.interval([10, 20, 30], ["a", "b", "c"], units=[10, 10, 10])
    assert (mean, low, high) == (2, 1, 3)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    draw = numpy.random.default_rng(1)
    covered = 0
    for _ in range(300):
        shares = draw.beta(2, 4, 60)  # of right answers in each file; their mean is 1/3
        values = draw.random(240) < numpy.repeat(shares, 4)
        _, low, high = metrics.interval(list(values), [str(n // 4) for n in range(240)])
        covered += low <= 1 / 3 <= high
    assert 270 <= covered <= 296


def test_no_values_are_an_error():
    with pytest.raises(ValueError, match="at least one"):
        metrics.interval([], [])
