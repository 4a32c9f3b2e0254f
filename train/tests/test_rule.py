"""PALS's decisions on loss sequences made by hand, and the counts that follow from them."""

import pytest

from train.pals.rule import Best, State, cosine, cubic, decide, pruning_epochs, to_regrow, to_remove

SHRINK, EXPAND, STABLE = State.SHRINK, State.EXPAND, State.STABLE


def replay(steps, freedom=1.1):
    """States for (loss, sparsity) one after the other."""
    best, states = Best(), []
    for loss, sparsity in steps:
        state, best = decide(loss, sparsity, best, freedom)
        states.append(state)
    return states, best


def test_shrinks_below_the_least_sparsity_whatever_the_loss():
    states, best = replay([(1.0, 0.0), (5.0, 0.1), (50.0, 0.19)])
    assert states == [SHRINK] * 3
    assert best == Best(1.0, 0.0)


def test_shrinks_while_the_loss_is_within_its_freedom():
    # 1.1 is exactly lambda times the best and still allowed; 1.0 becomes the best only after its own decision.
    states, best = replay([(1.0, 0.3), (1.1, 0.4), (0.9, 0.5), (0.98, 0.6)])
    assert states == [SHRINK] * 4
    assert best == Best(0.9, 0.5)


def test_expands_when_it_lost_too_much_and_is_sparser_than_the_best():
    states, best = replay([(1.0, 0.3), (1.2, 0.5), (1.2, 0.4)])
    assert states == [SHRINK, EXPAND, EXPAND]
    assert best == Best(1.0, 0.3)


def test_is_stable_when_it_lost_too_much_at_no_higher_sparsity():
    states, _ = replay([(1.0, 0.5), (1.2, 0.5), (1.2, 0.4)])
    assert states == [SHRINK, STABLE, STABLE]


def test_is_stable_at_the_most_sparsity_while_the_loss_is_good():
    states, best = replay([(1.0, 0.5), (0.9, 0.9), (0.95, 0.93), (2.0, 0.93)])
    assert states == [SHRINK, STABLE, STABLE, EXPAND]
    assert best == Best(0.9, 0.9)


def test_the_best_is_replaced_after_the_decision():
    # A loss that is the new best is compared with the old one.
    state, best = decide(0.5, 0.95, Best(1.0, 0.2), 1.1)
    assert (state, best) == (STABLE, Best(0.5, 0.95))


@pytest.mark.parametrize(
    "state, nonzero, removed, regrown",
    # zeta 0.5, gamma 1.25, 1000 weights: to shrink 625 go and 500 come back, to expand 500 go and 625 come back.
    [(SHRINK, 1000, 625, 500), (EXPAND, 1000, 500, 625), (STABLE, 1000, 500, 500), (STABLE, 3, 2, 2)],
)
def test_counts(state, nonzero, removed, regrown):
    assert to_remove(state, 0.5, 1.25, nonzero) == removed
    assert to_regrow(state, 1.25, removed) == regrown


def test_schedules():
    assert cosine(0, 100) == 0.5
    assert cosine(50, 100) == pytest.approx(0.2525)
    assert cosine(100, 100) == pytest.approx(0.005)
    assert cosine(200, 100) == pytest.approx(0.005)
    assert [pruning_epochs(e) for e in (1, 3, 10)] == [1, 3, 7]
    assert [cubic(s, 0, 10, 0.8) for s in (0, 5, 10, 20)] == [0.0, pytest.approx(0.7), 0.8, 0.8]
