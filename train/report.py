"""Writes docs/models.md and its plots from train/results and testdata/models: python -m train.report [--tier small]"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from train import plots
from train.counts import paper_flops

ROOT = Path(__file__).parent.parent
MODELS = ROOT / "testdata" / "models"
CHANNELS = {"JapaneseVowels": 12, "BasicMotions": 6, "ETTh1": 7, "ETTm1": 7, "exchange": 8, "weather": 21, "illness": 7}
CHANNELS.update({"A-1": 25, "P-1": 25, "T-1": 25, "C-1": 55, "M-6": 55})
WINDOWS = {"JapaneseVowels": 29, "BasicMotions": 100}
CLASSES = {"JapaneseVowels": 9, "BasicMotions": 4}
FORECASTERS = ("transformer", "informer", "autoformer", "fedformer", "nstransformer", "dlinear")
# NSTransformer in an early draft of the paper, means over its four horizons: dense MSE, PALS MSE, sparsity in %.
PUBLISHED = {"exchange": (0.541, 0.491, 48.5), "illness": (2.138, 2.332, 30.0), "weather": (0.292, 0.262, 90.3)}


def load(tier) -> dict:
    """Results by (data, what, twin), a list over seeds."""
    found = defaultdict(list)
    for file in sorted((ROOT / "train" / "results" / tier).glob("*.json")):
        record = json.loads(file.read_text())
        what, twin, _ = record["name"][len(record["config"]["data"]) + 1 :].split("-")
        found[record["config"]["data"], what, twin].append(record)
    return found


def over(records, *keys) -> str:
    """Mean and, of several seeds, deviation of a number."""
    values = [_get(r, keys) for r in records]
    values = [v for v in values if v is not None]
    if not values:
        return "-"
    mean = np.mean(values)
    digits = 3 if abs(mean) < 100 else 0
    return f"{mean:.{digits}f}" + (f" ± {np.std(values):.{digits}f}" if len(values) > 1 else "")


def _get(record, keys):
    for key in keys:
        if key not in record:
            return None
        record = record[key]
    return record


def mean(records, *keys):
    values = [v for v in (_get(r, keys) for r in records) if v is not None]
    return float(np.mean(values)) if values else None


def number(v) -> str:
    """A count with thousands, millions as 1.2 M."""
    if v is None:
        return "-"
    return f"{v / 1e6:.2f} M" if v >= 1e6 else f"{v / 1e3:.1f} k" if v >= 1e4 else f"{v:.0f}"


def cost(records) -> list[str]:
    """Density, parameters, non-zeros, multiply-adds that are left and those of them with a weight that is not 0, time, bytes."""
    us = min((r["sbtc"]["ns"] for r in records if "sbtc" in r), default=None)
    return [
        over(records[:1], "result", "density") if len(records) == 1 else f"{mean(records, 'result', 'density'):.3f}",
        number(mean(records, "result", "parameters")),
        number(mean(records, "result", "nonzero")),
        number(mean(records, "sbtc", "macs_live")),
        number(mean(records, "sbtc", "macs_nonzero")),
        "-" if us is None else f"{us / 1000:.1f}",
        number(mean(records, "sbtc", "weight_bytes")),
    ]


COST = ["density", "parameters", "non-zeros", "madds", "true madds", "µs", "weight bytes"]


def table(header, rows) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def paper(task, record, dense) -> int:
    """The paper's count for a record."""
    c, data = record["config"], record["config"]["data"]
    m, w = CHANNELS[data], WINDOWS.get(data) or c["window"]
    out = CLASSES.get(data, m)
    sizes = (task, m, w, c["d_model"] or 2 * m, c["heads"], c["d_ff"], c["layers"], out)
    return paper_flops(*sizes) if dense else paper_flops(*sizes, c["density"], c["qkv_density"])


def sbt_rows(found, task, keys):
    """Rows of a table of one SBT task: the dense twin above the sparse model."""
    rows = []
    for (data, what, twin), records in found.items():
        if what == task and twin == "sbt":
            for name, rs in (("dense", found.get((data, what, "dense"), [])), ("SBT", records)):
                if rs:
                    counted = number(paper(task, rs[0], name == "dense"))
                    rows.append([data, name, str(len(rs)), *(over(rs, "result", k) for k in keys), *cost(rs), counted])
    return rows


