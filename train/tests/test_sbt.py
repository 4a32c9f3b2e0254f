"""Ternary layers and masks, to the element and against gradients worked out by hand."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from train import sbt
from train.biprop import BipropLinear, MaskGamma


@pytest.mark.parametrize("shape, density", [((16, 12), 0.5), ((7, 9), 0.25), ((11, 13), 0.9), ((5, 5), 1.0)])
def test_density_and_alpha(shape, density):
    torch.manual_seed(0)
    layer = BipropLinear(*shape, density)
    n = shape[0] * shape[1]
    weight = layer.ternary().detach()
    kept = weight != 0
    assert int(kept.sum()) == n - int((1 - density) * n)
    # The kept are those of the largest scores; alpha is their mean magnitude, over int(density n).
    assert layer.score.abs()[kept].min() >= (layer.score.abs()[~kept].max() if (~kept).any() else 0)
    alpha = layer.weight.abs()[kept].sum() / int(density * n)
    assert torch.allclose(weight[kept], alpha * layer.weight.sign()[kept])


def test_straight_through_gradient_by_hand():
    layer = BipropLinear(2, 2, 0.5)
    layer.weight.copy_(torch.tensor([[0.5, -0.25], [1.0, 0.125]]))
    layer.score.data.copy_(torch.tensor([[-3.0, 1.0], [0.5, 2.0]]))
    x = torch.tensor([[2.0, 3.0]])
    y = layer(x)
    # Kept: -3 and 2, of the weights 0.5 and 0.125: alpha 0.3125.
    assert y.tolist() == [[0.625, 0.9375]]
    (y * torch.tensor([[1.0, 10.0]])).sum().backward()
    # d loss / d w = outer((1, 10), (2, 3)); times w, times the sign of the score.
    expected = torch.tensor([[2 * 0.5 * -1, 3 * -0.25 * 1], [20 * 1.0 * 1, 30 * 0.125 * 1]])
    assert torch.allclose(layer.score.grad, expected)
    assert not layer.weight.requires_grad


def test_masked_gamma_by_hand():
    gamma = torch.tensor([2.0, 3.0, -4.0, 5.0], requires_grad=True)
    score = torch.tensor([0.1, -0.9, 0.5, 0.2], requires_grad=True)
    y = MaskGamma.apply(gamma, score, 0.5)
    assert y.tolist() == [0.0, 3.0, -4.0, 0.0]
    (y * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert gamma.grad.tolist() == [0.0, 2.0, 3.0, 0.0]
    assert score.grad.tolist() == [2.0, -6.0, -12.0, 20.0]


def test_layers_have_weights_of_their_own():
    model = sbt.AnomalyModel(4, 10)
    layers = [m for m in model.modules() if isinstance(m, BipropLinear) and m.weight.shape == (8, 8)]
    assert len(layers) == 8
    assert len({tuple(m.weight.flatten().tolist()) for m in layers}) == 8


def test_step_t_attends_as_stated():
    torch.manual_seed(0)
    attention = sbt.Attention(6, 2, 0.5, step_t=sbt.step_t_mask(5))
    x = torch.randn(5, 1, 6)
    v = attention.v(x)
    assert torch.allclose(attention(x)[:4], attention.out_proj(v)[:4], atol=1e-6)
    q, k = attention.q(x)[4, 0].view(2, 3), attention.k(x)[:4, 0].view(4, 2, 3)
    weights = torch.softmax(torch.einsum("he,the->ht", q, k) / math.sqrt(3), dim=1)
    last = torch.einsum("ht,the->he", weights, v[:4, 0].view(4, 2, 3)).reshape(1, 6)
    assert torch.allclose(attention(x)[4], attention.out_proj(last), atol=1e-6)


def test_activation_masks_have_exact_zeros_and_mean_the_same_for_every_sample():
    masks = sbt.activation_masks(7, 6, 0.45)
    assert [int((m == 0).sum()) for m in masks] == [int(0.55 * 42)] * 3
    model = sbt.Classifier(3, 7, 6, 4, d_ff=8, density=0.5, p_a=0.45).eval()
    x = torch.randn(5, 7, 3)
    assert torch.allclose(model(x), torch.cat([model(x[i : i + 1]) for i in range(5)]), atol=1e-6)


def test_masks_are_in_the_checkpoint():
    names = sbt.Classifier(3, 7, 6, 4, d_ff=8).state_dict()
    assert {f"encoder.layers.1.attention.mask_{n}" for n in "qkv"} <= set(names)


def test_padding_does_not_matter():
    torch.manual_seed(0)
    model = sbt.Classifier(3, 9, 8, 4, d_ff=8).eval()
    x, present = torch.randn(2, 9, 3), torch.ones(2, 9)
    assert torch.allclose(model(x, present), model(x), atol=1e-6)
    present[0, 5:] = 0
    changed = x.clone()
    changed[0, 5:] = 100.0
    assert torch.allclose(model(x, present), model(changed, present), atol=1e-5)
    assert not torch.allclose(model(x, present)[0], model(x)[0], atol=1e-3)


def test_window_norm_is_over_time():
    norm, x = sbt.WindowNorm(6), torch.randn(6, 2, 3)
    expected = (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + 1e-5)
    assert torch.allclose(norm(x), expected, atol=1e-5)


def test_masked_gammas_are_exact_and_leave_the_last_step():
    for seed in range(20):
        torch.manual_seed(seed)
        model = sbt.freeze(sbt.Forecaster(4, 9, 8, d_ff=16, density=0.5, gamma_density=0.5))
        norms = [m for m in model.modules() if isinstance(m, sbt.WindowNorm)]
        assert [int((n.gamma == 0).sum()) for n in norms] == [4] * 4
        x = torch.randn(2, 9, 4)
        assert not torch.allclose(model(x)[0], model(x)[1])


@pytest.mark.parametrize("kind", [sbt.AnomalyModel, sbt.Forecaster])
@pytest.mark.parametrize("density", [0.3, None])
def test_freezing_keeps_the_function(kind, density):
    torch.manual_seed(0)
    gammas = {"gamma_density": 0.5} if kind is sbt.Forecaster else {}
    model = kind(4, 8, 8, d_ff=16, density=density, **gammas).eval()
    x = torch.randn(2, 8, 4)
    before = model(x).detach()
    frozen = sbt.freeze(model)
    assert torch.allclose(frozen(x), before, atol=1e-6)
    assert not any(isinstance(m, BipropLinear) for m in frozen.modules())


def test_the_dense_twin_is_dense():
    model = sbt.Classifier(3, 7, 6, 4, d_ff=8, density=None)
    assert model.encoder.layers[0].attention.mask_q is None
    assert isinstance(model.encoder.pe, nn.Parameter)
    assert sbt.Forecaster(3, 7, 6, density=None).encoder.layers[0].attention.step_t is None


def test_scores_learn():
    torch.manual_seed(0)
    layer = BipropLinear(8, 1, 0.5)
    x = torch.randn(256, 8)
    target = F.linear(x, layer.weight * (layer.weight > 0))
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert min(losses) < losses[0] / 2
