"""The same functions as train.network writes, folded by hand.

What a careful user can reach by rewriting the model before an export, and so
the fair peer of a compiler that folds by itself.

Step-T (section 3.2 of arXiv 2308.04637): a past step's attention is its own
value, so Q and K are computed for no past step. For the last step the
projections move to the single row's side, q (W_K x) = (W_K q) x and
sum a_j (W_V x_j) = W_V (sum a_j x_j); the bias of K shifts all scores alike
and drops out, that of V goes into out_proj's. Without norms only the last row
of the last layer is computed. The scales of the embedding and of Q go into
their weights, which stay ternary.

Classifiers: scale and Q mask are one constant, BatchNorm is Mul and Add, and
the mean over time comes before the decoder.

Activations are laid out (1, w, d), so that no Transpose is left but those of
heads and window norms.
"""

import numpy as np

from train.graph import Graph
from train.weights import Linear


def folded(a, p):
    """The hand-folded model; inputs and outputs are those of train.network."""
    g = Graph()
    names = a.input_output
    with g.scope("encoder"):
        scaled = Linear(p.embedding.weight * np.sqrt(a.d))
        x = _linear(g, names[0], "embedding", scaled)
        x = g.op("Add", x, g.parameter("pe", p.pe[None]))
        for i, layer in enumerate(p.layers):
            last = layer is p.layers[-1] and a.task == "anomaly"
            with g.scope(f"layers.{i}"):
                with g.scope("attention"):
                    if p.zeros is None:
                        x, y = _step_t(g, a, layer, x, last)
                        bias = layer.out_proj.bias + layer.v.bias @ layer.out_proj.weight
                        y = _linear(g, y, "out_proj", Linear(layer.out_proj.weight, bias))
                    else:
                        y = _masked(g, a, p, layer, x)
                        y = _linear(g, y, "out_proj", layer.out_proj)
                x = _norm(g, a, "norm1", layer.norm1, g.op("Add", x, y))
                y = _linear(g, g.op("Relu", _linear(g, x, "w1", layer.w1)), "w2", layer.w2)
                x = _norm(g, a, "norm2", layer.norm2, g.op("Add", x, y))
        if a.task == "forecast":
            x = _rows(g, x, a.w - 1, a.w)
        x = g.op("Relu", x)
    if a.task == "classification":
        x = g.op("ReduceMean", x, axes=[1], keepdims=0)
        y = g.op("LogSoftmax", _linear(g, x, "decoder", p.decoder), axis=-1)
    else:
        y = _linear(g, g.reshape(x, 1, a.d), "decoder", p.decoder)
    return g.model(
        a.name,
        {names[0]: [1, a.w, a.m]},
        {names[1]: (y, [1, a.classes or a.m])},
        a.metadata(),
    )


def _step_t(g, a, layer, x, last):
    """The rows that go on and their attention: all w, or only row T if last.

    The bias of V is left to out_proj, since the weights of a row sum to 1.
    """
    d_head, past = a.d // a.h, a.w - 1
    tail, x_past = _rows(g, x, past, a.w), _rows(g, x, 0, past)
    scale = d_head**-0.5
    q = _linear(g, tail, "q", Linear(layer.q.weight * scale, layer.q.bias * scale))
    # W_K and W_V by head: (h, d_head, d) and (h, d, d_head).
    by_head = [part.weight.reshape(a.d, a.h, d_head) for part in (layer.k, layer.v)]
    with g.scope("k"):
        weight = g.parameter("weight", by_head[0].transpose(1, 2, 0))
        keys = g.op("MatMul", g.reshape(q, a.h, 1, d_head), weight)
    steps = g.op("Transpose", x_past, perm=[0, 2, 1])
    scores = g.op("MatMul", g.reshape(keys, 1, a.h, a.d), steps)
    mean = g.op("MatMul", g.op("Softmax", scores, axis=-1), x_past)
    with g.scope("v"):
        weight = g.parameter("weight", by_head[1].transpose(1, 0, 2))
        y = g.reshape(g.op("MatMul", g.reshape(mean, a.h, 1, a.d), weight), 1, 1, a.d)
        if last:
            return tail, y
        return x, g.op("Concat", g.matmul(x_past, layer.v.weight), y, axis=1)


def _masked(g, a, p, layer, x):
    """Attention (1, w, d) with fixed masks on Q, K and V."""
    heads = {}
    for name, order in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
        mask = np.ones(a.w * a.d)
        mask[p.zeros[name]] = 0
        if name == "q":
            mask *= (a.d // a.h) ** -0.5
        y = _linear(g, x, name, getattr(layer, name))
        y = g.op("Mul", y, g.parameter(f"mask_{name}", mask.reshape(1, a.w, a.d)))
        heads[name] = g.op("Transpose", g.reshape(y, 1, a.w, a.h, a.d // a.h), perm=order)
    scores = g.op("Softmax", g.op("MatMul", heads["q"], heads["k"]), axis=-1)
    y = g.op("Transpose", g.op("MatMul", scores, heads["v"]), perm=[0, 2, 1, 3])
    return g.reshape(y, 1, a.w, a.d)


def _linear(g, x, name, layer):
    with g.scope(name):
        y = g.matmul(x, layer.weight)
        return y if layer.bias is None else g.op("Add", y, g.parameter("bias", layer.bias))


def _rows(g, x, start, end):
    """Rows start to end of (1, w, d)."""
    return g.op("Slice", x, g.ints(start), g.ints(end), g.ints(1))


def _norm(g, a, name, norm, x):
    if norm is None:
        return x
    with g.scope(name):
        if a.norm == "batch":
            scale = norm.gamma / np.sqrt(norm.var + 1e-5)
            x = g.op("Mul", x, g.parameter("scale", scale))
            return g.op("Add", x, g.parameter("shift", norm.beta - norm.mean * scale))
        x = g.op("Transpose", x, perm=[0, 2, 1])
        gamma, beta = g.parameter("weight", norm.gamma), g.parameter("bias", norm.beta)
        x = g.op("LayerNormalization", x, gamma, beta, axis=-1, epsilon=1e-5)
        return g.op("Transpose", x, perm=[0, 2, 1])
