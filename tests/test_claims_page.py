"""The page of claims says what was measured: every difference that it gives is one of the stored records, or of a chapter."""

import json
import re
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MINUS = "−"
SIGNED = rf"[+{MINUS}]?\d+\.\d+"
GIVEN = re.compile(rf"(?P<bold>\*\*)?(?P<mean>[+{MINUS}]\d+\.\d+)(?:\*\*)?(?: \((?P<low>{SIGNED}) to (?P<high>{SIGNED})\))?")


def sections() -> dict[str, str]:
    """Of the page, those that the sweep has measured, by their titles."""
    parts = (ROOT / "book" / "claims.md").read_text(encoding="utf-8").split("\n## ")[1:]
    return {part.split("\n")[0]: part for part in parts if "copilot_lib sweep" in part}


def triples() -> set[tuple[float, float, float]]:
    """Every stored difference with its interval, in the units of the page."""
    tuning = json.loads((ROOT / "results" / "claims" / "tuning.json").read_text())
    rows = [{"exact": row["exact_above_base"], "bits": row["bits_above_base"]} for row in tuning["rows"]] + tuning["beside"]
    for file in sorted((ROOT / "results" / "context").glob("*.json")):
        rows += [{"exact": r["exact_above_first"], "bits": r["bits_above_first"]} for r in json.loads(file.read_text())["rows"]]
    points = {tuple(round(100 * value, 1) + 0.0 for value in row["exact"]) for row in rows}
    return points | {tuple(round(value, 3) + 0.0 for value in row["bits"]) for row in rows}


def of_chapter() -> str:
    """What chapter 13 prints, with the page's minus."""
    notebook = json.loads((ROOT / "notebooks" / "13_which_approach.ipynb").read_text(encoding="utf-8"))
    outputs = chain.from_iterable(cell.get("outputs", ()) for cell in notebook["cells"])
    return json.dumps([*outputs], ensure_ascii=False).replace("-", MINUS)


@pytest.mark.parametrize("title", sections())
def test_each_number_is_one_that_was_measured(title):
    known, printed = triples(), of_chapter()
    means = {triple[0] for triple in known}
    unknown = []
    for found in GIVEN.finditer(sections()[title]):
        mean, low, high = (number and float(number.replace(MINUS, "-")) for number in found.group("mean", "low", "high"))
        measured = (mean, low, high) in known if low is not None else any(abs(mean - one) < 0.0051 for one in means)
        if not measured and found[0].replace("*", "") not in printed:
            unknown.append(found[0])
        if low is not None:
            assert bool(found["bold"]) == (low > 0 or high < 0), f"{found[0]}: bold is what is clear of zero"
    assert unknown == []
