"""Finds pieces of the repository whose vectors are near that of a place, in an index that follows the files.

It knows vectors and where they are kept; it does not know how a text becomes one. All vectors are compared with the place's:
at some hundred thousand pieces that takes milliseconds, and nothing is missed.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import RLock

import numpy

from copilot_lib.context.chunks import chunks, terms
from copilot_lib.context.embedding import Embedder
from copilot_lib.context.pieces import Piece, Pieces, Version
from copilot_lib.context.project import Project

FORMAT = 1
FILES_AT_ONCE = 16
"""So many files are written together: a run that is killed loses no more than those."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS about (made_by TEXT);
CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, modified_ns INTEGER, size INTEGER);
CREATE TABLE IF NOT EXISTS pieces (file TEXT, first_line INTEGER, last_line INTEGER, vector BLOB);
CREATE INDEX IF NOT EXISTS by_file ON pieces (file);
"""
ALL_PIECES = """
SELECT file, first_line, last_line, vector, modified_ns, size FROM pieces JOIN files ON file = name ORDER BY file, first_line
"""


class VectorIndex(Pieces):
    """The vectors of a project's pieces, in a database file, or in memory where none is named.

    Each group of files is written whole or not at all. A file that is no such database, or holds the vectors of another
    embedder, is made anew.
    """

    method = "embeddings"

    def __init__(self, project: Project, embedder: Embedder, file: Path | None = None):
        super().__init__(project)
        self._embedder = embedder
        self._lock = RLock()
        self._file = file
        self._database = self._open()
        rows = self._database.execute("SELECT name, modified_ns, size FROM files")
        self._known = {name: Version(*version) for name, *version in rows}
        self._loaded: tuple[list[Piece], numpy.ndarray, numpy.ndarray] | None = None

    def _open(self) -> sqlite3.Connection:
        made_by = f"{FORMAT}: {self._embedder.name}"
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            try:
                found = connection(self._file)
                whole = found.execute("PRAGMA quick_check").fetchall() == [("ok",)]
                if whole and found.execute("SELECT made_by FROM about").fetchall() in ([], [(made_by,)]):
                    return begun(found, made_by)
                found.close()
            except sqlite3.DatabaseError:
                pass  # no database, or half of one
            self._file.unlink(missing_ok=True)
        return begun(connection(self._file), made_by)

    def _write(self, changed: Iterable[str], gone: Iterable[str] = ()) -> bool:
        with self._lock:
            try:
                self._replace([(name, None, []) for name in gone])
                changed = list(changed)
                for start in range(0, len(changed), FILES_AT_ONCE):
                    self._replace(self._read(changed[start : start + FILES_AT_ONCE]))
            except sqlite3.OperationalError:  # another process has locked the file
                return False
            return True

    def _read(self, names: Sequence[str]) -> list[tuple[str, Version | None, list[tuple[int, int, bytes]]]]:
        """The pieces of some files with their vectors."""
        read, texts = [], []
        for name in names:
            version = self._version(name)  # before the file is read, so that what is read is never older than it
            text = self._project.stored(self._project.path(name)) if version else None
            lines = (text or "").split("\n")
            spans = [span for span in (chunks(text) if text else ()) if terms("\n".join(lines[slice(*span)]))]
            read.append((name, version, spans))
            texts += ["\n".join(lines[slice(*span)]) for span in spans]
        vectors = iter(self._embedder.vectors(texts).astype(numpy.float16) if texts else ())
        return [(name, version, [(a + 1, b, next(vectors).tobytes()) for a, b in spans]) for name, version, spans in read]

    def _replace(self, files: Sequence[tuple[str, Version | None, list[tuple[int, int, bytes]]]]) -> None:
        """Writes some files' pieces in the place of older ones, all or none; those without a version are gone."""
        with self._database:
            for name, version, pieces in files:
                self._database.execute("DELETE FROM pieces WHERE file = ?", (name,))
                self._database.execute("DELETE FROM files WHERE name = ?", (name,))
                if version:
                    self._database.execute("INSERT INTO files VALUES (?, ?, ?)", (name, *version))
                    self._database.executemany("INSERT INTO pieces VALUES (?, ?, ?, ?)", ((name, *one) for one in pieces))
        for name, version, _ in files:
            if version:
                self._known[name] = version
            else:
                self._known.pop(name, None)
        if files:
            self._loaded = None

    def _best(self, text: str, limit: int, leave_out: Iterable[str]) -> list[tuple[float, Piece]]:
        with self._lock:
            self._loaded = self._loaded or self._load()
            pieces, mean, directions = self._loaded
        if not pieces or not terms(text):
            return []
        likeness = directions @ direction(self._embedder.vectors([text]) - mean)[0]
        out, found = frozenset(leave_out), []
        for n in numpy.argsort(-likeness):
            if len(found) == limit:
                break
            if pieces[n].file not in out:
                found.append((float(likeness[n]), pieces[n]))
        return found

    def _load(self) -> tuple[list[Piece], numpy.ndarray, numpy.ndarray]:
        """All pieces, the mean of their vectors, and each one's direction from the mean.

        From the mean, since hidden states have so much in common that all would seem near to all.
        """
        rows = self._database.execute(ALL_PIECES).fetchall()
        pieces = [Piece(file, first, last, Version(*version)) for file, first, last, _, *version in rows]
        if not rows:
            return [], numpy.zeros(1, numpy.float32), numpy.zeros((0, 1), numpy.float32)
        vectors = numpy.frombuffer(b"".join(row[3] for row in rows), numpy.float16).reshape(len(rows), -1).astype(numpy.float32)
        mean = vectors.mean(0)
        return pieces, mean, direction(vectors - mean)


def connection(file: Path | None) -> sqlite3.Connection:
    """A connection to a file, or to memory, that several threads may use in turn, with the tables that an index has."""
    made = sqlite3.connect(file or ":memory:", check_same_thread=False, timeout=1)
    made.executescript(SCHEMA)
    return made


def begun(database: sqlite3.Connection, made_by: str) -> sqlite3.Connection:
    """The same, which says who made its vectors."""
    with database:
        database.execute("DELETE FROM about")
        database.execute("INSERT INTO about VALUES (?)", (made_by,))
    return database


def direction(vectors: numpy.ndarray) -> numpy.ndarray:
    """Each row at length 1; a row of zeros stays.

    >>> direction(numpy.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    return vectors / numpy.maximum(numpy.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
