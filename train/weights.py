"""Seeded random weights of linear layers: ternary, sparse or dense."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Linear:
    """weight (in, out); bias (out,) or None."""

    weight: np.ndarray
    bias: np.ndarray | None = None


class Weights:
    """Draws weights (in, out), uniform in +-1/sqrt(in), at a density.

    kind "ternary": {-alpha, 0, +alpha} with one alpha per matrix, the mean
    magnitude of those kept (section 2 of arXiv 2308.04637); zeros keep the sign of the weight
    they stand for, as alpha * mask * sign does. kind "float": floats and zeros.
    """

    def __init__(self, seed, density=1.0, kind="ternary"):
        self.random = np.random.default_rng(seed)
        self.density, self.kind = density, kind

    def matrix(self, fan_in, fan_out):
        bound = fan_in**-0.5
        weight = self.random.uniform(-bound, bound, (fan_in, fan_out))
        if self.kind == "float" and self.density == 1:
            return weight
        kept = np.zeros(weight.size, bool)
        kept[self.random.permutation(weight.size)[dropped(self.density, weight.size) :]] = True
        kept = kept.reshape(weight.shape)
        if self.kind == "float":
            return weight * kept
        return np.abs(weight[kept]).mean() * kept * np.sign(weight)

    def bias(self, fan_in, fan_out):
        bound = fan_in**-0.5
        return self.random.uniform(-bound, bound, fan_out)

    def linear(self, fan_in, fan_out, bias=False):
        weight = self.matrix(fan_in, fan_out)
        return Linear(weight, self.bias(fan_in, fan_out) if bias else None)


def dropped(density, n):
    """How many of n weights (or activations) are zero: the paper's int((1 - k) n)."""
    return int((1 - density) * n)
