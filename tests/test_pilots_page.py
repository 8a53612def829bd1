"""The page about the pilots says what their records say, and nothing else."""

import json
import re
from pathlib import Path

import pytest

from copilot_lib import goals

ROOT = Path(__file__).parent.parent
RECORDS = sorted((ROOT / "results" / "pocket" / "pilots").glob("*.json"))


@pytest.fixture(scope="module")
def maker(load_script):
    return load_script("make_pilots_page")


def test_the_page_is_made_from_the_records(maker):
    assert maker.text() == maker.PAGE.read_text(encoding="utf-8"), "make it anew: make pilots"


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_every_pilot_has_a_section_and_a_figure(record, maker):
    question = json.loads(record.read_text(encoding="utf-8"))["question"]
    assert f"### {question}" in maker.text()
    assert (maker.FIGURES / f"{record.stem}.svg").stat().st_size > 1000


def test_what_the_pocket_missed_is_said_where_its_training_is_told(maker):
    quality = json.loads((ROOT / "results" / "pocket" / "quality.json").read_text(encoding="utf-8"))
    reached = maker.text().split("## What came of it")[1]
    missed = [goal.words for goal in (*goals.GOALS, *goals.GPU_GOALS) if goal.missed(quality)]
    assert reached.count("**missed**") == len(missed)
    assert all(words in reached for words in missed)


def test_a_decision_is_written_only_about_a_pilot_that_was_run(maker):
    assert maker.DECIDED.keys() <= {path.stem for path in RECORDS}


def test_a_comparison_shows_what_differs_and_hides_no_arm(maker):
    arms = [
        ("first", [1.0, 1.2], [0.0, 0.0, 0.0]),
        ("worse", [1.5, 1.5], [0.4, 0.3, 0.5]),
        ("same", [1.1, 1.1], [0.0, -0.1, 0.1]),
    ]
    record = {
        "arms": [
            {"name": name, "tokens": [2_000_000, 2_000_000], "middle": {"bits_per_byte": bits, "minus_first": apart}}
            for name, bits, apart in arms
        ]
    }
    head, _, first, worse, same = maker.arms_table(record)
    assert head == "| | million tokens | middle |"
    assert first == "| first | 2.0 | 1.000, 1.200 |"
    assert worse == "| worse | 2.0 | **+0.400** (+0.300 to +0.500) |"
    assert same == "| same | 2.0 | +0.000 (−0.100 to +0.100) |"


def test_numbers_on_the_claims_page_are_those_of_the_pilots(maker):
    sections = (ROOT / "book" / "claims.md").read_text(encoding="utf-8").split("\n## ")
    theirs = "\n".join(section for section in sections if "results/pocket/pilots" in section)
    claimed = re.findall(r"[+−]\d\.\d{3}(?:\*\*)? \(\S+ to \S+\)", theirs)
    assert claimed
    assert [number for number in claimed if number.replace("**", "") not in maker.text().replace("**", "")] == []
