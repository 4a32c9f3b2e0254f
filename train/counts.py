"""Multiply-adds of SBT models by the counting rules of the paper, which leave the number of steps out of most layers."""

from __future__ import annotations


def paper_flops(task, m, w, d, h, ff, layers, out, k=None, p_a=None) -> int:
    """Multiply-adds of one sample as the paper counts them; k None: the dense twin.

    Projections to Q, K and V count once for each of w steps, every other linear layer once. Weights that are 0 do not
    count; in classifiers p_a of Q, K and V is kept.
    """
    kept, dh = 1 if k is None else k, d // h
    total = int(kept * m * d) + int(kept * d * out)
    if k is not None or task != "classification":
        total += w * d  # the sinusoidal encoding; a learned one is free
    layer = 3 * int(kept * d * d * w) + int(kept * d * d) + 2 * int(kept * d * ff)
    if k is None:
        layer += w * d + h * (2 * w * w * dh + w * w)
    elif task == "classification":
        n = int(w * p_a)
        layer += int(p_a * w * d + 3 * w * d + h * (n * n * dh + w * w + w * n * dh))
    else:
        layer += w * d + h * (2 * (w - 1) * dh + w)
    if task != "classification" and k is None:
        layer += 2 * 2 * d * w
    elif task == "forecast":
        layer += 2 * d * w // 2
    return total + layers * layer
