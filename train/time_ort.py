"""Time ONNX Runtime on a model, one thread, seeded inputs: `python -m train.time_ort MODEL.onnx`.

The counterpart of `go test -bench Run` in a generated package. Prints the median and the smallest wall time of a call,
and the smallest processor time of a block of calls, which other work on the machine disturbs least.
"""

import argparse
import resource
import time

import numpy as np
import onnxruntime


def session(path):
    """A CPU session with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def inputs(s):
    """Seeded float32 inputs; an open dimension is 1."""
    random = np.random.RandomState(0)
    shapes = {i.name: [d if isinstance(d, int) else 1 for d in i.shape] for i in s.get_inputs()}
    return {name: random.randn(*shape).astype(np.float32) for name, shape in shapes.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--calls", type=int, default=3000)
    args = parser.parse_args()
    s = session(args.model)
    x = inputs(s)
    for _ in range(100):
        s.run(None, x)
    wall, cpu, block = [], [], 100
    for _ in range(max(1, args.calls // block)):
        used = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        for _ in range(block):
            start = time.perf_counter()
            s.run(None, x)
            wall.append(time.perf_counter() - start)
        cpu.append((resource.getrusage(resource.RUSAGE_SELF).ru_utime - used) / block)
    print(f"onnxruntime {onnxruntime.__version__}: median {np.median(wall) * 1e6:.1f} us, "
          f"smallest {min(wall) * 1e6:.1f} us, processor {min(cpu) * 1e6:.1f} us")


if __name__ == "__main__":
    main()
