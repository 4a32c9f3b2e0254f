"""Gradual magnitude pruning."""

import torch


class GradualPruner:
    """Zeroes the smallest weights of every matrix, layer by layer, while training.

    The sparsity of each layer follows a cubic schedule to its final value in
    the first two thirds of the steps; the rest lets the kept weights adapt.
    Biases and norms stay dense.
    """

    def __init__(self, model, sparsity, every=5):
        self.weights = [p for p in model.parameters() if p.dim() > 1]
        self.masks = [torch.ones_like(p) for p in self.weights]
        self.sparsity, self.every = sparsity, every

    def __call__(self, step, steps):
        """Runs after every optimiser step."""
        ramp = 2 * steps // 3
        if step <= ramp and (step % self.every == 0 or step == ramp):
            target = self.sparsity * (1 - (1 - step / ramp) ** 3)
            self.masks = [_largest(p.detach(), 1 - target) for p in self.weights]
        with torch.no_grad():
            for weight, mask in zip(self.weights, self.masks):
                weight.mul_(mask)


def zeros(model):
    """The fraction of exact zeros in the model's matrices."""
    weights = torch.cat([p.detach().flatten() for p in model.parameters() if p.dim() > 1])
    return float((weights == 0).float().mean())


def _largest(weight, density):
    """A mask of the largest weights: round(density n) ones."""
    order = weight.abs().flatten().argsort(descending=True)
    mask = torch.zeros(weight.numel())
    mask[order[: round(density * weight.numel())]] = 1.0
    return mask.view_as(weight)
