"""TensorProto files, as in the test data of the ONNX backend tests."""

import onnx
from onnx import numpy_helper


def save_tensor(path, array, name):
    """Writes array as a TensorProto."""
    path.write_bytes(numpy_helper.from_array(array, name).SerializeToString())


def load_tensor(path):
    """Reads a TensorProto as an array."""
    return numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes()))
