"""Records ONNX Runtime's outputs in model folders: python -m train.record FOLDER...

Fails where they differ from the outputs found there by more than 1e-5 of the
largest (1e-5 where that is below 1), so that the first run after an export
compares ONNX Runtime with PyTorch.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from train.tensors import load_tensor, save_tensor

TOLERANCE = 1e-5


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    for folder in parser.parse_args().folders:
        print(record(folder))


def record(folder):
    """Checks and records one folder; returns a line that describes it."""
    path = folder / "model.onnx"
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    graph_inputs, (graph_output,) = session.get_inputs(), session.get_outputs()
    worst = 0.0
    for data_set in sorted(folder.glob("test_data_set_*")):
        feed = {v.name: load_tensor(data_set / f"input_{i}.pb") for i, v in enumerate(graph_inputs)}
        (y,) = session.run(None, feed)
        expected = load_tensor(data_set / "output_0.pb")
        largest = max(1.0, float(np.abs(expected).max()))
        difference = float(np.abs(y - expected).max())
        if not difference <= TOLERANCE * largest:
            raise SystemExit(f"train: {data_set}: outputs differ by {difference:g}")
        save_tensor(data_set / "output_0.pb", y, graph_output.name)
        worst = max(worst, difference)
    operators = Counter(node.op_type for node in model.graph.node)
    return (
        f"{folder.name}: {path.stat().st_size} bytes, opset {model.opset_import[0].version}, "
        f"{len(model.graph.node)} nodes, "
        f"{' '.join(f'{v.name}{v.shape}' for v in graph_inputs)} -> {graph_output.name}{graph_output.shape}, "
        f"max difference {worst:.2g}\n  "
        + " ".join(f"{op}:{count}" for op, count in sorted(operators.items()))
    )


if __name__ == "__main__":
    main()
