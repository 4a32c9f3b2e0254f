"""Writes models of a chosen shape with seeded random weights, for measurements.

    python -m train.shapes --list
    python -m train.shapes --name smd --out FILE.onnx
    python -m train.shapes --all --out DIR
    python -m train.shapes --encoder --density 0.1 --out FILE.onnx
    python -m train.shapes --layer 96x512x2048 --density 0.35 --out FILE.onnx

Needs numpy and onnx only.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import onnx
from onnx import numpy_helper

from train.architectures import ARCHITECTURES, parameters
from train.encoder import encoder
from train.folded import folded
from train.graph import Graph
from train.network import network
from train.spelling import FORMS
from train.weights import Weights


class Unsuitable(ValueError):
    """An option does not apply to a model."""


def build(a, form="add", seed=0, opset=17, by_hand=False):
    """The ONNX model of an Architecture, by_hand: folded; Unsuitable if form does not apply."""
    if by_hand:
        if a.dense or form != "add" or opset != 17:
            raise Unsuitable(
                "--hand-folded goes with sparse models, --opset 17 and no other --mask-form"
            )
        return folded(a, parameters(a, seed))
    kind = "full" if a.dense else "step_t" if a.step_t else "activations"
    if form not in FORMS[kind]:
        raise Unsuitable(f"{a.name}: --mask-form is one of {', '.join(FORMS[kind])} here")
    return network(a, parameters(a, seed), form, opset)


def layer(sizes, weights):
    """A single product x w: (rows, in) -> (rows, out)."""
    rows, fan_in, fan_out = sizes
    g = Graph()
    y = g.matmul("x", weights.matrix(fan_in, fan_out))
    return g.model("layer", {"x": [rows, fan_in]}, {"y": (y, [rows, fan_out])})


def layer_sizes(text):
    """ROWSxINxOUT as three positive integers."""
    sizes = [int(part) for part in text.split("x")]
    if len(sizes) != 3 or min(sizes) < 1:
        raise ValueError(text)
    return sizes


def chosen(a, arguments):
    """The architecture a changed as the options say."""
    if arguments.dense:
        a = replace(a, dense=True, p_a=None)
    elif arguments.density:
        a = replace(a, k=arguments.density)
    if arguments.gamma:
        if a.task != "forecast" or a.dense:
            raise Unsuitable(f"{a.name}: --gamma goes with the sparse forecast models")
        a = replace(a, gamma=arguments.gamma)
    return a


def open_batch(model):
    """Leaves the number of samples open, the first axis of all inputs and outputs, as an export with dynamic axes does."""
    shapes = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.output[0] in shapes:
            value = node.attribute[0].t
            shape = numpy_helper.to_array(value).copy()
            if -1 not in shape:
                # The axis of the samples stands first or, where heads are joined with it, behind time.
                shape[0 if shape[0] == 1 else 1] = -1
            value.CopyFrom(numpy_helper.from_array(shape, value.name))
    for port in (*model.graph.input, *model.graph.output):
        port.type.tensor_type.shape.dim[0].dim_param = "batch"
    del model.graph.value_info[:]
    return model


def write(model, path, open_axis=False):
    if open_axis:
        model = open_batch(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--name", choices=ARCHITECTURES, help="one model of the SBT paper")
    kind.add_argument("--all", action="store_true", help="all of them, into a folder")
    kind.add_argument("--list", action="store_true", help="print their names and sizes")
    kind.add_argument("--encoder", action="store_true", help=encoder.__doc__.splitlines()[0])
    kind.add_argument(
        "--layer", type=layer_sizes, metavar="ROWSxINxOUT", help=layer.__doc__.splitlines()[0]
    )
    parser.add_argument("--out", type=Path, metavar="PATH", help="a file; a folder with --all")
    parser.add_argument("--density", type=float, help="fraction of weights kept")
    parser.add_argument("--dense", action="store_true", help="the dense twin, in floats")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--open-batch", action="store_true", help=open_batch.__doc__.splitlines()[0])
    named = parser.add_argument_group("with --name and --all")
    forms = sorted({form for forms in FORMS.values() for form in forms})
    named.add_argument("--mask-form", choices=forms, default="add", help="how masks are spelled")
    named.add_argument("--gamma", choices=["masked", "plain"], help="forecast: window norms")
    named.add_argument("--hand-folded", action="store_true", help="folded before the export")
    named.add_argument("--opset", type=int, choices=[14, 17], default=17)
    sizes = parser.add_argument_group("with --encoder")
    for name, default in ENCODER.items():
        sizes.add_argument(f"--{name.replace('_', '-')}", type=int, help=f"default {default}")
    arguments = parser.parse_args()

    if arguments.list:
        for a in ARCHITECTURES.values():
            print(a.name, *(f"{key[4:]}={value}" for key, value in a.metadata().items()))
        return
    if arguments.out is None:
        parser.error("--out is missing")
    if arguments.density is not None and not 0 < arguments.density <= 1:
        parser.error("--density must be above 0 and at most 1")
    if arguments.dense and arguments.density not in (None, 1):
        parser.error("--dense goes with --density 1")
    options = arguments.mask_form, arguments.seed, arguments.opset, arguments.hand_folded
    weights = Weights(
        arguments.seed, arguments.density or 1.0, "float" if arguments.dense else "ternary"
    )
    if arguments.encoder or arguments.layer:
        if arguments.gamma or options != ("add", arguments.seed, 17, False):
            parser.error("--mask-form, --gamma, --hand-folded and --opset go with --name or --all")
    if arguments.encoder:
        for name, default in ENCODER.items():
            if getattr(arguments, name) is None:
                setattr(arguments, name, default)
        if arguments.d_model % arguments.nhead or arguments.d_model % 2:
            parser.error("--d-model must be even and a multiple of --nhead")
        write(encoder(arguments, weights), arguments.out, arguments.open_batch)
        return
    if any(getattr(arguments, name) is not None for name in ENCODER):
        parser.error("sizes go with --encoder")
    if arguments.layer:
        write(layer(arguments.layer, weights), arguments.out, arguments.open_batch)
        return
    try:
        if arguments.name:
            paths = {arguments.name: arguments.out}
        else:
            paths = {name: arguments.out / f"{name}.onnx" for name in ARCHITECTURES}
        for name, path in paths.items():
            a = chosen(ARCHITECTURES[name], arguments)
            write(build(a, *options), path, arguments.open_batch)
    except Unsuitable as error:
        parser.error(str(error))


# Sizes of the forecaster that --encoder writes.
ENCODER = dict(window=96, channels=7, d_model=64, nhead=4, d_ff=256, layers=2, horizon=24)


if __name__ == "__main__":
    main()
