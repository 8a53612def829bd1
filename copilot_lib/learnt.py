"""Notes beside an adapter which files it has learnt from, so that nobody asks it about them when the repository has grown.

It knows paths, texts and digests of both; it does not know how files are divided, or who asks. A repository is divided by the
sizes of all its files: with a new one, some that were learnt from are among those to ask about.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from copilot_lib.adapter_files import Folder, read_in
from copilot_lib.repository import SourceFile

LEARNT = "learnt.txt"
MOST_BYTES = 64_000_000
"""Of a million files."""


def marks(repository: str, file: SourceFile) -> set[str]:
    """By what a file is known again: where it is in the repository of that name, and what is in it, wherever it is.

    >>> one, moved = (marks("shop", SourceFile(path, "total = 0")) for path in ("a.py", "money/a.py"))
    >>> len(one | moved), len(one & moved)
    (3, 1)
    """
    known = (f"path:{repository}/{file.path}", f"text:{file.text}")
    return {hashlib.sha256(one.encode()).hexdigest()[:16] for one in known}


def write(folder: Path, found: Iterable[str], before: Sequence[Path] = ()) -> None:
    """Notes marks in a folder, and all that are noted in others, which an adapter went on from."""
    noted = frozenset(found).union(*map(read, before))
    (folder / LEARNT).write_text("".join(f"{mark}\n" for mark in sorted(noted)), encoding="utf-8")


def read(folder: Path) -> frozenset[str]:
    """The marks of what an adapter has learnt from; none where nothing is noted, as with one that somebody else has made."""

    def lines(opened: Folder) -> frozenset[str]:
        if LEARNT not in opened.names():
            return frozenset()
        return frozenset(opened.read(LEARNT, MOST_BYTES).decode(errors="replace").split())

    return read_in(folder, lines)
