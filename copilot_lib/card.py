"""Writes the pocket model's card from what was recorded while it was made: no number in it is typed by hand.

It knows the records of a run and of its measurement; it does not know how to train or measure.
"""

import json
from dataclasses import asdict
from pathlib import Path

from copilot_lib import goals
from copilot_lib.corpus import MAX_BYTES_PER_SOURCE
from copilot_lib.examples import CHARACTERS_PER_TOKEN
from copilot_lib.recipe import PRESETS

CANNOT = (
    "It has {parameters:.1f} million parameters and has read Python only: it knows common idioms and copies names that stand "
    "near the cursor. It does not know your libraries, it does not reason, and a longer block is wrong more often than not.",
    "It sees {context} tokens of the file around the cursor (about {characters} characters), prompt and completion together.",
    "It was trained on open-source code with its comments and docstrings: treat what it writes as a suggestion to read.",
)


VIEWS = {"shown": "both sides", "no suffix, first line": "the text above"}
"""Views of `evaluate` that the card shows, in its words."""


PRECISIONS = ("float32", "int8", "difference")


def lines_of(file: Path) -> list[dict]:
    """The rows of a JSON-lines file; none if it is not there."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def per_cent(score: list[float]) -> str:
    """A mean with its interval.

    >>> per_cent([0.1234, 0.1, 0.15])
    '12.3 (10.0 to 15.0)'
    """
    mean, low, high = (f"{100 * n:.1f}" for n in score)
    return f"{mean} ({low} to {high})"


def answer_rows(quality: dict) -> list[str]:
    """One line of a table for each kind of cursor, with and without what stands below it."""
    shown = [row for row in quality["answers"] if row["view"] in VIEWS]
    raw = {row["kind"]: row for row in quality["answers"] if row["view"] == "raw"}
    lines = []
    for row in shown:
        ended = per_cent(raw[row["kind"]]["ended"]) if row["view"] == "shown" else ""
        scores = [per_cent(row[name]) for name in ("exact", "stripped", "similarity", "parses_in_place")]
        lines.append("| " + " | ".join([row["kind"], VIEWS[row["view"]], str(row["targets"]), *scores, ended]) + " |")
    return lines


def behaviour_rows(quality: dict) -> list[str]:
    """One line of a table for each behaviour."""
    ways = ("unhealed", "raw", "shown", "rule")
    return [
        "| " + " | ".join([row["name"], str(row["places"]), *(per_cent(row[way]) for way in ways)]) + " |"
        for row in quality["behaviour"]
    ]


def eight_bit_rows(compared: dict) -> list[str]:
    """One line of a table for each kind of cursor, in both precisions."""
    return [
        "| " + " | ".join([row["kind"], str(row["targets"]), *(per_cent(row[name]) for name in PRECISIONS)]) + " |"
        for row in compared["exact"]
    ]


def speed_lines(speed: dict) -> str:
    """How fast the model reads and writes, in a sentence for each precision."""
    rates = speed["tokens_a_second"]
    said = [f"{rates[name]['read']:,.0f} tokens read and {rates[name]['written']:,.0f} written in {name}" for name in rates]
    return (
        f"In use, a second of one core is {', '.join(said)}: processor time, at {speed['targets']} of these cursors, nothing "
        f"remembered between them, on {speed['hardware']}."
    )


def notice_lines(notices: list[dict]) -> list[str]:
    """What lay in the text under another licence than its package's."""
    if not notices:
        return []
    files = ", ".join(f"`{notice['path']}` ({notice['licence']})" for notice in notices)
    return [
        f"Found after training: {len(notices)} files say at their top that they have another licence than the package they "
        f"are in, a copyleft one: {files}. These weights have read them. `corpus` now leaves such files out.\n"
    ]


def preset_words(recipe: dict) -> str:
    """How `pretrain` is told to use a recipe; nothing where it is no preset of now."""
    return next((f" --preset {name}" for name, one in PRESETS.items() if asdict(one) == recipe), "")


