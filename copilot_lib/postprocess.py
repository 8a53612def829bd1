"""Cleans a model's text for the cursor it goes to, one small pure function at a time.

It knows the text and the cursor; it does not know which model wrote it. Relative indentation is never changed.
"""

from collections.abc import Callable

from copilot_lib.cursor import Cursor

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

    >>> no_echo_of_rest("x, y)", Cursor("f()", 2))
    'x, y'
    """
    rest = cursor.line_suffix
    for length in range(min(len(rest), len(text)), 0, -1):
        if rest[:length].strip() and text.endswith(rest[:length]):
            return text if closes_its_own(text, rest[:length]) else text[:-length]
    return text


def closes_its_own(text: str, tail: str) -> bool:
    """Whether the brackets in `tail` close brackets that the text itself opened, so that they belong to it."""
    return any(text.count(o) >= text.count(c) > 0 and c in tail for o, c in ("()", "[]", "{}"))


def own_newlines(text: str, cursor: Cursor) -> str:
    """With the newline style of the file."""
    return text.replace("\n", cursor.newline) if cursor.newline != "\n" else text


FILTERS: tuple[Filter, ...] = (only_blanks, no_doubled_space, no_echo_of_rest, no_blank_tail, own_newlines)
"""In this order: what decides whether there is a completion first, what depends on the file's style last."""


def clean(text: str, cursor: Cursor) -> str:
    """All filters, in order."""
    for filter in FILTERS:
        text = filter(text, cursor)
    return text
