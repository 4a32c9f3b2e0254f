"""The protocols of the three SBT tasks and of PALS forecasting: data in, scaled parts out."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from train.data import Scaler
from train.parts import Cases, Data, Horizons, LastSteps
from train.sources import borders, open_cases, open_series

UEA = ("JapaneseVowels", "BasicMotions")
TELEMETRY = {"A-1": "SMAP", "P-1": "SMAP", "T-1": "SMAP", "C-1": "MSL", "M-6": "MSL"}


def classification(name, folder, test=None, window=None, seed=0, val=0.2) -> Data:
    """Labelled series, padded to the longest of them: a fifth of each class's training cases is kept for validation.

    test: the test cases of a CSV of one's own (without it, every fifth case). Shorter series are padded with the mean
    of every channel; then the parts have a second input, 1 where a step is there and 0 where it is padding.
    """
    if name in UEA:
        stem = Path(folder) / name / name
        name_of, files = name, (f"{stem}_TRAIN.ts", f"{stem}_TEST.ts")
    else:
        name_of, files = Path(name).stem, (name, test)
    cases, channels = open_cases(files[0], folder)
    if files[1]:
        tests, _ = open_cases(files[1], folder)
    else:
        tests, cases = cases[4::5], [c for i, c in enumerate(cases) if i % 5 != 4]
    classes = sorted({label for _, label in cases})
    strange = {label for _, label in tests} - set(classes)
    if strange:
        raise SystemExit(f"train: {files[1]}: labels without a training case: {sorted(strange)}")
    w = window or max(len(steps) for steps, _ in cases + tests)
    scaler = Scaler.fit(np.concatenate([steps for steps, _ in cases]))
    uneven = any(len(steps) != w for steps, _ in cases + tests)

    def part(chosen):
        x = np.zeros((len(chosen), w, len(channels)), np.float32)
        present = np.zeros((len(chosen), w), np.float32)
        for i, (steps, _) in enumerate(chosen):
            steps = steps[:w]
            x[i, : len(steps)], present[i, : len(steps)] = scaler(steps), 1
        labels = np.array([classes.index(label) for _, label in chosen])
        return Cases([x, present] if uneven else [x], labels)

    held = held_out([label for _, label in cases], val, seed)
    return Data(
        name_of,
        train=part([c for c, h in zip(cases, held) if not h]),
        val=part([c for c, h in zip(cases, held) if h]),
        test=part(tests),
        scaler=scaler,
        channels=channels,
        classes=classes,
    )


def held_out(labels, fraction, seed):
    """A boolean for each label: fraction of each class, at least one where a class has two, chosen at random."""
    labels, rng = np.array(labels), np.random.default_rng(seed)
    held = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        where = np.flatnonzero(labels == label)
        count = max(int(fraction * len(where)), 1 if len(where) > 1 else 0)
        held[rng.permutation(where)[:count]] = True
    return held


def anomaly(name, folder, window=50, test=None, val=0.1) -> Data:
    """Telemetry without anomalies to train on, then labelled steps to test on; the last tenth of training validates.

    A CSV of one's own: name holds normal operation, test the rest, with a column label (1 where a step is anomalous).
    """
    if name in TELEMETRY:
        root = Path(folder) / "SMAP_MSL"
        train, tested = (np.load(root / part / f"{name}.npy") for part in ("train", "test"))
        anomalous = _ranges(root, name, len(tested))
        channels = [f"channel {i}" for i in range(train.shape[1])]
        name_of = f"{TELEMETRY[name]} {name}"
    else:
        first, second = open_series(name), open_series(test) if test else None
        if second is None or second.label is None:
            raise SystemExit("train: anomaly detection needs --test FILE.csv with a column label")
        train, tested, anomalous = first.steps, second.steps, second.label
        channels, name_of = first.channels, Path(name).stem
    n = int((1 - val) * len(train))
    scaler = Scaler.fit(train[:n])
    return Data(
        name_of,
        train=LastSteps(scaler(train[:n]), window, hidden=False),
        val=LastSteps(scaler(train[n - window + 1 :]), window, hidden=False),
        test=LastSteps(scaler(tested), window, hidden=False),
        scaler=scaler,
        channels=channels,
        anomalous=anomalous[window - 1 :],
    )


def _ranges(root, name, n):
    with open(root / "labeled_anomalies.csv", newline="") as f:
        ranges = {r["chan_id"]: r["anomaly_sequences"] for r in csv.DictReader(f)}
    bounds = [int(v) for v in ranges[name].replace("[", "").replace("]", "").split(",")]
    anomalous = np.zeros(n, bool)
    for begin, end in zip(bounds[::2], bounds[1::2]):
        anomalous[begin : end + 1] = True
    return anomalous


def forecast(name, folder, window=200) -> Data:
    """Single steps: the last step of a window is hidden and to be forecast, in all channels."""
    series, scaled, scaler, ends = _forecast(name, folder)
    begins = (0, ends[0] - window + 1, ends[1] - window + 1)
    train, val, test = (
        LastSteps(scaled[max(b, 0) : e], window, hidden=True) for b, e in zip(begins, ends)
    )
    return Data(Path(name).stem, train, val, test, scaler, series.channels)


def horizon(name, folder, window=96, label=48, ahead=96) -> Data:
    """Whole horizons: ahead steps from the window before them, in all channels."""
    series, scaled, scaler, ends = _forecast(name, folder)
    marks = series.marks
    if marks is None:
        raise SystemExit(f"train: {name}: no column date: its calendar features are inputs of the model")
    begins = (0, ends[0] - window, ends[1] - window)
    train, val, test = (
        Horizons(scaled[max(b, 0) : e], marks[max(b, 0) : e], window, label, ahead)
        for b, e in zip(begins, ends)
    )
    if min(len(train), len(val), len(test)) < 1:
        raise SystemExit(f"train: {name}: too short for windows of {window} and {ahead} steps ahead")
    return Data(Path(name).stem, train, val, test, scaler, series.channels)


def _forecast(name, folder):
    series = open_series(name, folder)
    ends = borders(name, len(series.steps))
    scaler = Scaler.fit(series.steps[: ends[0]])
    return series, scaler(series.steps), scaler, ends
