"""The simulated user: what is accepted, how it is counted, and that the wheel goes on where it was stopped."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib import models, network
from copilot_lib.cursor import Cursor
from copilot_lib.feedback import Store
from copilot_lib.recipe import Recipe
from copilot_lib.repository import SourceFile
from copilot_lib.targets import Target
from copilot_lib.tuning import flywheel, simulation, teaching
from copilot_lib.tuning.settings import Settings


def target(reference: str, file: str = "a.py", line: int = 9) -> Target:
    text = "import shop\n\n\ndef pay(cart, card):\n    total = \n    card.charge(total)\n"
    return Target(Cursor(text, text.index("= ") + 2), reference, f"{file}:{line}:1")


REFERENCES = st.text("abc ()", min_size=1, max_size=8)


@given(REFERENCES, st.text("abc ()\n", max_size=8))
def test_the_user_takes_a_line_that_the_author_went_on_with_and_nothing_else(reference, text):
    part = simulation.taken(text, target(reference))
    line = text.split("\n")[0]
    good = any(line == reference[:end] for end in range(1, len(reference) + 1) if reference[:end].strip())
    assert part == (line if good else "")


@given(st.lists(st.tuples(REFERENCES, REFERENCES), min_size=1, max_size=20))
def test_what_is_counted_adds_up(pairs):
    targets = [target(reference, line=n) for n, (reference, _) in enumerate(pairs)]
    told = simulation.count_taken(targets, [text for _, text in pairs])
    assert 0 <= told.whole <= told.accepted <= told.shown <= told.places == len(pairs)
    assert told.whole <= told.saved <= told.written == sum(len(reference) for reference, _ in pairs)
    assert simulation.count_taken(targets, [reference for reference, _ in pairs]).whole == sum(
        bool(reference.strip()) for reference, _ in pairs
    )


def test_a_round_in_numbers():
    targets = [target("price * count", "a.py", 1), target("price", "a.py", 2), target("0", "b.py", 3), target("1", "b.py", 4)]
    row = simulation.row(targets, ["price", "price\nx = 1", "1", ""])
    assert {key: row[key] for key in ("places", "shown", "accepted", "whole", "saved", "written", "different")} == {
        "places": 4,
        "shown": 3,
        "accepted": 2,
        "whole": 1,
        "saved": 10,
        "written": 20,
        "different": 3,
    }
    assert row["accepted_share"][0] == 0.5 and row["saved_share"][0] == 0.5


def test_what_was_accepted_is_reported_as_an_editor_reports_it(tmp_path):
    targets = [target("price * count"), replace(target("0"), kind="mid-word"), target("x", line=2)]
    events = simulation.record(tmp_path / "events.sqlite", targets, ["price\ny", "1", ""], "pocket")
    assert [(event.kind, event.accepted_characters) for event in events] == [
        ("shown", 0),
        ("accepted", 5),
        ("shown", 0),
        ("rejected", 0),
    ]
    assert list(Store(tmp_path / "events.sqlite").events()) == events
    again = simulation.record(tmp_path / "events.sqlite", targets, ["price\ny", "1", ""], "pocket")
    assert again == events, "a round that is done again does not meet its own events"


WORDS = ("basket", "wagon", "ledger", "kettle", "garden", "window", "bottle", "harbour")


@pytest.fixture(scope="module")
def files() -> list[SourceFile]:
    def function(word: str, number: int) -> str:
        return f"def {word}_{number}(one, two):\n    {word} = one.{word}_total({number})\n    return {word} + two\n\n\n"

    return [SourceFile(f"{word}.py", "".join(function(word, number) for number in range(9))) for word in WORDS]


def test_no_file_is_in_two_rounds_and_copies_are_in_one(files):
    copies = [replace(files[0], path="copy.py"), replace(files[3], path="other_copy.py")]
    plan = simulation.rounds([*files, *copies], 3, 5)
    paths = [{file.path for file in now.files} for now in plan]
    assert sorted(path for each in paths for path in each) == sorted(file.path for file in [*files, *copies])
    assert all({"basket.py", "copy.py"} <= each or not {"basket.py", "copy.py"} & each for each in paths)
    assert all(at.group in each for now, each in zip(plan, paths, strict=True) for at in now.targets)
    assert plan == simulation.rounds([*files, *copies], 3, 5)


@pytest.fixture
def tiny(tmp_path) -> str:
    folder = tmp_path / "tiny"
    network.build(Recipe(width=64, layers=2, heads=2, context_tokens=256)).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((models.POCKET / name).read_bytes())
    return str(folder)


def test_a_wheel_that_was_stopped_goes_on_and_comes_to_the_same(files, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(teaching, "SETTINGS", Settings(rank=4, alpha=8, batch_tokens=512, example_tokens=128, rate=1e-2))
    options = {"arms": ("written", "everything"), "rounds": 3, "per_kind": 4, "steps": 3, "seeds": 2, "model": tiny}

    class Stopped(Exception):
        pass

    def stop(line):
        if line.startswith("seed 1, written, round 3"):
            raise Stopped

    with pytest.raises(Stopped):
        flywheel.run(files, tmp_path / "work", say=stop, **options)
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "work").rglob("*.safetensors")}
    assert len(kept) == 4 + 2, "all of the first seed, and what one arm has learnt with the second"
    rows = flywheel.run(files, tmp_path / "work", say=lambda line: None, **options)
    assert {file: file.stat().st_mtime_ns for file in kept} == kept, "what was trained is not trained again"
    assert rows == flywheel.run(files, tmp_path / "anew", say=lambda line: None, **options)
    assert json.loads(json.dumps(rows)) == rows
    assert [(row["arm"], row["round"]) for row in rows] == [
        (arm, number) for arm in ("never", "written", "everything") for number in (1, 2, 3, "later")
    ]
    first = [row["accepted"] for row in rows if row["round"] == 1]
    assert len(set(first)) == 1, "in the first round nobody has learnt"
    learnt = {(row["arm"], row["round"]): row.get("learnt") for row in rows}
    assert learnt["written", 3] > learnt["written", 2] > learnt["written", 1] == learnt["never", 3] == 0
    with pytest.raises(ValueError, match="holds another simulation"):
        flywheel.run(files, tmp_path / "work", say=print, **options | {"steps": 4})
    (tmp_path / "work" / "1" / "adapters" / "mine").mkdir()
    flywheel.clear(tmp_path / "work")
    left = {path.name for path in (tmp_path / "work").rglob("*") if not path.name.startswith(".")}
    assert left == {"0", "1", "adapters", "mine"}, "of a simulation that is written down nothing is found by the next one"
