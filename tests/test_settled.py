"""What is shown early of a completion is what it begins with in the end."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from copilot_lib import postprocess
from copilot_lib.completer import Completer, first_stop
from copilot_lib.cursor import Cursor
from copilot_lib.samples import EXAMPLES
from copilot_lib.settled import settled

LINES = [
    "    total += 1",
    "    print(total)",
    "        return x",
    "",
    "x = [",
    "]",
    "  ",
    "    f(a, 'b')",
    "else:",
    '    """',
    "a)",
]
texts = st.lists(st.sampled_from(LINES), min_size=1, max_size=9).map("\n".join)
cursors = st.sampled_from(
    [
        Cursor("def f(x):\n    ", 14),
        Cursor("    \nprint(total)\n", 4),
        Cursor("total = \n    print(total)", 8),
        Cursor("g()", 2),
    ]
)


def finished(text, cursor):
    """The text as it grows, with what is shown of it, and the completion in the end."""
    shown = []
    for end in range(1, len(text) + 1):
        if stopped := first_stop(text[:end], cursor):
            return shown, postprocess.clean(text[: stopped[0]], cursor)
        shown.append(settled(text[:end], cursor))
    return shown, postprocess.clean(text, cursor)


@given(texts, cursors)
@example("    f(a, 'b')\n    total += 1\n    f(a, 'b')\n    total += 1\n", Cursor("def f(x):\n    ", 14))
def test_nothing_that_was_shown_is_taken_back(text, cursor):
    shown, completion = finished(text, cursor)
    for early, later in pairwise([*shown, completion]):
        assert completion.startswith(early)
        assert len(early) <= len(later)


def test_a_line_is_shown_as_soon_as_it_has_ended():
    shown, completion = finished("if x:\n        return 1\n    return 2\n", Cursor("def f(x):\n    ", 14))
    assert sorted(set(shown), key=len) == ["", "if x:", "if x:\n        return 1", completion]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_model_s_completion_begins_with_what_it_showed(name):
    shown = []
    completion = Completer.load("pocket").complete(EXAMPLES[name], show=shown.append)
    assert all(completion.text.startswith(early) for early in shown)
    assert bool(any(shown)) == ("\n" in completion.text)
