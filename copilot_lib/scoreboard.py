"""A small running scoreboard: the same sixty frozen cursors, asked of every method that the chapters build.

It knows answers and scores; it does not know how a method completes. The full protocol is `evaluate`'s.
"""

import html
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from copilot_lib.cursor import Cursor
from copilot_lib.metrics import exact, similarity, stripped
from copilot_lib.targets import Target

FILE = Path(__file__).parent / "scoreboard.json"


@dataclass(frozen=True)
class Row:
    """How one method did: shares of exact matches and of edit similarity, over all targets."""

    name: str
    exact: float
    stripped: float
    similarity: float
    n: int


def targets() -> list[Target]:
    """The frozen targets: rest-of-line gaps from networkx, which is held out from the pocket model's training."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))["targets"]
    return [Target(Cursor(r["prefix"] + r["suffix"], len(r["prefix"])), r["reference"], r["file"]) for r in rows]


def score(name: str, predict: Callable[[Cursor], str], asked: list[Target] | None = None) -> Row:
    """Asks a method at every target; an empty answer counts like any other.

    Only the first line of an answer is compared, since every target is one line; `exact` compares it as it is, `stripped`
    without blanks at its ends, and `similarity` is 1 minus the edit distance over the longer of the two.
    """
    asked = targets() if asked is None else asked
    answers = [(predict(target.cursor).split("\n")[0], target) for target in asked]
    shares = (sum(metric(*pair) for pair in answers) / len(asked) for metric in (exact, stripped, similarity))
    return Row(name, *shares, len(asked))


class Table:
    """Rows as a table, in a notebook and in a terminal."""

    HEAD = ("method", "exact match", "stripped", "edit similarity", "targets")

    def __init__(self, rows: Iterable[Row]):
        self.rows = list(rows)

    def cells(self) -> list[tuple[str, ...]]:
        return [(r.name, f"{r.exact:.1%}", f"{r.stripped:.1%}", f"{r.similarity:.2f}", str(r.n)) for r in self.rows]

    def __repr__(self) -> str:
        return aligned([self.HEAD, *self.cells()])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(c)}</th>" for c in self.HEAD)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in self.cells())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def aligned(table: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines: the first column flush left, the others right.

    >>> print(aligned([("name", "n"), ("a", "10")]))
    name   n
    a     10
    """
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [[row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))] for row in table]
    return "\n".join("  ".join(line) for line in lines)


def table(rows: Iterable[Row]) -> Table:
    """The scoreboard, ready to be shown."""
    return Table(rows)
