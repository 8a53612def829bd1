"""Runs a small GPTBigCode checkpoint on a CPU by onnxruntime: the reference's numbers, without torch and transformers.

It knows a checkpoint's folder and a graph's inputs; it does not know operators (`onnx_graph`) or what the ids mean.
"""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy

from copilot_lib import lora, weights
from copilot_lib.runner import Running

EXPORTED = "model.onnx"
"""The file beside a checkpoint that `export` writes."""
GRAPH = "3"
"""Counts the changes of the graph's inputs and outputs: an exported file of another is not used."""
LARGEST_SUM = 64 * 255 * 127
"""What the graph's output `largest_sum` is, unless it was clipped."""
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
    """A checkpoint read from its folder, ready for as many runners as are wanted: they share the weights.

    The file that `export` has written beside it is used where it belongs to these weights, and else the weights as they
    are; with a `precision`, `float32` or `int8`, a graph of that precision in any case. With an adapter it is part of the
    weights: what runs is one network as large as the base, and as fast.
    """

    def __init__(self, folder: Path, precision: str | None = None, adapter: lora.Adapter | None = None):
        config = weights.read_config(folder)
        self.inference = None if precision or adapter else belonging(folder)
        if not self.inference:
            self.inference = start(exported(folder, precision or "float32", adapter))
        if clips(self.inference):
            self.inference = start(exported(folder, "uint8", adapter))
        self.precision = self.about["precision"]
        self.parameters = int(self.about["parameters"])
        self.context_tokens: int = config["n_positions"]
        self.heads: int = config["n_head"]
        self.head_size: int = config["n_embd"] // self.heads
        self.kept_names = [f"{kind}_{n}" for n in range(config["n_layer"]) for kind in ("key", "value")]

    @property
    def about(self) -> dict[str, str]:
        """What the graph says of itself."""
        return self.inference.get_modelmeta().custom_metadata_map


def adapt(folder: Path, precision: str, adapter: lora.Adapter) -> Running:
    """A network of its own for an adapter, in memory."""
    return Running(partial(OnnxRunner, Opened(folder, precision, adapter)))


def exported(folder: Path, precision: str, adapter: lora.Adapter | None = None) -> bytes:
    """A checkpoint's network as the bytes of an ONNX file, which says whose it is; with an adapter it is nobody's."""
    from copilot_lib import onnx_graph

    config, arrays = weights.read(folder)
    size = sum(array.size for array in arrays.values())
    arrays = lora.merged(arrays, adapter) if adapter else arrays
    about = ({} if adapter else identity(folder)) | {"precision": precision, "parameters": str(size)}
    return onnx_graph.build(config, arrays, precision, about)


def identity(folder: Path) -> dict[str, str]:
    """What a file must say of itself to stand for the checkpoint in a folder."""
    return weights.identity(folder) | {"graph": GRAPH}


def belonging(folder: Path):
    """The network that was exported into a folder, if it is still that of the weights beside it; else None."""
    if not (folder / EXPORTED).exists():
        return None
    inference = start((folder / EXPORTED).read_bytes())
    about = inference.get_modelmeta().custom_metadata_map
    return inference if identity(folder).items() <= about.items() else None


def start(graph: bytes):
    """A graph ready to run, on one thread: at this size several wait for each other longer than they work."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def clips(inference) -> bool:
    """Whether this processor gets sums wrong that a graph in 8 bits needs (`onnx_graph.Int8`)."""
    if "largest_sum" not in {output.name for output in inference.get_outputs()}:
        return False
    kinds = {"tensor(int64)": numpy.int64, "tensor(float)": numpy.float32}
    shapes = {one.name: [size if isinstance(size, int) else 0 for size in one.shape] for one in inference.get_inputs()}
    feed = {one.name: numpy.zeros(shapes[one.name], dtype=kinds[one.type]) for one in inference.get_inputs()}
    return bool((inference.run(["largest_sum"], feed)[0] != LARGEST_SUM).any())


class OnnxRunner:
    """A `Runner` whose kept keys and values lie in buffers as long as the context: what is added is written behind them."""

    def __init__(self, opened: Opened):
        self._opened = opened
        self.context_tokens = opened.context_tokens
        self.length = 0
        shape = (opened.context_tokens, opened.head_size)
        self._kept = {name: numpy.zeros(shape, dtype=numpy.float32) for name in opened.kept_names}

    def advance(self, ids: Sequence[int], scores: int = 1) -> numpy.ndarray:
        end = self.length + len(ids)
        new = numpy.arange(len(ids))
        feed = {name: kept[: self.length] for name, kept in self._kept.items()} | {
            "ids": numpy.array(ids, dtype=numpy.int64),
            "places": self.length + new,
            "later": numpy.where(new > new.repeat(self._opened.heads)[:, None], -numpy.inf, 0).astype(numpy.float32),
            "asked": new[len(ids) - scores :],
            "parts": numpy.array([self.length, len(ids)]),
        }
        logits, *added = self._opened.inference.run(["logits", *(f"new_{name}" for name in self._kept)], feed)
        for kept, rows in zip(self._kept.values(), added, strict=True):
            kept[self.length : end] = rows
        self.length = end
        return logits

    def cut(self, length: int) -> None:
        self.length = min(self.length, length)
