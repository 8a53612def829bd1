"""Writes the pocket model's card from what was recorded while it was made: no number in it is typed by hand.

It knows the records of a training folder; it does not know how to train or measure.
"""

import json
from pathlib import Path

CANNOT = (
    "It has about five million parameters and has read Python only: it knows common idioms and copies names that stand near "
    "the cursor. It does not know your libraries, it does not reason, and a longer block is wrong more often than not.",
    "It sees 512 tokens (about 1,500 characters) of the file around the cursor, prompt and completion together.",
    "It was trained on open-source code with its comments and docstrings: treat what it writes as a suggestion to read.",
)


def lines_of(file: Path) -> list[dict]:
    """The rows of a JSON-lines file; none if it is not there."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def write(folder: Path, measured: list[dict], hardware: str, card: Path) -> None:
    """Writes `card` (Markdown) for the model that was trained in `folder`."""
    training = json.loads((folder / "model" / "training.json").read_text())
    manifest = json.loads((folder / "manifest.json").read_text())
    curve = lines_of(folder / "curve.jsonl")
    every = max(1, len(curve) // 12)
    shown = [*curve[every - 1 :: every], *lines_of(folder / "cooldown.jsonl")[-1:]]
    recipe = training["recipe"]
    parts = [
        "---\nlicense: mit\nlanguage: code\nlibrary_name: transformers\n---\n",
        "# The pocket model\n",
        "A small fill-in-the-middle model for Python, trained in this project so that every cell of the book completes code "
        "without a network. `GPTBigCodeForCausalLM`, StarCoder's sentinels, PSM and SPM half and half.\n",
        "## Budget\n",
        f"- {training['parameters'] / 1e6:.1f} million parameters: {recipe['layers']} layers, width {recipe['width']}, "
        f"{recipe['heads']} heads, vocabulary {recipe['vocabulary']}, context {recipe['context_tokens']} tokens",
        f"- {training['tokens'] / 1e6:.1f} million tokens in {training['steps']} steps, "
        f"{training['seconds'] / 60:.0f} minutes on {hardware}",
        f"- Muon at {recipe['muon_rate']} for the matrices, AdamW at {recipe['adamw_rate']} for the rest, bf16; "
        "warm-up, constant, linear cool-down (WSD)",
        "- Commands: `python -m copilot_lib corpus`, then `python -m copilot_lib pretrain`\n",
        "## Learning curve\n",
        "Training loss, nats a token, on the mix of FIM and left-to-right rows (the last row is the end of the cool-down).\n",
        "| million tokens | loss |\n|---|---|",
        *(f"| {row['tokens'] / 1e6:.1f} | {row['loss']:.3f} |" for row in shown),
        "\n## On code it never saw\n",
        "Bits per byte, left to right, beside xz on the same text. These distributions and their copies were held out whole.\n",
        "| distribution | version | bytes | bits per byte | xz |\n|---|---|---|---|---|",
        *(
            f"| {m['distribution']} | {m['version']} | {m['bytes']} | {m['bits_per_byte']:.3f} | {m['xz']:.3f} |"
            for m in measured
        ),
        "\n## What it cannot do\n",
        *(f"- {sentence}" for sentence in CANNOT),
        "\n## Data\n",
        f"{manifest['files']} files, {manifest['bytes'] / 1e6:.1f} MB: the standard library and permissively licensed packages "
        "of the book's own environment. Left out: vendored folders, tests, generated files, files that do not parse, "
        "near-duplicates, benchmark functions, and what exceeds 12 MB of one distribution. "
        f"SHA-256 of the collected text: `{manifest['sha256']}`.\n",
        "| source | version | licence | files | kB |\n|---|---|---|---|---|",
        *(
            f"| {s['name']} | {s['version']} | {s['licence']} | {s['files']} | {s['bytes'] // 1000} |"
            for s in manifest["sources"]
        ),
    ]
    card.write_text("\n".join(parts) + "\n", encoding="utf-8")
