"""Scores of one answer against what its author wrote, and intervals for their means.

It knows strings and numbers; it does not know models or where targets come from.
"""

import re
from collections.abc import Callable, Sequence

import numpy
from rapidfuzz.distance import Levenshtein

from copilot_lib.strata import names
from copilot_lib.targets import Target, parsed

RESAMPLES = 2000
Metric = Callable[[str, Target], float]


def exact(answer: str, target: Target) -> float:
    """1 if the answer is the reference, to the last blank."""
    return float(answer == target.reference)


def stripped(answer: str, target: Target) -> float:
    """1 if they are equal without the blanks at both ends."""
    return float(answer.strip() == target.reference.strip())


def similarity(answer: str, target: Target) -> float:
    """1 minus the edit distance over the length of the longer; 0 for an empty answer."""
    return Levenshtein.normalized_similarity(answer, target.reference)


def distance(answer: str, target: Target) -> float:
    """The edit distance over the length of the longer: 1 for an empty answer, unlike a distance in characters."""
    return 1 - similarity(answer, target)


def identifier_f1(answer: str, target: Target) -> float:
    """How far the names in answer and reference are the same set: the harmonic mean of both shares.

    A word that the reference goes on with counts whole. Where the reference has no name, 1 if the answer is it, as `stripped`.
    """
    begun = re.search(r"\w*$", target.cursor.line_prefix)[0] if re.match(r"\w", target.reference) else ""
    said, wanted = names(begun + answer), names(begun + target.reference)
    if not wanted:
        return stripped(answer, target)
    return 2 * len(said & wanted) / (len(said) + len(wanted))


def parses_in_place(answer: str, target: Target) -> float:
    """1 if the file, with the answer at the cursor, is Python."""
    return float(parsed(target.cursor.prefix + answer + target.cursor.suffix) is not None)


def empty(answer: str, target: Target) -> float:
    """1 if there is no answer."""
    return float(not answer)


METRICS: tuple[Metric, ...] = (exact, stripped, similarity, distance, identifier_f1, parses_in_place, empty)


def interval(
    values: Sequence[float], groups: Sequence[str], seed: int = 0, units: Sequence[float] | None = None
) -> tuple[float, float, float]:
    """Mean, and the ends of its 95 % interval, by resampling whole groups (files): answers in one file are alike.

    Where a value is a sum over several units (the bits of so many bytes), the mean is that of a unit. With one group alone
    values are drawn, or the interval would be a point; what another group would have said is not in it.

    >>> interval([1, 1, 1, 1], ["a", "a", "b", "b"])
    (1.0, 1.0, 1.0)
    >>> interval([8, 4], ["a", "b"], units=[4, 2])
    (2.0, 2.0, 2.0)
    """
    if not values:
        raise ValueError("no values: expected at least one")
    values = numpy.asarray(values, dtype=float)
    units = numpy.ones(len(values)) if units is None else numpy.asarray(units, dtype=float)
    groups = groups if len(set(groups)) > 1 else range(len(values))
    names, member = numpy.unique(numpy.asarray(groups), return_inverse=True)
    sums, counts = numpy.bincount(member, values), numpy.bincount(member, units)
    chosen = numpy.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)))
    means = sums[chosen].sum(1) / counts[chosen].sum(1)
    low, high = numpy.quantile(means, (0.025, 0.975))
    return float(values.sum() / units.sum()), float(low), float(high)
