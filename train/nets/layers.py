"""What the forecasters share: embeddings, circular convolution, the feed-forward part, moving averages.

Activations are (batch, time, channels).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from train.sbt import sinusoid


class Sizes:
    """Sizes of one forecaster.

    c channels, w steps in, label of them repeated for the decoder, horizon steps out; enc and dec layers; marks calendar
    features; factor scales the logarithm of the length in Informer and Autoformer; modes of FEDformer.
    """

    def __init__(self, c, w=96, label=48, horizon=96, d=512, h=8, d_ff=2048, enc=2, dec=1, marks=4, **others):
        self.c, self.w, self.label, self.horizon = c, w, label, horizon
        self.d, self.h, self.d_ff, self.enc, self.dec, self.marks = d, h, d_ff, enc, dec, marks
        self.dropout, self.kernel, self.factor, self.modes = 0.05, 25, 3, 64
        self.hidden = (128, 128)
        for name, value in others.items():
            if not hasattr(self, name):
                raise TypeError(f"no size {name}")
            setattr(self, name, value)
        if d % h:
            raise ValueError(f"d {d} is not a multiple of {h} heads")
        if label > w:
            raise ValueError(f"label {label} is more than the {w} steps of the window")

    @property
    def decoded(self):
        """Steps that the decoder sees."""
        return self.label + self.horizon

    def metadata(self):
        """As ONNX metadata."""
        names = "c w label horizon d h d_ff enc dec".split()
        return {f"model.{name}": str(getattr(self, name)) for name in names}


class CircularConv(nn.Module):
    """Conv1d of width 3 over time whose ends are neighbours: (b, t, c_in) -> (b, t + 2 (pad - 1), c_out).

    The ends are joined by concatenation, which every exporter can write.
    """

    def __init__(self, c_in, c_out, pad=1, bias=False):
        super().__init__()
        self.pad = pad
        self.conv = nn.Conv1d(c_in, c_out, 3, bias=bias)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_in", nonlinearity="leaky_relu")

    def forward(self, x):
        x = torch.cat([x[:, -self.pad :], x, x[:, : self.pad]], dim=1)
        return self.conv(x.transpose(1, 2)).transpose(1, 2)


class Embedding(nn.Module):
    """Values by a circular convolution, calendar features by a matrix, and, if asked, positions by sinusoids."""

    def __init__(self, s: Sizes, length, positions=True):
        super().__init__()
        self.value = CircularConv(s.c, s.d)
        self.calendar = nn.Linear(s.marks, s.d, bias=False)
        pe = sinusoid(length, s.d).transpose(0, 1) if positions else None
        self.register_buffer("pe", pe)
        self.dropout = nn.Dropout(s.dropout)

    def forward(self, x, mark):
        y = self.value(x) + self.calendar(mark)
        return self.dropout(y if self.pe is None else y + self.pe)


class FeedForward(nn.Module):
    """Two convolutions of width 1 with GELU between, as the published models have them."""

    def __init__(self, s: Sizes, bias=True):
        super().__init__()
        self.conv1 = nn.Conv1d(s.d, s.d_ff, 1, bias=bias)
        self.conv2 = nn.Conv1d(s.d_ff, s.d, 1, bias=bias)
        self.dropout = nn.Dropout(s.dropout)

    def forward(self, x):
        y = self.dropout(F.gelu(self.conv1(x.transpose(1, 2))))
        return self.dropout(self.conv2(y)).transpose(1, 2)


class Heads(nn.Module):
    """The projections around an attention: attend(q, k, v) works on (b, h, t, d / h) and returns the same."""

    def __init__(self, s: Sizes, attend):
        super().__init__()
        self.h, self.attend = s.h, attend
        self.q, self.k, self.v, self.out = (nn.Linear(s.d, s.d) for _ in range(4))

    def split(self, x):
        b, t, d = x.shape
        return x.reshape(b, t, self.h, d // self.h).transpose(1, 2)

    def forward(self, x, keys, **more):
        q, k, v = self.split(self.q(x)), self.split(self.k(keys)), self.split(self.v(keys))
        y = self.attend(q, k, v, **more).transpose(1, 2)
        return self.out(y.reshape(x.shape))


class Decomposition(nn.Module):
    """(season, trend): the trend is a moving average over kernel steps, with the ends repeated; the season what remains."""

    def __init__(self, kernel):
        super().__init__()
        self.before, self.after = (kernel - 1) // 2, kernel // 2
        self.average = nn.AvgPool1d(kernel, stride=1)

    def forward(self, x):
        first, last = x[:, :1].repeat(1, self.before, 1), x[:, -1:].repeat(1, self.after, 1)
        padded = torch.cat([first, x, last], dim=1)
        trend = self.average(padded.transpose(1, 2)).transpose(1, 2)
        return x - trend, trend


class SeasonalNorm(nn.Module):
    """LayerNorm over channels, less its mean over time."""

    def __init__(self, d):
        super().__init__()
        self.norm = nn.LayerNorm(d)

    def forward(self, x):
        y = self.norm(x)
        return y - y.mean(dim=1, keepdim=True)
