"""The record of a comparison as Markdown.

    report.py peers.json    # the page of a recorded run, on standard output
"""

import json
import statistics
import sys
from pathlib import Path

OURS = "zkassay"
# What the README shows: one line of EZKL as its users run it, one as well as it can be made to run.
SHORT = [OURS, "EZKL fixed", "EZKL tuned", "JSTprove"]
# What the models of each group are.
MODELS = {
    "networks": [
        "- **Networks.** Named by their widths: dense layers with ReLU between them, at the end a sigmoid if there is one output.",
        "  The perceptron is the study's 784-10 without activation. The CNN: 28 x 28 pixels, two convolutions of 3 x 3 with stride 2,",
        "  4 and 8 channels, a ReLU after each, a dense layer of 10. LeNet: LeNet-5 with ReLU, averages of 2 x 2, 61,706 parameters.",
        "  Weights are random, but the study's. All provers get the same file, but JSTprove: for it, models lack the sigmoid or softmax",
        "  at the end, which it cannot prove, and averages are convolutions.",
    ],
    "trees": [
        "- **Trees.** scikit-learn's, by its defaults but for what the name says (`boosted-200`: depth 4; `forest-500x3`: three classes),",
        "  trained on 449 rows of 162 standardised features, synthetic, like the study's. zkassay proves skl2onnx's file as exported,",
        "  the others the same fitted model by Hummingbird, without its label: they have no operator for trees. *Same class*: rows whose",
        "  most probable class is onnxruntime's.",
    ],
    "batches": [
        "- **Batches.** After `@` stands the number of inferences in one proof. EZKL gets a file whose input has so many rows.",
        "  *Each*: divided by the inferences.",
    ],
}


def page(record):
    machine, versions = record["machine"], record["versions"]
    tools = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    load = [f"{load:.1f}" for load in record["load"]]
    groups = {group for group, _ in by_group(record)}
    lines = [
        "# Beside other provers",
        "",
        f"One run of `{record['command']}`, {record['started'][:10]}, {record['seconds'] / 60:.0f} minutes: {machine['cores']} cores of {machine['cpu']}, "
        f"{bytes_text(machine['memory_bytes'])} of memory; {tools}. The machine's load was {load[0]} before and {load[-1]} after: "
        "**where it had other work, wall times are too long, and CPU times are what counts.**",
        "",
        tables(record),
        "",
        "Times are wall / CPU, medians over proofs of different rows; each proof was verified. Provers take turns, so that what",
        "disturbs the machine disturbs all. Slow ones take fewer turns, the slowest none after the first proof, and no prover has more",
        f"than {limits(record)} for a model, from calibration to the last proof (parameters apart).",
        "",
        *(line for group, text in MODELS.items() if group in groups for line in text),
        "  Rows: " + "; ".join(f"{model['name']} {model['rows']}" for model in record["models"]) + ".",
        "- **Setup** makes the keys and writes them (JSTprove: compiles the circuit; it has no keys). Calibration, compilation and",
        "  parameters come before and are not in it; `peers.json` has them.",
        "- **First proof**: in a new process, with everything read from files; zkassay's has its witness in it. **Prove**: each",
        "  further one. EZKL reads its files at every proof and JSTprove is a new process for every proof; zkassay keeps its key. Where",
        "  no further one was made, the first.",
        "- **Verify** reads the proof from its file, and the key, too, but for zkassay, which keeps it.",
        "- **Proving key**: the file. zkassay's holds the integer model and is expanded on loading; JSTprove's is its circuit and",
        "  the program that fills it.",
        "- **Memory**: greatest resident memory of the process that proves.",
        "- **Error**: absolute, against onnxruntime, over " + error_rows(record) + ".",
        "- **EZKL**: private input, public output. *EZKL* is its default, with private parameters, which bind nothing: a key",
        "  accepts proofs of other weights; it takes what *EZKL fixed* takes, and was measured on the first models only. *EZKL fixed*",
        "  binds them, as zkassay does. Both are calibrated by its default, for",
        "  resources. *EZKL tuned*, also with fixed parameters, is the best of a small search by hand (scale, columns, decomposition,",
        "  look-ups, rows), by CPU time; no optimum, and with a coarser scale.",
        "- **JSTprove** is not zero-knowledge: inputs are public, and its verifier needs the circuit with all weights.",
        "",
    ]
    lines += ratios(record)
    failures = [f"- {run['prover']} on {run['model']}: {run['failure']}" for run in record["runs"] if "failure" in run]
    failures += [f"- skipped: {reason}" for reason in record["skipped"]]
    if failures:
        lines += ["What failed, and what was left out:", "", *failures, ""]
    return "\n".join(lines)


def limits(record):
    """What a prover had for a model."""
    found = {(model.get("limit_seconds", 240), model.get("memory_bytes")): [] for model in record["models"]}
    for model in record["models"]:
        found[model.get("limit_seconds", 240), model.get("memory_bytes")].append(model["name"])
    texts = {f"{seconds} seconds" + (f" and {bytes_text(memory)} of memory" if memory else ""): names for (seconds, memory), names in found.items()}
    return next(iter(texts), "") if len(texts) < 2 else "; ".join(f"{text} ({', '.join(names)})" for text, names in texts.items())


