"""Both commands on tiny files: logs, resumption bit for bit, exports through both exporters, metadata."""

import json
import shutil

import numpy as np
import onnx
import pytest
import torch

from train import compiled, export, loop, nets, pals_train, sbt, sbt_train, zoo
from train.run import load


@pytest.fixture
def hourly(tmp_path):
    rng = np.random.default_rng(0)
    rows = ["date,a,b"] + [
        f"2020-{1 + i // 672:02d}-{1 + i // 24 % 28:02d} {i % 24:02d}:00:00,{np.sin(i / 4):.4f},{rng.normal():.4f}"
        for i in range(240)
    ]
    path = tmp_path / "hourly.csv"
    path.write_text("\n".join(rows) + "\n")
    return str(path)


@pytest.fixture
def labelled(tmp_path):
    rng = np.random.default_rng(0)
    rows = ["case,label,x,y"]
    for i in range(30):
        for t in range(6 + i % 3):
            rows.append(f"{i},{'ab'[i % 2]},{rng.normal() + 3 * (i % 2):.4f},{rng.normal():.4f}")
    path = tmp_path / "cases.csv"
    path.write_text("\n".join(rows) + "\n")
    return str(path)


def small_sbt(*more):
    return sbt_train.arguments([*more, "--d-model", "8", "--d-ff", "16", "--batch", "16", "--device", "cpu", "--quiet"])


def small_pals(data, *more):
    sizes = "--window 12 --label 6 --horizon 4 --d-model 8 --heads 2 --d-ff 16 --lr 1e-2 --device cpu --quiet".split()
    return pals_train.arguments(["--data", data, *sizes, *more])


def metadata(path):
    return {p.key: p.value for p in onnx.load(path).metadata_props}


def test_classification(labelled, tmp_path):
    file = tmp_path / "m.onnx"
    a = small_sbt("--task", "classification", "--data", labelled, "--epochs", "30", "--lr", "1e-2", "--export", str(file))
    result = sbt_train.run(a)["log"]["result"]
    assert result["accuracy"] >= 0.8
    # BatchNorm has as many gammas as there are channels, none of which is a matrix.
    assert result["density"] == pytest.approx(0.5, abs=0.01)
    told = metadata(file)
    assert (told["sbt.task"], told["classes"], told["channels"], told["sbt.k"]) == ("classification", "a,b", "x,y", "0.5")
    assert [v.name for v in onnx.load(file).graph.input] == ["series", "present"]


def test_forecast_and_log(hourly, tmp_path):
    out = tmp_path / "run"
    a = small_sbt("--task", "forecast", "--data", hourly, "--window", "10", "--epochs", "2", "--out", str(out))
    result = sbt_train.run(a)["log"]["result"]
    log = json.loads((out / "log.json").read_text())
    assert log["result"] == result and [e["epoch"] for e in log["epochs"]] == [1, 2]
    assert log["config"]["seed"] == 0 and log["epochs"][0]["sparsity"] == 0.5


def test_anomaly(hourly, tmp_path):
    tested = tmp_path / "tested.csv"
    lines = open(hourly).read().splitlines()
    tested.write_text("\n".join([lines[0] + ",label", *(f"{row},{int(100 < i < 110)}" for i, row in enumerate(lines[1:]))]))
    a = small_sbt("--task", "anomaly", "--data", hourly, "--test", str(tested), "--window", "8", "--epochs", "1")
    assert {"f1", "f1_adjusted", "threshold"} <= set(sbt_train.run(a)["log"]["result"])


@pytest.mark.parametrize("method", ["pals", "dense", "granet", "magnitude"])
def test_methods(hourly, tmp_path, method):
    file = tmp_path / "m.onnx"
    a = small_pals(
        hourly, "--model", "dlinear", "--method", method, "--epochs", "4", "--every", "2", "--gamma", "1.2",
        "--batch", "16", "--sparsity", "0.75", "--export", str(file),
    )
    trained = pals_train.run(a)
    result, told = trained["log"]["result"], metadata(file)
    assert told["pals.method"] == method and float(told["pals.sparsity"]) == pytest.approx(result["sparsity"], abs=1e-5)
    assert len(told["input.mean"].split(",")) == len(told["input.std"].split(",")) == 2
    weights = np.concatenate([onnx.numpy_helper.to_array(t).ravel() for t in onnx.load(file).graph.initializer if len(t.dims) > 1])
    assert (weights == 0).mean() == pytest.approx(result["sparsity"], abs=0.05)
    if method == "dense":
        assert result["sparsity"] == 0
    elif method == "pals":
        assert 0.1 < result["sparsity"] < 0.95
        assert {"step", "val_loss", "state", "sparsity"} == set(trained["log"]["updates"][0])
    # The best epoch may be one before the final sparsity is reached.
    assert trained["log"]["epochs"][-1]["sparsity"] == pytest.approx({"granet": 0.75, "magnitude": 0.75}.get(method, trained["log"]["epochs"][-1]["sparsity"]))


