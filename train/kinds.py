"""Remakes one small test model of every kind, with its dense twin: python -m train.kinds [NAME...]

Each is trained by sbt-train or pals-train and written to testdata/models with two recorded windows of the test data.
"""

from __future__ import annotations

import argparse

import torch

from train import nets, pals_train, sbt_train
from train.export import export
from train.fixtures import MODELS

FORECAST = "--data illness --d-model 16 --heads 2 --d-ff 32 --lr 3e-3 --epochs 8 --every 4 --lambda 1.2 --gamma 1.2"
SBT = {
    "sbt_forecast": "--task forecast --data illness --window 48 --d-model 16 --d-ff 32 --epochs 30 --batch 32 --lr 3e-3",
    "sbt_anomaly": "--task anomaly --data P-1 --window 50 --d-model 24 --d-ff 64 --epochs 4",
    "sbt_classify": "--task classification --data JapaneseVowels --d-model 16 --d-ff 64 --epochs 60 --lr 3e-3",
}


def recipes() -> dict:
    """Commands and their options by the name of the model."""
    made = {}
    for name, argv in SBT.items():
        made[name] = (sbt_train, argv)
        made[f"{name}_dense"] = (sbt_train, f"{argv} --dense")
    for model in nets.MODELS:
        for method, name in (("pals", f"pals_{model}"), ("dense", f"pals_{model}_dense")):
            made[name] = (pals_train, f"--model {model} --method {method} {FORECAST}")
    return made


def make(name) -> str:
    """Trains and writes one model; returns a line about it."""
    command, argv = recipes()[name]
    a = command.arguments([*argv.split(), "--device", "cpu", "--quiet"])
    trained = command.run(a)
    model, part, result = trained["model"].eval(), trained["data"].test, trained["log"]["result"]
    count = len(model.inputs) if command is pals_train else None
    samples = [part.batch(torch.tensor([i]))[0][:count] for i in (0, len(part) - 1)]
    names = pals_train.names(model) if command is pals_train else sbt_train.names(a, part)
    details = trained["metadata"]
    export(model, MODELS / name, samples, opset=17, names=names, metadata=details)
    size = (MODELS / name / "model.onnx").stat().st_size
    numbers = " ".join(f"{k} {result[k]:.4g}" for k in ("accuracy", "f1_adjusted", "mse", "density") if k in result)
    return f"{name}: {size} bytes, {numbers}"


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("names", nargs="*", metavar="NAME", help=", ".join(recipes()))
    a = p.parse_args()
    unknown = set(a.names) - set(recipes())
    if unknown:
        p.error(f"no such model: {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    for name in a.names or recipes():
        print(make(name), flush=True)


if __name__ == "__main__":
    main()
