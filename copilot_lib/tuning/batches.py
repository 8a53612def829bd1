"""Puts examples of like length together into batches, so that almost nothing is padding, and says what is learnt of each.

It knows ids and lengths; it does not know text, files or networks.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice

from copilot_lib.tuning.drawing import Example

POOL = 4096
"""Examples that are sorted by length at a time: enough to be alike, few enough to stay small in a large repository."""
PADDING = 0.0
"""The weight of what nothing is learnt from."""
ANSWER_ALONE = frozenset({"accepted"})
"""Kinds of example of which the answer alone is learnt: what is around it need not be a text that was ever finished."""


@dataclass(frozen=True)
class Batch:
    """Rows of one length, (examples, tokens)."""

    ids: list[list[int]]
    weights: list[list[float]]
    """How much each id counts when it is predicted: 0 for padding."""
    may_end: list[list[bool]]
    """Whether the end token could stand there instead: anywhere but in a prompt, unless a family's prompts have it."""
    end_id: int
    """The end token, which is the padding too."""
    tokens: int
    """How many of the ids are no padding."""
    answers: int
    """How many of them belong to an answer: the middle of a gap and its end token."""

    @property
    def size(self) -> int:
        """All places, padding included."""
        return len(self.ids) * len(self.ids[0])


def endless(epoch: Callable[[int], Iterable[Example]], batch_tokens: int, answer_weight: float, end_id: int, seed: int):
    """Batches of one epoch after the other; the same arguments give the same batches in the same order."""
    for number in count():
        yield from of_epoch(epoch(number), batch_tokens, answer_weight, end_id, random.Random(f"{seed}/batches/{number}"))


def of_epoch(
    examples: Iterable[Example], batch_tokens: int, answer_weight: float, end_id: int, random: random.Random
) -> Iterator[Batch]:
    """Batches of at most `batch_tokens` places, in an order that says nothing of their length."""
    coming = iter(examples)
    while pool := list(islice(coming, POOL)):
        groups = list(alike(sorted(pool, key=lambda example: len(example.ids)), batch_tokens))
        random.shuffle(groups)
        for group in groups:
            yield padded(group, answer_weight, end_id)


def alike(examples: Sequence[Example], batch_tokens: int) -> Iterator[list[Example]]:
    """Cuts examples that are sorted by length into groups; the longest of a group is its last."""
    group: list[Example] = []
    for example in examples:
        if group and (len(group) + 1) * len(example.ids) > batch_tokens:
            yield group
            group = []
        group.append(example)
    if group:
        yield group


def padded(examples: Sequence[Example], answer_weight: float, end_id: int) -> Batch:
    """One batch, in which each token of an answer counts `answer_weight` times what one of other text does.

    >>> made = padded([Example((5, 6, 7), 1, "gap"), Example((8, 9), 2, "plain")], 4.0, end_id=0)
    >>> made.ids, made.weights, made.may_end
    ([[5, 6, 7], [8, 9, 0]], [[1.0, 1.0, 4.0], [1.0, 1.0, 0.0]], [[False, False, True], [True, True, True]])
    """
    length = max(len(example.ids) for example in examples)
    ids, weights, may_end, answers = [], [], [], 0
    for example in examples:
        answered = 0 if example.kind == "plain" else example.answer_count
        given, missing = len(example.ids) - answered, length - len(example.ids)
        around = PADDING if example.kind in ANSWER_ALONE else 1.0
        prompt = () if example.kind == "plain" else example.ids[:given]
        ids.append([*example.ids, *[end_id] * missing])
        weights.append([*[around] * given, *[answer_weight] * answered, *[PADDING] * missing])
        may_end.append([*[id == end_id for id in prompt], *[True] * (length - len(prompt))])
        answers += answered
    return Batch(ids, weights, may_end, end_id, sum(len(example.ids) for example in examples), answers)
