"""The models of the comparison as ONNX files that every prover accepts, and their rows.

EZKL wants a fixed batch; JSTprove wants names on nodes, and attributes written out that have a default. It gets a file
of its own: without sigmoid or softmax at the end, and with averages as convolutions, since it has none of these. Trees are one
operator for zkassay and arithmetic on tensors for the others: see trees.py. A batch is another shape of the input for EZKL,
and a flag for zkassay. Weights and rows are fixed by a seed.
"""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import trees
from onnx import TensorProto, helper, numpy_helper

SEED = 20_220_601
CALIBRATION_ROWS = 64
TEST_ROWS = 64
# EZKL goes through every row for every setting, nine seconds each with 10,000 nodes; zkassay needs none for trees.
TREE_CALIBRATION_ROWS = 20
# Widths, and the function at the end.
MLPS = {
    "162-1": ([162, 1], "Sigmoid"),
    "162-64-32-1": ([162, 64, 32, 1], "Sigmoid"),
    "162-128-64-32-1": ([162, 128, 64, 32, 1], "Sigmoid"),
    "300-256-256-10": ([300, 256, 256, 10], None),
}
PERCEPTRON = "perceptron"
# The network, and the function at the end.
IMAGES = {"cnn": ("cnn", None), "cnn-softmax": ("cnn", "Softmax"), "lenet": ("lenet", None)}
NETWORKS = ["162-1", "162-64-32-1", "162-128-64-32-1", PERCEPTRON, "300-256-256-10", *IMAGES]
TREES = ["tree-8", "forest-10", "forest-100", "boosted-200", "forest-500x3"]
# A model, and the inferences of a proof.
BATCHES = {f"162-128-64-32-1@{batch}": ("162-128-64-32-1", batch) for batch in [1, 8, 16, 32, 128]}
GROUPS = {"networks": NETWORKS, "trees": TREES, "batches": list(BATCHES)}
SIDE = 28
# What the perceptron's training subtracted from pixels between 0 and 1, and divided them by.
PIXEL_MEAN, PIXEL_DEVIATION = 0.1307, 0.3081


@dataclass
class Model:
    name: str
    # A file for each of zkassay, ezkl and jstprove; for a prover without one, why.
    files: dict
    # `[rows, inputs]`, float32.
    calibration: np.ndarray
    test: np.ndarray
    rows: str
    # How large it is, for the record.
    size: dict
    # Inferences of a proof.
    batch: int = 1


