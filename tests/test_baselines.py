"""Tests the completers without a model: what they offer, that they lose nothing, and that they never leave the line."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib.baselines import count_ngrams, empty, last_line, most_frequent_line, next_piece, ngram, pieces, rest_of
from copilot_lib.cursor import Cursor

ALL = (empty, last_line, most_frequent_line, ngram)
code = st.text(alphabet="ab(). \t\n\r=:é🐍", max_size=60)


def cursor_in(marked: str) -> Cursor:
    """The cursor at the bar in a text."""
    before, after = marked.split("|")
    return Cursor(before + after, len(before))


@st.composite
def cursors(draw) -> Cursor:
    text = draw(code)
    return Cursor(text, draw(st.integers(0, len(text))))


@given(code)
def test_pieces_joined_are_the_text(text):
    assert "".join(pieces(text)) == text
    assert all(pieces(text))


@given(cursors())
def test_every_answer_stays_on_its_line(cursor):
    for method in ALL:
        answer = method(cursor)
        assert "\n" not in answer
    assert "\r" not in ngram(cursor)


@given(cursors())
def test_a_copied_line_is_the_rest_of_a_line_of_the_file(cursor):
    others = cursor.prefix.split("\n")[:-1] + cursor.suffix.split("\n")[1:]
    typed = cursor.line_prefix.lstrip()
    for method in (last_line, most_frequent_line):
        answer = method(cursor)
        assert not answer or typed + answer in {line.strip() for line in others}


@given(cursors())
def test_ngram_writes_pieces_of_the_file_and_no_more_than_asked(cursor):
    written = pieces(ngram(cursor, n=3, max_new_pieces=5))
    assert len(written) <= 5
    assert set(written) <= set(pieces(cursor.prefix)) | set(pieces(cursor.suffix))


@given(code, st.integers(1, 5))
def test_counts_say_how_often_each_context_was_followed(text, n):
    sequence = pieces(text)
    counts = count_ngrams(sequence, n)
    for length in range(n):
        grams = Counter(tuple(sequence[i : i + length + 1]) for i in range(len(sequence) - length))
        assert grams == {(*context, piece): times for context, seen in counts.items() if len(context) == length
                         for piece, times in seen.items()}  # fmt: skip
    assert max((len(context) for context in counts), default=0) <= n - 1


@pytest.mark.parametrize(
    ("marked", "last", "most"),
    [
        ("log(1)\nlog(2)\n|", "log(2)", "log(1)"),
        ("log(1)\nlog(1)\nlog(2)\nl|", "og(2)", "og(1)"),
        ("    log(1)\n  l|", "og(1)", "og(1)"),
        ("x = 1\nl|\nlog(3)\n", "", "og(3)"),
        ("log(1)\nlog(1)|", "", ""),
        ("log(1)\nelse|", "", ""),
        ("|", "", ""),
        ("a\r\nab\r\na|", "b", "b"),
    ],
)
def test_copying_lines(marked, last, most):
    cursor = cursor_in(marked)
    assert (last_line(cursor), most_frequent_line(cursor)) == (last, most)


@pytest.mark.parametrize(
    ("marked", "n", "answer"),
    [
        ("for a in left:\n    f(a)\nfor b in|", 6, " left:"),
        ("x = 2\n|\ny = f(1)\n", 6, "y = f(1)"),
        ("a b\r\na|\r\n", 6, " b"),
        ("new|", 6, ""),
        ("|", 6, ""),
        ("a a a a\na|", 2, " a" * 15),
    ],
)
def test_ngram(marked, n, answer):
    assert ngram(cursor_in(marked), n) == answer


def test_backing_off_prefers_the_longest_context_that_was_seen():
    counts = count_ngrams(pieces("a.x b.y b.y a."), 3)
    assert next_piece(counts, ["a", "."], 3) == "x"
    assert next_piece(counts, ["c", "."], 3) == "y"
    assert next_piece(counts, ["c", "?"], 3) == "\n"


def test_rest_of_ignores_indentation_only():
    assert rest_of("\treturn  x ", "    return ") == " x"
    assert rest_of("return x", "return y") == ""


def test_what_follows_the_cursor_counts_for_those_that_look_below():
    cursor = cursor_in("tot|\ntotal = 1\n")
    assert most_frequent_line(cursor) == "al = 1"
    assert last_line(cursor) == ""
