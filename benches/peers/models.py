"""The models of the comparison as ONNX files that every prover accepts, and their rows.

EZKL wants a fixed batch, JSTprove names on nodes and `alpha` and `beta` written out; it has no sigmoid and gets the same
model without. Weights and rows are fixed by a seed.
"""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SEED = 20_220_601
CALIBRATION_ROWS = 64
TEST_ROWS = 64
MLPS = {"162-1": [162, 1], "162-64-32-1": [162, 64, 32, 1], "162-128-64-32-1": [162, 128, 64, 32, 1]}
PERCEPTRON = "perceptron"
NAMES = [*MLPS, PERCEPTRON]
# What the perceptron's training subtracted from pixels between 0 and 1, and divided them by.
PIXEL_MEAN, PIXEL_DEVIATION = 0.1307, 0.3081


@dataclass
class Model:
    name: str
    parameters: int
    onnx: Path
    # For provers without a sigmoid.
    onnx_without_sigmoid: Path
    # `[rows, inputs]`, float32.
    calibration: np.ndarray
    test: np.ndarray
    rows: str


def make(name, folder, perceptron, fixtures):
    """Writes model `name` into `folder`; None if it is the perceptron and its file is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    if name == PERCEPTRON:
        if not perceptron.is_file():
            return None
        calibration, test = digits(perceptron.parent / "input_data.json", fixtures)
        return Model(name, count(perceptron), perceptron, perceptron, calibration, test, "normalised digits")
    rng = np.random.default_rng([SEED, list(MLPS).index(name)])
    widths = MLPS[name]
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        weights = rng.standard_normal((outputs, inputs)) / np.sqrt(inputs)
        layers.append((weights.astype("f4"), (rng.standard_normal(outputs) * 0.1).astype("f4")))
    files = [folder / "model.onnx", folder / "model-without-sigmoid.onnx"]
    for file, sigmoid in zip(files, [True, False]):
        onnx.save(mlp(name, layers, sigmoid), file)
    rows = rng.standard_normal((CALIBRATION_ROWS + TEST_ROWS, widths[0])).astype("f4")
    return Model(name, count(files[0]), *files, rows[:CALIBRATION_ROWS], rows[CALIBRATION_ROWS:], "standard normal")


def mlp(name, layers, sigmoid):
    """Dense layers with ReLU between them."""
    nodes, constants, value = [], [], "input"
    for index, (weights, bias) in enumerate(layers):
        last = index + 1 == len(layers)
        product = "output" if last and not sigmoid else f"dense_{index}"
        constants += [numpy_helper.from_array(weights, f"weights_{index}"), numpy_helper.from_array(bias, f"bias_{index}")]
        inputs = [value, f"weights_{index}", f"bias_{index}"]
        nodes.append(helper.make_node("Gemm", inputs, [product], name=f"gemm_{index}", alpha=1.0, beta=1.0, transB=1))
        value = product
        if not last:
            nodes.append(helper.make_node("Relu", [value], [f"relu_{index}"], name=f"relu_{index}"))
            value = f"relu_{index}"
    if sigmoid:
        nodes.append(helper.make_node("Sigmoid", [value], ["output"], name="sigmoid"))
    ends = [("input", layers[0][0].shape[1]), ("output", layers[-1][0].shape[0])]
    ends = [helper.make_tensor_value_info(end, TensorProto.FLOAT, [1, width]) for end, width in ends]
    graph = helper.make_graph(nodes, name, ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def count(file):
    return sum(int(np.prod(tensor.dims)) for tensor in onnx.load(file).graph.initializer)


def digits(own, fixtures):
    """Synthetic digits, normalised; the first test row is the study's own input, if it is there."""
    calibration = images(fixtures / "digits/train-images-idx3-ubyte.gz")[:CALIBRATION_ROWS]
    test = images(fixtures / "digits/t10k-images-idx3-ubyte.gz")[:TEST_ROWS]
    if own.is_file():
        test[0] = json.loads(own.read_text())["input_data"][0]
    return calibration, test


def images(file):
    pixels = np.frombuffer(gzip.decompress(file.read_bytes())[16:], dtype="u1").reshape(-1, 784)
    return ((pixels / 255 - PIXEL_MEAN) / PIXEL_DEVIATION).astype("f4")
