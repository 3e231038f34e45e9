//! The whole way, on the committed fixtures: one model, two proofs.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use zkassay_experiment::dataset::{Mode, Source};
use zkassay_experiment::progress::Progress;
use zkassay_experiment::{Plan, RunOptions, run};
use zkassay_report::{RunRecord, Stage};
use zkassay_verifier::{Proof, VerifyingKey};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn tokens(path: &Path) -> Source {
    Source::Tokens {
        path: path.into(),
        mode: Mode::Honest,
    }
}

fn plan(models: &str) -> Plan {
    Plan {
        profile: "quick".into(),
        models: Plan::parse_models(models).unwrap(),
        rounds: 1,
        proofs: 2,
        setups: 2,
        source: tokens(&fixtures()),
        seed: 5,
        threads: None,
        peer: None,
    }
}

/// The folder for runs' folders, and our worker.
fn options(out: &Path) -> RunOptions {
    RunOptions {
        out: out.into(),
        worker: env!("CARGO_BIN_EXE_zkassay-worker").into(),
        ..RunOptions::default()
    }
}

#[test]
fn a_run_leaves_everything_a_user_needs() {
    let out = tempfile::tempdir().unwrap();
    let (record, folder) =
        run(&plan("logistic"), &options(out.path()), &Progress::hidden()).unwrap();
    assert_eq!((record.data.rows, record.data.features), (604, 162));
    let model = &record.models[0];
    assert_eq!((model.tag.as_str(), model.parameters), ("logistic", 163));
    let quantized = model.accuracy.quantized.as_ref().unwrap();
    assert!(quantized.value > model.accuracy.majority.value);
    let fidelity = model.proving.fidelity.unwrap();
    assert!(fidelity.max_abs_error < 1e-2, "{fidelity:?}");
    assert!(record.audit.is_some() && record.failures.is_empty());
    let is_told = |warning: &String| warning.starts_with("The tables are synthetic: ");
    assert!(record.warnings.iter().any(is_told), "{:?}", record.warnings);
    for stage in Stage::ALL {
        let (wall, cpu) = (&model.proving.timings, &model.proving.cpu);
        assert_eq!((wall.of(stage).len(), cpu.of(stage).len()), (2, 2));
    }
    // The record reads back as it was returned.
    let json = fs::read_to_string(folder.join("record.json")).unwrap();
    assert_eq!(
        RunRecord::from_json(&json).unwrap().models[0]
            .proving
            .proved_rows,
        model.proving.proved_rows
    );
    for file in [
        "journal.jsonl",
        "rows.json",
        "models.csv",
        "samples.csv",
        "report.md",
        "plots/accuracy.png",
        "plots/cost.svg",
        "pipeline.json",
        "audit.json",
        "split.json",
    ] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    // What a stranger does: two files, no model, no data.
    let key =
        VerifyingKey::from_bytes(&fs::read(folder.join("logistic/model.vk")).unwrap()).unwrap();
    for row in &model.proving.proved_rows {
        let proof = fs::read(folder.join(format!("logistic/proofs/row-{row}.proof"))).unwrap();
        let verdict = key.verify(&Proof::from_bytes(&proof).unwrap()).unwrap();
        assert!((0.0..=1.0).contains(&verdict.outputs[0]));
        let hex: String = verdict
            .model
            .unwrap()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hex, model.onnx_sha256);
    }
}

#[test]
fn models_for_other_data_are_refused() {
    let out = tempfile::tempdir().unwrap();
    let runs = out.path().join("runs");
    let output = Command::new(env!("CARGO_BIN_EXE_zkassay-experiment"))
        .args(["--models", "ridge,cnn", "--out"])
        .arg(&runs)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("model 'cnn' is for digits"), "{message}");
    assert!(!runs.exists());
}

#[test]
fn the_same_seed_gives_the_same_models_and_rows() {
    let out = tempfile::tempdir().unwrap();
    let runs = [(); 2]
        .map(|()| run(&plan("logistic"), &options(out.path()), &Progress::hidden()).unwrap());
    let [(first, a), (second, b)] = &runs;
    assert_ne!(a, b);
    assert_eq!(
        first.models[0].proving.proved_rows,
        second.models[0].proving.proved_rows
    );
    assert_eq!(first.models[0].accuracy, second.models[0].accuracy);
    for file in [
        "logistic/model.onnx",
        "logistic/settings.json",
        "pipeline.json",
        "split.json",
    ] {
        assert_eq!(
            fs::read(a.join(file)).unwrap(),
            fs::read(b.join(file)).unwrap(),
            "{file}"
        );
    }
}

#[test]
fn without_data_there_is_an_error_and_no_folder() {
    let out = tempfile::tempdir().unwrap();
    let mut plan = plan("logistic");
    let options = options(&out.path().join("runs"));
    plan.source = tokens(&out.path().join("nowhere"));
    let error = format!(
        "{:#}",
        run(&plan, &options, &Progress::hidden()).unwrap_err()
    );
    assert!(
        error.contains("nowhere") && error.contains("cargo xtask fixtures"),
        "{error}"
    );
    assert!(!out.path().join("runs").exists());
}

