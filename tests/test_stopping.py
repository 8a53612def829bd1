"""Where completions end: dedents and repetitions, by example and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib.cursor import Cursor
from copilot_lib.samples import BINARY_SEARCH, CALCULATOR, FIBONACCI
from copilot_lib.stopping import brackets_open, circles_in_line, dedents, ends_statement, repeats_itself, repeats_suffix

LINES = [
    "def f():",
    "    if abc:",
    "        return x",
    "    else:",
    "    # (",
    "    y = [",
    "]",
    '    """',
    "",
    "abc = 1",
    "    el",
]
signs = st.text(st.sampled_from(list("ab:#()[]{}'\" \t\n\r")), max_size=60)
code = signs | st.lists(st.sampled_from(LINES), max_size=8).map("\n".join)
RULES = [dedents, ends_statement, repeats_suffix, repeats_itself, circles_in_line]


def at_end(text):
    return Cursor(text, len(text))


def cut(rule, text, cursor):
    at = rule(text, cursor)
    return text if at is None else text[:at]


@pytest.mark.parametrize(
    ("before", "text", "expected"),
    [
        ("def f():\n    ", "x = 1\n    return x\n\n\ndef g():", "x = 1\n    return x"),
        ("def f():\n    ", "x = 1\n    return x\n", None),
        ("def f():\n    return ", "x\nprint(f())", "x"),
        ("class A:\n    def f(self):\n        ", "pass\n\n    def g(self):\n", "pass"),
        ("class A:\n    def f(self):", "\n        pass\n\n    def g(self):\n", None),
        ("def f():\n    ", "if x:\n        y\n    z\n", None),
        ("def f():\n    ", "\n\nx = 1", ""),
        ("def f():\n    ", "x = 1\n# comment", "x = 1"),
        ("def f():\n\t", "x = 1\n\ty = 2\nz", "x = 1\n\ty = 2"),
        ("def f():\n\t", "x = 1\n    y = 2\nz", "x = 1\n    y = 2"),
        ("def f():\r\n    ", "x = 1\r\n    y\r\nz", "x = 1\r\n    y"),
        ("", "x = 1\ny = 2", None),
        ("x = ", "1\ny = 2", None),
        ("def f():\n    ", "x = 1\n  ", None),
    ],
)
def test_a_line_indented_less_than_the_block_ends_the_completion(before, text, expected):
    at = dedents(text, at_end(before))
    assert (at if at is None else text[:at]) == expected


@pytest.mark.parametrize(
    ("before", "text", "expected"),
    [
        ("x = ", "1\ny = 2", "1"),
        ("def f():\n    return ", "x\n\n    y = 2", "x"),
        (
            "class A:\n    def f(self",
            "):\n        x = 1\n        return x\n\n    def g(self):\n",
            "):\n        x = 1\n        return x",
        ),
        ("x = [", "\n1,\n2,\n]\ny = 2", "\n1,\n2,\n]"),
        ("    try", ":\n        x\n    except OSError:\n        y\n    z", ":\n        x\n    except OSError:\n        y"),
        ("if a", ":\n    x\nelse:\n    y\nelsewhere = 1\n", ":\n    x\nelse:\n    y"),
        ("if a", ":\n    x\nel", None),
        ('def f():\n    """', 'A list (of\n    names).\n    """\n    x = 1', 'A list (of\n    names).\n    """'),
        ("def f():\n    # sum", " them\n    return x", None),
        ("class A:\n    @property", "\n    def x(self):\n        return 1", None),
        ("x = a and \\", "\nb", None),
        ("x = ", "1\n", None),
        ("def f():\n    ", "x = 1\n    y = 2\n", None),
        ("", "x = 1\ny = 2", None),
    ],
)
def test_a_statement_begun_before_the_cursor_is_the_only_one(before, text, expected):
    at = ends_statement(text, at_end(before))
    assert (at if at is None else text[:at]) == expected


@pytest.mark.parametrize(
    ("before", "text", "expected"),
    [
        ("def f():\n    ", "return [\n1,\n2,\n]\nx = 1", "return [\n1,\n2,\n]"),
        ("    call(\n        a,\n        ", "b,\n    )\n    return", "b,\n    )"),
        ("def f():\n    ", "x = '('\ny = 2", "x = '('"),
        ("def f():\n    ", "x = 1  # see (2\ny = 2", "x = 1  # see (2"),
        ("# a smiley :(\ndef f():\n    ", "x = 1\ny = 2", "x = 1"),
    ],
)
def test_an_open_bracket_lets_lines_stand_further_left(before, text, expected):
    assert cut(dedents, text, at_end(before)) == expected


def test_brackets_far_above_or_before_a_definition_do_not_count():
    assert dedents("x\ny", at_end("(\n" + "    # filler\n" * 2000 + "    ")) == 1
    assert dedents("x\ny", at_end("(\n\ndef f():\n    ")) == 1


def test_a_long_docstring_above_is_read_from_its_beginning():
    above = 'def f():\n    """Says (how.\n' + "    More (of it\n" * 300 + '    """\n    '
    assert dedents("return x\n\n\ndef g():", at_end(above)) == len("return x")


