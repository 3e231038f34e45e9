//! EZKL itself, where its environment is installed.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use zkassay_ezkl::{Configuration, Environment, Worker, WorkerError, reference, worker};

const LIMIT: Duration = Duration::from_secs(300);

/// The environment in cargo's target folder; says so if there is none, and the test is skipped.
fn environment() -> Option<Environment> {
    let program = env::current_exe().ok()?;
    let mut folders = program.ancestors().map(|folder| folder.join("peers/ezkl"));
    let found = folders.find_map(|folder| Environment::open(&folder).ok());
    if found.is_none() {
        eprintln!("skipped: no environment with EZKL; make it with `cargo xtask ezkl`");
    }
    found
}

/// A network 8-16-4-1 by PyTorch, with a sigmoid.
const NETWORK: (&str, usize) = ("models/torchscript.onnx", 8);
/// Of the rows to prove, the one that is out of proportion.
const LARGE_ROW: usize = 12;

/// A model of the fixtures, with rows for it.
struct Case {
    folder: TempDir,
    model: PathBuf,
    inputs: usize,
}

impl Case {
    /// The file below `fixtures/` that takes so many values.
    fn new((model, inputs): (&str, usize)) -> Self {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
        Self {
            folder: tempfile::tempdir().unwrap(),
            model: fixtures.join(model),
            inputs,
        }
    }

    /// Rows of values between -1 and 1; and one to prove with values a thousand times as large.
    fn write_rows(&self) -> PathBuf {
        let value = |at: usize| (at * 37 % 64) as f64 / 32.0 - 1.0;
        let row = |row: usize, size: f64| {
            let values = (0..self.inputs).map(|column| size * value(row * 11 + column));
            values.collect::<Vec<_>>()
        };
        let calibration: Vec<_> = (0..LARGE_ROW).map(|at| row(at, 1.0)).collect();
        let mut test = calibration.clone();
        test.push(row(LARGE_ROW, 1000.0));
        let path = self.folder.path().join("rows.json");
        let text = json!({"calibration": calibration, "test": test}).to_string();
        fs::write(&path, text).unwrap();
        path
    }

