"""Sums up the records of runs: every way of asking at every repository, beside the base, with intervals and the range of seeds.

It knows records and places; it does not know how a run is done, or what a claim says.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from copilot_lib.ablation import Outcome
from copilot_lib.metrics import interval
from copilot_lib.paired import difference
from copilot_lib.scoreboard import aligned
from copilot_lib.sweep.asking import Asked, asked_of, read, unpacked
from copilot_lib.sweep.plan import ALONE

SCORES = {"exact": False, "similarity": False, "bits": True}
"""What is summed up, and whether it is a sum over the bytes of the reference."""
BASE = "base"


def records(folder: Path) -> dict[str, dict]:
    """All records that there are, by their names."""
    found = {file.stem: read(file) for file in sorted(folder.glob("*.json"))}
    return {name: record for name, record in found.items() if record}


def gone(before: Sequence[dict], now: Sequence[dict]) -> list[str]:
    """The runs that had more rows before, or rows of more seeds, each at its repository, in order.

    >>> row = {"repository": "shop", "run": "lora-shop", "condition": "alone", "exact_of_seeds": [0.2, 0.3]}
    >>> gone([row, row | {"run": "base"}], [row | {"run": "base"}])
    ['lora-shop at shop']
    >>> gone([row], [row | {"exact_of_seeds": [0.2]}]), gone([row], [row, row | {"condition": "bm25"}])
    (['lora-shop at shop'], [])
    """
    seeds = {(row["repository"], row["run"], row["condition"]): len(row["exact_of_seeds"]) for row in now}
    asked = ((row, (row["repository"], row["run"], row["condition"])) for row in before)
    return sorted(
        {f"{row['run']} at {row['repository']}" for row, key in asked if seeds.get(key, 0) < len(row["exact_of_seeds"])}
    )


def rows(found: dict[str, dict], work: Path) -> list[dict]:
    """A row for each repository, kind of run and condition, in which all seeds that were run are joined.

    Every value is [mean, low, high], with a 95 % interval by resampling files; `above_base` is the difference from the base
    without other files, at the same places. Seeds are averaged target by target first; `seeds` has the mean of each.
    """
    kinds: dict[tuple[str, str, str, str], list[dict]] = {}
    for record in found.values():
        for package, by_condition in record["outcomes"].items():
            for condition in by_condition:
                kinds.setdefault((package, record["group"], record["name"], condition), []).append(record)
    if missing := sorted({package for package, *_ in kinds if f"{BASE}-{package}" not in found}):
        raise ValueError(
            f"there is no record of the base at the places of {', '.join(missing)}: run the sweep without --sum-up"
        )
    made = []
    for (package, _, _, condition), members in sorted(kinds.items(), key=lambda kind: order(*kind[0])):
        asked = asked_of(package, work / "places")
        check_places(package, asked, [*members, found[f"{BASE}-{package}"]])
        of_seeds = [unpacked(member["outcomes"][package][condition]) for member in members]
        first = unpacked(found[f"{BASE}-{package}"]["outcomes"][package][ALONE])
        head = {"repository": package, "run": name_of(members[0]), "condition": condition}
        made.append(head | {"targets": len(first)} | dict(each_score(asked, first, of_seeds)) | costs(members))
    return made


def name_of(record: dict) -> str:
    """A run's name without its seed."""
    return BASE if record["group"] == BASE else f"{record['group']}-{record['name']}"


def order(package: str, group: str, name: str, condition: str) -> tuple:
    """Repository by repository, the base first."""
    return package, group != BASE, group, name, condition


def check_places(package: str, asked: Asked, members: Iterable[dict]) -> None:
    """`ValueError` where a record is about other places."""
    if any(member["places"][package] != asked.fingerprint for member in members):
        raise ValueError(
            f"records of {package} are about other places than those of its release in the plan: delete them, or run anew"
        )


def each_score(asked: Asked, first: Sequence[Outcome], of_seeds: Sequence[Sequence[Outcome]]) -> Iterator[tuple[str, list]]:
    """Each score, how far it is above the first, and its mean for each seed."""
    files = [target.group for target in asked.targets]
    sizes = [len(target.reference.encode()) for target in asked.targets]
    for score, by_bytes in SCORES.items():
        units = sizes if by_bytes else None
        before = [getattr(one, score) for one in first]
        each = [[getattr(one, score) for one in outcomes] for outcomes in of_seeds]
        mean = [sum(values) / len(values) for values in zip(*each, strict=True)]
        yield score, rounded(interval(mean, files, units=units))
        yield f"{score}_above_base", rounded(difference(before, mean, files, units))
        yield f"{score}_of_seeds", rounded(sum(values) / sum(units or [1] * len(values)) for values in each)


def costs(members: Sequence[dict]) -> dict:
    """What the trainings took, and what they came to."""
    trained = [member["training"] for member in members if "training" in member]
    if not trained:
        return {}
    return {
        "cpu_minutes": rounded(one["cpu_minutes"] for one in trained),
        "held_out_loss": rounded(value for one in trained for value in (one["first_loss"], one["best_loss"])),
    }


def rounded(values: Iterable[float]) -> list[float]:
    """As they are written down."""
    return [round(value, 6) for value in values]


def text(made: Sequence[dict]) -> str:
    """The rows as a table: exact answers in per cent, and bits for each byte, each with how far it is above the base."""
    cells = [("repository", "run", "shown", "seeds", "exact %", "above base", "bits/byte", "above base")]
    for row in made:
        exact, above = 100 * row["exact"][0], [100 * value for value in row["exact_above_base"]]
        bits, more = row["bits"][0], row["bits_above_base"]
        cells.append(
            (
                row["repository"],
                row["run"],
                row["condition"],
                str(len(row["exact_of_seeds"])),
                f"{exact:.1f}",
                "{:+.1f} ({:+.1f} to {:+.1f})".format(*above),
                f"{bits:.3f}",
                "{:+.3f} ({:+.3f} to {:+.3f})".format(*more),
            )
        )
    return aligned(cells)
