"""Fourier transforms of real series as products with constant matrices, which every exporter and runtime can write."""

from __future__ import annotations

import math

import torch


def forward_matrix(n, modes):
    """(n, 2 f): x @ it = [re, im] of the discrete Fourier transform of x (.., n) at the modes."""
    angle = torch.outer(torch.arange(n, dtype=torch.float64), torch.as_tensor(modes, dtype=torch.float64))
    angle = angle.remainder(n) * (2 * math.pi / n)
    return torch.cat([angle.cos(), -angle.sin()], dim=1).float()


def inverse_matrix(n, modes):
    """(2 f, n): [re, im] @ it = the real series of length n that has this spectrum at the modes and 0 elsewhere."""
    modes = torch.as_tensor(modes, dtype=torch.float64)
    angle = torch.outer(modes, torch.arange(n, dtype=torch.float64)).remainder(n) * (2 * math.pi / n)
    # All modes but 0 and n / 2 stand for two, themselves and their conjugates.
    single = (modes == 0) | (2 * modes == n)
    weight = torch.where(single, 1.0, 2.0).to(torch.float64).unsqueeze(1) / n
    return torch.cat([weight * angle.cos(), -weight * angle.sin()], dim=0).float()


def complex_tanh(a, b):
    """(re, im) of tanh(a + ib), without the overflow of sinh and cosh.

    With s = sech(2a) = 2 e^-|2a| / (1 + e^-|4a|): tanh(a + ib) = (tanh(2a) + i sin(2b) s) / (1 + cos(2b) s).
    At a pole the denominator is 0; it is held at 1e-4, which changes only values of magnitude above 100 and keeps one
    unlucky pair of modes from ending a training in NaN.
    """
    e = torch.exp(-2 * a.abs())
    s = 2 * e / (1 + e * e)
    d = (1 + torch.cos(2 * b) * s).clamp(min=1e-4)
    return torch.tanh(2 * a) / d, torch.sin(2 * b) * s / d
