"""One model through JSTprove, stage by stage: jstprove_worker.py MODEL.onnx ROWS.json DIR VENV.

Compilation and witnesses run through its command line, as users do it, which takes seconds to import torch. To be fair to
it, `setup` runs the Rust part of the compilation once more by itself, and `prove` and `verify` are the program that the
command line calls, with the same arguments. Every stage is a process of its own; its CPU time and memory are in the answer.

Only the standard library is imported, and `worker`, which run.py names the folder of: the kernel counts this process's memory as
its children's until they start.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from worker import serve

model, rows, folder = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3])
venv = Path(sys.argv[4])
expander = next(venv.glob("lib/python*/site-packages/python/core/binaries/expander-exec"))
# Open MPI refuses to run as root without these.
environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
compile_line = None


def file(name):
    return str(folder / name)


def call(arguments):
    """Runs a program to its end; its output, and an answer with seconds, CPU seconds and peak memory in bytes."""
    start = time.perf_counter()
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        first = next((i for i, line in enumerate(lines) if "rror" in line or "panicked" in line), max(0, len(lines) - 2))
        raise RuntimeError(" ".join(lines[first : first + 6]) or f"status {status}")
    cpu = usage.ru_utime + usage.ru_stime
    return output, {"seconds": seconds, "cpu_seconds": cpu, "rss_bytes": usage.ru_maxrss * 1024}


def jst(*arguments):
    return call([str(venv / "bin/jst"), "--no-banner", *arguments])


def prepare(_):
    global compile_line
    output, answer = jst("compile", "-m", model, "-c", file("circuit.txt"))
    compile_line = re.search(r"Running cargo command: (.*)", output).group(1)
    return answer


def parameters(_):
    """It needs none."""


def setup(_):
    _, answer = call(shlex.split(compile_line))
    return {**answer, "pk_bytes": sum(os.path.getsize(file(name)) for name in ["circuit.txt", "circuit_witness_solver.txt"])}


def witness(row):
    Path(file("input.json")).write_text(json.dumps({"input": rows["test"][row]}))
    return jst("witness", "-c", file("circuit.txt"), "-i", file("input.json"), "-o", file("output.json"), "-w", file("witness.bin"))[1]


def prove(_):
    _, answer = call([str(expander), "-p", "Hyrax", "prove", "-c", file("circuit.txt"), "-w", file("witness.bin"), "-o", file("proof.bin")])
    return {**answer, "proof_bytes": os.path.getsize(file("proof.bin"))}


def verify(_):
    _, answer = call([str(expander), "-p", "Hyrax", "verify", "-c", file("circuit.txt"), "-w", file("witness.bin"), "-i", file("proof.bin")])
    outputs = json.loads(Path(file("output.json")).read_text())["rescaled_output"]
    while outputs and isinstance(outputs[0], list):
        outputs = [x for row in outputs for x in row]
    return {**answer, "outputs": outputs}


serve({f.__name__: f for f in [prepare, parameters, setup, witness, prove, verify]})
