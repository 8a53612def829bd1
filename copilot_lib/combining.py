"""Makes one adapter of several with weights, or of one a weaker one, and a model of its own of an adapter and its base.

It knows peft's ways to combine and their traps; it does not know what a combination is good for, which has to be measured.
"""

import json
import math
import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from copilot_lib import export, learnt, models, onnx_runner
from copilot_lib.adapter_files import CONFIG, TENSORS, refusing
from copilot_lib.lora import Adapter
from copilot_lib.registry import Entry, Registry
from copilot_lib.slots import as_peft_wants_it


@dataclass(frozen=True)
class Way:
    """One of peft's ways to combine."""

    says: str
    equal_ranks: bool = False
    dense: bool = True
    """Whether all numbers are kept, so that `density` means nothing."""


WAYS = {
    "cat": Way("the exact weighted sum; its rank is the sum of the ranks"),
    "linear": Way("sums both halves apart: their product has cross terms that nobody trained", equal_ranks=True),
    "svd": Way("the weighted sum, cut to the largest of the ranks; slow on large models"),
    "ties": Way("of each half the largest numbers, of one sign where they differ, then as linear", True, dense=False),
    "ties_svd": Way("the same on the sum itself, cut to a rank; slow on large models", dense=False),
    "dare_linear": Way("drops numbers at random and enlarges the rest, then as linear", True, dense=False),
    "dare_ties": Way("drops numbers at random, then as ties", True, dense=False),
}
DENSITY = 0.5
DTYPES = ("float32", "bfloat16", "float16")
BESIDE_WEIGHTS = ("tokenizer*", "*.txt", "special_tokens_map.json", "LICENSE*")
"""Files of a model's folder that a merged model keeps as they are."""


def combine(
    name: str,
    model: models.Model,
    weights: Mapping[str, float],
    way: str = "cat",
    density: float = DENSITY,
    registry: Registry | None = None,
    seed: int = 0,
) -> Path:
    """Saves a weighted combination of adapters as an adapter of that name, in place of what had it; returns its folder.

    Raises `AdapterRefused` where one of them cannot be used with the model, `ValueError` where they cannot be combined so.
    """
    registry = registry or Registry()
    if way not in WAYS:
        raise ValueError(f"{way!r} is no way to combine: expected one of {', '.join(WAYS)}")
    if len(weights) < 2 and (way != "cat" or [*weights.values()] in ([], [1])):
        raise ValueError("a combination needs at least two adapters; one is made weaker by cat and a weight other than 1")
    if not all(map(math.isfinite, weights.values())):
        raise ValueError(f"the weights are {', '.join(map(str, weights.values()))}: expected numbers such as 0.5")
    if not 0 < density <= 1:
        raise ValueError(f"the density is {density}: expected a share above 0, and 1 for all")
    parts = {part: model.read_adapter(registry.find(part).folder) for part in weights}
    if WAYS[way].equal_ranks:
        check_ranks(parts, way)
    about = {"of": dict(weights), "way": way} | ({} if WAYS[way].dense else {"density": density, "seed": seed})
    base = {"name": model.name, "fingerprint": model.base.fingerprint}

    def write(folder: Path) -> None:
        save(folder, combined(model, parts, [*weights.values()], way, density, seed))
        said = " + ".join(f"{weight:g} × {part}" for part, weight in weights.items())
        card = f"# {name}\n\n{said}, combined by `{way}` ({WAYS[way].says}). Base: {model.name}.\n"
        (folder / "README.md").write_text(card, encoding="utf-8")
        learnt.write(folder, (), [registry.find(part).folder for part in weights])

    return registry.save(name, write, {"base": base, "repository": {"root": None, "remote": None}, "combined": about})


def check_ranks(parts: Mapping[str, Adapter], way: str) -> None:
    """`ValueError` where two adapters give a layer different ranks, or change different layers."""
    (first, one), *others = parts.items()
    for name, other in others:
        if one.keys() != other.keys():
            raise ValueError(f"{way} needs adapters of the same layers, and {first} and {name} differ: use cat or svd")
        if layer := next((layer for layer in one if one[layer].rank != other[layer].rank), None):
            ranks = f"{one[layer].rank} and {other[layer].rank}"
            raise ValueError(f"{way} needs equal ranks, and {first} and {name} have {ranks} in {layer}: use cat or svd")


def combined(model: models.Model, parts: Mapping[str, Adapter], weights: list[float], way: str, density: float, seed: int):
    """A peft model whose adapter `MADE` is the combination: made anew each time, since peft keeps an older one silently."""
    import torch
    from peft import PeftModel, set_peft_model_state_dict

    network, _ = models.load_network(model.name, "cpu")
    torch.manual_seed(seed)
    peft = None
    names = [f"part_{number:06}" for number in range(len(parts))]  # of our own: peft looks for them anywhere in a layer's name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names in transformers that peft uses and that will change
        for name, adapter in zip(names, parts.values(), strict=True):
            config, tensors = as_peft_wants_it(adapter, "cpu")
            if peft is None:
                peft = PeftModel(network, config, adapter_name=name)
            else:
                peft.add_adapter(name, config)
            set_peft_model_state_dict(peft, tensors, adapter_name=name)
        options = {} if WAYS[way].dense else {"density": density}
        if way.endswith("svd"):
            options["svd_full_matrices"] = False  # what it would compute besides is thrown away, and takes most of the time
        peft.base_model.add_weighted_adapter(names, weights, MADE, combination_type=way, **options)
    return peft.eval()


MADE = "made_000000"


def save(folder: Path, peft) -> None:
    """Writes the combination as an adapter that needs no name, as peft saves its `default`."""
    peft.save_pretrained(folder, selected_adapters=[MADE])
    for file in (CONFIG, TENSORS):
        os.replace(folder / MADE / file, folder / file)
    shutil.rmtree(folder / MADE)


def merge(entry: Entry, model: models.Model, output: Path, dtype: str = "float32") -> Path:
    """Saves the model that answers as base and adapter do together, as a model folder; a small one with its 8-bit file.

    In 16 bits the change is rounded together with the weights, and small changes are lost. Raises `ValueError` where `output`
    is there already.
    """
    import torch

    if dtype not in DTYPES:
        raise ValueError(f"the dtype is {dtype!r}: expected one of {', '.join(DTYPES)}")
    if output.exists():
        raise ValueError(f"{output} is there already: name a folder that is not")
    adapter = model.read_adapter(entry.folder, entry.scale)
    with refusing(entry.name):
        network = models.merged_network(model.name, "cpu", adapter)  # on a graphics card it would be rounded to 16 bits first
    output.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
    try:
        network.to(getattr(torch, dtype)).save_pretrained(unfinished)
        folder = models.folder_on_disk(model.name)
        for file in {file for pattern in BESIDE_WEIGHTS for file in folder.glob(pattern) if file.is_file()}:
            shutil.copy(file, unfinished)
        about = {"base": model.name, "fingerprint": model.base.fingerprint, "adapter": entry.name, "scale": entry.scale}
        (unfinished / "merged.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        card = (
            f"# {model.name} with the adapter {entry.name} merged in\n\nThe base's licence and terms apply to this model too.\n"
        )
        (unfinished / "README.md").write_text(card, encoding="utf-8")
        if onnx_runner.can_run(unfinished, models.SMALL):
            export.write(str(unfinished), "int8")
        unfinished.chmod(0o755)
        os.rename(unfinished, output)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return output
