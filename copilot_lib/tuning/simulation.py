"""A simulated user: types what an author has written, takes a completion's line where the author went on like it, or nothing.

It knows places, completions and the author's text; it does not know adapters, or what is learnt from its events.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from copilot_lib import frozen
from copilot_lib.completer import Completer
from copilot_lib.feedback import CHARACTERS_AROUND, Event, Store
from copilot_lib.metrics import interval
from copilot_lib.registry import Entry
from copilot_lib.repository import SourceFile
from copilot_lib.split import clusters, size
from copilot_lib.targets import COLUMNS, Target, place

KINDS = tuple(COLUMNS)
"""Where the user stops to look: before a line, in it, in a word. All ask for the rest of the line."""
MAX_NEW_TOKENS = 48
TIME = "2026-01-01T00:00:00"
"""When all of it happens: a simulation has no clock."""


@dataclass(frozen=True)
class Round:
    """Files that are written in one round, and the places at which the user looks at what is shown."""

    files: list[SourceFile]
    targets: list[Target]


@dataclass(frozen=True)
class Counted:
    """What came of a round, in numbers."""

    places: int
    shown: int
    """Where there was anything to look at."""
    accepted: int
    whole: int
    """Accepted ones that were all that the author wrote there."""
    saved: int
    """Characters that the user did not have to type."""
    written: int
    """Characters that there were to type."""
    different: int
    """Texts that were shown, each counted once: few where a model says the same everywhere."""


def rounds(files: Iterable[SourceFile], count: int, per_kind: int, seed: int = 0) -> list[Round]:
    """So many rounds of about as much text, none with a file that is like one of another round."""
    groups = clusters(files)
    random.Random(seed).shuffle(groups)
    parts: list[list[SourceFile]] = [[] for _ in range(count)]
    for group in groups:
        min(parts, key=size).extend(group)
    return [Round(part, targets_in(part, per_kind, seed)) for part in parts]


def targets_in(files: Sequence[SourceFile], per_kind: int, seed: int) -> list[Target]:
    """Up to `per_kind` places of each kind, in the order in which an author would come by."""
    texts = {file.path: file.text for file in files}
    rows = [row for row in frozen.sample(files, per_kind, seed) if row["kind"] in KINDS]
    return [place(texts[row["file"]], row) for row in sorted(rows, key=lambda row: (row["file"], row["start"], row["kind"]))]


def taken(text: str, target: Target) -> str:
    """What the user takes of a completion: its first line if the author's line goes on like that, else nothing.

    >>> from copilot_lib.cursor import Cursor
    >>> at = Target(Cursor("x = ", 4), "price * count", "a.py:1:5")
    >>> [taken(text, at) for text in ("price * count\\ny = 2", "price", "price()", "", " ")]
    ['price * count', 'price', '', '', '']
    """
    first = text.split("\n")[0]
    return first if first.strip() and target.reference.startswith(first) else ""


def shown_to_typist(completer: Completer, targets: Sequence[Target], adapter: Entry | None = None) -> list[str]:
    """What is shown at each place."""
    options = {"max_new_tokens": MAX_NEW_TOKENS, "adapter": adapter}
    return [completer.complete(target.cursor, **options).text.rstrip("\n") for target in targets]


def event(target: Target, text: str, kind: str, model: str, accepted: int = 0) -> Event:
    """What an editor reports of one completion, of which so many characters were accepted."""
    prefix, suffix = target.cursor.prefix[-CHARACTERS_AROUND:], target.cursor.suffix[:CHARACTERS_AROUND]
    return Event(f"{target.file} {target.kind}", kind, accepted, None, TIME, model, prefix, suffix, text)


def record(file: Path, targets: Sequence[Target], texts: Sequence[str], model: str) -> list[Event]:
    """Keeps what became of a round's completions, as a server with --record does, and gives it back as it was kept."""
    file.unlink(missing_ok=True)
    store = Store(file)
    for target, text in zip(targets, texts, strict=True):
        if text:
            store.add(event(target, text, "shown", model))
            part = taken(text, target)
            store.add(event(target, text, "accepted" if part else "rejected", model, len(part)))
    return list(store.events())


def count_taken(targets: Sequence[Target], texts: Sequence[str]) -> Counted:
    """The numbers of a round."""
    parts = [taken(text, target) for text, target in zip(texts, targets, strict=True)]
    return Counted(
        places=len(targets),
        shown=sum(bool(text) for text in texts),
        accepted=sum(bool(part) for part in parts),
        whole=sum(part == target.reference for part, target in zip(parts, targets, strict=True) if part),
        saved=sum(map(len, parts)),
        written=sum(len(target.reference) for target in targets),
        different=len(set(texts) - {""}),
    )


def worth_of_each(targets: Sequence[Target], texts: Sequence[str]) -> tuple[list[float], list[float]]:
    """For each place, whether what was shown was taken, and how many characters that saved."""
    parts = [taken(text, target) for text, target in zip(texts, targets, strict=True)]
    return [float(bool(part)) for part in parts], [float(len(part)) for part in parts]


def row(targets: Sequence[Target], texts: Sequence[str]) -> dict:
    """The numbers of a round as a row of a record: shares with 95 % intervals, in which whole files are resampled."""
    took, saved = worth_of_each(targets, texts)
    groups, written = [target.group for target in targets], [float(len(target.reference)) for target in targets]
    shares = {"accepted_share": interval(took, groups), "saved_share": interval(saved, groups, units=written)}
    return asdict(count_taken(targets, texts)) | {name: [round(value, 4) for value in three] for name, three in shares.items()}
