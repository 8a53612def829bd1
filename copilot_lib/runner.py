"""Runs a transformers network on ids and keeps its keys and values, which can be cut back.

It knows torch tensors; it does not know when to stop, how to sample, or what the ids mean.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy


class Runner(Protocol):
    """What the engine needs of a model; every implementation is tested against `TorchRunner`."""

    context_tokens: int
    """How many positions the model has."""
    length: int
    """How many ids the kept keys and values stand for."""

    def advance(self, ids: Sequence[int], scores: int = 1) -> numpy.ndarray:
        """Feeds ids after those already kept; returns the logits that follow the last of them, float32 (scores, vocabulary)."""

    def cut(self, length: int) -> None:
        """Forgets everything after the first `length` ids; a runner that cannot keep these forgets more: see `length`."""


def nothing() -> None:
    """Has nothing to prepare, or to give back."""


@dataclass(frozen=True)
class Running:
    """What a network needs to answer as one of several that share its memory."""

    runner: Callable[[], Runner]
    """Makes a runner, with nothing kept yet."""
    release: Callable[[], None] = nothing
    """Gives back what only these runners need; they may not be asked afterwards."""


class TorchRunner:
    """The reference: any causal model of transformers, on any device.

    `prepare` is called before each pass: it makes the network the one that this runner stands for.
    """

    def __init__(self, network, prepare: Callable[[], None] = nothing):
        self.network = network
        self._prepare = prepare
        self.context_tokens: int = network.config.max_position_embeddings
        self._start_over()

    def advance(self, ids: Sequence[int], scores: int = 1) -> numpy.ndarray:
        import torch

        self._prepare()
        try:
            with torch.inference_mode():
                output = self.network(
                    input_ids=torch.tensor([list(ids)], device=self.network.device),
                    past_key_values=self._cache,
                    use_cache=True,
                    logits_to_keep=scores,
                )
        except BaseException:
            # One layer after the other adds its keys: what was interrupted holds more of some layers than of others.
            self._start_over()
            raise
        self.length += len(ids)
        return output.logits[0].float().cpu().numpy()

    def cut(self, length: int) -> None:
        if length >= self.length:
            return
        try:
            self._cache.crop(length - self.length)  # negative: so many are taken off the end, in every version
            self.length = length
        except RuntimeError:  # a sliding window has dropped what would have to come back
            self._start_over()

    def _start_over(self) -> None:
        from transformers import DynamicCache

        self._cache = DynamicCache(config=self.network.config)
        self.length = 0
