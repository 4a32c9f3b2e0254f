"""The PALS Transformer of train.fullsize: sizes against the paper's, outputs against numpy."""

from math import erf

import numpy as np
import pytest
from onnx import numpy_helper

from train.fullsize import Sizes, transformer
from train.weights import Weights

SMALL = Sizes(channels=3, w=6, label=4, horizon=5, d=8, ff=12, h=2, marks=2)


def constants(model):
    """Weights and biases by the path of the node that uses them."""
    arrays = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    used = {}
    for node in model.graph.node:
        path = node.name.rsplit("/", 1)[0]
        for name in node.input:
            if name in arrays and not (path.endswith("embedding") and node.op_type == "Add"):
                used.setdefault(path, []).append(arrays[name])
    return used


def test_parameters_are_the_papers():
    model = transformer(Sizes(), Weights(0, 0.2, "float"))
    arrays = [array for group in constants(model).values() for array in group]
    assert sum(array.size for array in arrays) == 10_540_039
    weights = [array for array in arrays if array.ndim > 1]
    assert (len(weights), sum(w.size for w in weights)) == (27, 10_514_944)
    for weight in weights:
        assert np.count_nonzero(weight) == weight.size - int((1 - 0.2) * weight.size)


def test_ternary():
    model = transformer(SMALL, Weights(0, 0.5))
    for group in constants(model).values():
        for weight in group:
            assert weight.ndim == 1 or len(np.unique(np.abs(weight))) == 2


def test_output():
    ort = pytest.importorskip("onnxruntime", reason="runs the model in ONNX Runtime")
    model = transformer(SMALL, Weights(1, 0.5, "float"))
    random, steps = np.random.default_rng(2), SMALL.label + SMALL.horizon
    inputs = {
        "x_enc": random.standard_normal((SMALL.w, 3)),
        "x_mark_enc": random.standard_normal((SMALL.w, 2)),
        "x_dec": random.standard_normal((steps, 3)),
        "x_mark_dec": random.standard_normal((steps, 2)),
    }
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {name: x[None].astype(np.float32) for name, x in inputs.items()}
    (y,) = session.run(None, feed)
    expected = Reference(SMALL, constants(model)).forward(**inputs)
    assert y.shape == (1, SMALL.horizon, SMALL.channels)
    assert np.abs(y[0] - expected).max() <= 1e-5


class Reference:
    """The forward pass in numpy; activations are (steps, d)."""

    def __init__(self, sizes, constants):
        self.s, self.c = sizes, constants

    def forward(self, x_enc, x_mark_enc, x_dec, x_mark_dec):
        x = self.embedding("/enc_embedding", x_enc, x_mark_enc)
        for i in range(self.s.encoders):
            path = f"/encoder/layers.{i}"
            x = self.norm(path + "/norm1", x + self.attention(path + "/attention", x, x, False))
            x = self.norm(path + "/norm2", x + self.feed_forward(path, x))
        x = self.norm("/encoder/norm", x)
        y = self.embedding("/dec_embedding", x_dec, x_mark_dec)
        for i in range(self.s.decoders):
            path = f"/decoder/layers.{i}"
            z = self.attention(path + "/self_attention", y, y, True)
            y = self.norm(path + "/norm1", y + z)
            z = self.attention(path + "/cross_attention", y, x, False)
            y = self.norm(path + "/norm2", y + z)
            y = self.norm(path + "/norm3", y + self.feed_forward(path, y))
        y = self.norm("/decoder/norm", y)
        return self.linear("/decoder/projection", y)[-self.s.horizon :]

    def embedding(self, path, x, marks):
        (kernel,) = self.c[path + "/value"]  # (d, channels, 3)
        around = [np.roll(x, 1, axis=0), x, np.roll(x, -1, axis=0)]
        y = sum(values @ kernel[:, :, i].T for i, values in enumerate(around))
        t, i = np.ogrid[: len(x), : self.s.d]
        angle = t / 10000 ** (i // 2 * 2 / self.s.d)
        position = np.where(i % 2 == 0, np.sin(angle), np.cos(angle))
        return y + self.linear(path + "/temporal", marks) + position

    def attention(self, path, x, memory, causal):
        q, k, v = (
            self.linear(f"{path}/{name}", source)
            for name, source in (("query", x), ("key", memory), ("value", memory))
        )
        y, d_head = np.zeros_like(q), self.s.d // self.s.h
        for head in range(self.s.h):
            part = slice(head * d_head, (head + 1) * d_head)
            for t in range(len(q)):
                seen = t + 1 if causal else len(k)
                a = np.exp(k[:seen, part] @ q[t, part] / np.sqrt(d_head))
                y[t, part] = a / a.sum() @ v[:seen, part]
        return self.linear(path + "/out", y)

    def feed_forward(self, path, x):
        (w1, b1), (w2, b2) = self.c[path + "/conv1"], self.c[path + "/conv2"]
        hidden = x @ w1[:, :, 0].T + b1
        return hidden * (1 + np.vectorize(erf)(hidden / np.sqrt(2))) / 2 @ w2[:, :, 0].T + b2

    def linear(self, path, x):
        weight, *bias = self.c[path]
        return x @ weight + sum(bias)

    def norm(self, path, x):
        gamma, beta = self.c[path]
        centred = x - x.mean(axis=1, keepdims=True)
        return centred / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5) * gamma + beta
