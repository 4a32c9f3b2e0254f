"""Sparse binary transformers (arXiv 2308.04637), written from the paper's method.

Activations are laid out (w, batch, d): w time steps, d = d_model channels.
Every linear layer is ternary, {-alpha, 0, +alpha}: its weights are random and
frozen, and training chooses which of them to keep (biprop).
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

# Ternary weights (section 2 of the paper; biprop)


class _Ternarise(torch.autograd.Function):
    """alpha * mask * sign(weight), straight through to the scores."""

    @staticmethod
    def forward(ctx, score, weight, density):
        n = weight.numel()
        dropped = int((1 - density) * n)
        order = score.abs().flatten().argsort()
        mask = torch.ones(n, dtype=weight.dtype)
        mask[order[:dropped]] = 0
        mask = mask.view_as(weight)
        alpha = (weight.abs() * mask).sum() / int(density * n)
        ctx.save_for_backward(score, weight)
        return alpha * mask * weight.sign()

    @staticmethod
    def backward(ctx, grad):
        score, weight = ctx.saved_tensors
        return grad * weight * score.sign(), None, None


class BipropLinear(nn.Module):
    """A linear layer whose frozen random weights are pruned by trained scores.

    density is the fraction of weights kept (the paper's code calls it
    prune_rate); alpha is one float for the whole layer.
    """

    def __init__(self, in_features, out_features, density, bias=False):
        super().__init__()
        bound = in_features**-0.5
        shape = (out_features, in_features)
        self.density = density
        self.register_buffer("weight", torch.empty(shape).uniform_(-bound, bound))
        self.score = nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
        frozen_bias = torch.empty(out_features).uniform_(-bound, bound) if bias else None
        self.register_buffer("bias", frozen_bias)

    def ternary(self):
        """The effective weight, (out, in), values in {-alpha, 0, +alpha}."""
        return _Ternarise.apply(self.score, self.weight, self.density)

    def forward(self, x):
        return F.linear(x, self.ternary(), self.bias)


def freeze(model):
    """Replaces every BipropLinear in place by an nn.Linear of its ternary weight."""
    for name, child in model.named_children():
        if isinstance(child, BipropLinear):
            out_features, in_features = child.weight.shape
            linear = nn.Linear(in_features, out_features, bias=child.bias is not None)
            with torch.no_grad():
                linear.weight.copy_(child.ternary())
                if child.bias is not None:
                    linear.bias.copy_(child.bias)
            setattr(model, name, linear)
        else:
            freeze(child)
    return model


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
    pe[:, 0, 1::2] = torch.cos(position * rate)
    return pe


# Encoder


class Attention(nn.Module):
    """Multi-head attention with ternary projections and one kind of mask.

    masks: a Step-T mask (w, w), or three activation masks (w, 1, d), or None.
    """

    def __init__(self, d_model, nhead, density, step_t=None, qkv_masks=None):
        super().__init__()
        self.nhead, self.d_head = nhead, d_model // nhead
        self.q, self.k, self.v, self.out_proj = (
            BipropLinear(d_model, d_model, density, bias=True) for _ in range(4)
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

    def forward(self, x):
        w, batch, d_model = x.shape

        def heads(y):  # (w, batch, d) -> (batch * nhead, w, d_head)
            return y.reshape(w, batch * self.nhead, self.d_head).transpose(0, 1)

        q = heads(self._project(x, "q") * self.d_head**-0.5)
        k, v = heads(self._project(x, "k")), heads(self._project(x, "v"))
        scores = torch.bmm(q, k.transpose(1, 2))
        if self.step_t is not None:
            scores = scores + self.step_t.unsqueeze(0)
        y = torch.bmm(torch.softmax(scores, dim=-1), v)
        return self.out_proj(y.transpose(0, 1).reshape(w, batch, d_model))


class ChannelNorm(nn.Module):
    """BatchNorm over the channels of (w, batch, d)."""

    def __init__(self, d_model):
        super().__init__()
        self.norm = nn.BatchNorm1d(d_model)

    def forward(self, x):
        return self.norm(x.permute(1, 2, 0)).permute(2, 0, 1)


class EncoderLayer(nn.Module):
    """Post-norm encoder layer: norm(x + attention(x)), norm(x + W2 relu(W1 x))."""

    def __init__(self, attention, d_model, d_ff, density, norm):
        super().__init__()
        self.attention = attention
        self.w1 = BipropLinear(d_model, d_ff, density)
        self.w2 = BipropLinear(d_ff, d_model, density)
        self.norm1, self.norm2 = norm(d_model), norm(d_model)

    def forward(self, x):
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.w2(F.relu(self.w1(x))))


class Encoder(nn.Module):
    """Embedding, positional encoding, layers and ReLU: (batch, w, m) -> (w, batch, d)."""

    def __init__(self, m, w, d_model, d_ff, density, attentions, norm):
        super().__init__()
        self.scale = math.sqrt(d_model)
        self.embedding = BipropLinear(m, d_model, density)
        self.register_buffer("pe", sinusoid(w, d_model))
        self.layers = nn.ModuleList(
            EncoderLayer(attention, d_model, d_ff, density, norm) for attention in attentions
        )

    def forward(self, x):
        x = self.embedding(x.transpose(0, 1)) * self.scale + self.pe
        for layer in self.layers:
            x = layer(x)
        return F.relu(x)


class AnomalyModel(nn.Module):
    """Reconstructs the last step of its window: (batch, w, m) -> (batch, m).

    Step-T attention and, as in the paper's anomaly models, no norm.
    """

    def __init__(self, m, w, d_model=None, nhead=2, d_ff=256, n_layers=2, density=0.25):
        super().__init__()
        d_model = d_model or 2 * m
        self.metadata = metadata("anomaly", m, w, d_model, nhead, d_ff, n_layers, k=density)
        attentions = [
            Attention(d_model, nhead, density, step_t=step_t_mask(w)) for _ in range(n_layers)
        ]
        # nn.Identity ignores the size that Encoder gives to a norm.
        self.encoder = Encoder(m, w, d_model, d_ff, density, attentions, norm=nn.Identity)
        self.decoder = BipropLinear(d_model, m, density)

    def forward(self, x):
        return self.decoder(self.encoder(x)).transpose(0, 1)[:, -1, :]


class Classifier(nn.Module):
    """Log-probabilities of classes: (batch, w, m) -> (batch, classes).

    Fixed masks on Q, K and V, the same in every layer; BatchNorm.
    """

    def __init__(self, m, w, d_model, classes, nhead=2, d_ff=256, n_layers=2, density=0.5, p_a=0.5):
        super().__init__()
        extra = dict(classes=classes, k=density, p_a=p_a)
        self.metadata = metadata("classification", m, w, d_model, nhead, d_ff, n_layers, **extra)
        masks = activation_masks(w, d_model, p_a)
        attentions = [Attention(d_model, nhead, density, qkv_masks=masks) for _ in range(n_layers)]
        self.encoder = Encoder(m, w, d_model, d_ff, density, attentions, ChannelNorm)
        self.decoder = BipropLinear(d_model, classes, density)

    def forward(self, x):
        logits = self.decoder(self.encoder(x)).transpose(0, 1).mean(dim=1)
        return F.log_softmax(logits, dim=-1)


def metadata(task, m, w, d_model, nhead, d_ff, n_layers, **others):
    """The model's description as ONNX metadata; keys that do not apply are absent."""
    sizes = dict(m=m, w=w, d=d_model, h=nhead, ff=d_ff, L=n_layers, **others)
    return {"sbt.task": task, **{f"sbt.{key}": str(value) for key, value in sizes.items()}}
