"""Paired comparison: the test agrees with the textbook and with scipy, and its interval covers what it says."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from copilot_lib import paired


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_mcnemar_is_the_two_sided_binomial_test_of_the_discordant_pairs(pairs):
    first, second = zip(*pairs, strict=True)
    found = paired.mcnemar(first, second)
    assert found.only_first == sum(a and not b for a, b in pairs)
    assert found.only_second == sum(b and not a for a, b in pairs)
    n = found.only_first + found.only_second
    assert found.p == pytest.approx(binomtest(found.only_first, n).pvalue if n else 1)
    assert paired.mcnemar(second, first) == (found.only_second, found.only_first, found.p)


def test_known_values_and_many_places():
    # 10 against 2: (1 + 12 + 66) * 2 / 4096
    assert paired.mcnemar([1] * 10 + [0] * 2, [0] * 10 + [1] * 2).p == pytest.approx(0.03857421875)
    assert paired.mcnemar([1, 0], [1, 0]) == (0, 0, 1)
    assert paired.mcnemar([1, 0] * 3000, [0, 1] * 3000).p == 1
    assert 0 < paired.mcnemar([1] * 900 + [0] * 100, [0] * 900 + [1] * 100).p < 1e-100


def test_what_both_get_right_does_not_hide_the_difference():
    # Both are right at the same half of the places, and the second at five more of a hundred.
    first, second = [1] * 50 + [0] * 50, [1] * 55 + [0] * 45
    mean, low, high = paired.difference(first, second, [str(n) for n in range(100)])
    assert mean == pytest.approx(0.05)
    assert 0 < low < mean < high <= 0.1  # of two means that are not paired each is known to ten points


def test_the_interval_covers_the_truth_as_often_as_it_says():
    draw = numpy.random.default_rng(0)
    covered = 0
    for _ in range(300):
        files = draw.normal(0.1, 0.2, 40)  # files differ, the truth is 0.1
        gain = numpy.repeat(files, 5) + draw.normal(0, 0.3, 200)
        _, low, high = paired.difference([0.0] * 200, list(gain), [str(n // 5) for n in range(200)])
        covered += low <= 0.1 <= high
    assert 270 <= covered <= 296  # 95 %, less what a bootstrap of forty files misses, and chance


def test_bits_are_compared_per_byte():
    assert paired.difference([8, 30], [4, 10], ["a", "b"], units=[4, 20])[0] == pytest.approx(-1)
