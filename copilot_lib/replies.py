"""Asks a contestant at every frozen place, and keeps each reply in a file as it comes, so that a stopped run goes on.

It knows contestants, places and files of replies; it does not know scores.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from copilot_lib.contestants import Contestant, Said
from copilot_lib.evaluate import LINE_TOKENS, MAX_NEW_TOKENS
from copilot_lib.frozen import Frozen
from copilot_lib.targets import Target


@dataclass(frozen=True)
class Reply(Said):
    """What was said at one place, and how well its reference was foreseen."""

    bits: float | None
    """Of the whole reference; None where the contestant has no probabilities."""


def reply_to(contestant: Contestant, target: Target) -> Reply:
    """One reply. The limit is that of the target's kind: its own length would give the answer away."""
    limit = MAX_NEW_TOKENS.get(target.kind, LINE_TOKENS)
    said = contestant.answer(target.cursor, target.group, limit)
    return Reply(**asdict(said), bits=contestant.bits(target) if contestant.bits else None)


def collect(
    contestant: Contestant, asked: Frozen, file: Path, progress: Callable[[Iterable, int], Iterable] = lambda items, done: items
) -> list[Reply]:
    """A reply for every target, in their order; those that the file has are not asked for again.

    A last line that was cut off is dropped. `ValueError` where the file has replies of another contestant, or to other places.
    """
    about = {"contestant": contestant.name, "identity": contestant.identity, "places": asked.fingerprint}
    replies = kept(file, about)
    del replies[len(asked.targets) :]
    with file.open("a", encoding="utf-8") as lines:
        for target in progress(asked.targets[len(replies) :], len(replies)):
            replies.append(reply_to(contestant, target))
            print(json.dumps(asdict(replies[-1])), file=lines, flush=True)
    return replies


def kept(file: Path, about: dict) -> list[Reply]:
    """The replies in a file that begins with what they are about; a new file is begun where there is none."""
    with suppress(FileNotFoundError):
        whole = file.read_bytes()
        whole = whole[: whole.rfind(b"\n") + 1]
        os.truncate(file, len(whole))
        if whole:
            return [*read(file, whole, about)]
    file.write_text(json.dumps(about) + "\n", encoding="utf-8")
    return []


def read(file: Path, data: bytes, about: dict) -> Iterator[Reply]:
    """The replies in the whole lines of a file; `ValueError` where they are about something else."""
    first, *rest = data.splitlines()
    try:
        was = json.loads(first)
        differing = sorted(key for key in about if was.get(key) != about[key])
        if not differing:
            yield from [Reply(**json.loads(line)) for line in rest]
            return
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} does not hold replies: remove it, or name another folder with --output") from error
    changes = ", ".join(f"{key} was {was.get(key)!r} and is {about[key]!r}" for key in differing)
    raise ValueError(f"{file} holds other replies ({changes}): remove it, or name another folder with --output")
