"""Writes the page about the pilots, with a figure for each, from what they have measured: no number in it is typed by hand.

It knows the records in `results/pocket`; it does not know how a pilot is run, nor what was decided after it: those
sentences are in `DECIDED`.

    python book/make_pilots_page.py
"""

import json
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

from copilot_lib import goals
from copilot_lib.card import lines_of
from copilot_lib.pilots import PILOTS
from copilot_lib.show import GREY, suit_both_pages

BOOK = Path(__file__).parent
RECORDS = BOOK.parent / "results" / "pocket" / "pilots"
FIGURES = BOOK / "figures" / "pilots"
PAGE = BOOK / "pilots.md"
COLOURS = ("#4285f4", "#d9480f", "#2f9e44", "#9c36b5", "#e8a200", "#0c8599", "#c2255c")

HEAD = """\
# Pilots

How is a small model trained best? Where nobody has said, or where others have said it of models a thousand times as
large, we have tried it: small runs that differ in one thing. This page is made from their records in
[`results/pocket/pilots`](https://github.com/build-your-own-copilot/build-your-own-copilot/tree/main/results/pocket/pilots).
"""
COMPARED = """\
## At equal effort

The arms of each pilot make the same effort, with a falling rate over the last fifth, and are then asked the same: plain
text of three held-out packages from left to right, and the middles of gaps in it in both orders. What is given is the
*difference* in bits per byte to the first arm, with its 95 % interval; **bold** where the interval leaves out zero. Less
is better. Where an arm was trained with several seeds, the interval is over files and seeds; where with one, it is over
files, and what chance does to a run comes on top: the pilot named `seed` measures that.
"""
PLAN = """\
## The plan

Two cores: one for the training of the pocket's first versions all the time, one for the pilots, in this order. A run whose
recipe and effort another pilot has had already is not trained again. The recipes are in
[`copilot_lib/pilots.py`](https://github.com/build-your-own-copilot/build-your-own-copilot/blob/main/copilot_lib/pilots.py).
"""
WATCHED = """\
## On the way

These were run while the first versions of the pocket were trained on two cores, on their own loss, and decided how it went on.
"""
REACHED = """\
## What came of it

The pocket model against the targets that it had before it was trained. Where one of several measurements misses a target, it
counts as missed. All that was measured is on the
[model card](https://github.com/build-your-own-copilot/build-your-own-copilot/blob/main/copilot_lib/pocket/README.md).
"""
TRIED = """\
What was tried on the way, and what it did: shares in per cent, exact answers at the rest of a line, bits per byte. The rules
around the model, which are part of what is shown, grew meanwhile.
"""
DECIDED: dict[str, str] = {
    "fim_for_free": "It is not free at this size, and the price grows with the share of gaps. What is bought is the PSM order, "
    "in which a reader of plain text cannot answer. In SPM order the text before the gap is read last and just goes on, and no "
    "share of gaps beats none in bits; where a gap ends, which is not counted here, is still learnt from gaps alone.",
    "order": "Both, half and half. In SPM order, which the pocket is asked in, nothing is lost that these runs can show; in "
    "PSM order, which others may ask it in, a little. A model that has seen SPM alone answers PSM clearly worse.",
    "seed": "Three runs that differ in nothing but chance lie up to 0.04 bits apart. So a difference below that, of two runs "
    "with one seed each, is not one that the next seed must show again, however narrow its interval over files is.",
    "vocabulary": "4096. Twice the vocabulary makes a step dearer, so that fewer tokens are seen in the same minutes, and the "
    "rows of rare tokens are hardly trained: worse by more than chance does.",
    "fim_rate": "Fewer gaps look better in bits, but by no more than chance does, and bits do not count where a gap ends. The "
    "pocket stayed at three quarters: an editor asks for gaps, and a completion that does not end is no completion.",
    "spans": "No place to cut is clearly better in bits than another. The pocket keeps the mix that an editor makes, because "
    "what counts there, the end and the middle of a word, is not in bits.",
    "context": "512. A batch of the same size holds half as many windows of 1024, attention over them is dearer, and little of "
    "what a small model has learnt in ten minutes lies that far back.",
    "optimiser": "Muon, by far: at any rate tried it beats AdamW at its best. One rate, 0.02, is far ahead of its neighbours "
    "on both sides, with one seed, as if something had been learnt in time there that the others learn later. The pocket was "
    "begun at 0.01, before this was known; the one that ships was trained at 0.02.",
}
"""What followed from a pilot, in a sentence; to be written by whoever has looked at its table."""


