"""Writes the tables and figures on the page of claims from what was measured: no number in them is typed by hand.

It knows the records and the page's marks, between which a table stands; it does not know what is concluded from one: the
sentences around it are the page's own.

    python book/make_claims_tables.py
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

from copilot_lib.show import GREY, suit_both_pages

BOOK = Path(__file__).parent
PAGE = BOOK / "claims.md"
FIGURES = BOOK / "figures" / "claims"
RESULTS = BOOK.parent / "results"
BLOCK = re.compile(r"(?<=<!-- table: )(?P<name>\w+)(?P<mark> -->\n)(?P<table>.*?)(?=\n<!-- end of the table -->)", re.DOTALL)
REPOSITORIES = ("networkx", "sqlalchemy", "fontTools")
COLOURS = dict(zip(REPOSITORIES, ("#4285f4", "#d9480f", "#2f9e44"), strict=True))
UNBROKEN = "\N{NO-BREAK SPACE}"
Interval = Sequence[float]
Asking = tuple[str, str]
"""A run without its seed (`lora-*` is that of the repository that is asked), and what it is shown."""
BASE: Asking = ("base", "alone")


@dataclass(frozen=True)
class Score:
    """A score as the page gives it."""

    name: str
    says: str
    scale: float
    decimals: int


POINTS = Score("exact", "points of exact match", 100, 1)
BITS = Score("bits", "bits per byte", 1, 3)


@dataclass(frozen=True)
class Row:
    """A way of asking, and the one that it is set beside."""

    says: str
    second: Asking
    first: Asking = BASE


def alone(says: str, run: str) -> Row:
    """A run that is asked without more, beside the base."""
    return Row(says, (run, "alone"))


def beside_lora(says: str, run: str) -> Row:
    """A run that is asked without more, beside LoRA."""
    return Row(says, (run, "alone"), ("lora-*", "alone"))


IN_ALL: dict[str, tuple[Row, ...]] = {
    "lora": (
        alone("LoRA, four minutes", "lora-*"),
        alone("LoRA, twenty minutes", "longer-*"),
        beside_lora("… beside four", "longer-*"),
        Row("LoRA and BM25", ("lora-*", "bm25")),
        Row("LoRA that learnt with BM25, and BM25", ("retrieval-*", "bm25")),
        Row("… beside LoRA and BM25", ("retrieval-*", "bm25"), ("lora-*", "bm25")),
    ),
    "counting": (
        Row("n-grams", ("base", "ngrams")),
        Row("n-grams and BM25", ("base", "bm25+ngrams")),
        Row("n-grams and LoRA", ("lora-*", "ngrams")),
        Row("n-grams and half of LoRA", ("weaker-*", "ngrams")),
        Row("n-grams, BM25 and LoRA", ("lora-*", "bm25+ngrams")),
        Row("n-grams, BM25 and half of LoRA", ("weaker-*", "bm25+ngrams")),
        Row("*beside n-grams:* with BM25", ("base", "bm25+ngrams"), ("base", "ngrams")),
        Row("*beside n-grams:* with LoRA", ("lora-*", "ngrams"), ("base", "ngrams")),
        Row("*beside n-grams:* with half of LoRA", ("weaker-*", "ngrams"), ("base", "ngrams")),
    ),
    "pooled": (
        beside_lora("as many steps as one", "pooled-490"),
        beside_lora("as many as the three", "pooled-1470"),
    ),
    "half": (
        alone("LoRA", "lora-*"),
        alone("half of it", "weaker-*"),
        beside_lora("… beside the whole", "weaker-*"),
    ),
    "whole": (
        alone("LoRA", "lora-*"),
        alone("all weights", "whole-*"),
        beside_lora("… beside LoRA", "whole-*"),
    ),
    "undecayed": (
        alone("continued pretraining", "undecayed-*"),
        beside_lora("… beside LoRA", "undecayed-*"),
        Row("… beside all weights of the finished pocket", ("undecayed-*", "alone"), ("whole-*", "alone")),
    ),
}
"""Tables of points and of bits, each with a column for each repository."""
WAYS = ("cat", "svd", "linear", "ties")
IN_ONE: dict[str, tuple[str, tuple[Row, ...]]] = {
    "files": (
        "networkx",
        (
            *(alone(f"{count} files", f"files-{count}") for count in (10, 30, 100)),
            alone("all 185", "lora-*"),
            *(beside_lora(f"*beside all:* {count}", f"files-{count}") for count in (10, 30, 100)),
        ),
    ),
    "shape": (
        "networkx",
        (
            beside_lora("rank 4", "shape-rank-4"),
            beside_lora("rank 16", "shape-rank-16"),
            beside_lora("rank 128", "shape-rank-128"),
            beside_lora("attention alone", "shape-attention"),
            beside_lora("the MLP alone", "shape-mlp"),
        ),
    ),
    "larger_part": ("networkx", tuple(beside_lora(way, f"combined-{way}-70-30") for way in WAYS)),
    "smaller_part": (
        "sqlalchemy",
        (*(alone(way, f"combined-{way}-70-30") for way in WAYS), alone("its own adapter", "lora-*")),
    ),
    "age": (
        "networkx",
        (
            alone("learnt from 3.6.1", "lora-*"),
            alone("learnt from 2.8.8", "stale-networkx-2-8-8"),
            beside_lora("… beside 3.6.1", "stale-networkx-2-8-8"),
        ),
    ),
}
"""Tables with a column of points and one of bits, in one repository."""
SHOWN = {"+ imports": "imports", "+ BM25": "BM25", "+ embeddings": "vectors", "+ both, fused": "BM25 and vectors, fused"}
"""What the ablation calls what a model was shown, and what the page does."""
FORGOTTEN = {"lora": "LoRA", "weaker": "half of it", "whole": "all weights", "undecayed": "continued pretraining"}
"""Groups that are asked in other repositories too."""
PARTS = {1.0: "LoRA", 0.75: "three quarters of it", 0.5: "half of it"}
"""So much of an adapter's change, and what the page calls it."""
HELPS = (
    Row("BM25", ("base", "bm25")),
    alone("LoRA", "lora-*"),
    alone("half of LoRA", "weaker-*"),
    alone("LoRA, twenty minutes", "longer-*"),
    alone("all weights", "whole-*"),
    alone("continued pretraining", "undecayed-*"),
    Row("LoRA and BM25", ("lora-*", "bm25")),
    Row("n-grams", ("base", "ngrams")),
    Row("n-grams and BM25", ("base", "bm25+ngrams")),
    Row("n-grams and LoRA", ("lora-*", "ngrams")),
    Row("all three", ("lora-*", "bm25+ngrams")),
    Row("all three, half of LoRA", ("weaker-*", "bm25+ngrams")),
)
"""What the figure of all helps shows, from above."""