def by_group(record):
    """The runs of each group of models."""
    groups = {}
    for model in record["models"]:
        runs = [run for run in record["runs"] if run["model"] == model["name"]]
        groups.setdefault(model.get("group", "networks"), []).extend(runs)
    return groups.items()


def tables(record, short=False):
    """All figures, or in `short` those that the README shows; a table for each group, under a heading if there are several."""
    parts = []
    for group, runs in by_group(record):
        if len(by_group(record)) > 1:
            parts.append(f"{'##' if not short else '###'} {group.capitalize()}")
        parts.append(table(record, group, [run for run in runs if not short or run["prover"] in SHORT], short))
    return "\n\n".join(parts)


def table(record, group, runs, short):
    cells = {
        "Model": lambda run: label(record, group, run) if run["prover"] == OURS else "",
        "Prover": lambda run: f"**{OURS}**" if run["prover"] == OURS else run["prover"],
        "Setup": lambda run: times(run, "setup"),
        "First proof": lambda run: times(run, "first"),
        "Prove": lambda run: times(run, "prove") if median(run, "prove", "wall") else times(run, "first"),
        "Prove, each": lambda run: times(run, "prove" if median(run, "prove", "wall") else "first", run.get("batch", 1)),
        "Verify": lambda run: times(run, "verify"),
        "Verify, each": lambda run: times(run, "verify", run.get("batch", 1)),
        "Proof": lambda run: bytes_text(run.get("proof_bytes")),
        "Proof, each": lambda run: bytes_text(run["proof_bytes"] / run.get("batch", 1)) if "proof_bytes" in run else "–",
        "Proving key": lambda run: bytes_text(run.get("pk_bytes")),
        "Memory": lambda run: bytes_text(run.get("prove_rss_bytes")),
        "Error, mean / max": lambda run: f"{run['error']['mean']:.1e} / {run['error']['max']:.1e}" if "error" in run else "–",
        "Same class": same_class,
    }
    hidden = {"Setup", "First proof"} if short else set()
    hidden |= set() if group == "batches" else {"Prove, each", "Verify, each", "Proof, each"}
    hidden |= set() if group == "trees" else {"Same class"}
    columns = [column for column in cells if column not in hidden]
    lines = ["| " + " | ".join(columns) + " |"]
    lines.append("|" + "|".join("---" if index < 2 else "---:" for index in range(len(columns))) + "|")
    for run in runs:
        if "failure" in run and "prove" not in run["stages"] and "first" not in run["stages"]:
            reason = run["failure"].partition(":")[0]
            lines.append(f"|  | {run['prover']} | fails: `{reason}`, see below " + "| " * (len(columns) - 2) + "|")
        else:
            lines.append("| " + " | ".join(cells[column](run) for column in columns) + " |")
    return "\n".join(lines)


def label(record, group, run):
    """A model's name, and of trees what they consist of."""
    model = next(model for model in record["models"] if model["name"] == run["model"])
    return f"{run['model']} ({model['nodes']:,} nodes)" if group == "trees" else run["model"]


def same_class(run):
    error = run.get("error", {})
    return f"{error['classes']} of {error['rows']}" if "classes" in error else "–"


def ratios(record):
    """CPU seconds of a proof, as multiples of ours."""
    lines = []
    for model in record["models"]:
        runs = [run for run in record["runs"] if run["model"] == model["name"]]
        # The first proof of those that made no other.
        cpu = {run["prover"]: median(run, "prove", "cpu") or median(run, "first", "cpu") for run in runs}
        ours = cpu.pop(OURS, None)
        others = [f"{name} {seconds / ours:.1f}" for name, seconds in cpu.items() if ours and seconds]
        if others:
            lines.append(f"- {model['name']}: {', '.join(others)}")
    return ["CPU time of a proof, as a multiple of zkassay's:", "", *lines, ""] if lines else []


def error_rows(record):
    counts = {}
    for run in record["runs"]:
        if "error" in run:
            counts.setdefault(run["error"]["rows"], set()).add(run["prover"])
    if len(counts) < 2:
        return f"{next(iter(counts), 0)} rows"
    return "; ".join(f"{rows} rows ({', '.join(sorted(names))})" for rows, names in sorted(counts.items(), reverse=True))


def times(run, stage, inferences=1):
    wall, cpu = median(run, stage, "wall"), median(run, stage, "cpu")
    return "–" if wall is None else f"{seconds_text(wall / inferences)} / {seconds_text(cpu / inferences)}"


def median(run, stage, kind):
    samples = run["stages"].get(stage, {}).get(kind)
    return statistics.median(samples) if samples else None


def seconds_text(seconds):
    """Three digits."""
    for scale, unit in [(1, "s"), (1e3, "ms"), (1e6, "µs")]:
        value = seconds * scale
        if value >= 1 or unit == "µs":
            return f"{value:.{max(0, 3 - len(str(int(value))))}f} {unit}"


def bytes_text(size):
    if size is None:
        return "–"
    for unit in ["B", "kB", "MB", "GB"]:
        if size < 999.5 or unit == "GB":
            break
        size /= 1000
    digits = 0 if unit == "B" else max(0, 3 - len(str(int(size))))
    return f"{size:.{digits}f} {unit}"


if __name__ == "__main__":
    print(page(json.loads(Path(sys.argv[1]).read_text())))
