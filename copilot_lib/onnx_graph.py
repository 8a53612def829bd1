"""Writes a GPTBigCode network as an ONNX graph, whose keys and values go in and out without ever being copied together.

It knows layers and operators; it does not know who runs the graph, or where the weights lie.
"""

from collections.abc import Mapping
from functools import cache, partial

import numpy
from onnx import TensorProto, helper, numpy_helper

OPSET = 20


class Builder:
    """Nodes and constants of a graph under construction."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes):
        """Appends a node; returns the name of its output, or a list of names where it has several."""
        names = [f"{operator}_{len(self.nodes)}_{n}" for n in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value: numpy.ndarray) -> str:
        """Puts an array into the graph; returns its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(numpy.ascontiguousarray(value), name))
        return name

    def integers(self, *values: int) -> str:
        """A constant vector, such as a shape."""
        return self.constant(numpy.array(values, dtype=numpy.int64))


class Float32:
    """Tables and products in the numbers that the weights have."""

    def __init__(self, builder: Builder, weights: Mapping[str, numpy.ndarray]):
        self._b = builder
        self._weight = cache(lambda name: builder.constant(weights[name]))

    def rows(self, name: str, ids: str) -> str:
        """Rows of a table, (ids, width)."""
        return self._b.add("Gather", self._weight(name), ids)

    def product(self, x: str, name: str) -> str:
        """(rows, in) by a weight of (out, in)."""
        return self._b.add("Gemm", x, self._weight(name), transB=1)


class Int8:
    """Tables and products in 8 bits: one scale for each output of a weight, one for each activation as it comes.

    Weights are signed and activations are not, which processors with VNNI multiply at three times the speed of two unsigned
    ones. Older ones clip sums of two such products, and say nothing. `largest_sum` is an output that tells; on those,
    `uint8` gives the same results: the same numbers, counted from a `zero` of 128.
    """

    def __init__(self, builder: Builder, weights: Mapping[str, numpy.ndarray], zero: int = 0):
        self._b, self._weights = builder, weights
        self._kind = numpy.uint8 if zero else numpy.int8
        self._zero = builder.constant(self._kind(zero))

    def rows(self, name: str, ids: str) -> str:
        numbers, scales = quantized(self._weights[name])
        rows = self._b.add("Cast", self._b.add("Gather", self._b.constant(numbers), ids), to=TensorProto.FLOAT)
        return self._b.add("Mul", rows, self._b.add("Gather", self._b.constant(scales), ids))

    def product(self, x: str, name: str) -> str:
        numbers, scales = quantized(self._weights[name])
        activations, scale, zero = self._b.add("DynamicQuantizeLinear", x, outputs=3)
        sums = self._sums(activations, numbers.T, zero)
        both = self._b.add("Mul", scale, self._b.constant(scales[:, 0]))
        return self._b.add("Mul", self._b.add("Cast", sums, to=TensorProto.FLOAT), both)

    def largest_sum(self) -> str:
        """255 times 127, so many times as are summed, unless it is clipped."""
        activations = self._b.constant(numpy.full((1, SUMMED), 255, dtype=numpy.uint8))
        weights = numpy.full((SUMMED, 16), 127, dtype=numpy.int8)
        return self._sums(activations, weights, self._b.constant(numpy.uint8(0)))

    def _sums(self, activations: str, numbers: numpy.ndarray, zero: str) -> str:
        counted = (numbers.astype(numpy.int16) + 128 * (self._kind is numpy.uint8)).astype(self._kind)
        return self._b.add("MatMulInteger", activations, self._b.constant(counted), zero, self._zero)


ARITHMETIC = {"float32": Float32, "int8": Int8, "uint8": partial(Int8, zero=128)}
SUMMED = 64


