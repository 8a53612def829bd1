"""Keeps the pieces of a project's files in step with the files, whatever they are kept in: what is quoted is never stale.

It knows files and their versions; it does not know how pieces are stored or ranked.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from copilot_lib.context.project import Project, stat_of
from copilot_lib.repository import find

ROUNDS = 3
"""How often a search is repeated because a file that it found has changed since it was read."""


class Version(NamedTuple):
    """What tells one state of a file from another."""

    modified_ns: int
    size: int


def version_of(project: Project, name: str) -> Version | None:
    """The version of a file that is stored now; None where there is no such file."""
    found = stat_of(project.path(name))
    return found and Version(found.st_mtime_ns, found.st_size)


def versions(project: Project) -> dict[str, Version]:
    """The version that is stored now of each file that may be read, in the order of their paths."""
    return {name: version for name in find(project.root) if (version := version_of(project, name))}


class Piece(NamedTuple):
    """A piece as an index keeps it: lines from `first_line` (1-based) to `last_line` of a file, in some version of it."""

    file: str
    first_line: int
    last_line: int
    version: Version
    text: str | None = None
    """Its lines, where the index keeps them: a file that is still in this version need not be read once more."""


@dataclass(frozen=True)
class Hit:
    """A piece that was found: lines from `first_line` (1-based) to `last_line`, in a file that has not changed since."""

    file: str
    first_line: int
    last_line: int
    score: float
    text: str


class Pieces(ABC):
    """An index of pieces that follows its files; how they are kept and ranked is up to what derives from it."""

    method: str
    """What the scores are, in a word or two for people."""

    def __init__(self, project: Project):
        self._project = project
        self._known: dict[str, Version] = {}
        """Of each file that is in the index, the version that was read."""

    @abstractmethod
    def _write(self, changed: Iterable[str], gone: Iterable[str] = ()) -> bool:
        """Puts the present state of files in the place of an older one; False where another process is at it."""

    @abstractmethod
    def _best(self, text: str, limit: int, leave_out: Iterable[str]) -> list[tuple[float, Piece]]:
        """The pieces that fit a text best, with their scores, the best first, and none of the files left out."""

    def refresh(self) -> int:
        """Reads the files that are new or have changed, forgets those that are gone, and says how many those were."""
        there = versions(self._project)
        changed = [name for name, version in there.items() if self._known.get(name) != version]
        gone = [name for name in self._known if name not in there]
        return len(changed) + len(gone) if (changed or gone) and self._write(changed, gone) else 0

    def search(self, text: str, limit: int = 8, leave_out: Iterable[str] = ()) -> list[Hit]:
        """The pieces that fit a text best, the best first, and none of the files left out.

        What is found in a file that has changed is not shown: the file is read again, and the search repeated.
        """
        leave_out = tuple(leave_out)
        for _ in range(ROUNDS):
            found = self._best(text, limit, leave_out)
            stale = {piece.file for _, piece in found if self._version(piece.file) != piece.version}
            if not stale:
                break
            self._write([name for name in stale if self._version(name)], [name for name in stale if not self._version(name)])
        return [hit for score, piece in found if piece.file not in stale and (hit := self._hit(score, piece))]

    def _version(self, name: str) -> Version | None:
        return version_of(self._project, name)

    def _hit(self, score: float, piece: Piece) -> Hit | None:
        """The piece with its text, as it is in the file now."""
        text = piece.text
        if text is None:
            whole = self._project.stored(self._project.path(piece.file))
            if whole is None:
                return None
            text = "\n".join(whole.split("\n")[piece.first_line - 1 : piece.last_line])
        return Hit(piece.file, piece.first_line, piece.last_line, score, text.strip("\n"))