class Measured:
    """What was measured, to be looked up."""

    def __init__(self, results: Path = RESULTS):
        record = json.loads((results / "claims" / "tuning.json").read_text(encoding="utf-8"))
        self._rows = {(row["repository"], row["run"], row["condition"]): row for row in record["rows"]}
        self._pairs = {(row["repository"], row["first"], row["second"]): row for row in record["beside"]}
        strength = json.loads((results / "claims" / "strength.json").read_text(encoding="utf-8"))["rows"]
        self._strengths = {(row["repository"], row["strength"]): row for row in strength}
        self._context = {
            name: json.loads((results / "context" / f"{name}.json").read_text(encoding="utf-8"))["rows"]
            for name in REPOSITORIES
        }

    def row(self, repository: str, asked: Asking) -> dict:
        """What was measured of a run, beside the base."""
        run, shown = asked
        return self._rows[repository, run.replace("*", repository), shown]

    def apart(self, repository: str, row: Row, score: Score) -> Interval:
        """By how much a row is above what it is beside."""
        if row.first == BASE:
            return self.row(repository, row.second)[f"{score.name}_above_base"]
        first, second = (", ".join(asked).replace("*", repository) for asked in (row.first, row.second))
        return self._pairs[repository, first, second][score.name]

    def seeds(self, repository: str, row: Row) -> int:
        """With how many seeds both sides were trained; 0 where neither was."""
        sides = (self.row(repository, asked) for asked in (row.first, row.second))
        return min((len(side["exact_of_seeds"]) for side in sides if side["run"] != BASE[0]), default=0)

    def elsewhere(self, group: str, learnt: str, asked: str) -> Interval:
        """The bits above the base of what learnt from one repository and is asked in another."""
        return self.row(asked, (f"{group}-{learnt}", "alone"))["bits_above_base"]

    def shown(self, repository: str, condition: str, score: Score) -> Interval:
        """By how much a model is better where it was shown more, at all places of the ablation."""
        rows = (row for row in self._context[repository] if row["targets"] == "all" and row["condition"] == condition)
        return next(rows)[f"{score.name}_above_first"]

    def in_part(self, repository: str, strength: float) -> dict:
        """What came of so much of an adapter, in files taken out of what it learnt from."""
        return self._strengths[repository, strength]


