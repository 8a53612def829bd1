"""Asks a completer at frozen targets and sums up its answers: every target counts, by kind of cursor, with intervals.

It knows answers and metrics; it does not know how targets were chosen (`targets`) or how a score is computed (`metrics`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from copilot_lib import metrics
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.targets import Target

MAX_NEW_TOKENS = {"block": 128}
LINE_TOKENS = 48
"""From the lengths of all references; never from the one that is asked for, which would give its answer away."""


@dataclass(frozen=True)
class Answer:
    """What a completer said at one target, in three ways."""

    target: Target
    raw: str
    """Decoded until the model's own end token, or the limit; no rule of ours."""
    ended: bool
    """Whether that end token came."""
    shown: str
    """As an editor shows it: stopping rules and clean-up applied."""
    unaware: str
    """As an editor would show it if nothing stood below and behind the cursor."""


def raw_answer(completer: Completer, cursor: Cursor, limit: int, **options) -> tuple[str, bool]:
    """What the model itself says, without any rule of ours; and whether it ended by itself. Options as `Completer.begin`."""
    _, run, pieces = completer.begin(cursor, limit, **options)
    return "".join(pieces), run.stopped == "end"


def answer(completer: Completer, target: Target) -> Answer:
    """Asks three times, greedily; the second costs little, since the first left its keys and values behind."""
    limit = MAX_NEW_TOKENS.get(target.kind, LINE_TOKENS)
    raw, ended = raw_answer(completer, target.cursor, limit)
    shown = completer.complete(target.cursor, max_new_tokens=limit).text
    alone = Cursor(target.cursor.prefix, target.cursor.offset)
    unaware = completer.complete(alone, max_new_tokens=limit).text
    return Answer(target, raw, ended, shown, unaware)


def answers(completer: Completer, targets: Iterable[Target]) -> Iterator[Answer]:
    """One answer after the other."""
    return (answer(completer, target) for target in targets)


def first_line(text: str, target: Target) -> str:
    """The answer as far as it can be right: its first line where one line was asked for."""
    return text if target.kind == "block" else text.split("\n")[0]


VIEWS: dict[str, Callable[[Answer], str]] = {
    "raw": lambda a: a.raw,
    "shown": lambda a: a.shown,
    "shown, first line": lambda a: first_line(a.shown, a.target),
    "no suffix, first line": lambda a: first_line(a.unaware, a.target),
}
"""Which of its texts an answer is scored by."""


def summary(answers: Iterable[Answer]) -> list[dict]:
    """One row for each kind of cursor and view: number of targets and files, and each metric as [mean, low, high]."""
    kinds: dict[str, list[Answer]] = {}
    for one in answers:
        kinds.setdefault(one.target.kind, []).append(one)
    return [row(kind, view, members) for kind, members in kinds.items() for view in VIEWS]


def row(kind: str, view: str, members: list[Answer]) -> dict:
    """The scores of one kind of cursor in one view; `ended` belongs to the raw answer."""
    groups = [one.target.group for one in members]
    scores = scored([VIEWS[view](one) for one in members], [one.target for one in members])
    if view == "raw":
        scores["ended"] = [float(one.ended) for one in members]
    rounded = {name: [round(n, 4) for n in metrics.interval(values, groups)] for name, values in scores.items()}
    return {"kind": kind, "view": view, "targets": len(members), "files": len(set(groups))} | rounded


def scored(texts: Sequence[str], targets: Sequence[Target]) -> dict[str, list[float]]:
    """What each metric says of each text, in the order of the targets."""
    return {m.__name__: [m(*pair) for pair in zip(texts, targets, strict=True)] for m in metrics.METRICS}
