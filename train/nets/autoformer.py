"""Autoformer (arXiv 2106.13008), its autocorrelation written with constant Fourier matrices."""

from __future__ import annotations

import math

import torch
from torch import nn

from train.nets.layers import CircularConv, Decomposition, Embedding, FeedForward, SeasonalNorm, Sizes
from train.nets.spectrum import forward_matrix, inverse_matrix


class AutoCorrelation(nn.Module):
    """v rolled by the k delays at which q and k correlate most, weighted by a softmax of these correlations.

    Queries, keys and values are (b, t, d); the correlation is averaged over all channels before the inverse transform,
    which is linear. The delays are each sample's own, in training as in evaluation.
    """

    def __init__(self, s: Sizes, queries, keys):
        super().__init__()
        self.queries, self.keys = queries, keys
        self.top = int(s.factor * math.log(queries))
        modes = torch.arange(queries // 2 + 1)
        self.register_buffer("dft", forward_matrix(queries, modes).t().contiguous())  # (2 f, t)
        self.register_buffer("inverse", inverse_matrix(queries, modes))
        self.register_buffer("time", torch.arange(queries).unsqueeze(0))

    def fit(self, x):
        """Keys and values cut, or padded with zeros, to the length of the queries."""
        if self.keys >= self.queries:
            return x[:, : self.queries]
        zeros = torch.zeros_like(x[:, :1]).repeat(1, self.queries - self.keys, 1)
        return torch.cat([x, zeros], dim=1)

    def forward(self, q, k, v):
        k, v = self.fit(k), self.fit(v)
        f = self.dft.shape[0] // 2
        a, b = self.dft @ q, self.dft @ k  # (b, 2 f, d): real parts, then imaginary parts
        re = (a[:, :f] * b[:, :f] + a[:, f:] * b[:, f:]).mean(dim=2)
        im = (a[:, f:] * b[:, :f] - a[:, :f] * b[:, f:]).mean(dim=2)
        correlation = torch.cat([re, im], dim=1) @ self.inverse  # (b, t)
        weights, delays = correlation.topk(self.top, dim=1)
        weights = torch.softmax(weights, dim=1)
        twice = torch.cat([v, v], dim=1)
        total = 0
        for i in range(self.top):
            index = (self.time + delays[:, i : i + 1]).unsqueeze(2).expand(-1, -1, v.shape[2])
            total = total + twice.gather(1, index) * weights[:, i].view(-1, 1, 1)
        return total


class Correlated(nn.Module):
    """The projections around an autocorrelation; heads do not matter to it."""

    def __init__(self, s: Sizes, queries, keys):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(s.d, s.d) for _ in range(4))
        self.correlate = AutoCorrelation(s, queries, keys)

    def forward(self, x, keys):
        return self.out(self.correlate(self.q(x), self.k(keys), self.v(keys)))


class EncoderLayer(nn.Module):
    """Attention and feed-forward, after each of which only the season goes on."""

    def __init__(self, s: Sizes, attention):
        super().__init__()
        self.attention, self.ff = attention, FeedForward(s, bias=False)
        self.split1, self.split2 = Decomposition(s.kernel), Decomposition(s.kernel)
        self.dropout = nn.Dropout(s.dropout)

    def forward(self, x):
        x, _ = self.split1(x + self.dropout(self.attention(x, x)))
        return self.split2(x + self.ff(x))[0]


class DecoderLayer(nn.Module):
    """The season goes on; the three trends are added up and projected to the channels."""

    def __init__(self, s: Sizes, own, cross):
        super().__init__()
        self.own, self.cross, self.ff = own, cross, FeedForward(s, bias=False)
        self.split1, self.split2, self.split3 = (Decomposition(s.kernel) for _ in range(3))
        self.trend = CircularConv(s.d, s.c)
        self.dropout = nn.Dropout(s.dropout)

    def forward(self, x, encoded):
        x, trend1 = self.split1(x + self.dropout(self.own(x, x)))
        x, trend2 = self.split2(x + self.dropout(self.cross(x, encoded)))
        x, trend3 = self.split3(x + self.ff(x))
        return x, self.trend(trend1 + trend2 + trend3)


class Autoformer(nn.Module):
    """(b, w, c), its calendar (b, w, marks) and the decoder's (b, label + horizon, marks) -> (b, horizon, c)."""

    inputs = ("x_enc", "x_mark_enc", "x_mark_dec")

    def __init__(self, s: Sizes):
        super().__init__()
        self.sizes = s
        self.split = Decomposition(s.kernel)
        self.enc_embedding = Embedding(s, s.w, positions=False)
        self.dec_embedding = Embedding(s, s.decoded, positions=False)
        self.blocks(s)
        self.encoder = nn.ModuleList(EncoderLayer(s, self.own(s, s.w)) for _ in range(s.enc))
        self.enc_norm = SeasonalNorm(s.d)
        self.decoder = nn.ModuleList(
            DecoderLayer(s, self.own(s, s.decoded), self.cross(s)) for _ in range(s.dec)
        )
        self.dec_norm = SeasonalNorm(s.d)
        self.projection = nn.Linear(s.d, s.c)

    def blocks(self, s):
        """Modules that several layers share."""

    def own(self, s, length):
        return Correlated(s, length, length)

    def cross(self, s):
        return Correlated(s, s.decoded, s.w)

    def forward(self, x, x_mark, y_mark):
        s = self.sizes
        season, trend = self.split(x)
        trend = torch.cat([trend[:, -s.label :], x.mean(dim=1, keepdim=True).repeat(1, s.horizon, 1)], dim=1)
        zeros = torch.zeros_like(x[:, :1]).repeat(1, s.horizon, 1)
        season = torch.cat([season[:, -s.label :], zeros], dim=1)
        encoded = self.enc_embedding(x, x_mark)
        for layer in self.encoder:
            encoded = layer(encoded)
        encoded = self.enc_norm(encoded)
        y = self.dec_embedding(season, y_mark)
        for layer in self.decoder:
            y, more = layer(y, encoded)
            trend = trend + more
        return (trend + self.projection(self.dec_norm(y)))[:, -s.horizon :]
