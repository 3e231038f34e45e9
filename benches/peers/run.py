"""Runs zkassay and its peers on the same models and rows, alternately, and writes peers.json and two Markdown files.

`cargo xtask peers` makes what this needs (environments, zkassay's worker) and starts it.

For each model, every prover makes keys in one process and proofs in another, started anew; a round of proofs gives each
prover a turn, so that what disturbs the machine disturbs all. Every proof is verified. A prover that fails, or takes too
much time or memory, is recorded with its message. All files are written after each model, and `--resume` goes on from them.
"""

import argparse
import datetime
import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import onnxruntime

import models
import report
from prover import SETUPS, Run

HERE = Path(__file__).parent
# EZKL's worker, and the protocol of all.
EZKL = HERE.parents[1] / "crates/zkassay-ezkl/python"
# Of the machine's memory: what a prover may have.
MEMORY_SHARE = 0.75

# Batches that EZKL is measured with.
EZKL_BATCHES = [1, 16]
# EZKL with private parameters takes what it takes with fixed ones: measured on these models.
EZKL_PRIVATE = ["162-1", "162-64-32-1", "162-128-64-32-1", "perceptron"]
# The best of a small search by hand, by CPU time: scale, columns, base and digits of the decomposition, look-up range, logrows.
EZKL_TUNED = {
    "162-1": (7, 1, 1024, 2, 640, 11),
    "162-64-32-1": (7, 3, 2048, 2, 640, 13),
    "162-128-64-32-1": (7, 3, 4096, 2, 640, 14),
    "162-128-64-32-1@1": (7, 3, 4096, 2, 640, 14),
    "162-128-64-32-1@16": (7, 3, 4096, 2, 640, 17),
    "perceptron": (10, 2, 4096, 2, None, 13),
    "300-256-256-10": (8, 2, 4096, 2, None, 15),
    "cnn": (8, 2, 4096, 2, None, 14),
    "cnn-softmax": (8, 2, 4096, 2, 2000, 14),
    "lenet": (8, 2, 4096, 2, None, 18),
    "tree-8": (8, 3, 512, 2, None, 10),
    "forest-10": (11, 3, 512, 3, None, 13),
    "forest-100": (11, 2, 8192, 2, None, 17),
    "boosted-200": (10, 3, 4096, 2, 8192, 14),
    # Not proved within minutes; the least rows that it fits.
    "forest-500x3": (11, 2, 8192, 2, None, 19),
}


def ezkl_tuned(model):
    scale, columns, base, legs, lookup, logrows = EZKL_TUNED[model]
    run_args = {"input_scale": scale, "param_scale": scale, "num_inner_cols": columns, "decomp_base": base, "decomp_legs": legs, "logrows": logrows}
    if lookup:
        run_args["lookup_range"] = [-lookup, lookup]
    return run_args


def provers(options, model):
    """The provers of one model: name, program, whose file of the model, further arguments."""
    yield "zkassay", [str(options.worker)], "zkassay", ["--batch", str(model.batch), "--parameters", str(options.work)]
    if "ezkl" in options.peers and model.batch in EZKL_BATCHES:
        configs = {"EZKL fixed": {"params": "fixed", "calibration": "resources"}}
        if model.name in EZKL_PRIVATE:
            configs = {"EZKL": {"params": "private", "calibration": "resources"}, **configs}
        if model.name in EZKL_TUNED:
            configs["EZKL tuned"] = {"params": "fixed", "run_args": ezkl_tuned(model.name)}
        for name, config in configs.items():
            config |= {"batch": model.batch, "srs": str(options.work)}
            yield name, [sys.executable, "-B", str(EZKL / "ezkl_worker.py")], "ezkl", [json.dumps(config)]
    if "jstprove" in options.peers and model.name not in models.BATCHES:
        # A Python of its own with the standard library alone, because of its memory: see the worker.
        program = ["env", f"PYTHONPATH={EZKL}", sys.executable, "-B", str(HERE / "jstprove_worker.py")]
        yield "JSTprove", program, "jstprove", [str(options.jstprove)]


