"""The training loop of both papers: Adam on mini-batches, the best epoch chosen on validation data."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

import torch

from train.run import Progress, Run


@dataclass
class Settings:
    """How to train. steps caps the batches of an epoch (None: all); patience ends training (None: never)."""

    epochs: int = 10
    batch: int = 32
    lr: float = 1e-3
    clip: float | None = 4.0
    steps: int | None = None
    patience: int | None = None
    halve_after: int | None = None  # the learning rate halves with every epoch after this one
    device: str = "cpu"
    quiet: bool = False


class NoPruner:
    """Leaves the weights alone, whose sparsity is constant; the interface of every pruner."""

    def __init__(self, sparsity=0.0):
        self.constant = sparsity

    def before(self, step, loss_of_val):
        """Runs between the gradients and the optimiser's step; loss_of_val() is the current validation loss."""

    def after(self, step):
        """Runs after the optimiser's step."""

    def sparsity(self):
        """The share of zeros among the weights that can be zero."""
        return self.constant

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def fit(model, train, val, loss_of, settings: Settings, run: Run, pruner=None):
    """Trains model and leaves it with the weights of the epoch of the lowest validation loss; returns that loss.

    A model whose weights can still become sparser after its best epoch is chosen as PALS does: by loss alone.
    """
    pruner, device = pruner or NoPruner(), settings.device
    model.to(device)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=settings.lr)
    per_epoch = -(-len(train) // settings.batch)
    if settings.steps:
        per_epoch = min(per_epoch, settings.steps)
    best, best_state, first, waited = float("inf"), None, 0, 0
    state = run.load()
    if state:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        pruner.load_state_dict(state["pruner"])
        best, best_state = state["best"], state["best_state"]
        first, waited = state["epoch"], state["waited"]

    def loss_of_val():
        return mean_loss(model, val, loss_of, settings)

    for epoch in range(first, settings.epochs):
        if settings.patience and waited >= settings.patience:
            break
        if settings.halve_after is not None:
            for group in optimizer.param_groups:
                group["lr"] = settings.lr * 0.5 ** max(0, epoch + 1 - settings.halve_after)
        bar = Progress(f"epoch {epoch + 1}/{settings.epochs}", per_epoch, settings.quiet)
        began, total, seen = time.monotonic(), 0.0, 0
        model.train()
        order = torch.randperm(len(train))[: per_epoch * settings.batch].split(settings.batch)
        for i, index in enumerate(order):
            step = epoch * per_epoch + i
            inputs, target = on(train.batch(index), device)
            optimizer.zero_grad()
            loss = loss_of(model(*inputs), target)
            loss.backward()
            if settings.clip:
                torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
            pruner.before(step, loss_of_val)
            optimizer.step()
            pruner.after(step)
            value = loss.item()
            if value != value:
                raise SystemExit(f"train: the loss is not a number after {step + 1} steps: lower --lr")
            total, seen = total + value * len(index), seen + len(index)
            bar.step(loss=total / seen, sparsity=pruner.sparsity())
        val_loss = loss_of_val()
        row = dict(
            epoch=epoch + 1,
            train_loss=total / seen,
            val_loss=val_loss,
            sparsity=pruner.sparsity(),
            seconds=round(time.monotonic() - began, 2),
        )
        run.log["epochs"].append(row)
        if not settings.quiet:
            bar.line(
                f"epoch {epoch + 1}: training loss {row['train_loss']:.4f}, validation loss {val_loss:.4f}, "
                f"sparsity {row['sparsity']:.3f}, {row['seconds']:.1f} s"
            )
        waited += 1
        if val_loss < best:
            best, best_state, waited = val_loss, copy.deepcopy(model.state_dict()), 0
        run.save(
            dict(
                model=model.state_dict(),
                optimizer=optimizer.state_dict(),
                pruner=pruner.state_dict(),
                best=best,
                best_state=best_state,
                epoch=epoch + 1,
                waited=waited,
            )
        )
    if best_state is not None:
        model.load_state_dict(best_state)
    model.eval()
    return best


def on(batch, device):
    inputs, target = batch
    return tuple(a.to(device) for a in inputs), target.to(device)


def mean_loss(model, part, loss_of, settings: Settings):
    """The mean over all elements of a part; leaves the model in training mode if it was in it."""
    was, total = model.training, 0.0
    model.eval()
    with torch.no_grad():
        for index in torch.arange(len(part)).split(settings.batch):
            inputs, target = on(part.batch(index), settings.device)
            total += loss_of(model(*inputs), target).item() * len(index)
    model.train(was)
    return total / len(part)


def predict(model, part, batch=256, device="cpu"):
    """The model's outputs for a part, and its targets, on the CPU."""
    model.to(device).eval()
    outputs, targets = [], []
    with torch.no_grad():
        for index in torch.arange(len(part)).split(batch):
            inputs, target = on(part.batch(index), device)
            outputs.append(model(*inputs).cpu())
            targets.append(target.cpu())
    return torch.cat(outputs), torch.cat(targets)