def make(name, folder, options):
    """Writes model `name` into `folder`; None if it is the perceptron and its file is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    if name == PERCEPTRON:
        return perceptron(options.perceptron, options.fixtures)
    if name in TREES:
        return ensemble(name, folder, options.exporters)
    base, batch = BATCHES.get(name, (name, 1))
    files = {"zkassay": folder / "model.onnx", "jstprove": folder / "model-plain.onnx"}
    files["ezkl"] = folder / "model-batch.onnx" if batch > 1 else files["zkassay"]
    if base in IMAGES:
        for prover in ["zkassay", "jstprove"]:
            onnx.save(images(base, prover == "jstprove"), files[prover])
        calibration, test = (pixels.astype("f4") for pixels in digits(options.fixtures))
        return Model(name, files, calibration, test, "digits between 0 and 1", count(files["zkassay"]))
    rng = np.random.default_rng([SEED, list(MLPS).index(base)])
    widths, head = MLPS[base]
    weights = [normal(rng, [outputs, inputs]) for inputs, outputs in zip(widths, widths[1:])]
    for prover, file in files.items():
        rows = batch if prover == "ezkl" else 1
        network = Network(base, [rows, widths[0]])
        for index, layer in enumerate(weights):
            if index > 0:
                network.add("Relu")
            network.dense(*layer)
        onnx.save(network.model([rows, widths[-1]], None if prover == "jstprove" else head), file)
    # Two different batches at least.
    rows = rng.standard_normal((CALIBRATION_ROWS + max(TEST_ROWS, 2 * batch), widths[0])).astype("f4")
    calibration, test = rows[:CALIBRATION_ROWS], rows[CALIBRATION_ROWS:]
    return Model(name, files, calibration, test, "standard normal", count(files["zkassay"]), batch)


def perceptron(file, fixtures):
    if not file.is_file():
        return None
    rows = [(pixels - PIXEL_MEAN) / PIXEL_DEVIATION for pixels in digits(fixtures)]
    calibration, test = (of.astype("f4") for of in rows)
    own = file.parent / "input_data.json"
    if own.is_file():
        # The study's own input.
        test[0] = json.loads(own.read_text())["input_data"][0]
    files = dict.fromkeys(["zkassay", "ezkl", "jstprove"], file)
    return Model(PERCEPTRON, files, calibration, test, "normalised digits", count(file))


def ensemble(name, folder, exporters):
    """Trees; `exporters` is the environment that writes them for the peers."""
    fitted, rows, labels = trees.fit(name, [SEED, len(MLPS), 2])
    file, tensors = folder / "model.onnx", folder / "model-tensors.onnx"
    trees.write(fitted, file)
    failure = "Hummingbird is not installed, which writes its file"
    if exporters is not None:
        failure = trees.write_tensors(fitted, tensors, exporters / "bin/python")
    files = {"zkassay": file, "ezkl": failure or tensors, "jstprove": failure or tensors}
    days = np.linspace(0, trees.TRAINING_DAYS, TREE_CALIBRATION_ROWS, endpoint=False).astype(int)
    test = rows[trees.TRAINING_DAYS :][:TEST_ROWS]
    return Model(name, files, rows[days], test, "standardised days", trees.describe(fitted, rows, labels))


def images(name, plain):
    """A network over images of 28 x 28 pixels."""
    network, head = IMAGES[name]
    rng = np.random.default_rng([SEED, len(MLPS), ["cnn", "lenet"].index(network)])
    of = Network(name, [1, 1, SIDE, SIDE])
    if network == "cnn":
        of.convolution(*normal(rng, [4, 1, 3, 3]), stride=2)
        of.add("Relu")
        of.convolution(*normal(rng, [8, 4, 3, 3]), stride=2)
        of.add("Relu")
        of.add("Flatten", axis=1)
        of.dense(*normal(rng, [10, 8 * 6 * 6]))
    else:
        of.convolution(*normal(rng, [6, 1, 5, 5]), padding=2)
        of.add("Relu")
        of.average(6, plain)
        of.convolution(*normal(rng, [16, 6, 5, 5]))
        of.add("Relu")
        of.average(16, plain)
        of.add("Flatten", axis=1)
        of.dense(*normal(rng, [120, 400]))
        of.add("Relu")
        of.dense(*normal(rng, [84, 120]))
        of.add("Relu")
        of.dense(*normal(rng, [10, 84]))
    return of.model([1, 10], None if plain else head)


def normal(rng, shape):
    """Weights of `shape`, outputs first, that keep the size of what they are applied to; and small biases."""
    weights = rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    return weights.astype("f4"), (rng.standard_normal(shape[0]) * 0.1).astype("f4")


class Network:
    """A chain of nodes, each applied to what the one before it gives."""

    def __init__(self, name, inputs):
        self.name, self.inputs = name, inputs
        self.nodes, self.constants = [], []

    def add(self, operator, *constants, **attributes):
        index = len(self.nodes)
        value = self.nodes[-1].output[0] if self.nodes else "input"
        names = [f"constant_{index}_{position}" for position in range(len(constants))]
        self.constants += [numpy_helper.from_array(*pair) for pair in zip(constants, names)]
        name = f"{operator.lower()}_{index}"
        self.nodes.append(helper.make_node(operator, [value, *names], [name], name=name, **attributes))

    def dense(self, weights, bias):
        self.add("Gemm", weights, bias, alpha=1.0, beta=1.0, transB=1)

    def convolution(self, weights, bias, stride=1, padding=0):
        shape = {"kernel_shape": list(weights.shape[2:]), "strides": [stride] * 2, "pads": [padding] * 4}
        self.add("Conv", weights, bias, dilations=[1, 1], group=1, **shape)

    def average(self, channels, plain):
        """The mean of each 2 x 2 pixels; `plain`, a convolution that gives it."""
        if plain:
            weights = np.zeros((channels, channels, 2, 2), dtype="f4")
            weights[range(channels), range(channels)] = 0.25
            self.convolution(weights, np.zeros(channels, dtype="f4"), stride=2)
        else:
            self.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])

    def model(self, outputs, head):
        if head:
            self.add(head, **({"axis": -1} if head == "Softmax" else {}))
        self.nodes[-1].output[0] = "output"
        ends = [("input", self.inputs), ("output", outputs)]
        ends = [helper.make_tensor_value_info(end, TensorProto.FLOAT, shape) for end, shape in ends]
        graph = helper.make_graph(self.nodes, self.name, ends[:1], ends[1:], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model


def count(file):
    """The size of the network in a file, for the record."""
    return {"parameters": sum(int(np.prod(tensor.dims)) for tensor in onnx.load(file).graph.initializer)}


def digits(fixtures):
    """Pixels between 0 and 1 of synthetic digits, `[rows, 784]`, for calibration and for proofs."""
    names = {"train": CALIBRATION_ROWS, "t10k": TEST_ROWS}
    for name, rows in names.items():
        file = fixtures / f"digits/{name}-images-idx3-ubyte.gz"
        pixels = np.frombuffer(gzip.decompress(file.read_bytes())[16:], dtype="u1")
        yield pixels.reshape(-1, SIDE * SIDE)[:rows] / 255