def reference(onnx, model):
    """onnxruntime's outputs for the rows of a proof, `[rows, outputs]`."""
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    (value,) = session.get_inputs()
    # Rows of a file for batches are run together.
    shape = [size if isinstance(size, int) else 1 for size in value.shape]
    together = shape[0] if len(shape) == 2 else 1

    def run(rows):
        # Probabilities come last; a list of dictionaries is what ZipMap makes of them.
        found = session.run(None, {value.name: rows.reshape(shape)})[-1]
        found = [list(row.values()) for row in found] if isinstance(found, list) else found
        return np.asarray(found, dtype=float).reshape(together, -1)

    def of_proof(index):
        rows = model.test[index * model.batch : (index + 1) * model.batch]
        return np.concatenate([run(rows[at : at + together]) for at in range(0, len(rows), together)])

    return of_proof


def compare(options, model, folder):
    """The records of all provers on one model."""
    rows = folder / "rows.json"
    rows.write_text(json.dumps({"calibration": model.calibration.tolist(), "test": model.test.tolist()}))
    runs, missing = [], []
    for name, program, whose, extra in provers(options, model):
        file = model.files[whose]
        if isinstance(file, str):
            missing.append({"model": model.name, "prover": name, "stages": {}, "failure": file})
            print(f"  {name}: {file}", file=sys.stderr)
            continue
        own = folder / name.replace(" ", "-").lower()
        runs.append(Run(name, [*program, str(file), str(rows), str(own), *extra], own, model, reference(file, model), options))
    try:
        for run in runs:
            print(f"  {run.record['prover']}: calibration, parameters", file=sys.stderr)
            run.guarded(run.prepare)
        for _ in range(SETUPS):
            for run in runs:
                run.guarded(run.setup)
        # Proofs in new processes, from the files that the set-up left.
        for run in runs:
            run.close()
        for run in runs:
            run.guarded(lambda: run.proof(first=True))
        for index in range(options.proofs):
            print(f"  round {index + 1} of {options.proofs}", file=sys.stderr)
            for run in runs:
                run.guarded(lambda: run.turn(index))
        for run in runs:
            run.guarded(run.evaluate)
        return [run.finish() for run in runs] + missing
    finally:
        for run in runs:
            run.close()


def machine():
    info = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "memory_bytes": memory}


def versions(options):
    manifest = tomllib.loads(Path("Cargo.toml").read_text())
    found = {"zkassay": manifest["workspace"]["package"]["version"], "onnxruntime": onnxruntime.__version__}
    if "ezkl" in options.peers:
        found["EZKL"] = importlib.metadata.version("ezkl")
    if "jstprove" in options.peers:
        packages = importlib.metadata.distributions(path=map(str, options.jstprove.glob("lib/python*/site-packages")))
        found["JSTprove"] = next(package.version for package in packages if package.name.lower() == "jstprove")
    return found


def text(record):
    """JSON with one line per member, model and run."""
    lists = {"models", "runs"}
    parts = [
        f'"{name}": [\n  ' + ",\n  ".join(map(json.dumps, value)) + "\n ]" if name in lists else f'"{name}": {json.dumps(value)}'
        for name, value in record.items()
    ]
    return "{\n " + ",\n ".join(parts) + "\n}"


def begin(options):
    """The record of a run without models; with `--resume`, that of the run to go on with."""
    record = {
        "format": 2,
        "command": "cargo xtask peers",
        "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(options),
        "load": [os.getloadavg()[0]],
        "rounds": options.proofs,
        "seconds": 0,
        "skipped": options.skipped,
        "models": [],
        "runs": [],
    }
    file = options.out / "peers.json"
    if not options.resume or not file.is_file():
        return record
    earlier = json.loads(file.read_text())
    for what in ["format", "machine", "rounds"]:
        if earlier.get(what) != record[what]:
            sys.exit(f"{file} cannot be gone on with: its {what} is {earlier.get(what)}, now it is {record[what]}")
    for name, version in record["versions"].items():
        if earlier["versions"].setdefault(name, version) != version:
            sys.exit(f"{file} cannot be gone on with: it is of {name} {earlier['versions'][name]}, now it is {version}")
    earlier["skipped"] = list(dict.fromkeys([*earlier["skipped"], *record["skipped"]]))
    return earlier