def quantized(weight: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """A weight's rows as numbers from -127 to 127, and the scale of each row, (rows, 1).

    >>> quantized(numpy.array([[0.5, -1.0], [0.0, 0.0]]))[0].tolist()
    [[64, -127], [0, 0]]
    """
    scales = numpy.abs(weight).max(axis=1, keepdims=True) / 127
    scales = numpy.where(scales == 0, 1, scales).astype(numpy.float32)
    return numpy.round(weight / scales).astype(numpy.int8), scales


def build(
    config: Mapping, weights: Mapping[str, numpy.ndarray], precision: str = "float32", about: Mapping[str, str] | None = None
) -> bytes:
    """The graph of a `GPTBigCodeForCausalLM` with multi-query attention and tied embeddings, weights included.

    Inputs: `ids` and their `places`, (tokens); `later`, (tokens * heads, tokens), minus infinity where a query would see a
    later key, else 0; `parts`, the numbers of kept and of new ids; `asked`, the ids after which logits are wanted; and for
    every layer `key_N` and `value_N`, (kept, head size). Outputs: `logits`, (asked, vocabulary), and for every layer
    `new_key_N` and `new_value_N`, (tokens, head size); in 8 bits also `largest_sum`, see `Int8`. `precision` is that of tables
    and products; attention is always float32. `about` is kept in the file.

    Attention meets the kept keys and the new ones apart, and one softmax goes over both: whoever runs the graph writes the
    new ones behind the kept, and nothing is joined. The last layer goes on with the ids that are `asked` alone: of the others
    only keys and values are wanted.
    """
    b = Builder()
    layers, heads, width = config["n_layer"], config["n_head"], config["n_embd"]
    size = width // heads
    weight = {name.removeprefix("transformer."): value.astype(numpy.float32) for name, value in weights.items()}
    arithmetic = ARITHMETIC[precision](b, weight)
    x = b.add("Add", arithmetic.rows("wte.weight", "ids"), b.add("Gather", b.constant(weight["wpe.weight"]), "places"))

    def linear(x: str, name: str) -> str:
        return b.add("Add", arithmetic.product(x, f"{name}.weight"), b.constant(weight[f"{name}.bias"]))

    def norm(x: str, name: str) -> str:
        scale, bias = b.constant(weight[f"{name}.weight"]), b.constant(weight[f"{name}.bias"])
        return b.add("LayerNormalization", x, scale, bias, epsilon=config["layer_norm_epsilon"])

    outputs = []
    for n in range(layers):
        projected = linear(norm(x, f"h.{n}.ln_1"), f"h.{n}.attn.c_attn")
        query, key, value = b.add("Split", projected, b.integers(width, size, size), outputs=3, axis=1)
        outputs += [(f"new_key_{n}", key), (f"new_value_{n}", value)]
        hidden = "later"
        if n == layers - 1:
            x, query = (b.add("Gather", of_all, "asked", axis=0) for of_all in (x, query))
            firsts = b.add("Unsqueeze", b.add("Mul", "asked", b.integers(heads)), b.integers(1))
            queries = b.add("Reshape", b.add("Add", firsts, b.integers(*range(heads))), b.integers(-1))
            hidden = b.add("Gather", hidden, queries, axis=0)
        scaled = b.add("Mul", query, b.constant(numpy.float32(size**-0.5)))
        rows = b.add("Reshape", scaled, b.integers(-1, size))  # (tokens * heads, head size)
        old = b.add("MatMul", rows, b.add("Transpose", f"key_{n}", perm=[1, 0]))
        new = b.add("Add", b.add("MatMul", rows, b.add("Transpose", key, perm=[1, 0])), hidden)
        shares = b.add("Softmax", b.add("Concat", old, new, axis=1), axis=1)
        old, new = b.add("Split", shares, "parts", outputs=2, axis=1)
        mixed = b.add("Add", b.add("MatMul", old, f"value_{n}"), b.add("MatMul", new, value))
        x = b.add("Add", x, linear(b.add("Reshape", mixed, b.integers(-1, width)), f"h.{n}.attn.c_proj"))
        inner = b.add("Gelu", linear(norm(x, f"h.{n}.ln_2"), f"h.{n}.mlp.c_fc"), approximate="tanh")
        x = b.add("Add", x, linear(inner, f"h.{n}.mlp.c_proj"))
    outputs.append(("logits", arithmetic.product(norm(x, "ln_f"), "wte.weight")))
    kinds = dict.fromkeys((name for name, _ in outputs), TensorProto.FLOAT)
    if precision != "float32":
        outputs.append(("largest_sum", arithmetic.largest_sum()))
        kinds["largest_sum"] = TensorProto.INT32
    for name, made in outputs:
        b.nodes.append(helper.make_node("Identity", [made], [name]))
    inputs = [("ids", TensorProto.INT64, ["tokens"]), ("places", TensorProto.INT64, ["tokens"])]
    inputs += [("later", TensorProto.FLOAT, ["queries", "tokens"]), ("parts", TensorProto.INT64, [2])]
    inputs += [("asked", TensorProto.INT64, ["asked"])]
    inputs += [(f"{kind}_{n}", TensorProto.FLOAT, ["kept", size]) for n in range(layers) for kind in ("key", "value")]
    graph = helper.make_graph(
        b.nodes,
        "gpt_bigcode",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in kinds.items()],
        b.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    helper.set_model_props(model, dict(about or {}))
    return model.SerializeToString()
