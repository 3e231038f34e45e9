"""Decision trees of scikit-learn, on a table like the study's: 600 days, 162 features, the first 449 days to train on.

The table is synthetic: hidden factors that change slowly from day to day move all features, whose magnitudes reach from cents to
billions, half of them with long tails, and decide the label together with noise. Features are standardised on the training
rows, as the study does it. Table and models are fixed by a seed.

One fitted model becomes two ONNX files: by skl2onnx as it writes them by default, a node per ensemble (for zkassay), and by
Hummingbird as arithmetic on tensors, which is how EZKL's users take trees there: it has no operator for them.
"""

import pickle
import subprocess
from pathlib import Path

import numpy as np
import skl2onnx
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier
from skl2onnx.common.data_types import FloatTensorType

DAYS, TRAINING_DAYS, FEATURES = 600, 449, 162
FACTORS = 12
# How much of its value a factor keeps from day to day.
PERSISTENCE = 0.9
# Standard deviation of what the factors do not explain: of features, and of what decides the label.
OWN, NOISE = 0.7, 1.2

# How each is made, and its classes.
MODELS = {
    "tree-8": (lambda: DecisionTreeClassifier(max_depth=8, random_state=0), 2),
    "forest-10": (lambda: RandomForestClassifier(10, random_state=0), 2),
    "forest-100": (lambda: RandomForestClassifier(100, random_state=0), 2),
    "boosted-200": (lambda: GradientBoostingClassifier(n_estimators=200, max_depth=4, random_state=0), 2),
    "forest-500x3": (lambda: RandomForestClassifier(500, random_state=0), 3),
}


def table(seed):
    """Standardised features of each day, float32; and the number that decides its label."""
    rng = np.random.default_rng(seed)
    factors = np.zeros((DAYS, FACTORS))
    for day in range(1, DAYS):
        factors[day] = PERSISTENCE * factors[day - 1] + np.sqrt(1 - PERSISTENCE**2) * rng.standard_normal(FACTORS)
    moves = factors @ (0.5 * rng.standard_normal((FACTORS, FEATURES))) + OWN * rng.standard_normal((DAYS, FEATURES))
    magnitudes = 10 ** rng.uniform(-2, 9, FEATURES)
    features = magnitudes * np.where(rng.random(FEATURES) < 0.5, np.exp(moves / 2), moves)
    training = features[:TRAINING_DAYS]
    decides = factors[:, 0] + factors[:, 1] * factors[:, 2] + np.maximum(factors[:, 3], 0) / 2
    decides += NOISE * rng.standard_normal(DAYS)
    return ((features - training.mean(0)) / training.std(0)).astype("f4"), decides


def fit(name, seed):
    """The fitted model, the table, and the label of each day."""
    make, classes = MODELS[name]
    rows, decides = table(seed)
    borders = np.quantile(decides[:TRAINING_DAYS], np.arange(1, classes) / classes)
    labels = np.digitize(decides, borders)
    return make().fit(rows[:TRAINING_DAYS], labels[:TRAINING_DAYS]), rows, labels


def describe(model, rows, labels):
    """Trees, nodes with leaves, depth, and accuracy on the days after the training."""
    of = getattr(model, "estimators_", None)
    parts = [model.tree_] if of is None else [tree.tree_ for tree in np.ravel(of)]
    return {
        "trees": len(parts),
        "nodes": int(sum(part.node_count for part in parts)),
        "depth": int(max(part.max_depth for part in parts)),
        "accuracy": round(float(model.score(rows[TRAINING_DAYS:], labels[TRAINING_DAYS:])), 4),
    }


def write(model, file):
    """By skl2onnx: the label, and the probabilities as ZipMap gives them."""
    file.write_bytes(skl2onnx.to_onnx(model, initial_types=[("input", FloatTensorType([1, FEATURES]))]).SerializeToString())


def write_tensors(model, file, python):
    """By Hummingbird, in the environment whose `python` has it; what went wrong, or None."""
    # The same scikit-learn is pinned there.
    fitted = file.with_suffix(".pickle")
    fitted.write_bytes(pickle.dumps(model))
    script = Path(__file__).with_name("hummingbird_export.py")
    done = subprocess.run([python, "-B", script, fitted, file], capture_output=True, text=True)
    fitted.unlink()
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        return f"Hummingbird: {lines[-1] if lines else done.returncode}"[:500]
