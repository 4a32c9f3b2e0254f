"""Models of train.shapes: sizes against the paper's counts, outputs against numpy."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from train.architectures import ARCHITECTURES, Architecture, parameters
from train.shapes import Unsuitable, build, main
from train.spelling import FORMS
from train.tests.reference import forward

# Weights and kept weights of the sparse models as the authors' code counts them:
# with the gammas of norms, of which the fraction k counts as kept.
COUNTS = {
    "spokenarabicdigits-k90": (100_032, 90_048),
    "spokenarabicdigits-k50": (100_032, 50_144),
    "facedetection": (281_344, 140_928),
    "heartbeat-k90": (102_592, 92_352),
    "heartbeat-k50": (102_592, 51_424),
    "insectwingbeat-d256": (1_234_944, 618_240),
    "insectwingbeat-d512": (4_042_752, 2_022_912),
    "japanesevowels": (41_760, 20_944),
    "smd": (129_808, 32_452),
    "msl": (221_540, 55_384),
    "smap": (73_700, 18_424),
    "ecl-d350": (1_563_900, 781_950),
    "ecl-d512": (2_950_944, 1_475_472),
    "wth": (185_600, 92_800),
    "ettm1": (100_000, 50_000),
}

DENSE_PARAMETERS = {"smd": 132_794, "msl": 223_717, "ettm1": 102_023, "ecl-d350": 1_569_383}

SMALL = [
    Architecture("anomaly", "anomaly", 5, 7, 12, 0.25, h=3, ff=20),
    Architecture("forecast", "forecast", 5, 8, 12, 0.5, ff=20),
    Architecture("plain", "forecast", 4, 9, 10, 0.5, ff=20, gamma="plain"),
    Architecture("classes", "classification", 5, 7, 12, 0.5, ff=20, classes=3, p_a=0.5),
    Architecture("dense-anomaly", "anomaly", 5, 7, 12, 1, ff=20, dense=True),
    Architecture("dense-classes", "classification", 5, 7, 12, 1, ff=20, classes=3, dense=True),
]


def linears(p):
    yield p.embedding
    yield p.decoder
    for layer in p.layers:
        yield from (layer.q, layer.k, layer.v, layer.out_proj, layer.w1, layer.w2)


def gammas(a):
    return 0 if a.norm is None else 2 * a.L * (a.d if a.norm == "batch" else a.w)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_counts_are_the_papers(name):
    a = ARCHITECTURES[name]
    p = parameters(a, 0)
    weights, kept = COUNTS[name]
    assert sum(layer.weight.size for layer in linears(p)) + gammas(a) == weights
    nonzero = sum(np.count_nonzero(layer.weight) for layer in linears(p))
    # Batch norms keep all their gammas, masked window norms half of them. The
    # paper's count is of fractions; a layer keeps a whole number.
    norms = gammas(a) if a.norm == "batch" else gammas(a) // 2
    assert 0 <= nonzero + norms - kept <= 2 + 6 * a.L


@pytest.mark.parametrize("name", DENSE_PARAMETERS)
def test_dense_parameters_are_the_papers(name):
    a = replace(ARCHITECTURES[name], dense=True)
    total = sum(layer.weight.size + layer.bias.size for layer in linears(parameters(a, 0)))
    assert total + 2 * gammas(a) == DENSE_PARAMETERS[name]


def test_every_layer_is_ternary_at_its_density():
    a = ARCHITECTURES["smap"]
    for layer in linears(parameters(a, 3)):
        weight = layer.weight.astype(np.float32)
        assert len(np.unique(np.abs(weight))) == 2
        assert np.count_nonzero(weight == 0) == int(0.75 * weight.size)


def test_activation_masks_have_the_exact_count():
    a = Architecture("c", "classification", 5, 7, 12, 0.5, ff=20, classes=3, p_a=0.9)
    model = build(a)
    masks = [numpy_helper.to_array(t) for t in model.graph.initializer if ".mask_" in t.name]
    assert [m.shape for m in masks] == [(7, 1, 12)] * 3
    assert [np.count_nonzero(m == 0) for m in masks] == [int((1 - 0.9) * 84)] * 3


def test_masked_gammas():
    p = parameters(ARCHITECTURES["ettm1"], 0)
    norms = [norm for layer in p.layers for norm in (layer.norm1, layer.norm2)]
    assert [np.count_nonzero(norm.gamma == 0) for norm in norms] == [100] * 4
    assert all(norm.gamma[-1] != 0 for norm in norms)


def test_metadata():
    props = {p.key: p.value for p in build(SMALL[3]).metadata_props}
    assert props == {
        "sbt.task": "classification", "sbt.m": "5", "sbt.w": "7", "sbt.d": "12", "sbt.h": "2",
        "sbt.ff": "20", "sbt.L": "2", "sbt.classes": "3", "sbt.k": "0.5", "sbt.p_a": "0.5",
    }  # fmt: skip
    assert "sbt.k" not in {p.key for p in build(SMALL[4]).metadata_props}


def test_same_seed_same_bytes():
    first, second = (build(SMALL[0], seed=5).SerializeToString() for _ in range(2))
    assert first == second != build(SMALL[0], seed=6).SerializeToString()


def test_command(tmp_path, monkeypatch, capsys):
    def run(*options):
        monkeypatch.setattr("sys.argv", ["shapes", *options])
        main()

    path = tmp_path / "folder" / "smap.onnx"
    run("--name", "smap", "--density", "0.1", "--seed", "2", "--out", str(path))
    model = onnx.load(path)
    assert model == build(replace(ARCHITECTURES["smap"], k=0.1), seed=2)
    run("--list")
    assert len(capsys.readouterr().out.splitlines()) == 15
    with pytest.raises(SystemExit):
        run("--name", "smd", "--gamma", "plain", "--out", str(path))
    assert "--gamma goes with the sparse forecast models" in capsys.readouterr().err


def test_layer(tmp_path, monkeypatch):
    path = tmp_path / "layer.onnx"
    arguments = ["--layer", "4x10x20", "--density", "0.35", "--out", str(path)]
    monkeypatch.setattr("sys.argv", ["shapes", *arguments])
    main()
    graph = onnx.load(path).graph
    assert [node.op_type for node in graph.node] == ["MatMul"]
    weight = numpy_helper.to_array(graph.initializer[0])
    assert weight.shape == (10, 20) and np.count_nonzero(weight) == 70
    assert len(np.unique(np.abs(weight))) == 2


def test_unsuitable_form():
    with pytest.raises(Unsuitable, match="add, fill, index"):
        build(SMALL[3], "mha")


def forms(a):
    return FORMS["full" if a.dense else "step_t" if a.step_t else "activations"]


@pytest.mark.parametrize("opset", [14, 17])
@pytest.mark.parametrize("a, form", [(a, form) for a in SMALL for form in forms(a)])
def test_outputs(a, form, opset):
    check(a, build(a, form, seed=1, opset=opset))


@pytest.mark.parametrize("a", [a for a in SMALL if not a.dense])
def test_hand_folded(a):
    model = build(a, seed=1, by_hand=True)
    assert len(model.graph.node) < len(build(a).graph.node)
    check(a, model)


def test_hand_folded_goes_alone():
    for a, form in ((SMALL[0], "fill"), (SMALL[4], "add")):
        with pytest.raises(Unsuitable, match="hand-folded"):
            build(a, form, by_hand=True)


def check(a, model):
    """ONNX Runtime's output of the model with seed 1 is the numpy reference's."""
    ort = pytest.importorskip("onnxruntime", reason="runs the models in ONNX Runtime")
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(2).standard_normal((1, a.w, a.m)).astype(np.float32)
    (y,) = session.run(None, {session.get_inputs()[0].name: x})
    expected = forward(a, parameters(a, 1), x[0])
    assert y.shape == (1, len(expected))
    assert np.abs(expected).max() > 0.1
    assert np.abs(y[0] - expected).max() <= 1e-5 * max(1, np.abs(expected).max())
