"""sbt-train: trains a sparse binary transformer, or its dense twin, and exports it."""

from __future__ import annotations

import argparse
import copy
import json

import torch
from torch.nn import functional as F

from train import export, sbt, scores, sources, tasks
from train.data import data_dir
from train.loop import NoPruner, Settings, fit, predict
from train.parts import Cases, spread
from train.run import Run, seed_all

NAMES = {
    "classification": ("series", "log_probabilities"),
    "anomaly": ("window", "reconstruction"),
    "forecast": ("window", "forecast"),
}
LOSS = {"classification": F.nll_loss, "anomaly": F.mse_loss, "forecast": F.mse_loss}
# What the paper's code uses where nothing is said: epochs, batch and window are this project's where it says nothing.
DEFAULTS = {
    "classification": dict(density=0.5, epochs=100, batch=8, window=None, d_model=32),
    "anomaly": dict(density=0.25, epochs=20, batch=128, window=50, d_model=None),
    "forecast": dict(density=0.5, epochs=10, batch=128, window=200, d_model=64),
}


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="sbt-train", description=__doc__)
    p.add_argument("--task", required=True, choices=list(NAMES))
    p.add_argument("--data", required=True, help="a data set's name, or a CSV file: one row a step")
    p.add_argument("--test", help="a CSV file of test cases, or of steps with a column label")
    p.add_argument("--data-dir", help="where the named data sets are (default: $SBTC_DATA)")
    p.add_argument("--density", type=float, help="fraction of weights kept (0.5; anomaly 0.25)")
    p.add_argument("--qkv-density", type=float, default=0.5, help="fraction of Q, K, V kept in classifiers")
    p.add_argument("--gamma-density", type=float, help="of the norms' gammas in forecasters (all; 0.5 as published)")
    p.add_argument("--dense", action="store_true", help="train the dense twin")
    p.add_argument("--window", type=int, help="steps of a window (longest series; 50; 200)")
    p.add_argument("--d-model", type=int, help="channels inside (32; anomaly 2 m; forecast 64)")
    p.add_argument("--heads", type=int, default=2)
    p.add_argument("--d-ff", type=int, default=256)
    p.add_argument("--layers", type=int, default=2)
    p.add_argument("--quantile", type=float, default=0.99, help="of all scores: the alarm threshold")
    p.add_argument("--exporter", choices=("legacy", "dynamo", "both"), default="legacy")
    common(p)
    return p


def common(p, lr=1e-3):
    """Options of both commands."""
    p.add_argument("--epochs", type=int)
    p.add_argument("--batch", type=int)
    p.add_argument("--lr", type=float, default=lr)
    p.add_argument("--steps-per-epoch", type=int, help="at most so many batches in an epoch")
    p.add_argument("--val-windows", type=int, help="validate on so many windows, at equal distances")
    p.add_argument("--test-windows", type=int, help="test on so many windows, at equal distances")
    p.add_argument("--patience", type=int, help="stop after so many epochs without a better one")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--out", metavar="DIR", help="keep log.json and checkpoint.pt here")
    p.add_argument("--resume", action="store_true", help="go on from DIR's checkpoint")
    p.add_argument("--export", metavar="FILE.onnx")
    p.add_argument("--opset", type=int, default=17)
    p.add_argument("--quiet", action="store_true")


def arguments(argv=None):
    a = parser().parse_args(argv)
    for key, value in DEFAULTS[a.task].items():
        if getattr(a, key) is None:
            setattr(a, key, value)
    if a.task in ("anomaly", "forecast") and a.window < 2:
        raise SystemExit("sbt-train: --window: at least 2 steps")
    return a


def load(a):
    """The data that the arguments name."""
    needs = a.data in (*tasks.UEA, *tasks.TELEMETRY, *sources.FILES)
    folder = data_dir(a.data_dir) if needs else None
    if a.task == "classification":
        data = tasks.classification(a.data, folder, a.test, a.window, a.seed)
    elif a.task == "anomaly":
        data = tasks.anomaly(a.data, folder, a.window, a.test)
    else:
        data = tasks.forecast(a.data, folder, a.window)
    data.val, data.test = spread(data.val, a.val_windows), spread(data.test, a.test_windows)
    return data


