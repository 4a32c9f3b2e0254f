"""The ways in which exporters write the masks of a sparse binary transformer.

Node for node as PyTorch 1.13's exporter leaves each source form (section 3 of
arXiv 2308.04637 defines the masks themselves):

  add      mask buffers: scores + mask; q * mask
  fill     masked_fill by a mask that was folded: Where
  isinf    masked_fill(isinf(mask)): IsInf, Cast, Where
  big      scores + nan_to_num(mask, neginf=-1e9)
  forward  Step-T built in the forward pass by index assignment
  index    activations cleared by index assignment: Reshape, ScatterND, Reshape
  mha      Step-T as attn_mask of nn.MultiheadAttention
"""

import numpy as np
from onnx import TensorProto, numpy_helper

# The forms that each kind of attention can take.
FORMS = {
    "step_t": ["add", "fill", "isinf", "big", "forward", "mha"],
    "activations": ["add", "fill", "index"],
    "full": ["add", "mha"],
}


def masked_scores(g, form, scores, mask, built):
    """scores (h, w, w) under the Step-T mask (w, w); built is built_mask's result."""
    if form == "add":
        return g.op("Add", scores, g.folded("Add", mask[None]))
    if form == "fill":
        condition = g.folded("Where", mask == -np.inf)
        return g.op("Where", condition, g.number(-np.inf), scores)
    if form == "isinf":
        infinite = g.op("IsInf", g.folded("IsInf", mask.astype(np.float64)))
        condition = g.op("Cast", infinite, to=TensorProto.BOOL)
        return g.op("Where", condition, g.number(-np.inf), scores)
    if form == "big":
        finite = _nan_to_num(g, g.parameter("mask", mask), -1e9)
        return g.op("Add", scores, g.op("Unsqueeze", finite, g.ints(0)))
    if form == "forward":
        return g.op("Add", scores, g.op("Unsqueeze", built, g.ints(0)))
    # mha takes a boolean mask and turns it into zeros and -inf.
    additive = np.where(mask == -np.inf, np.float32(-np.inf), np.float32(0))[None]
    return g.op("Add", g.op("Mul", scores, g.number(1)), g.tensor(additive))


def masked_activation(g, form, x, name, zeros, shape):
    """x of shape (w, 1, d) with the flat indices zeros cleared; name is q, k or v."""
    w, _, d = shape
    mask = np.ones(w * d, np.float32)
    mask[zeros] = 0
    mask = mask.reshape(shape)
    if form == "add":
        return g.op("Mul", x, g.parameter(f"mask_{name}", mask))
    if form == "fill":
        return g.op("Where", g.folded("Where", mask == 0), g.number(0), x)
    return _index_clear(g, x, zeros, shape)


def built_mask(g, w):
    """The Step-T mask (w, w) from ConstantOfShape and two index assignments:

    mask[arange(w - 1), arange(w - 1)] = 1; mask[-1, :-1] = 0
    """
    minus_inf = np.full(1, -np.inf, np.float32)
    mask = g.op("ConstantOfShape", g.ints(w, w), value=numpy_helper.from_array(minus_inf))
    past, length = g.ints(*range(w - 1)), g.ints(w - 1)
    rows, columns = _coordinates(g, past, length, 1), _coordinates(g, past, length, 1)
    at = g.op("Concat", rows, columns, axis=-1)
    ones = _expand(g, g.number(1), g.ints(w - 1), 1)
    mask = g.op("ScatterND", mask, at, g.op("Reshape", ones, length))

    last = g.op("Gather", mask, g.tensor(np.int64(-1)), axis=0)
    ends = [g.ints(0), g.ints(-1), g.ints(0), g.ints(1)]
    row = g.op("Slice", last, *ends)
    zeros = g.op("Expand", g.number(0), g.op("Shape", row))
    shape = g.ints(1, w - 1)
    rows = _coordinates(g, g.tensor(np.array([[-1]])), shape, 2)
    columns = _coordinates(g, g.ints(*range(w - 1)), shape, 2)
    at = g.op("Concat", rows, columns, axis=-1)
    zeros = g.op("Reshape", zeros, _with_rest(g, shape, mask))
    return g.op("ScatterND", mask, at, zeros)


def _index_clear(g, x, zeros, shape):
    """x.reshape(-1, w * d)[:, zeros] = 0, back in shape (w, 1, d)."""
    w, _, d = shape
    flat = g.reshape(x, -1, w * d)
    indices, zero = g.ints(*zeros), g.number(0)
    sizes = g.ints(1, len(zeros))
    rows = _coordinates(g, g.tensor(np.array([[0]])), sizes, 2)
    columns = _coordinates(g, indices, sizes, 2)
    at = g.op("Concat", rows, columns, axis=-1)
    whole = _with_rest(g, sizes, flat)
    updates = _expand(g, zero, whole, None)
    flat = g.op("ScatterND", flat, at, g.op("Reshape", updates, whole))
    return g.reshape(flat, *shape)


def _coordinates(g, indices, shape, rank):
    """Indices expanded to a shape of that rank, with a new last axis."""
    return g.op("Unsqueeze", _expand(g, indices, shape, rank), g.ints(-1))


def _expand(g, x, shape, rank):
    """x.expand(shape) as exported: -1 in shape would keep x's own size (read as 1)."""
    rank = g.op("Shape", shape) if rank is None else g.ints(rank)
    ones = g.op("ConstantOfShape", rank, value=numpy_helper.from_array(np.array([1])))
    kept = g.op("Equal", shape, g.op("Mul", ones, g.tensor(np.int64(-1))))
    return g.op("Expand", x, g.op("Where", kept, ones, shape))


def _with_rest(g, shape, data):
    """shape followed by the sizes of data's axes from the second on (here none)."""
    rest = g.op("Slice", g.op("Shape", data), g.ints(2), g.ints(2**63 - 1), g.ints(0))
    return g.op("Concat", shape, rest, axis=0)


def _nan_to_num(g, x, lowest):
    """torch.nan_to_num(x, neginf=lowest), none of it folded."""
    zero = np.zeros(1, np.float32)
    x = g.op("Where", g.op("IsNaN", x), g.tensor(zero), x)
    for comparison, limit in (("Greater", np.finfo(np.float32).max), ("Less", lowest)):
        infinite = g.op("IsInf", g.op("Cast", x, to=TensorProto.DOUBLE))
        side = g.op(comparison, x, g.tensor(zero))
        infinite, side = (g.op("Cast", part, to=TensorProto.BOOL) for part in (infinite, side))
        both = g.op("And", infinite, side)
        x = g.op("Where", both, g.tensor(np.array([limit], np.float32)), x)
    return x
