r"""Draws examples from files, anew for every epoch: a window is cut first, then a gap in it, then prompt, answer and end token.

It knows files, a codec and chance; it does not know networks, batches or losses. The same seed and epoch give the same examples
in the same order. Prompts are written by the codec, so every format and both of its orders are those of serving:

    for example in draw(material.train, model.codec, model.context_tokens, seed=0, epoch=3):
        example.ids[-example.answer_count :]  # the middle and the end token
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from copilot_lib.codec import LINE, Codec
from copilot_lib.completer import CONTEXT_SHARE, context_ids
from copilot_lib.cursor import Cursor
from copilot_lib.examples import LEAST_AROUND, gap, share
from copilot_lib.recipe import Mix
from copilot_lib.repository import SourceFile
from copilot_lib.snippet import Place

LEAST_ROOM = 48
"""Tokens of text in the smallest window."""

MIX = Mix(fim_share=0.9)
Places = Callable[[str], Place]
"""From a file's path, its place among the others."""


@dataclass(frozen=True)
class Drawing:
    """How examples are drawn."""

    mix: Mix = MIX
    """How many windows get a gap; of these, how many are asked in SPM order, where a format has both; and which spans."""
    full_share: float = 0.5
    """How many windows are as large as the model takes. The others are of any size, as the text around a cursor may be."""
    context_share: float = 0.0
    """How many gaps are asked about with pieces of other files."""
    instructions: bool = False
    """Whether functions are asked for among the gaps too, by what they say of themselves (`instructions`)."""


@dataclass(frozen=True)
class Example:
    """Token ids to learn from."""

    ids: tuple[int, ...]
    answer_count: int
    """How many of the last ids are the answer, with the end token; of text that just goes on, all."""
    kind: str
    """`gap`, `plain`, `instruction` or `accepted`."""
    context_count: int = 0
    """How many of the ids are of other files."""


def draw(
    files: Sequence[SourceFile],
    codec: Codec,
    context_tokens: int,
    seed: int = 0,
    epoch: int = 0,
    drawing: Drawing = Drawing(),
    places: Places | None = None,
) -> Iterator[Example]:
    """The examples of one epoch: every window of every file once, file by file, in an order and of sizes that chance decides.

    None has more than `context_tokens` ids. `neighbours.places` gives the places, without which no other file is shown.
    """
    order = sorted(files, key=lambda file: file.path)
    random.Random(f"{seed}/{epoch}").shuffle(order)
    most = context_tokens - overhead(codec)
    if most < LEAST_ROOM:
        least = LEAST_ROOM + overhead(codec)
        raise ValueError(f"examples of {context_tokens} tokens were asked for: expected at least {least}")
    for file in order:
        chance = random.Random(f"{seed}/{epoch}/{file.path}")
        for start, end, room in windows(file.text, codec, most, drawing.full_share, chance):
            if not file.text[start:end].strip():
                continue
            if chance.random() >= drawing.mix.fim_share:
                yield plain(file.text, start, end, codec, room)
            else:
                place = places(file.path) if places and chance.random() < drawing.context_share else None
                yield filled(file.text, start, end, codec, room, chance, drawing.mix, place)


def overhead(codec: Codec) -> int:
    """The ids of an example with a gap that are not text: sentinels, what begins every prompt, the end token."""
    prompt = codec.fim("a", "b")
    return len(prompt.ids) - prompt.prefix_count - prompt.suffix_count + 1


def windows(text: str, codec: Codec, most: int, full_share: float, chance: random.Random) -> Iterator[tuple[int, int, int]]:
    """Start and end of each window, and its room in tokens: whole lines one after the other, as many as have room together."""
    start = end = used = room = 0
    for line in LINE.findall(text):
        count = len(codec.encode(line))
        if end == start or used + count > room:
            if end > start:
                yield start, end, room
            room = most if chance.random() < full_share else chance.randint(LEAST_ROOM, most)
            start, used = end, 0
        end, used = end + len(line), used + count
    if end > start:
        yield start, end, room


def filled(
    text: str, start: int, end: int, codec: Codec, room: int, chance: random.Random, mix: Mix, place: Place | None
) -> Example:
    """A gap in a window of a text, asked for as a completer would ask, with its answer and the end token.

    Where the text around it is too long it loses its outer ends; the middle is never cut.
    """
    window = text[start:end]
    budget = int(room * CONTEXT_SHARE) if place else 0
    cut, close, middle = gap(window, codec.encode, room - budget - LEAST_AROUND, chance, mix.spans)
    context: list[int] = []
    if place:
        without = Cursor(text[: start + cut] + text[start + close :], start + cut)
        context = context_ids(codec, without, place, budget)
    prefix, suffix = window[:cut], window[close:]
    room -= len(middle) + len(context)
    budgets = share(room, len(codec.encode(prefix)), len(codec.encode(suffix)))
    both = codec.format.psm and codec.format.spm
    order = ("SPM" if chance.random() < mix.spm_share else "PSM") if both else None
    prompt = codec.fim(prefix, suffix, order, *budgets, context)
    return Example((*prompt.ids, *middle, codec.end_id), len(middle) + 1, "gap", prompt.context_count)


def plain(text: str, start: int, end: int, codec: Codec, room: int) -> Example:
    """A window to be read from left to right; the end token follows where the file ends there, and only there."""
    ids = codec.plain(text[start:end], room).ids
    ids = (*ids, codec.end_id) if end == len(text) else ids
    return Example(ids, len(ids), "plain")
