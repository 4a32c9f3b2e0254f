"""Forecasters of the PALS paper, in forms that export to ONNX."""

from train.dlinear import DLinear
from train.nets.autoformer import Autoformer
from train.nets.fedformer import FEDformer
from train.nets.informer import Informer
from train.nets.layers import Sizes
from train.nets.transformer import NSTransformer, Transformer

MODELS = {
    "transformer": Transformer,
    "informer": Informer,
    "autoformer": Autoformer,
    "fedformer": FEDformer,
    "nstransformer": NSTransformer,
    "dlinear": DLinear,
}


def build(name, sizes: Sizes):
    """A model of MODELS; its attribute inputs names what it takes of (x_enc, x_mark_enc, x_mark_dec)."""
    if name == "dlinear":
        return DLinear(sizes.w, sizes.horizon, sizes.kernel)
    return MODELS[name](sizes)
