"""Remakes the committed test models: python -m train.fixtures --data DIR [NAME...]"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from train import data, sbt
from train.dlinear import DLinear
from train.export import export
from train.fitting import fit, predict
from train.forecast import Forecaster
from train.prune import GradualPruner, zeros

MODELS = Path(__file__).parent.parent / "testdata" / "models"
WEIGHTS = Path(__file__).parent / "weights"

# SBT models


def anomaly_sbt(folder):
    """SBT anomaly model of MSL; the samples are a normal and an anomalous window."""
    w = 50
    entities, scaler = data.msl(folder)
    train = np.concatenate([data.windows(e.train, w) for e in entities.values()])
    model = trained(
        "anomaly_sbt",
        lambda: sbt.AnomalyModel(m=train.shape[2], w=w),
        lambda m: fit(m, train, train[:, -1], F.mse_loss, epochs=8, batch=128, lr=1e-3),
    )

    def errors(windows):
        squared = (predict(model, windows) - torch.as_tensor(windows[:, -1])) ** 2
        return squared.mean(dim=1).numpy()

    entity = entities["C-1"]
    test = data.windows(entity.test, w)
    scores, anomalous = errors(test), entity.anomalous[w - 1 :]
    threshold = np.quantile(np.concatenate([errors(train), scores]), 0.99)
    f1 = point_adjusted_f1(scores > threshold, anomalous)
    report("anomaly_sbt", f"C-1 mean squared error {scores.mean():.4f}, point-adjusted F1 {f1:.3f}")
    samples = [test[[np.argmax(scores * ~anomalous)]], test[[np.argmax(scores * anomalous)]]]
    export(
        sbt.freeze(model),
        MODELS / "anomaly_sbt",
        samples,
        opset=13,
        names=("window", "reconstruction"),
        metadata={**model.metadata, **scaler.metadata()},
    )


def point_adjusted_f1(alarms, anomalous):
    """F1 where one alarm in an anomalous stretch counts for all of its steps."""
    alarms = alarms.copy()
    starts = np.flatnonzero(np.diff(np.r_[False, anomalous].astype(int)) == 1)
    ends = np.flatnonzero(np.diff(np.r_[anomalous, False].astype(int)) == -1) + 1
    for start, end in zip(starts, ends):
        alarms[start:end] = alarms[start:end].any()
    return 2 * (alarms & anomalous).sum() / (alarms.sum() + anomalous.sum())


def classify_sbt(folder):
    """SBT classifier of JapaneseVowels; the samples are the first and last test case."""
    w = 29
    (x, label), (test, test_label), scaler = data.japanese_vowels(folder, w)
    model = trained(
        "classify_sbt",
        lambda: sbt.Classifier(m=x.shape[2], w=w, d_model=32, classes=9),
        lambda m: fit(m, x, label, F.nll_loss, epochs=60, batch=8, lr=3e-3),
    )
    right = predict(model, test).argmax(dim=1).numpy() == test_label
    report("classify_sbt", f"test accuracy {right.mean():.4f}")
    export(
        sbt.freeze(model),
        MODELS / "classify_sbt",
        [test[:1], test[-1:]],
        opset=16,
        names=("series", "log_probabilities"),
        metadata={**model.metadata, **scaler.metadata()},
    )


# Forecasters of national illness


def forecast_dense(folder):
    """A dense transformer encoder with a head that reads all steps."""
    illness = data.illness(folder)
    export_forecast("forecast_dense", dense_forecaster(illness), illness, opset=14)


def forecast_dynbatch(folder):
    """forecast_dense with an open batch axis; the second sample is a batch of 3."""
    illness = data.illness(folder)
    model = dense_forecaster(illness)
    export_forecast("forecast_dynbatch", model, illness, opset=14, dynamic_batch=True)


def forecast_dynamo(folder):
    """forecast_dense as the exporter built on torch.export writes it."""
    illness = data.illness(folder)
    model = dense_forecaster(illness)
    export_forecast("forecast_dynamo", model, illness, opset=20, dynamo=True)


def forecast_last(folder):
    """The dense encoder, trained on under a head that reads the last step only."""
    illness = data.illness(folder)
    dense = dense_forecaster(illness)

    def tune(model):
        model.encoder, model.embedding = dense.encoder, dense.embedding
        fit_forecaster(model, illness, epochs=6)

    model = trained("forecast_last", lambda: Forecaster(head="last"), tune)
    export_forecast("forecast_last", model, illness, opset=17)


def forecast_pals(folder):
    """The dense forecaster, pruned to 80 % zeros."""
    illness = data.illness(folder)

    def prune(model):
        fit_forecaster(model, illness, epochs=12, after_step=GradualPruner(model, 0.8))

    model = trained("forecast_pals", lambda: dense_forecaster(illness), prune)
    report("forecast_pals", f"{zeros(model):.4f} of the weights are zero")
    export_forecast("forecast_pals", model, illness, opset=15)


def dlinear(folder):
    """DLinear on all channels."""
    illness = data.illness(folder)
    x, y = illness.train
    model = trained(
        "dlinear", DLinear, lambda m: fit(m, x, y, F.mse_loss, epochs=30, batch=32, lr=1e-3)
    )
    export_forecast("dlinear", model, illness, opset=13)


def dense_forecaster(illness):
    return trained("forecast_dense", Forecaster, lambda m: fit_forecaster(m, illness, epochs=15))


def fit_forecaster(model, illness, epochs, after_step=None):
    x, y = illness.train
    # The model forecasts OT, the last channel.
    fit(model, x, y[:, :, -1], F.mse_loss, epochs, batch=32, lr=5e-4, after_step=after_step)


def export_forecast(name, model, illness, **options):
    x, y = illness.test
    forecast = predict(model, x)
    target = torch.as_tensor(y if forecast.dim() == 3 else y[:, :, -1])
    error = forecast - target
    report(name, f"test MSE {(error**2).mean():.4f}, MAE {error.abs().mean():.4f}")
    # The first windows' histories reach back before the test part.
    inside = x[x.shape[1] :]
    second = inside[-3:] if options.get("dynamic_batch") else inside[-1:]
    export(
        model,
        MODELS / name,
        [inside[:1], second],
        names=("history", "forecast"),
        metadata=illness.scaler.metadata(),
        **options,
    )


# Command


def trained(name, build, train):
    """Builds a model and loads its trained weights; trains it where there are none."""
    torch.manual_seed(0)
    model = build()
    path = WEIGHTS / f"{name}.pt"
    if path.exists():
        model.load_state_dict(torch.load(path))
    else:
        # Seeded again because build may itself have trained another model: the
        # same weights come out whether or not that one was trained before.
        torch.manual_seed(0)
        train(model)
        WEIGHTS.mkdir(exist_ok=True)
        torch.save(model.state_dict(), path)
    return model.eval()


def report(name, metric):
    print(f"{name}: {metric}", flush=True)


# Models of PyTorch 1.13's exporter, which traces, and of today's.
TRACED = [
    anomaly_sbt,
    classify_sbt,
    forecast_dense,
    forecast_dynbatch,
    forecast_last,
    forecast_pals,
    dlinear,
]
DYNAMO = [forecast_dynamo]


def main():
    recipes = TRACED if torch.__version__.startswith("1.") else DYNAMO
    names = [recipe.__name__ for recipe in recipes]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="the data folder (default: $SBTC_DATA)")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"with this PyTorch, of {', '.join(names)}"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(names)
    if unknown:
        parser.error(f"not a model that this PyTorch exports: {', '.join(sorted(unknown))}")
    folder = data.data_dir(arguments.data)
    torch.set_num_threads(1)
    for recipe in recipes:
        if not arguments.names or recipe.__name__ in arguments.names:
            recipe(folder)


if __name__ == "__main__":
    main()
