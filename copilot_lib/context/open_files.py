"""Pieces of the other documents that an editor has open: what was changed in them last, and what is like the place asked about.

It knows documents and words; it does not know the rest of the repository or imports.
"""

from collections.abc import Iterator
from pathlib import Path

from copilot_lib.context.chunks import chunks, terms
from copilot_lib.context.project import Document, Project
from copilot_lib.context.retrieval import around
from copilot_lib.cursor import Cursor
from copilot_lib.snippet import Snippet

LEAST_IN_COMMON = 0.05
"""The part of the words of both that a piece must share with the place to be shown; below lies what any two pieces share."""


def in_common(a: frozenset[str], b: frozenset[str]) -> float:
    """The part of the terms of both that both have (Jaccard).

    >>> in_common(frozenset("ab"), frozenset("bcd"))
    0.25
    """
    return len(a & b) / len(a | b) if a | b else 0.0


def opened(cursor: Cursor, path: Path, project: Project) -> Iterator[Snippet]:
    """One piece of each other open document, that of the document which was changed last first: where it was changed, or else
    the piece most like the lines around the cursor.
    """
    asked = frozenset(terms(around(cursor)))
    for other, document in reversed(project.documents.items()):
        if other != path and project.allowed(other) and (found := best_piece(document, asked)):
            (start, end), reason = found
            text = "\n".join(document.text.split("\n")[start:end]).strip("\n")
            yield Snippet(project.name_of(other), start + 1, end, text, "open", reason)


def best_piece(document: Document, asked: frozenset[str]) -> tuple[tuple[int, int], str] | None:
    """The span of lines to be shown of a document, and why."""
    lines = document.text.split("\n")
    spans = [(start, end) for start, end in chunks(document.text) if any(line.strip() for line in lines[start:end])]
    if document.edited_line is not None:
        # Blank lines are part of no piece: what was written behind them is meant.
        edited = next((span for span in spans if document.edited_line < span[1]), None)
        return edited and (edited, f"changed on line {document.edited_line + 1}")
    likeness = {(a, b): in_common(asked, frozenset(terms("\n".join(lines[a:b])))) for a, b in spans}
    best = max(likeness, key=likeness.get, default=None)
    if best is None or likeness[best] < LEAST_IN_COMMON:
        return None
    return best, f"open, {likeness[best]:.0%} of its words in common"
