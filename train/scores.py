"""The papers' metrics, from outputs and targets alone, so that any program's outputs can be scored."""

from __future__ import annotations

import numpy as np


def accuracy(outputs, labels) -> float:
    """The share of rows whose largest output is at the label."""
    return float((np.asarray(outputs).argmax(axis=1) == np.asarray(labels)).mean())


def mse(outputs, targets) -> float:
    return float(((np.asarray(outputs, np.float64) - targets) ** 2).mean())


def mae(outputs, targets) -> float:
    return float(np.abs(np.asarray(outputs, np.float64) - targets).mean())


def reconstruction(outputs, targets) -> np.ndarray:
    """The anomaly score of each window: the mean squared error over its channels."""
    return ((np.asarray(outputs, np.float64) - targets) ** 2).mean(axis=1)


def anomalies(test, others, anomalous, quantile=0.99) -> dict:
    """F1 of alarms above the quantile of all scores (the test's and those of others), plain and point-adjusted."""
    threshold = float(np.quantile(np.concatenate([*others, test]), quantile))
    alarms = test > threshold
    return {
        "f1": f1(alarms, anomalous),
        "f1_adjusted": f1(adjusted(alarms, anomalous), anomalous),
        "threshold": threshold,
    }


def f1(alarms, anomalous) -> float:
    """2 TP / (alarms + anomalous steps); 0 where there is neither."""
    found = int(alarms.sum() + anomalous.sum())
    return float(2 * (alarms & anomalous).sum() / found) if found else 0.0


def adjusted(alarms, anomalous) -> np.ndarray:
    """The alarms, where one in an anomalous stretch counts for all of its steps."""
    alarms = alarms.copy()
    starts = np.flatnonzero(np.diff(np.r_[False, anomalous].astype(int)) == 1)
    ends = np.flatnonzero(np.diff(np.r_[anomalous, False].astype(int)) == -1) + 1
    for start, end in zip(starts, ends):
        alarms[start:end] = alarms[start:end].any()
    return alarms
