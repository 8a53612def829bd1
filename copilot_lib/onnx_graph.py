"""Writes a GPTBigCode network as an ONNX graph, whose keys and values go in and out without ever being copied together.

It knows layers and operators; it does not know who runs the graph, or where the weights lie.
"""

from collections.abc import Mapping

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


def build(config: Mapping, weights: Mapping[str, numpy.ndarray]) -> bytes:
    """The graph of a `GPTBigCodeForCausalLM` with multi-query attention and tied embeddings, weights included (float32).

    Inputs: `ids` and their `places`, (tokens); `later`, (tokens * heads, tokens), minus infinity where a query would see a
    later key, else 0; `parts`, the numbers of kept and of new ids; and for every layer `key_N` and `value_N`,
    (kept, head size). Outputs: `logits`, (vocabulary), after the last id, and for every layer `new_key_N` and
    `new_value_N`, (tokens, head size).

    Attention meets the kept keys and the new ones apart, and one softmax goes over both: whoever runs the graph writes the
    new ones behind the kept, and nothing is joined.
    """
    b = Builder()
    layers, heads, width = config["n_layer"], config["n_head"], config["n_embd"]
    size = width // heads
    weight = {name.removeprefix("transformer."): value.astype(numpy.float32) for name, value in weights.items()}
    embedding = b.constant(weight["wte.weight"])
    x = b.add("Add", b.add("Gather", embedding, "ids"), b.add("Gather", b.constant(weight["wpe.weight"]), "places"))

    def linear(x: str, name: str) -> str:
        return b.add("Gemm", x, b.constant(weight[f"{name}.weight"]), b.constant(weight[f"{name}.bias"]), transB=1)

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
    last = b.add("Gather", x, b.constant(numpy.int64(-1)), axis=0)
    hidden = b.add("Reshape", norm(last, "ln_f"), b.integers(width, 1))
    logits = b.add("Reshape", b.add("MatMul", embedding, hidden), b.integers(-1))
    outputs.append(("logits", logits))
    for name, made in outputs:
        b.nodes.append(helper.make_node("Identity", [made], [name]))
    inputs = [("ids", TensorProto.INT64, ["tokens"]), ("places", TensorProto.INT64, ["tokens"])]
    inputs += [("later", TensorProto.FLOAT, ["queries", "tokens"]), ("parts", TensorProto.INT64, [2])]
    inputs += [(f"{kind}_{n}", TensorProto.FLOAT, ["kept", size]) for n in range(layers) for kind in ("key", "value")]
    graph = helper.make_graph(
        b.nodes,
        "gpt_bigcode",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name, _ in outputs],
        b.constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10).SerializeToString()
