"""Trains the next adapter of a simulation: from examples of events, from code, or from both, on from the one before.

It knows examples, files and adapters; it does not know rounds, or who made the examples.
"""

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from copilot_lib import models
from copilot_lib.adapter_files import CONFIG, TENSORS
from copilot_lib.codec import Codec
from copilot_lib.registry import Entry, Registry
from copilot_lib.repository import SourceFile
from copilot_lib.tuning import batches, going_on, mixing, training
from copilot_lib.tuning.batches import Batch
from copilot_lib.tuning.drawing import Example, draw
from copilot_lib.tuning.settings import Settings

SETTINGS = Settings()
EVENTS_RATE = 1e-3
"""The rate for events alone. A step holds two or three of their answers, a dozen tokens each: at four times that rate, which is
good for whole text, even what the author wrote made the model worse (24 of 150 places in place of 33)."""
PRECISION = "bfloat16"
HELD_OUT_BATCHES = 2


def taught(
    name: str,
    examples: Sequence[Example],
    own: Sequence[SourceFile],
    model: str,
    work: Path,
    previous: Entry | None,
    steps: int,
    seed: int,
) -> Entry | None:
    """The next adapter, trained on from the previous one unless it is there; the previous one where nothing is to be learnt.

    What is kept is what was best by an arm's own examples: nobody from outside says when to stop.
    """
    import torch

    registry = Registry(work / "adapters")
    if not examples and not own:
        return previous
    if name not in registry.names():
        settings = replace(SETTINGS, seed=seed, rate=SETTINGS.rate if own else EVENTS_RATE)
        loaded = models.load(model)
        network, tokenizer = models.load_network(model, "cpu")
        network.to(getattr(torch, PRECISION))
        if previous:
            network = going_on.begun(network, loaded.read_adapter(previous.folder), settings)
        stream = partial(streamed, tuple(examples), tuple(own), loaded.codec, settings)
        folder = work / f"training-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        training.train(network, tokenizer, stream, partial(first_of, stream), settings, steps, folder)
        best = folder / training.BEST
        about = {
            "base": {"name": model, "fingerprint": models.fingerprint(model)},
            "repository": {"root": None, "remote": None},
        }
        registry.save(name, lambda new: [shutil.copy(best / file, new / file) for file in (CONFIG, TENSORS)], about)
        shutil.rmtree(folder)
    return registry.find(name)


def streamed(examples: Sequence[Example], own: Sequence[SourceFile], codec: Codec, settings: Settings) -> Iterator[Batch]:
    """Batches without end: of events alone, of own code alone, or of own code with events among it."""

    def epoch(number: int) -> Iterator[Example]:
        chance = random.Random(f"{settings.seed}/{number}")
        if not own:
            return iter(chance.sample(examples, len(examples)))
        return mixing.among(draw(own, codec, settings.example_tokens, settings.seed, number), examples, chance)

    return batches.endless(epoch, settings.batch_tokens, settings.answer_weight, codec.end_id, settings.seed)


def first_of(stream: Callable[[], Iterator[Batch]]) -> Iterator[Batch]:
    """The first batches, by which the best moment is chosen."""
    return islice(stream(), HELD_OUT_BATCHES)