def signed(value: float, decimals: int) -> str:
    """A number with its sign, which zero has not.

    >>> signed(-1.25, 1), signed(0.04, 1), signed(0.0125, 3)
    ('−1.2', '0.0', '+0.013')
    """
    made = f"{value:+.{decimals}f}"
    return made.replace("-", "−") if float(made) else made[1:]


def cell(interval: Interval, score: Score, brief: bool = False) -> str:
    """A difference, with its interval where there is room, bold where that leaves out zero.

    >>> cell([-0.0201, -0.03, -0.01], BITS).replace(UNBROKEN, " "), cell([0.0201, -0.03, 0.04], POINTS, brief=True)
    ('**−0.020** (−0.030 to −0.010)', '+2.0')
    """
    mean, low, high = (signed(score.scale * value, score.decimals) for value in interval)
    said = f"**{mean}**" if interval[1] > 0 or interval[2] < 0 else mean
    return said if brief else f"{said} ({low} to {high})".replace(" to ", f"{UNBROKEN}to{UNBROKEN}")


def table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """Cells as Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def in_both(cells: Callable[[Score], Iterator[Sequence[str]]], *more: str) -> str:
    """A table of points and one of bits, with a column for each repository and for what else is named."""
    return "\n\n".join(table((score.says, *REPOSITORIES, *more), cells(score)) for score in (POINTS, BITS))


def in_all(found: Measured, rows: Sequence[Row]) -> str:
    """Points and bits, in each repository."""

    def cells(score: Score) -> Iterator[Sequence[str]]:
        for row in rows:
            asked = [cell(found.apart(name, row, score), score) for name in REPOSITORIES]
            yield row.says, *asked, counted(found.seeds(name, row) for name in REPOSITORIES)

    return in_both(cells, "seeds")


def counted(seeds: Iterable[int]) -> str:
    """How many seeds, or from how many to how many; nothing where nothing was trained.

    >>> counted([3, 3]), counted([1, 2]), counted([0, 0])
    ('3', '1 to 2', '')
    """
    least, *_, most = sorted(seeds)
    return str(most or "") if least == most else f"{least} to {most}"


def in_one(found: Measured, repository: str, rows: Sequence[Row]) -> str:
    """Points and bits, beside each other, in one repository."""
    cells = (
        (
            row.says,
            *(cell(found.apart(repository, row, score), score) for score in (POINTS, BITS)),
            str(found.seeds(repository, row)),
        )
        for row in rows
    )
    return table((repository, POINTS.says, BITS.says, "seeds"), cells)


def context(found: Measured) -> str:
    """What other files are worth that a model is shown."""

    def cells(score: Score) -> Iterator[Sequence[str]]:
        for condition, says in SHOWN.items():
            yield says, *(cell(found.shown(name, condition, score), score) for name in REPOSITORIES)

    return in_both(cells)


def elsewhere(found: Measured) -> str:
    """Bits above the base in all repositories, of what learnt from one of them."""
    cells = (
        (
            learnt,
            f"{asked} itself" if asked == learnt else asked,
            *(cell(found.elsewhere(group, learnt, asked), BITS, brief=True) for group in FORGOTTEN),
        )
        for learnt in REPOSITORIES
        for asked in (learnt, *(name for name in REPOSITORIES if name != learnt))
    )
    return table(("learnt from", "asked in", *FORGOTTEN.values()), cells)


def strength(found: Measured) -> str:
    """What adapters are worth, whole and in part, in files that were taken out of what they learn from."""

    def cells(score: Score) -> Iterator[Sequence[str]]:
        for part, says in PARTS.items():
            rows = [found.in_part(name, part) for name in REPOSITORIES]
            asked = [cell(row[f"{score.name}_above_base"], score) for row in rows]
            yield says, *asked, counted(row["seeds"] for row in rows)

    def lines() -> Iterator[Sequence[str]]:
        for part, says in PARTS.items():
            rows = [found.in_part(name, part) for name in REPOSITORIES]
            yield says, *(f"{row['won']} and {row['lost']} of {row['places']}" for row in rows)

    return "\n\n".join([in_both(cells, "seeds"), table(("lines won and lost", *REPOSITORIES), lines())])


def tables(found: Measured) -> dict[str, str]:
    """All tables of the page, by the names in its marks."""
    made = {"context": context(found), "strength": strength(found), "forgetting": elsewhere(found)}
    made |= {name: in_all(found, rows) for name, rows in IN_ALL.items()}
    return made | {name: in_one(found, *of) for name, of in IN_ONE.items()}


def filled(page: str, found: Measured) -> str:
    """The page with its tables as they are now; `KeyError` for a mark of a table that is none."""
    made = tables(found)
    return BLOCK.sub(lambda block: f"{block['name']}{block['mark']}\n{made[block['name']]}\n", page)


def draw_helps(found: Measured) -> pyplot.Figure:
    """What each help is worth: a line for each interval, a panel for each score."""
    figure, panels = pyplot.subplots(2, 1, figsize=(4.2, 8.4), sharey=True)
    for axes, score in zip(panels, (POINTS, BITS), strict=True):
        axes.axvline(0, color=GREY, linewidth=0.8)
        for at, row in enumerate(HELPS):
            for shift, (name, colour) in zip((-0.22, 0, 0.22), COLOURS.items(), strict=True):
                mean, low, high = (score.scale * value for value in found.apart(name, row, score))
                axes.plot([low, high], [at + shift] * 2, color=colour, linewidth=1.6)
                axes.plot(mean, at + shift, "o", color=colour, markersize=4, label=None if at else name)
        better = "more" if score is POINTS else "less"
        axes.set(xlabel=f"{score.says} above the base\n({better} is better)")
    panels[0].set(yticks=range(len(HELPS)), yticklabels=[row.says for row in HELPS])
    panels[0].invert_yaxis()  # of both
    figure.legend(
        *panels[0].get_legend_handles_labels(), frameon=False, loc="upper center", ncols=3, bbox_to_anchor=(0.4, 0.94)
    )
    figure.subplots_adjust(hspace=0.22)
    return figure


def draw_forgetting(found: Measured) -> pyplot.Figure:
    """What is learnt of one's own repository and lost of the others."""
    figure, axes = pyplot.subplots(figsize=(4.2, 2.4))
    axes.axvline(0, color=GREY, linewidth=0.8)
    for at, group in enumerate(FORGOTTEN):
        for name, colour in COLOURS.items():
            others = [found.elsewhere(group, name, other)[0] for other in REPOSITORIES if other != name]
            axes.plot(found.elsewhere(group, name, name)[0], at, "o", color=colour, label=None if at else name)
            axes.plot(others, [at] * len(others), "o", color=colour, fillstyle="none")
    axes.set(
        yticks=range(len(FORGOTTEN)),
        yticklabels=FORGOTTEN.values(),
        xlabel="bits per byte above the base: full dots in its own repository,\nempty ones in the others (less is better)",
    )
    axes.invert_yaxis()
    axes.legend(
        frameon=False, loc="lower center", bbox_to_anchor=(0.3, 1), ncols=3, fontsize=9, columnspacing=1, handletextpad=0
    )
    return figure


def save(name: str, figure: pyplot.Figure) -> None:
    """Keeps a figure for light and dark pages; the same numbers give the same file."""
    suit_both_pages(figure)
    FIGURES.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(FIGURES / f"{name}.svg", transparent=True, bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)


if __name__ == "__main__":
    measured = Measured()
    save("helps", draw_helps(measured))
    save("forgetting", draw_forgetting(measured))
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), measured), encoding="utf-8")
