"""Keeps adapters beside each other in one torch network, and has one of them, or none, answer each pass.

It knows peft's calls; it does not know where adapters lie, who asks, or what is kept of a prompt (`runner`).
"""

import warnings
from dataclasses import dataclass

from copilot_lib.adapter_files import AdapterRefused
from copilot_lib.lora import BEFORE, Adapter
from copilot_lib.runner import Running, TorchRunner


@dataclass(frozen=True, eq=False)
class Placed:
    """An adapter in the network, for as long as it has its slot."""

    slot: str


class Slots:
    """A network, and places for adapters in it. Weights that were not asked for are in none of its passes.

    A slot that was given back is used again: where the next adapter changes no other layers, its numbers are written over the
    old ones (peft calls it hot-swapping), so that memory does not grow and nothing is built anew.
    """

    def __init__(self, network):
        self.network = network
        self._peft = None
        self._layers: dict[str, frozenset[str]] = {}
        """What each slot has places for."""
        self._owners: dict[str, Placed | None] = {}
        self._active: Placed | None = None
        self._made = 0

    def shapes(self) -> dict[str, tuple[int, int]]:
        """(out, in) of each layer that multiplies, an output layer that is the table of the input left out."""
        import torch

        layers = {name: module for name, module in self.network.named_modules() if isinstance(module, torch.nn.Linear)}
        tied = self.network.get_output_embeddings() if self.network.config.tie_word_embeddings else None
        return {name: tuple(layer.weight.shape) for name, layer in layers.items() if layer is not tied}

    def adapt(self, adapter: Adapter) -> Running:
        """Puts an adapter beside the others; its runners are asked like any other's."""
        placed = self._place(adapter)
        return Running(lambda: TorchRunner(self.network, lambda: self.use(placed)), lambda: self.free(placed))

    def use(self, placed: Placed | None = None) -> None:
        """Makes the network that of an adapter, or the base's. Switching changes a mark in each layer, and no weights."""
        if placed and self._owners.get(placed.slot) is not placed:
            raise RuntimeError("this adapter was given back: ask the model for it again")
        if placed is self._active:
            return
        model = self._peft.base_model
        if placed is None:
            model.disable_adapter_layers()
        else:
            model.enable_adapter_layers()
            model.set_adapter(placed.slot, inference_mode=True)
        self._active = placed

    def free(self, placed: Placed) -> None:
        """Gives a slot back."""
        if self._owners.get(placed.slot) is placed:
            self.use(None)
            self._owners[placed.slot] = None

    def _place(self, adapter: Adapter) -> Placed:
        try:
            from peft.utils.hotswap import hotswap_adapter_from_state_dict
        except ImportError:
            raise AdapterRefused("adapters for this model need peft: install `copilot-lib[tune]`") from None
        config, tensors = as_peft_wants_it(adapter, self.network.device)
        free = [slot for slot, owner in self._owners.items() if owner is None]
        slot = next((slot for slot in free if self._layers[slot] >= adapter.keys()), None)
        if slot:
            named = {name.replace(".weight", f".{slot}.weight"): tensor for name, tensor in tensors.items()}
            hotswap_adapter_from_state_dict(self._peft, named, slot, config)
            for layer, pair in adapter.items():  # peft looks for a layer's own rank and alpha under a name that never fits
                self.network.get_submodule(layer).scaling[slot] = pair.scale
        else:
            for old in free[:1]:
                self._peft.delete_adapter(old)
                del self._owners[old], self._layers[old]
            slot = self._add(config, tensors)
            self._layers[slot] = frozenset(adapter)
        placed = self._owners[slot] = Placed(slot)
        return placed

    def _add(self, config, tensors: dict) -> str:
        from peft import PeftModel, set_peft_model_state_dict

        # No dots, which peft takes for parts of a path; and no name inside another, since hot-swapping looks for it anywhere.
        slot, self._made = f"slot_{self._made:06}", self._made + 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names in transformers that peft uses and that will change
            if self._peft is None:
                self._peft = PeftModel(self.network, config, adapter_name=slot, low_cpu_mem_usage=True)
            else:
                self._peft.add_adapter(slot, config, low_cpu_mem_usage=True)
        set_peft_model_state_dict(self._peft, tensors, adapter_name=slot, low_cpu_mem_usage=True)
        self._peft.eval()  # what is added begins in training mode
        self._peft.base_model.disable_adapter_layers()
        self._active = None
        return slot


def as_peft_wants_it(adapter: Adapter, device):
    """A `LoraConfig` of our own, which says no more than what was checked, and tensors by peft's names."""
    import torch
    from peft import LoraConfig

    alphas = {layer: pair.scale * pair.rank for layer, pair in adapter.items()}
    first = next(iter(adapter))
    rank, alpha = adapter[first].rank, alphas[first]
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        target_modules=[*adapter],
        rank_pattern={layer: pair.rank for layer, pair in adapter.items() if pair.rank != rank},
        alpha_pattern={layer: own for layer, own in alphas.items() if own != alpha},
        task_type="CAUSAL_LM",
        inference_mode=True,
    )
    halves = {"lora_A": "down", "lora_B": "up"}
    tensors = {
        f"{BEFORE}{layer}.{half}.weight": torch.from_numpy(getattr(pair, ours)).clone().to(device)
        for layer, pair in adapter.items()
        for half, ours in halves.items()
    }
    return config, tensors
