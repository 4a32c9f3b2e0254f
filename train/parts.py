"""Parts of a data set as a training loop reads them: len(part), and part.batch(index) -> (inputs, target)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from train.data import Scaler


class Cases:
    """Whole series with one label each: inputs (x,) or (x, present), x of shape (n, w, m), and class indices."""

    def __init__(self, inputs, labels):
        self.inputs = [torch.as_tensor(a) for a in inputs]
        self.labels = torch.as_tensor(labels)

    def __len__(self):
        return len(self.labels)

    def batch(self, index):
        return tuple(a[index] for a in self.inputs), self.labels[index]

    def take(self, index):
        return Cases([a[index] for a in self.inputs], self.labels[index])


class LastSteps:
    """Stride-1 windows of steps (n, m); the target is the window's last step, which hidden sets to 0 on entry."""

    def __init__(self, steps, w, hidden, starts=None):
        self.steps, self.w, self.hidden = torch.as_tensor(steps), w, hidden
        self.starts = torch.arange(len(steps) - w + 1) if starts is None else torch.as_tensor(starts)

    def __len__(self):
        return len(self.starts)

    def batch(self, index):
        x = self.steps[self.starts[index].unsqueeze(1) + torch.arange(self.w)]
        target = x[:, -1].clone()
        if self.hidden:
            x[:, -1] = 0
        return (x,), target

    def take(self, index):
        return LastSteps(self.steps, self.w, self.hidden, self.starts[index])


class Horizons:
    """Windows of w steps and the horizon that follows: inputs (x, x_mark, y_mark), target (n, horizon, m).

    The calendar features y_mark are those of the last label steps of the window and of the horizon.
    """

    def __init__(self, steps, marks, w, label, horizon, starts=None):
        self.steps, self.marks = torch.as_tensor(steps), torch.as_tensor(marks)
        self.w, self.label, self.horizon = w, label, horizon
        count = len(steps) - w - horizon + 1
        self.starts = torch.arange(count) if starts is None else torch.as_tensor(starts)

    def __len__(self):
        return len(self.starts)

    def batch(self, index):
        start = self.starts[index].unsqueeze(1)
        past = start + torch.arange(self.w)
        future = start + torch.arange(self.w, self.w + self.horizon)
        decoded = start + torch.arange(self.w - self.label, self.w + self.horizon)
        inputs = (self.steps[past], self.marks[past], self.marks[decoded])
        return inputs, self.steps[future]

    def take(self, index):
        return Horizons(self.steps, self.marks, self.w, self.label, self.horizon, self.starts[index])


def spread(part, most):
    """part, or where it is larger, most of its elements at equal distances: the same ones every time."""
    if not most or len(part) <= most:
        return part
    return part.take(torch.as_tensor(np.linspace(0, len(part) - 1, most).round().astype(np.int64)))


@dataclass
class Data:
    """Parts of one data set and what a deployment has to know about it."""

    name: str
    train: object
    val: object
    test: object
    scaler: Scaler
    channels: list[str]
    classes: list[str] = field(default_factory=list)
    anomalous: np.ndarray | None = None  # per window of test

    def metadata(self):
        """Scaling, channel and class names as ONNX metadata, comma-separated; commas in names become spaces."""
        described = {"data": self.name, **self.scaler.metadata()}
        described["channels"] = ",".join(c.replace(",", " ").strip() for c in self.channels)
        if self.classes:
            described["classes"] = ",".join(c.replace(",", " ") for c in self.classes)
        return described
