"""Judges accepted completions, and makes examples of those that may be learnt from.

It knows events, files, secrets and how a prompt is asked; it does not know training, or who looks through what is left.

    for one in judge(read(Path("events.sqlite")), material.train, held_out=material.test):
        print(one.verdict, one.place, one.answer)

An event is learnt where its place is found in a file to learn from (`standing`). What stands there now is the answer: what was
changed after it was accepted is learnt as it was changed. Nothing is learnt of what was only shown, or was rejected.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from copilot_lib import healing
from copilot_lib.completer import Pipeline
from copilot_lib.cursor import LINE_END, Cursor
from copilot_lib.feedback import Event, events_in
from copilot_lib.repository import SourceFile
from copilot_lib.scoreboard import aligned
from copilot_lib.tuning import leaks
from copilot_lib.tuning.drawing import Example
from copilot_lib.tuning.standing import Around, Lines, lines_of, places

KEPT, CORRECTED = "kept", "corrected"
TAKEN = {KEPT: "stands as it was accepted", CORRECTED: "was changed afterwards: the answer is what stands there now"}
SECRET, HELD_OUT, FOREIGN, CHANGED = "secret", "held out", "foreign", "changed around"
TAKEN_BACK, AGAIN, REFUSED, TOO_LONG = "taken back", "again", "refused", "too long"
DROPPED = {
    SECRET: "holds a secret, or stands beside one",
    HELD_OUT: "stands in a file that is held out to measure with",
    FOREIGN: "stands in no file that is learnt from: another project's, or left out",
    CHANGED: "the lines around it, or the rest of its own, were written anew",
    TAKEN_BACK: "nothing stands there any more",
    AGAIN: "the same at the same place",
    REFUSED: "refused by a person",
    TOO_LONG: "longer than an example may be",
}
"""Why nothing is learnt from an event, in words for people."""
ASKED_TOKENS = 64
"""What completions are given room for when they are asked, and so what the prompt leaves."""


@dataclass(frozen=True)
class Judged:
    """An accepted completion, and what is made of it."""

    event: Event
    verdict: str
    """A key of `TAKEN` or `DROPPED`."""
    answer: str = ""
    """What should have been said; empty where nothing is learnt."""
    place: str = ""
    """File and line, counted from 1, where it stands."""

    @property
    def taken(self) -> bool:
        """Whether it is learnt from."""
        return self.verdict in TAKEN

    def dropped(self, why: str) -> "Judged":
        """The same, not to be learnt from."""
        return replace(self, verdict=why, answer="")


def read(record: Path) -> list[Event]:
    """The events of a record, oldest first; `ValueError` where the file is none, and none is made then."""
    if not record.is_file():
        raise ValueError(f"{record} is not there: expected the file that `serve` or `lsp` has written with --record")
    try:
        return list(events_in(record))
    except (sqlite3.Error, TypeError) as error:
        raise ValueError(f"{record} is no record of completions ({error}): expected what --record has written") from None


def settled(events: Iterable[Event]) -> list[Event]:
    """The last word on each completion of which something was accepted; of one taken word by word, the most."""
    last: dict[str, Event] = {}
    for event in events:
        if event.kind == "accepted" and event.text[: event.accepted_characters].strip():
            last[event.completion_id] = event
    return list(last.values())


def judge(events: Iterable[Event], learnt: Sequence[SourceFile], held_out: Sequence[SourceFile] = ()) -> list[Judged]:
    """What is made of each accepted completion, in the order of the record. Files as `material.collect` gives them."""
    asked = [(event, Around.of(event)) for event in settled(events)]
    keys = {around.key for _, around in asked if around.key}
    known, apart = lines_of(learnt, keys), lines_of(held_out, keys)
    seen: set[tuple] = set()
    made = []
    for event, around in asked:
        one = verdict(event, around, known.get(around.key, ()), apart.get(around.key, ()))
        same = one.place, around.anchor, one.answer
        made.append(one.dropped(AGAIN) if one.taken and same in seen else one)
        seen.add(same)
    return made


def verdict(event: Event, around: Around, known: Lines, apart: Lines) -> Judged:
    """What is made of one event; its key stands at `known` in files to learn from, at `apart` in files held out."""
    text = LINE_END.sub("\n", event.text[: event.accepted_characters])
    if is_secret(around.prefix + text + around.suffix):
        return Judged(event, SECRET)
    found = list(places(text, around, known))
    if not found:
        if any(places(text, around, apart)):
            return Judged(event, HELD_OUT)
        return Judged(event, CHANGED if known else FOREIGN)
    best = max(found, key=lambda place: (place.now == text, bool(place.now.strip())))
    one = Judged(event, KEPT if best.now == text else CORRECTED, best.now, f"{best.file}:{best.line}")
    if not best.now.strip():
        return one.dropped(TAKEN_BACK)
    return one.dropped(SECRET) if is_secret(around.prefix + best.now + around.suffix) else one


def is_secret(text: str) -> bool:
    """Whether a text holds a secret anywhere."""
    return bool(leaks.found(text) or leaks.keys(text))


def example(one: Judged, pipeline: Pipeline, most_tokens: int) -> Example | None:
    """The prompt as it was asked, the answer and the end token; None where they are more than so many.

    Where a word was begun, the model was asked before it (`healing`), and so it is here. What was shown of other files is not
    in the record, and not in the prompt.
    """
    around = Around.of(one.event)
    before, typed = healing.step_back(Cursor(around.prefix + around.suffix, len(around.prefix)))
    codec = pipeline.model.codec
    answer = (*codec.encode(typed + one.answer), codec.end_id)
    if len(answer) > most_tokens // 2:
        return None
    prompt = pipeline.prompt(before, max(ASKED_TOKENS, len(answer)))
    ids = (*prompt.ids, *answer)
    return Example(ids, len(answer), "accepted") if len(ids) <= most_tokens else None


def examples(judged: Iterable[Judged], pipeline: Pipeline, most_tokens: int) -> tuple[list[Example], list[Judged]]:
    """An example of each that is taken; and all again, those marked for which there is no room."""
    made, told = [], []
    for one in judged:
        drawn = example(one, pipeline, most_tokens) if one.taken else None
        made += [drawn] if drawn else []
        told.append(one.dropped(TOO_LONG) if one.taken and not drawn else one)
    return made, told


def counts(judged: Iterable[Judged]) -> dict[str, int]:
    """How many there are of each verdict, those that are taken first."""
    found = Counter(one.verdict for one in judged)
    return {verdict: found[verdict] for verdict in (*TAKEN, *DROPPED) if found[verdict]}


def summary(counted: dict[str, int]) -> str:
    """The same as a table for a terminal, with the reasons."""
    rows = [(f"{verdict}: {(TAKEN | DROPPED)[verdict]}", f"{count:,}") for verdict, count in counted.items()]
    learnt = sum(count for verdict, count in counted.items() if verdict in TAKEN)
    return aligned([("accepted completions", f"{sum(counted.values()):,}"), *rows, ("learnt from", f"{learnt:,}")])
