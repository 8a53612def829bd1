"""Computes what training takes in memory and over the wire, and what a large repository takes in time, from shapes and rates.

It knows formulas; it does not measure anything, and knows no network. Where a formula comes from, by its word below:

    zero       ZeRO, arXiv:1910.02054: what AdamW keeps for each parameter
    recompute  Reducing Activation Recomputation, arXiv:2205.05198, section 4: what one layer keeps of each token
    fsdp       PyTorch FSDP, arXiv:2304.11277: which weights are whole at a time
    ring       Bandwidth optimal all-reduce, doi:10.1016/j.jpdc.2008.09.002: what each process sends
    laws       Scaling Laws, arXiv:2001.08361: two operations a parameter forwards, four backwards
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

BF16, FLOAT32 = 2, 4
"""Bytes of a number."""
KEPT_BY_A_LAYER = 34
"""Bytes for each token and each number of the width, in 16 bits, where attention is fused: recompute, equation 1 without its
last term."""
OF_LOGITS = BF16 + 3 * FLOAT32
"""Bytes for each token and word: logits, their copy in 32 bits, the log of the softmax, and its gradient."""


@dataclass(frozen=True)
class Shape:
    """A transformer of StarCoder2's kind."""

    width: int
    layers: int
    heads: int
    key_value_heads: int
    inner: int
    vocabulary: int
    tied: bool = False
    """Whether the last layer is the first one's table."""

    @property
    def linear(self) -> tuple[tuple[int, int], ...]:
        """Inputs and outputs of the matrices of one layer: queries, keys, values, the way back, and the two of the MLP."""
        keys = self.width // self.heads * self.key_value_heads
        square = (self.width, self.width)
        return square, (self.width, keys), (self.width, keys), square, (self.width, self.inner), (self.inner, self.width)

    @property
    def layer_parameters(self) -> int:
        """Matrices with their biases, and two layer norms."""
        return sum(inputs * outputs + outputs for inputs, outputs in self.linear) + 4 * self.width

    @property
    def outer_parameters(self) -> int:
        """What is in no layer: the table of words, the last layer, and the last norm."""
        return self.vocabulary * self.width * (1 if self.tied else 2) + 2 * self.width


STARCODER2_15B = Shape(width=6144, layers=40, heads=48, key_value_heads=4, inner=24576, vocabulary=49152)


def parameters(shape: Shape) -> int:
    """All weights of a model.

    >>> parameters(STARCODER2_15B)
    15957889024
    """
    return shape.layers * shape.layer_parameters + shape.outer_parameters


def lora_parameters(shape: Shape, rank: int) -> int:
    """The weights of an adapter on all matrices of all layers.

    >>> lora_parameters(STARCODER2_15B, 16)
    63569920
    """
    return shape.layers * rank * sum(inputs + outputs for inputs, outputs in shape.linear)


@dataclass(frozen=True)
class Memory:
    """Bytes on one graphics card while it trains."""

    weights: float
    gradients: float
    states: float
    """What the optimiser keeps."""
    activations: float
    """What the way back needs of the way there."""
    gathered: float = 0
    """Weights of others, for as long as they are needed."""

    @property
    def total(self) -> float:
        """All of it; what the driver, the allocator's gaps and libraries take comes on top."""
        return sum(getattr(self, field.name) for field in fields(self))


def activations(shape: Shape, tokens: int, recomputed: bool = False) -> int:
    """Bytes that a batch of so many tokens leaves behind: recompute. If recomputed, only the input of each layer, and one layer
    at a time."""
    layer = KEPT_BY_A_LAYER * tokens * shape.width
    layers = BF16 * tokens * shape.width * shape.layers + layer if recomputed else layer * shape.layers
    return layers + OF_LOGITS * tokens * shape.vocabulary


def memory(
    shape: Shape, tokens: int, processes: int = 1, sharded: bool = False, rank: int | None = None, recomputed: bool = False
) -> Memory:
    """What each of so many cards holds, each with a batch of so many tokens.

    With a rank an adapter is trained, in 32 bits on a base in 16; without one, all weights: zero. Under DDP every card has
    everything; sharded, each has its part, and besides whole at a time what is in no layer and two layers: fsdp.

    >>> f"{memory(STARCODER2_15B, 4096).total / 1e9:.0f} GB"
    '292 GB'
    >>> f"{memory(STARCODER2_15B, 4096, rank=16, recomputed=True).total / 1e9:.1f} GB"
    '38.6 GB'
    """
    every, share = parameters(shape), processes if sharded else 1
    if rank is None:
        weights, gradients, states = BF16 * every, BF16 * every, 3 * FLOAT32 * every
    else:
        trained = lora_parameters(shape, rank)
        weights, gradients, states = BF16 * every + FLOAT32 * trained, FLOAT32 * trained, 2 * FLOAT32 * trained
    whole = BF16 * (shape.outer_parameters + 2 * shape.layer_parameters) if sharded else 0
    kept = activations(shape, tokens, recomputed)
    return Memory(weights / share, gradients / share, states / share, kept, whole)


def sent(size: float, processes: int, sharded: bool = False) -> float:
    """Bytes that each process sends in a step: ring. Of gradients of that size under DDP; of weights of that size when sharded.

    >>> sent(100, 2), sent(100, 8), sent(100, 8, sharded=True)
    (100.0, 175.0, 262.5)
    """
    times = 3 if sharded else 2  # gradients go round twice; sharded weights twice and their gradients once
    return times * (processes - 1) / processes * size


def operations(shape: Shape, tokens: float, rank: int | None = None, recomputed: bool = False) -> float:
    """Floating-point operations of training on so many tokens: laws. For an adapter the base gets no gradients of its own, and
    recomputing is a second way there.

    >>> operations(STARCODER2_15B, 1, recomputed=True) / parameters(STARCODER2_15B)
    8.0
    """
    a_parameter = (6 if rank is None else 4) + (2 if recomputed else 0)
    return a_parameter * parameters(shape) * tokens


@dataclass(frozen=True)
class Rate:
    """How fast something was, on one core."""

    what: str
    unit: str
    per_second: float
    source: str


@dataclass(frozen=True)
class Cost:
    """What one step takes, on one core."""

    what: str
    amount: float
    unit: str
    seconds: float
    source: str
    """Of the rate. The seconds are always computed."""


def repository(
    files: int, lines_per_file: float, tokens_per_line: float, rates: Sequence[Rate], places: int = 500
) -> list[Cost]:
    """What a repository of so many files takes, each step once: for training, one epoch; for evaluation, so many places.

    >>> rates = [Rate("collect", "lines", 100, "file"), Rate("train", "tokens", 20, "file"), Rate("ask", "places", 5, "file")]
    >>> [(cost.what, cost.amount, cost.seconds) for cost in repository(10, 50, 8, rates)]
    [('collect', 500, 5.0), ('train', 4000, 200.0), ('ask', 500, 100.0)]
    """
    lines = files * lines_per_file
    amounts: Mapping[str, float] = {"files": files, "lines": lines, "tokens": lines * tokens_per_line, "places": places}
    return [Cost(rate.what, amounts[rate.unit], rate.unit, amounts[rate.unit] / rate.per_second, rate.source) for rate in rates]


def in_words(seconds: float) -> str:
    """A time as a person says it.

    >>> in_words(40), in_words(5000), in_words(200_000), in_words(4e7)
    ('40 s', '83 min', '56 h', '463 days')
    """
    for most, size, unit in ((120, 1, "s"), (7200, 60, "min"), (260_000, 3600, "h")):
        if seconds < most:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"
