"""A place in a document: the text, and an offset into it, from which everything before and after follows.

It knows text, lines and columns; it does not know tokens, prompts or editors.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

LINE_END = re.compile(r"\r\n|\n|\r")
"""What ends a line. Not `str.splitlines`: a form feed or U+2028 inside a string would shift every line after it."""
BLANKS = re.compile(r"[ \t]*")


def line_spans(text: str) -> list[tuple[int, int]]:
    r"""Where each line starts and where it ends, its newline not counted; after a last newline comes one empty line.

    >>> line_spans("ab\r\nc\n")
    [(0, 2), (4, 5), (6, 6)]
    """
    ends = [(match.start(), match.end()) for match in LINE_END.finditer(text)]
    return list(zip([0, *(after for _, after in ends)], [*(before for before, _ in ends), len(text)], strict=True))


def one_newline_style(prefix: str, suffix: str) -> tuple[str, str]:
    r"""Both sides with `\n` alone, which is what code models have read.

    >>> one_newline_style("a\r\nb\r", "\nc\r\n")
    ('a\nb', '\nc\n')
    """
    if prefix.endswith("\r") and suffix.startswith("\n"):
        prefix = prefix[:-1]
    return LINE_END.sub("\n", prefix), LINE_END.sub("\n", suffix)


def utf16_length(text: str) -> int:
    """How many UTF-16 units a text has: what the language server protocol counts columns in.

    >>> utf16_length("a"), utf16_length("é"), utf16_length("🐍")
    (1, 1, 2)
    """
    return len(text) + sum(character > "\uffff" for character in text)


def line_at(text: str, line: int) -> tuple[int, int]:
    """The span of a 0-based line; `ValueError` says which lines there are."""
    spans = line_spans(text)
    if not 0 <= line < len(spans):
        raise ValueError(f"line {line} is outside the text: expected 0 to {len(spans) - 1} (counted from 0)")
    return spans[line]


def checked_column(column: int, longest: int, line: int, unit: str) -> int:
    """The column itself; `ValueError` says which columns the line has."""
    if not 0 <= column <= longest:
        raise ValueError(f"column {column} is outside line {line}: expected 0 to {longest} {unit} (counted from 0)")
    return column


@dataclass(frozen=True)
class Cursor:
    r"""A document and a position in it, counted in characters (code points).

    >>> cursor = Cursor("def f(x):\n    return \n", 21)
    >>> cursor.line, cursor.column, cursor.line_prefix
    (1, 11, '    return ')
    >>> cursor.prefix + cursor.suffix == cursor.text
    True

    A cursor between the two halves of a `\r\n` counts as standing at the end of that line.
    """

    text: str
    offset: int

    def __post_init__(self):
        if not 0 <= self.offset <= len(self.text):
            raise ValueError(f"offset {self.offset} is outside the text: expected 0 to {len(self.text)}")

    @classmethod
    def at(cls, text: str, line: int, column: int) -> "Cursor":
        r"""The cursor at a 0-based line and column.

        >>> Cursor.at("one\ntwo", 1, 3).offset
        7
        >>> Cursor.at("one\ntwo", 1, 4)
        Traceback (most recent call last):
        ValueError: column 4 is outside line 1: expected 0 to 3 characters (counted from 0)
        """
        start, end = line_at(text, line)
        return cls(text, start + checked_column(column, end - start, line, "characters"))

    @classmethod
    def at_utf16(cls, text: str, line: int, utf16_column: int) -> "Cursor":
        """The cursor at a 0-based line and a column in UTF-16 units; inside a pair it moves back to the pair's start.

        >>> Cursor.at_utf16("a🐍b", 0, 3).column, Cursor.at_utf16("a🐍b", 0, 2).column
        (2, 1)
        """
        start, end = line_at(text, line)
        left = checked_column(utf16_column, utf16_length(text[start:end]), line, "UTF-16 units")
        offset = start
        while left and (units := utf16_length(text[offset])) <= left:
            left, offset = left - units, offset + 1
        return cls(text, offset)

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        return line_spans(self.text)

    @cached_property
    def _span(self) -> tuple[int, int]:
        return self._spans[self.line]

    @cached_property
    def line(self) -> int:
        """The cursor's line, counted from 0."""
        return bisect_right(self._spans, self.offset, key=lambda span: span[0]) - 1

    @cached_property
    def prefix(self) -> str:
        """Everything before the cursor."""
        return self.text[: self.offset]

    @cached_property
    def suffix(self) -> str:
        """Everything after the cursor; it begins with the rest of the cursor's own line."""
        return self.text[self.offset :]

    @property
    def line_prefix(self) -> str:
        """The text of the cursor's line before the cursor."""
        start, end = self._span
        return self.text[start : min(self.offset, end)]

    @property
    def line_suffix(self) -> str:
        r"""The rest of the cursor's line, without its newline.

        >>> Cursor("print()\n", 6).line_suffix
        ')'
        """
        return self.text[self.offset : self._span[1]]

    @property
    def column(self) -> int:
        """Characters of the line before the cursor."""
        return len(self.line_prefix)

    @property
    def utf16_column(self) -> int:
        """The column in UTF-16 units, as the language server protocol wants it."""
        return utf16_length(self.line_prefix)

    @property
    def indentation(self) -> str:
        """The spaces and tabs that the cursor's line begins with, wherever the cursor is in it."""
        start, end = self._span
        return BLANKS.match(self.text, start, end).group()

    @cached_property
    def newline(self) -> str:
        r"""The first line end found in the text: `\n`, `\r\n` or `\r`; `\n` if it has one line only."""
        found = LINE_END.search(self.text)
        return found.group() if found else "\n"

    def insert(self, text: str) -> "Cursor":
        """The cursor after some text was inserted where it stood.

        >>> Cursor("f()", 2).insert("x")
        Cursor(text='f(x)', offset=3)
        """
        return Cursor(self.prefix + text + self.suffix, self.offset + len(text))
