"""A model's outputs by onnxruntime, as a worker: reference.py MODEL.onnx ROWS.json. Stages are `calibration`, `test` and `shape`."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import onnxruntime

from worker import die_with_parent, serve

die_with_parent()
rows = json.loads(Path(sys.argv[2]).read_text())
quiet = onnxruntime.SessionOptions()
quiet.log_severity_level = 3
quiet.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], quiet, providers=["CPUExecutionProvider"])


def input_shape():
    """The input and its shape for one row."""
    (value,) = session.get_inputs()
    return value, [size if isinstance(size, int) and size > 0 else 1 for size in value.shape]


def shape(_):
    """How many values the model takes."""
    return {"inputs": math.prod(input_shape()[1])}


def outputs(row):
    """All outputs, one after the other."""
    value, shape = input_shape()
    found = session.run(None, {value.name: np.asarray(row, dtype="f4").reshape(shape)})
    # A list of dictionaries is what ZipMap makes of probabilities.
    flat = [[x for row in part for x in row.values()] if isinstance(part, list) else np.ravel(part) for part in found]
    return {"outputs": [float(x) for part in flat for x in part]}


stages = {name: lambda row, name=name: outputs(rows[name][row]) for name in ["calibration", "test"]}
serve({"shape": shape, **stages})
