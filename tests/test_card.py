"""The card says what the records say, and nothing else."""

import json

from copilot_lib import card


def test_every_number_comes_from_the_records(tmp_path):
    (tmp_path / "model").mkdir()
    recipe = {
        "layers": 3,
        "width": 96,
        "heads": 2,
        "vocabulary": 777,
        "context_tokens": 128,
        "muon_rate": 0.07,
        "adamw_rate": 0.004,
    }
    training = {"recipe": recipe, "parameters": 1_234_567, "steps": 40, "tokens": 5_600_000, "seconds": 660}
    (tmp_path / "model" / "training.json").write_text(json.dumps(training))
    source = {"name": "example", "version": "1.2", "licence": "ISC", "files": 3, "bytes": 45_678}
    manifest = {"files": 3, "bytes": 45_678, "sha256": "abc123", "sources": [source]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    rows = [{"step": n, "tokens": n * 140_000, "loss": 4 - n / 20} for n in range(1, 31)]
    (tmp_path / "curve.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "cooldown.jsonl").write_text(json.dumps({"step": 40, "tokens": 5_600_000, "loss": 1.9876}) + "\n")
    measured = [{"distribution": "networkx", "version": "3.6", "bytes": 150_000, "bits_per_byte": 1.2345, "xz": 2.1}]

    card.write(tmp_path, measured, "a slide rule", tmp_path / "README.md")

    text = (tmp_path / "README.md").read_text()
    for said in (
        "1.2 million parameters: 3 layers, width 96, 2 heads, vocabulary 777, context 128 tokens",
        "5.6 million tokens in 40 steps, 11 minutes on a slide rule",
        "Muon at 0.07",
        "AdamW at 0.004",
        "| 5.6 | 1.988 |",
        "| networkx | 3.6 | 150000 | 1.234 | 2.100 |",
        "| example | 1.2 | ISC | 3 | 45 |",
        "`abc123`",
    ):
        assert said in text
    curve = [line for line in text.splitlines() if line.startswith("| ") and line.count("|") == 3]
    assert 10 <= len(curve) <= 20, "a curve, not a list of all steps"
