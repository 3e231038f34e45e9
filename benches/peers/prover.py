"""One prover on one model: its process, what it is asked for, and what it used.

Wall and CPU times are the worker's own, peak memory the kernel's account of its process (of the processes it starts, for JSTprove).
"""

import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

# Keys are made so often, unless that takes long.
SETUPS, SETUP_SECONDS = 3, 6
# Quick provers make several proofs per turn.
TURN_SECONDS, TURN_PROOFS = 0.3, 10
# Slow ones take part in fewer rounds: seconds of the first proof, rounds.
SLOW = [(60, 0), (20, 1), (2, 3)]
# Parameters are downloaded, usually: those of 2^20 rows take EZKL some minutes to make.
PARAMETERS_SECONDS = 1200
EVALUATE_SECONDS = 10


class Failure(Exception):
    """A stage that failed, with the message of whoever failed."""


class Worker:
    """A process that answers requests, and what it used. It and what it starts have no more than `memory` bytes each."""

    def __init__(self, command, log, memory):
        self.log, self.memory = log, memory
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                # What it allocates; not the files that it maps.
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (memory, memory)),
            )

    def ask(self, stage, row, seconds, over):
        """The answer, within so many seconds; `over` says what they are left of."""
        before = self.cpu_seconds()
        try:
            self.process.stdin.write(f"{stage} {row}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.death(stage) from None
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        if not ready:
            used = self.cpu_seconds() - before
            raise Failure(f"{stage}: {over}; stopped after {seconds:.0f} s of this stage ({used:.0f} s of CPU time)")
        line = self.process.stdout.readline()
        if not line:
            raise self.death(stage)
        answer = json.loads(line)
        if "error" in answer:
            raise Failure(f"{stage}: {' '.join(answer['error'].split())[:500]}")
        return answer

    def death(self, stage):
        status = self.process.wait()
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        lines = [" ".join(line.split()) for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        # What a failed allocation says is not always the last line.
        told = next((line for line in reversed(lines) if "memory" in line), lines[-1] if lines else "no message")
        return Failure(f"{stage}: {how}, within {self.memory / 1e9:g} GB of memory: {told[:400]}")

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


def remove(paths):
    """Files and folders."""
    for path in paths:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


class Run:
    """One prover on one model: its workers, and the measurements so far."""

    def __init__(self, name, command, folder, model, reference, options):
        """`command` is that of the worker, `folder` its own, `reference` the outputs to expect from a proof, by number."""
        self.folder, self.command = folder, command
        self.folder.mkdir(exist_ok=True)
        remove(self.folder.iterdir())
        self.model, self.reference = model, reference
        # What one prover has for one model, from calibration to the last proof. EZKL's prover waits for ever if a value
        # leaves the calibrated range.
        self.limit, self.memory = options.limit, int(options.memory * 1e9)
        self.worker, self.row = None, 0
        self.seconds = 0
        # Absolute errors against onnxruntime, and whether the classes are its, by proof.
        self.errors, self.classes = {}, {}
        self.record = {"model": model.name, "prover": name, "stages": {}}
        if model.batch > 1:
            self.record["batch"] = model.batch

    def guarded(self, action):
        """Runs `action` unless this prover has failed on this model; a failure is recorded."""
        if "failure" in self.record:
            return
        try:
            if self.worker is None:
                self.worker = Worker(self.command, self.folder / "log.txt", self.memory)
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
        over = f"took longer than {self.limit} s, from calibration to the last proof"
        left = self.limit - self.seconds
        if left <= 0:
            raise Failure(f"{stage}: {over}; not begun")
        start = time.perf_counter()
        try:
            return self.worker.ask(stage, row, left, over)
        finally:
            self.seconds += time.perf_counter() - start

    def measure(self, stage, row=0, keep=None):
        """Asks for a stage and keeps its times under `keep`."""
        return self.keep(keep or stage, self.ask(stage, row))

    def keep(self, stage, answer):
        """Moves the times of an answer to the record."""
        samples = self.record["stages"].setdefault(stage, {"wall": [], "cpu": []})
        samples["wall"].append(round(answer.pop("seconds"), 6))
        samples["cpu"].append(round(answer.pop("cpu_seconds"), 6))
        return answer

    def prepare(self):
        settings = self.measure("prepare").get("settings", {})
        # Not those of every layer.
        is_list = lambda value: isinstance(value, list) and any(isinstance(x, dict) for x in value)
        self.record["settings"] = {name: value for name, value in settings.items() if not is_list(value)}
        self.worker.ask("parameters", 0, PARAMETERS_SECONDS, f"took longer than {PARAMETERS_SECONDS} s")

    def setup(self):
        if sum(self.wall("setup")) > SETUP_SECONDS:
            return
        answer = self.measure("setup")
        memory = answer.pop("rss_bytes", None) or self.worker.peak_bytes()
        self.record["setup_rss_bytes"] = max(memory, self.record.get("setup_rss_bytes", 0))
        self.record.update(answer)

    def proof(self, first=False):
        """Witness, proof and verification of the next row, or rows."""
        row, self.row = self.row, (self.row + 1) % self.proofs()
        if first and self.record["prover"] == "zkassay":
            # It reads keys before it takes the time, and only once; whoever waits for the first proof waits for that, too.
            self.ask("prepare")
            start, cpu = time.perf_counter(), self.worker.cpu_seconds()
            self.measure("witness", row)
            answer = self.ask("prove", row)
            answer["seconds"], answer["cpu_seconds"] = time.perf_counter() - start, self.worker.cpu_seconds() - cpu
            self.keep("first", answer)
        else:
            self.measure("witness", row)
            start = time.perf_counter()
            answer = self.measure("prove", row, "first" if first else "prove")
        memory = answer.pop("rss_bytes", None) or self.worker.peak_bytes()
        self.record["prove_rss_bytes"] = max(memory, self.record.get("prove_rss_bytes", 0))
        self.record.update(answer)
        verdict = self.measure("verify", row)
        self.record["proofs"] = self.record.get("proofs", 0) + 1
        self.compare(row, verdict["outputs"])
        return time.perf_counter() - start

    def proofs(self):
        """How many different ones there are."""
        return len(self.model.test) // self.model.batch

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
        for row in range(self.proofs()):
            if time.perf_counter() > end:
                break
            if row not in self.errors:
                over = f"took longer than {EVALUATE_SECONDS} s"
                self.compare(row, self.worker.ask("evaluate", row, EVALUATE_SECONDS, over)["outputs"])

    def compare(self, row, outputs):
        expected = self.reference(row)
        if len(outputs) != expected.size:
            raise Failure(f"outputs: {len(outputs)} instead of {expected.size}")
        found = np.asarray(outputs, dtype=float).reshape(expected.shape)
        self.errors[row] = np.abs(found - expected)
        if expected.shape[1] > 1:
            self.classes[row] = found.argmax(1) == expected.argmax(1)

    def finish(self):
        """The record. Keys, which can have gigabytes, are deleted; what was printed stays."""
        self.close()
        remove(file for file in self.folder.iterdir() if file.name != "log.txt")
        if self.errors:
            errors = np.concatenate(list(self.errors.values()))
            self.record["error"] = {"rows": len(errors), "mean": float(errors.mean()), "max": float(errors.max())}
        if self.classes:
            self.record["error"]["classes"] = int(np.concatenate(list(self.classes.values())).sum())
        return self.record
