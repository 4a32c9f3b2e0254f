"""Masks to the element, and pruners in a loop without a loss."""

import pytest
import torch
from torch import nn

from train.pals.masks import Masks
from train.pals.pruners import GraNet, Magnitude, Pals


def masks_of(*values):
    """Masks of one matrix (1, n)."""
    model = nn.Linear(len(values), 1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([values]))
    return model, Masks(model)


def test_biases_and_norms_stay_dense():
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Conv1d(4, 2, 3))
    assert [tuple(m.shape) for m in Masks(model).masks] == [(4, 3), (2, 4, 3)]


def test_drop_removes_the_smallest_and_counts_them():
    _, masks = masks_of(4.0, -1.0, 3.0, -2.0, 5.0)
    assert masks.drop(0, 2) == 2
    assert masks.masks[0].tolist() == [[1, 0, 1, 0, 1]]
    # What is gone does not count again, even though its weight would have grown since.
    masks.weights[0].data[0, 1] = 9.0
    assert masks.drop(0, 1) == 1
    assert masks.masks[0].tolist() == [[1, 0, 0, 0, 1]]
    assert masks.sparsity() == pytest.approx(0.6)


def test_ties_go_together():
    _, masks = masks_of(1.0, 1.0, 1.0, 2.0)
    assert masks.drop(0, 1) == 3


def test_grow_takes_the_largest_gradients_and_starts_at_zero():
    model, masks = masks_of(4.0, -1.0, 3.0, -2.0, 5.0)
    masks.drop(0, 3)
    masks.apply()
    model.weight.grad = torch.tensor([[9.0, 1.0, -3.0, 2.0, 9.0]])
    masks.grow(0, 2)
    masks.apply()
    assert masks.masks[0].tolist() == [[1, 0, 1, 1, 1]]
    assert model.weight.tolist() == [[4.0, 0.0, 0.0, 0.0, 5.0]]


def test_grow_without_gradient_is_random_and_bounded():
    _, masks = masks_of(4.0, -1.0, 3.0)
    masks.drop(0, 2)
    masks.grow(0, 5)
    assert masks.nonzero() == [3]


def test_complex_weights_share_one_element():
    model = nn.Module()
    model.weight = nn.Parameter(torch.tensor([[[3.0, 4.0], [0.1, 0.1], [0.0, 2.0]]]))
    model.weight.complex_pairs = True
    masks = Masks(model)
    assert masks.drop(0, 1) == 1
    masks.apply()
    assert model.weight.tolist() == [[[3.0, 4.0], [0.0, 0.0], [0.0, 2.0]]]
    assert masks.sparsity() == pytest.approx(1 / 3)


def drive(pruner, model, steps, losses=lambda step: 1.0):
    """Steps with random gradients, the weights left alone otherwise."""
    for step in range(steps):
        for p in model.parameters():
            p.grad = torch.randn_like(p)
        pruner.before(step, lambda: losses(step))
        pruner.after(step)


@pytest.mark.parametrize("kind", [Magnitude, GraNet])
def test_gradual_pruning_ends_at_its_sparsity_to_the_element(kind):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 50), nn.Linear(50, 10))
    pruner = kind(model, 30, 3, 7, final=0.83)
    drive(pruner, model, 90)
    assert pruner.masks.nonzero() == [round(0.17 * 1000), round(0.17 * 500)]


def test_pals_shrinks_as_its_formula_says():
    torch.manual_seed(0)
    model, log = nn.Linear(100, 100), []
    pruner = Pals(model, 100, 3, 100, log, gamma=1.1)
    drive(pruner, model, 100)
    # zeta at step 100 of 300 is 0.37625: ceil(0.37625 * 1.1 * 10000) go, int(4139 / 1.1) come back.
    assert log == [{"step": 100, "val_loss": 1.0, "state": "shrink", "sparsity": pytest.approx((4139 - 3762) / 10000)}]


def test_pals_gives_back_what_the_loss_did_not_allow():
    torch.manual_seed(0)
    model, log = nn.Linear(100, 100), []
    pruner = Pals(model, 100, 3, 10, log, gamma=1.2)
    drive(pruner, model, 300, lambda step: 1.0 if pruner.sparsity() < 0.5 else 2.0)
    reached = [row["sparsity"] for row in log]
    assert max(reached) < 0.56
    assert {row["state"] for row in log} == {"shrink", "expand"}


def test_pals_stops_at_its_most_sparsity_and_with_its_last_epoch():
    torch.manual_seed(0)
    model, log = nn.Linear(100, 100), []
    pruner = Pals(model, 100, 10, 10, log, gamma=1.2)
    drive(pruner, model, 1000)
    assert log[-1]["step"] == 700
    assert 0.9 <= pruner.sparsity() < 0.92
    masked = pruner.masks.masks[0] == 0
    assert (model.weight.detach()[masked] == 0).all()


def test_state_round_trip():
    torch.manual_seed(0)
    model = nn.Linear(30, 30)
    first = Pals(model, 20, 3, 5)
    drive(first, model, 20)
    second = Pals(model, 20, 3, 5)
    second.load_state_dict(first.state_dict())
    assert second.best == first.best
    assert torch.equal(second.masks.masks[0], first.masks.masks[0])
