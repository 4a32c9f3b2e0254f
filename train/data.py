"""Loaders for the public data sets: numpy only, standardised with the training part."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from train.sources import read_ts


@dataclass
class Scaler:
    """Per-channel z-score whose mean and deviation come from training data."""

    mean: np.ndarray  # (m,)
    std: np.ndarray  # (m,)

    @classmethod
    def fit(cls, steps):
        """Fits to steps, shape (n, m)."""
        std = steps.std(axis=0)
        # Telemetry has channels that never change in training; dividing by
        # their deviation would make one later change dwarf everything else.
        still = std <= 1e-5 * np.abs(steps).max(axis=0)
        return cls(steps.mean(axis=0), np.where(still, 1.0, std))

    def __call__(self, steps):
        return ((steps - self.mean) / self.std).astype(np.float32)

    def metadata(self):
        """The scaling as ONNX metadata: comma-separated decimals."""
        return {"input.mean": _decimals(self.mean), "input.std": _decimals(self.std)}


def _decimals(values):
    return ",".join(f"{v:.9g}" for v in values)


def data_dir(argument=None):
    """The data folder: the argument, else the environment variable SBTC_DATA."""
    found = argument or os.environ.get("SBTC_DATA")
    if not found:
        raise SystemExit("train: no data: pass --data DIR or set SBTC_DATA")
    return Path(found)


def windows(steps, length):
    """All stride-1 windows of steps (n, m): shape (n - length + 1, length, m)."""
    view = np.lib.stride_tricks.sliding_window_view(steps, length, axis=0)
    return np.ascontiguousarray(view.transpose(0, 2, 1))


# National illness (forecasting): weekly influenza-like illness, 7 channels.


@dataclass
class Forecast:
    """Windows (n, w, m) and what follows them (n, horizon, m), by part."""

    train: tuple
    val: tuple
    test: tuple
    scaler: Scaler


def illness(folder, window=96, horizon=24):
    """National illness, split 70/10/20 % in time; windows stay within their part."""
    with open(Path(folder) / "national_illness.csv", newline="") as f:
        rows = list(csv.reader(f))[1:]
    steps = np.array([[float(v) for v in row[1:]] for row in rows])
    n_train, n_test = int(0.7 * len(steps)), int(0.2 * len(steps))
    n_val = len(steps) - n_train - n_test
    scaler = Scaler.fit(steps[:n_train])
    scaled = scaler(steps)

    def part(begin, end):
        # A part's first target lies in the part; its history may lie before it.
        both = windows(scaled[max(0, begin - window) : end], window + horizon)
        return both[:, :window], both[:, window:]

    return Forecast(
        train=part(0, n_train),
        val=part(n_train, n_train + n_val),
        test=part(n_train + n_val, len(steps)),
        scaler=scaler,
    )


# MSL telemetry (anomaly detection): 55 channels, two spacecraft channels' files.


@dataclass
class Entity:
    """One telemetry file: standardised steps (n, m) and a label per test step."""

    train: np.ndarray
    test: np.ndarray
    anomalous: np.ndarray


def msl(folder, names=("M-6", "C-1")):
    """Entities of the Mars Science Laboratory by name, and their common scaler."""
    folder = Path(folder) / "SMAP_MSL"
    raw = {
        name: [np.load(folder / part / f"{name}.npy") for part in ("train", "test")]
        for name in names
    }
    scaler = Scaler.fit(np.concatenate([train for train, _ in raw.values()]))
    with open(folder / "labeled_anomalies.csv", newline="") as f:
        ranges = {r["chan_id"]: r["anomaly_sequences"] for r in csv.DictReader(f)}
    entities = {}
    for name, (train, test) in raw.items():
        anomalous = np.zeros(len(test), bool)
        bounds = [int(v) for v in ranges[name].replace("[", "").replace("]", "").split(",")]
        for begin, end in zip(bounds[::2], bounds[1::2]):
            anomalous[begin : end + 1] = True
        entities[name] = Entity(scaler(train), scaler(test), anomalous)
    return entities, scaler


# JapaneseVowels (classification): 12 channels, 7 to 29 steps, 9 speakers.


def japanese_vowels(folder, window=29):
    """Returns ((x, label) train, (x, label) test, scaler), x of shape (n, window, 12)."""
    folder = Path(folder) / "JapaneseVowels"
    train, test = ([(steps, int(label) - 1) for steps, label in read_ts(folder / f"JapaneseVowels_{p}.ts")]
                   for p in ("TRAIN", "TEST"))
    scaler = Scaler.fit(np.concatenate([series for series, _ in train]))
    return _pad(train, scaler, window), _pad(test, scaler, window), scaler


def _pad(cases, scaler, window):
    # Padding comes after scaling: a padded step is the mean of every channel.
    x = np.zeros((len(cases), window, len(scaler.mean)), np.float32)
    for i, (steps, _) in enumerate(cases):
        x[i, : len(steps)] = scaler(steps)
    return x, np.array([label for _, label in cases])
