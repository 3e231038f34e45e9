"""Runs zkassay and its peers on the same models and rows, alternately, and writes record.json and two Markdown files.

`cargo xtask peers` makes what this needs (environments, the program that measures zkassay) and starts it.

For each model, every prover makes keys in one process and proofs in another, started anew; a round of proofs gives each
prover a turn, so that what disturbs the machine disturbs all. Every proof is verified. Wall times are the worker's own, CPU
times and peak memory the kernel's account of its process (of the processes it starts, for JSTprove).
"""

import argparse
import datetime
import hashlib
import importlib.metadata
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import onnxruntime

import models
import report

HERE = Path(__file__).parent
# Keys are made three times, unless that takes long.
SETUPS, SETUP_SECONDS = 3, 6
# Quick provers make several proofs per turn.
TURN_SECONDS, TURN_PROOFS = 0.3, 10
# Slow ones take part in fewer rounds: seconds of the first proof, rounds.
SLOW = [(60, 0), (20, 1), (2, 3)]
# What one prover has for one model, from calibration to the last proof. EZKL's prover waits for ever if a value leaves the
# calibrated range.
LIMIT_SECONDS = 240
OVER = f"took longer than {LIMIT_SECONDS} s, from calibration to the last proof"
# Parameters are downloaded, usually.
PARAMETERS_SECONDS = 300
EVALUATE_SECONDS = 10

# EZKL with private parameters takes what it takes with fixed ones: measured on these models.
EZKL_PRIVATE = ["162-1", "162-64-32-1", "162-128-64-32-1", "perceptron"]
# The best of a small search by hand, by CPU time: scale, columns, base of the decomposition, look-up range, logrows.
EZKL_TUNED = {
    "162-1": (7, 1, 1024, 640, 11),
    "162-64-32-1": (7, 3, 2048, 640, 13),
    "162-128-64-32-1": (7, 3, 4096, 640, 14),
    "perceptron": (10, 2, 4096, None, 13),
    "300-256-256-10": (8, 2, 4096, None, 15),
    "cnn": (8, 2, 4096, None, 14),
    "cnn-softmax": (8, 2, 4096, 2000, 14),
    "lenet": (8, 2, 4096, None, 18),
}


def ezkl_tuned(model):
    scale, columns, base, lookup, logrows = EZKL_TUNED[model]
    run_args = {"input_scale": scale, "param_scale": scale, "num_inner_cols": columns, "decomp_base": base, "decomp_legs": 2, "logrows": logrows}
    if lookup:
        run_args["lookup_range"] = [-lookup, lookup]
    return run_args


def provers(options, model):
    """The provers of one model: name, key, command of the worker."""
    python = [sys.executable]
    yield "zkassay", "zkassay", [str(options.measure)], model.onnx, []
    if "ezkl" in options.peers:
        worker = [*python, str(HERE / "ezkl_worker.py")]
        private = [("EZKL", {"params": "private", "calibration": "resources"})] if model.name in EZKL_PRIVATE else []
        for name, config in [
            *private,
            ("EZKL fixed", {"params": "fixed", "calibration": "resources"}),
            ("EZKL tuned", {"params": "fixed", "run_args": ezkl_tuned(model.name)}),
        ]:
            yield name, name.replace(" ", "-").lower(), worker, model.onnx, [json.dumps(config)]
    if "jstprove" in options.peers:
        # A Python of its own with the standard library alone, because of its memory: see the worker.
        worker = [*python, str(HERE / "jstprove_worker.py")]
        yield "JSTprove", "jstprove", worker, model.onnx_plain, [str(options.jstprove)]


class Failure(Exception):
    """A stage that failed, with the message of whoever failed."""


