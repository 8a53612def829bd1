"""The page of claims says what was measured: every difference that it gives is one of the stored records, or of a chapter."""

import json
import re
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MINUS = "−"
SIGNED = rf"[+{MINUS}]?\d+\.\d+"
INTERVAL = rf" \((?P<low>{SIGNED})\sto\s(?P<high>{SIGNED})|, (?P<from>{SIGNED})\sto\s(?P<to>{SIGNED})"
GIVEN = re.compile(rf"(?P<bold>\*\*)?(?P<mean>[+{MINUS}]\d+\.\d+|0\.0+)(?:\*\*)?(?: points| bits)?(?:{INTERVAL})?")
COMMAND = re.compile(r"python -m copilot_lib sweep ([a-z ]+)`")
BY_DECIMALS = {1: "exact", 2: "bits", 3: "bits"}
"""Points of exact match have one decimal on the page; bits for each byte have three, or two where more would be too much."""


def sections() -> dict[str, str]:
    """Of the page, those that the sweep has measured, by their titles."""
    parts = (ROOT / "book" / "claims.md").read_text(encoding="utf-8").split("\n## ")[1:]
    return {part.split("\n")[0]: part for part in parts if COMMAND.search(part)}


def measured(section: str) -> dict[str, list[list[float]]]:
    """What the runs that a section names have come to, and pairs of these: differences with intervals, in the page's units."""
    groups = {"base", *COMMAND.search(section)[1].split()}
    tuning = json.loads((ROOT / "results" / "claims" / "tuning.json").read_text())
    rows = [
        {"exact": row["exact_above_base"], "bits": row["bits_above_base"]}
        for row in tuning["rows"]
        if row["run"].split("-")[0] in groups
    ]
    rows += [
        row for row in tuning["beside"] if {row[side].split(",")[0].split("-")[0] for side in ("first", "second")} <= groups
    ]
    if "copilot_lib ablation" in section:
        for file in sorted((ROOT / "results" / "context").glob("*.json")):
            found = json.loads(file.read_text())["rows"]
            rows += [{"exact": row["exact_above_first"], "bits": row["bits_above_first"]} for row in found]
    if "claims strength" in section:
        found = json.loads((ROOT / "results" / "claims" / "strength.json").read_text())["rows"]
        rows += [{"exact": row["exact_above_base"], "bits": row["bits_above_base"]} for row in found]
    return {"exact": [[100 * value for value in row["exact"]] for row in rows], "bits": [row["bits"] for row in rows]}


def printed(section: str) -> str:
    """What chapter 13 prints, with the page's minus, if the section sends its readers there."""
    if "13_which_approach" not in section:
        return ""
    notebook = json.loads((ROOT / "notebooks" / "13_which_approach.ipynb").read_text(encoding="utf-8"))
    outputs = chain.from_iterable(cell.get("outputs", ()) for cell in notebook["cells"])
    return json.dumps([*outputs], ensure_ascii=False).replace("-", MINUS)


@pytest.fixture(scope="module")
def maker(load_script):
    return load_script("make_claims_tables")


def test_the_tables_are_made_from_the_records(maker):
    page = maker.PAGE.read_text(encoding="utf-8")
    assert maker.filled(page, maker.Measured()) == page, "make them anew: python book/make_claims_tables.py"


def test_every_table_that_is_made_is_on_the_page_and_every_figure_too(maker):
    page = maker.PAGE.read_text(encoding="utf-8")
    assert sorted(found["name"] for found in maker.BLOCK.finditer(page)) == sorted(maker.tables(maker.Measured()))
    for file in maker.FIGURES.glob("*.svg"):
        assert f"(figures/claims/{file.name})" in page


def test_a_mark_of_a_table_that_is_none_is_an_error(maker):
    with pytest.raises(KeyError, match="shapes"):
        maker.filled("<!-- table: shapes -->\n\n<!-- end of the table -->", maker.Measured())


def test_a_table_says_how_many_trainings_both_sides_of_a_row_have(maker):
    found = maker.Measured()
    row = maker.beside_lora("half of it", "weaker-*")
    of_each = [
        len(found.row("networkx", asked)["exact_of_seeds"])
        for asked in (("lora-networkx", "alone"), ("weaker-networkx", "alone"))
    ]
    assert found.seeds("networkx", row) == min(of_each)
    assert found.seeds("networkx", maker.Row("n-grams", ("base", "ngrams"))) == 0


def test_the_page_has_such_sections():
    assert len(sections()) >= 9


@pytest.mark.parametrize("title", sections())
def test_each_number_is_one_that_was_measured(title):
    section = sections()[title]
    rows, told, unknown = measured(section), printed(section), []
    for found in GIVEN.finditer(section.split("\n*Measured:*")[0]):
        numbers = [found["mean"], found["low"] or found["from"], found["high"] or found["to"]]
        numbers = [float(number.replace(MINUS, "-")) for number in numbers if number]
        decimals = len(found["mean"].split(".")[1])
        same = [
            row
            for row in rows[BY_DECIMALS[decimals]]
            if [round(value, decimals) + 0.0 for value in row[: len(numbers)]] == numbers
        ]
        clear = {low > 0 or high < 0 for _, low, high in same}
        if not same and not re.search(rf"(?<![\d.]){re.escape(found['mean'])}(?!\d)", told):
            unknown.append(found[0])
        elif same and bool(found["bold"]) not in clear and "(" in found[0]:
            unknown.append(f"{found[0]}: bold is what is clear of zero")
    assert unknown == []
