"""The cheapest settings of EZKL for a model: by trial, in the order of expected cost.

Every trial is a process of ezkl_worker.py, which makes keys, proves and verifies calibration rows; its cost is the CPU time of the
proof. Settings must fit the calibration rows at MARGIN times their values, too, and their outputs be within ERROR of
onnxruntime's. Of settings that cost almost the same, those with the smallest proof win. A trial that fails, or hangs, is left
out. Nothing here imports EZKL.
"""

import json
import math
import os
import select
import subprocess
import sys
import time
from pathlib import Path

from worker import cpu_seconds

HERE = Path(__file__).parent
# Most there is for it, unless the first trial that works takes longer.
SECONDS = 60
# What test rows may be larger than calibration rows.
MARGIN = 2
# Mean absolute error of the outputs, relative to the largest of them where that is over 1.
ERROR = 1e-2
# Calibration rows that settings are tried on, and seconds after which fewer do. Of these, with the margin, those that are
# tried first.
ROWS, ROWS_SECONDS, EXTREME_ROWS = 24, 4, 4
SCALES = [7, 8, 10, 12]
# Up to so many times the input's scale, products are not scaled back.
MULTIPLIERS = [1, 2, 10]
COLUMNS = [1, 2, 3]
LEGS = [1, 2, 3]
LOGROWS = range(8, 22)
# Of all rows, those that hold no values of tables.
BLINDING = 8
# Columns that values and tables are spread over at most.
BLOCKS, TABLES = 12, 4
# Digits that are enough for any value of a witness, and the least and greatest that are tried for two of them.
AMPLE = {"decomp_base": 16384, "decomp_legs": 3, "logrows": 17, "num_inner_cols": 2}
LEAST_BITS, MOST_BITS = 5, 15
# Candidates whose expected cost, or CPU time of making keys, is so much over the best one's are left out: neither tells more.
HOPELESS = 1.4
# Most trials that work: of all there are, the first ones are the cheapest.
TRIALS = 12
# What costs no more than this, relative to the cheapest, is as cheap: times vary as much.
SAME = 1.1
# A process without CPU time for so long waits for ever.
HANGING_SECONDS = 5
# Proofs of a trial, unless one takes so long: the least of their times is taken.
PROOFS, PROOFS_SECONDS = 3, 1


class Failed(Exception):
    """A stage that failed, or a process that is no more."""


