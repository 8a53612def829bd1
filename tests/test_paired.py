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


numbers = st.floats(-1, 1)
intervals = st.tuples(numbers, numbers, numbers).map(lambda three: (sorted(three)[1], min(three), max(three)))


@given(intervals, st.floats(0, 1), st.lists(st.floats(0, 1), min_size=1))
def test_a_verdict_holds_for_every_truth_in_the_interval(found, matters, shares):
    _, low, high = found
    said = paired.verdict(found, matters)
    for truth in [low, high, *(low + share * (high - low) for share in shares)]:
        assert said != "better" or truth > matters
        assert said != "worse" or truth < -matters
        assert said != "no difference that matters" or abs(truth) <= matters + 1e-12
    if said == "open":  # the two ends would get different verdicts
        assert paired.verdict((low,) * 3, matters) != paired.verdict((high,) * 3, matters)


@given(intervals, st.floats(0, 1))
def test_who_is_asked_first_turns_the_verdict_round(found, matters):
    mean, low, high = found
    turned = {"better": "worse", "worse": "better"}
    said = paired.verdict(found, matters)
    assert paired.verdict((-mean, -high, -low), matters) == turned.get(said, said)


def test_not_significant_is_not_equal():
    few, many = ([0, 1] * count for count in (5, 5000))
    alike = [[str(n) for n in range(len(scores))] for scores in (few, many)]
    other = [[1, 0] * count for count in (5, 5000)]  # as good, at other places
    assert paired.verdict(paired.difference(few, other[0], alike[0]), 0.05) == "open"
    assert paired.verdict(paired.difference(many, other[1], alike[1]), 0.05) == "no difference that matters"


def test_nothing_but_zero_is_no_difference_where_everything_matters():
    assert paired.verdict((0.0, 0.0, 0.0), 0) == "no difference that matters"
    assert paired.verdict((0.02, 0.001, 0.04), 0) == "better"
    assert paired.verdict((0.0, float("nan"), float("nan")), 0.1) == "open"
    with pytest.raises(ValueError, match="expected 0 or more"):
        paired.verdict((0.0, 0.0, 0.0), -0.1)