def signed(difference: list[float]) -> str:
    """A difference with its interval, bold where that leaves out zero.

    >>> signed([0.01, 0.005, 0.015]), signed([-0.01, -0.02, 0.001])
    ('**+0.010** (+0.005 to +0.015)', '−0.010 (−0.020 to +0.001)')
    """
    mean, low, high = (f"{n:+.3f}".replace("-", "−") for n in difference)
    return f"**{mean}** ({low} to {high})" if difference[1] * difference[2] > 0 else f"{mean} ({low} to {high})"


def streams_of(record: dict) -> list[str]:
    """What was asked in a comparison."""
    return [name for name, value in record["arms"][0].items() if isinstance(value, dict)]


def arms_table(record: dict) -> list[str]:
    """A row for each arm; the first one's is in bits per byte, the others' are differences."""
    streams = streams_of(record)
    lines = [f"| | million tokens | {' | '.join(streams)} |", "|---" * (len(streams) + 2) + "|"]
    for at, arm in enumerate(record["arms"]):
        found = [arm[stream] for stream in streams]
        cells = [signed(one["minus_first"]) if at else ", ".join(f"{n:.3f}" for n in one["bits_per_byte"]) for one in found]
        tokens = sum(arm["tokens"]) / len(arm["tokens"]) / 1e6
        lines.append(f"| {arm['name']} | {tokens:.1f} | {' | '.join(cells)} |")
    return lines


def runs_table(record: dict) -> list[str]:
    """A row for each run: its name, what it is, and where its loss ended."""
    lines = ["| run | what | last loss |", "|---|---|---|"]
    return [*lines, *(f"| {run['name']} | {run['what']} | {run['curve'][-1]['loss']:.3f} |" for run in record["runs"])]


def shares_table(record: dict) -> list[str]:
    """A row for each run: in how many gaps of each kind it finds the end likelier than not."""
    kinds = list(record["runs"][0]["end_likelier_than_not"])
    lines = [f"| run | what | {' | '.join(kinds)} |", "|---" * (len(kinds) + 2) + "|"]
    for run in record["runs"]:
        shares = [f"{share:.0%}" for share in run["end_likelier_than_not"].values()]
        lines.append(f"| {run['name']} | {run['what']} | {' | '.join(shares)} |")
    return lines


def draw_arms(axes, record: dict) -> None:
    """A dot for each run, beside the first arm's with its seed (the first arm's own, beside their mean), and intervals."""
    streams, arms = streams_of(record), record["arms"]
    names = [arm["name"] for arm in arms]
    for at, stream in enumerate(streams):
        shift = (at - (len(streams) - 1) / 2) * 0.2
        for place, arm in enumerate(arms):
            first, found, apart = arms[0][stream]["bits_per_byte"], arm[stream]["bits_per_byte"], arm[stream]["minus_first"]
            mean = sum(first) / len(first)
            beside = [mean] * len(first) if place == 0 else first
            runs = [one - other for one, other in zip(found, beside, strict=True)]
            axes.plot(apart[1:], [place + shift] * 2, color=COLOURS[at])
            axes.plot(runs, [place + shift] * len(runs), ".", color=COLOURS[at], label=None if place else stream)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set(yticks=range(len(names)), yticklabels=names, xlabel="bits per byte beside the first arm; less is better")
    axes.invert_yaxis()


