r"""Finds the place of an accepted completion in files as they are now, and what stands there.

It knows events and texts; it does not know why anybody asks, or what is learnt. A place is known again by the lines around it:
the three above the cursor and its own line up to there, word for word, and the next line below, which must follow not far on.

>>> event = Event("a", "accepted", 5, None, "", "pocket", "def area(w, h):\n    result = ", "\n    return result\n", "w + h")
>>> file = SourceFile("a.py", "def area(w, h):\n    result = w * h\n    return result\n")
>>> around = Around.of(event)
>>> [(place.line, place.now) for place in places("w + h", around, lines_of([file], {around.key})[around.key])]
[(2, 'w * h')]
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from copilot_lib.cursor import LINE_END
from copilot_lib.feedback import CHARACTERS_AROUND, Event
from copilot_lib.repository import SourceFile

ABOVE = 3
"""Lines above the cursor, blank ones not counted, that must stand in the file as they were."""
REACH = 20
"""Within so many lines the one that was below the cursor must follow."""
MOST_MORE = 3
"""So many lines more than were accepted a correction may have."""
LEAST_WORDS = 3
"""Different words around a place without which it could be anywhere."""


@dataclass(frozen=True)
class Around:
    r"""The text on both sides of a cursor, with `\n` alone and without the lines that were kept only in half.

    Half a line could hide a secret from a scanner, and is no line that stands in a file.
    """

    prefix: str
    suffix: str

    @classmethod
    def of(cls, event: Event) -> "Around":
        """What an event says of it."""
        prefix, suffix = (LINE_END.sub("\n", text) for text in (event.prefix, event.suffix))
        if len(event.prefix) >= CHARACTERS_AROUND:
            prefix = prefix.partition("\n")[2]
        if len(event.suffix) >= CHARACTERS_AROUND:
            suffix = suffix.rpartition("\n")[0]
        return cls(prefix, suffix)

    @cached_property
    def above(self) -> list[str]:
        """The last lines above the cursor's own: three with text, and the blank ones between."""
        lines = self.prefix.split("\n")[:-1]
        with_text = [number for number, line in enumerate(lines) if line.strip()]
        return lines[with_text[-ABOVE:][0] :] if with_text else []

    @cached_property
    def anchor(self) -> str:
        """What must stand before the place, from the beginning of a line."""
        return "\n".join([*self.above, self.prefix.split("\n")[-1]])

    @cached_property
    def below(self) -> str | None:
        """The first line with text below the cursor's own; None where there is none."""
        return next((line.rstrip() for line in self.suffix.split("\n")[1:] if line.strip()), None)

    @property
    def line_suffix(self) -> str:
        """The rest of the cursor's line."""
        return self.suffix.split("\n")[0].rstrip()

    @cached_property
    def key(self) -> str | None:
        """The line to look for first; None where what is around could stand anywhere."""
        words = set(re.findall(r"\w{2,}", f"{self.anchor}\n{self.below or ''}"))
        return max(self.above, key=len) if self.above and len(words) >= LEAST_WORDS else None

    @property
    def key_offset(self) -> int:
        """Where that line begins in the anchor."""
        return sum(len(line) + 1 for line in self.above[: self.above.index(self.key)])


@dataclass(frozen=True)
class Place:
    """A place in a file that an event can be of."""

    file: str
    line: int
    """Counted from 1."""
    now: str
    """What stands there."""


Lines = Iterable[tuple[SourceFile, int]]


def lines_of(files: Iterable[SourceFile], wanted: set[str]) -> dict[str, Lines]:
    """Where some lines stand: for each its files, and the offsets at which it begins."""
    found = defaultdict(list)
    for file in files:
        at = 0
        for line in file.text.split("\n"):
            if line in wanted:
                found[line].append((file, at))
            at += len(line) + 1
    return found


def places(text: str, around: Around, lines: Lines) -> Iterator[Place]:
    """The places that an accepted text can be of; `lines` are where its key stands."""
    for file, key_at in lines:
        start = key_at - around.key_offset
        if start < 0 or not file.text.startswith(around.anchor, start) or (start and file.text[start - 1] != "\n"):
            continue
        at = start + len(around.anchor)
        now = between(file.text[at:], text, around)
        if now is not None:
            yield Place(file.path, file.text.count("\n", 0, at) + 1, now)


def between(rest: str, text: str, around: Around) -> str | None:
    """What stands between a place and the text that was behind it; None where that does not follow."""
    accepted_lines = text.rstrip("\n").count("\n") + 1
    lines = list(islice(rest.split("\n"), accepted_lines + REACH))
    ends = [number for number, line in enumerate(lines) if number and line.rstrip() == around.below]
    if around.below is not None and not ends:
        return None
    whole = text + around.line_suffix
    if rest.startswith(whole) and not rest[len(whole) :].partition("\n")[0].strip():
        return text
    last = ends[0] if ends and ends[0] <= accepted_lines + MOST_MORE else accepted_lines
    now = "\n".join(lines[:last]).rstrip()
    return now.removesuffix(around.line_suffix) if now.endswith(around.line_suffix) else None
