"""Compares two who were asked at the same places: what only one got right, and by how much one is ahead.

It knows two lists of scores; it does not know who was asked, or what.
"""

from collections.abc import Sequence
from math import comb
from typing import NamedTuple

from copilot_lib.metrics import interval


class Discordant(NamedTuple):
    """The places that tell two apart, and how likely chance alone would make them so unequal or more."""

    only_first: int
    only_second: int
    p: float


def mcnemar(first: Sequence[float], second: Sequence[float]) -> Discordant:
    """The exact McNemar test: of the places that one alone got right, are as many the first's as the second's?

    >>> mcnemar([1, 1, 1, 1, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0, 0, 1])
    Discordant(only_first=6, only_second=0, p=0.03125)
    """
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    only_first = sum(a > b for a, b in pairs)
    n, fewer = len(pairs), min(only_first, len(pairs) - only_first)
    # Whole numbers until the end: two to the power of a thousand places is no float.
    as_unequal = 2 * sum(comb(n, k) for k in range(fewer + 1))
    return Discordant(only_first, n - only_first, min(1.0, as_unequal / 2**n))


def difference(
    first: Sequence[float], second: Sequence[float], groups: Sequence[str], units: Sequence[float] | None = None
) -> tuple[float, float, float]:
    """By how much the second's mean is above the first's, with its 95 % interval: files are resampled, pairs stay together.

    >>> difference([0, 0], [1, 1], ["a.py", "b.py"])
    (1.0, 1.0, 1.0)
    """
    return interval([b - a for a, b in zip(first, second, strict=True)], groups, units=units)


def verdict(found: tuple[float, float, float], matters: float) -> str:
    """What mean, low and high of a difference say where a difference up to `matters` is worth nothing, to whichever side.

    `better` and `worse` are said of the second of two scores of which more is better; `open` is what more places may decide.

    >>> [verdict((mean, mean - 0.02, mean + 0.02), matters=0.03) for mean in (0.06, 0.04, 0.01, -0.06)]
    ['better', 'open', 'no difference that matters', 'worse']
    """
    if matters < 0:
        raise ValueError(f"a difference of {matters} was to matter: expected 0 or more")
    _, low, high = found
    if low > matters:
        return "better"
    if high < -matters:
        return "worse"
    return "no difference that matters" if -matters <= low and high <= matters else "open"
