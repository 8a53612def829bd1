"""Begins training with an adapter that is there already, instead of with one that changes nothing yet.

It knows a network and an adapter that was read and checked (`lora`); it does not know folders, data or steps.
"""

from collections.abc import Mapping
from dataclasses import replace

from copilot_lib.adapter_files import AdapterRefused
from copilot_lib.lora import Adapter
from copilot_lib.tuning import settings as named
from copilot_lib.tuning.settings import Settings
from copilot_lib.tuning.training import quietly


def settings_for(adapter: Adapter, settings: Settings, name: str, about: Mapping) -> Settings:
    """The settings with the adapter's own rank; `AdapterRefused` where it cannot be trained on by them.

    `about` is what is noted of it. One that held out other files has learnt from those that are held out now.
    """
    ranks = {pair.rank for pair in adapter.values()}
    if len(ranks) != 1:
        raise AdapterRefused(f"{name} has layers of the ranks {sorted(ranks)}: expected one rank to train on; begin anew")
    seed = (about.get("settings") or {}).get("seed", settings.seed)
    if seed != settings.seed:
        raise AdapterRefused(
            f"{name} was trained with --seed {seed}, which held out other files than --seed {settings.seed}: give the same"
        )
    [rank] = ranks
    targets = tuple((about.get("settings") or {}).get("targets", settings.targets))
    return replace(settings, rank=rank, alpha=2 * rank, targets=targets)


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
