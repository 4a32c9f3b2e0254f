"""Sparse binary transformers (arXiv 2308.04637) and their dense twins, written from the paper's method.

Activations are laid out (w, batch, d): w time steps, d = d_model channels. With a density all linear layers are ternary
(train.biprop) and the attention is masked; with density None the model is its dense twin: float weights with biases,
full attention, and the norm and positional encoding that the paper's baselines have.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from train.biprop import BipropLinear, MaskGamma, freeze

__all__ = ["AnomalyModel", "Classifier", "Forecaster", "freeze"]

# Masks (section 3)


def step_t_mask(w):
    """The Step-T mask, (w, w), added to the attention scores.

    A past step attends to itself only; the last step T attends to all past
    steps and not to itself. The 1 on the diagonal is alone in its row, so its
    value does not matter; it is what the published models hold.
    """
    mask = torch.full((w, w), -math.inf)
    mask.fill_diagonal_(1.0)
    mask[-1, :-1] = 0.0
    mask[-1, -1] = -math.inf
    return mask


def activation_masks(w, d, p_a):
    """Fixed {0, 1} masks (w, 1, d) for Q, K and V, int((1 - p_a) w d) zeros each.

    One mask serves every sample: the meaning that the text gives for batch 1.
    """
    masks = []
    for _ in "qkv":
        mask = torch.ones(w * d)
        mask[torch.randperm(w * d)[: int((1 - p_a) * w * d)]] = 0.0
        masks.append(mask.view(w, 1, d))
    return masks


def sinusoid(w, d):
    """Sinusoidal positional encoding (w, 1, d): sine on even channels, cosine on odd."""
    position = torch.arange(w, dtype=torch.float32).unsqueeze(1)
    rate = torch.exp(torch.arange(0, d, 2) * (-math.log(10000.0) / d))
    pe = torch.zeros(w, 1, d)
    pe[:, 0, 0::2] = torch.sin(position * rate)
    pe[:, 0, 1::2] = torch.cos(position * rate)[:, : d // 2]
    return pe


# Encoder


def linear(density, in_features, out_features, bias=False):
    """A ternary layer of the density, or a float layer with a bias where density is None."""
    if density is None:
        return nn.Linear(in_features, out_features)
    return BipropLinear(in_features, out_features, density, bias)


class Attention(nn.Module):
    """Multi-head attention with one kind of fixed mask.

    step_t: a Step-T mask (w, w) or None. qkv_masks: three activation masks (w, 1, d) or None.
    """

    def __init__(self, d_model, nhead, density, step_t=None, qkv_masks=None):
        super().__init__()
        if d_model % nhead:
            raise ValueError(f"d_model {d_model} is not a multiple of {nhead} heads")
        self.nhead, self.d_head = nhead, d_model // nhead
        self.q, self.k, self.v, self.out_proj = (
            linear(density, d_model, d_model, bias=True) for _ in range(4)
        )
        self.register_buffer("step_t", step_t)
        for name, mask in zip("qkv", qkv_masks or [None] * 3):
            self.register_buffer(f"mask_{name}", None if mask is None else mask.clone())

    def _project(self, x, name):
        y = getattr(self, name)(x)
        mask = getattr(self, f"mask_{name}")
        # After the bias and before the scaling: a masked key scores 0, it is
        # not left out of the softmax.
        return y if mask is None else y * mask

    def forward(self, x, absent=None):
        """absent (batch, 1, w): added to the scores of each key, -inf where a step is padding."""
        w, batch, d_model = x.shape

        def heads(y):  # (w, batch, d) -> (batch * nhead, w, d_head)
            return y.reshape(w, batch * self.nhead, self.d_head).transpose(0, 1)

        q = heads(self._project(x, "q") * self.d_head**-0.5)
        k, v = heads(self._project(x, "k")), heads(self._project(x, "v"))
        scores = torch.bmm(q, k.transpose(1, 2))
        if self.step_t is not None:
            scores = scores + self.step_t.unsqueeze(0)
        if absent is not None:
            scores = scores + absent.repeat(1, self.nhead, 1).reshape(-1, 1, w)
        y = torch.bmm(torch.softmax(scores, dim=-1), v)
        return self.out_proj(y.transpose(0, 1).reshape(w, batch, d_model))


class ChannelNorm(nn.Module):
    """BatchNorm over the channels of (w, batch, d)."""

    def __init__(self, d_model):
        super().__init__()
        self.norm = nn.BatchNorm1d(d_model)

    def forward(self, x):
        return self.norm(x.permute(1, 2, 0)).permute(2, 0, 1)


class WindowNorm(nn.Module):
    """LayerNorm over time: each channel of (w, batch, d) is normalised across its window; gamma and beta have length w.

    With a density only that fraction of the gammas, those of the largest trained scores, is not 0. The last step's starts
    among them: where it is 0, nothing that the window holds reaches a decoder of the last step, and no gradient comes back.
    """

    def __init__(self, w, density=None):
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(w)), nn.Parameter(torch.zeros(w))
        self.density = density
        self.score = None
        if density is not None:
            self.score = nn.Parameter(torch.empty(w).uniform_(-1, 1))
            self.score.data[-1] = 1.0

    def bake(self):
        """Replaces gamma by its masked values."""
        if self.score is not None:
            with torch.no_grad():
                self.gamma.copy_(MaskGamma.apply(self.gamma, self.score, self.density))
            self.score = None

    def forward(self, x):
        gamma = self.gamma
        if self.score is not None:
            gamma = MaskGamma.apply(gamma, self.score, self.density)
        y = F.layer_norm(x.permute(1, 2, 0), gamma.shape, gamma, self.beta)
        return y.permute(2, 0, 1)


class EncoderLayer(nn.Module):
    """Post-norm encoder layer: norm(x + attention(x)), norm(x + W2 relu(W1 x))."""

    def __init__(self, attention, d_model, d_ff, density, norm):
        super().__init__()
        self.attention = attention
        self.w1 = linear(density, d_model, d_ff)
        self.w2 = linear(density, d_ff, d_model)
        self.norm1, self.norm2 = norm(d_model), norm(d_model)

    def forward(self, x, absent=None):
        x = self.norm1(x + self.attention(x, absent))
        return self.norm2(x + self.w2(F.relu(self.w1(x))))


class Encoder(nn.Module):
    """Embedding, positional encoding, layers and ReLU: (batch, w, m) -> (w, batch, d)."""

    def __init__(self, m, w, d_model, d_ff, density, attentions, norm, learned_pe=False):
        super().__init__()
        self.scale = math.sqrt(d_model)
        self.embedding = linear(density, m, d_model)
        if learned_pe:
            self.pe = nn.Parameter(torch.empty(w, 1, d_model).uniform_(-0.02, 0.02))
        else:
            self.register_buffer("pe", sinusoid(w, d_model))
        self.layers = nn.ModuleList(
            EncoderLayer(attention, d_model, d_ff, density, norm) for attention in attentions
        )

    def forward(self, x, absent=None):
        x = self.embedding(x.transpose(0, 1)) * self.scale + self.pe
        for layer in self.layers:
            x = layer(x, absent)
        return F.relu(x)


# Models


class LastStep(nn.Module):
    """(batch, w, m) -> (batch, m): an encoder of Step-T attention whose last step is decoded."""

    task = ""

    def __init__(self, m, w, d_model=None, nhead=2, d_ff=256, n_layers=2, density=0.25):
        super().__init__()
        d_model = d_model or 2 * m
        self.metadata = metadata(self.task, m, w, d_model, nhead, d_ff, n_layers, k=density)
        mask = None if density is None else step_t_mask(w)
        attentions = [Attention(d_model, nhead, density, step_t=mask) for _ in range(n_layers)]
        norm = self._norm(w, density)
        self.encoder = Encoder(m, w, d_model, d_ff, density, attentions, norm)
        self.decoder = linear(density, d_model, m)

    def forward(self, x):
        return self.decoder(self.encoder(x)).transpose(0, 1)[:, -1, :]


class AnomalyModel(LastStep):
    """Reconstructs the last step of its window. The paper's sparse anomaly models have no norm, the dense ones a window norm."""

    task = "anomaly"

    def _norm(self, w, density):
        # Encoder gives a norm its number of channels, which neither of these takes.
        return nn.Identity if density is not None else lambda d_model: WindowNorm(w)


