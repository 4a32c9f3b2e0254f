"""The vanilla encoder-decoder Transformer for forecasting, and the two models that change its attention."""

from __future__ import annotations

import torch
from torch import nn

from train.nets.layers import CircularConv, Embedding, FeedForward, Heads, Sizes


class Full(nn.Module):
    """softmax(q k^T / sqrt(e)) v; causal: later keys are left out. tau, delta as NSTransformer uses them."""

    def __init__(self, s: Sizes, causal=False, length=0):
        super().__init__()
        mask = torch.ones(length, length, dtype=torch.bool).triu(1) if causal else None
        self.register_buffer("mask", mask)
        self.dropout = nn.Dropout(s.dropout)

    def forward(self, q, k, v, tau=None, delta=None):
        scores = q @ k.transpose(2, 3)
        if tau is not None:
            scores = scores * tau.view(-1, 1, 1, 1)
        if delta is not None:
            scores = scores + delta.view(delta.shape[0], 1, 1, -1)
        if self.mask is not None:
            scores = scores.masked_fill(self.mask, float("-inf"))
        return self.dropout(torch.softmax(scores * q.shape[-1] ** -0.5, dim=-1)) @ v


class EncoderLayer(nn.Module):
    """Post-norm: norm(x + attention(x)), norm(x + ff(x))."""

    def __init__(self, s: Sizes, attend):
        super().__init__()
        self.attention, self.ff = Heads(s, attend), FeedForward(s)
        self.norm1, self.norm2 = nn.LayerNorm(s.d), nn.LayerNorm(s.d)
        self.dropout = nn.Dropout(s.dropout)

    def forward(self, x, **more):
        x = self.norm1(x + self.dropout(self.attention(x, x, **more)))
        return self.norm2(x + self.ff(x))


class DecoderLayer(nn.Module):
    """Self-attention, attention to the encoder's output, feed-forward, each post-norm."""

    def __init__(self, s: Sizes, own, cross):
        super().__init__()
        self.own, self.cross, self.ff = Heads(s, own), Heads(s, cross), FeedForward(s)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(s.d) for _ in range(3))
        self.dropout = nn.Dropout(s.dropout)

    def forward(self, x, encoded, tau=None, delta=None):
        own = {} if tau is None else {"tau": tau}
        cross = {} if tau is None else {"tau": tau, "delta": delta}
        x = self.norm1(x + self.dropout(self.own(x, x, **own)))
        x = self.norm2(x + self.dropout(self.cross(x, encoded, **cross)))
        return self.norm3(x + self.ff(x))


class Transformer(nn.Module):
    """(b, w, c), its calendar (b, w, marks) and the decoder's (b, label + horizon, marks) -> (b, horizon, c).

    The decoder sees the last label steps and zeros for the horizon.
    """

    inputs = ("x_enc", "x_mark_enc", "x_mark_dec")

    def __init__(self, s: Sizes):
        super().__init__()
        self.sizes = s
        self.enc_embedding, self.dec_embedding = Embedding(s, s.w), Embedding(s, s.decoded)
        self.encoder = nn.ModuleList(EncoderLayer(s, self.attend(s, s.w, s.w)) for _ in range(s.enc))
        self.enc_norm = nn.LayerNorm(s.d)
        self.decoder = nn.ModuleList(
            DecoderLayer(s, self.attend(s, s.decoded, s.decoded, True), self.attend(s, s.decoded, self.encoded(s)))
            for _ in range(s.dec)
        )
        self.dec_norm = nn.LayerNorm(s.d)
        self.projection = nn.Linear(s.d, s.c)

    def attend(self, s, queries, keys, causal=False):
        """The attention of a layer."""
        return Full(s, causal, queries)

    def encoded(self, s):
        """Steps of the encoder's output."""
        return s.w

    def encode(self, x, **more):
        for layer in self.encoder:
            x = layer(x, **more)
        return self.enc_norm(x)

    def start(self, x):
        """The decoder's input."""
        return torch.cat([x[:, -self.sizes.label :], torch.zeros_like(x[:, :1]).repeat(1, self.sizes.horizon, 1)], dim=1)

    def decode(self, x, y_mark, encoded, **more):
        y = self.dec_embedding(x, y_mark)
        for layer in self.decoder:
            y = layer(y, encoded, **more)
        return self.projection(self.dec_norm(y))[:, -self.sizes.horizon :]

    def forward(self, x, x_mark, y_mark):
        encoded = self.encode(self.enc_embedding(x, x_mark))
        return self.decode(self.start(x), y_mark, encoded)


class Projector(nn.Module):
    """A series and a statistic of it -> out numbers: tau and delta of NSTransformer."""

    def __init__(self, s: Sizes, out):
        super().__init__()
        self.series = CircularConv(s.w, 1)
        layers, width = [], 2 * s.c
        for size in s.hidden:
            layers += [nn.Linear(width, size), nn.ReLU()]
            width = size
        self.mlp = nn.Sequential(*layers, nn.Linear(width, out, bias=False))

    def forward(self, x, stat):
        # The convolution runs over the channels, with the time steps as its features.
        y = self.series(x.transpose(1, 2)).transpose(1, 2)
        return self.mlp(torch.cat([y, stat], dim=1).flatten(1))


class NSTransformer(Transformer):
    """The non-stationary Transformer (arXiv 2205.14415).

    Every window is normalised; tau and delta, learned from its raw series, give the attention back what that removed.
    """

    def __init__(self, s: Sizes):
        super().__init__(s)
        self.tau, self.delta = Projector(s, 1), Projector(s, s.w)

    def forward(self, x, x_mark, y_mark):
        mean = x.mean(dim=1, keepdim=True)
        centred = x - mean
        std = torch.sqrt((centred * centred).mean(dim=1, keepdim=True) + 1e-5)
        scaled = centred / std
        # An exponent beyond float32 would make all attention NaN.
        tau, delta = self.tau(x, std).clamp(max=80.0).exp(), self.delta(x, mean)
        encoded = self.encode(self.enc_embedding(scaled, x_mark), tau=tau, delta=delta)
        return self.decode(self.start(scaled), y_mark, encoded, tau=tau, delta=delta) * std + mean
