"""A fitted model of scikit-learn as arithmetic on tensors: hummingbird_export.py MODEL.pickle OUT.onnx.

Runs in the environment of `cargo xtask python --exporters`. Opset 11, for one row: EZKL refuses the trees of other opsets.
The label is left out and the probabilities stay, which is less to prove.
"""

import pickle
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from hummingbird.ml import convert

warnings.simplefilter("ignore")
model, out = pickle.loads(Path(sys.argv[1]).read_bytes()), sys.argv[2]
# One row: what it is given decides how the trees are written.
row = np.zeros((1, model.n_features_in_), dtype="f4")
network = convert(model, "torch", row).model
# Hummingbird was written for the older of PyTorch's exporters.
outputs = ["label", "probability"]
torch.onnx.export(network, (torch.from_numpy(row),), out, dynamo=False, opset_version=11, input_names=["input"], output_names=outputs)
onnx.utils.extract_model(out, out, ["input"], outputs[1:])
