"""Low-rank adapters as peft saves them: checked against the network they are for, and added to its weights, in numpy alone.

It knows peft's options and shapes; it does not know who runs the network, or where adapters are kept.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy

from copilot_lib.adapter_files import CONFIG, TENSORS, AdapterRefused, Folder, read_in

BEFORE = "base_model.model."
HALVES = {".lora_A.weight": "down", ".lora_B.weight": "up"}
HONOURED = {
    "r",
    "lora_alpha",
    "rank_pattern",
    "alpha_pattern",
    "use_rslora",
    "target_modules",
    "peft_type",
    "init_lora_weights",
}
OF_TRAINING = HONOURED | {
    *("auto_mapping", "base_model_name_or_path", "inference_mode", "peft_version", "revision", "runtime_config", "task_type"),
    *("corda_config", "eva_config", "loftq_config", "lora_ga_config", "lora_dropout", "megatron_core", "qalora_group_size"),
    *("ensure_weight_tying", "exclude_modules", "layers_pattern", "layers_to_transform"),
}
"""Options that are honoured here, or that say nothing about what a trained adapter computes."""
NOT_DONE = {
    "use_dora": "DoRA",
    "bias": "trained biases",
    "lora_bias": "biases of its own",
    "modules_to_save": "whole layers beside the low-rank changes",
    "fan_in_fan_out": "weights stored the other way round",
    "trainable_token_indices": "trained token embeddings",
    "layer_replication": "repeated layers",
}
"""Options that would change what is computed, in words."""
MOST = 1e9
"""No rank and no alpha is larger; infinity is, and what is no number is not smaller."""
NOTHING = (None, False, "none", "", [], {})
UNTOUCHED = (True, False, None, "gaussian", "eva", "orthogonal")
"""Ways to begin that leave the base's weights as they are; PiSSA and its like move a part of them into the adapter."""


@dataclass(frozen=True)
class Base:
    """The network that adapters are for: whose weights, and (out, in) of each layer that multiplies."""

    fingerprint: str
    shapes: Mapping[str, tuple[int, int]]

    @property
    def most_bytes(self) -> int:
        """A change that takes more than the weights themselves is not low-rank; some room is for the file's header."""
        return 4 * sum(rows * columns for rows, columns in self.shapes.values()) + 1_000_000


@dataclass(frozen=True, eq=False)
class Pair:
    """A low-rank change of one weight: `scale * up @ down`."""

    down: numpy.ndarray
    """(rank, in), float32; peft's A."""
    up: numpy.ndarray
    """(out, rank), float32; peft's B."""
    scale: float

    @property
    def rank(self) -> int:
        return len(self.down)

    def change(self) -> numpy.ndarray:
        """What is added to the weight, (out, in), float32."""
        with numpy.errstate(over="ignore", invalid="ignore"):  # `merged` looks at what comes out
            return numpy.float32(self.scale) * (self.up @ self.down)


Adapter = Mapping[str, Pair]
"""The changes by the names of the layers."""


def read(folder: Path, base: Base) -> Adapter:
    """The adapter in a folder; `AdapterRefused` where it is damaged, not for this base, or not honoured in full."""
    return read_in(folder, partial(read_opened, base=base))


def read_opened(opened: Folder, base: Base) -> Adapter:
    """The same of a folder that is open."""
    made_for = opened.about()["base"]
    if made_for["fingerprint"] != base.fingerprint:
        raise AdapterRefused(
            f"it was made for the weights {made_for['fingerprint'][:12]!r} of {made_for['name'][:80]!r}, and those of this"
            f" model are {base.fingerprint[:12]!r}: load that model, or make the adapter anew with `finetune`"
        )
    config = opened.json(CONFIG)
    check_options(config)
    return pairs(config, opened.tensors(base.most_bytes), base)


def check_options(config: Mapping) -> None:
    """`AdapterRefused` where a config asks for something that would not be computed."""
    if config.get("peft_type") != "LORA":
        raise AdapterRefused(f"{CONFIG} says it is {str(config.get('peft_type'))[:40]!r}: only LoRA is known here")
    for name, value in config.items():
        if name not in OF_TRAINING and value not in NOTHING:
            what = NOT_DONE.get(name, f"the option {name[:40]!r}")
            raise AdapterRefused(f"it has {what}, which is not done here: train it without")
    if (way := config.get("init_lora_weights", True)) not in UNTOUCHED:
        began = str(way)[:40]
        raise AdapterRefused(f"it began as {began!r}, which changes the base too: convert it to plain LoRA when saving it")


