"""A project as context sees it: its root, its files as far as they may be read, and the documents that an editor has open.

It knows paths, texts and which of them is newer; it does not know what in them may help at a cursor.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from copilot_lib.context.syntax import Outline, outline
from copilot_lib.repository import SECRET_NAME, LeftOut, load

NOTHING = Outline((), {}, None)
FILES_KEPT = 2000
"""Of so many files the outlines are remembered."""


@dataclass(frozen=True)
class Document:
    """A file that is open in an editor, saved or not, and the line (from 0) on which it was changed last, if it was."""

    text: str
    edited_line: int | None = None


class Project:
    """A folder, of which only what lies inside and may be read is ever read, and what an editor says of it.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "a.py").write_text("x = 1\\n")
    >>> project = Project(root)
    >>> project.read(project.root / "a.py"), project.read(project.root / "../b.py")
    ('x = 1\\n', None)
    >>> project.change("a.py", "x = 1\\ny = 2\\n")
    >>> project.documents[project.root / "a.py"].edited_line
    1
    """

    def __init__(self, root: Path | str):
        self.root = Path(root).resolve()
        if not self.root.is_dir():
            raise ValueError(f"{root} is not a folder: expected the root of a project")
        self.documents: dict[Path, Document] = {}
        """The open documents, the one that was changed last at the end. Never changed but replaced: other threads read it."""
        self._changes: dict[Path, int] = {}
        self._outlines: dict[Path, tuple[tuple, Outline]] = {}

    def path(self, name: Path | str) -> Path:
        """The place of a file that is named from the root, or absolutely; it need not exist."""
        return self.root / name

    def name_of(self, path: Path) -> str:
        """A file's path inside the project, with forward slashes; of a file elsewhere its name alone."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.name

    def allowed(self, path: Path) -> bool:
        """Whether a file or folder may be looked at: it lies inside, no link leads to it, and it is not named like a secret."""
        try:
            real = os.path.realpath(path) == str(path) and not path.is_symlink()
        except (OSError, ValueError):  # no file could have such a name
            return False
        return real and path.is_relative_to(self.root) and not SECRET_NAME.fullmatch(path.name)

    def change(self, name: Path | str, text: str) -> None:
        """An editor has opened a document, or changed it."""
        path = self.path(name)
        before = self.documents.get(path)
        self._changes[path] = self._changes.get(path, 0) + 1
        edited = first_difference(before.text, text) if before else self._edited_line(path, text)
        others = {other: document for other, document in self.documents.items() if other != path}
        self.documents = others | {path: Document(text, edited)}

    def close(self, name: Path | str) -> None:
        """An editor has closed a document."""
        path = self.path(name)
        self.documents = {other: document for other, document in self.documents.items() if other != path}
        self._changes[self.path(name)] = self._changes.get(self.path(name), 0) + 1

    def revision(self, name: Path | str) -> int:
        """How often documents other than this one have been changed: its own changes are in its cursor."""
        return sum(self._changes.values()) - self._changes.get(self.path(name), 0)

    def read(self, path: Path) -> str | None:
        """A file's text, as an editor has it or else as it is stored; None where it may not or cannot be read."""
        if path in self.documents:
            return self.documents[path].text
        return self.stored(path)

    def stored(self, path: Path) -> str | None:
        """A file's text as it is stored; None where it may not or cannot be read."""
        if not self.allowed(path):
            return None
        try:
            return load(self.root, self.name_of(path)).text
        except LeftOut:
            return None

    def outline(self, path: Path) -> Outline:
        """What a file imports and declares; nothing where it cannot be read. Made anew when the file has changed."""
        version = self._version(path)
        if version is None:
            return NOTHING
        if self._outlines.get(path, (None,))[0] != version:
            if len(self._outlines) >= FILES_KEPT:
                self._outlines.clear()
            self._outlines[path] = version, outline(self.read(path) or "")
        return self._outlines[path][1]

    def _version(self, path: Path) -> tuple | None:
        if path in self.documents:
            return (hash(self.documents[path].text),)
        found = stat_of(path)
        return found and (found.st_mtime_ns, found.st_size)

    def _edited_line(self, path: Path, text: str) -> int | None:
        stored = self.stored(path)
        return None if stored is None else first_difference(stored, text)


def stat_of(path: Path) -> os.stat_result | None:
    """A file's metadata; None where there is no such file."""
    try:
        return path.stat()
    except (OSError, ValueError):
        return None


def first_difference(before: str, after: str) -> int | None:
    """The line (from 0) of the later text at which two texts first differ; None where they are equal.

    >>> first_difference("a\\nb\\nc", "a\\nx\\nc"), first_difference("a", "a")
    (1, None)
    """
    if before == after:
        return None
    pairs = zip(before.split("\n"), after.split("\n"), strict=False)
    return next((n for n, (old, new) in enumerate(pairs) if old != new), min(before.count("\n"), after.count("\n")) + 1)
