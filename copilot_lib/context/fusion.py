"""Joins what several indexes find into one ranking, by ranks alone: their scores cannot be compared.

It knows rankings; it does not know how one is made.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from copilot_lib.context.pieces import Hit
from copilot_lib.context.retrieval import Searchable

OFFSET = 60
"""Cormack, Clarke and Buettcher's (2009): so large that being found by both counts more than being first of one."""
DEPTH = 3
"""From each ranking so many times as many hits are taken as are asked for."""


def by_ranks(rankings: Sequence[Sequence[Hit]], limit: int) -> list[Hit]:
    """Reciprocal rank fusion: a piece has 1 / (60 + rank) from each ranking that it is in, with ranks from 1.

    >>> a, b, c = (Hit(name, 1, 2, 0.0, "") for name in "abc")
    >>> [(hit.file, round(hit.score, 4)) for hit in by_ranks([[a, b], [b, c]], 2)]
    [('b', 0.0325), ('a', 0.0164)]
    """
    points: dict[tuple[str, int, int], float] = {}
    hits: dict[tuple[str, int, int], Hit] = {}
    for ranking in rankings:
        for rank, hit in enumerate(ranking, start=1):
            key = hit.file, hit.first_line, hit.last_line
            points[key] = points.get(key, 0.0) + 1 / (OFFSET + rank)
            hits.setdefault(key, hit)
    best = sorted(points, key=points.get, reverse=True)[:limit]
    return [replace(hits[key], score=points[key]) for key in best]


class Fused:
    """Several indexes of one project as one."""

    def __init__(self, *indexes: Searchable):
        self._indexes = indexes
        self.method = " and ".join(index.method for index in indexes)

    def refresh(self) -> int:
        """Refreshes each; the most files that one had to read."""
        return max(index.refresh() for index in self._indexes)

    def search(self, text: str, limit: int = 8, leave_out: Iterable[str] = ()) -> list[Hit]:
        """The pieces that most of the indexes have near the top, the best first."""
        leave_out = tuple(leave_out)
        return by_ranks([index.search(text, limit * DEPTH, leave_out) for index in self._indexes], limit)
