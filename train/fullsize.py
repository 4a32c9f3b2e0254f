"""Writes full-size models of the PALS paper (arXiv 2305.18382) with seeded random weights.

    python -m train.fullsize --model transformer --density 0.2 --out DIR
    python -m train.fullsize --model transformer --density 0.2 --ternary --out DIR

Needs numpy and onnx only. DIR gets MODEL.onnx. The density is that of every
linear and convolution, as PALS leaves it, biases and norms stay dense;
--ternary gives each of them one alpha.
"""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from train.architectures import sinusoid
from train.graph import Graph
from train.weights import Weights


@dataclass(frozen=True)
class Sizes:
    """The paper's defaults, for the 7 channels of ETTm2.

    The decoder reads label known steps, then horizon zeros; marks are the
    columns of calendar features.
    """

    channels: int = 7
    w: int = 96
    label: int = 48
    horizon: int = 96
    d: int = 512
    ff: int = 2048
    h: int = 8
    encoders: int = 2
    decoders: int = 1
    marks: int = 4


def transformer(sizes, weights):
    """The vanilla encoder-decoder: x_enc (1, w, channels), x_mark_enc (1, w, marks),
    x_dec and x_mark_dec of label + horizon steps -> forecast (1, horizon, channels).

    The graph is what PyTorch 1.13's exporter leaves of it: circular embedding
    by Slice and Concat, Einsum attention, feed-forward layers as Conv.
    """
    return _Transformer(sizes, weights).model()


