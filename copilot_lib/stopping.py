"""Says where a completion should end, from its text and the text around the cursor.

It knows lines, indentation and brackets of Python-like code; it does not know tokens, models or how the text was made.
All rules may be asked while the text still grows: a position, once given, does not change with what is added.
"""

import re
from itertools import pairwise

from copilot_lib.cursor import Cursor, line_spans

CHARACTERS_ABOVE = 2000
"""How far before the cursor an open bracket is looked for, so that a long file costs no more than a short one."""
TAB_COLUMNS = 4
FEWEST_WORD_CHARACTERS = 3
"""A line with fewer, such as `)` or `x`, occurs twice without being a repetition."""
NEXT_LINE = re.compile(r"[\r\n]([^\S\r\n]*\S[^\r\n]*)")
"""The first line with text below the line on which a text begins."""
BRACKET = re.compile(
    r'''("""[\s\S]*?(?:"""|\Z)|\'{3}[\s\S]*?(?:\'{3}|\Z)|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\#.*)'''
    r"|([(\[{])|[)\]}]"
)
"""A string, which may have several lines, or a comment (group 1), an opening bracket (group 2), or a closing one."""


def columns(line: str) -> int:
    r"""How far a line is indented; a tab fills up to the next multiple of four.

    >>> columns("    x"), columns("\tx"), columns("x")
    (4, 4, 0)
    """
    line = line.expandtabs(TAB_COLUMNS)
    return len(line) - len(line.lstrip(" "))


def brackets_open(code: str) -> int:
    r"""How many brackets are open at the end of some code; those inside strings and comments do not count.

    >>> brackets_open("f(x, [1, 2"), brackets_open("f(')'"), brackets_open("x)"), brackets_open(r"'it\'s ('")
    (2, 1, 0, 0)
    """
    depth = 0
    for ignored, opening in BRACKET.findall(code):
        if not ignored:
            depth = depth + 1 if opening else max(0, depth - 1)
    return depth


def dedents(text: str, cursor: Cursor) -> int | None:
    r"""Where a completion leaves the cursor's block: the end of its last line with text before one that is indented less.

    The block is indented as the text before the cursor on its line is. While a bracket is open, indentation says nothing.
    None if the completion stays inside; a cursor at the top level has no block to leave. A string of several lines is
    not recognised: one whose lines are indented less than the block ends the completion.

    >>> cursor = Cursor("def f(x):\n    ", 14)
    >>> text = "return x\n\n\ndef g():\n    pass"
    >>> text[: dedents(text, cursor)]
    'return x'
    >>> dedents("return (\n  x\n)", cursor) is None
    True
    """
    return falls_below(columns(cursor.line_prefix), text, cursor)


def ends_statement(text: str, cursor: Cursor) -> int | None:
    r"""Where a completion goes on to a further statement, although one was begun before the cursor on its line.

    Who has typed `return ` wants that line; who has typed `def area(` wants its block too, since what is indented more
    belongs to the statement. None on a line that is still blank, where several statements may be wanted.

    >>> cursor = Cursor("left = 0\nright = ", 17)
    >>> text = "len(items) - 1\nwhile left < right:"
    >>> text[: ends_statement(text, cursor)]
    'len(items) - 1'
    """
    return falls_below(columns(cursor.line_prefix) + 1, text, cursor) if cursor.line_prefix.strip() else None


def falls_below(least_columns: int, text: str, cursor: Cursor) -> int | None:
    """The end of the last line with text before the first one that is indented less and stands in no open bracket."""
    above = cursor.prefix[-CHARACTERS_ABOVE:]
    for start, end in line_spans(text)[1:]:
        line = text[start:end]
        if line.strip() and columns(line) < least_columns and not brackets_open(above + text[:start]):
            return len(text[:start].rstrip())
    return None


def repeats_suffix(text: str, cursor: Cursor) -> int | None:
    r"""Where a completion begins to repeat what stands below: the end of its last line with text before that.

    What stands below is the next line with text under the cursor's own; it is compared whole, indentation included. A line of
    the completion counts once a newline follows it, since before that it may still go on: when the model has ended, ask
    with the rest of the cursor's line and a newline added.

    >>> cursor = Cursor("total = 0\n\nprint(total)\n", 10)
    >>> text = "total += 1\nprint(total)\n"
    >>> text[: repeats_suffix(text, cursor)]
    'total += 1'
    """
    below = NEXT_LINE.search(cursor.suffix)
    if not below or len(re.findall(r"\w", below[1])) < FEWEST_WORD_CHARACTERS:
        return None
    typed = len(cursor.line_prefix)
    lines = cursor.line_prefix + text
    for start, end in line_spans(lines)[:-1]:
        if lines[start:end].rstrip() == below[1].rstrip():
            return len(text[: max(0, start - typed)].rstrip())
    return None


def repeats_itself(text: str, cursor: Cursor) -> int | None:
    r"""Where a completion begins to turn in a circle: the end of its last line before two lines that it has written already.

    Small models circle, and a circle once begun has no reason to end. Two lines in a row, blank ones left out, are compared
    whole with all such pairs before them; a line counts once a newline follows it. One line alone may come twice, as
    `return None` often does.

    >>> cursor = Cursor("def f(x):\n    ", 14)
    >>> text = "if not x:\n        return\n    if not x:\n        return\n    if"
    >>> text[: repeats_itself(text, cursor)]
    'if not x:\n        return'
    """
    typed = len(cursor.line_prefix)
    lines = cursor.line_prefix + text
    spans = [(start, end) for start, end in line_spans(lines)[:-1] if lines[start:end].strip()]
    written = set()
    for (start, middle), (second, end) in pairwise(spans):
        pair = lines[start:middle].rstrip(), lines[second:end].rstrip()
        if pair in written and len(re.findall(r"\w", "".join(pair))) >= 2 * FEWEST_WORD_CHARACTERS:
            return len(text[: start - typed].rstrip())
        written.add(pair)
    return None
