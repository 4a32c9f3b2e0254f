"""PALS's decisions as pure functions: shrink, expand or keep the number of weights, and by how much."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass


class State(enum.Enum):
    """What an update does to the number of weights."""

    SHRINK = "shrink"
    EXPAND = "expand"
    STABLE = "stable"


@dataclass(frozen=True)
class Best:
    """The lowest validation loss so far, and the sparsity at which it was found."""

    loss: float = math.inf
    sparsity: float = 0.0


def decide(loss, sparsity, best: Best, freedom, least=0.2, most=0.9) -> tuple[State, Best]:
    """The state for a validation loss at a sparsity, and the new best.

    freedom is the paper's lambda: a loss up to freedom times the best is good enough to go on removing weights. Below the
    sparsity least weights are removed whatever the loss; at most or beyond, none.
    """
    if sparsity < least:
        state = State.SHRINK
    elif loss <= freedom * best.loss and sparsity < most:
        state = State.SHRINK
    elif loss > freedom * best.loss and sparsity > best.sparsity:
        state = State.EXPAND
    else:
        state = State.STABLE
    # The best is compared with before it is replaced.
    return state, Best(loss, sparsity) if loss < best.loss else best


def to_remove(state: State, zeta, gamma, nonzero) -> int:
    """How many of a layer's nonzero weights an update removes: ceil(zeta n), gamma times as many to shrink."""
    return min(nonzero, math.ceil(zeta * nonzero * (gamma if state is State.SHRINK else 1)))


def to_regrow(state: State, gamma, removed) -> int:
    """How many come back after removed are gone: fewer to shrink, more to expand."""
    if state is State.SHRINK:
        return int(removed / gamma)
    if state is State.EXPAND:
        return int(removed * gamma)
    return removed


def cosine(step, steps, start=0.5, end=0.005) -> float:
    """zeta at a step: annealed from start to end over steps by a half cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * min(step, steps) / steps)) / 2


def pruning_epochs(epochs) -> int:
    """Epochs in which the mask changes; in the rest the kept weights only train. 7 of 10."""
    return min(epochs, 2 * epochs // 3 + 1)


def cubic(step, begin, end, final) -> float:
    """The sparsity of gradual pruning at a step: 0 until begin, final from end on, a cubic between."""
    if step <= begin:
        return 0.0
    rest = 1 - (min(step, end) - begin) / (end - begin)
    return final * (1 - rest**3)
