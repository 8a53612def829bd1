"""Puts further examples among a repository's own, so that a model does not feed on one kind alone.

It knows examples and shares; it does not know where either kind comes from.
"""

import random
from collections.abc import Iterable, Iterator, Sequence

from copilot_lib.tuning.drawing import Example

FURTHER_SHARE = 0.25
"""How many of all examples are further ones, while there are enough of them: three of four are the repository's own gaps."""
MOST_TIMES = 4
"""How often one of them is seen in an epoch at most, however few there are."""


def among(own: Iterable[Example], further: Sequence[Example], chance: random.Random) -> Iterator[Example]:
    """The own examples in their order, and between them the further ones in an order of chance.

    >>> gaps = [Example((n,), 1, "gap") for n in range(9)]
    >>> mixed = list(among(gaps, [Example((99,), 1, "accepted")], random.Random(1)))
    >>> [example for example in mixed if example.kind == "gap"] == gaps
    True
    >>> 1 <= sum(example.kind == "accepted" for example in mixed) <= MOST_TIMES
    True
    """
    waiting = [example for _ in range(MOST_TIMES) for example in chance.sample(further, len(further))]
    for example in own:
        yield example
        if waiting and chance.random() < FURTHER_SHARE / (1 - FURTHER_SHARE):
            yield waiting.pop()
