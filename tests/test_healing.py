"""Token healing: nothing of the text is lost by stepping back, and the model's text begins with what was typed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.healing import LONGEST, Vocabulary, step_back

pieces = st.sampled_from(["a", "b9", "_", " ", "\n", "(", ".", "é", "🐍", "\t", "return", "x" * LONGEST])
code = st.lists(pieces, max_size=30).map("".join)


@given(code, code)
def test_what_is_stepped_over_and_what_is_left_are_the_text(prefix, suffix):
    cursor = Cursor(prefix + suffix, len(prefix))
    before, typed = step_back(cursor)
    assert before.insert(typed) == cursor
    assert typed.isspace() or len(typed) <= LONGEST + 1
    assert not typed.strip().strip("abcdefghijklmnopqrstuvwxyz_9")


@pytest.mark.parametrize(
    ("prefix", "typed"),
    [
        ("return num", " num"),
        ("    num", "num"),
        ("print(num", "num"),
        ("first.num", "num"),
        ("\tnum", "num"),
        ("x = 1\nnum", "num"),
        ("return ", " "),
        ("f(", ""),
        ("", ""),
        ("if a:\n    b()\n      ", "      "),
        ("if a:\r\n\tb()\r\n    ", "    "),
        ("if a:\n    b()\n    ", ""),
        ("if a:\n    b()\n", ""),
    ],
)
def test_what_is_begun_is_taken_back(prefix, typed):
    for suffix in ("", "\n", "x\ny"):
        assert step_back(Cursor(prefix + suffix, len(prefix)))[1] == typed


def test_an_indentation_that_a_line_below_has_is_whole():
    assert step_back(Cursor("  \n  b()\n", 2))[1] == ""
    assert step_back(Cursor("  \n   b()\n", 2))[1] == "  "


@pytest.fixture(scope="module")
def completer():
    return Completer.load("pocket")


@pytest.fixture(scope="module")
def vocabulary(completer):
    return Vocabulary(completer.model.codec)


@given(st.from_regex(r" ?[A-Za-z0-9_]{1,12}", fullmatch=True))
def test_every_token_that_may_open_a_text_agrees_with_it(completer, vocabulary, typed):
    codec = completer.model.codec
    may_come = [codec.decode([id]) for id in vocabulary.opening(typed)([])]
    assert all(text.startswith(typed) or typed.startswith(text) for text in may_come)
    assert typed[0] in may_come
    assert not codec.stop_ids & set(vocabulary.opening(typed)([]).tolist())
    assert vocabulary.opening(typed)(codec.encode(typed + "more")) is None


@settings(max_examples=20)
@given(st.from_regex(r"[a-z]{1,3}_?[A-Z0-9q]{0,3}", fullmatch=True))
def test_the_model_begins_with_what_was_typed_however_odd(completer, typed):
    cursor = Cursor(f"def f(x):\n    return {typed}\n", len(f"def f(x):\n    return {typed}"))
    _, run, pieces = completer.begin(cursor, max_new_tokens=16)
    behind = "".join(pieces)
    assert completer.model.codec.decode(run.ids).startswith(" " + typed)
    assert completer.model.codec.decode(run.ids) == f" {typed}{behind}"


def test_a_name_that_stands_above_is_completed_wherever_the_cursor_is_in_it(completer):
    name = "connection_settings"
    above = f"def connect({name}):\n    check({name})\n    return open("
    for typed in (name[:n] for n in range(4, len(name))):
        cursor = Cursor(above + typed + ")\n", len(above + typed))
        assert typed + completer.complete(cursor).text == name


def test_typing_on_in_a_word_changes_no_prompt(completer):
    text = "def area(width, height):\n    return width * hei"
    prompts = {completer.begin(Cursor(text[:at], at))[0] for at in range(len(text) - 2, len(text) + 1)}
    assert len(prompts) == 1
