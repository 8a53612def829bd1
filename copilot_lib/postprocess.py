"""Cleans a model's text for the cursor it goes to, one small pure function at a time.

It knows the text and the cursor; it does not know which model wrote it. Relative indentation is never changed.
"""

import re
from collections.abc import Callable

from copilot_lib.cursor import LINE_END, Cursor
from copilot_lib.stopping import BRACKET, brackets_open

SPLIT_WORD = re.compile(r"\w\n\w")
Filter = Callable[[str, Cursor], str]


def only_blanks(text: str, cursor: Cursor) -> str:
    """Nothing, where the model offers blanks alone: an editor should stay quiet then."""
    return text if text.strip() else ""


def no_blank_tail(text: str, cursor: Cursor) -> str:
    """Without blanks at the end of the last line where the line ends there anyway, and without blank lines after it."""
    return text if cursor.line_suffix.strip() else text.rstrip()


def no_doubled_space(text: str, cursor: Cursor) -> str:
    """Without the space that the user has typed already: `return ` and ` x` make `return x`.

    >>> no_doubled_space(" x", Cursor("return ", 7))
    'x'
    """
    typed = cursor.line_prefix
    return text.lstrip(" ") if typed.strip() and typed.endswith(" ") else text


def no_echo_of_rest(text: str, cursor: Cursor) -> str:
    """Without an end that repeats what already follows the cursor on its line: the closing bracket is there once.

    What is kept must close every bracket that it opens, and no word is cut in two.

    >>> no_echo_of_rest("x, y)", Cursor("f()", 2)), no_echo_of_rest("g(a))", Cursor("f(h())", 4))
    ('x, y', 'g(a)')
    """
    rest = cursor.line_suffix
    for length in range(min(len(rest), len(text)), 0, -1):
        kept, tail = text[:-length], text[-length:]
        if tail.strip() and rest.startswith(tail) and closes_what_it_opens(kept) and not SPLIT_WORD.search(kept + "\n" + tail):
            return kept
    return text


def closes_what_it_opens(code: str) -> bool:
    """Whether code has at least as many closing brackets as opening ones, of each kind."""
    return all(code.count(opening) <= code.count(closing) for opening, closing in ("()", "[]", "{}"))


def no_surplus_bracket(text: str, cursor: Cursor) -> str:
    """Without what comes after a closing bracket that the file has already: editors close brackets while one types.

    The bracket is the first thing after the cursor, and closes none that the text itself has opened.

    >>> no_surplus_bracket("items):", Cursor("sorted()", 7)), no_surplus_bracket("f(x), y", Cursor("g()", 2))
    ('items', 'f(x), y')
    """
    closing = cursor.line_suffix[:1]
    if closing and closing in ")]}":
        for found in BRACKET.finditer(text):
            if found[0] == closing and not brackets_open(text[: found.start()]):
                return text[: found.start()]
    return text


def own_newlines(text: str, cursor: Cursor) -> str:
    """With the newline style of the file, whichever the model wrote."""
    return LINE_END.sub(cursor.newline, text)


FILTERS: tuple[Filter, ...] = (no_doubled_space, no_echo_of_rest, no_surplus_bracket, no_blank_tail, only_blanks, own_newlines)
"""In this order: what cuts first, then whether anything is left, and what depends on the file's style last."""


def clean(text: str, cursor: Cursor) -> str:
    """All filters, in order."""
    for filter in FILTERS:
        text = filter(text, cursor)
    return text
