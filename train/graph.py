"""ONNX graphs built node by node, named as PyTorch's tracing exporter names them."""

from contextlib import contextmanager

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# The format's version that goes with each opset written here: newer onnx
# packages would write a newer one, which older runtimes reject.
IR_VERSIONS = {14: 7, 17: 8}


class Graph:
    """Collects nodes and constants; every method returns the name of its result.

    Inside scope("layers.0") the node names begin with /layers.0/ and the names
    that parameter gives with layers.0.
    """

    def __init__(self, opset=17):
        self.opset = opset
        self.nodes, self.initializers, self.shared = [], [], []
        self.path, self.counts, self.known = [], {}, {}

    @contextmanager
    def scope(self, name):
        self.path.append(name)
        yield
        self.path.pop()

    def _count(self, key):
        self.counts[key] = self.counts.get(key, -1) + 1
        return self.counts[key]

    def op(self, op_type, *inputs, **attributes):
        """Adds a node with one output."""
        name = "/".join(["", *self.path, op_type])
        n = self._count(name)
        name = f"{name}_{n}" if n else name
        output = f"{name}_output_0"
        self.nodes.append(helper.make_node(op_type, list(inputs), [output], name, **attributes))
        return output

    def reshape(self, x, *shape):
        """Reshape with the shape as a Constant node."""
        attributes = {"allowzero": 0} if self.opset >= 14 else {}
        return self.op("Reshape", x, self.ints(*shape), **attributes)

    def tensor(self, array):
        """A Constant node."""
        return self.op("Constant", value=numpy_helper.from_array(np.asarray(array)))

    def number(self, value):
        """A Constant node of a float32 scalar."""
        return self.tensor(np.float32(value))

    def ints(self, *values):
        """A Constant node of a list of int64."""
        return self.tensor(np.array(values, np.int64))

    def initializer(self, name, array):
        """An initializer; equal ones are stored once and shared through Identity."""
        array = np.ascontiguousarray(array)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key in self.known:
            label = f"Identity_{len(self.shared)}"
            self.shared.append(helper.make_node("Identity", [self.known[key]], [name], label))
            return name
        self.known[key] = name
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def parameter(self, name, array):
        """A float32 initializer named by the scope, as a module's parameter or buffer."""
        return self.initializer(".".join([*self.path, name]), np.asarray(array, np.float32))

    def folded(self, op_type, array):
        """An initializer that the exporter made by folding constants, for an op_type node."""
        return self.initializer(f"onnx::{op_type}_{self._count('onnx::')}", array)

    def matmul(self, x, weight):
        """x (..., in) times a weight (in, out): the exporter stores it transposed."""
        return self.op("MatMul", x, self.folded("MatMul", np.asarray(weight, np.float32)))

    def model(self, name, inputs, outputs, metadata=None):
        """The finished model; inputs is {name: shape}, outputs {name: (value, shape)}."""
        renamed = {value: output for output, (value, _) in outputs.items()}
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [renamed.get(value, value) for value in names]
        shapes = {output: shape for output, (_, shape) in outputs.items()}
        graph = helper.make_graph(
            self.shared + self.nodes, name, _infos(inputs), _infos(shapes), self.initializers
        )
        model = helper.make_model(
            graph, producer_name="train", opset_imports=[helper.make_opsetid("", self.opset)]
        )
        model.ir_version = IR_VERSIONS[self.opset]
        if metadata:
            helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        return model


def _infos(shapes):
    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]
