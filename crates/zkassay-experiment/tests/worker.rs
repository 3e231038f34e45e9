//! The program `zkassay-worker`, asked as the experiment asks it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ndarray::{Array2, ArrayView2, Axis};
use serde_json::{Value, json};
use zkassay::Settings;
use zkassay_experiment::cell::{Expected, Subject};
use zkassay_experiment::integer;
use zkassay_experiment::prove::{Effort, rounds};
use zkassay_ezkl::{Answer, Worker, WorkerError};
use zkassay_graph::Graph;
use zkassay_models::zoo::{self, Params};
use zkassay_models::{Export, Hyperparameters, TrainingSet};
use zkassay_quant::IntegerModel;
use zkassay_report::{CircuitShape, Stage};
use zkassay_verifier::artefact::digest;
use zkassay_verifier::{Proof, VerifyingKey};

const LIMIT: Duration = Duration::from_secs(60);

/// A model as a file, with rows; the last test row is far outside the others' range.
struct Files {
    folder: tempfile::TempDir,
    test: Vec<Vec<f32>>,
    calibration: Array2<f32>,
    expected: Expected,
}

impl Files {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let value =
            |row: usize, column: usize| ((row * 37 + column * 53) % 101) as f32 / 50.0 - 1.0;
        let rows = Array2::from_shape_fn((60, 3), |(row, column)| value(row, column));
        let label = |row: ndarray::ArrayView1<'_, f32>| u8::from(row[0] + row[1] * row[2] > 0.1);
        let labels: Vec<u8> = rows.outer_iter().map(label).collect();
        let set = TrainingSet::new(rows.view(), &labels).unwrap();
        let params = Params::study(&name.parse().unwrap(), 3).check().unwrap();
        let model = zoo::fit(&set, &params).unwrap();
        let onnx = model.to_onnx(&Export::new("test")).unwrap();
        fs::write(folder.path().join("model.onnx"), onnx).unwrap();

        let (calibration, test) = rows.view().split_at(Axis(0), 50);
        let mut all = lists(test);
        all.push(vec![0.0, 1e6, 0.0]);
        let text = json!({ "calibration": lists(calibration), "test": all });
        fs::write(folder.path().join("rows.json"), text.to_string()).unwrap();
        let scores = model.predict(test).unwrap().scores;
        let double = |row: Vec<f32>| row.into_iter().map(f64::from).collect();
        Self {
            folder,
            test: all,
            calibration: calibration.to_owned(),
            expected: Expected {
                outputs: lists(scores.view()).into_iter().map(double).collect(),
                threshold: 0.5,
            },
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// A worker that leaves its files in `out`.
    fn start(&self, out: &str, flags: &[&str]) -> Worker {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zkassay-worker"));
        command
            .args([
                self.path("model.onnx"),
                self.path("rows.json"),
                self.path(out),
            ])
            .arg("--parameters")
            .arg(self.path("parameters"))
            .args(flags);
        Worker::start(command, &self.path("log.txt")).unwrap()
    }

    /// The integer model, made without the worker.
    fn integer(&self) -> IntegerModel {
        let graph = Graph::from_onnx(&self.read("model.onnx")).unwrap();
        integer::calibrated(&graph, self.calibration.view())
            .unwrap()
            .model
    }
}

fn lists(rows: ArrayView2<'_, f32>) -> Vec<Vec<f32>> {
    rows.outer_iter().map(|row| row.to_vec()).collect()
}

fn ask(worker: &mut Worker, stage: &str, row: usize) -> Answer {
    let answer = worker.ask(stage, row, LIMIT).unwrap();
    assert!(
        answer.seconds >= 0.0 && answer.cpu_seconds >= 0.0,
        "{answer:?}"
    );
    answer
}

/// What is said when a stage fails, and whether the row is the reason.
fn error(worker: &mut Worker, stage: &str, row: usize) -> (String, bool) {
    match worker.ask(stage, row, LIMIT).unwrap_err() {
        WorkerError::Stage {
            message, refused, ..
        } => (message, refused),
        other => unreachable!("{stage}: {other}"),
    }
}

fn until_setup(worker: &mut Worker) -> Answer {
    for stage in ["settings", "calibrate", "compile", "parameters"] {
        ask(worker, stage, 0);
    }
    ask(worker, "setup", 0)
}

fn outputs(answer: &Answer) -> Vec<f64> {
    serde_json::from_value(answer.details["outputs"].clone()).unwrap()
}

#[test]
fn a_model_goes_through_all_stages() {
    for name in ["logistic", "4", "tree"] {
        let files = Files::new(name);
        let mut worker = files.start("out", &[]);
        ask(&mut worker, "settings", 0);
        ask(&mut worker, "calibrate", 0);
        let compiled = ask(&mut worker, "compile", 0);
        let parameters = ask(&mut worker, "parameters", 0);
        let keys = ask(&mut worker, "setup", 0);
        let length = |name: &str| json!(files.read(name).len());
        let logrows = compiled.details["circuit"]["logrows"].as_u64().unwrap();
        assert_eq!(
            parameters.details["srs_bytes"],
            length(&format!("parameters/unsafe-local-k{logrows}.srs"))
        );
        assert_eq!(keys.details["pk_bytes"], length("out/model.pk"));
        assert_eq!(keys.details["vk_bytes"], length("out/model.vk"));
        assert!(keys.cpu_seconds > 0.0);

        // What a user of the library has: settings for the model, a key, proofs.
        let settings = Settings::from_json(&files.read("out/settings.json")).unwrap();
        let model = digest(&files.read("model.onnx"));
        assert_eq!(settings.model(), model);
        assert!(settings.calibration().is_some());
        let key = VerifyingKey::from_bytes(&files.read("out/model.vk")).unwrap();
        let system = key.halo2().cs();
        let circuit = compiled.details["circuit"].clone();
        let circuit: CircuitShape = serde_json::from_value(circuit).unwrap();
        assert!(circuit.rows.unwrap() <= 1 << circuit.logrows);
        assert_eq!(circuit.advice_columns, Some(system.num_advice_columns()));
        assert_eq!(circuit.fixed_columns, Some(system.num_fixed_columns()));
        assert_eq!(
            circuit.instance_columns,
            Some(system.num_instance_columns())
        );

        // The integer model is that whose accuracy is measured.
        let integer = files.integer();
        for row in [3, 0] {
            let expected = integer.evaluate(&files.test[row]).unwrap().reals;
            ask(&mut worker, "witness", row);
            let proof = ask(&mut worker, "prove", row);
            assert_eq!(
                outputs(&ask(&mut worker, "verify", row)),
                expected,
                "{name}"
            );
            assert_eq!(outputs(&ask(&mut worker, "evaluate", row)), expected);
            let file = files.read(&format!("out/proofs/row-{row}.proof"));
            assert!(proof.details["proof_bytes"].as_u64().unwrap() < file.len() as u64);
            let verdict = key.verify(&Proof::from_bytes(&file).unwrap()).unwrap();
            assert_eq!((verdict.model, verdict.outputs), (Some(model), expected));
        }
        let names = fs::read_dir(files.path("out")).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["model.pk", "model.vk", "proofs", "settings.json"]);
    }
}

