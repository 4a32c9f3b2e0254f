"""FEDformer (arXiv 2201.12740), version Fourier, its complex arithmetic written with real tensors."""

from __future__ import annotations

import torch
from torch import nn

from train.nets.autoformer import Autoformer
from train.nets.layers import Sizes
from train.nets.spectrum import complex_tanh, forward_matrix, inverse_matrix


def random_modes(length, most):
    """At most `most` of the length / 2 frequencies, drawn once and in ascending order."""
    n = min(most, length // 2)
    return torch.randperm(length // 2)[:n].sort().values


def spectral_weight(s: Sizes, modes, scale):
    """A complex weight (modes, h, d / h, d / h, 2); PALS masks real and imaginary part as one element."""
    e = s.d // s.h
    weight = nn.Parameter(scale * torch.rand(modes, s.h, e, e, 2))
    weight.complex_pairs = True
    return weight


class FourierBlock(nn.Module):
    """(b, t, d): the queries' spectrum at some modes times a complex matrix for each head and mode.

    As published, the product of the i-th chosen mode is written to the i-th frequency, whichever mode that was. The
    published code also reads its result (b, h, e, t) as (b, t, d) without transposing it; here time stays time.
    """

    def __init__(self, s: Sizes, length):
        super().__init__()
        modes = random_modes(length, s.modes)
        f = len(modes)
        self.h, self.f = s.h, f
        self.weight = spectral_weight(s, f, 1 / (s.d * s.d))
        self.register_buffer("dft", forward_matrix(length, modes).t().contiguous())
        self.register_buffer("inverse", inverse_matrix(length, torch.arange(f)).t().contiguous())

    def forward(self, q):
        b, _, d = q.shape
        spectrum = (self.dft @ q).view(b, 2, self.f, self.h, 1, d // self.h)
        a, c = spectrum[:, 0], spectrum[:, 1]  # (b, f, h, 1, e)
        re, im = self.weight[..., 0], self.weight[..., 1]  # (f, h, e, e)
        out = torch.stack([a @ re - c @ im, a @ im + c @ re], dim=1)
        return self.inverse @ out.view(b, 2 * self.f, d)


class FourierAttention(nn.Module):
    """(b, t, d) queries and (b, w, d) keys: attention between their spectra, with tanh in place of softmax."""

    def __init__(self, s: Sizes):
        super().__init__()
        queries, keys = random_modes(s.decoded, s.modes), random_modes(s.w, s.modes)
        self.h, self.fq, self.fk, self.scale = s.h, len(queries), len(keys), 1 / (s.d * s.d)
        self.weight = spectral_weight(s, len(queries), 1 / (s.d * s.d))
        self.register_buffer("dft_q", forward_matrix(s.decoded, queries).t().contiguous())
        self.register_buffer("dft_k", forward_matrix(s.w, keys).t().contiguous())
        self.register_buffer("inverse", inverse_matrix(s.decoded, queries).t().contiguous())

    def spectrum(self, x, dft, f):
        """Real and imaginary part, each (b, h, f, e)."""
        y = (dft @ x).view(x.shape[0], 2, f, self.h, -1).transpose(2, 3)
        return y[:, 0], y[:, 1]

    def forward(self, q, k):
        b, _, d = q.shape
        (a, c), (g, i) = self.spectrum(q, self.dft_q, self.fq), self.spectrum(k, self.dft_k, self.fk)
        gt, it = g.transpose(2, 3), i.transpose(2, 3)
        re, im = complex_tanh(a @ gt - c @ it, a @ it + c @ gt)  # (b, h, fq, fk)
        re, im = re @ g - im @ i, re @ i + im @ g  # (b, h, fq, e)
        re, im = (x.transpose(1, 2).unsqueeze(3) for x in (re, im))  # (b, fq, h, 1, e)
        wr, wi = self.weight[..., 0], self.weight[..., 1]
        out = torch.stack([re @ wr - im @ wi, re @ wi + im @ wr], dim=1)
        return (self.inverse @ out.view(b, 2 * self.fq, d)) * self.scale


class Own(nn.Module):
    """Self-attention: only queries have a projection, since a FourierBlock reads nothing else."""

    def __init__(self, s: Sizes, block):
        super().__init__()
        self.q, self.out = nn.Linear(s.d, s.d), nn.Linear(s.d, s.d)
        self.block = block

    def forward(self, x, _):
        return self.out(self.block(self.q(x)))


class Cross(nn.Module):
    """Attention to the encoder's output: values are not read, so they have no projection."""

    def __init__(self, s: Sizes):
        super().__init__()
        self.q, self.k, self.out = (nn.Linear(s.d, s.d) for _ in range(3))
        self.attend = FourierAttention(s)

    def forward(self, x, keys):
        return self.out(self.attend(self.q(x), self.k(keys)))


class FEDformer(Autoformer):
    """Autoformer's frame with attention among frequencies; the encoder's layers share one FourierBlock."""

    def blocks(self, s):
        self.shared = FourierBlock(s, s.w)

    def own(self, s, length):
        encoder = not hasattr(self, "encoder")
        return Own(s, self.shared if encoder else FourierBlock(s, length))

    def cross(self, s):
        return Cross(s)