class _Transformer:
    def __init__(self, sizes, weights):
        self.s, self.weights, self.g = sizes, weights, Graph()

    def model(self):
        s, g = self.s, self.g
        steps = s.label + s.horizon
        x = self.embedding("enc_embedding", "x_enc", "x_mark_enc", s.w)
        with g.scope("encoder"):
            for i in range(s.encoders):
                with g.scope(f"layers.{i}"):
                    x = self.attention("attention", x, s.w, x, s.w)
                    x = self.feed_forward(self.norm("norm1", x), "norm2")
            x = self.norm("norm", x)
        y = self.embedding("dec_embedding", "x_dec", "x_mark_dec", steps)
        with g.scope("decoder"):
            for i in range(s.decoders):
                with g.scope(f"layers.{i}"):
                    y = self.attention("self_attention", y, steps, y, steps, causal=True)
                    y = self.norm("norm1", y)
                    y = self.attention("cross_attention", y, steps, x, s.w)
                    y = self.feed_forward(self.norm("norm2", y), "norm3")
            y = self.linear("projection", self.norm("norm", y), s.d, s.channels)
        y = g.op("Slice", y, g.ints(-s.horizon), g.ints(2**63 - 1), g.ints(1), g.ints(1))
        return g.model(
            "transformer",
            {
                "x_enc": [1, s.w, s.channels],
                "x_mark_enc": [1, s.w, s.marks],
                "x_dec": [1, steps, s.channels],
                "x_mark_dec": [1, steps, s.marks],
            },
            {"forecast": (y, [1, s.horizon, s.channels])},
        )

    def embedding(self, name, x, marks, steps):
        """(1, steps, d): values by a circular convolution, calendar features, sinusoid."""
        s, g = self.s, self.g
        with g.scope(name):
            x = g.op("Transpose", x, perm=[0, 2, 1])
            with g.scope("value"):
                before = g.op("Slice", x, g.ints(-1), g.ints(2**63 - 1), g.ints(2))
                after = g.op("Slice", x, g.ints(0), g.ints(1), g.ints(2))
                x = g.op("Concat", before, x, after, axis=2)
                weight = self.weights.matrix(3 * s.channels, s.d)
                x = self.conv(x, weight.T.reshape(s.d, s.channels, 3))
            x = g.op("Transpose", x, perm=[0, 2, 1])
            x = g.op("Add", x, self.linear("temporal", marks, s.marks, s.d, bias=False))
            pe = sinusoid(steps, s.d)[None].astype(np.float32)
            return g.op("Add", x, g.folded("Add", pe))

    def attention(self, name, x, steps, memory, length, causal=False):
        """x (1, steps, d) plus its attention to memory (1, length, d)."""
        s, g = self.s, self.g

        def heads(part, source, size):
            return g.reshape(self.linear(part, source, s.d, s.d), 1, size, s.h, -1)

        with g.scope(name):
            q = heads("query", x, steps)
            k, v = heads("key", memory, length), heads("value", memory, length)
            scores = g.op("Einsum", q, k, equation="blhe,bshe->bhls")
            if causal:
                ones = g.tensor(np.ones((1, 1, steps, length), bool))
                later = g.op("Trilu", ones, g.tensor(np.int64(1)), upper=1)
                later = g.op("Cast", later, to=onnx.TensorProto.BOOL)
                scores = g.op("Where", later, g.number(-np.inf), scores)
            scores = g.op("Mul", scores, g.number((s.d // s.h) ** -0.5))
            y = g.op("Einsum", g.op("Softmax", scores, axis=-1), v, equation="bhls,bshd->blhd")
            y = self.linear("out", g.reshape(y, 1, steps, -1), s.d, s.d)
        return g.op("Add", x, y)

    def feed_forward(self, x, norm):
        """norm(x + W2 gelu(W1 x)), the linears as convolutions of one step."""
        s, g = self.s, self.g
        y = g.op("Transpose", x, perm=[0, 2, 1])
        with g.scope("conv1"):
            y = self.conv(y, *self.one_step(s.d, s.ff))
        erf = g.op("Erf", g.op("Div", y, g.number(math.sqrt(2))))
        y = g.op("Mul", g.op("Mul", y, g.op("Add", erf, g.number(1))), g.number(0.5))
        with g.scope("conv2"):
            y = self.conv(y, *self.one_step(s.ff, s.d))
        return self.norm(norm, g.op("Add", x, g.op("Transpose", y, perm=[0, 2, 1])))

    def one_step(self, fan_in, fan_out):
        layer = self.weights.linear(fan_in, fan_out, bias=True)
        return layer.weight.T[:, :, None], layer.bias

    def conv(self, x, weight, *bias):
        """x (1, in, steps) and a weight (out, in, size), without padding."""
        size = weight.shape[2]
        names = [self.g.parameter("weight", weight)]
        names += [self.g.parameter("bias", value) for value in bias]
        window = dict(dilations=[1], group=1, kernel_shape=[size], pads=[0, 0], strides=[1])
        return self.g.op("Conv", x, *names, **window)

    def linear(self, name, x, fan_in, fan_out, bias=True):
        layer = self.weights.linear(fan_in, fan_out, bias)
        with self.g.scope(name):
            y = self.g.matmul(x, layer.weight)
            return self.g.op("Add", self.g.parameter("bias", layer.bias), y) if bias else y

    def norm(self, name, x):
        random, d = self.weights.random, self.s.d
        with self.g.scope(name):
            gamma = self.g.parameter("weight", random.uniform(0.5, 1.5, d))
            beta = self.g.parameter("bias", random.uniform(-0.2, 0.2, d))
            return self.g.op("LayerNormalization", x, gamma, beta, axis=-1, epsilon=1e-5)


MODELS = {"transformer": transformer}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--density", type=float, default=1.0, help="fraction of weights kept")
    parser.add_argument("--ternary", action="store_true", help="one alpha per layer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--channels", type=int, default=Sizes.channels)
    parser.add_argument("--horizon", type=int, default=Sizes.horizon)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    arguments = parser.parse_args()
    if not 0 < arguments.density <= 1:
        parser.error("--density must be above 0 and at most 1")
    kind = "ternary" if arguments.ternary else "float"
    weights = Weights(arguments.seed, arguments.density, kind)
    sizes = Sizes(channels=arguments.channels, horizon=arguments.horizon)
    arguments.out.mkdir(parents=True, exist_ok=True)
    onnx.save(
        MODELS[arguments.model](sizes, weights), arguments.out / f"{arguments.model}.onnx"
    )


if __name__ == "__main__":
    main()
