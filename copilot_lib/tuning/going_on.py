"""Begins training with an adapter that is there already, instead of with one that changes nothing yet.

It knows a network and an adapter that was read and checked (`lora`); it does not know folders, data or steps.
"""

from collections.abc import Mapping
from dataclasses import replace

from copilot_lib.adapter_files import AdapterRefused
from copilot_lib.lora import Adapter
from copilot_lib.registry import division_of
from copilot_lib.tuning import settings as named
from copilot_lib.tuning.settings import Settings
from copilot_lib.tuning.training import quietly


def settings_for(adapter: Adapter, settings: Settings, name: str, about: Mapping, divided: Mapping) -> Settings:
    """The settings with the adapter's own rank; `AdapterRefused` where it cannot be trained on by them.

    `about` is what is noted of it; `divided` has the `seed` and `tests` by which files are held out now. One that held out
    others has learnt from these.
    """
    ranks = {pair.rank for pair in adapter.values()}
    if len(ranks) != 1:
        raise AdapterRefused(f"{name} has layers of the ranks {sorted(ranks)}: expected one rank to train on; begin anew")
    for option, was in division_of(about).items():
        if was != divided[option]:
            said, wanted = (how_given(option, value) for value in (was, divided[option]))
            raise AdapterRefused(f"{name} was trained {said}, which held out other files than {wanted}: give the same")
    [rank] = ranks
    targets = about.get("settings", {}).get("targets", list(settings.targets))
    if not isinstance(targets, list) or not all(isinstance(target, str) for target in targets):
        raise AdapterRefused(f"{name} names its layers by {targets!r}: expected a list of names such as c_attn; begin anew")
    return replace(settings, rank=rank, alpha=2 * rank, targets=tuple(targets))


def how_given(option: str, value: object) -> str:
    """How an option was given.

    >>> how_given("seed", 1), how_given("tests", True), how_given("tests", False)
    ('with --seed 1', 'with --tests', 'without --tests')
    """
    if isinstance(value, bool):
        return f"with --{option}" if value else f"without --{option}"
    return f"with --{option} {value}"


def begun(network, adapter: Adapter, settings: Settings):
    """A `PeftModel` of the network whose adapter is a copy of that one, ready for `training.train`.

    Raises `AdapterRefused` where the settings name other layers than it has.
    """
    import torch
    from peft import get_peft_model

    with quietly():
        made = get_peft_model(network, named.lora(network, settings))
    layers = {name: layer for name, layer in made.base_model.model.named_modules() if hasattr(layer, "lora_A")}
    if differing := layers.keys() ^ adapter.keys():
        raise AdapterRefused(f"the adapter and the settings do not name the same layers, such as {min(differing)}: begin anew")
    with torch.no_grad():
        for name, layer in layers.items():
            pair, [slot] = adapter[name], layer.lora_A.keys()
            layer.lora_A[slot].weight.copy_(torch.from_numpy(pair.down))
            layer.lora_B[slot].weight.copy_(torch.from_numpy(pair.up) * (pair.scale / layer.scaling[slot]))
    return made
