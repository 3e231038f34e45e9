"""One model through EZKL's Python library, stage by stage: ezkl_worker.py MODEL.onnx ROWS.json DIR CONFIG.

CONFIG is a JSON object: `params` (visibility of the parameters), `calibration` (a target, or null for none), `run_args`
that replace EZKL's defaults, and `batch`, rows that the model takes at once: proof I is of the rows from I * batch on. EZKL reads keys and parameters from their files at every proof and at every verification:
its library has no other way.

Only what proving needs is imported: memory is measured on this process.
"""

import json
import sys
from pathlib import Path

import ezkl

from worker import serve

model, rows, folder = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3])
config = json.loads(sys.argv[4])
batch = config.get("batch", 1)


def file(name):
    return str(folder / name)


def settings():
    return json.loads((folder / "settings.json").read_text())


def srs():
    """Parameters depend on the number of rows alone; models and configurations share them."""
    return str(folder.parents[1] / f"kzg{settings()['run_args']['logrows']}.srs")


def write_rows(name, rows):
    """Several rows are one flat list to EZKL, row after row."""
    Path(file(name)).write_text(json.dumps({"input_data": [[x for row in rows for x in row]]}))


def floats(values):
    return [float(x) for output in values for x in output]


def prepare(_):
    arguments = ezkl.PyRunArgs()
    arguments.input_visibility, arguments.output_visibility = "private", "public"
    arguments.param_visibility = config["params"]
    for name, value in config.get("run_args", {}).items():
        setattr(arguments, name, tuple(value) if isinstance(value, list) else value)
    ezkl.gen_settings(model, file("settings.json"), py_run_args=arguments)
    if config.get("calibration"):
        # Whole batches.
        count = len(rows["calibration"]) // batch * batch
        write_rows("calibration.json", rows["calibration"][:count])
        ezkl.calibrate_settings(file("calibration.json"), model, file("settings.json"), config["calibration"])
    ezkl.compile_circuit(model, file("model.compiled"), file("settings.json"))
    chosen = settings()["run_args"]
    names = ["logrows", "input_scale", "param_scale", "lookup_range", "decomp_base", "decomp_legs", "num_inner_cols"]
    return {"settings": {name: chosen[name] for name in names}}


def parameters(_):
    if not Path(srs()).exists():
        ezkl.gen_srs(srs(), settings()["run_args"]["logrows"])


def setup(_):
    ezkl.setup(file("model.compiled"), file("verifying.key"), file("proving.key"), srs())
    return {f"{key}_bytes": (folder / name).stat().st_size for key, name in [("pk", "proving.key"), ("vk", "verifying.key")]}


def witness(row):
    write_rows("input.json", rows["test"][row * batch : (row + 1) * batch])
    ezkl.gen_witness(file("input.json"), file("model.compiled"), file("witness.json"))


def prove(_):
    ezkl.prove(file("witness.json"), file("model.compiled"), file("proving.key"), file("proof.json"), srs())


def verify(_):
    if not ezkl.verify(file("proof.json"), file("settings.json"), file("verifying.key"), srs()):
        raise ValueError("the proof is not accepted")


def proof(_):
    """The last proof: its size and its outputs."""
    record = json.loads((folder / "proof.json").read_text())
    return {
        "proof_bytes": len(record["hex_proof"].removeprefix("0x")) // 2,
        "outputs": floats(record["pretty_public_inputs"]["rescaled_outputs"]),
    }


def evaluate(row):
    witness(row)
    record = json.loads((folder / "witness.json").read_text())
    return {"outputs": floats(record["pretty_elements"]["rescaled_outputs"])}


serve({f.__name__: f for f in [prepare, parameters, setup, witness, prove, verify, proof, evaluate]})
