"""Runs a small GPTBigCode checkpoint on a CPU by onnxruntime: the reference's numbers, without torch and transformers.

It knows a checkpoint's folder and a graph's inputs; it does not know operators (`onnx_graph`) or what the ids mean.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy

WANTED = {
    "model_type": "gpt_bigcode",
    "multi_query": True,
    "activation_function": "gelu_pytorch_tanh",
    "scale_attn_weights": True,
    "tie_word_embeddings": True,
    "add_cross_attention": False,
}
"""What a checkpoint's config must say, or leave at its default, for the graph to be its network."""


def can_run(folder: Path, most_parameters: int) -> bool:
    """Whether a folder holds a checkpoint of the one kind that `onnx_graph` writes, with no more parameters than that."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        size = (folder / "model.safetensors").stat().st_size
    except (OSError, ValueError):
        return False
    fits = isinstance(config, dict) and all(config.get(name, value) == value for name, value in WANTED.items())
    return fits and "model_type" in config and size <= 4 * most_parameters


class Opened:
    """A checkpoint read from its folder, ready for as many runners as are wanted: they share the weights."""

    def __init__(self, folder: Path):
        import onnxruntime

        from copilot_lib import onnx_graph

        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        weights = read_weights(folder / "model.safetensors")
        compare_shapes(config, weights)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # at this size threads wait longer than they work
        graph = onnx_graph.build(config, weights)
        self.inference = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.context_tokens: int = config["n_positions"]
        self.heads: int = config["n_head"]
        self.head_size: int = config["n_embd"] // self.heads
        self.kept_names = [f"{kind}_{n}" for n in range(config["n_layer"]) for kind in ("key", "value")]
        self.parameters = sum(weight.size for weight in weights.values())


class OnnxRunner:
    """A `Runner` whose kept keys and values lie in buffers as long as the context: what is added is written behind them."""

    def __init__(self, opened: Opened):
        self._opened = opened
        self.context_tokens = opened.context_tokens
        self.length = 0
        shape = (opened.context_tokens, opened.head_size)
        self._kept = {name: numpy.zeros(shape, dtype=numpy.float32) for name in opened.kept_names}

    def advance(self, ids: Sequence[int]) -> numpy.ndarray:
        end = self.length + len(ids)
        new = numpy.arange(len(ids))
        feed = {name: kept[: self.length] for name, kept in self._kept.items()} | {
            "ids": numpy.array(ids, dtype=numpy.int64),
            "places": self.length + new,
            "later": numpy.where(new > new.repeat(self._opened.heads)[:, None], -numpy.inf, 0).astype(numpy.float32),
            "parts": numpy.array([self.length, len(ids)]),
        }
        logits, *added = self._opened.inference.run(["logits", *(f"new_{name}" for name in self._kept)], feed)
        for kept, rows in zip(self._kept.values(), added, strict=True):
            kept[self.length : end] = rows
        self.length = end
        return logits

    def cut(self, length: int) -> None:
        self.length = min(self.length, length)


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
    import safetensors

    found = safetensors.deserialize(file.read_bytes())
    return {name: as_float32(about["data"], about["dtype"]).reshape(about["shape"]) for name, about in found}


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
