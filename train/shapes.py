"""Writes models of a chosen shape with seeded random weights, for measurements.

    python -m train.shapes --encoder --density 0.1 --out FILE.onnx

Needs numpy and onnx only. The weights of all linear layers are ternary,
{-alpha, 0, +alpha} with one alpha per layer, or dense floats with --dense.
"""

import argparse
import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
# The format's version that goes with opset 17: newer onnx packages would write
# a newer one, which older runtimes reject.
IR_VERSION = 8


class Graph:
    """Collects nodes and constants; every method returns the name of its result."""

    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def floats(self, name, array):
        return self.constant(name, np.asarray(array, np.float32))

    def ints(self, name, values):
        return self.constant(name, np.array(values, np.int64))

    def op(self, op_type, *inputs, **attributes):
        self.count += 1
        output = f"{op_type.lower()}_{self.count}"
        self.nodes.append(helper.make_node(op_type, inputs, [output], output, **attributes))
        return output

    def model(self, name, graph_input, graph_output):
        """The finished model; input and output are (name, shape) pairs."""
        self.nodes[-1].output[0] = graph_output[0]
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(graph_input[0], TensorProto.FLOAT, graph_input[1])],
            [helper.make_tensor_value_info(graph_output[0], TensorProto.FLOAT, graph_output[1])],
            self.constants,
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, producer_name="train.shapes", opset_imports=[opset])
        model.ir_version = IR_VERSION
        return model


class Weights:
    """Random linear weights (in, out), ternary at a density or dense."""

    def __init__(self, seed, density, dense):
        self.random = np.random.default_rng(seed)
        self.density, self.dense = density, dense

    def matrix(self, fan_in, fan_out):
        bound = fan_in**-0.5
        weight = self.random.uniform(-bound, bound, (fan_in, fan_out))
        if self.dense:
            return weight
        n = weight.size
        kept = np.zeros(n, bool)
        kept[self.random.permutation(n)[int((1 - self.density) * n) :]] = True
        kept = kept.reshape(weight.shape)
        alpha = np.abs(weight[kept]).mean()
        return alpha * kept * np.sign(weight)

    def bias(self, fan_in, fan_out):
        bound = fan_in**-0.5
        return self.random.uniform(-bound, bound, fan_out)


def encoder(arguments, weights):
    """The forecaster of train.forecast: encoder with GELU and a head over all steps."""
    a, g = arguments, Graph()
    d_head = a.d_model // a.nhead

    def linear(x, name, fan_in, fan_out):
        weight = g.floats(f"{name}.weight", weights.matrix(fan_in, fan_out))
        bias = g.floats(f"{name}.bias", weights.bias(fan_in, fan_out))
        return g.op("Add", g.op("MatMul", x, weight), bias)

    def heads(x, order):  # (1, w, d) -> (1, nhead, w, d_head), or as order says
        return g.op("Transpose", g.op("Reshape", x, split), perm=order)

    def attention(x, name):
        q, k, v = (linear(x, f"{name}.{part}", a.d_model, a.d_model) for part in "qkv")
        q, k, v = heads(q, [0, 2, 1, 3]), heads(k, [0, 2, 3, 1]), heads(v, [0, 2, 1, 3])
        scores = g.op("Softmax", g.op("MatMul", g.op("Mul", q, scale), k), axis=-1)
        y = g.op("Transpose", g.op("MatMul", scores, v), perm=[0, 2, 1, 3])
        return linear(g.op("Reshape", y, merge), f"{name}.out_proj", a.d_model, a.d_model)

    def gelu(x):
        erf = g.op("Erf", g.op("Div", x, sqrt2))
        return g.op("Mul", g.op("Mul", x, g.op("Add", erf, one)), half)

    def norm(x, name):
        gamma = g.floats(f"{name}.weight", weights.random.uniform(0.5, 1.5, a.d_model))
        beta = g.floats(f"{name}.bias", weights.random.uniform(-0.5, 0.5, a.d_model))
        return g.op("LayerNormalization", x, gamma, beta, axis=-1, epsilon=1e-5)

    split = g.ints("split", [1, a.window, a.nhead, d_head])
    merge = g.ints("merge", [1, a.window, a.d_model])
    flat = g.ints("flat", [1, a.window * a.d_model])
    scale = g.floats("scale", d_head**-0.5)
    sqrt2, one, half = g.floats("sqrt2", math.sqrt(2)), g.floats("one", 1), g.floats("half", 0.5)

    x = linear("history", "embedding", a.channels, a.d_model)
    x = g.op("Add", x, g.floats("pe", sinusoid(a.window, a.d_model)))
    for i in range(a.layers):
        layer = f"layers.{i}"
        x = norm(g.op("Add", x, attention(x, f"{layer}.attention")), f"{layer}.norm1")
        y = gelu(linear(x, f"{layer}.w1", a.d_model, a.d_ff))
        y = linear(y, f"{layer}.w2", a.d_ff, a.d_model)
        x = norm(g.op("Add", x, y), f"{layer}.norm2")
    linear(g.op("Reshape", x, flat), "head", a.window * a.d_model, a.horizon)
    return g.model(
        "encoder",
        ("history", [1, a.window, a.channels]),
        ("forecast", [1, a.horizon]),
    )


def sinusoid(w, d):
    """Sinusoidal positional encoding (w, d): sine on even channels, cosine on odd."""
    angle = np.arange(w)[:, None] * 10000.0 ** (-np.arange(0, d, 2) / d)
    pe = np.zeros((w, d))
    pe[:, 0::2], pe[:, 1::2] = np.sin(angle), np.cos(angle)
    return pe


ARCHITECTURES = [encoder]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kind = parser.add_mutually_exclusive_group(required=True)
    for architecture in ARCHITECTURES:
        kind.add_argument(
            f"--{architecture.__name__.replace('_', '-')}",
            dest="architecture",
            action="store_const",
            const=architecture,
            help=architecture.__doc__.splitlines()[0],
        )
    parser.add_argument("--density", type=float, default=1.0, help="fraction of weights kept")
    parser.add_argument("--dense", action="store_true", help="dense floats, not ternary")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--window", type=int, default=96)
    parser.add_argument("--channels", type=int, default=7)
    parser.add_argument("--d-model", type=int, default=64)
    parser.add_argument("--nhead", type=int, default=4)
    parser.add_argument("--d-ff", type=int, default=256)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--horizon", type=int, default=24)
    parser.add_argument("--out", required=True, metavar="FILE")
    arguments = parser.parse_args()
    if not 0 < arguments.density <= 1:
        parser.error("--density must be above 0 and at most 1")
    if arguments.dense and arguments.density != 1:
        parser.error("--dense goes with --density 1")
    if arguments.d_model % arguments.nhead or arguments.d_model % 2:
        parser.error("--d-model must be even and a multiple of --nhead")
    weights = Weights(arguments.seed, arguments.density, arguments.dense)
    model = arguments.architecture(arguments, weights)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, arguments.out)


if __name__ == "__main__":
    main()
