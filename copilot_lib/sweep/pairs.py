"""Sets runs beside each other at the same places, as the claims ask: fewer files, all weights, an older release, together.

It knows records and which of them are a pair; it does not know how a run is done, or what a claim says.
"""

from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from copilot_lib.ablation import Outcome
from copilot_lib.paired import difference
from copilot_lib.scoreboard import aligned
from copilot_lib.sweep.asking import asked_of, unpacked
from copilot_lib.sweep.plan import ALONE
from copilot_lib.sweep.summary import BASE, SCORES, name_of, rounded

Asking = tuple[str, str]
"""A run without its seed (`lora-*` is that of the repository that is asked), and what it is shown."""
BESIDE: tuple[tuple[Asking, Asking], ...] = (
    *((("lora-*", ALONE), (f"files-{count}", ALONE)) for count in (10, 30, 100)),
    (("lora-*", ALONE), ("weaker-*", ALONE)),
    (("lora-*", ALONE), ("longer-*", ALONE)),
    (("lora-*", ALONE), ("whole-*", ALONE)),
    (("lora-*", ALONE), ("undecayed-*", ALONE)),
    (("whole-*", ALONE), ("undecayed-*", ALONE)),
    (("lora-*", ALONE), ("stale-networkx-2-8-8", ALONE)),
    *((("lora-*", ALONE), (f"pooled-{steps}", ALONE)) for steps in (490, 1470)),
    *((("lora-*", ALONE), (f"combined-{way}-70-30", ALONE)) for way in ("ties", "linear", "cat", "svd")),
    *((("lora-*", ALONE), (f"shape-{name}", ALONE)) for name in ("rank-4", "rank-16", "rank-128", "attention", "mlp")),
    (("lora-*", "bm25"), ("retrieval-*", "bm25")),
    ((BASE, "ngrams"), (BASE, "bm25+ngrams")),
    ((BASE, "ngrams"), ("lora-*", "ngrams")),
    ((BASE, "ngrams"), ("weaker-*", "ngrams")),
    (("lora-*", "ngrams"), ("longer-*", "ngrams")),
)
"""What claims set side by side, the one to compare with first."""


def beside(found: dict[str, dict], work: Path) -> list[dict]:
    """A row for each pair of `BESIDE` at each repository where both were asked: how far the second is above the first.

    As in `rows`, with the seeds that both were done with; targets are the same, so the differences are paired.
    """
    made = []
    for package in sorted({package for record in found.values() for package in record["outcomes"]}):
        for first, second in BESIDE:
            runs = [by_seed(found, package, *asking) for asking in (first, second)]
            both = [mean_outcomes(list(of_seeds.values())) for of_seeds in in_common(*runs)]
            if not all(both):
                continue
            asked = asked_of(package, work / "places")
            files = [target.group for target in asked.targets]
            sizes = [len(target.reference.encode()) for target in asked.targets]
            row = {"repository": package} | {
                name: f"{run.replace('*', package)}, {shown}" for name, (run, shown) in (("first", first), ("second", second))
            }
            for score, by_bytes in SCORES.items():
                values = [[getattr(one, score) for one in outcomes] for outcomes in both]
                row[score] = rounded(difference(*values, files, sizes if by_bytes else None))
            made.append(row)
    return made


def by_seed(found: dict[str, dict], package: str, run: str, shown: str) -> dict[int | None, list[Outcome]]:
    """The outcomes of a run for each of its seeds, none where it was not asked so; the base has no seed, which is None."""
    name = run.replace("*", package)
    return {
        record.get("seed"): unpacked(record["outcomes"][package][shown])
        for record in found.values()
        if name_of(record) == name and shown in record["outcomes"].get(package, {})
    }


def in_common(one: dict[int | None, list], other: dict[int | None, list]) -> tuple[dict, dict]:
    """The seeds that both have; what has no seed goes with all of the other's.

    >>> in_common({0: "a", 1: "b"}, {1: "c"}), in_common({None: "a"}, {0: "b", 1: "c"})
    (({1: 'b'}, {1: 'c'}), ({None: 'a'}, {0: 'b', 1: 'c'}))
    """
    if None in one or None in other:
        return one, other
    return {seed: one[seed] for seed in one if seed in other}, {seed: other[seed] for seed in other if seed in one}


def mean_outcomes(of_seeds: Sequence[Sequence[Outcome]]) -> list[Outcome]:
    """The outcomes averaged over seeds, target by target."""
    return [
        Outcome(*(sum(values) / len(of_seeds) for values in zip(*map(astuple, same), strict=True)))
        for same in zip(*of_seeds, strict=True)
    ]


def text(made: Sequence[dict]) -> str:
    """The pairs as a table: by how much the second is above the first, in points of exact match and in bits."""
    cells = [("repository", "first", "second", "exact, points", "bits/byte")]
    for row in made:
        points = "{:+.1f} ({:+.1f} to {:+.1f})".format(*(100 * value for value in row["exact"]))
        bits = "{:+.3f} ({:+.3f} to {:+.3f})".format(*row["bits"])
        cells.append((row["repository"], row["first"], row["second"], points, bits))
    return aligned(cells)
