"""Each filter with the failure that it cures, and what it must leave alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib import postprocess
from copilot_lib.cursor import Cursor


def at(marked):
    """A cursor where `|` stands."""
    prefix, suffix = marked.split("|")
    return Cursor(prefix + suffix, len(prefix))


@pytest.mark.parametrize(
    ("marked", "text", "cleaned"),
    [
        ("x = |\n", "   \n  ", ""),
        ("return |\n", " x", "x"),
        ("    |\n", "  y = 1", "  y = 1"),
        ("return|\n", " x", " x"),
        ("f(|)\n", "a, b)", "a, b"),
        ("f(|)\n", "g(a)", "g(a)"),
        ("f(|))\n", "a))", "a"),
        ("f(h(|))\n", "g(a))", "g(a)"),
        ("f(|)\n", "g(a))", "g(a)"),
        ("for x in |s:\n", "items", "items"),
        ("f(|)\n", " )", ""),
        ("x[|] = 1\n", "0] = 1", "0"),
        ('print("|")\n', 'hello")', "hello"),
        ("for x in sorted(|)\n", "items):", "items"),
        ('f"{|} years"\n', 'age} ({name})"', "age"),
        ("f(|)\n", "g(a), ')'", "g(a), ')'"),
        ("f(|, b)\n", "a)", "a)"),
        ("a = |\n", "1  \n\n", "1"),
        ("if x:\n    |\n", "a()\n    if b:\n        c()", "a()\n    if b:\n        c()"),
        ("a\r\nb = |\r\n", "1\nc = 2", "1\r\nc = 2"),
        ("a\r\nb = |\r\n", "1\r\nc = 2\rd", "1\r\nc = 2\r\nd"),
        ("a\nb = |\n", "1\r\nc = 2", "1\nc = 2"),
    ],
)
def test_a_completion_is_cleaned_for_its_place(marked, text, cleaned):
    assert postprocess.clean(text, at(marked)) == cleaned


@given(st.text("ab( )\n"), st.text("ab( )\n"), st.text("ab( )\n"))
def test_cleaning_never_adds_text_and_never_leaves_blanks_alone(prefix, text, suffix):
    cursor = Cursor(prefix + suffix, len(prefix))
    cleaned = postprocess.clean(text, cursor)
    assert cleaned in text
    assert cleaned == "" or cleaned.strip()
