"""Writes PyTorch models as ONNX files, through either exporter, and as folders in the layout of the ONNX backend tests.

The recorded outputs of a folder are PyTorch's until train.record replaces them by those of ONNX Runtime, which need not
be installed beside the PyTorch that exports.
"""

from __future__ import annotations

import io
import os
import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch

from train.tensors import save_tensor

TOLERANCE = 1e-5  # of the largest output, or of 1


def to_onnx(model, inputs, names, opset=17, exporter="legacy", metadata=None, dynamic_batch=False):
    """The ModelProto of model at inputs, a tuple of tensors; names are those of all inputs and of the output.

    exporter: legacy (traces; every PyTorch) or dynamo (torch.export; PyTorch 2.5 and newer, opset 18 and up).
    """
    model.eval()
    *input_names, output_name = names
    if exporter == "dynamo":
        proto = _dynamo(model, tuple(inputs), opset, input_names, output_name)
    elif exporter == "legacy":
        proto = _legacy(model, tuple(inputs), opset, input_names, output_name, dynamic_batch)
    else:
        raise ValueError(f"exporter {exporter}: expected legacy or dynamo")
    for key, value in sorted((metadata or {}).items()):
        proto.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def has_dynamo() -> bool:
    """Whether this PyTorch has the exporter built on torch.export."""
    major, minor = (int(v) for v in torch.__version__.split(".")[:2])
    return (major, minor) >= (2, 5)


def _legacy(model, inputs, opset, input_names, output_name, dynamic_batch):
    buffer = io.BytesIO()
    options = {"dynamo": False} if has_dynamo() else {}
    with warnings.catch_warnings():
        # Shapes are fixed, so what tracing makes constant is constant.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            inputs,
            buffer,
            opset_version=opset,
            input_names=input_names,
            output_names=[output_name],
            dynamic_axes={n: {0: "batch"} for n in (*input_names, output_name)} if dynamic_batch else None,
            **options,
        )
    return onnx.load_from_string(buffer.getvalue())


def _dynamo(model, inputs, opset, input_names, output_name):
    if not has_dynamo():
        raise SystemExit(f"train: PyTorch {torch.__version__} has no dynamo exporter: use --exporter legacy")
    program = torch.onnx.export(
        model,
        inputs,
        dynamo=True,
        verbose=False,
        opset_version=max(opset, 18),
        input_names=input_names,
        output_names=[output_name],
    )
    proto = program.model_proto
    for node in proto.graph.node:
        # Stack traces name files of the machine that exported.
        kept = [entry for entry in node.metadata_props if not entry.key.endswith("stack_trace")]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    return proto


def check(proto, model, inputs):
    """The largest difference between ONNX Runtime and PyTorch, over the largest output or 1.

    Where ONNX Runtime is not installed, the interpreter of the command that SBTC names takes its place; None without both.
    """
    with torch.no_grad():
        expected = model(*inputs).numpy()
    outputs = run_onnx(proto, [x.numpy() for x in inputs])
    if outputs is None:
        return None
    return float(np.abs(outputs - expected).max() / max(1.0, np.abs(expected).max()))


def run_onnx(proto, arrays):
    """The first output of a model at arrays, by ONNX Runtime or by sbtc; None where neither is there."""
    names = [v.name for v in proto.graph.input]
    feed = dict(zip(names, arrays))
    try:
        import onnxruntime
    except ImportError:
        return _sbtc(proto, feed)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, ["CPUExecutionProvider"])
    return session.run(None, feed)[0]


def _sbtc(proto, feed):
    sbtc = os.environ.get("SBTC")
    if not sbtc:
        return None
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        onnx.save(proto, work / "model.onnx")
        np.savez(work / "in.npz", **feed)
        command = [sbtc, "run", "model.onnx", "--input", "in.npz", "--output", "out.npz"]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"train: {sbtc} run: {done.stderr.strip()}")
        with np.load(work / "out.npz") as out:
            return out[proto.graph.output[0].name]


def write(path, model, inputs, names, exporter="legacy", **options):
    """Exports to path and checks the file; exporter both writes path and a second file, NAME.dynamo.onnx.

    Returns lines that say what was written.
    """
    path, lines = Path(path), []
    for each in ("legacy", "dynamo") if exporter == "both" else (exporter,):
        file = path if each == "legacy" or exporter != "both" else path.with_suffix(".dynamo.onnx")
        proto = to_onnx(model, inputs, names, exporter=each, **options)
        file.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(proto, file)
        difference = check(proto, model, inputs)
        if difference is not None and not difference <= TOLERANCE:
            raise SystemExit(f"train: {file}: outputs differ from PyTorch's by {difference:.2g} of the largest")
        told = "not checked: install onnxruntime" if difference is None else f"differs by {difference:.1g}"
        lines.append(f"{file}: {file.stat().st_size} bytes, {each} exporter, {told}")
    return lines


def export(model, folder, samples, opset, names, metadata, dynamic_batch=False, dynamo=False):
    """Exports model, and each of samples as a test_data_set_N of folder.

    A sample is one array (1, w, m) or a tuple of all inputs. dynamic_batch: leaves axis 0 of all inputs and outputs open,
    named "batch". dynamo: exports with torch.export, not a trace.
    """
    samples = [sample if isinstance(sample, tuple) else (sample,) for sample in samples]
    samples = [tuple(torch.as_tensor(x) for x in sample) for sample in samples]
    exporter = "dynamo" if dynamo else "legacy"
    proto = to_onnx(model, samples[0], names, opset, exporter, metadata, dynamic_batch)
    used = [v.name for v in proto.graph.input]

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(proto, folder / "model.onnx")
    for i, sample in enumerate(samples):
        with torch.no_grad():
            output = model(*sample)
        data_set = folder / f"test_data_set_{i}"
        data_set.mkdir(exist_ok=True)
        # The exporter leaves out inputs that nothing uses.
        for x, name in zip(sample, names):
            if name in used:
                save_tensor(data_set / f"input_{used.index(name)}.pb", x.numpy(), name)
        save_tensor(data_set / "output_0.pb", output.numpy(), names[-1])
