"""Remakes the committed test models: python -m train.fixtures --data DIR [NAME...]"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

from train import data, sbt
from train.export import export
from train.fitting import fit, predict

WEIGHTS = Path(__file__).parent / "weights"
MODELS = Path(__file__).parent.parent / "testdata" / "models"


def anomaly_sbt(folder):
    """SBT anomaly model of MSL; the samples are a normal and an anomalous window."""
    w = 50
    entities, scaler = data.msl(folder)
    train = np.concatenate([data.windows(e.train, w) for e in entities.values()])
    model = sbt.AnomalyModel(m=train.shape[2], w=w)
    if not restore(model, "anomaly_sbt"):
        fit(model, train, train[:, -1], nn.MSELoss(), epochs=8, batch=128, lr=1e-3)
        save(model, "anomaly_sbt")

    entity = entities["C-1"]
    test = data.windows(entity.test, w)
    errors = ((predict(model, test) - torch.as_tensor(test[:, -1])) ** 2).mean(dim=1).numpy()
    anomalous = entity.anomalous[w - 1 :]
    report(
        "anomaly_sbt",
        f"C-1 mean squared error {errors[~anomalous].mean():.4f} on normal steps, "
        f"{errors[anomalous].mean():.4f} on anomalous steps",
    )
    samples = [test[[np.argmax(errors * ~anomalous)]], test[[np.argmax(errors * anomalous)]]]
    export(
        sbt.freeze(model),
        MODELS / "anomaly_sbt",
        samples,
        opset=13,
        names=("window", "reconstruction"),
        metadata={**model.metadata, **scaler.metadata()},
    )


def restore(model, name):
    """Loads a model's trained weights, if it has been trained before."""
    path = WEIGHTS / f"{name}.pt"
    if not path.exists():
        return False
    model.load_state_dict(torch.load(path))
    model.eval()
    return True


def save(model, name):
    WEIGHTS.mkdir(exist_ok=True)
    torch.save(model.state_dict(), WEIGHTS / f"{name}.pt")


def report(name, metric):
    print(f"{name}: {metric}", flush=True)


RECIPES = [anomaly_sbt]


def main():
    names = [recipe.__name__ for recipe in RECIPES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="the data folder (default: $SBTC_DATA)")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(names)
    if unknown:
        parser.error(f"unknown model: {', '.join(sorted(unknown))}")
    folder = data.data_dir(arguments.data)
    torch.set_num_threads(1)
    for recipe in RECIPES:
        if not arguments.names or recipe.__name__ in arguments.names:
            # Each model has the same seed whichever others are made with it.
            torch.manual_seed(0)
            recipe(folder)


if __name__ == "__main__":
    main()
