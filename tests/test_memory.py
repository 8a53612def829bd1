"""The memory of completions: what must be answered from it, and what never may be."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib.completer import Completion
from copilot_lib.cursor import Cursor
from copilot_lib.memory import Memory
from copilot_lib.sampling import Sampling

TOLD = Completion("x + 1\nprint(x)", (5, 6), "fim", "end", {"prefill": 9.0, "total": 30.0}, 9, 0)
HERE = Cursor("y = \n# below", 4)


@pytest.fixture
def memory():
    memory = Memory()
    memory.keep(HERE, {"max_new_tokens": 64}, TOLD)
    return memory


def test_the_same_request_gets_the_same_text_and_nothing_is_computed(memory):
    found = memory.find(HERE, {"max_new_tokens": 64})
    assert found == replace(TOLD, times_ms={"prefill": 0.0, "total": 0.0}, reused_tokens=9)


@given(st.integers(1, len(TOLD.text) - 1))
def test_who_types_what_was_suggested_keeps_the_rest_of_it(count):
    memory = Memory()
    memory.keep(HERE, {}, TOLD)
    assert memory.find(HERE.insert(TOLD.text[:count]), {}).text == TOLD.text[count:]


@pytest.mark.parametrize(
    ("cursor", "options"),
    [
        (Cursor("z = \n# below", 4), {"max_new_tokens": 64}),
        (Cursor("y = \n# other", 4), {"max_new_tokens": 64}),
        (Cursor("y = \n# below", 3), {"max_new_tokens": 64}),
        (HERE.insert("y"), {"max_new_tokens": 64}),
        (HERE.insert(TOLD.text), {"max_new_tokens": 64}),
        (HERE, {"max_new_tokens": 65}),
        (HERE, {"max_new_tokens": 64, "stop": ("\n",)}),
        (HERE, {"max_new_tokens": 64, "sampling": Sampling(temperature=0.5, seed=1)}),
        (HERE, {"max_new_tokens": 64, "context": "another file"}),
        (HERE, {"max_new_tokens": 64, "adapter": "mine"}),
    ],
    ids=[
        "prefix",
        "suffix",
        "place",
        "typed otherwise",
        "typed to its end",
        "length",
        "stop",
        "sampling",
        "context",
        "adapter",
    ],
)
def test_what_differs_in_anything_is_not_answered_from_memory(memory, cursor, options):
    assert memory.find(cursor, options) is None


def test_a_time_limit_that_was_not_reached_changes_nothing_and_one_that_was_is_not_kept(memory):
    assert memory.find(HERE, {"max_new_tokens": 64, "decode_ms": 250}).text == TOLD.text
    for stopped in ("cancelled", "prefill time", "decode time"):
        cut_short = Memory()
        cut_short.keep(HERE, {}, replace(TOLD, stopped=stopped))
        assert cut_short.find(HERE, {}) is None


def test_nothing_to_add_is_remembered_too(memory):
    memory.keep(Cursor("done", 4), {}, replace(TOLD, text=""))
    assert memory.find(Cursor("done", 4), {}).text == ""
    assert memory.find(Cursor("done!", 5), {}) is None


@given(st.lists(st.integers(0, 9), max_size=60))
def test_it_never_holds_more_than_it_may_and_what_was_used_last_stays(places):
    memory = Memory(most=4)
    for place in places:
        memory.keep(Cursor("x" * 10, place), {}, TOLD)
    last = list(dict.fromkeys(reversed(places)))
    for place in range(10):
        assert (memory.find(Cursor("x" * 10, place), {}) is not None) == (place in last[:4])
