"""The shape of train.forecast's forecaster with random weights."""

import math

from train.architectures import sinusoid
from train.graph import Graph


def encoder(a, weights):
    """Encoder with GELU and a head over all steps: (1, w, channels) -> (1, horizon).

    a holds window, channels, d_model, nhead, d_ff, layers and horizon.
    """
    g = Graph()
    d_head = a.d_model // a.nhead

    def linear(x, name, fan_in, fan_out):
        with g.scope(name):
            y = g.matmul(x, weights.matrix(fan_in, fan_out))
            return g.op("Add", y, g.parameter("bias", weights.bias(fan_in, fan_out)))

    def heads(x, order):  # (1, w, d) -> (1, nhead, w, d_head), or as order says
        return g.op("Transpose", g.reshape(x, 1, a.window, a.nhead, d_head), perm=order)

    def attention(x):
        q, k, v = (linear(x, part, a.d_model, a.d_model) for part in "qkv")
        q, k, v = heads(q, [0, 2, 1, 3]), heads(k, [0, 2, 3, 1]), heads(v, [0, 2, 1, 3])
        q = g.op("Mul", q, g.number(d_head**-0.5))
        scores = g.op("Softmax", g.op("MatMul", q, k), axis=-1)
        y = g.op("Transpose", g.op("MatMul", scores, v), perm=[0, 2, 1, 3])
        y = g.reshape(y, 1, a.window, a.d_model)
        return linear(y, "out_proj", a.d_model, a.d_model)

    def gelu(x):
        erf = g.op("Erf", g.op("Div", x, g.number(math.sqrt(2))))
        return g.op("Mul", g.op("Mul", x, g.op("Add", erf, g.number(1))), g.number(0.5))

    def norm(x, name):
        with g.scope(name):
            gamma = g.parameter("weight", weights.random.uniform(0.5, 1.5, a.d_model))
            beta = g.parameter("bias", weights.random.uniform(-0.5, 0.5, a.d_model))
            return g.op("LayerNormalization", x, gamma, beta, axis=-1, epsilon=1e-5)

    x = linear("history", "embedding", a.channels, a.d_model)
    x = g.op("Add", x, g.parameter("pe", sinusoid(a.window, a.d_model)))
    for i in range(a.layers):
        with g.scope(f"layers.{i}"):
            with g.scope("attention"):
                y = attention(x)
            x = norm(g.op("Add", x, y), "norm1")
            y = gelu(linear(x, "w1", a.d_model, a.d_ff))
            x = norm(g.op("Add", x, linear(y, "w2", a.d_ff, a.d_model)), "norm2")
    x = g.reshape(x, 1, a.window * a.d_model)
    y = linear(x, "head", a.window * a.d_model, a.horizon)
    return g.model(
        "encoder",
        {"history": [1, a.window, a.channels]},
        {"forecast": (y, [1, a.horizon])},
    )