#[test]
fn a_damaged_table_is_named_and_leaves_no_folder() {
    let out = tempfile::tempdir().unwrap();
    let data = out.path().join("data");
    copy(&fixtures(), &data);
    let damaged = "TVL_per_project_tokens/project=lido/part-0.parquet";
    let bytes = fs::read(data.join(damaged)).unwrap();
    fs::write(data.join(damaged), &bytes[..bytes.len() / 2]).unwrap();
    let mut plan = plan("logistic");
    let options = options(&out.path().join("runs"));
    plan.source = tokens(&data);
    let error = format!(
        "{:#}",
        run(&plan, &options, &Progress::hidden()).unwrap_err()
    );
    assert!(error.contains("project=lido/part-0.parquet"), "{error}");
    assert!(!out.path().join("runs").exists());
}

#[test]
fn more_proofs_than_test_rows_are_refused() {
    let out = tempfile::tempdir().unwrap();
    let mut plan = plan("logistic");
    let options = options(out.path());
    plan.proofs = 1000;
    let error = format!(
        "{:#}",
        run(&plan, &options, &Progress::hidden()).unwrap_err()
    );
    assert!(
        error.contains("1000 proofs") && error.contains("151 test rows"),
        "{error}"
    );
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn paper_mode_has_the_shape_of_the_study() {
    let out = tempfile::tempdir().unwrap();
    let mut plan = plan("logistic");
    let options = options(out.path());
    plan.source = Source::Tokens {
        path: fixtures(),
        mode: Mode::Paper,
    };
    (plan.proofs, plan.rounds) = (1, 2);
    let (record, folder) = run(&plan, &options, &Progress::hidden()).unwrap();
    assert_eq!(record.data.sampling, "2 random splits");
    assert!(folder.join("audit.json").is_file());
    assert_eq!((record.data.rows, record.data.features), (599, 162));
    assert_eq!(record.data.test_rows, 150);
    assert!(
        record.command.contains("--mode paper"),
        "{}",
        record.command
    );
}

#[test]
fn models_that_are_no_chains_of_dense_layers_are_proved() {
    let out = tempfile::tempdir().unwrap();
    let mut plan = plan("6:tanh,svm-rbf");
    let options = options(&out.path().join("runs"));
    plan.source = points(out.path());
    let (record, folder) = run(&plan, &options, &Progress::hidden()).unwrap();
    for (model, name) in record.models.iter().zip(["6:tanh", "svm-rbf"]) {
        assert_eq!(model.tag, name);
        let accuracy = &model.accuracy;
        let difference = accuracy.quantized.as_ref().unwrap().value - accuracy.float.value;
        assert!(difference.abs() < 0.05, "{name}: {accuracy:?}");
        let fidelity = model.proving.fidelity.unwrap();
        assert!(fidelity.label_agreement > 0.95, "{name}");
        assert!(fidelity.max_abs_error < 0.1, "{fidelity:?}");
        assert_eq!(model.proving.proved_rows.len(), plan.proofs);
        let key = fs::read(folder.join(name).join("model.vk")).unwrap();
        let key = VerifyingKey::from_bytes(&key).unwrap();
        for row in &model.proving.proved_rows {
            let proof = folder.join(format!("{name}/proofs/row-{row}.proof"));
            let proof = Proof::from_bytes(&fs::read(proof).unwrap()).unwrap();
            assert_eq!(key.verify(&proof).unwrap().outputs.len(), 1);
        }
    }
}

/// A table of one's own: two overlapping clouds on a grid; some values are missing.
fn points(dir: &Path) -> Source {
    let path = dir.join("points.csv");
    let mut text = String::from("left,right,side\n");
    for i in 0..240u32 {
        let (x, y) = (
            f64::from(i * 37 % 101) / 50.0 - 1.0,
            f64::from(i * 53 % 97) / 48.0 - 1.0,
        );
        let side = if x + y + f64::from(i % 7) / 20.0 > 0.15 {
            "up"
        } else {
            "down"
        };
        let right = if i % 29 == 0 {
            String::new()
        } else {
            format!("{y}")
        };
        text += &format!("{x},{right},{side}\n");
    }
    fs::write(&path, text).unwrap();
    Source::Table {
        path,
        label: "side".into(),
        time: None,
    }
}

#[test]
fn a_table_of_ones_own_goes_the_same_way() {
    let out = tempfile::tempdir().unwrap();
    let mut plan = plan("logistic,4,ridge,svm");
    let options = options(&out.path().join("runs"));
    plan.source = points(out.path());
    let (record, folder) = run(&plan, &options, &Progress::hidden()).unwrap();
    assert_eq!((record.data.rows, record.data.features), (240, 2));
    for model in &record.models {
        let (ours, majority) = (
            model.accuracy.quantized.as_ref().unwrap(),
            &model.accuracy.majority,
        );
        assert!(ours.low > majority.value, "{ours:?} {majority:?}");
        assert!(folder.join(&model.tag).join("model.vk").is_file());
    }
    // Scores of which 0 or more is class 1; with one half, as of probabilities, many rows would
    // change their class.
    for (model, name) in record.models[2..].iter().zip(["ridge", "svm"]) {
        assert_eq!((model.tag.as_str(), model.parameters), (name, 3));
        assert!(model.hidden.is_empty());
        assert_eq!(model.activation, "none");
        assert_eq!(model.proving.timings.of(Stage::Verify).len(), 2);
        let accuracy = &model.accuracy;
        assert_eq!(accuracy.quantized.as_ref(), Some(&accuracy.float));
        let fidelity = model.proving.fidelity.unwrap();
        assert_eq!(fidelity.label_agreement, 1.0);
        assert_ne!(fidelity.max_abs_error, 0.0);
    }
}
