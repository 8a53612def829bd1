"""The next token's distribution and its draw, by their properties."""

import math

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from copilot_lib.sampling import Sampling, pick, probabilities

scores = arrays.arrays(numpy.float32, st.integers(1, 50), elements=st.floats(-40, 40, width=32))
temperatures = st.floats(0, 5)
shares = st.floats(0.001, 1)
counts = st.integers(0, 60)


@given(scores, temperatures, counts, shares)
def test_every_setting_gives_probabilities_and_keeps_the_likeliest_token(logits, temperature, top_k, top_p):
    result = probabilities(logits, temperature, top_k, top_p)
    assert result.shape == logits.shape
    assert (result >= 0).all()
    assert result.sum() == pytest.approx(1)
    assert result[logits.argmax()] == result.max() > 0


@given(scores)
def test_temperature_one_is_the_softmax(logits):
    expected = torch.softmax(torch.tensor(logits, dtype=torch.float64), 0)
    assert probabilities(logits) == pytest.approx(expected.numpy())


@given(scores, counts, shares)
def test_temperature_zero_puts_everything_on_the_first_of_the_likeliest(logits, top_k, top_p):
    result = probabilities(logits, 0, top_k, top_p)
    assert result[logits.argmax()] == 1
    assert numpy.count_nonzero(result) == 1


@given(scores, st.floats(0.05, 4), st.floats(1.01, 3))
def test_more_heat_never_helps_the_likeliest_token(logits, temperature, factor):
    cool, warm = probabilities(logits, temperature), probabilities(logits, temperature * factor)
    assert warm.max() <= cool.max() + 1e-12


@given(scores, st.floats(0.1, 4))
def test_temperature_never_changes_the_order(logits, temperature):
    result = probabilities(logits, temperature)
    order = numpy.argsort(-logits, kind="stable")
    assert (numpy.diff(result[order]) <= 0).all()


@given(scores, st.integers(1, 60))
def test_top_k_keeps_exactly_k_tokens_and_their_proportions(logits, top_k):
    whole, kept = probabilities(logits), probabilities(logits, top_k=top_k)
    assert numpy.count_nonzero(kept) == min(top_k, len(logits))
    chosen = kept > 0
    assert whole[chosen].min() >= whole[~chosen].max(initial=0)
    assert kept[chosen] == pytest.approx(whole[chosen] / whole[chosen].sum())


@given(scores, shares)
def test_top_p_keeps_enough_and_not_one_more(logits, top_p):
    whole, kept = probabilities(logits), probabilities(logits, top_p=top_p)
    share = whole[kept > 0]
    assert share.sum() >= top_p - 1e-9
    assert share.sum() - share.min() < top_p + 1e-9


def test_equals_go_to_the_lower_id():
    assert probabilities(numpy.zeros(4), temperature=0).tolist() == [1, 0, 0, 0]
    assert probabilities(numpy.zeros(4), top_k=2).tolist() == [0.5, 0.5, 0, 0]
    assert probabilities(numpy.zeros(4), top_p=0.5).tolist() == [0.5, 0.5, 0, 0]


@given(
    st.lists(st.integers(-300, 300), min_size=2, max_size=40, unique=True),
    st.floats(0.2, 3),
    st.integers(1, 40),
    st.floats(0.05, 0.99),
)
def test_same_distribution_as_transformers(values, temperature, top_k, top_p):
    logits = numpy.array(values) / 10
    ours = probabilities(logits, temperature, top_k, top_p)
    theirs = torch.tensor(logits)[None]
    for warper in (TemperatureLogitsWarper(temperature), TopKLogitsWarper(top_k), TopPLogitsWarper(top_p)):
        theirs = warper(None, theirs)
    assert ours == pytest.approx(torch.softmax(theirs, -1)[0].numpy(), abs=1e-9)


@pytest.mark.filterwarnings("error")
def test_extreme_scores_and_temperatures_stay_numbers_and_silent():
    assert probabilities(numpy.array([1e30, -1e30, 0]), 1e-300).tolist() == [1, 0, 0]
    assert probabilities(numpy.array([5.0, -math.inf])).tolist() == [1, 0]
    assert probabilities(numpy.array([3.0, 1.0]), 5e-324).tolist() == [1, 0]


@given(scores, st.floats(0.1, 3), counts, shares, st.integers(0, 2**32))
def test_a_seed_repeats_and_what_was_cut_is_never_drawn(logits, temperature, top_k, top_p, seed):
    chances = probabilities(logits, temperature, top_k, top_p)
    random, again = numpy.random.default_rng(seed), numpy.random.default_rng(seed)
    drawn = [pick(chances, random) for _ in range(20)]
    assert drawn == [pick(chances, again) for _ in range(20)]
    assert all(chances[token] > 0 for token in drawn)


class Fixed:
    """A source of chance that always gives one number."""

    def __init__(self, number):
        self.number = number

    def random(self):
        return self.number


def test_the_ends_of_chance_hit_tokens_that_can_be_drawn():
    chances = numpy.array([0, 0.25, 0, 0.75 - 1e-12, 0])
    assert pick(chances, Fixed(0.0)) == 1
    assert pick(chances, Fixed(math.nextafter(1, 0))) == 3


def test_tokens_are_drawn_as_often_as_they_are_likely():
    chances = numpy.array([0.5, 0.3, 0.0, 0.2])
    random = numpy.random.default_rng(0)
    seen = numpy.bincount([pick(chances, random) for _ in range(20_000)], minlength=4) / 20_000
    assert seen == pytest.approx(chances, abs=0.015)
    assert seen[2] == 0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"temperature": -0.1}, "temperature is -0.1: expected a finite number, 0"),
        ({"temperature": math.nan}, "temperature is nan"),
        ({"temperature": math.inf}, "temperature is inf"),
        ({"temperature": "0.2"}, "temperature is '0.2'"),
        ({"temperature": True}, "temperature is True"),
        ({"top_k": -1}, "top_k is -1: expected a whole number, 0"),
        ({"top_k": 1.5}, "top_k is 1.5"),
        ({"top_p": 0}, "top_p is 0: expected more than 0 and at most 1"),
        ({"top_p": 1.01}, "top_p is 1.01"),
        ({"top_p": math.nan}, "top_p is nan"),
        ({"seed": -1}, "seed is -1: expected a whole number, 0 or more, or None"),
        ({"seed": 0.5}, "seed is 0.5"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_in_words(setting, message):
    with pytest.raises(ValueError, match=message):
        Sampling(**setting)


def test_settings_that_make_sense_are_taken():
    assert Sampling() == Sampling(0.0, 0, 1.0, None)
    assert Sampling(numpy.float32(0.5), 3, 1, 0).top_k == 3
