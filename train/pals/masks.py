"""Masks over a model's matrices: which weights are left, and how some go and others come back."""

from __future__ import annotations

import torch


class Masks:
    """A {0, 1} mask for every parameter of two or more axes; biases and norms stay dense.

    Parameters marked complex_pairs hold complex numbers along their last axis of 2: both parts share one element of the
    mask, and count as one weight.
    """

    def __init__(self, model):
        self.weights = [p for p in model.parameters() if p.requires_grad and p.dim() >= 2]
        self.masks = [torch.ones_like(self.magnitude(p)) for p in self.weights]

    @staticmethod
    def magnitude(p, values=None):
        """|values|, one for each weight of p; values default to p itself."""
        values = (p if values is None else values).detach()
        return values.norm(dim=-1) if getattr(p, "complex_pairs", False) else values.abs()

    def apply(self):
        """Sets what is masked to 0."""
        with torch.no_grad():
            for p, mask in zip(self.weights, self.masks):
                p.mul_(mask.unsqueeze(-1) if getattr(p, "complex_pairs", False) else mask)

    def nonzero(self) -> list[int]:
        return [int(mask.sum()) for mask in self.masks]

    def sparsity(self) -> float:
        """The share of masked weights among all that can be masked."""
        return 1 - sum(self.nonzero()) / sum(mask.numel() for mask in self.masks)

    def drop(self, i, remove) -> int:
        """Removes the smallest remove weights of layer i among those left; returns how many went.

        Weights that are equal to the last one removed go with it, as published.
        """
        p, mask = self.weights[i], self.masks[i]
        before, zeros = int(mask.sum()), int(mask.numel() - mask.sum())
        if remove <= 0:
            return 0
        size = self.magnitude(p) * mask
        threshold = size.flatten().kthvalue(min(zeros + remove, mask.numel())).values
        self.masks[i] = (size > threshold).to(mask.dtype)
        return before - int(self.masks[i].sum())

    def grow(self, i, count):
        """Gives count masked weights of layer i back, those with the largest gradients; they start at 0.

        Without a gradient the places are random.
        """
        p, mask = self.weights[i], self.masks[i]
        free = mask == 0
        count = min(count, int(free.sum()))
        if count <= 0:
            return
        score = torch.rand_like(mask) if p.grad is None else self.magnitude(p, p.grad)
        score = score.masked_fill(~free, -1.0)
        mask.view(-1)[score.flatten().topk(count).indices] = 1

    def keep_largest(self, i, density):
        """Masks layer i to round(density n) weights, the largest."""
        size = self.magnitude(self.weights[i]).flatten()
        mask = torch.zeros_like(size)
        mask[size.topk(round(density * size.numel())).indices] = 1
        self.masks[i] = mask.view_as(self.masks[i])

    def state(self):
        return [mask.bool() for mask in self.masks]

    def load(self, state):
        self.masks = [new.to(old) for new, old in zip(state, self.masks)]
