"""Cuts a file into pieces along its definitions, and names the terms that a piece is found by.

It knows lines, syntax and words; it does not know files or how pieces are ranked.
"""

import keyword
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from tree_sitter import Node

from copilot_lib.context.syntax import TRANSPARENT, parser

MOST_LINES = 10
"""Longer pieces are cut evenly. A small window has room for few lines, which should be the right ones."""
WORD = re.compile(r"[^\W\d]\w+")
PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
DEFINITIONS = frozenset(("function_definition", "class_definition", "decorated_definition"))


def chunks(text: str) -> list[tuple[int, int]]:
    r"""The pieces of a file as spans of lines, counted from 0, the end left out; together they are the whole file.

    A piece is a function, a method, a class's beginning, or what stands between those.

    >>> chunks("import a\n\ndef f():\n    pass\n\nclass C:\n    x = 1\n    def g(self):\n        pass\n")
    [(0, 2), (2, 4), (4, 5), (5, 7), (7, 9)]
    """
    count = text.count("\n") + (not text.endswith("\n"))
    root = parser().parse(text.encode(errors="replace")).root_node
    edges = sorted({0, count, *(edge for edge in definition_edges(root) if edge < count)})
    return [piece for start, end in pairwise(edges) for piece in evenly(start, end)]


def definition_edges(node: Node) -> Iterator[int]:
    """The lines on which a module's or class's definitions begin, and those behind their ends."""
    for child in node.children:
        if child.type in TRANSPARENT:
            yield from definition_edges(child)
        elif child.type in DEFINITIONS:
            yield child.start_point.row
            yield child.end_point.row + 1
            inner = child.child_by_field_name("definition") or child
            if inner.type == "class_definition" and (body := inner.child_by_field_name("body")):
                yield from definition_edges(body)


def evenly(start: int, end: int) -> Iterator[tuple[int, int]]:
    """A span cut into equal spans of `MOST_LINES` at most.

    >>> list(evenly(0, 25))
    [(0, 8), (8, 16), (16, 25)]
    """
    count = -(-(end - start) // MOST_LINES)
    for n in range(count):
        yield start + (end - start) * n // count, start + (end - start) * (n + 1) // count


def terms(text: str) -> list[str]:
    """The words of a text that are no keywords, in lower case, and the parts of those that are compound.

    >>> terms("def readLine(self, max_bytes=None):")
    ['readline', 'read', 'line', 'self', 'max_bytes', 'max', 'bytes']
    """
    return [term for word in WORD.findall(text) for term in of_word(word)]


@lru_cache(1 << 16)
def of_word(word: str) -> tuple[str, ...]:
    """A word, and its parts if it has several."""
    if keyword.iskeyword(word):
        return ()
    parts = [part.lower() for part in PART.findall(word)]
    return (word.lower(), *(part for part in parts if len(part) > 1)) if len(parts) > 1 else (word.lower(),)
