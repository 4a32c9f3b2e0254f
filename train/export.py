"""Writes a PyTorch model as a folder in the layout of the ONNX backend tests.

The recorded outputs are PyTorch's until train.record replaces them by those of
ONNX Runtime, which need not be installed beside the PyTorch that exports.
"""

import io
from pathlib import Path

import onnx
import torch

from train.tensors import save_tensor


def export(model, folder, samples, opset, names, metadata, dynamic_batch=False, dynamo=False):
    """Exports model, and each of samples (1, w, m) as a test_data_set_N.

    names: the graph's input and output name. dynamic_batch: leaves axis 0 of
    both open, named "batch". dynamo: exports with torch.export, not a trace.
    """
    model.eval()
    samples = [torch.as_tensor(sample) for sample in samples]
    example = samples[0]
    if dynamo:
        proto = _export_dynamo(model, example, opset, names)
    else:
        proto = _export_trace(model, example, opset, names, dynamic_batch)
    for key, value in sorted(metadata.items()):
        proto.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(proto, full_check=True)

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(proto, folder / "model.onnx")
    for i, sample in enumerate(samples):
        with torch.no_grad():
            output = model(sample)
        data_set = folder / f"test_data_set_{i}"
        data_set.mkdir(exist_ok=True)
        save_tensor(data_set / "input_0.pb", sample.numpy(), names[0])
        save_tensor(data_set / "output_0.pb", output.numpy(), names[1])


def _export_trace(model, example, opset, names, dynamic_batch):
    buffer = io.BytesIO()
    torch.onnx.export(
        model,
        example,
        buffer,
        opset_version=opset,
        input_names=[names[0]],
        output_names=[names[1]],
        dynamic_axes={name: {0: "batch"} for name in names} if dynamic_batch else None,
    )
    return onnx.load_from_string(buffer.getvalue())


def _export_dynamo(model, example, opset, names):
    program = torch.onnx.export(
        model,
        (example,),
        dynamo=True,
        opset_version=opset,
        input_names=[names[0]],
        output_names=[names[1]],
    )
    proto = program.model_proto
    for node in proto.graph.node:
        # Stack traces name files of the machine that exported.
        kept = [entry for entry in node.metadata_props if not entry.key.endswith("stack_trace")]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    return proto
