"""What was wanted of the pocket model: a target is missed where one of its measurements misses it, by however little."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib.goals import Goal, number

SHARES = st.dictionaries(st.sampled_from("abc"), st.floats(0, 1), min_size=1)


@given(SHARES, st.floats(0, 1))
def test_each_measurement_either_reaches_the_least_or_is_named(found, wanted):
    missed = Goal("share", wanted, True, lambda quality: quality).missed(found)
    assert missed == [name for name in found if not found[name] >= wanted]


@given(SHARES, st.floats(0, 1))
def test_each_measurement_either_stays_under_the_most_or_is_named(found, wanted):
    missed = Goal("bits", wanted, False, lambda quality: quality).missed(found)
    assert missed == [name for name in found if not found[name] <= wanted]


@pytest.mark.parametrize(("at_least", "said"), [(True, "50.0 %"), (False, "0.500")])
def test_a_share_is_in_per_cent_and_bits_are_bits(at_least, said):
    assert number(Goal("", 0, at_least, dict), 0.5) == said