def write(record, out):
    """Everything that is known so far."""
    pages = {"peers.json": text(record) + "\n", "peers.md": report.page(record), "readme.md": report.tables(record, short=True)}
    for name, page in pages.items():
        # A run that is stopped meanwhile must not leave half a file.
        partial = out / f"{name}.partial"
        partial.write_text(page)
        partial.replace(out / name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--worker", type=Path, required=True, help="zkassay's worker")
    parser.add_argument("--jstprove", type=Path, help="JSTprove's environment")
    parser.add_argument("--exporters", type=Path, help="an environment with Hummingbird, which writes trees for EZKL and JSTprove")
    parser.add_argument("--models", default=",".join(models.GROUPS), help="names, or groups of them")
    parser.add_argument("--peers", default="ezkl,jstprove")
    parser.add_argument("--proofs", type=int, default=5)
    parser.add_argument("--limit", type=int, default=600, help="seconds that one prover has for one model, from calibration to the last proof")
    parser.add_argument("--memory", type=float, default=round(MEMORY_SHARE * machine()["memory_bytes"] / 1e9), help="GB that one prover may have")
    parser.add_argument("--resume", action="store_true", help="go on with the record in OUT: models that it has are not measured again")
    parser.add_argument("--skipped", action="append", default=[], help="why a peer is not there, for the record")
    parser.add_argument("--perceptron", type=Path, default=Path("../shared/seed/results/perceptron.onnx"))
    parser.add_argument("--fixtures", type=Path, default=Path("fixtures"))
    parser.add_argument("--work", type=Path, required=True, help="folder for keys and proofs")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.peers = [peer for peer in options.peers.split(",") if peer]
    order = [name for names in models.GROUPS.values() for name in names]
    names = [name for word in options.models.split(",") for name in models.GROUPS.get(word, [word])]

    options.out.mkdir(parents=True, exist_ok=True)
    record = begin(options)
    # A copy: a build meanwhile must not change what is measured.
    options.work.mkdir(parents=True, exist_ok=True)
    options.worker = shutil.copy2(options.worker, options.work)
    measured = {model["name"] for model in record["models"]}
    for name in dict.fromkeys(names):
        if name in measured:
            continue
        start = time.monotonic()
        folder = options.work / name
        model = models.make(name, folder, options)
        if model is None:
            reason = f"{name}: {options.perceptron} is not there"
            print(reason, file=sys.stderr)
            if reason not in record["skipped"]:
                record["skipped"].append(reason)
            continue
        print(f"{name}: {', '.join(f'{count} {what}' for what, count in model.size.items())}", file=sys.stderr)
        digests = {whose: hashlib.sha256(file.read_bytes()).hexdigest() for whose, file in model.files.items() if isinstance(file, Path)}
        group = next(group for group, names in models.GROUPS.items() if name in names)
        runs = compare(options, model, folder)
        limits = {"limit_seconds": options.limit, "memory_bytes": int(options.memory * 1e9)}
        record["models"].append({"name": name, "group": group, **model.size, "sha256": digests, "rows": model.rows, **limits})
        record["runs"] += runs
        # However many runs it took.
        record["models"].sort(key=lambda model: order.index(model["name"]))
        record["runs"].sort(key=lambda run: order.index(run["model"]))
        record["load"] = [record["load"][0], os.getloadavg()[0]]
        record["seconds"] += round(time.monotonic() - start)
        write(record, options.out)

    print(report.tables(record, short=True))
    print(f"{record['seconds']} s; all figures are in {options.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
