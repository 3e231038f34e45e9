//! Runs that are killed, go on, and fail: with the programs that users start.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod failures;
mod resume;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use zkassay_experiment::dataset::Source;
use zkassay_experiment::{Plan, RunOptions};
use zkassay_report::{Memory, ModelRecord, Proving, RunRecord, Stage, Timings};

/// A table of `rows` points of two overlapping clouds on a grid.
fn points(folder: &Path, rows: usize) -> PathBuf {
    let path = folder.join("points.csv");
    let mut text = String::from("left,right,side\n");
    for row in 0..rows {
        let x = (row * 37 % 101) as f64 / 50.0 - 1.0;
        let y = (row * 53 % 97) as f64 / 48.0 - 1.0;
        let side = match x + y + (row % 7) as f64 / 20.0 > 0.15 {
            true => "up",
            false => "down",
        };
        text += &format!("{x},{y},{side}\n");
    }
    fs::write(&path, text).unwrap();
    path
}

fn source(folder: &Path, rows: usize) -> Source {
    Source::Table {
        path: points(folder, rows),
        label: "side".into(),
        time: None,
    }
}

/// A plan of tiny models; it takes a second.
fn plan(folder: &Path, models: &str) -> Plan {
    Plan {
        profile: "quick".into(),
        models: Plan::parse_models(models).unwrap(),
        rounds: 1,
        proofs: 2,
        setups: 1,
        source: source(folder, 240),
        seed: 5,
        threads: None,
        peer: None,
    }
}

/// With the real worker, into `runs` of `folder`.
fn options(folder: &Path) -> RunOptions {
    RunOptions {
        out: folder.join("runs"),
        worker: env!("CARGO_BIN_EXE_zkassay-worker").into(),
        ..RunOptions::default()
    }
}

/// A program in `folder` that is this shell script.
fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// The worker, but for models in folders `MODEL` it is this script.
fn worker_but(folder: &Path, model: &str, text: &str) -> PathBuf {
    let real = env!("CARGO_BIN_EXE_zkassay-worker");
    let text = format!("case \"$1\" in */{model}/*) ;; *) exec '{real}' \"$@\";; esac\n{text}");
    script(folder, "worker.sh", &text)
}

/// What a script that is a worker does with requests, until there are no more: `cases` are those of
/// a shell, all others are answered at once.
fn serve(cases: &str) -> String {
    let answer = r#"{"seconds": 0.001, "cpu_seconds": 0.002, "outputs": [0.5], "pk_bytes": 10}"#;
    format!("while read -r stage row; do case $stage in\n{cases}\n*) echo '{answer}';;\nesac; done")
}

/// A folder that looks as EZKL's environment does, whose Python is the script.
fn environment(folder: &Path, text: &str) -> PathBuf {
    let requirements = "../zkassay-ezkl/python/requirements.txt";
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join(requirements);
    let requirements = fs::read_to_string(requirements).unwrap();
    let version = requirements
        .lines()
        .find_map(|line| line.strip_prefix("ezkl=="));
    let version = version.unwrap().split_whitespace().next().unwrap();
    let environment = folder.join("environment");
    let package = format!("lib/python3.11/site-packages/ezkl-{version}.dist-info");
    fs::create_dir_all(environment.join(package)).unwrap();
    script(&environment.join("bin"), "python", text);
    environment
}

/// The command line of the experiment on the table of points.
fn experiment(folder: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zkassay-experiment"));
    command.arg("--out").arg(folder.join("runs")).args(flags);
    command
}

/// Flags of a run of tiny models in three random splits.
fn flags(folder: &Path, models: &str) -> Vec<String> {
    let table = folder.join("points.csv").display().to_string();
    let flags = [
        "--label", "side", "--rounds", "3", "--proofs", "3", "--setups", "2",
    ];
    let flags = flags.map(str::to_owned).into_iter();
    flags
        .chain(["--table".into(), table, "--models".into(), models.into()])
        .collect()
}

fn begin(folder: &Path, models: &str) -> Command {
    let flags = flags(folder, models);
    experiment(
        folder,
        &flags.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

fn go_on(folder: &Path, run: &Path) -> Command {
    experiment(folder, &["--resume", run.to_str().unwrap()])
}

/// What a program printed, on both streams.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// The folders of runs, in order.
fn runs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder.join("runs")) else {
        return Vec::new();
    };
    let mut runs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    runs.sort();
    runs
}

fn record(run: &Path) -> RunRecord {
    RunRecord::from_json(&fs::read_to_string(run.join("record.json")).unwrap()).unwrap()
}

/// A record without what two runs of the same plan differ in: name, times, memory. How many times
/// there are remains.
fn without_times(mut record: RunRecord) -> RunRecord {
    record.id.clear();
    record.created.clear();
    record.seconds = 0.0;
    // Tests run beside each other.
    record
        .warnings
        .retain(|warning| !warning.contains("other programs kept"));
    for model in &mut record.models {
        let ModelRecord {
            training,
            proving,
            peers,
            ..
        } = model;
        training.seconds = 0.0;
        assert!(
            proving
                .memory
                .prove_bytes
                .is_some_and(|bytes| bytes > 1_000_000)
        );
        for proving in peers.iter_mut().chain([proving]) {
            let Proving {
                timings,
                cpu,
                memory,
                ..
            } = proving;
            (*timings, *cpu, *memory) = (counts(timings), counts(cpu), Memory::default());
        }
    }
    record
}

fn counts(timings: &Timings) -> Timings {
    let mut counts = Timings::default();
    for stage in Stage::ALL {
        for _ in timings.of(stage).as_slice() {
            counts.push(stage, 1.0);
        }
    }
    counts
}
