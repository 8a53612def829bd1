"""Times keystrokes: the same person types in files of three lengths, and every engine answers at each key.

It knows keys and clocks; it does not know engines (`rivals`) or who types (`replay`).
"""

import datetime
import platform
import statistics
from collections.abc import Sequence
from contextlib import ExitStack

from copilot_lib import hardware, models
from copilot_lib.bench import rivals
from copilot_lib.bench.replay import document, typing
from copilot_lib.cursor import Cursor

LENGTHS, REPEATS = (100, 500, 2000), 3
WIDTHS = (28, 10, 8, 11, 8, 10, 12, 16)
SLOW, EVERY = "generate of transformers", 10
"""The baseline takes a second a key: it is asked at every tenth."""


def keys_typed(lines: int, name: str) -> tuple[list[Cursor], list[str]]:
    """The cursors at which an editor asks, and what happened before each. All engines are asked at the same ones."""
    with ExitStack() as stack:
        ask = rivals.ours_in_float32(name, stack)
        typist, keys, said = typing(document(lines)), [], None
        while True:
            try:
                key = typist.send(said)
            except StopIteration:
                return [key.cursor for key in keys], [key.kind for key in keys]
            keys.append(key)
            said = ask(key.cursor).text


def run(model_name: str | None = None) -> str:
    """Runs everything and returns the report: milliseconds at a key, and how many times the baseline's median that is."""
    name = model_name or models.default_name()
    report = [f"{name} on {hardware.describe('cpu')}, Python {platform.python_version()}, {datetime.date.today()}; one thread"]
    for lines in LENGTHS:
        cursors, kinds = keys_typed(lines, name)
        counts = ", ".join(f"{kinds.count(kind)} of kind {kind}" for kind in ("jump", "key", "accept"))
        report.append(f"\n{lines} lines; {len(cursors)} requests ({counts}); {REPEATS} times, in turn; ms\n")
        report += table(in_turn(cursors, name))
    if rivals.MISSING:
        report.append(f"\nNot compared, since not installed: {', '.join(rivals.MISSING)}")
    return "\n".join(report)


def in_turn(cursors: Sequence[Cursor], name: str) -> dict[str, list[rivals.Answer]]:
    """Every engine's answers to the same requests, the engines in turn, each time from the beginning."""
    answers: dict[str, list[rivals.Answer]] = {engine: [] for engine in rivals.ENGINES}
    for _ in range(REPEATS):
        for engine, make in rivals.ENGINES.items():
            with ExitStack() as stack:
                ask = make(name, stack)
                ask(Cursor("x = ", 4))  # what is loaded at the first request is no keystroke's
                answers[engine] += [ask(cursor) for cursor in cursors[:: EVERY if engine == SLOW else 1]]
    return answers


def table(answers: dict[str, list[rivals.Answer]]) -> list[str]:
    """One line for each engine."""
    names = zip(("", "first p50", "p95", "whole p50", "p95", "computed", "remembered", "baseline / p50"), WIDTHS, strict=True)
    head = "".join(f"{name:>{width}}" for name, width in names)
    baseline = statistics.median(answer.total_ms for answer in answers[SLOW])
    lines = [head]
    for engine, given in answers.items():
        first, whole = ([getattr(answer, name) for answer in given] for name in ("first_ms", "total_ms"))
        computed = statistics.mean(answer.computed for answer in given)
        remembered = statistics.mean(answer.remembered for answer in given)
        row = f"{engine:28}{quantile(first, 0.5):10.1f}{quantile(first, 0.95):8.1f}"
        row += f"{quantile(whole, 0.5):11.1f}{quantile(whole, 0.95):8.1f}"
        lines.append(row + f"{computed:10.1f}{remembered:12.0%}{baseline / quantile(whole, 0.5):16.1f}")
    return lines


def quantile(values: Sequence[float], share: float) -> float:
    """The value that so many of all are not above.

    >>> quantile([5, 1, 3, 2, 4], 0.5), quantile([1, 2, 3, 4], 0.95)
    (3, 4)
    """
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
