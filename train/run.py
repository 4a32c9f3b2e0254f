"""A training run as a folder: configuration, JSON log, and a checkpoint from which it goes on bit for bit."""

from __future__ import annotations

import json
import os
import platform
import random
import sys
import time
from pathlib import Path

import numpy as np
import torch


# Settings that may differ between the parts of one run.
FREE = {"out", "resume", "export", "exporter", "opset", "quiet", "data_dir", "device"}


def seed_all(seed: int) -> None:
    """Seeds Python, numpy and PyTorch."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


class Run:
    """The folder of one run.

    log.json holds what was asked for, every epoch, every decision of a pruner, and the result; checkpoint.pt the state
    after the last whole epoch. A run without a folder keeps both in memory only.
    """

    def __init__(self, folder, config: dict, resume: bool = False):
        self.folder = None if folder is None else Path(folder)
        self.log = {"config": config, "machine": machine(), "epochs": [], "updates": [], "result": {}}
        self.resume = resume and self.folder is not None and (self.folder / "log.json").exists()
        if self.resume:
            before = json.loads((self.folder / "log.json").read_text())
            changed = {k for k in config if before["config"].get(k) != config[k]} - FREE
            if changed:
                raise SystemExit(f"train: {self.folder} was started with other settings: {sorted(changed)}")
            self.log = before

    @property
    def finished(self) -> bool:
        """Whether the result is there already."""
        return bool(self.log["result"])

    def save_log(self) -> None:
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            replace(self.folder / "log.json", lambda f: f.write_text(json.dumps(self.log, indent=1)))

    def save(self, state: dict) -> None:
        """Writes the checkpoint with the random states, then the log."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {**state, "random": torch.get_rng_state()}
        # A log that is newer than its checkpoint would repeat an epoch.
        state["log"] = {key: list(self.log[key]) for key in ("epochs", "updates")}
        replace(self.folder / "checkpoint.pt", lambda f: torch.save(state, f))
        self.save_log()

    def load(self) -> dict | None:
        """The checkpoint's state, with the random state restored; None where there is none."""
        if not self.resume or not (self.folder / "checkpoint.pt").exists():
            return None
        state = load(self.folder / "checkpoint.pt")
        torch.set_rng_state(state["random"])
        # In place: a pruner holds on to the list of updates.
        for key, rows in state["log"].items():
            self.log[key][:] = rows
        return state


def load(path):
    """A checkpoint written by Run.save, read onto the CPU."""
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except TypeError:  # PyTorch 1.12 and 1.13.0 do not know weights_only.
        return torch.load(path, map_location="cpu")


def replace(path: Path, write) -> None:
    """Writes a file beside path and moves it there, so that a run that is cut off leaves the old one whole."""
    beside = path.with_name(path.name + ".part")
    write(beside)
    os.replace(beside, path)


def machine() -> dict:
    """What computed the results."""
    return {"torch": torch.__version__, "python": platform.python_version(), "threads": torch.get_num_threads()}


class Progress:
    """One line on standard error that is rewritten: what, a bar, and numbers such as loss and sparsity."""

    def __init__(self, what: str, total: int, quiet: bool = False):
        self.what, self.total, self.done = what, total, 0
        self.quiet = quiet or not sys.stderr.isatty()
        self.shown = 0.0

    def step(self, **numbers) -> None:
        self.done += 1
        if self.quiet or (time.monotonic() - self.shown < 0.2 and self.done < self.total):
            return
        self.shown = time.monotonic()
        bar = "#" * (24 * self.done // max(self.total, 1))
        text = " ".join(f"{k} {v:.4g}" for k, v in numbers.items())
        sys.stderr.write(f"\r{self.what} [{bar:<24}] {self.done}/{self.total} {text}  ")
        sys.stderr.flush()

    def line(self, text: str) -> None:
        """A line that stays."""
        sys.stderr.write(("" if self.quiet else "\r" + " " * 78 + "\r") + text + "\n")
        sys.stderr.flush()
