"""The card says what the records say, and nothing else."""

import json
from pathlib import Path

from copilot_lib import card, goals, models, weights
from copilot_lib.quality import digest

RESULTS = Path(__file__).parent.parent / "results" / "pocket"


def test_every_number_comes_from_the_records(tmp_path):
    recipe = {
        "layers": 3,
        "width": 96,
        "heads": 2,
        "vocabulary": 777,
        "context_tokens": 128,
        "muon_rate": 0.07,
        "adamw_rate": 0.004,
    }
    training = {"recipe": recipe, "parameters": 1_234_567, "place": {"step": 40, "tokens": 5_600_000, "seconds": 660}}
    training["hardware"] = "a slide rule"
    source = {"name": "example", "version": "1.2", "licence": "ISC", "files": 3, "bytes": 45_678}
    manifest = {"files": 3, "bytes": 45_678, "sha256": "abc123", "sources": [source]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    rows = [{"step": n, "tokens": n * 140_000, "loss": 4 - n / 20} for n in range(1, 31)]
    (tmp_path / "curve.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "cooldown.jsonl").write_text(json.dumps({"step": 40, "tokens": 5_600_000, "loss": 1.9876}) + "\n")
    scores = {name: [0.125, 0.1, 0.15] for name in ("exact", "stripped", "similarity", "parses_in_place")}
    quality = {
        "model": "feedc0de",
        "hardware": "an abacus",
        "left_to_right": [
            {"distribution": "networkx", "version": "3.6", "bytes": 150_000, "bits_per_byte": 1.2345, "ngram": 1.9, "xz": 2.1}
        ],
        "middle_bits_per_byte": {"block": 1.111},
        "middles": [{"distribution": "networkx", "targets": 9, "bytes": 99, "bits_per_byte": 1.31, "ngram": 3.1, "xz": 3.7}],
        "behaviour": [
            {"name": "sings", "places": 321, "unhealed": [0.1, 0, 0.2], "raw": [0.2, 0.1, 0.3], "shown": [0.345, 0.3, 0.4]}
            | {"rule": [0.5, 0.4, 0.6]}
        ],
        "answers": [
            {"kind": "block", "view": "raw", "targets": 510, "ended": [0.9712, 0.95, 0.99]},
            {"kind": "block", "view": "shown", "targets": 510} | scores,
            {"kind": "mid-word", "view": "raw", "targets": 510, "ended": [0.9699, 0.95, 0.99]},
            {"kind": "mid-word", "view": "shown", "targets": 510} | scores,
        ],
    }
    (tmp_path / "history.jsonl").write_text(json.dumps({"step": 9, "note": "somebody turned a knob"}) + "\n")

    exact = {"float32": [0.3, 0.2, 0.4], "int8": [0.25, 0.2, 0.3], "difference": [-0.05, -0.1, 0.0]}
    compared = {"same_text": 0.812, "median_ms": {"float32": 31.2, "int8": 20.1}}
    compared["exact"] = [{"kind": "block", "targets": 77} | exact]

    speed = {"hardware": "two hands", "targets": 12, "tokens_a_second": {"int8": {"read": 1234.5, "written": 67.8}}}
    version = {
        "tokens": 2_000_000,
        "new": "a louder bell",
        "ended": dict.fromkeys(goals.LINES, 0.5),
        "exact": {"rest of line": 0.2},
    }
    version |= {"parses_in_place": dict.fromkeys(goals.LINES, 0.75), "bits_per_byte": {"networkx": 2.3456}}
    (tmp_path / "versions.jsonl").write_text(json.dumps(version) + "\n")
    (tmp_path / "notices.jsonl").write_text(json.dumps({"path": "a/b.py", "licence": "LGPL-2.1"}) + "\n")

    text = card.text(training, tmp_path, quality, compared, speed)

    for said in (
        "1.2 million parameters: 3 layers, width 96, 2 heads, vocabulary 777, context 128 tokens",
        "5.6 million tokens in 40 steps, 11 minutes on a slide rule: 8,485 tokens a second",
        "| bits per byte, left to right | at most 1.050 | networkx 1.234 | **missed**: networkx |",
        "| at least 97.0 % | mid-word 97.0 % | **missed**: mid-word |",
        "| 2.0 | a louder bell | 50.0, 50.0, 50.0 | 75.0, 75.0, 75.0 | 20.0 | 2.346 |",
        "1,234 tokens read and 68 written in int8: processor time, at 12 of these cursors",
        "`a/b.py` (LGPL-2.1). These weights have read them.",
        "Muon at 0.07",
        "AdamW at 0.004",
        "| 5.6 | 1.988 |",
        "| networkx | 3.6 | 150000 | 1.234 | 1.900 | 2.100 |",
        "block 1.111",
        "| networkx | 9 | 99 | 1.310 | 3.100 | 3.700 |",
        "| sings | 321 | 10.0 (0.0 to 20.0) | 20.0 (10.0 to 30.0) | 34.5 (30.0 to 40.0) | 50.0 (40.0 to 60.0) |",
        "| block | both sides | 510 | 12.5 (10.0 to 15.0) | 12.5 (10.0 to 15.0) |",
        "| 97.1 (95.0 to 99.0) |",
        "81 % of all answers are the same text; the median request took 20 ms instead of 31",
        "| block | 77 | 30.0 (20.0 to 40.0) | 25.0 (20.0 to 30.0) | -5.0 (-10.0 to 0.0) |",
        "Measured on an abacus; weights feedc0de.",
        "| example | 1.2 | ISC | 3 | 45 |",
        "`abc123`",
        "From step 9: somebody turned a knob",
    ):
        assert said in text
    curve = [line for line in text.splitlines() if line.startswith("| ") and line.count("|") == 3]
    assert 10 <= len(curve) <= 20, "a curve, not a list of all steps"


def test_the_card_that_ships_is_what_the_committed_records_say_about_the_weights_that_ship():
    folder = models.POCKET
    quality = json.loads((RESULTS / "quality.json").read_text())
    assert quality["model"] == digest(models.load())
    training = json.loads((folder / "training.json").read_text())
    compared = json.loads((RESULTS / "int8.json").read_text())
    assert weights.identity(folder)["weights"].startswith(compared["weights"])
    speed = json.loads((RESULTS / "speed.json").read_text())
    assert (folder / "README.md").read_text() == card.text(training, RESULTS / "run", quality, compared, speed)


def test_the_last_of_the_versions_is_the_one_that_ships():
    quality = json.loads((RESULTS / "quality.json").read_text())
    last = card.lines_of(RESULTS / "run" / "versions.jsonl")[-1]
    assert last["weights"] == quality["model"]
    assert last["tokens"] == json.loads((models.POCKET / "training.json").read_text())["place"]["tokens"]
    ends, parses, bits, exact = (goal.find(quality) for goal in goals.GOALS)
    assert (last["ended"], last["parses_in_place"], last["bits_per_byte"], last["exact"]) == (ends, parses, bits, exact)