def build(a, data):
    """The model that the arguments describe, for the data."""
    m = len(data.channels)
    sizes = dict(nhead=a.heads, d_ff=a.d_ff, n_layers=a.layers, density=None if a.dense else a.density)
    if a.task == "classification":
        w = data.train.inputs[0].shape[1]
        return sbt.Classifier(m, w, a.d_model, len(data.classes), p_a=a.qkv_density, **sizes)
    if a.task == "anomaly":
        return sbt.AnomalyModel(m, a.window, a.d_model, **sizes)
    return sbt.Forecaster(m, a.window, a.d_model, gamma_density=a.gamma_density, **sizes)


def run(a) -> dict:
    """Trains as the arguments say; returns the frozen model, its data, the log, and what an export says of them."""
    run = Run(a.out, vars(a), a.resume)
    seed_all(a.seed)
    data = load(a)
    model = build(a, data)
    settings = Settings(a.epochs, a.batch, a.lr, steps=a.steps_per_epoch, patience=a.patience)
    settings.device, settings.quiet = a.device, a.quiet
    fixed = NoPruner(0.0 if a.dense else 1 - a.density)
    fit(model, data.train, data.val, LOSS[a.task], settings, run, fixed)
    # The trained weights, and what is exported: the same function with plain linear layers.
    frozen = sbt.freeze(copy.deepcopy(model)).eval()
    result = evaluate(a, data, lambda part: predict(frozen, part, device=a.device))
    result.update(sizes(frozen), val_loss=min(row["val_loss"] for row in run.log["epochs"]))
    run.log["result"] = result
    run.save_log()
    details = {**model.metadata, **data.metadata(), **tested(result)}
    if a.export:
        lines = export.write(
            a.export, frozen.cpu(), example(data.test), names(a, data.test), a.exporter, opset=a.opset, metadata=details
        )
        print("\n".join(lines))
    return {"model": frozen, "data": data, "log": run.log, "metadata": details}


def evaluate(a, data, outputs_of) -> dict:
    """The task's metrics of a program: outputs_of(part) gives its outputs and the part's targets."""
    outputs, targets = (x.numpy() for x in outputs_of(data.test))
    if a.task == "classification":
        return {"accuracy": scores.accuracy(outputs, targets)}
    if a.task == "forecast":
        return {"mse": scores.mse(outputs, targets), "mae": scores.mae(outputs, targets)}
    others = []
    for part in (data.train, data.val):
        y, t = outputs_of(part)
        others.append(scores.reconstruction(y.numpy(), t.numpy()))
    test = scores.reconstruction(outputs, targets)
    return scores.anomalies(test, others, data.anomalous, a.quantile)


def names(a, part):
    """Input and output names of the task's models."""
    first, last = NAMES[a.task]
    second = ["present"] if isinstance(part, Cases) and len(part.inputs) == 2 else []
    return [first, *second, last]


def example(part):
    """One sample, batch axis included."""
    return part.batch(torch.tensor([0]))[0]


def tested(result) -> dict:
    """Metrics as ONNX metadata."""
    return {f"test.{k}": f"{v:.6g}" for k, v in result.items() if k in ("accuracy", "mse", "mae", "f1", "f1_adjusted", "threshold")}


def sizes(model) -> dict:
    """Parameters of a frozen model: all, those of matrices, and how many of these are not 0."""
    matrices = [p for p in model.parameters() if p.dim() > 1]
    total = sum(p.numel() for p in matrices)
    nonzero = sum(int((p != 0).sum()) for p in matrices)
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "weights": total,
        "nonzero": nonzero,
        "density": nonzero / total,
    }


def main(argv=None) -> None:
    a = arguments(argv)
    log = run(a)["log"]
    print(json.dumps(log["result"], indent=1))


if __name__ == "__main__":
    main()
