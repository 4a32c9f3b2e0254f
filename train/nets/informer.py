"""Informer (arXiv 2012.07436), with its random samples of keys fixed so that it can be exported."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from train.nets.layers import CircularConv, Sizes
from train.nets.transformer import Transformer


class Prob(nn.Module):
    """ProbSparse attention: only the u queries that stand out attend; the others get the mean of v, or its running sum.

    A query stands out by the largest of its scores less their sum / keys, over a sample of the keys. The published code
    draws the sample in every forward pass, in evaluation as well; here it is drawn once, as the number of times that each
    query samples each key (queries, keys), and saved with the weights. Given the same sample the results are the same.
    """

    def __init__(self, s: Sizes, queries, keys, causal=False):
        super().__init__()
        sampled = min(s.factor * math.ceil(math.log(keys)), keys)
        self.u, self.keys, self.causal = min(s.factor * math.ceil(math.log(queries)), queries), keys, causal
        counts = torch.zeros(queries, keys)
        counts.scatter_add_(1, torch.randint(keys, (queries, sampled)), torch.ones(queries, sampled))
        self.register_buffer("counts", counts)
        mask = torch.zeros(queries, keys).masked_fill(counts == 0, float("-inf"))
        self.register_buffer("unsampled", mask)
        self.dropout = nn.Dropout(s.dropout)

    def forward(self, q, k, v):
        scores = q @ k.transpose(2, 3)
        largest = (scores + self.unsampled).amax(dim=-1)
        standing = largest - (scores * self.counts).sum(dim=-1) / self.keys
        top = standing.topk(self.u, dim=-1).indices.unsqueeze(-1)  # (b, h, u, 1)
        chosen = scores.gather(2, top.expand(-1, -1, -1, self.keys)) * q.shape[-1] ** -0.5
        if self.causal:
            later = torch.arange(self.keys, device=q.device) > top
            chosen = chosen.masked_fill(later, float("-inf"))
            context = v.cumsum(dim=2)
        else:
            context = v.mean(dim=2, keepdim=True).expand(-1, -1, q.shape[2], -1)
        attended = self.dropout(torch.softmax(chosen, dim=-1)) @ v
        return context.scatter(2, top.expand(-1, -1, -1, v.shape[-1]), attended)


class Distil(nn.Module):
    """Halves the length between encoder layers: convolution, BatchNorm, ELU, maxima of neighbours."""

    def __init__(self, d):
        super().__init__()
        self.conv = CircularConv(d, d, pad=2, bias=True)
        self.norm = nn.BatchNorm1d(d)
        self.pool = nn.MaxPool1d(3, stride=2, padding=1)

    def forward(self, x):
        return self.pool(F.elu(self.norm(self.conv(x).transpose(1, 2)))).transpose(1, 2)


class Informer(Transformer):
    """The Transformer with ProbSparse attention and a distilling encoder."""

    def __init__(self, s: Sizes):
        super().__init__(s)
        self.distils = nn.ModuleList(Distil(s.d) for _ in range(s.enc - 1))
        for i, layer in enumerate(self.encoder):
            n = self.lengths(s)[i]
            layer.attention.attend = self.attend(s, n, n)

    def lengths(self, s):
        """Steps that each encoder layer sees."""
        n, lengths = s.w, []
        for _ in range(s.enc):
            lengths.append(n)
            n = (n + 1) // 2 + 1  # a circular pad of 2 adds two steps, pooling halves
        return lengths

    def encoded(self, s):
        return self.lengths(s)[-1]

    def attend(self, s, queries, keys, causal=False):
        return Prob(s, queries, keys, causal)

    def encode(self, x):
        for i, layer in enumerate(self.encoder):
            x = layer(x)
            if i < len(self.distils):
                x = self.distils[i](x)
        return self.enc_norm(x)
