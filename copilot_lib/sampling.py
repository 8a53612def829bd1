"""Turns a model's scores (logits) for the next token into probabilities, and draws one token from them.

It knows arrays and chance; it does not know tokens' texts, prompts or when to stop.
"""

import math
from dataclasses import dataclass
from numbers import Integral, Real

import numpy


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen; the default always takes the likeliest one.

    >>> Sampling(temperature=0.2, top_p=0.95, seed=0)
    Sampling(temperature=0.2, top_k=0, top_p=0.95, seed=0)
    >>> Sampling(top_p=0)
    Traceback (most recent call last):
    ValueError: top_p is 0: expected more than 0 and at most 1 (1 keeps every token)
    """

    temperature: float = 0.0
    """0 takes the likeliest token; 1 keeps the model's own distribution; more flattens it."""
    top_k: int = 0
    """Only so many of the likeliest tokens are kept; 0 keeps all."""
    top_p: float = 1.0
    """Only the likeliest tokens that together reach this share are kept; 1 keeps all."""
    seed: int | None = None
    """The same seed draws the same tokens; None draws afresh each time."""

    def __post_init__(self):
        if not is_number(self.temperature) or not 0 <= self.temperature < math.inf:
            raise ValueError(f"temperature is {self.temperature!r}: expected a finite number, 0 (the likeliest token) or more")
        if not is_number(self.top_k, Integral) or self.top_k < 0:
            raise ValueError(f"top_k is {self.top_k!r}: expected a whole number, 0 (keeps every token) or more")
        if not is_number(self.top_p) or not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p!r}: expected more than 0 and at most 1 (1 keeps every token)")
        if self.seed is not None and (not is_number(self.seed, Integral) or self.seed < 0):
            raise ValueError(f"seed is {self.seed!r}: expected a whole number, 0 or more, or None for a fresh draw")


def is_number(value: object, kind: type = Real) -> bool:
    """Whether a value is a number of that kind; True and False are not meant as numbers.

    >>> is_number(1), is_number(1.5, Integral), is_number(True), is_number("1")
    (True, False, False, False)
    """
    return isinstance(value, kind) and not isinstance(value, bool)


def probabilities(logits: numpy.ndarray, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> numpy.ndarray:
    """The probability of every token to be chosen, (vocabulary,), float64, summing to 1.

    Temperature first, then the `top_k` likeliest, then the fewest of these that reach `top_p`; of equals the lower id comes
    first. Arguments are not checked here: `Sampling` does that.

    >>> logits = numpy.log([0.1, 0.6, 0.3])
    >>> probabilities(logits).round(2).tolist()
    [0.1, 0.6, 0.3]
    >>> probabilities(logits, temperature=0).tolist()
    [0.0, 1.0, 0.0]
    >>> probabilities(logits, top_k=2).round(2).tolist()
    [0.0, 0.67, 0.33]
    >>> probabilities(logits, top_p=0.5).tolist()
    [0.0, 1.0, 0.0]
    """
    logits = numpy.asarray(logits, dtype=numpy.float64)
    if temperature == 0:
        top_k, temperature = 1, 1.0
    with numpy.errstate(over="ignore"):  # a tiny temperature divides to minus infinity, whose exponential is the 0 it should be
        weights = numpy.exp((logits - logits.max()) / temperature)
    order = numpy.argsort(-logits, kind="stable") if top_k or top_p < 1 else None
    if top_k:
        weights[order[top_k:]] = 0
    weights /= weights.sum()
    if top_p < 1:
        before = numpy.cumsum(weights[order]) - weights[order]
        weights[order[before >= top_p]] = 0
    return weights / weights.sum()


def pick(probabilities: numpy.ndarray, random: numpy.random.Generator) -> int:
    """Draws one token id: a random point on a line on which every token is as long as it is likely.

    >>> pick(numpy.array([0.0, 1.0, 0.0]), numpy.random.default_rng())
    1
    """
    ends = numpy.cumsum(probabilities)
    # Scaled by the last end, which rounding can leave below 1; "right" skips tokens of length 0.
    return int(numpy.searchsorted(ends, random.random() * ends[-1], side="right"))