class Child:
    """A worker, asked until a deadline."""

    def __init__(self, arguments, deadline):
        self.deadline, self.pending = deadline, b""
        command = [sys.executable, "-B", *map(str, arguments)]
        # What it prints goes to the log of this process.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def cpu_seconds(self):
        """CPU time of all its threads: the clock of another process (clock_getcpuclockid)."""
        try:
            return time.clock_gettime((~self.process.pid << 3) | 2)
        except OSError:
            return math.nan

    def ask(self, stage, row=0):
        try:
            self.process.stdin.write(f"{stage} {row}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed(f"{stage}: the process ended") from None
        used, since = self.cpu_seconds(), time.monotonic()
        while b"\n" not in self.pending:
            ready, _, _ = select.select([self.process.stdout], [], [], 0.5)
            if ready:
                found = os.read(self.process.stdout.fileno(), 1 << 16)
                if not found:
                    raise Failed(f"{stage}: the process ended")
                self.pending += found
                continue
            now, cpu = time.monotonic(), self.cpu_seconds()
            if cpu > used + 0.01:
                used, since = cpu, now
            elif now - since > HANGING_SECONDS:
                raise Failed(f"{stage}: hung")
            if now > self.deadline:
                raise Failed(f"{stage}: took too long")
        line, _, self.pending = self.pending.partition(b"\n")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(f"{stage}: {answer['error']}")
        return answer


class Search:
    def __init__(self, model, rows, folder, options, shape):
        self.model, self.options, self.shape = model, options, shape
        self.folder = folder / "trial"
        self.folder.mkdir(exist_ok=True)
        self.batch = options.get("batch", 1)
        self.seconds = options["tune"].get("seconds", SECONDS)
        self.start = time.monotonic()
        self.deadline = self.start + self.seconds
        # The first trial that works is waited for.
        self.last = self.deadline + self.seconds
        # Whole batches, spread over all rows, the most extreme ones first; then the same at MARGIN times their values.
        count = len(rows) // self.batch
        if not count:
            raise RuntimeError("there are no calibration rows to search with")
        batches = [rows[at * self.batch : (at + 1) * self.batch] for at in range(count)]
        batches.sort(key=lambda batch: -max(abs(x) for row in batch for x in row))
        chosen = batches[:EXTREME_ROWS] + batches[EXTREME_ROWS :: max(1, count // ROWS)]
        chosen = chosen[:ROWS]
        rows = [row for batch in chosen for row in batch]
        self.count = len(chosen)
        self.rows = self.folder / "rows.json"
        larger = [[MARGIN * x for x in row] for row in rows]
        self.rows.write_text(json.dumps({"calibration": [], "test": rows + larger}))
        # Parameters are never part of a time: CPU and wall.
        self.parameters = [0.0, 0.0]
        self.trials, self.failures, self.tried = 0, [], set()

    def left(self):
        return self.deadline - time.monotonic()

    def child(self, run_args, until=None):
        options = {name: self.options[name] for name in ["params", "srs", "batch", "memory"] if name in self.options}
        options["run_args"] = run_args
        arguments = [HERE / "ezkl_worker.py", self.model, self.rows, self.folder, json.dumps(options)]
        return Child(arguments, until or self.deadline)

    def reference(self):
        """onnxruntime's outputs of the rows that settings are tried on."""
        with Child([HERE / "reference.py", self.model, self.rows], self.deadline) as child:
            rows = [child.ask("test", row)["outputs"] for row in range(self.count * self.batch)]
        return [[x for row in rows[at : at + self.batch] for x in row] for at in range(0, len(rows), self.batch)]

    def probe(self, run_args, expected):
        """The mean error of `run_args`, and the greatest value looked up, with the margin; of as many rows as there is time for."""
        errors, greatest, start = [], 0, time.monotonic()
        with self.child({**AMPLE, **run_args}, self.last) as child:
            child.ask("settings")
            child.ask("compile")
            for row in range(self.count):
                if row and time.monotonic() - start > ROWS_SECONDS:
                    break
                found, wanted = child.ask("evaluate", row)["outputs"], expected[row]
                if len(found) != len(wanted):
                    raise Failed(f"outputs: {len(found)} instead of {len(wanted)}")
                unit = max(1, *map(abs, wanted))
                errors += [abs(a - b) / unit for a, b in zip(found, wanted)]
                larger = child.ask("evaluate", self.count + row)["looked_up"]
                greatest = max(greatest, *map(abs, larger))
        return sum(errors) / len(errors), greatest

    def digits(self, run_args):
        """How many bits two digits must have, for values with the margin."""

        def fits(bits):
            try:
                with self.child({**AMPLE, **run_args, "decomp_base": 2**bits, "decomp_legs": 2}, self.last) as child:
                    child.ask("settings")
                    child.ask("compile")
                    self.extremes(child)
                return True
            except Failed:
                return False

        low, high = LEAST_BITS, MOST_BITS
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if fits(middle) else (middle + 1, high)
        return 2 * high

    def extremes(self, child):
        """Witnesses of the most extreme rows, with the margin."""
        for row in range(min(EXTREME_ROWS, self.count)):
            child.ask("evaluate", self.count + row)

    def candidates(self, run_args, greatest, bits):
        """Settings by what they cost: columns, rows, blocks, tables."""
        found = {}
        for columns in COLUMNS:
            for legs in LEGS:
                if self.left() < 0 and found:
                    break
                shape = self.shape({**AMPLE, **run_args, "num_inner_cols": columns, "decomp_legs": legs})
                for logrows in LOGROWS:
                    room = 2**logrows - BLINDING
                    blocks = math.ceil(shape["rows"] / room)
                    # A table that fits one column may as well fill it.
                    base = 2 ** max(logrows - 1, math.ceil(bits / legs))
                    lookup = max(greatest, min(MARGIN * greatest, room // 2 - 1)) + 1
                    tables = max(math.ceil(base / room), math.ceil((2 * lookup + 1) / room) if shape["lookups"] else 1)
                    if blocks > BLOCKS or tables > TABLES or base**legs > 2**62:
                        continue
                    # Fitted to CPU times: columns that are always there, and those of values; small domains, blocks, and tables
                    # of several columns have a price of their own.
                    cost = 2**logrows * (60 + 48 * columns * blocks) * (1 + 0.6 * 2 ** (10 - logrows))
                    cost *= (0.97 + 0.03 * blocks) * (0.85 + 0.15 * tables)
                    chosen = {"num_inner_cols": columns, "decomp_base": base, "decomp_legs": legs, "logrows": logrows}
                    if shape["lookups"]:
                        chosen["lookup_range"] = [-lookup, lookup]
                    # More digits for the same price leave more room for test rows.
                    found[columns, logrows, blocks, tables] = {"cost": cost, "run_args": {**run_args, **chosen}}
        return list(found.values())

    def trial(self, run_args, best):
        """CPU times of keys and of a proof, and the proof's size."""
        self.trials += 1
        with self.child(run_args, self.deadline if best else self.last) as child:
            child.ask("settings")
            child.ask("compile")
            # Before anything expensive.
            self.extremes(child)
            made = child.ask("parameters")
            self.parameters[0] += made["cpu_seconds"]
            self.parameters[1] += made["seconds"]
            self.deadline += made["seconds"]
            self.last += made["seconds"]
            child.deadline += made["seconds"]
            keys = child.ask("setup")["cpu_seconds"]
            if best and keys > HOPELESS * best["keys"]:
                raise Failed(f"setup: {keys:.2f} s, which is hopeless")
            times, start = [], time.monotonic()
            for row in range(min(PROOFS, self.count)):
                if row and time.monotonic() - start > PROOFS_SECONDS:
                    break
                child.ask("witness", self.count + row)
                proof = child.ask("prove")
                times.append(proof["cpu_seconds"])
                child.ask("verify")
            return {"keys": keys, "seconds": min(times), "proof_bytes": proof["proof_bytes"]}

    def try_all(self, candidates):
        """The best of `candidates`, as far as there is time."""
        done, best, took, least = [], None, 0, candidates[0]["cost"] if candidates else 0
        while candidates:
            left = self.left() - took if best else self.last - time.monotonic()
            if left < 0 or len(done) == TRIALS:
                break
            # One for every number of rows; then those of the best number; then the others.
            logrows = [candidate["run_args"]["logrows"] for candidate in candidates]
            order = [at for at, k in enumerate(logrows) if k not in self.tried]
            order += [at for at, k in enumerate(logrows) if best and k == best["run_args"]["logrows"]]
            candidate = candidates.pop(order[0] if order else 0)
            if best and candidate["cost"] > HOPELESS * least:
                continue
            self.tried.add(candidate["run_args"]["logrows"])
            start = time.monotonic()
            try:
                done.append({**candidate, **self.trial(candidate["run_args"], best)})
                print(f"trial: {done[-1]}", file=sys.stderr)
            except Failed as failure:
                self.failures.append(str(failure))
                print(f"trial: {failure}: {candidate}", file=sys.stderr)
                continue
            took = time.monotonic() - start
            cheapest = min(trial["seconds"] for trial in done)
            cheap = [trial for trial in done if trial["seconds"] <= SAME * cheapest]
            best = min(cheap, key=lambda trial: (trial["proof_bytes"], trial["seconds"]))
        return best

    def run(self):
        expected = self.reference()
        for scale in SCALES:
            candidates = []
            for multiplier in MULTIPLIERS:
                run_args = {"input_scale": scale, "param_scale": scale, "scale_rebase_multiplier": multiplier}
                try:
                    error, greatest = self.probe(run_args, expected)
                    if error > ERROR:
                        self.failures.append(f"scale {scale}: mean error {error:.3g}")
                    # Tables of such values would be larger than all else.
                    elif greatest < 2**MOST_BITS:
                        found = self.candidates(run_args, greatest, self.digits(run_args))
                        candidates += [{**candidate, "error": error} for candidate in found]
                except Failed as failure:
                    self.failures.append(f"scale {scale}: {failure}")
                if candidates and self.left() < self.seconds / 2:
                    break
            best = self.try_all(sorted(candidates, key=lambda candidate: candidate["cost"]))
            if best:
                return best
            if self.left() < 0:
                break
        last = self.failures[-1] if self.failures else "there was no time for any"
        raise RuntimeError(f"no settings worked within {time.monotonic() - self.start:.0f} s; of the last: {last}")


def search(model, rows, folder, options, shape):
    """The best settings, what is to be told of them, and the times that the search took without making parameters.

    `rows` are those to calibrate on. `shape` gives the rows in use of given settings, and whether anything is looked up.
    """
    cpu = cpu_seconds()
    work = Search(model, rows, folder, options, shape)
    best = work.run()
    for file in work.folder.iterdir():
        file.unlink()
    made_cpu, made = work.parameters
    return {
        "run_args": best["run_args"],
        "times": {"seconds": time.monotonic() - work.start - made, "cpu_seconds": cpu_seconds() - cpu - made_cpu},
        "search": {"trials": work.trials, "prove_cpu_seconds": round(best["seconds"], 3), "mean_error": best["error"]},
    }