class Forecaster(LastStep):
    """Forecasts one step: the last step of its window is 0 on entry, and the step that belongs there comes out.

    gamma_density is the fraction of the window norms' gammas that is kept; None: all. The paper's models kept half, its later
    code all: a step whose gamma is 0 is lost to the steps after it, so that four norms leave few of them.
    """

    task = "forecast"

    def __init__(self, *sizes, gamma_density=None, **others):
        self.gamma_density = gamma_density
        super().__init__(*sizes, **others)

    def _norm(self, w, density):
        gammas = None if density is None else self.gamma_density
        return lambda d_model: WindowNorm(w, gammas)


class Classifier(nn.Module):
    """Log-probabilities of classes: (batch, w, m) -> (batch, classes).

    Fixed masks on Q, K and V, the same in every layer; BatchNorm. With padded series the second argument, present
    (batch, w), is 1 for each step of the series and 0 for padding: attention and the mean over time leave padding out.
    """

    def __init__(self, m, w, d_model, classes, nhead=2, d_ff=256, n_layers=2, density=0.5, p_a=0.5):
        super().__init__()
        p_a = None if density is None else p_a
        extra = dict(classes=classes, k=density, p_a=p_a)
        self.metadata = metadata("classification", m, w, d_model, nhead, d_ff, n_layers, **extra)
        masks = None if p_a is None else activation_masks(w, d_model, p_a)
        attentions = [Attention(d_model, nhead, density, qkv_masks=masks) for _ in range(n_layers)]
        self.encoder = Encoder(
            m, w, d_model, d_ff, density, attentions, ChannelNorm, learned_pe=density is None
        )
        self.decoder = linear(density, d_model, classes)

    def forward(self, x, present=None):
        if present is None:
            logits = self.decoder(self.encoder(x)).transpose(0, 1).mean(dim=1)
        else:
            # A large negative number instead of -inf: an all-padded series gives numbers, not NaN.
            y = self.encoder(x, ((present - 1.0) * 1e9).unsqueeze(1))
            logits = self.decoder(y).transpose(0, 1) * present.unsqueeze(2)
            logits = logits.sum(dim=1) / present.sum(dim=1, keepdim=True)
        return F.log_softmax(logits, dim=-1)


def metadata(task, m, w, d_model, nhead, d_ff, n_layers, **others):
    """The model's description as ONNX metadata; keys that do not apply are absent."""
    sizes = dict(m=m, w=w, d=d_model, h=nhead, ff=d_ff, L=n_layers, **others)
    described = {f"sbt.{key}": str(value) for key, value in sizes.items() if value is not None}
    return {"sbt.task": task, **described}
