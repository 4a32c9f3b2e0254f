"""Ternary layers by biprop: frozen random weights, trained scores that choose which of them to keep."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


def kept(score: torch.Tensor, density: float) -> torch.Tensor:
    """The {0, 1} mask of score's largest magnitudes; int((1 - density) n) of its n elements are 0."""
    flat = score.detach().abs().flatten()
    dropped = int((1 - density) * flat.numel())
    mask = torch.ones_like(flat)
    if dropped:
        mask[flat.topk(dropped, largest=False, sorted=False).indices] = 0
    return mask.view_as(score)


class Ternarise(torch.autograd.Function):
    """alpha * mask * sign(weight), straight through to the scores.

    The product mask * alpha is treated as if it were |score| |weight|: a score's gradient is grad sign(weight) |weight|
    sign(score), and the frozen weight gets none. alpha is the mean magnitude of the kept weights; the divisor is int(density n)
    as in biprop, which may be one less than their number.
    """

    @staticmethod
    def forward(ctx, score, weight, density):
        mask = kept(score, density)
        alpha = (weight.abs() * mask).sum() / max(int(density * weight.numel()), 1)
        ctx.save_for_backward(score, weight)
        return alpha * mask * weight.sign()

    @staticmethod
    def backward(ctx, grad):
        score, weight = ctx.saved_tensors
        return grad * weight * score.sign(), None, None


class BipropLinear(nn.Module):
    """A linear layer whose frozen random weights are pruned by trained scores.

    density is the fraction of weights kept (the paper's code calls it prune_rate); alpha is one float for the whole layer.
    The bias, where there is one, is random and frozen as well.
    """

    def __init__(self, in_features: int, out_features: int, density: float, bias: bool = False):
        super().__init__()
        if not 0 < density <= 1:
            raise ValueError(f"density {density} is not in (0, 1]")
        bound = in_features**-0.5
        shape = (out_features, in_features)
        self.density = density
        self.register_buffer("weight", torch.empty(shape).uniform_(-bound, bound))
        self.score = nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
        frozen = torch.empty(out_features).uniform_(-bound, bound) if bias else None
        self.register_buffer("bias", frozen)

    def ternary(self) -> torch.Tensor:
        """The effective weight, (out, in), values in {-alpha, 0, +alpha}."""
        return Ternarise.apply(self.score, self.weight, self.density)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.ternary(), self.bias)


class MaskGamma(torch.autograd.Function):
    """gamma where the scores are largest, else 0; straight through to both."""

    @staticmethod
    def forward(ctx, gamma, score, density):
        mask = kept(score, density)
        ctx.save_for_backward(gamma, score, mask)
        return gamma * mask

    @staticmethod
    def backward(ctx, grad):
        gamma, score, mask = ctx.saved_tensors
        return grad * mask, grad * gamma * score.sign(), None


def freeze(model: nn.Module) -> nn.Module:
    """Replaces in place every BipropLinear by an nn.Linear of its ternary weight, and every masked gamma by its values."""
    for name, child in model.named_children():
        if isinstance(child, BipropLinear):
            out_features, in_features = child.weight.shape
            linear = nn.Linear(in_features, out_features, bias=child.bias is not None)
            with torch.no_grad():
                linear.weight.copy_(child.ternary())
                if child.bias is not None:
                    linear.bias.copy_(child.bias)
            setattr(model, name, linear.to(child.weight.device))
        elif hasattr(child, "bake"):
            child.bake()
        else:
            freeze(child)
    return model
