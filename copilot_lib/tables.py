"""Draws the sums of an evaluation as tables for a terminal, or for any page.

It knows the rows that `report` makes; it does not know replies or metrics.
"""

from collections.abc import Callable, Iterable, Sequence

from copilot_lib import paired
from copilot_lib.report import MAIN_VIEW
from copilot_lib.scoreboard import aligned
from copilot_lib.strata import STRATA

LEVEL = 0.05
"""A difference of exact answers is called clear where chance gives as large a one less often."""


def per_cent(interval: Sequence[float]) -> str:
    """A share with its interval.

    >>> per_cent([0.1234, 0.1, 0.15])
    '12.3 (10-15)'
    """
    mean, low, high = (100 * number for number in interval)
    return f"{mean:.1f} ({low:.0f}-{high:.0f})"


def share(interval: Sequence[float] | None) -> str:
    """A share without its interval; a dash where there is none."""
    return f"{100 * interval[0]:.1f}" if interval else "-"


COLUMNS: dict[str, Callable[[dict], str]] = {
    "exact %": lambda row: per_cent(row["exact"]),
    "stripped": lambda row: share(row["stripped"]),
    "similarity": lambda row: share(row["similarity"]),
    "names F1": lambda row: share(row["identifier_f1"]),
    "parses": lambda row: share(row["parses_in_place"]),
    "empty": lambda row: share(row["empty"]),
    "ended": lambda row: share(row["ended"]),
    "bits/byte": lambda row: f"{row['bits_per_byte'][0]:.3f}" if "bits_per_byte" in row else "-",
    "seen": lambda row: share(row["seen"]),
    "unseen": lambda row: share(row["unseen"]),
}
"""What stands beside a contestant's name. Shares are in per cent, and count an answer's first line, or a whole block."""


def kinds(record: dict) -> list[str]:
    """The kinds of cursor in a record, in its order."""
    return list(dict.fromkeys(row["kind"] for row in record["table"]))


def only(rows: Iterable[dict], **wanted) -> list[dict]:
    """The rows that have these values."""
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def plain(name: str) -> str:
    """A contestant's name in a table."""
    return name.removeprefix("baseline:")


def main_table(record: dict, kind: str) -> list[tuple[str, ...]]:
    """The cells of one kind's table, its head first."""
    made = [("", *COLUMNS)]
    for row in only(record["table"], kind=kind, view=MAIN_VIEW):
        name = row["contestant"]
        raw = only(record["table"], kind=kind, view="raw", contestant=name)[0]
        by_seen = {one["seen"]: one["exact"] for one in only(record["seen"], kind=kind, contestant=name)}
        whole = row | {"ended": raw["ended"], "seen": by_seen.get(True), "unseen": by_seen.get(False)}
        made.append((plain(name), *(column(whole) for column in COLUMNS.values())))
    return made


def strata_table(record: dict, name: str) -> list[tuple[str, ...]]:
    """One contestant's exact answers by kind and by where the names stand, with the number of targets."""
    made = [(f"exact % of {name}", *STRATA)]
    for kind in kinds(record):
        rows = {row["stratum"]: row for row in only(record["strata"], kind=kind, contestant=name)}
        cells = (f"{share(rows[s]['exact'])} of {rows[s]['targets']}" if s in rows else "-" for s in STRATA)
        made.append((kind, *cells))
    return made


def pairs_table(record: dict, first: str, second: str) -> list[tuple[str, ...]]:
    """By how much the second is ahead of the first, in points, and what one alone got right."""
    made = [
        (
            f"{plain(second)} against {plain(first)}",
            "exact: points",
            "it alone",
            "the other alone",
            "p",
            "similarity",
            "bits/byte",
        )
    ]
    for kind in kinds(record):
        rows = {row["metric"]: row for row in only(record["pairs"], kind=kind, first=first, second=second)}
        exact = rows["exact"]
        bits = rows.get("bits_per_byte")
        counts = str(exact["only_second"]), str(exact["only_first"]), f"{exact['p']:.2g}"
        less = f"{bits['difference'][0]:+.3f}" if bits else "-"
        made.append((kind, points(exact["difference"]), *counts, points(rows["similarity"]["difference"]), less))
    return made


def in_short(record: dict, first: str, second: str) -> str:
    """What a comparison of two comes to: at how many kinds of cursor a difference is clear of zero, and of McNemar's test.

    >>> pair = {"kind": "block", "first": "a", "second": "b"}
    >>> exact = {"metric": "exact", "difference": [0.1, 0.02, 0.2], "p": 0.01}
    >>> bits = {"metric": "bits_per_byte", "difference": [0, -1, 1]}
    >>> print(in_short({"table": [pair], "pairs": [pair | exact, pair | bits]}, "a", "b"))
    In short, b beside a at 1 kinds of cursor:
    exact answers clearly more at 1, fewer at 0; bits (fewer are better) clearly fewer at 0, more at 0
    >>> print(in_short({"table": [pair], "pairs": [pair | exact | {"p": 0.25}, pair | bits]}, "a", "b"))
    In short, b beside a at 1 kinds of cursor:
    exact answers clearly more at 0, fewer at 0; bits (fewer are better) clearly fewer at 0, more at 0
    """

    def clear(metric: str, said: str) -> int:
        rows = only(record["pairs"], first=first, second=second, metric=metric)
        return sum(paired.verdict(row["difference"], 0) == said and row.get("p", 0) < LEVEL for row in rows)

    exact = f"exact answers clearly more at {clear('exact', 'better')}, fewer at {clear('exact', 'worse')}"
    fewer, more = (clear("bits_per_byte", said) for said in ("worse", "better"))
    bits = f"bits (fewer are better) clearly fewer at {fewer}, more at {more}"
    return f"In short, {plain(second)} beside {plain(first)} at {len(kinds(record))} kinds of cursor:\n{exact}; {bits}"


def points(interval: Sequence[float]) -> str:
    """A difference of shares in points, with its interval.

    >>> points([0.05, -0.01, 0.11])
    '+5.0 (-1 to +11)'
    """
    mean, low, high = (100 * number for number in interval)
    return f"{mean:+.1f} ({low:+.0f} to {high:+.0f})"


def text(record: dict) -> str:
    """The whole record for a terminal."""
    names = list(dict.fromkeys(row["contestant"] for row in record["table"]))
    blocks = []
    for kind in kinds(record):
        head, *rows = main_table(record, kind)
        row = only(record["table"], kind=kind)[0]
        blocks.append(f"{kind}: {row['targets']} places in {row['files']} files\n{aligned([head, *rows])}")
    blocks += [aligned(strata_table(record, name)) for name in names if not name.startswith("baseline:")]
    couples = dict.fromkeys((row["first"], row["second"]) for row in record["pairs"])
    blocks += [aligned(pairs_table(record, *couple)) for couple in couples]
    return "\n\n".join(blocks)
