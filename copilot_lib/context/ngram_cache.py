"""Keeps the n-grams of a project's files, and mixes what they say into a network's scores at a cursor.

It knows files and a codec; it does not know how ids are found again (`ngrams`) or which network is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy

from copilot_lib.codec import Codec
from copilot_lib.context.pieces import Version, versions
from copilot_lib.context.project import Project
from copilot_lib.cursor import Cursor, one_newline_style
from copilot_lib.healing import Vocabulary
from copilot_lib.ngrams import LONGEST, Mix, Ngrams, mixed, together
from copilot_lib.repository import MAX_BYTES
from copilot_lib.sampling import probabilities

NEAR_CHARACTERS = 200_000
"""Of an open file, how far on both sides of the cursor its own runs are counted, and how far behind that a line may begin."""
MOST_BYTES = 40_000_000
"""Of a project's files, how many bytes are counted: the folder that an editor opens may hold all that somebody has. Sympy's 26
million took one core twenty seconds, two after each change, and half a gigabyte for a moment."""
SMALLEST = numpy.finfo(float).tiny
"""So that every id has a score, even if it cannot come."""


@dataclass(frozen=True, eq=False)
class Counted:
    """The n-grams of some files, each in one state."""

    state: int
    """How often the files had changed."""
    ngrams: Ngrams
    numbers: Mapping[str, int]

    def following(self, ids: Sequence[int], but: str) -> list[numpy.ndarray]:
        """As `Ngrams.following`, in all files but one."""
        return self.ngrams.following(ids, self.numbers.get(but))


class NgramCache:
    """The runs of ids in a project's files, as they are stored. A file's own are counted as it is open, at every request.

    >>> import tempfile
    >>> from copilot_lib import models
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "a.py").write_text("shop.open_the_door(key)\\n")
    >>> cache = NgramCache(Project(root), models.codec("pocket")[0])
    >>> cache.refresh()
    1
    """

    def __init__(self, project: Project, codec: Codec):
        self.codec = codec
        self._project = project
        self._known: dict[str, tuple[Version, Sequence[int]]] = {}
        """Of each file the version that was read, and its ids."""
        self.counted = Counted(0, Ngrams([]), {})
        """Never changed but replaced: requests that run go on with the one that they began with."""
        words = Vocabulary(codec)
        self.ends = numpy.array(sorted({*words.beginning("\n").tolist(), codec.end_id}))
        """The ids with which a line may end: every newline, and the end of the answer."""

    def refresh(self) -> int:
        """Reads the files that are new or have changed, forgets those that are gone, and says how many those were.

        Of a project that is larger than `MOST_BYTES`, the first files by their paths.
        """
        there = first(versions(self._project), MOST_BYTES)
        changed = [name for name, version in there.items() if self._known.get(name, (None,))[0] != version]
        gone = [name for name in self._known if name not in there]
        if changed or gone:
            read = {name: (there[name], numpy.array(self._ids(name), dtype=numpy.int32)) for name in changed}
            known = {name: read.get(name) or self._known[name] for name in there}
            numbers = {name: number for number, name in enumerate(known)}
            self.counted = Counted(self.counted.state + 1, Ngrams(ids for _, ids in known.values()), numbers)
            self._known = known
        return len(changed) + len(gone)

    def at(self, path: Path | str) -> "AtFile":
        """What a completer takes as `ngrams`, for a cursor in that file; links that lead to it are followed."""
        return AtFile(self, self.counted.state, self._project.name_of(self._project.path(path).resolve()))

    def _ids(self, name: str) -> list[int]:
        """The ids of a file; none of one that cannot be read or spelled in tokens."""
        try:
            return self.codec.encode_stored(self._project.stored(self._project.path(name)) or "")
        except ValueError:
            return []


@dataclass(frozen=True)
class AtFile:
    """The cache as it is for a cursor in one file: that file counts as the cursor has it, and not as it is stored."""

    cache: NgramCache
    state: int
    """That of what the cache had counted when this was made: in another, an answer that is remembered may be out of date.

    A number, since who remembers answers keeps this with them, and would keep all that was ever counted.
    """
    name: str

    def mix(self, cursor: Cursor) -> Mix:
        """What is to be done with a network's scores behind a cursor.

        That a line ends here, a run of ids may know; whether anything comes after it in the gap, only the network knows.
        So of what ends a line, a newline or the end of the answer, each keeps the share that the network gave it.
        """
        ends, counted = self.cache.ends, self.cache.counted
        before, after = map(self.cache.codec.encode, one_newline_style(*near(cursor)))
        own = Ngrams([before, after])
        last = before[-LONGEST:]

        def mix(written: Sequence[int], scores: numpy.ndarray) -> numpy.ndarray:
            ids = [*last, *written][-LONGEST:]
            network = probabilities(scores)
            both = mixed(network, together(counted.following(ids, self.name), own.following(ids)))
            share = numpy.maximum(network[ends], SMALLEST)
            both[ends] = both[ends].sum() * share / share.sum()
            return numpy.log(numpy.maximum(both, SMALLEST))

        return mix


def first(there: Mapping[str, Version], most_bytes: int) -> dict[str, Version]:
    """The first files that have so many bytes together, not counting those that are too large to be read.

    >>> sizes = {"a.py": 700, "data.py": 2_000_000, "c.py": 300, "d.py": 1}
    >>> [*first({name: Version(0, size) for name, size in sizes.items()}, 1000)]
    ['a.py', 'data.py', 'c.py']
    """
    sizes = accumulate(version.size * (version.size <= MAX_BYTES) for version in there.values())
    return {name: version for (name, version), size in zip(there.items(), sizes, strict=True) if size <= most_bytes}


def near(cursor: Cursor) -> tuple[str, str]:
    """What is around a cursor: whole lines before it, unless they are too long, and `NEAR_CHARACTERS` behind it at most."""
    first = max(0, cursor.offset - 2 * NEAR_CHARACTERS)
    begin = max(first, cursor.text.rfind("\n", first, max(0, cursor.offset - NEAR_CHARACTERS)) + 1)
    return cursor.prefix[begin:], cursor.suffix[:NEAR_CHARACTERS]