def pairs(config: Mapping, tensors: Mapping[str, numpy.ndarray], base: Base) -> Adapter:
    """The halves put together, each checked against its layer."""
    halves: dict[str, dict[str, numpy.ndarray]] = {}
    for name, array in tensors.items():
        end = next((end for end in HALVES if name.endswith(end)), "")
        layer = name.removeprefix(BEFORE).removesuffix(end)
        if not end or not name.startswith(BEFORE) or layer not in base.shapes:
            raise AdapterRefused(f"{TENSORS} has {name[:120]!r}, which is no part of LoRA for a layer of this model")
        if not numpy.isfinite(array).all():
            raise AdapterRefused(f"{name} holds something that is no number: the training went wrong, or the file is damaged")
        halves.setdefault(layer, {})[HALVES[end]] = array
    check_targets(config, halves.keys(), base)
    return {layer: pair(layer, both, config, base.shapes[layer]) for layer, both in sorted(halves.items())}


def check_targets(config: Mapping, layers, base: Base) -> None:
    """`AdapterRefused` where layers that the config names have no tensors, or others have some."""
    targets = config.get("target_modules")
    if not isinstance(targets, list) or not all(isinstance(target, str) for target in targets):
        if not layers or not isinstance(targets, str):
            raise AdapterRefused(f"{CONFIG} does not say which layers it changes: expected target_modules")
        return  # a pattern: which layers it means is seen from the tensors
    named = {layer for layer in base.shapes if any(belongs(layer, target) for target in targets)}
    narrowed = any(config.get(name) for name in ("exclude_modules", "layers_to_transform", "layers_pattern"))
    if missing := (set() if narrowed and layers else named - layers):
        raise AdapterRefused(f"{TENSORS} lacks {len(missing)} layers that {CONFIG} names, such as {min(missing)}")
    if extra := layers - named:
        raise AdapterRefused(f"{TENSORS} has layers that {CONFIG} does not name, such as {min(extra)}")
    if not layers:
        raise AdapterRefused(f"{CONFIG} names no layer that this model has")


def pair(layer: str, both: Mapping[str, numpy.ndarray], config: Mapping, shape: tuple[int, int]) -> Pair:
    """One layer's change."""
    if missing := set(HALVES.values()) - both.keys():
        half = {"down": "lora_A", "up": "lora_B"}[missing.pop()]
        raise AdapterRefused(f"{TENSORS} has no {half} for {layer}: it was not written to its end")
    rank = of_layer(layer, config, "r", "rank_pattern")
    alpha = of_layer(layer, config, "lora_alpha", "alpha_pattern")
    if not isinstance(rank, int) or rank < 1:
        raise AdapterRefused(f"{CONFIG} gives {layer} the rank {rank}: expected a whole number above 0")
    expected = {"down": (rank, shape[1]), "up": (shape[0], rank)}
    if wrong := [half for half in expected if both[half].shape != expected[half]]:
        found = " by ".join(map(str, both[wrong[0]].shape))
        wanted = " by ".join(map(str, expected[wrong[0]]))
        raise AdapterRefused(f"the tensor of {layer} is {found}, and rank {rank} on this model needs {wanted}")
    return Pair(both["down"], both["up"], alpha / (math.sqrt(rank) if config.get("use_rslora") else rank))


def of_layer(layer: str, config: Mapping, name: str, pattern: str) -> int | float:
    """A layer's own rank or alpha where the pattern has one, else the common one."""
    own = config.get(pattern) or {}
    if not isinstance(own, dict) or not all(re.fullmatch(r"[\w.]+", key) for key in own):
        raise AdapterRefused(f"{CONFIG} has a {pattern} with more than names in it: write the layers out")
    value = next((value for key, value in own.items() if belongs(layer, key)), config.get(name))
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MOST:
        raise AdapterRefused(f"{CONFIG} gives {layer} the {name} {str(value)[:40]!r}: expected a number")
    return value


def belongs(layer: str, name: str) -> bool:
    """Whether a layer is meant by a name: its own, or its last parts.

    >>> belongs("transformer.h.0.mlp.c_proj", "c_proj"), belongs("transformer.h.0.mlp.c_proj", "proj")
    (True, False)
    """
    return layer == name or layer.endswith(f".{name}")


def scaled(adapter: Adapter, scale: float) -> Adapter:
    """The same changes, that many times as strong."""
    return {layer: replace(pair, scale=pair.scale * scale) for layer, pair in adapter.items()}


def merged(weights: Mapping[str, numpy.ndarray], adapter: Adapter) -> dict[str, numpy.ndarray]:
    """The weights of the network that answers as base and adapter do together, float32."""
    changed = dict(weights)
    for layer, pair in adapter.items():
        weight = weights[f"{layer}.weight"] + pair.change()
        if not numpy.isfinite(weight).all():
            raise AdapterRefused(f"its numbers for {layer} are too large: added to the weights they are no numbers")
        changed[f"{layer}.weight"] = weight
    return changed