def text(training: dict, run: Path, quality: dict, compared: dict, speed: dict) -> str:
    """The card, in Markdown.

    `training` is what the model's `training.json` holds, `quality` a `quality.record`, `compared` an `export.compare`, `speed`
    a `speed.record`, and `run` the folder with the records of its training: `manifest.json`, `curve.jsonl`, `cooldown.jsonl`,
    and, by hand, changes on the way in `history.jsonl`, measurements of earlier versions in `versions.jsonl`, and what was
    found in the text later in `notices.jsonl`.
    """
    manifest = json.loads((run / "manifest.json").read_text())
    curve = lines_of(run / "curve.jsonl")
    every = max(1, len(curve) // 12)
    shown = [*curve[every - 1 :: every], *lines_of(run / "cooldown.jsonl")[-1:]]
    recipe, place, measured = training["recipe"], training["place"], quality["left_to_right"]
    context = recipe["context_tokens"]
    size = {"parameters": training["parameters"] / 1e6, "context": context, "characters": CHARACTERS_PER_TOKEN * context}
    parts = [
        "---\nlicense: mit\nlanguage: code\nlibrary_name: transformers\n---\n",
        "# The pocket model\n",
        "A small fill-in-the-middle model for Python, trained in this project so that every cell of the book completes code "
        "without a network. `GPTBigCodeForCausalLM`, StarCoder's sentinels; trained on PSM and SPM half and half, "
        "asked in SPM.\n",
        "## Budget\n",
        f"- {training['parameters'] / 1e6:.1f} million parameters: {recipe['layers']} layers, width {recipe['width']}, "
        f"{recipe['heads']} heads, vocabulary {recipe['vocabulary']}, context {recipe['context_tokens']} tokens",
        f"- {place['tokens'] / 1e6:.1f} million tokens in {place['step']} steps, "
        f"{place['seconds'] / 60:.0f} minutes on {training['hardware']}: "
        f"{place['tokens'] / place['seconds']:,.0f} tokens a second",
        f"- Muon at {recipe['muon_rate']} for the matrices, AdamW at {recipe['adamw_rate']} for the rest, bf16; "
        "warm-up, constant, linear cool-down (WSD)",
        f"- Commands: `python -m copilot_lib corpus`, then `python -m copilot_lib pretrain{preset_words(recipe)}`",
        *(f"- From step {row['step']}: {row['note']}" for row in lines_of(run / "history.jsonl")),
        "\n## Targets\n",
        "Set before it was trained. Where one of several measurements misses it, the target counts as missed.\n",
        *goals.rows(quality),
        "\nWhat was tried, and what it did: shares in per cent, exact answers at the rest of a line, bits per byte. The rules "
        "around the model, which are part of what is shown, grew meanwhile.\n",
        *goals.tried_rows(lines_of(run / "versions.jsonl")),
        f"\n{goals.SAME_NETWORK}",
        "\n## Learning curve\n",
        "Training loss, nats a token, on the mix of FIM and left-to-right rows (the last row is the end of the cool-down).\n",
        "| million tokens | loss |\n|---|---|",
        *(f"| {row['tokens'] / 1e6:.1f} | {row['loss']:.3f} |" for row in shown),
        "\n## On code it never saw\n",
        "These distributions and their copies were held out whole. Bits per byte, left to right; beside them a 4-gram model of "
        "the same tokens and training text, and xz, which sees all of the text at once.\n",
        "| distribution | version | bytes | bits per byte | 4-gram | xz |\n|---|---|---|---|---|---|",
        *(
            f"| {m['distribution']} | {m['version']} | {m['bytes']} "
            f"| {m['bits_per_byte']:.3f} | {m['ngram']:.3f} | {m['xz']:.3f} |"
            for m in measured
        ),
        "\nBits per byte of the middles of the gaps below, by distribution, told both sides; beside them the 4-gram model, "
        "told the tokens just before, and xz, which sees all middles of a distribution in one piece.\n",
        "| distribution | targets | bytes | bits per byte | 4-gram | xz |\n|---|---|---|---|---|---|",
        *(
            f"| {m['distribution']} | {m['targets']} | {m['bytes']} "
            f"| {m['bits_per_byte']:.3f} | {m['ngram']:.3f} | {m['xz']:.3f} |"
            for m in quality["middles"]
        ),
        "\nThe same by kind: "
        + ", ".join(f"{kind} {value:.3f}" for kind, value in quality["middle_bits_per_byte"].items())
        + ".\n",
        "Answers at frozen cursors in the same distributions, greedy, as an editor shows them; per cent, with 95 % intervals "
        "by file. *End token* is how often the model stops by itself.\n",
        "| cursor | told | targets | exact | stripped | edit similarity | parses | end token |",
        "|---|---|---|---|---|---|---|---|",
        *answer_rows(quality),
        "\nWhat an editor needs beside that, in per cent of the places. *At the cursor*: asked in the middle of what is begun "
        "there; the model's and the shown answer: asked before it, and held to it. *Rule*: silence; the line above's "
        "indentation; the last word above that begins so.\n",
        "| | places | at the cursor | model | shown | rule |",
        "|---|---|---|---|---|---|",
        *behaviour_rows(quality),
        "\nIn 8 bits (`model.onnx`, which the server and the command line use on a CPU): exact answers at the same cursors. "
        f"{100 * compared['same_text']:.0f} % of all answers are the same text; the median request took "
        f"{compared['median_ms']['int8']:.0f} ms instead of {compared['median_ms']['float32']:.0f}.\n",
        "| cursor | targets | float32 | 8 bits | difference |\n|---|---|---|---|---|",
        *eight_bit_rows(compared),
        f"\n{speed_lines(speed)}",
        f"\nMeasured on {quality['hardware']}; weights {quality['model']}.",
        "\n## What it cannot do\n",
        *("- " + sentence.format(**size) for sentence in CANNOT),
        "\n## Data\n",
        f"{manifest['files']} files, {manifest['bytes'] / 1e6:.1f} MB: the standard library and permissively licensed packages "
        "of the book's own environment. Left out: vendored folders, tests, generated files, files that do not parse, "
        f"near-duplicates, benchmark functions, and what exceeds {MAX_BYTES_PER_SOURCE / 1e6:.0f} MB of one distribution. "
        f"SHA-256 of the collected text: `{manifest['sha256']}`.\n",
        *notice_lines(lines_of(run / "notices.jsonl")),
        "| source | version | licence | files | kB |\n|---|---|---|---|---|",
        *(
            f"| {s['name']} | {s['version']} | {s['licence']} | {s['files']} | {s['bytes'] // 1000} |"
            for s in manifest["sources"]
        ),
    ]
    return "\n".join(parts) + "\n"
