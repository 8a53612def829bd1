"""Draws a document at its cursor, with a completion as ghost text, as HTML for a page and as text for a terminal.

It knows cursors and strings; it does not know models, notebooks or where a completion came from.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from copilot_lib.cursor import Cursor, line_spans

LINES_SHOWN = 12
LINES_BEFORE = 7
"""How many of the lines shown come before the cursor's, if there are so many."""

CARET = "▏"
GHOST = "⟦", "⟧"
BLANKS = {" ": "·", "\t": "⇥", "\n": "↵", "\r": "␍"}

# Inline styles, since Colab and the book carry no style sheet of ours; no black or white, so that it reads on both pages.
FRAME = (
    "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:13px;line-height:1.5;white-space:pre;"
    "overflow-x:auto;tab-size:4;margin:.4em 0;padding:.5em .8em;color:inherit;background:rgba(128,128,128,.08);"
    "border:1px solid rgba(128,128,128,.35);border-radius:5px"
)
NUMBER = "opacity:.5;user-select:none"
GHOST_TEXT = "opacity:.65;font-style:italic;background:rgba(128,128,128,.18);border-radius:2px"
CARET_BAR = "display:inline-block;width:2px;height:1.2em;margin:0 -1px;vertical-align:text-bottom;background:#e8590c"
CAPTION = "display:block;opacity:.75;font-family:sans-serif;margin-bottom:.3em;white-space:normal"
BOX = "display:inline-block;padding:0 .25em;margin:1px;border-radius:3px;border:1px solid rgba(128,128,128,.45)"
FILLS = "background:rgba(66,133,244,.16)", "background:rgba(52,168,83,.16)"
GREY = "#808080"
"""Legible on white and on black."""
MARKED = "background:rgba(232,89,12,.28);outline:2px solid #e8590c"


@dataclass(frozen=True, repr=False)
class Picture:
    """Something to look at: a notebook shows the HTML, a terminal the text.

    >>> Picture("<b>bold</b>", "bold")
    bold
    """

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__


def visible(text: str) -> str:
    r"""The text with characters that no page can draw replaced by their symbols; tabs stay.

    >>> visible("a\x00b\tc")
    'a␀b\tc'
    """
    return "".join(symbol(character) for character in text)


def symbol(character: str) -> str:
    """One character as it can be drawn."""
    code = ord(character)
    if code < 32 and character != "\t":
        return chr(0x2400 + code)
    return "␡" if code == 127 else "\ufffd" if 0xD800 <= code <= 0xDFFF else character


def lines_of(text: str) -> list[str]:
    """The lines of a text without their ends, ready to be drawn."""
    return [visible(text[start:end]) for start, end in line_spans(text)]


def window(lines: int, at: int) -> range:
    """The numbers of the lines to show: at most twelve, the cursor's among them.

    >>> window(100, 50), window(5, 0), window(100, 99)
    (range(43, 55), range(0, 5), range(88, 100))
    """
    first = max(0, min(at - LINES_BEFORE, lines - LINES_SHOWN))
    return range(first, min(lines, first + LINES_SHOWN))


class Row(NamedTuple):
    """One line of a picture: what comes before the caret, the ghost text, what comes after."""

    number: str
    before: str
    ghost: str = ""
    after: str = ""
    caret: bool = False


def rows(cursor: Cursor, ghost: str) -> list[Row]:
    r"""The rows to draw; further lines of ghost text have no number, and the rest of the cursor's line follows the last.

    >>> for row in rows(Cursor("f()\n", 2), "a,\nb"):
    ...     print(*row)
    1 f( a,  True
      b ) False
    """
    lines = lines_of(cursor.text)
    if len(lines) > 1 and not lines[-1] and cursor.line < len(lines) - 1:
        lines.pop()
    shown = window(len(lines), cursor.line)
    drawn = [Row(str(line + 1), lines[line]) for line in shown]
    first, *more = lines_of(ghost)
    own = Row(str(cursor.line + 1), visible(cursor.line_prefix), first, "", True)
    block = [own, *(Row("", "", text) for text in more)]
    block[-1] = block[-1]._replace(after=visible(cursor.line_suffix))
    at = cursor.line - shown.start
    return [*drawn[:at], *block, *drawn[at + 1 :]]


def completion(cursor: Cursor, completion: object = None, caption: str = "") -> Picture:
    """The lines around a cursor, with a completion (a `Completion` or a string) as ghost text where it would be inserted.

    >>> completion(Cursor("f()", 2), "x")
    1 │ f(⟦x⟧)
    >>> completion(Cursor("f()", 2), caption="before")
    before
    1 │ f(▏)
    """
    ghost = "" if completion is None else getattr(completion, "text", completion)
    if not isinstance(ghost, str):
        raise TypeError(f"cannot show a {type(ghost).__name__}: expected a completion or a string")
    drawn, caption = rows(cursor, ghost), visible(caption)
    text = as_text(drawn, caption)
    return Picture(as_html(drawn, caption, text), text)


