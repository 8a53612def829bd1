"""Counts how often a program runs whose hole was filled: by a model, by its author, and by answers whose worth is known.

It knows answers and outcomes; it does not know how a program is run or where its hole is.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.evaluate import LINE_TOKENS, MAX_NEW_TOKENS, raw_answer
from copilot_lib.metrics import exact, interval
from copilot_lib.tasks.cutting import KINDS, Hole, holes
from copilot_lib.tasks.sandbox import Outcome, run

BODY_TOKENS = MAX_NEW_TOKENS["block"]
Answers = Callable[[Sequence[Hole]], list[str]]
"""From all holes of one kind to what is put into each."""


def shuffled(asked: Sequence[Hole]) -> list[str]:
    """The references of other holes of the same kind: real code, but for another place."""
    references = [hole.reference for hole in asked]
    random.Random(0).shuffle(references)
    return references


KNOWN: dict[str, Answers] = {
    "reference": lambda asked: [hole.reference for hole in asked],
    "reference without its last newline": lambda asked: [hole.reference.removesuffix("\n") for hole in asked],
    "shuffled references": shuffled,
    "empty": lambda asked: ["" for _ in asked],
}
"""Answers of known worth: they say what the measure itself is worth. The first must always pass; nothing is nothing."""


def of_model(completer: Completer, both_sides: bool = True) -> Answers:
    """What a model answers, greedily: as an editor shows it; where the newline is asked for too, as the model says it."""

    def answer(hole: Hole) -> str:
        cursor = hole.cursor if both_sides else Cursor(hole.cursor.prefix, hole.cursor.offset)
        if hole.kind == "line with its newline":
            line, newline, _ = raw_answer(completer, cursor, LINE_TOKENS)[0].partition("\n")
            return line + newline
        if hole.kind == "body":
            return completer.complete(cursor, max_new_tokens=BODY_TOKENS).text
        return completer.complete(cursor, max_new_tokens=LINE_TOKENS).text.split("\n")[0]

    return lambda asked: [answer(hole) for hole in asked]


def of_pocket_and_known(completer: Completer) -> dict[str, Answers]:
    """All that are asked: the answers of known worth, and the model with and without what stands below the cursor."""
    name = completer.model.name
    return KNOWN | {f"{name}, no suffix": of_model(completer, both_sides=False), name: of_model(completer)}


def rows(
    methods: Mapping[str, Answers], holes_of: Callable[[str], list[Hole]] = holes, attempt: Callable[[str], Outcome] = run
) -> Iterator[dict]:
    """For each kind of hole and each method: how many pass, with an interval by function, and why others do not.

    A program that was run is not run again. Every hole counts, whatever was answered.
    """
    done: dict[str, Outcome] = {}
    for kind in KINDS:
        asked = holes_of(kind)
        for name, answers in methods.items():
            said = answers(asked)
            programs = [hole.filled(text) for hole, text in zip(asked, said, strict=True)]
            done |= {program: attempt(program) for program in dict.fromkeys(programs) if program not in done}
            outcomes = [done[program] for program in programs]
            yield {"kind": kind, "answers": name, "holes": len(asked)} | scored(asked, said, outcomes)


def scored(asked: Sequence[Hole], said: Sequence[str], outcomes: Sequence[Outcome]) -> dict:
    """The shares that pass and that are what the author wrote, each as [mean, low, high]; and what stopped the others."""
    groups = [hole.group for hole in asked]
    passes = [float(outcome.passed) for outcome in outcomes]
    same = [exact(text, hole) for text, hole in zip(said, asked, strict=True)]
    reasons = Counter(outcome.why.split(":")[0] for outcome in outcomes if not outcome.passed)
    return {
        "functions": len(set(groups)),
        "passes": [round(number, 4) for number in interval(passes, groups)],
        "exact": [round(number, 4) for number in interval(same, groups)],
        "passes_otherwise": sum(passed > equal for passed, equal in zip(passes, same, strict=True)),
        "why_not": dict(reasons.most_common(5)),
    }


def table(found: Sequence[dict]) -> list[tuple[str, ...]]:
    """The rows for a terminal, their head first."""

    def share(interval: Sequence[float]) -> str:
        mean, low, high = (100 * number for number in interval)
        return f"{mean:.1f} ({low:.0f}-{high:.0f})"

    head = ("kind of hole", "answers", "holes", "runs %", "exact %", "runs, but is not exact")
    body = [
        (
            row["kind"],
            row["answers"],
            str(row["holes"]),
            share(row["passes"]),
            share(row["exact"]),
            str(row["passes_otherwise"]),
        )
        for row in found
    ]
    return [head, *body]
