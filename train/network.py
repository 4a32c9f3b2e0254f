"""Sparse binary transformers (arXiv 2308.04637, sections 1 and 3) as exported.

Activations are laid out (w, 1, d), as PyTorch's sequence-first attention has
them; attention works on (h, w, d / h).
"""

import math

import numpy as np

from train import spelling
from train.graph import Graph


def network(a, p, form="add", opset=17):
    """The model of architecture a with parameters p; form spells its masks.

    anomaly, forecast: (1, w, m) -> (1, m); classification: (1, w, m) -> (1, classes).
    """
    g = Graph(opset)
    names = a.input_output
    x = g.op("Transpose", names[0], perm=[1, 0, 2])
    with g.scope("encoder"):
        built = spelling.built_mask(g, a.w) if form == "forward" else None
        x = linear(g, x, "embedding", p.embedding)
        x = g.op("Mul", x, g.number(math.sqrt(a.d)))
        x = g.op("Add", x, g.parameter("pe", p.pe[:, None]))
        for i, layer in enumerate(p.layers):
            with g.scope(f"layers.{i}"):
                x = _layer(g, a, p, layer, x, form, built)
        x = g.op("Relu", x)
    x = g.op("Transpose", linear(g, x, "decoder", p.decoder), perm=[1, 0, 2])
    if a.task == "classification":
        y = g.op("LogSoftmax", g.op("ReduceMean", x, axes=[1], keepdims=0), axis=-1)
    else:
        y = g.op("Gather", x, g.tensor(np.int64(-1)), axis=1)
    return g.model(
        a.name,
        {names[0]: [1, a.w, a.m]},
        {names[1]: (y, [1, a.classes or a.m])},
        a.metadata(),
    )


def linear(g, x, name, layer):
    """A linear layer on (w, 1, in): MatMul, and Add with the bias first."""
    with g.scope(name):
        y = g.matmul(x, layer.weight)
        return y if layer.bias is None else g.op("Add", g.parameter("bias", layer.bias), y)


def _layer(g, a, p, layer, x, form, built):
    """Post-norm encoder layer: norm(x + attention(x)), norm(x + W2 relu(W1 x))."""
    with g.scope("attention"):
        y = (_packed if form == "mha" else _attention)(g, a, p, layer, x, form, built)
    x = _norm(g, a, "norm1", layer.norm1, g.op("Add", x, y))
    y = g.op("Relu", linear(g, x, "w1", layer.w1))
    return _norm(g, a, "norm2", layer.norm2, g.op("Add", x, linear(g, y, "w2", layer.w2)))


def _attention(g, a, p, layer, x, form, built):
    def project(name):
        y = linear(g, x, name, getattr(layer, name))
        if p.zeros is None:
            return y
        return spelling.masked_activation(g, form, y, name, p.zeros[name], (a.w, 1, a.d))

    q = g.op("Mul", project("q"), g.op("Pow", g.number(a.d // a.h), g.number(-0.5)))
    q = _heads(g, a, q, [1, 0, 2])
    k, v = _heads(g, a, project("k"), [1, 2, 0]), _heads(g, a, project("v"), [1, 0, 2])
    y = _attend(g, p, q, k, v, form, built)
    return linear(g, g.reshape(y, a.w, 1, a.d), "out_proj", layer.out_proj)


def _packed(g, a, p, layer, x, form, built):
    """nn.MultiheadAttention: one projection (d, 3d), split by computed ends; Gemm."""
    parts = [layer.q, layer.k, layer.v]
    y = g.matmul(x, np.concatenate([part.weight for part in parts], axis=1))
    bias = g.parameter("in_proj_bias", np.concatenate([part.bias for part in parts]))
    y = g.op("Add", bias, y)
    last = g.ints(-1)
    size = g.op("Gather", g.op("Shape", y), last, axis=0)
    start, rounding = g.ints(0), g.ints(2)
    third = g.op("Div", g.op("Add", size, rounding), g.ints(3))
    split = []
    for i in (1, 2, 3):
        end = g.op("Mul", third, g.ints(i))
        split.append(g.op("Slice", y, start, end, last))
        start = end
    q = _heads(g, a, split[0], [1, 0, 2])
    k, v = _heads(g, a, split[1], [1, 2, 0]), _heads(g, a, split[2], [1, 0, 2])
    q = g.op("Div", q, g.number(math.sqrt(a.d // a.h)))
    y = g.reshape(_attend(g, p, q, k, v, form, built), a.w, a.d)
    weight = g.parameter("out_proj.weight", layer.out_proj.weight.T)
    bias = g.parameter("out_proj.bias", layer.out_proj.bias)
    return g.reshape(g.op("Gemm", y, weight, bias, alpha=1.0, beta=1.0, transB=1), a.w, 1, a.d)


def _heads(g, a, x, order):
    """(w, 1, d) -> (h, w, d / h), or (h, d / h, w), as order says."""
    return g.op("Transpose", g.reshape(x, a.w, a.h, a.d // a.h), perm=order)


def _attend(g, p, q, k, v, form, built):
    """softmax(q k + mask) v, as (w, h, d / h)."""
    scores = g.op("MatMul", q, k)
    if p.step_t is not None:
        scores = spelling.masked_scores(g, form, scores, p.step_t, built)
    y = g.op("MatMul", g.op("Softmax", scores, axis=-1), v)
    return g.op("Transpose", y, perm=[1, 0, 2])


def _norm(g, a, name, norm, x):
    """BatchNorm over channels or LayerNorm over time, between Transposes; or nothing."""
    if norm is None:
        return x
    with g.scope(name):
        x = g.op("Transpose", x, perm=[1, 2, 0])
        gamma, beta = g.parameter("weight", norm.gamma), g.parameter("bias", norm.beta)
        if a.norm == "batch":
            mean, var = g.parameter("running_mean", norm.mean), g.parameter("running_var", norm.var)
            x = g.op(
                "BatchNormalization", x, gamma, beta, mean, var, epsilon=1e-5, momentum=0.9
            )
        elif g.opset >= 17:
            x = g.op("LayerNormalization", x, gamma, beta, axis=-1, epsilon=1e-5)
        else:
            centred = g.op("Sub", x, g.op("ReduceMean", x, axes=[-1]))
            squares = g.op("ReduceMean", g.op("Pow", centred, g.number(2)), axes=[-1])
            deviation = g.op("Sqrt", g.op("Add", squares, g.number(1e-5)))
            x = g.op("Add", g.op("Mul", g.op("Div", centred, deviation), gamma), beta)
        return g.op("Transpose", x, perm=[2, 0, 1])
