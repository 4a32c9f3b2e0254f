"""Repeats the runs of zoo.toml: python -m train.zoo [--tier small|full] [--detach] [--list]

Every finished run leaves one small file in train/results/TIER, which is the zoo's memory: a run that has one is not
repeated, and one that was cut off goes on from its last whole epoch. Where sbtc is at hand (SBTC or PATH) each model is
compiled, and the metric computed anew from the compiled package's outputs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from train import compiled, pals_train, sbt_train
from train.run import FREE

try:
    import tomllib
except ImportError:  # Python before 3.11
    import tomli as tomllib

HERE = Path(__file__).parent
COMMANDS = {"sbt-train": sbt_train, "pals-train": pals_train}


@dataclass
class Job:
    """One run: its name, and its command with options."""

    name: str
    command: str
    argv: list[str]


def jobs(tier) -> list[Job]:
    """All runs of a tier, in order."""
    zoo = tomllib.loads((HERE / "zoo.toml").read_text())
    if tier not in zoo["tier"]:
        raise SystemExit(f"train: no tier {tier}: expected {' or '.join(zoo['tier'])}")
    made = []
    for group in zoo["group"]:
        settings = zoo["tier"][tier][group["settings"]].split()
        # Seeds outermost: one complete comparison comes before a better mean.
        for seed in group["seeds"]:
            for data in group["data"]:
                for model in group.get("models", [None]):
                    for twin in group["twins"]:
                        made.append(job(group, settings, data, model, seed, twin))
    return made


def job(group, settings, data, model, seed, twin):
    # The group's options come last, so that they win over the tier's.
    argv = [*settings, *group["args"].split(), "--data", data, "--seed", str(seed)]
    if group["command"] == "pals-train":
        argv += ["--model", model, "--method", twin]
        name = f"{data}-{model}-{twin}-{seed}"
    else:
        argv += ["--dense"] if twin == "dense" else []
        name = f"{data}-{group['settings']}-{twin}-{seed}"
    return Job(name, group["command"], argv)


def train(job: Job, work: Path, results: Path) -> dict:
    """Trains, exports and measures one run."""
    command, folder = COMMANDS[job.command], work / job.name
    model = folder / "model.onnx"
    a = command.arguments([*job.argv, "--out", str(folder), "--export", str(model), "--resume", "--quiet"])
    began = time.monotonic()
    trained = command.run(a)
    log = trained["log"]
    config = {k: v for k, v in log["config"].items() if k not in FREE}
    record = {
        "name": job.name,
        "command": f"{job.command} {' '.join(job.argv)}",
        "config": config,
        "machine": log["machine"],
        "seconds": round(sum(e["seconds"] for e in log["epochs"]), 1),
        "result": log["result"],
        "epochs": log["epochs"],
        "updates": log["updates"],
        "onnx_bytes": model.stat().st_size,
    }
    if compiled.command():
        record["verify"] = compiled.verify(model)
        record["sbtc"] = measured(command, a, trained["data"], model)
        record["agrees"] = agree(record["result"], record["sbtc"]["metrics"])
    record["seconds_in_all"] = round(time.monotonic() - began, 1)
    results.mkdir(parents=True, exist_ok=True)
    (results / f"{job.name}.json").write_text(compact(record))
    return record


def measured(command, a, data, model) -> dict:
    """The metric from the compiled package's outputs, its time and sizes."""
    if command is sbt_train:
        return compiled.measure(model, data.test, lambda outputs_of: sbt_train.evaluate(a, data, outputs_of))
    return compiled.measure(model, data.test, lambda outputs_of: pals_train.evaluate(data, outputs_of))


def agree(result, metrics) -> bool:
    """Whether the compiled metrics are PyTorch's to four digits."""
    return all(abs(result[k] - v) <= 5e-5 * max(abs(result[k]), 1e-3) * 2 for k, v in metrics.items() if k != "threshold")


def compact(record) -> str:
    """JSON with one line for each epoch and update."""
    lines = [f' {json.dumps(k)}: {_rows(v) if isinstance(v, list) else json.dumps(v)}' for k, v in record.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _rows(rows):
    return "[\n" + ",\n".join("  " + json.dumps(_short(row)) for row in rows) + "\n ]" if rows else "[]"


def _short(row):
    return {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in row.items()}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--tier", default="small")
    p.add_argument("--only", default="", help="runs whose name contains this")
    p.add_argument("--work", type=Path, default=Path("zoo-work"), help="checkpoints and models (default: zoo-work)")
    p.add_argument("--results", type=Path, help="default: train/results/TIER")
    p.add_argument("--again", action="store_true", help="compile and measure finished runs again, from their checkpoints")
    p.add_argument("--list", action="store_true", help="show the runs and what they found")
    p.add_argument("--detach", action="store_true", help="go on in the background, with output in WORK/zoo.log")
    a = p.parse_args()
    results = a.results or HERE / "results" / a.tier
    chosen = [j for j in jobs(a.tier) if a.only in j.name]
    if a.list:
        for j in chosen:
            print(j.name, shown(results / f"{j.name}.json"))
        return
    if a.detach:
        detach(a.work)
        return
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    for i, j in enumerate(chosen):
        if (results / f"{j.name}.json").exists() and not a.again:
            continue
        print(f"[{i + 1}/{len(chosen)}] {j.name}", flush=True)
        try:
            train(j, a.work, results)
        except SystemExit as e:
            # One run that fails does not stop the others; it is tried again next time.
            print(f"FAILED {j.name}: {e}", flush=True)
            continue
        print("   ", shown(results / f"{j.name}.json"), flush=True)


def shown(file) -> str:
    if not file.exists():
        return "-"
    record = json.loads(file.read_text())
    keys = ("accuracy", "f1", "f1_adjusted", "mse", "mae", "density")
    text = " ".join(f"{k} {record['result'][k]:.4f}" for k in keys if k in record["result"])
    if "sbtc" in record:
        text += f" sbtc {record['sbtc']['ns'] / 1000:.1f} us, agrees {record['agrees']}"
    return f"{text} ({record['seconds_in_all']:.0f} s)"


def detach(work: Path) -> None:
    """Starts this command again in a session of its own, without --detach."""
    work.mkdir(parents=True, exist_ok=True)
    log = open(work / "zoo.log", "a")
    argv = [sys.executable, "-m", "train.zoo", *(x for x in sys.argv[1:] if x != "--detach")]
    child = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    print(f"process {child.pid}, output in {work / 'zoo.log'}")


if __name__ == "__main__":
    main()