#[test]
fn a_row_out_of_range_is_refused_and_the_next_is_proved() {
    let files = Files::new("4");
    let mut worker = files.start("out", &[]);
    until_setup(&mut worker);
    let (message, refused) = error(&mut worker, "witness", 10);
    assert!(refused, "{message}");
    assert!(
        message.contains("value 1 of input") && message.contains("is 1000000"),
        "{message}"
    );
    assert!(error(&mut worker, "evaluate", 10).1);
    assert!(!error(&mut worker, "prove", 10).1);
    for stage in ["witness", "prove", "verify"] {
        ask(&mut worker, stage, 1);
    }
}

#[test]
fn stages_out_of_order_say_what_comes_first() {
    let files = Files::new("logistic");
    let mut worker = files.start("out", &[]);
    let mut fails = |stage: &str, row, said: &str| {
        let (message, refused) = error(&mut worker, stage, row);
        assert!(message.contains(said) && !refused, "{stage}: {message}");
    };
    fails("calibrate", 0, "`settings` comes first");
    fails("compile", 0, "`settings` comes first");
    fails("parameters", 0, "`compile` comes first");
    fails("setup", 0, "`compile` comes first");
    fails("evaluate", 0, "`compile` comes first");
    fails("prove", 0, "`witness` comes first");
    fails("witness", 0, "model.pk cannot be read");
    fails("polish", 0, "no stage is called `polish`");
    until_setup(&mut worker);
    let mut fails = |stage: &str, row, said: &str| {
        let (message, refused) = error(&mut worker, stage, row);
        assert!(message.contains(said) && !refused, "{stage}: {message}");
    };
    fails("prove", 0, "`witness` comes first");
    fails("verify", 0, "row-0.proof cannot be read");
    fails("witness", 11, "for 11 proofs, and number 11");
    ask(&mut worker, "witness", 2);
    let (message, _) = error(&mut worker, "prove", 3);
    assert_eq!(message, "`witness 3` comes first");
    ask(&mut worker, "prove", 2);
    // A proof of one row is none of another.
    fs::copy(
        files.path("out/proofs/row-2.proof"),
        files.path("out/proofs/row-4.proof"),
    )
    .unwrap();
    let (message, refused) = error(&mut worker, "verify", 4);
    assert!(
        message.contains("integer evaluation") && !refused,
        "{message}"
    );
}

