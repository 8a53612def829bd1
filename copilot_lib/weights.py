"""Reads the weights of a GPTBigCode checkpoint as numpy arrays, without torch, and says whose they are.

It knows files, types and shapes; it does not know what is computed with them.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy

SHAPE = ("n_layer", "n_head", "n_embd", "n_inner", "n_positions", "vocab_size", "layer_norm_epsilon")
"""What of a config the network's computation depends on."""


def read(folder: Path) -> tuple[dict, dict[str, numpy.ndarray]]:
    """Config and weights of a checkpoint; `ValueError` where they are not of one network, or are damaged."""
    config = read_config(folder)
    weights = read_weights(folder / "model.safetensors")
    compare_shapes(config, weights)
    return config, weights


def read_config(folder: Path) -> dict:
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


def identity(folder: Path) -> dict[str, str]:
    """What a file that was made from a checkpoint carries, to be known again: weights, and what the config says of them."""
    config = read_config(folder)
    return {
        "weights": fingerprint([folder / "model.safetensors"]),
        "shape": json.dumps({name: config.get(name) for name in SHAPE}),
    }


def files_of(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint, which may be cut into several; none where there is none."""
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.exists():
        return [whole]
    if not index.exists():
        return []
    return [folder / name for name in sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))]


def fingerprint(files: Sequence[Path]) -> str:
    """Whose weights these are: the sha256 of a checkpoint's one file, or of the list of theirs where it has several.

    About a second for each gigabyte; none for files in the hub's cache, which are stored under their sha256.
    """
    digests = [sha256_of(file) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def sha256_of(file: Path) -> str:
    stored_as = file.readlink().name if file.is_symlink() else ""
    if re.fullmatch("[0-9a-f]{64}", stored_as):
        return stored_as
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def compare_shapes(config: Mapping, weights: Mapping[str, numpy.ndarray]) -> None:
    """`ValueError` where the config speaks of another network than the weights are."""
    layers = sum(name.endswith(".ln_1.weight") for name in weights)
    tokens, width = weights["transformer.wte.weight"].shape
    places = len(weights["transformer.wpe.weight"])
    for name, found in (("n_layer", layers), ("vocab_size", tokens), ("n_embd", width), ("n_positions", places)):
        if config.get(name) != found:
            raise ValueError(f"its config has {name} {config.get(name)!r}, its weights have {found}")
    if not all(numpy.isfinite(weight).all() for weight in weights.values()):
        raise ValueError("some of its weights are no numbers: the file is damaged")


def read_weights(file: Path) -> dict[str, numpy.ndarray]:
    """The arrays of a safetensors file as float32, also those of 16 bits that numpy has no type for."""
    return arrays(file.read_bytes())


def arrays(data: bytes) -> dict[str, numpy.ndarray]:
    """The arrays of a safetensors file's bytes as float32."""
    import safetensors

    found = safetensors.deserialize(data)
    return {name: as_float32(about["data"], about["dtype"]).reshape(about["shape"]) for name, about in found}


def linear_shapes(weights: Mapping[str, numpy.ndarray]) -> dict[str, tuple[int, int]]:
    """What low-rank changes may be made to: the layers that multiply, by their names, each with (out, in)."""
    tables = {"transformer.wte", "transformer.wpe"}
    names = {name.removesuffix(".weight"): array.shape for name, array in weights.items() if name.endswith(".weight")}
    return {name: shape for name, shape in names.items() if len(shape) == 2 and name not in tables}


def as_float32(data: bytes, dtype: str) -> numpy.ndarray:
    r"""Numbers from their bytes. A bfloat16 is the upper half of a float32.

    >>> as_float32(b"\x80\x3f", "BF16"), as_float32(b"\x00\x3c", "F16")
    (array([1.], dtype=float32), array([1.], dtype=float32))
    """
    if dtype == "BF16":
        return (numpy.frombuffer(data, dtype="<u2").astype("<u4") << 16).view("<f4")
    known = {"F16": "<f2", "F32": "<f4"}
    if dtype not in known:
        raise ValueError(f"weights of type {dtype}: expected one of BF16, {', '.join(known)}")
    return numpy.frombuffer(data, dtype=known[dtype]).astype(numpy.float32)