class Worker:
    """A process that answers requests, and what it used."""

    def __init__(self, command, log):
        self.log = log
        with log.open("ab") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True)

    def ask(self, stage, row, seconds):
        """The answer, within so many seconds, with the CPU seconds of the stage."""
        before = self.cpu_seconds()
        try:
            self.process.stdin.write(f"{stage} {row}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.death(stage) from None
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        if not ready:
            used = self.cpu_seconds() - before
            raise Failure(f"{stage}: {OVER}; stopped after {seconds:.0f} s of this stage ({used:.0f} s of CPU time)")
        line = self.process.stdout.readline()
        if not line:
            raise self.death(stage)
        answer = json.loads(line)
        if "error" in answer:
            raise Failure(f"{stage}: {' '.join(answer['error'].split())[:500]}")
        answer.setdefault("cpu_seconds", self.cpu_seconds() - before)
        return answer

    def death(self, stage):
        status = self.process.wait()
        lines = self.log.read_text(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "no message")
        return Failure(f"{stage}: ended with status {status}: {last[:400]}")

    def cpu_seconds(self):
        """CPU time of all its threads, in the resolution of the scheduler: the clock of another process (clock_getcpuclockid)."""
        try:
            return time.clock_gettime((~self.process.pid << 3) | 2)
        except OSError:
            return float("nan")

    def peak_bytes(self):
        """The greatest resident memory since its start."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024

    def close(self):
        """Ends the process and what it started; they are a session of their own."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Run:
    """One prover on one model: its workers, and the measurements so far."""

    def __init__(self, name, key, program, onnx, extra, model, folder, reference):
        self.folder = folder / key
        self.folder.mkdir(exist_ok=True)
        for stale in self.folder.iterdir():
            stale.unlink()
        self.command = [*program, str(onnx), str(folder / "rows.json"), str(self.folder), *extra]
        self.model, self.reference = model, reference
        self.worker, self.row = None, 0
        self.seconds = 0
        # Absolute errors against onnxruntime, by row.
        self.errors = {}
        self.record = {"model": model.name, "prover": name, "stages": {}}

    def guarded(self, action):
        """Runs `action` unless this prover has failed on this model; a failure is recorded."""
        if "failure" in self.record:
            return
        try:
            if self.worker is None:
                self.worker = Worker(self.command, self.folder / "log.txt")
            action()
        except Failure as failure:
            self.record["failure"] = str(failure)
            print(f"  {self.record['prover']}: {failure}", file=sys.stderr)
            self.close()

    def close(self):
        if self.worker is not None:
            self.worker.close()
            self.worker = None

    def ask(self, stage, row=0):
        """Asks for a stage, within what is left of the limit."""
        left = LIMIT_SECONDS - self.seconds
        if left <= 0:
            raise Failure(f"{stage}: {OVER}; not begun")
        start = time.perf_counter()
        try:
            return self.worker.ask(stage, row, left)
        finally:
            self.seconds += time.perf_counter() - start

    def measure(self, stage, row=0, keep=None):
        """Asks for a stage and keeps its times under `keep`."""
        answer = self.ask(stage, row)
        samples = self.record["stages"].setdefault(keep or stage, {"wall": [], "cpu": []})
        samples["wall"].append(round(answer.pop("seconds"), 6))
        samples["cpu"].append(round(answer.pop("cpu_seconds"), 6))
        return answer

    def prepare(self):
        self.record.update(self.measure("prepare"))
        self.record.pop("rss_bytes", None)
        self.worker.ask("parameters", 0, PARAMETERS_SECONDS)

    def setup(self):
        if sum(self.wall("setup")) > SETUP_SECONDS:
            return
        answer = self.measure("setup")
        memory = answer.pop("rss_bytes", None) or self.worker.peak_bytes()
        self.record["setup_rss_bytes"] = max(memory, self.record.get("setup_rss_bytes", 0))
        self.record.update(answer)

    def proof(self, first=False):
        """Witness, proof and verification of the next row."""
        row, self.row = self.row, (self.row + 1) % len(self.model.test)
        start = time.perf_counter()
        if self.record["prover"] != "zkassay":
            self.measure("witness", row)
            start = time.perf_counter()
        answer = self.measure("prove", row, "first" if first else "prove")
        memory = answer.pop("rss_bytes", None) or self.worker.peak_bytes()
        self.record["prove_rss_bytes"] = max(memory, self.record.get("prove_rss_bytes", 0))
        self.record.update(answer)
        verdict = self.measure("verify", row)
        if self.record["prover"] == "zkassay":
            outputs = verdict["outputs"]
            # Without reading and decoding the files.
            check = self.record["stages"].setdefault("check", {"wall": [], "cpu": []})
            check["wall"].append(round(verdict["check_seconds"], 6))
        else:
            answer = self.ask("proof", row)
            outputs = answer["outputs"]
            self.record["proof_bytes"] = answer["proof_bytes"]
        self.record["proofs"] = self.record.get("proofs", 0) + 1
        self.compare(row, outputs)
        return time.perf_counter() - start

    def wall(self, stage):
        return self.record["stages"].get(stage, {}).get("wall", [])

    def turn(self, index):
        rounds = next((rounds for least, rounds in SLOW if self.wall("first")[0] > least), index + 1)
        if index >= rounds:
            return
        seconds = 0
        for _ in range(TURN_PROOFS):
            seconds += self.proof()
            if seconds > TURN_SECONDS:
                break

    def evaluate(self):
        """Outputs of the rows that were not proved, for some seconds."""
        if self.record["prover"] == "JSTprove":
            return
        end = time.perf_counter() + EVALUATE_SECONDS
        for row in range(len(self.model.test)):
            if time.perf_counter() > end:
                break
            if row not in self.errors:
                self.compare(row, self.worker.ask("evaluate", row, EVALUATE_SECONDS)["outputs"])

    def compare(self, row, outputs):
        expected = self.reference(row)
        if len(outputs) != len(expected):
            raise Failure(f"outputs: {len(outputs)} instead of {len(expected)}")
        self.errors[row] = np.abs(np.asarray(outputs, dtype=float) - expected)

    def finish(self):
        self.close()
        if self.errors:
            errors = np.array(list(self.errors.values()))
            self.record["error"] = {"rows": len(errors), "mean": float(errors.mean()), "max": float(errors.max())}
        return self.record


def reference(onnx, rows):
    """onnxruntime's outputs of a row."""
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    (value,) = session.get_inputs()
    shape = [size if isinstance(size, int) else 1 for size in value.shape]
    return lambda row: session.run(None, {value.name: rows[row].reshape(shape)})[0].reshape(-1).astype(float)


def compare(options, model, folder):
    rows = {"calibration": model.calibration.tolist(), "test": model.test.tolist()}
    (folder / "rows.json").write_text(json.dumps(rows))
    runs = [Run(*prover, model, folder, reference(prover[3], model.test)) for prover in provers(options, model)]
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
        return [run.finish() for run in runs]
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", type=Path, required=True, help="the program that measures zkassay")
    parser.add_argument("--jstprove", type=Path, help="JSTprove's environment")
    parser.add_argument("--models", default=",".join(models.NAMES))
    parser.add_argument("--peers", default="ezkl,jstprove")
    parser.add_argument("--proofs", type=int, default=5)
    parser.add_argument("--skipped", action="append", default=[], help="why a peer is not there, for the record")
    parser.add_argument("--perceptron", type=Path, default=Path("../shared/seed/results/perceptron.onnx"))
    parser.add_argument("--work", type=Path, required=True, help="folder for keys and proofs")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.peers = [peer for peer in options.peers.split(",") if peer]

    start = time.time()
    record = {
        "format": 1,
        "command": "cargo xtask peers",
        "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(options),
        "load": [os.getloadavg()[0]],
        "rounds": options.proofs,
        "skipped": options.skipped,
        "models": [],
        "runs": [],
    }
    # A copy: a build meanwhile must not change what is measured.
    options.work.mkdir(parents=True, exist_ok=True)
    options.measure = shutil.copy2(options.measure, options.work)
    for name in options.models.split(","):
        folder = options.work / name
        model = models.make(name, folder, options.perceptron, Path("fixtures"))
        if model is None:
            record["skipped"].append(f"{name}: {options.perceptron} is not there")
            print(f"{name}: skipped, {options.perceptron} is not there", file=sys.stderr)
            continue
        print(f"{name}: {model.parameters} parameters", file=sys.stderr)
        digest = hashlib.sha256(model.onnx.read_bytes()).hexdigest()
        record["models"].append({"name": name, "parameters": model.parameters, "sha256": digest, "rows": model.rows})
        record["runs"] += compare(options, model, folder)
    record["load"].append(os.getloadavg()[0])
    record["seconds"] = round(time.time() - start)

    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "peers.json").write_text(text(record) + "\n")
    (options.out / "peers.md").write_text(report.page(record))
    (options.out / "readme.md").write_text(report.table(record, short=True))
    print(report.table(record, short=True))
    print(f"{record['seconds']} s; all figures are in {options.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