def as_text(drawn: list[Row], caption: str) -> str:
    """The rows for a terminal: ghost text between brackets, a bar where there is none."""
    width = max(len(row.number) for row in drawn)
    block = [row for row in drawn if row.caret or not row.number]
    if len(block) == 1 and not block[0].ghost:
        opening, closing = CARET, ""
    else:
        opening, closing = GHOST
    lines = [caption] if caption else []
    for row in drawn:
        ghost = (opening if row is block[0] else "") + row.ghost + (closing if row is block[-1] else "")
        code = row.before + ghost + row.after
        lines.append(f"{row.number:>{width}} │ {code}" if code else f"{row.number:>{width}} │")
    return "\n".join(lines)


def as_html(drawn: list[Row], caption: str, label: str) -> str:
    """The rows for a page; the label is what a screen reader says."""
    width = max(len(row.number) for row in drawn)
    lines = []
    for row in drawn:
        caret = f'<span style="{CARET_BAR}"></span>' if row.caret else ""
        ghost = f'<span style="{GHOST_TEXT}">{escape(row.ghost)}</span>' if row.ghost else ""
        number = f'<span style="{NUMBER}">{row.number:>{width}}  </span>'
        lines.append(number + escape(row.before) + caret + ghost + escape(row.after))
    return framed("\n".join(lines), caption, label)


def framed(body: str, caption: str, label: str) -> str:
    """A body in a frame, under its caption."""
    head = f'<span style="{CAPTION}">{escape(caption)}</span>' if caption else ""
    # <pre> and not <div>: what converts notebooks keeps blanks as they are only there.
    return f'<pre role="img" aria-label="{escape(label)}" style="{FRAME}">{head}{body}</pre>'


def tokens(pieces: Iterable[str], mark: int | Collection[int] | None = None, caption: str = "") -> Picture:
    r"""Tokens as boxes, blanks made visible, a new line after a newline; `mark` is the number of a box to point at, or several.

    >>> tokens(["return", " x", "\n", "y"], mark=1)
    return│⟦·x⟧│↵
    y
    """
    marked = {mark} if isinstance(mark, int) else set(mark or ())
    pieces = list(pieces)
    shown = [visible("".join(BLANKS.get(character, character) for character in piece)) for piece in pieces]
    breaks = ["\n" if piece.endswith("\n") else "" for piece in pieces]
    words = [f"{GHOST[0]}{text}{GHOST[1]}" if n in marked else text for n, text in enumerate(shown)]
    text = "".join(word + (end or "│") for word, end in zip(words, breaks, strict=True)).removesuffix("│").rstrip("\n")
    boxes = "".join(
        f'<span style="{BOX};{MARKED if n in marked else FILLS[n % 2]}">{escape(text) or "&nbsp;"}</span>{end}'
        for n, (text, end) in enumerate(zip(shown, breaks, strict=True))
    )
    caption = visible(caption)
    text = f"{caption}\n{text}" if caption else text
    return Picture(framed(f'<span style="white-space:pre-wrap">{boxes}</span>', caption, text), text)


def suit_both_pages(drawn) -> None:
    """Makes a matplotlib figure readable on light and dark pages: no background, grey lines and words.

    Words that were given a colour keep it: they stand on something else than the page.
    """
    from matplotlib import rcParams
    from matplotlib.text import Text

    for axes in drawn.axes:
        axes.patch.set_alpha(0)
        axes.tick_params(colors=GREY, which="both")
        for spine in axes.spines.values():
            spine.set_color(GREY)
    for text in drawn.findobj(Text):
        if text.get_color() in (rcParams["text.color"], rcParams["axes.labelcolor"]):
            text.set_color(GREY)


def figure(drawn, description: str) -> Picture:
    """A matplotlib figure for light and dark pages; closes it.

    `description` says in a sentence what the figure shows; it is the alt text, and all that a terminal shows.
    """
    from base64 import b64encode
    from io import BytesIO

    from matplotlib import pyplot

    suit_both_pages(drawn)
    png = BytesIO()
    drawn.savefig(png, format="png", dpi=144, bbox_inches="tight", transparent=True, metadata={"Software": None})
    pyplot.close(drawn)
    data = b64encode(png.getvalue()).decode()
    image = f'<img alt="{escape(description)}" style="max-width:100%" src="data:image/png;base64,{data}">'
    return Picture(image, description)