#[test]
fn keys_made_again_are_the_same_and_parameters_are_shared() {
    let files = Files::new("4");
    let mut worker = files.start("out", &["--threads", "1"]);
    let names = ["settings.json", "model.pk", "model.vk"];
    let first = until_setup(&mut worker);
    let all = |out: &str| names.map(|name| files.read(&format!("{out}/{name}")));
    let before = all("out");
    for stage in ["witness", "prove", "verify"] {
        ask(&mut worker, stage, 0);
    }
    let again = until_setup(&mut worker);
    assert_eq!(first.details, again.details);
    assert_eq!(all("out"), before);
    assert!(error(&mut worker, "prove", 0).0.contains("`witness 0`"));
    for stage in ["witness", "prove", "verify"] {
        ask(&mut worker, stage, 0);
    }
    // Nor does the number of threads change anything.
    let mut other = files.start("other", &["--threads", "3"]);
    until_setup(&mut other);
    assert_eq!(all("other"), before);
    for row in 0..3 {
        assert_eq!(
            outputs(&ask(&mut other, "evaluate", row)),
            outputs(&ask(&mut worker, "evaluate", row))
        );
    }
    assert_eq!(fs::read_dir(files.path("parameters")).unwrap().count(), 1);
}

#[test]
fn one_request_prepares_a_batch() {
    let files = Files::new("4");
    let mut worker = files.start("out", &["--batch", "3"]);
    let prepared = ask(&mut worker, "prepare", 0);
    assert!(prepared.details["circuit"]["logrows"].is_u64());
    assert!(prepared.details["settings"]["limbs"] != Value::Null);
    for stage in ["parameters", "setup", "witness", "prove"] {
        ask(&mut worker, stage, 2);
    }
    let verified = outputs(&ask(&mut worker, "verify", 2));
    assert_eq!(verified.len(), 3);
    assert_eq!(outputs(&ask(&mut worker, "evaluate", 2)), verified);
    // 11 rows are three whole batches.
    assert!(error(&mut worker, "witness", 3).0.contains("for 3 proofs"));
}

#[test]
fn files_that_are_something_else_are_named() {
    let files = Files::new("logistic");
    fs::write(files.path("model.onnx"), "nonsense").unwrap();
    let (message, refused) = error(&mut files.start("out", &[]), "settings", 0);
    assert!(!message.is_empty() && !refused);
    fs::write(
        files.path("rows.json"),
        r#"{"calibration": [[1], [2, 3]], "test": []}"#,
    )
    .unwrap();
    let ended = files
        .start("out", &[])
        .ask("settings", 0, LIMIT)
        .unwrap_err();
    let message = ended.to_string();
    assert!(
        message.contains("rows.json") && message.contains("calibration row 1 has 2 values"),
        "{message}"
    );
}

#[test]
fn the_driver_proves_a_model() {
    let files = Files::new("4");
    let order = [10, 7, 0, 3];
    let model = files.path("model.onnx");
    let (rows, out) = (files.path("rows.json"), files.path("out"));
    let subject = Subject {
        tag: "4",
        onnx: &model,
        rows: &rows,
        test_rows: &order,
        expected: &files.expected,
        folder: &out,
    };
    let effort = Effort {
        setups: 2,
        proofs: 3,
        limit: LIMIT,
    };
    let mut kept = Vec::new();
    let mut keep = |round| {
        kept.push(round);
        Ok(())
    };
    let start = || Ok(files.start("out", &[]));
    assert_eq!(
        rounds(start, &subject, &effort, &[], &mut keep).unwrap(),
        None
    );
    assert_eq!(kept.len(), 3);
    assert_eq!(kept[0].refused[0].row, 10);
    for (round, row) in kept.iter().zip([7, 0, 3]) {
        assert_eq!(round.row, Some(row));
        let comparison = round.comparison.unwrap();
        assert!(
            comparison.same_label && comparison.max_abs_error < 0.02,
            "{comparison:?}"
        );
        assert!(round.wall.of(Stage::Prove).median().unwrap() > 0.0);
        assert!(round.memory.prove_bytes.is_some() == Path::new("/proc/self").exists());
    }
    // The rest of the rounds in another process.
    let mut rest = Vec::new();
    let mut keep = |round| {
        rest.push(round);
        Ok(())
    };
    let ended = rounds(start, &subject, &effort, &kept[..2], &mut keep).unwrap();
    assert_eq!((ended, rest.len()), (None, 1));
    assert_eq!((rest[0].round, rest[0].row), (2, Some(3)));
    assert_eq!(rest[0].outputs, kept[2].outputs);
}
