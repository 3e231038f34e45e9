"""One model through EZKL's Python library, stage by stage: ezkl_worker.py MODEL.onnx ROWS.json FOLDER OPTIONS.

OPTIONS is a JSON object: `params` (visibility of the parameters), `srs` (folder of the parameters), and, unless left out, `calibration`
(EZKL's own, towards this target) or `tune` (a search for the cheapest settings: see tuning.py), `run_args` that replace EZKL's
defaults, `batch` (rows that the model takes at once: proof I is of the rows from I * batch on) and `memory` (bytes).

EZKL reads keys and parameters from their files at every proof and at every verification: its library has no other way. Only what
proving needs is imported: memory is measured on this process.
"""

import json
import os
import sys
from pathlib import Path

from tuning import BLINDING, search
from worker import Refused, die_with_parent, limit_memory, serve

die_with_parent()
options = json.loads(sys.argv[4])
limit_memory(options.get("memory"))
# EZKL looks for a folder of its own there, and panics without.
os.environ.setdefault("HOME", sys.argv[3])

import ezkl  # noqa: E402

model, folder = sys.argv[1], Path(sys.argv[3])
rows = json.loads(Path(sys.argv[2]).read_text())
batch = options.get("batch", 1)
# Of the settings, what is told.
TOLD = ["logrows", "input_scale", "param_scale", "scale_rebase_multiplier", "lookup_range", "decomp_base", "decomp_legs", "num_inner_cols"]
# What the search found; None before it.
tuned = None


def file(name):
    return str(folder / name)


def read(name):
    return json.loads((folder / name).read_text())


def size(name):
    return (folder / name).stat().st_size


def srs():
    """Parameters depend on the number of rows alone; models and configurations share them."""
    return Path(options["srs"]) / f"kzg{read('settings.json')['run_args']['logrows']}.srs"


def write_rows(name, rows):
    """Several rows are one flat list to EZKL, row after row."""
    Path(file(name)).write_text(json.dumps({"input_data": [[x for row in rows for x in row]]}))


def write_settings(run_args):
    arguments = ezkl.PyRunArgs()
    arguments.input_visibility, arguments.output_visibility = "private", "public"
    arguments.param_visibility = options["params"]
    for name, value in run_args.items():
        setattr(arguments, name, tuple(value) if isinstance(value, list) else value)
    ezkl.gen_settings(model, file("settings.json"), py_run_args=arguments)


def shape(run_args):
    """What the search asks of settings: rows in use, and whether anything is looked up."""
    write_settings(run_args)
    found = read("settings.json")
    return {"rows": found["num_rows"], "lookups": bool(found["required_lookups"])}


def settings(_):
    write_settings(options.get("run_args", {}))


def calibrate(_):
    global tuned
    if options.get("calibration"):
        # Whole batches.
        count = len(rows["calibration"]) // batch * batch
        write_rows("calibration.json", rows["calibration"][:count])
        ezkl.calibrate_settings(file("calibration.json"), model, file("settings.json"), options["calibration"])
    if "tune" in options:
        tuned = search(model, rows["calibration"], folder, options, shape)
        write_settings(tuned["run_args"])
        return tuned["times"]


def compile_circuit(_):
    ezkl.compile_circuit(model, file("model.compiled"), file("settings.json"))
    return shape_and_settings


def shape_and_settings():
    found = read("settings.json")
    chosen = found["run_args"]
    told = {name: chosen[name] for name in TOLD if name in chosen}
    # Rows that do not fit are continued in further columns.
    rows = found["num_rows"] if found["num_rows"] <= 2 ** chosen["logrows"] else None
    if tuned:
        told["search"] = tuned["search"]
    return {"circuit": {"logrows": chosen["logrows"], "rows": rows}, "settings": {**told, "rows": found["num_rows"]}}


def prepare(_):
    settings(0)
    calibrate(0)
    return compile_circuit(0)


def parameters(_):
    path = srs()
    if not path.exists():
        # Whoever makes it at the same time must not read half of it.
        partial = folder / path.name
        ezkl.gen_srs(str(partial), read("settings.json")["run_args"]["logrows"])
        partial.replace(path)
    return {"srs_bytes": path.stat().st_size}


def setup(_):
    ezkl.setup(file("model.compiled"), file("verifying.key"), file("proving.key"), str(srs()))
    return lambda: {"pk_bytes": size("proving.key"), "vk_bytes": size("verifying.key")}


def make_witness(row):
    chosen = rows["test"][row * batch : (row + 1) * batch]
    if len(chosen) != batch:
        raise RuntimeError(f"there is no row {row}")
    write_rows("input.json", chosen)
    try:
        ezkl.gen_witness(file("input.json"), file("model.compiled"), file("witness.json"))
    except RuntimeError as error:
        # The file compiled: it is a value that the decomposition has no digits for.
        raise Refused(str(error)) from None


def witness(row):
    make_witness(row)
    return check_lookups


def check_lookups():
    """EZKL's prover waits for ever if a value is not in the table, and its generator of witnesses does not say so."""
    settings = read("settings.json")
    if settings["required_lookups"]:
        low, high = settings["run_args"]["lookup_range"]
        # Columns are filled: found by trial, with tables of one and of two columns.
        column = 2 ** settings["run_args"]["logrows"] - BLINDING
        high = low + ((high - low) // column + 1) * column - 1
        least, most = looked_up(read("witness.json"))
        if least < low or most > high:
            raise Refused(f"values from {least} to {most} are looked up, and the table has those from {low} to {high}")


def looked_up(witness):
    return int(witness["min_lookup_inputs"]), int(witness["max_lookup_inputs"])


def floats(values):
    return [float(x) for output in values for x in output]


def evaluate(row):
    make_witness(row)

    def details():
        witness = read("witness.json")
        return {"outputs": floats(witness["pretty_elements"]["rescaled_outputs"]), "looked_up": looked_up(witness)}

    return details


def prove(_):
    ezkl.prove(file("witness.json"), file("model.compiled"), file("proving.key"), file("proof.json"), str(srs()))
    return lambda: {"proof_bytes": len(read("proof.json")["hex_proof"].removeprefix("0x")) // 2}


def verify(_):
    if not ezkl.verify(file("proof.json"), file("settings.json"), file("verifying.key"), str(srs())):
        raise RuntimeError("the proof is not accepted")
    return lambda: {"outputs": floats(read("proof.json")["pretty_public_inputs"]["rescaled_outputs"])}


stages = [settings, calibrate, prepare, parameters, setup, witness, evaluate, prove, verify]
serve({"compile": compile_circuit, **{stage.__name__: stage for stage in stages}})