def draw_runs(axes, record: dict) -> None:
    """The loss of each run over its tokens."""
    for run, colour in zip(record["runs"], COLOURS, strict=False):
        tokens, losses = zip(*((row["tokens"] / 1e6, row["loss"]) for row in run["curve"]), strict=True)
        axes.plot(tokens, losses, color=colour, label=run["name"])
    axes.set(xlabel="million tokens", ylabel="training loss, nats")


def draw_shares(axes, record: dict) -> None:
    """A line of dots for each run, one for each kind of gap."""
    for run, colour in zip(record["runs"], COLOURS, strict=False):
        axes.plot(*zip(*run["end_likelier_than_not"].items(), strict=True), "o", color=colour, label=run["name"])
    axes.set(ylabel="gaps with a likely end", ylim=(0, 1))


def kind_of(record: dict):
    """How a record is drawn and tabled."""
    if "arms" in record:
        return draw_arms, arms_table
    return (draw_runs, runs_table) if "curve" in record["runs"][0] else (draw_shares, shares_table)


def draw(name: str, record: dict) -> None:
    """The figure of a pilot, for light and dark pages."""
    rows = len(record.get("arms", "12345"))
    figure, axes = pyplot.subplots(figsize=(6.4, 1.2 + 0.42 * rows))
    kind_of(record)[0](axes, record)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=8)
    suit_both_pages(figure)
    FIGURES.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(FIGURES / f"{name}.svg", transparent=True, bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)


def section(name: str, record: dict) -> list[str]:
    """A pilot's part of the page."""
    effort = f"Effort of each run: {record['effort']}. " if "effort" in record else ""
    how = f"`{record['command']}`" if "command" in record else record.get("shape") or record["measured"]
    words = DECIDED.get(name) or record.get("verdict") or record.get("change") or "Not yet read."
    picture = f"![The runs compared: {record['question']}](figures/pilots/{name}.svg)"
    return [
        f"### {record['question']}",
        "",
        *kind_of(record)[1](record),
        "",
        picture,
        "",
        words[0].upper() + words[1:].removesuffix(".") + ".",
        "",
        f"{effort}{how.removesuffix('.')}.",
        "",
    ]


def plan() -> list[str]:
    """A row for each comparison: its runs, those that are new, and the effort of each."""
    lines = ["| pilot | runs | new ones | each |", "|---|---|---|---|"]
    seen: set[str] = set()
    for name, pilot in PILOTS.items():
        keys = {f"{recipe} {pilot.effort}" for _, recipe in pilot.runs()}
        lines.append(f"| {name} | {len(pilot.runs())} | {len(keys - seen)} | {pilot.effort} |")
        seen |= keys
    return [*lines, ""]


def records() -> dict[str, dict]:
    """All pilots that have been run, the comparisons first."""
    found = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(RECORDS.glob("*.json"))}
    return {name: found[name] for name in (*(n for n in PILOTS if n in found), *(n for n in found if n not in PILOTS))}


def text() -> str:
    """The whole page."""
    found = records()
    compared = [line for name, record in found.items() if "arms" in record for line in section(name, record)]
    watched = [line for name, record in found.items() if "runs" in record for line in section(name, record)]
    quality = json.loads((RECORDS.parent / "quality.json").read_text(encoding="utf-8"))
    tried = goals.tried_rows(lines_of(RECORDS.parent / "run" / "versions.jsonl"))
    reached = [REACHED, *goals.rows(quality), "", TRIED, *tried, "", goals.SAME_NETWORK]
    return "\n".join([HEAD, PLAN, *plan(), COMPARED, *compared, WATCHED, *watched, *reached]).rstrip() + "\n"


if __name__ == "__main__":
    for name, record in records().items():
        draw(name, record)
    PAGE.write_text(text(), encoding="utf-8")
