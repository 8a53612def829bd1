"""The cursor: positions in any text, with any line ends."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot_lib.cursor import Cursor, line_spans

settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")  # a loaded machine is no failure

TEXTS = st.text(st.sampled_from("ab \t\n\r\f\u2028é🐍") | st.characters(), max_size=40)
"""Rich in line ends, in look-alikes of line ends and in characters of two UTF-16 units; lone surrogates included."""


@st.composite
def cursors(draw):
    text = draw(TEXTS)
    return Cursor(text, draw(st.integers(0, len(text))))


def between_halves(cursor):
    return cursor.prefix.endswith("\r") and cursor.suffix.startswith("\n")


@given(cursors())
def test_prefix_and_suffix_are_the_text(cursor):
    assert cursor.prefix + cursor.suffix == cursor.text
    assert len(cursor.prefix) == cursor.offset


def test_newlines_at_the_cursor_belong_to_the_suffix():
    cursor = Cursor("a\n\n b\n", 1)
    assert (cursor.prefix, cursor.suffix, cursor.line_suffix) == ("a", "\n\n b\n", "")


@given(cursors())
def test_the_suffix_begins_with_the_rest_of_the_line(cursor):
    assert cursor.prefix.endswith(cursor.line_prefix) or between_halves(cursor)
    assert cursor.suffix.startswith(cursor.line_suffix)
    rest = cursor.suffix[len(cursor.line_suffix) :]
    assert rest == "" or rest[0] in "\r\n"


@given(cursors())
def test_line_and_column_lead_back_to_the_cursor(cursor):
    again = Cursor.at(cursor.text, cursor.line, cursor.column)
    assert again.offset == cursor.offset - between_halves(cursor)
    assert (again.line, again.column, again.line_prefix) == (cursor.line, cursor.column, cursor.line_prefix)


@given(cursors())
def test_utf16_columns_lead_back_to_the_cursor(cursor):
    again = Cursor.at_utf16(cursor.text, cursor.line, cursor.utf16_column)
    assert again.offset == cursor.offset - between_halves(cursor)
    assert cursor.utf16_column == len(cursor.line_prefix.encode("utf-16-le", "surrogatepass")) // 2


@given(cursors(), st.data())
def test_a_utf16_column_inside_a_pair_moves_back_to_its_start(cursor, data):
    line = cursor.line_prefix + cursor.line_suffix
    units = data.draw(st.integers(0, len(line.encode("utf-16-le", "surrogatepass")) // 2))
    found = Cursor.at_utf16(cursor.text, cursor.line, units)
    inside_pair = found.utf16_column == units - 1
    assert found.utf16_column == units or (inside_pair and found.line_suffix[0] > "\uffff")


@given(TEXTS)
def test_lines_end_where_python_reads_universal_newlines(text):
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert [text[start:end] for start, end in line_spans(text)] == lines


@given(cursors(), TEXTS)
def test_inserting_keeps_all_that_was_there(cursor, inserted):
    after = cursor.insert(inserted)
    assert after.text == cursor.prefix + inserted + cursor.suffix
    assert (after.prefix, after.suffix) == (cursor.prefix + inserted, cursor.suffix)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_newline_style_is_seen_and_kept(newline):
    text = newline.join(["def f(x):", "    return x + 1", ""])
    cursor = Cursor.at(text, 1, 11)
    assert cursor.newline == newline
    assert (cursor.line_prefix, cursor.line_suffix) == ("    return ", "x + 1")
    assert cursor.suffix == "x + 1" + newline
    assert Cursor(text, len(text)).line == 2
    assert cursor.insert("2 * ").text == newline.join(["def f(x):", "    return 2 * x + 1", ""])


def test_the_first_newline_style_counts_and_a_single_line_has_the_usual_one():
    assert Cursor("a\r\nb\nc", 0).newline == "\r\n"
    assert Cursor("a\nb\r\n", 0).newline == "\n"
    assert Cursor("a", 0).newline == "\n"


def test_between_carriage_return_and_line_feed_is_the_end_of_the_line():
    cursor = Cursor("ab\r\nc", 3)
    assert (cursor.line, cursor.column, cursor.line_prefix, cursor.line_suffix) == (0, 2, "ab", "")


def test_a_form_feed_or_a_line_separator_ends_no_line():
    assert Cursor("a\f\u2028\x85b\nc", 5).line == 0


def test_utf16_counts_an_emoji_as_two():
    text = "x = '🐍🐍' + y"
    cursor = Cursor.at(text, 0, 8)
    assert cursor.utf16_column == 10
    assert Cursor.at_utf16(text, 0, 6).column == 5
    assert Cursor.at_utf16(text, 0, 10) == cursor


@pytest.mark.parametrize(
    ("offset", "indentation"),
    [(0, ""), (9, "    "), (11, "    "), (20, "    "), (27, " \t "), (28, " \t ")],
)
def test_indentation_is_the_whole_lines_wherever_the_cursor_is(offset, indentation):
    assert Cursor("def f():\n    return  \n\n   \t\n \t x".replace("   \t", " \t "), offset).indentation == indentation


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cursor("abc", 4), "offset 4 is outside the text: expected 0 to 3"),
        (lambda: Cursor("abc", -1), "offset -1 is outside the text: expected 0 to 3"),
        (lambda: Cursor.at("a\nbc", 2, 0), "line 2 is outside the text: expected 0 to 1"),
        (lambda: Cursor.at("a\nbc", -1, 0), "line -1 is outside the text: expected 0 to 1"),
        (lambda: Cursor.at("a\nbc", 0, 2), "column 2 is outside line 0: expected 0 to 1 characters"),
        (lambda: Cursor.at("a\nbc", 1, -1), "column -1 is outside line 1: expected 0 to 2 characters"),
        (lambda: Cursor.at("", 0, 1), "column 1 is outside line 0: expected 0 to 0 characters"),
        (lambda: Cursor.at_utf16("🐍", 0, 3), "column 3 is outside line 0: expected 0 to 2 UTF-16 units"),
        (lambda: Cursor.at_utf16("🐍", 1, 0), "line 1 is outside the text: expected 0 to 0"),
    ],
)
def test_a_place_outside_says_which_places_there_are(make, message):
    with pytest.raises(ValueError) as raised:
        make()
    assert message in str(raised.value)