@pytest.mark.parametrize(
    "above",
    [
        '"""Gives back what (don\'t guess) it\'s worth.\n\n    Over two lines.\n    """\n',
        '"""The batch (batch, tokens\n    """\n',
        "name = 'don\\'t ('\n",
        'name = "a \\" ("\n',
        "pattern = '[('\n",
    ],
)
def test_brackets_in_strings_keep_no_block_open(above):
    cursor = at_end(f"def f():\n    {above}    ")
    assert cut(dedents, "return x\n\n\ndef g():\n    pass", cursor) == "return x"


def test_closing_brackets_without_an_opening_one_do_not_lend_depth():
    assert brackets_open(")))(") == 1


@pytest.mark.parametrize(
    ("cursor", "text"),
    [
        (BINARY_SEARCH, "if arr[mid] == target:\n            return mid\n        elif arr[mid] > target:\n    "),
        (CALCULATOR, "return a - b\n\n    def get_history(self):\n"),
        (FIBONACCI, "n\n\n\nprint([fibonacci(n) for n in range(10)])\n"),
    ],
)
def test_the_next_line_below_ends_the_completion(cursor, text):
    kept = cut(repeats_suffix, text, cursor)
    assert kept == text[: text.index(cursor.suffix.split()[0])].rstrip()
    assert kept


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("f(\n    ", "\n)\n", "a,\n)\n"),
        ("if a:\n    ", "\nreturn x\n", "b\n    return x\n"),
        ("count = 0\n", "\ncount = 1\n", "count = 10\n"),
        ("count = 0\n", "\ncount = 1\n", "count = 1"),
        ("x = ", "abc\n", "1\nabc\n"),
        ("x = ", "\n\n", "1\n"),
    ],
)
def test_what_is_no_repetition_stays(before, after, text):
    assert repeats_suffix(text, Cursor(before + after, len(before))) is None


def test_blank_lines_and_newline_styles_do_not_hide_a_repetition():
    cursor = Cursor("a = 1\r\n\r\n\r\n  \r\ntotal = 2  \r\n", 7)
    assert cut(repeats_suffix, "b = 2\ntotal = 2\n", cursor) == "b = 2"


def test_a_line_of_which_a_part_is_typed_repeats_as_a_whole():
    assert repeats_suffix("tal = 2\nx", Cursor("to\ntotal = 2\n", 2)) == 0


@pytest.mark.parametrize(
    ("before", "text", "expected"),
    [
        ("", "first = 0\nfirst = 0\nfirst = 0\n", "first = 0"),
        ("def f():\n    ", "a = one\n    b = two\n\n    a = one\n    b = two\n", "a = one\n    b = two"),
        ("", "start()\nfirst = 1\nlast = 2\nfirst = 1\r\nlast = 2\r\nfirst", "start()\nfirst = 1\nlast = 2"),
        ("", "first = 1\nlast = 2\nfirst = 1\nlast = 2", None),
        ("if a:\n    ", "return None\nif bcd:\n    return None\nif cde:\n    return None\n", None),
        ("if abc:\n    ", "first()\n    last()\nelse:\n    last()\n    first()\n", None),
        ("try:\n    ", "first()\nexcept E:\n    pass\ntry:\n    last()\nexcept E:\n    pass\n", None),
        ("if abc:\n    ", "first()\n    last()\nif xyz:\n        first()\n        last()\n", None),
        ("x = [\n    ", "0,\n    0,\n    0,\n    0,\n]\n", None),
        ("first = 1\nlast = 2\n", "first = 1\nlast = 2\n", None),
    ],
)
def test_lines_just_written_end_the_completion(before, text, expected):
    at = repeats_itself(text, at_end(before))
    assert (at if at is None else text[:at]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path.join(os.path.join(os.path.join(os.path.join(", "path.join(os."),
        ("x = first.next.next.next.next.next.next.", "x = first.next.next"),
        ("first = compute(a)\nfirst = compute(a)\nfirst = compute(a)\n", None),
        ("return (None, None, None, None, None)", None),
        ("[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]", None),
    ],
)
def test_a_circle_within_a_line_ends_the_completion(text, expected):
    at = circles_in_line(text, Cursor("", 0))
    assert (at if at is None else text[:at]) == expected


@pytest.mark.parametrize("rule", RULES)
@given(before=code, after=code, text=code, more=code)
def test_a_position_does_not_change_while_the_text_grows(rule, before, after, text, more):
    cursor = Cursor(before + after, len(before))
    at = rule(text, cursor)
    assert at is None or rule(text + more, cursor) == at


@pytest.mark.parametrize("rule", RULES)
@given(before=code, after=code, text=code)
def test_what_is_kept_needs_no_further_cut(rule, before, after, text):
    cursor = Cursor(before + after, len(before))
    at = rule(text, cursor)
    if at is not None:
        assert 0 <= at <= len(text)
        assert rule(text[:at], cursor) is None


@given(before=code, text=code)
def test_at_the_top_level_nothing_dedents(before, text):
    assert dedents(text, at_end(before + "\n")) is None
