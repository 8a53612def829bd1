"""Measures how fast this machine trains an adapter, in each kind of number, to turn minutes into steps.

It knows a network and some batches; it does not know how good an adapter gets, or when a run should end.
"""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from copilot_lib.tuning import settings as named
from copilot_lib.tuning.batches import Batch
from copilot_lib.tuning.settings import Settings
from copilot_lib.tuning.training import on_device, quietly, weighted_loss

PRECISIONS = {"cpu": ("float32", "bfloat16"), "cuda": ("bfloat16", "float32"), "mps": ("float32",)}
"""What a network may be computed in while its adapter is trained, which itself is kept in float32. On CUDA the first that the
card has in hardware: a T4 has no bfloat16, and in float16 small gradients would vanish without being scaled."""
BATCHES = 3


@dataclass(frozen=True)
class Pace:
    """How fast one kind of number is."""

    precision: str
    seconds_per_step: float


def fastest(network, batches: Sequence[Batch], settings: Settings, clock: Callable[[], float] = time.perf_counter) -> Pace:
    """The fastest of the kinds of number that are worth trying on the network's device.

    The last kind is tried on the network itself, which is not to be used afterwards: of a large one there is no room for two.
    """
    *others, last = candidates(network)
    tried = [*((name, lambda: copy.deepcopy(network)) for name in others), (last, lambda: network)]
    paces = [Pace(name, seconds_per_step(made(), name, batches, settings, clock)) for name, made in tried]
    return min(paces, key=lambda pace: pace.seconds_per_step)


def candidates(network) -> tuple[str, ...]:
    """The kinds of number to try for a network where it is."""
    import torch

    device = next(network.parameters()).device.type
    names = PRECISIONS.get(device, ("float32",))
    if device == "cuda":
        return names[:1] if torch.cuda.get_device_capability() >= (8, 0) else names[1:]
    return names


def seconds_per_step(
    network, precision: str, batches: Sequence[Batch], settings: Settings, clock: Callable[[], float]
) -> float:
    """The median time of a step of the network, which gets an adapter, optimiser left out; the first batch only warms up."""
    import torch
    from peft import get_peft_model

    with quietly():
        model = get_peft_model(network.to(getattr(torch, precision)), named.lora(network, settings))
    device = next(network.parameters()).device
    times = []
    for batch in [batches[0], *batches[:BATCHES]]:
        inputs = on_device(batch, device)
        finished(device)
        started = clock()
        weighted_loss(model, inputs).backward()
        model.zero_grad(set_to_none=True)
        finished(device)
        times.append(clock() - started)
    return sorted(times[1:])[len(times[1:]) // 2]


def finished(device) -> None:
    """Waits until a graphics card has done what it was told: a step returns long before."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
