"""Writes a GPTBigCode network as an ONNX graph, whose keys and values go in and out without ever being copied together.

It knows layers and operators; it does not know who runs the graph, or where the weights lie.
"""

from collections.abc import Mapping
from functools import cache

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

    Both factors are unsigned. With a signed one, processors without VNNI clip sums of two products, and say nothing.
    """

    def __init__(self, builder: Builder, weights: Mapping[str, numpy.ndarray]):
        self._b, self._weights = builder, weights
        self._zero = builder.constant(numpy.uint8(ZERO))

    def rows(self, name: str, ids: str) -> str:
        numbers, scales = quantized(self._weights[name])
        rows = self._b.add("Cast", self._b.add("Gather", self._b.constant(numbers), ids), to=TensorProto.FLOAT)
        centred = self._b.add("Sub", rows, self._b.constant(numpy.float32(ZERO)))
        return self._b.add("Mul", centred, self._b.add("Gather", self._b.constant(scales), ids))

    def product(self, x: str, name: str) -> str:
        numbers, scales = quantized(self._weights[name])
        activations, scale, zero = self._b.add("DynamicQuantizeLinear", x, outputs=3)
        sums = self._b.add("MatMulInteger", activations, self._b.constant(numbers.T), zero, self._zero)
        both = self._b.add("Mul", scale, self._b.constant(scales[:, 0]))
        return self._b.add("Mul", self._b.add("Cast", sums, to=TensorProto.FLOAT), both)


ARITHMETIC = {"float32": Float32, "int8": Int8}
ZERO = 128


def quantized(weight: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """A weight's rows as numbers from 1 to 255 around 128, and the scale of each row, (rows, 1).

    >>> quantized(numpy.array([[0.5, -1.0], [0.0, 0.0]]))[0].tolist()
    [[192, 1], [128, 128]]
    """
    scales = numpy.abs(weight).max(axis=1, keepdims=True) / (ZERO - 1)
    scales = numpy.where(scales == 0, 1, scales).astype(numpy.float32)
    return (numpy.round(weight / scales) + ZERO).astype(numpy.uint8), scales


def build(
    config: Mapping, weights: Mapping[str, numpy.ndarray], precision: str = "float32", about: Mapping[str, str] | None = None
) -> bytes:
    """The graph of a `GPTBigCodeForCausalLM` with multi-query attention and tied embeddings, weights included.

    Inputs: `ids` and their `places`, (tokens); `later`, (tokens * heads, tokens), minus infinity where a query would see a
    later key, else 0; `parts`, the numbers of kept and of new ids; `asked`, the ids after which logits are wanted; and for
    every layer `key_N` and `value_N`, (kept, head size). Outputs: `logits`, (asked, vocabulary), and for every layer
    `new_key_N` and `new_value_N`, (tokens, head size). `precision` is that of tables and products; attention is always
    float32. `about` is kept in the file.

    Attention meets the kept keys and the new ones apart, and one softmax goes over both: whoever runs the graph writes the
    new ones behind the kept, and nothing is joined.
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
        scaled = b.add("Mul", query, b.constant(numpy.float32(size**-0.5)))
        rows = b.add("Reshape", scaled, b.integers(-1, size))  # (tokens * heads, head size)
        old = b.add("MatMul", rows, b.add("Transpose", f"key_{n}", perm=[1, 0]))
        new = b.add("Add", b.add("MatMul", rows, b.add("Transpose", key, perm=[1, 0])), "later")
        shares = b.add("Softmax", b.add("Concat", old, new, axis=1), axis=1)
        old, new = b.add("Split", shares, "parts", outputs=2, axis=1)
        mixed = b.add("Add", b.add("MatMul", old, f"value_{n}"), b.add("MatMul", new, value))
        x = b.add("Add", x, linear(b.add("Reshape", mixed, b.integers(-1, width)), f"h.{n}.attn.c_proj"))
        inner = b.add("Gelu", linear(norm(x, f"h.{n}.ln_2"), f"h.{n}.mlp.c_fc"), approximate="tanh")
        x = b.add("Add", x, linear(inner, f"h.{n}.mlp.c_proj"))
        outputs += [(f"new_key_{n}", key), (f"new_value_{n}", value)]
    outputs.append(("logits", arithmetic.product(norm(b.add("Gather", x, "asked", axis=0), "ln_f"), "wte.weight")))
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
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name, _ in outputs],
        b.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    helper.set_model_props(model, dict(about or {}))
    return model.SerializeToString()
