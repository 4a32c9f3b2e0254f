"""Where series come from: the data sets of the papers by name, and the user's own CSV files."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass
class Series:
    """Raw steps (n, m), their calendar features (n, 4) or None, channel names, labels of anomalies or None."""

    steps: np.ndarray
    channels: list[str]
    marks: np.ndarray | None = None
    label: np.ndarray | None = None


# The benchmark splits: borders in steps (train, val, test), else 70/10/20 %.
_MONTH = 30 * 24
BORDERS = {
    "ETTh1": (12 * _MONTH, 16 * _MONTH, 20 * _MONTH),
    "ETTm1": (48 * _MONTH, 64 * _MONTH, 80 * _MONTH),
}
FILES = {
    "ETTh1": "ETTh1.csv",
    "ETTm1": "ETTm1.csv.gz",
    "exchange": "exchange_rate.csv",
    "illness": "national_illness.csv",
    "weather": "weather.csv.gz",
}


def open_series(name, folder=None) -> Series:
    """A set of FILES by its name, or a CSV file (.csv, .csv.gz).

    A CSV has one row for each step. Columns named date (or timestamp), label (0 or 1) and case are special; all others are
    channels.
    Numbers must be finite; -9999 (a mark of missing values) is replaced by the value before it.
    """
    path = Path(folder) / FILES[name] if name in FILES else Path(name)
    header, rows = _read(path)
    header = ["date" if c == "timestamp" else c for c in header]
    channels = [c for c in header if c not in ("date", "label", "case")]
    columns = [header.index(c) for c in channels]
    try:
        steps = np.array([[float(row[c]) for c in columns] for row in rows])
    except (ValueError, IndexError) as e:
        raise SystemExit(f"train: {path}: {e}: every channel needs a number in every row") from e
    if not np.isfinite(steps).all():
        row = int(np.argwhere(~np.isfinite(steps))[0][0]) + 2
        raise SystemExit(f"train: {path}: row {row} has a number that is not finite: fill gaps first")
    for i in range(1, len(steps)):
        missing = steps[i] == -9999
        if missing.any():
            steps[i, missing] = steps[i - 1, missing]
    marks = label = None
    if "date" in header:
        at = header.index("date")
        marks = np.array([calendar(moment(row[at], path)) for row in rows], np.float32)
    if "label" in header:
        label = np.array([row[header.index("label")].strip() not in ("0", "") for row in rows])
    return Series(steps, channels, marks, label)


def _read(path):
    try:
        data = path.read_bytes()
    except OSError as e:
        raise SystemExit(f"train: {path}: {e.strerror}") from e
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    # The weather set's units are in an older encoding.
    rows = list(csv.reader(io.StringIO(data.decode("utf-8", "replace"))))
    rows = [row for row in rows if row]
    if len(rows) < 2:
        raise SystemExit(f"train: {path}: no rows: expected a header and one row for each step")
    return [c.strip() for c in rows[0]], rows[1:]


def moment(text, path):
    """A date and time, as 2016-07-01 00:00:00, 2016-07-01 or 1990/1/1 0:00."""
    for form in ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"):
        try:
            return datetime.datetime.strptime(text.strip(), form)
        except ValueError:
            continue
    raise SystemExit(f"train: {path}: date {text!r}: write it as 2016-07-01 00:00:00")


def calendar(t):
    """The four calendar features of hourly models, each in [-0.5, 0.5]: hour, weekday, day of month, day of year."""
    day = t.timetuple().tm_yday
    return [t.hour / 23 - 0.5, t.weekday() / 6 - 0.5, (t.day - 1) / 30 - 0.5, (day - 1) / 365 - 0.5]


def borders(name, n):
    """Where the training, validation and test parts of n steps end."""
    if name in BORDERS and n >= BORDERS[name][2]:
        return BORDERS[name]
    n_train, n_test = int(0.7 * n), int(0.2 * n)
    return n_train, n - n_test, n


def open_cases(name, folder=None):
    """Cases [(steps (t, m), label)] of a .ts file or of a CSV with the columns case and label; and the channel names.

    In a CSV the rows of a case follow each other; its label is that of its first row.
    """
    path = Path(name)
    if path.suffix == ".ts":
        cases = read_ts(path)
        return cases, [f"channel {i}" for i in range(cases[0][0].shape[1])]
    header, rows = _read(path)
    for column in ("case", "label"):
        if column not in header:
            raise SystemExit(f"train: {path}: no column {column}: classification needs case and label")
    series = open_series(name, folder)
    case, label = header.index("case"), header.index("label")
    cases, begin = [], 0
    for i in range(1, len(rows) + 1):
        if i == len(rows) or rows[i][case] != rows[begin][case]:
            cases.append((series.steps[begin:i], rows[begin][label].strip()))
            begin = i
    return cases, series.channels


def read_ts(path):
    """Cases of a .ts file of the UEA archive: [((steps, channels), label)]."""
    cases = []
    with open(path) as f:
        lines = iter(f)
        for line in lines:
            if line.strip().lower() == "@data":
                break
        for line in lines:
            if line.strip():
                *channels, label = line.strip().split(":")
                steps = np.array([[float(v) for v in c.split(",")] for c in channels]).T
                cases.append((steps, label))
    return cases