def pals_rows(found):
    rows = []
    for data in ("ETTh1", "exchange", "illness", "weather"):
        for model in FORECASTERS:
            dense, pals = found.get((data, model, "dense")), found.get((data, model, "pals"))
            for name, rs in (("dense", dense), ("PALS", pals)):
                if rs:
                    change = ""
                    if name == "PALS" and dense:
                        change = f"{100 * (mean(pals, 'result', 'mse') / mean(dense, 'result', 'mse') - 1):+.1f} %"
                    rows.append([data, model, name, over(rs, "result", "mse"), over(rs, "result", "mae"), change, *cost(rs)])
    return rows


def summary(found) -> str:
    """What the tables say, as sentences with their counts."""
    lines = []
    for data, unit in (("JapaneseVowels", 370), ("BasicMotions", 40)):
        sbt, dense = (mean(found.get((data, "classification", t), []), "result", "accuracy") for t in ("sbt", "dense"))
        if sbt and dense:
            cases = (dense - sbt) * unit
            lines.append(f"{data}: SBT {100 * sbt:.1f} % right, dense {100 * dense:.1f} %; {abs(cases):.1f} test cases {'fewer' if cases > 0 else 'more'}.")
    for task, key, text in (("forecast", "mse", "MSE at most 10 % above dense"), ("anomaly", "f1_adjusted", "adjusted F1 at least dense less 2 points")):
        good, all_ = [], []
        for (data, what, twin), records in found.items():
            dense = found.get((data, what, "dense"))
            if what == task and twin == "sbt" and dense:
                a, b = mean(records, "result", key), mean(dense, "result", key)
                all_.append(data)
                good += [data] * (a <= 1.1 * b if key == "mse" else a >= b - 0.02)
        if all_:
            lines.append(f"SBT {task}: {text} on {len(good)} of {len(all_)} sets ({', '.join(good) or 'none'}).")
    pairs = [
        (data, mean(p, "result", "sparsity"), mean(p, "result", "mse") / mean(found[data, model, "dense"], "result", "mse"))
        for (data, model, twin), p in found.items()
        if twin == "pals" and (data, model, "dense") in found
    ]
    if pairs:
        fine = sum(ratio <= 1.05 for _, _, ratio in pairs)
        lines.append(f"PALS: MSE at most 5 % above dense in {fine} of {len(pairs)} rows, below it in {sum(r < 1 for *_, r in pairs)}.")
        for some in (("ETTh1", "weather"), ("illness",), ("exchange",)):
            values = [s for data, s, _ in pairs if data in some]
            if values:
                lines.append(f"PALS sparsity, mean over {len(values)} rows of {' and '.join(some)}: {100 * np.mean(values):.0f} % ({100 * min(values):.0f} to {100 * max(values):.0f}).")
    records = [r for rs in found.values() for r in rs]
    checked = [r for r in records if "sbtc" in r]
    lines.append(
        f"Of {len(records)} runs, {len(checked)} were compiled and verified; the metric from the compiled package's outputs equals "
        f"PyTorch's to four digits in {sum(r['agrees'] for r in checked)}."
    )
    return "\n".join(f"- {line}" for line in lines) + "\n"


