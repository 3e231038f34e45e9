//! `zkassay choose` and `zkassay report` end to end, on records of runs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with `runs/` in it.
struct Folder(TempDir);

impl Folder {
    /// Two runs of two models; the second took twice as long for its proofs.
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("2022-06-01-000000", &record("2022-06-01-000000", 1.0));
        folder.write("2022-06-02-000000", &record("2022-06-02-000000", 2.0));
        folder
    }

    fn write(&self, run: &str, record: &Value) {
        let dir = self.path(&format!("runs/{run}"));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("record.json"), record.to_string()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zkassay"));
        command.args(arguments).current_dir(self.0.path());
        command.output().unwrap()
    }

    /// Exit code, stdout and stderr.
    fn all(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.run(arguments);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap();
        (code, text(output.stdout), text(output.stderr))
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let (code, printed, error) = self.all(arguments);
        assert_eq!(code, 0, "{arguments:?}: {error}");
        printed
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let printed = self.ok(&[arguments, &["--json"]].concat());
        serde_json::from_str(&printed).unwrap()
    }
}

fn rate(correct: usize) -> Value {
    let value = correct as f64 / 100.0;
    json!({
        "value": value, "low": value - 0.09, "high": value + 0.09, "standard_error": null,
        "rounds": [{ "correct": correct, "total": 100 }],
    })
}

fn model(tag: &str, parameters: usize, correct: usize, prove: f64) -> Value {
    json!({
        "tag": tag, "family": "network", "hidden": [], "activation": "relu",
        "parameters": parameters,
        "training": { "params": {}, "seed": 1, "seconds": 1.0 },
        "accuracy": { "float": rate(correct), "quantized": rate(correct), "majority": rate(52) },
        "onnx_sha256": "00",
        "proving": {
            "prover": "zkassay", "version": "0.1.0", "fidelity": null,
            "circuit": { "logrows": 8, "rows": 200, "advice_columns": 10, "fixed_columns": 7, "instance_columns": 1 },
            "timings": { "setup": [5.0], "prove": [prove, prove * 1.01, prove * 0.99], "verify": [2.0] },
            "cpu": {},
            "sizes": { "proof_bytes": 1000, "pk_bytes": 2000, "vk_bytes": 500, "srs_bytes": null },
            "memory": { "setup_bytes": 10_000_000, "prove_bytes": 12_000_000 },
            "proved_rows": [0, 1, 2], "settings": {},
        },
        "peers": [],
    })
}

fn record(id: &str, slower: f64) -> Value {
    json!({
        "version": 3, "id": id, "created": "2022-06-01T00:00:00Z", "command": "cargo xtask experiment",
        "profile": "quick", "seconds": 1.0, "seed": 7,
        "host": {
            "cpu": "Example 9000", "cores": 2, "threads": 2, "ram_bytes": 1000, "os": "Linux",
            "revision": null, "packages": {},
        },
        "data": {
            "name": "fixture", "sampling": "split once in time", "rows": 400, "features": 162,
            "train_rows": 300, "calibration_rows": 30, "test_rows": 100, "feature_hash": "ab",
            "files": [],
        },
        "audit": null, "warnings": [], "srs": { "kind": "unsafe-local" },
        "models": [
            model("logistic", 163, 60, 10.0 * slower),
            model("64-32", 12_545, 90, 40.0 * slower),
        ],
        "failures": [],
    })
}

#[test]
fn the_newest_run_is_the_default() {
    let folder = Folder::new();
    let chosen = folder.json(&["choose"]);
    assert_eq!(chosen["run"], "2022-06-02-000000");
    assert_eq!(chosen["best"]["tag"], "64-32");
    assert_eq!(chosen["frontier"].as_array().unwrap().len(), 2);
}

#[test]
fn help_has_examples() {
    let folder = Folder::new();
    for command in ["choose", "report"] {
        let help = folder.ok(&[command, "--help"]);
        assert!(
            help.contains("Examples:") && help.contains("--json"),
            "{help}"
        );
        assert!(help.contains(&format!("zkassay {command} ")), "{help}");
    }
}

#[test]
fn limits_decide_and_are_met_by_what_is_equal() {
    let folder = Folder::new();
    let run = "runs/2022-06-01-000000";
    let best =
        |flags: &[&str]| folder.json(&[&["choose", run], flags].concat())["best"]["tag"].clone();
    assert_eq!(best(&["--max-prove", "40ms"]), "64-32");
    assert_eq!(best(&["--max-prove", "39.9ms"]), "logistic");
    assert_eq!(
        best(&["--max-proof", "1kB", "--min-accuracy", "90%"]),
        "64-32"
    );
    assert_eq!(best(&["--max-memory", "12MB", "--max-key", "2kB"]), "64-32");
    assert_eq!(
        best(&["--max-verify", "2ms", "--max-setup", "5ms"]),
        "64-32"
    );
    let text = folder.ok(&[
        "choose",
        &format!("{run}/record.json"),
        "--max-prove",
        "20ms",
    ]);
    assert!(text.contains("Best: logistic"), "{text}");
    assert!(
        text.contains("40.0 ms instead of 20.0 ms (2.00 times)"),
        "{text}"
    );
}