def test_a_run_goes_on_bit_for_bit(hourly, tmp_path):
    options = ["--model", "transformer", "--every", "3", "--gamma", "1.2", "--patience", "9"]
    whole = pals_train.run(small_pals(hourly, *options, "--epochs", "3", "--out", str(tmp_path / "whole")))

    class Cut(Exception):
        pass

    def cut(*_):
        raise Cut

    # Five batches an epoch: two validations in the first epoch, three in the second, in which it is cut off.
    a = small_pals(hourly, *options, "--epochs", "3", "--out", str(tmp_path / "cut"), "--resume")
    spare, loop.mean_loss = loop.mean_loss, counting(loop.mean_loss, 4, cut)
    try:
        with pytest.raises(Cut):
            pals_train.run(a)
    finally:
        loop.mean_loss = spare
    assert load(tmp_path / "cut" / "checkpoint.pt")["epoch"] == 1
    resumed = pals_train.run(a)
    for key in ("updates", "result"):
        assert resumed["log"][key] == whole["log"][key]
    for name, tensor in whole["model"].state_dict().items():
        assert torch.equal(tensor, resumed["model"].state_dict()[name]), name
    with pytest.raises(SystemExit, match="other settings.*lr"):
        pals_train.run(small_pals(hourly, *options, "--epochs", "3", "--lr", "0.5", "--out", str(tmp_path / "cut"), "--resume"))


def counting(function, calls, then):
    """function for so many calls, and then something else."""
    made = []

    def called(*args):
        made.append(1)
        return then() if len(made) > calls else function(*args)

    return called


def tiny(name):
    s = nets.Sizes(3, 12, 6, 6, 8, 2, 16)
    model = nets.build(name, s).eval()
    return model, tuple(torch.randn(1, *shape) for shape in ((12, 3), (12, 4), (12, 4)))[: len(model.inputs)]


EXPORTERS = ["legacy", pytest.param("dynamo", marks=pytest.mark.skipif(not export.has_dynamo(), reason="old PyTorch"))]


def same(proto, model, inputs):
    difference = export.check(proto, model, inputs)
    if difference is None:
        pytest.skip("neither ONNX Runtime nor sbtc (SBTC) is here")
    assert difference <= 1e-5


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("name", nets.MODELS)
def test_forecasters_export(name, exporter):
    torch.manual_seed(0)
    model, inputs = tiny(name)
    same(export.to_onnx(model, inputs, (*model.inputs, "forecast"), exporter=exporter), model, inputs)


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("density", [0.3, None])
@pytest.mark.parametrize("kind", ["anomaly", "forecast", "classification", "padded"])
def test_sbt_models_export(kind, density, exporter):
    torch.manual_seed(0)
    inputs, names = (torch.randn(1, 8, 4),), ("x", "y")
    if kind in ("classification", "padded"):
        model = sbt.Classifier(4, 8, 8, 3, d_ff=16, density=density)
        if kind == "padded":
            present = torch.ones(1, 8)
            present[0, 5:] = 0
            inputs, names = (*inputs, present), ("x", "present", "y")
    else:
        model = {"anomaly": sbt.AnomalyModel, "forecast": sbt.Forecaster}[kind](4, 8, 8, d_ff=16, density=density)
    model = sbt.freeze(model).eval()
    same(export.to_onnx(model, inputs, names, exporter=exporter), model, inputs)


def test_the_zoo_lists_each_run_once():
    for tier in ("small", "full"):
        runs = zoo.jobs(tier)
        assert len({j.name for j in runs}) == len(runs)
        for j in runs:
            zoo.COMMANDS[j.command].arguments(j.argv)


@pytest.mark.skipif(not (compiled.command() and shutil.which("go")), reason="needs sbtc (SBTC) and go")
def test_a_run_of_the_zoo(hourly, tmp_path):
    """The metric from the compiled package's outputs is PyTorch's."""
    argv = "--window 10 --d-model 8 --d-ff 16 --epochs 1 --device cpu".split()
    job = zoo.Job("tiny", "sbt-train", ["--task", "forecast", "--data", hourly, *argv])
    record = zoo.train(job, tmp_path / "work", tmp_path / "results")
    assert record["agrees"] and record["verify"].endswith("0 wrong")
    assert json.loads((tmp_path / "results" / "tiny.json").read_text())["sbtc"]["ns"] > 0
