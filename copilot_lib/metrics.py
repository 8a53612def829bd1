"""Scores of one answer against what its author wrote, and intervals for their means.

It knows strings and numbers; it does not know models or where targets come from.
"""

import ast
import warnings
from collections.abc import Callable, Sequence

import numpy
from rapidfuzz.distance import Levenshtein

from copilot_lib.targets import Target

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


def parses_in_place(answer: str, target: Target) -> float:
    """1 if the file, with the answer at the cursor, is Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(target.cursor.prefix + answer + target.cursor.suffix)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0.0
    return 1.0


def empty(answer: str, target: Target) -> float:
    """1 if there is no answer."""
    return float(not answer)


METRICS: tuple[Metric, ...] = (exact, stripped, similarity, parses_in_place, empty)


def interval(values: Sequence[float], groups: Sequence[str], seed: int = 0) -> tuple[float, float, float]:
    """Mean, and the ends of its 95 % interval, by resampling whole groups (files): answers in one file are alike.

    >>> interval([1, 1, 1, 1], ["a", "a", "b", "b"])
    (1.0, 1.0, 1.0)
    """
    if not values:
        raise ValueError("no values: expected at least one")
    values = numpy.asarray(values, dtype=float)
    names, member = numpy.unique(numpy.asarray(groups), return_inverse=True)
    sums, counts = numpy.bincount(member, values), numpy.bincount(member)
    chosen = numpy.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)))
    means = sums[chosen].sum(1) / counts[chosen].sum(1)
    low, high = numpy.quantile(means, (0.025, 0.975))
    return float(values.mean()), float(low), float(high)
