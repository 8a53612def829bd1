"""A person who types, the same every time: keys, pauses, jumps and accepted suggestions in a file of a chosen length.

It knows files and keys; it does not know who completes, how fast, or how that is measured.
"""

import random
import re
from collections.abc import Generator
from dataclasses import dataclass

from copilot_lib.cursor import Cursor
from copilot_lib.targets import code_lines, held_out_files

STATEMENTS = 12
WORD = re.compile(r"\s*(\w+|[^\w\s]+)")
LEAST_ACCEPTED = 3
"""Fewer characters are typed sooner than accepted."""


@dataclass(frozen=True)
class Key:
    """A moment at which an editor asks: the cursor, and what has just happened there."""

    cursor: Cursor
    kind: str
    """`jump` to another place, `key`, or `accept` of a suggestion."""


def document(lines: int) -> str:
    """So many lines of networkx, which the pocket model has not seen: whole files, one after the other."""
    text = ""
    for _, more in held_out_files("networkx"):
        text += more
        if text.count("\n") >= lines:
            break
    return "".join(text.splitlines(keepends=True)[:lines])


def typing(text: str, seed: int = 0, statements: int = STATEMENTS) -> Generator[Key, str, None]:
    """The keys of a person who writes some lines of a text again, one here and one there; wants the suggestion at each.

    The first word of a suggestion is accepted where it is the one that the person wants and spares some letters; anything
    else is typed over.

    >>> keys = typing("a = 1\\nb = 2\\nccc = 3 + 4\\n", statements=1)
    >>> next(keys)
    Key(cursor=Cursor(text='a = 1\\nb = 2\\n\\n', offset=12), kind='jump')
    >>> keys.send("ccc = 5").cursor.line_prefix
    'ccc'
    >>> keys.send(" = 5").cursor.line_prefix
    'ccc '
    """
    lines = text.split("\n")
    for number in random.Random(seed).sample(code_lines(text), statements):
        wanted = lines[number].lstrip()
        indent = lines[number][: len(lines[number]) - len(wanted)]
        above = "".join(line + "\n" for line in lines[:number]) + indent
        below = "".join("\n" + line for line in lines[number + 1 :])
        typed, kind = "", "jump"
        while typed != wanted:
            suggestion = yield Key(Cursor(above + typed + below, len(above) + len(typed)), kind)
            rest = wanted[len(typed) :]
            word = WORD.match(suggestion)
            takes = word and len(word[0]) >= LEAST_ACCEPTED and rest.startswith(word[0])
            typed, kind = (typed + word[0], "accept") if takes else (typed + rest[0], "key")