#[test]
fn without_a_model_the_exit_code_is_7_and_the_nearest_is_said() {
    let folder = Folder::new();
    let arguments = ["choose", "runs/2022-06-01-000000", "--max-prove", "9ms"];
    let (code, printed, error) = folder.all(&arguments);
    assert_eq!(code, 7, "{error}");
    assert!(printed.contains("Nearest: logistic"), "{printed}");
    assert!(printed.contains("Best without limits: 64-32") && !printed.contains("Frontier"));
    assert!(printed.contains("`--max-prove 10ms` instead of 9.00 ms would let logistic in"));
    folder.ok(&["choose", "runs/2022-06-01-000000", "--max-prove", "10ms"]);
    assert!(error.contains("within the budget"), "{error}");
    let (code, printed, _) = folder.all(&[&arguments[..], &["--json"]].concat());
    assert_eq!(code, 7);
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["best"], Value::Null);
    assert_eq!(printed["loosen"][0]["to"], 10.0);
    assert!(folder.ok(&["--help"]).contains("7  no model"));
}

#[test]
fn flags_and_runs_that_are_none_are_refused() {
    let folder = Folder::new();
    for flags in [
        &["--max-prove", "50"][..],
        &["--max-proof", "4kb"],
        &["--min-accuracy", "60"],
        &["--max-memory", "-1MB"],
    ] {
        let (code, printed, _) = folder.all(&[&["choose"], flags].concat());
        assert_eq!((code, printed.as_str()), (2, ""), "{flags:?}");
    }
    let (_, _, error) = folder.all(&["choose", "--max-prove", "50"]);
    assert!(error.contains("the unit is missing"), "{error}");
    let (code, _, error) = folder.all(&["choose", "runs/none"]);
    assert_eq!(code, 1);
    assert!(error.contains("runs/none"), "{error}");
    folder.write("2022-06-03-000000", &json!({ "version": 2 }));
    let (code, _, error) = folder.all(&["choose"]);
    assert_eq!(code, 1);
    assert!(
        error.contains("2022-06-03") && error.contains("version 2"),
        "{error}"
    );
    let empty = Folder(tempfile::tempdir().unwrap());
    let (code, _, error) = empty.all(&["choose"]);
    assert_eq!(code, 1);
    assert!(error.contains("no run in runs"), "{error}");
    let (code, _, _) = folder.all(&["report", "runs/2022-06-01-000000", "--out", "x.md"]);
    assert_eq!(code, 2, "--out is for comparisons");
}

#[test]
fn a_run_that_is_not_finished_is_said() {
    let folder = Folder::new();
    let run = "runs/2022-06-05-000000";
    fs::create_dir_all(folder.path(run)).unwrap();
    fs::write(folder.path(&format!("{run}/journal.jsonl")), "{}").unwrap();
    let expected =
        format!("the run {run} is not finished: `cargo xtask experiment --resume {run}`");
    for arguments in [&["choose", run][..], &["report", run]] {
        let (code, _, error) = folder.all(arguments);
        assert_eq!(code, 1);
        assert!(error.contains(&expected), "{error}");
    }
}

#[test]
fn one_run_gets_its_report_anew() {
    let folder = Folder::new();
    let record = folder.path("runs/2022-06-01-000000/record.json");
    let before = fs::read(&record).unwrap();
    let written = folder.json(&["report", "runs/2022-06-01-000000"]);
    let files = written["files"].as_array().unwrap();
    for file in files {
        let path = folder.path(file.as_str().unwrap());
        assert!(path.metadata().unwrap().len() > 0, "{}", path.display());
    }
    let names = |end: &str| {
        files
            .iter()
            .any(|file| file.as_str().unwrap().ends_with(end))
    };
    assert!(names("report.md") && names("models.csv") && names("plots/accuracy.svg"));
    assert_eq!(
        fs::read(&record).unwrap(),
        before,
        "the record is left alone"
    );
    let printed = folder.ok(&["report", "runs/2022-06-01-000000/record.json"]);
    assert!(
        printed.contains("-> runs/2022-06-01-000000/report.md"),
        "{printed}"
    );
}

#[test]
fn two_runs_are_laid_side_by_side() {
    let folder = Folder::new();
    let runs = ["runs/2022-06-01-000000", "runs/2022-06-02-000000"];
    let found = folder.json(&["report", runs[0], runs[1]]);
    assert_eq!(found["models"][0]["prove"]["ratio"], 2.0);
    assert_eq!(found["warnings"], json!([]));
    let mut other = record("2022-06-04-000000", 1.0);
    other["host"]["cpu"] = json!("Other 1");
    folder.write("2022-06-04-000000", &other);
    let arguments = [
        "report",
        runs[0],
        "runs/2022-06-04-000000",
        "--out",
        "found.md",
    ];
    let printed = folder.ok(&arguments);
    assert!(printed.starts_with("!!! DIFFERENT MACHINE"), "{printed}");
    assert!(printed.trim_end().ends_with("-> found.md"), "{printed}");
    let page = fs::read_to_string(folder.path("found.md")).unwrap();
    assert!(
        page.contains("| processor | Example 9000 | Other 1 |"),
        "{page}"
    );
}
