"""pals-train: trains a forecaster that PALS prunes while it trains, or its dense twin, and exports it."""

from __future__ import annotations

import argparse
import json

from torch.nn import functional as F

from train import export, nets, scores, sources, tasks
from train.data import data_dir
from train.loop import Settings, fit, predict
from train.pals.pruners import GraNet, Magnitude, Pals
from train.parts import spread
from train.run import Run, seed_all
from train.sbt_train import common, example, sizes, tested

# Window, label and horizon of the paper's runs; illness has fewer weeks than other sets have hours.
STEPS = {"illness": (36, 18, 24)}


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="pals-train", description=__doc__)
    p.add_argument("--model", required=True, choices=list(nets.MODELS))
    p.add_argument("--data", required=True, help="a data set's name, or a CSV file with a column date")
    p.add_argument("--data-dir", help="where the named data sets are (default: $SBTC_DATA)")
    p.add_argument("--method", choices=("pals", "dense", "granet", "magnitude"), default="pals")
    p.add_argument("--lambda", dest="freedom", type=float, default=1.1, help="loss allowed, over the best")
    p.add_argument("--gamma", type=float, default=1.1, help="how much an update shrinks or expands")
    p.add_argument("--sparsity", type=float, default=0.8, help="final, of granet and magnitude")
    p.add_argument("--min-sparsity", type=float, default=0.2)
    p.add_argument("--max-sparsity", type=float, default=0.9)
    p.add_argument("--every", type=int, help="batches between updates (20; illness 5)")
    p.add_argument("--window", type=int, help="steps in (96; illness 36)")
    p.add_argument("--label", type=int, help="of them, repeated for the decoder (48; illness 18)")
    p.add_argument("--horizon", type=int, help="steps out (96; illness 24)")
    p.add_argument("--d-model", type=int, default=512)
    p.add_argument("--heads", type=int, default=8)
    p.add_argument("--d-ff", type=int, default=2048)
    p.add_argument("--enc-layers", type=int, default=2)
    p.add_argument("--dec-layers", type=int, default=1)
    p.add_argument("--exporter", choices=("legacy", "dynamo", "both"), default="legacy")
    common(p, lr=1e-4)
    p.set_defaults(epochs=10, batch=32, patience=3)
    return p


def arguments(argv=None):
    a = parser().parse_args(argv)
    window, label, ahead = STEPS.get(a.data, (96, 48, 96))
    a.window, a.horizon = a.window or window, a.horizon or ahead
    a.label = a.label if a.label is not None else min(label, a.window // 2)
    a.every = a.every or (5 if a.data == "illness" else 20)
    for name in ("freedom", "gamma"):
        if getattr(a, name) < 1:
            raise SystemExit(f"pals-train: --{'lambda' if name == 'freedom' else name}: at least 1")
    return a


def load(a):
    """The data that the arguments name."""
    folder = data_dir(a.data_dir) if a.data in sources.FILES else None
    data = tasks.horizon(a.data, folder, a.window, a.label, a.horizon)
    data.val, data.test = spread(data.val, a.val_windows), spread(data.test, a.test_windows)
    return data


def build(a, data):
    """The model that the arguments describe, for the data."""
    s = nets.Sizes(
        len(data.channels), a.window, a.label, a.horizon, a.d_model, a.heads, a.d_ff, a.enc_layers, a.dec_layers
    )
    return nets.build(a.model, s), s


def pruner(a, model, per_epoch, log):
    """The method's pruner; None for dense."""
    common = (model, per_epoch, a.epochs, a.every, log)
    if a.method == "pals":
        return Pals(*common, a.freedom, a.gamma, a.min_sparsity, a.max_sparsity)
    if a.method == "dense":
        return None
    return (GraNet if a.method == "granet" else Magnitude)(*common, final=a.sparsity)


def run(a) -> dict:
    """Trains as the arguments say; returns the model, its data, the log, and what an export says of them."""
    run = Run(a.out, vars(a), a.resume)
    seed_all(a.seed)
    data = load(a)
    model, shape = build(a, data)
    model.to(a.device)
    settings = Settings(a.epochs, a.batch, a.lr, clip=None, steps=a.steps_per_epoch, patience=a.patience)
    settings.halve_after, settings.device, settings.quiet = 2, a.device, a.quiet
    per_epoch = min(-(-len(data.train) // a.batch), a.steps_per_epoch or len(data.train))
    fit(model, data.train, data.val, F.mse_loss, settings, run, pruner(a, model, per_epoch, run.log["updates"]))
    result = evaluate(data, lambda part: predict(model, part, 64, a.device))
    counted = sizes(model)
    result.update(counted, sparsity=1 - counted["density"], val_loss=min(e["val_loss"] for e in run.log["epochs"]))
    run.log["result"] = result
    run.save_log()
    details = metadata(a, data, shape, result)
    if a.export:
        sample = inputs(model, data.test)
        lines = export.write(
            a.export, model.cpu(), sample, names(model), a.exporter, opset=a.opset, metadata=details
        )
        print("\n".join(lines))
    return {"model": model, "data": data, "log": run.log, "metadata": details}


def metadata(a, data, shape, result):
    """Task, method, sizes, scaling and metrics as ONNX metadata."""
    settings = {"pals.task": "forecast", "pals.model": a.model, "pals.method": a.method}
    if a.method == "pals":
        settings.update({"pals.lambda": str(a.freedom), "pals.gamma": str(a.gamma)})
    settings["pals.sparsity"] = f"{result['sparsity']:.6g}"
    return {**settings, **shape.metadata(), **data.metadata(), **tested(result)}


def inputs(model, part):
    """One sample of what the model takes."""
    return example(part)[: len(model.inputs)]


def names(model):
    """Input and output names."""
    return (*model.inputs, "forecast")


def evaluate(data, outputs_of) -> dict:
    """MSE and MAE of scaled values: outputs_of(part) gives a program's outputs and the part's targets."""
    outputs, targets = (x.numpy() for x in outputs_of(data.test))
    return {"mse": scores.mse(outputs, targets), "mae": scores.mae(outputs, targets)}


def main(argv=None) -> None:
    log = run(arguments(argv))["log"]
    print(json.dumps(log["result"], indent=1))


if __name__ == "__main__":
    main()
