"""Says where a completion should end, from its text and the text around the cursor.

It knows lines, indentation and brackets of Python-like code; it does not know tokens, models or how the text was made.
All rules may be asked while the text still grows: a position, once given, does not change with what is added.
"""

import re
from collections.abc import Callable

from copilot_lib.cursor import Cursor, line_spans

CHARACTERS_ABOVE = 20_000
"""How far before the cursor an open bracket is looked for, so that a long file costs no more than a short one."""
DEFINITIONS = ("\ndef ", "\nasync def ", "\nclass ", "\n@")
"""How a line begins that stands in no bracket and in no string."""
CLAUSES = ("elif", "else", "except", "finally")
"""Words that go on with the statement above, though they stand no further right than it does."""
TAB_COLUMNS = 4
TRIPLE = ('"""', "'''")
FEWEST_WORD_CHARACTERS = 3
"""A line with fewer, such as `)` or `x`, occurs twice without being a repetition."""
NEXT_LINE = re.compile(r"[\r\n]([^\S\r\n]*\S[^\r\n]*)")
"""The first line with text below the line on which a text begins."""
CIRCLE_PERIODS = range(8, 41)
CIRCLES = [re.compile(rf"(?:(?<!\w)|(?=\W))(.{{{period}}})\1\1") for period in CIRCLE_PERIODS]
"""One expression for each period: a piece written three times, not from the middle of a word. Shorter ones are tables."""
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

    A string of several lines that is still open counts as one: in it, as in brackets, indentation says nothing.

    >>> brackets_open("f(x, [1, 2"), brackets_open("f(')'"), brackets_open("x)"), brackets_open(r"'it\'s ('")
    (2, 1, 0, 0)
    >>> brackets_open("'''A list (of"), brackets_open("'''A list (of names).'''")
    (1, 0)
    """
    depth = 0
    for ignored, opening in BRACKET.findall(code):
        if ignored:
            depth += ignored[:3] in TRIPLE and (len(ignored) < 6 or not ignored.endswith(ignored[:3]))
        else:
            depth = depth + 1 if opening else max(0, depth - 1)
    return depth


def code_above(cursor: Cursor) -> str:
    """The text before the cursor from its last unindented definition on: no bracket and no string is open there.

    Where there is none near enough, as many characters as are looked at.
    """
    start = max(cursor.prefix.rfind(word, -CHARACTERS_ABOVE) for word in DEFINITIONS)
    return cursor.prefix[start if start >= 0 else -CHARACTERS_ABOVE :]


def dedents(text: str, cursor: Cursor) -> int | None:
    r"""Where a completion leaves the cursor's block: the end of its last line with text before one that is indented less.

    The block is indented as the text before the cursor on its line is. While a bracket or a string of several lines is
    open, indentation says nothing. None if the completion stays inside; a cursor at the top level has no block to leave.

    >>> cursor = Cursor("def f(x):\n    ", 14)
    >>> text = "return x\n\n\ndef g():\n    pass"
    >>> text[: dedents(text, cursor)]
    'return x'
    >>> dedents("return (\n  x\n)", cursor) is None
    True
    """
    block = columns(cursor.line_prefix)
    return first_outside(text, cursor, lambda line: columns(line) < block)


def ends_statement(text: str, cursor: Cursor) -> int | None:
    r"""Where a completion goes on to a further statement, although one was begun before the cursor on its line.

    Who has typed `return ` wants that line; who has typed `def area(` wants its block too, and who has typed `try` the
    `except`: what is indented more, and the clauses that follow, belong to the statement. None where several
    statements may be wanted: on a line that is still blank, after a comment, and after what leads to the next line.

    >>> cursor = Cursor("left = 0\nright = ", 17)
    >>> text = "len(items) - 1\nwhile left < right:"
    >>> text[: ends_statement(text, cursor)]
    'len(items) - 1'
    """
    begun = cursor.line_prefix.strip()
    if not begun or begun.startswith(("#", "@")) or begun.endswith("\\"):
        return None
    own = columns(cursor.line_prefix)
    return first_outside(text, cursor, lambda line: columns(line) < own or (columns(line) == own and not goes_on(line)))


def goes_on(line: str) -> bool:
    """Whether a line is a further clause of the statement above it, or still may become one as it grows.

    >>> goes_on("    else:"), goes_on("    exc"), goes_on("    excuse")
    (True, True, False)
    """
    word = re.match(r"\w*", line.strip())[0]
    return word in CLAUSES or (word == line.strip() and any(clause.startswith(word) for clause in CLAUSES))


def first_outside(text: str, cursor: Cursor, leaves: Callable[[str], bool]) -> int | None:
    """The end of the last line with text before the first one that leaves, in no open bracket, what the cursor is in."""
    above = code_above(cursor)
    for start, end in line_spans(text)[1:]:
        line = text[start:end]
        if line.strip() and leaves(line) and not brackets_open(above + text[:start]):
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
    r"""Where a completion begins to turn in a circle: the end of its last line before lines that it has just written.

    Small models circle, and a circle once begun has no reason to end. Two lines or more that come twice without others
    between are a circle, and so is one line that comes three times. Blank lines are left out; a line counts once a newline
    follows it.

    >>> cursor = Cursor("def f(x):\n    ", 14)
    >>> text = "if not x:\n        return\n    if not x:\n        return\n    if"
    >>> text[: repeats_itself(text, cursor)]
    'if not x:\n        return'
    """
    typed = len(cursor.line_prefix)
    whole = cursor.line_prefix + text
    spans = [(start, end) for start, end in line_spans(whole)[:-1] if whole[start:end].strip()]
    lines = [whole[start:end].rstrip() for start, end in spans]
    for end in range(1, len(lines) + 1):
        for length in range(end // 2, 0, -1):
            block, times = lines[end - length : end], 2 if length > 1 else 3
            if lines[max(0, end - times * length) : end] == block * times and is_worth_comparing(block):
                return max(0, len(whole[: spans[end - (times - 1) * length][0]].rstrip()) - typed)
    return None


def circles_in_line(text: str, cursor: Cursor) -> int | None:
    r"""Where a completion begins to turn in a circle within a line: the end of the first of three equal pieces.

    >>> text = "path.join(os.path.join(os.path.join(os."
    >>> text[: circles_in_line(text, Cursor("os.", 3))]
    'path.join(os.'
    """
    found = (match for circle in CIRCLES for match in circle.finditer(text) if len(re.findall(r"[^\W\d]", match[1])) >= 3)
    first = min(found, key=lambda match: (match.end(), match.start()), default=None)
    return first.end(1) if first else None


def is_worth_comparing(lines: list[str]) -> bool:
    """Whether lines have enough in them to be recognised: those of `[0,\\n0,\\n0]` may come as often as they like."""
    return len(re.findall(r"\w", "".join(set(lines)))) >= FEWEST_WORD_CHARACTERS