    fn start(&self, environment: &Environment, configuration: Configuration) -> Worker {
        let rows = self.write_rows();
        let folder = self.folder.path().join(configuration.name());
        let srs = self.folder.path().join("srs");
        let log = self.folder.path().join("log.txt");
        let model = &self.model;
        worker(
            environment,
            configuration,
            model,
            &rows,
            &folder,
            &srs,
            &log,
        )
        .unwrap()
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().unwrap().iter();
    values.map(|value| value.as_f64().unwrap()).collect()
}

/// Takes the model through all stages and compares a proof's outputs with onnxruntime's.
fn prove(case: &Case, environment: &Environment, ezkl: &mut Worker) -> Value {
    let mut ask = |stage: &str, row| ezkl.ask(stage, row, LIMIT).unwrap();
    ask("settings", 0);
    ask("calibrate", 0);
    let compiled = ask("compile", 0).details;
    assert!(compiled["circuit"]["logrows"].as_u64().unwrap() > 0);
    assert!(ask("parameters", 0).details["srs_bytes"].as_u64().unwrap() > 0);
    let keys = ask("setup", 0).details;
    assert!(keys["pk_bytes"].as_u64() > keys["vk_bytes"].as_u64());
    ask("witness", 1);
    let proof = ask("prove", 1);
    assert!(proof.seconds > 0.0 && proof.cpu_seconds > 0.0);
    assert!(proof.details["proof_bytes"].as_u64().unwrap() > 500);
    let outputs = numbers(&ask("verify", 1).details["outputs"]);
    assert_eq!(numbers(&ask("evaluate", 1).details["outputs"]), outputs);

    let rows = case.write_rows();
    let (folder, log) = (case.folder.path(), case.folder.path().join("log.txt"));
    let mut session = reference(environment, &case.model, &rows, folder, &log).unwrap();
    let expected = session.ask("test", 1, LIMIT).unwrap();
    let expected = numbers(&expected.details["outputs"]);
    assert_eq!(outputs.len(), expected.len());
    for (found, expected) in outputs.iter().zip(expected) {
        assert!((found - expected).abs() < 0.05, "{found} {expected}");
    }
    compiled["settings"].clone()
}

#[test]
fn a_network_is_proved_with_settings_of_ezkl() {
    let Some(environment) = environment() else {
        return;
    };
    let case = Case::new(NETWORK);
    let mut ezkl = case.start(&environment, Configuration::Fixed);
    prove(&case, &environment, &mut ezkl);
    // A row that the tables have no room for is refused, before the prover hangs.
    let error = ezkl.ask("witness", LARGE_ROW, LIMIT).unwrap_err();
    let WorkerError::Stage { refused: true, .. } = &error else {
        panic!("{error}");
    };
    let error = ezkl.ask("witness", LARGE_ROW + 1, LIMIT).unwrap_err();
    assert_eq!(error.to_string(), "witness: there is no row 13");
    // Others are proved nevertheless.
    for stage in ["witness", "prove", "verify"] {
        ezkl.ask(stage, 0, LIMIT).unwrap();
    }
}

#[test]
fn a_search_finds_settings_with_fewer_rows() {
    let Some(environment) = environment() else {
        return;
    };
    let case = Case::new(NETWORK);
    let mut private = case.start(&environment, Configuration::Private);
    let own = private.ask("prepare", 0, LIMIT).unwrap().details;
    let mut tuned = case.start(&environment, Configuration::Tuned);
    let settings = prove(&case, &environment, &mut tuned);
    assert!(settings["logrows"].as_u64() < own["settings"]["logrows"].as_u64());
    assert!(settings["search"]["trials"].as_u64().unwrap() > 0);
    assert!(settings["search"]["mean_error"].as_f64().unwrap() <= 0.01);
}

#[test]
fn what_ezkl_cannot_read_is_said_in_its_words_on_one_line() {
    let Some(environment) = environment() else {
        return;
    };
    for (model, words) in [
        (
            "operators/sklearn/forest-classifier-2.onnx",
            "Unimplemented(ZipMap)",
        ),
        ("models/README.md", "Failed to generate settings"),
    ] {
        let case = Case::new((model, 4));
        let mut ezkl = case.start(&environment, Configuration::Fixed);
        let error = ezkl.ask("settings", 0, LIMIT).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(!error.contains('\n'), "{error}");
        // It is there for the next question.
        let again = ezkl.ask("settings", 0, LIMIT).unwrap_err();
        assert!(matches!(again, WorkerError::Stage { .. }), "{again}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_stopped_search_leaves_no_process() {
    let Some(environment) = environment() else {
        return;
    };
    let case = Case::new(NETWORK);
    let mut ezkl = case.start(&environment, Configuration::Tuned);
    ezkl.ask("settings", 0, LIMIT).unwrap();
    let limit = Duration::from_secs(3);
    let error = ezkl.ask("calibrate", 0, limit).unwrap_err();
    assert!(matches!(error, WorkerError::Timeout { .. }), "{error}");
    // Processes of this test have its folder in their command lines.
    let folder = case.folder.path().to_str().unwrap();
    let start = Instant::now();
    while processes(folder) > 0 {
        assert!(start.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// How many processes have `text` in their command lines.
#[cfg(target_os = "linux")]
fn processes(text: &str) -> usize {
    let folders = fs::read_dir("/proc").unwrap().flatten();
    let lines = folders.filter_map(|folder| fs::read(folder.path().join("cmdline")).ok());
    lines
        .filter(|line| String::from_utf8_lossy(line).contains(text))
        .count()
}

/// Rows of another width are told before anything is made of the model.
#[test]
fn rows_that_do_not_fit_the_model_are_told_first() {
    let Some(environment) = environment() else {
        return;
    };
    let case = Case::new((NETWORK.0, 3));
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_zkassay-ezkl"))
        .arg("--environment")
        .arg(environment.python().parent().unwrap().parent().unwrap())
        .args([&case.model, &case.write_rows()])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("the rows have 3 values"), "{message}");
    assert!(message.contains("torchscript.onnx takes 8"), "{message}");
}