def draw(found, folder) -> list[tuple[str, str]]:
    """The plots: (file, caption)."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []

    def save(name, caption, svg):
        (folder / name).write_text(svg)
        made.append((name, caption))

    for data, model in (("illness", "nstransformer"), ("ETTh1", "transformer")):
        pals, dense = (found.get((data, model, t)) for t in ("pals", "dense"))
        if pals and dense:
            curves = {t: ([e["epoch"] for e in r[0]["epochs"]], [e["val_loss"] for e in r[0]["epochs"]]) for t, r in (("dense", dense), ("PALS", pals))}
            per = pals[0]["updates"][-1]["step"] / pals[0]["epochs"][-1]["epoch"]
            ups = pals[0]["updates"]
            panels = [("validation loss", curves), ("sparsity", {"PALS": ([u["step"] / per for u in ups], [u["sparsity"] for u in ups])})]
            save(f"pals_{data}_{model}.svg", f"{model} on {data}: loss and sparsity while it trains", plots.lines(f"{model} on {data}", panels))
    sbt, dense = (found.get(("JapaneseVowels", "classification", t)) for t in ("sbt", "dense"))
    if sbt and dense:
        curves = {t: ([e["epoch"] for e in r[0]["epochs"]], [e["val_loss"] for e in r[0]["epochs"]]) for t, r in (("dense", dense), ("SBT", sbt))}
        save("sbt_JapaneseVowels.svg", "SBT and its dense twin on JapaneseVowels", plots.lines("JapaneseVowels", [("validation loss", curves)], 420))
    step_t = next(a for a in constants("sbt_anomaly").values() if a.ndim >= 2 and a.shape[-1] == a.shape[-2] == 50 and np.isinf(a).any())
    qkv = [a.reshape(29, -1).T for a in constants("sbt_classify").values() if a.size == 29 * 16 and set(np.unique(a)) == {0, 1}][:3]
    save(
        "sbt_masks.svg",
        "the masks of SBT: which steps (columns) a step (rows) attends to under Step-T; which of Q, K and V (16 channels by 29 steps) a classifier keeps",
        plots.cells("masks of SBT", [("Step-T", np.isfinite(step_t.reshape(50, 50)).astype(float)), *zip("QKV", qkv)], 5),
    )
    maps = []
    for name, array in weights("pals_transformer").items():
        a = array.squeeze()
        if name.startswith("encoder.0") and a.ndim == 2:
            blocks = a[: a.shape[0] // 4 * 4, : a.shape[1] // 4 * 4] != 0
            maps.append((name[10:], blocks.reshape(blocks.shape[0] // 4, 4, -1, 4).mean((1, 3))))
    save("pals_density.svg", "share of weights left in blocks of 4 by 4, in the first encoder layer of the Transformer pruned by PALS (testdata/models/pals_transformer)", plots.cells("weight density", maps, 12, 14))
    return made


def constants(name) -> dict:
    """A test model's initializers and Constant nodes by name."""
    graph = onnx.load(MODELS / name / "model.onnx").graph
    found = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            found.update({node.output[0]: numpy_helper.to_array(a.t) for a in node.attribute if a.name == "value"})
    return found


def weights(name) -> dict:
    """The matrices of a test model's linear layers and convolutions by the path of the layer."""
    arrays, found = constants(name), {}
    for node in onnx.load(MODELS / name / "model.onnx").graph.node:
        if node.op_type in ("MatMul", "Gemm", "Conv") and node.input[1] in arrays:
            found[node.name.strip("/").rsplit("/", 1)[0]] = arrays[node.input[1]]
    return found


def page(tier, folder) -> str:
    """The whole text; its plots go to folder."""
    text, found = (Path(__file__).parent / "models.md.in").read_text(), load(tier)
    parts = {
        "summary": summary(found),
        "classification": table(["data", "model", "seeds", "accuracy", *COST, "paper's count"], sbt_rows(found, "classification", ["accuracy"])),
        "anomaly": table(["channel", "model", "seeds", "F1", "adjusted F1", *COST, "paper's count"], sbt_rows(found, "anomaly", ["f1", "f1_adjusted"])),
        "forecast": table(["data", "model", "seeds", "MSE", "MAE", *COST, "paper's count"], sbt_rows(found, "forecast", ["mse", "mae"])),
        "pals": table(["data", "model", "method", "MSE", "MAE", "MSE against dense", *COST], pals_rows(found)),
        "published": table(
            ["data", "dense MSE", "PALS MSE", "sparsity"],
            [[k, f"{d:.3f}", f"{p:.3f}", f"{s:.1f} %"] for k, (d, p, s) in PUBLISHED.items()],
        ),
        "plots": "\n\n".join(f"![{caption}](models/{name})\n\n*{caption}*" for name, caption in draw(found, folder)),
    }
    for key, value in parts.items():
        text = text.replace(f"@{key}@", value.rstrip("\n"))
    return text


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--tier", default="small")
    a = p.parse_args()
    (ROOT / "docs" / "models.md").write_text(page(a.tier, ROOT / "docs" / "models"))


if __name__ == "__main__":
    main()
