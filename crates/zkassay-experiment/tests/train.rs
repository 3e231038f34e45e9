//! Training in rounds: what a round gives does not depend on the others, nor on threads.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use serde_json::Value;
use zkassay_experiment::Plan;
use zkassay_experiment::cell::AccuracyRound;
use zkassay_experiment::dataset::{Dataset, Source};
use zkassay_experiment::train;
use zkassay_models::ModelSpec;

/// Two overlapping clouds, `rows` points of them; `label` tells which side is up.
fn points(folder: &Path, rows: u32, time: bool, label: impl Fn(u32, f64) -> bool) -> Source {
    let path = folder.join("points.csv");
    let mut text = String::from("when,left,right,side\n");
    for row in 0..rows {
        let x = f64::from(row * 37 % 101) / 50.0 - 1.0;
        let y = f64::from(row * 53 % 97) / 48.0 - 1.0;
        let side = if label(row, x + y) { "up" } else { "down" };
        text += &format!("{row},{x},{y},{side}\n");
    }
    fs::write(&path, text).unwrap();
    Source::Table {
        path,
        label: "side".into(),
        time: time.then(|| "when".into()),
    }
}

fn plan(source: Source, rounds: usize) -> Plan {
    Plan {
        profile: "test".into(),
        models: vec![],
        rounds,
        proofs: 1,
        setups: 1,
        source,
        seed: 11,
        threads: None,
        peer: None,
    }
}

/// A plan whose rows are split `rounds` times, and those rows.
fn rounds(folder: &Path, time: bool, rounds: usize) -> (Plan, Vec<Dataset>) {
    let noise = |row: u32, sum: f64| sum + f64::from(row % 7) / 10.0 > 0.2;
    let plan = plan(points(folder, 240, time, noise), rounds);
    let (_, datasets) = Dataset::rounds(&plan.source, rounds, plan.seed).unwrap();
    (plan, datasets)
}

/// A round without its times.
fn timeless(rounds: Vec<AccuracyRound>) -> Vec<AccuracyRound> {
    let timeless = |round| AccuracyRound {
        training_seconds: 0.0,
        ..round
    };
    rounds.into_iter().map(timeless).collect()
}

#[test]
fn a_round_does_not_depend_on_the_others_nor_on_threads() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, datasets) = rounds(folder.path(), false, 3);
    for name in ["4", "logistic-l2", "svm-rbf", "forest"] {
        let spec: ModelSpec = name.parse().unwrap();
        let export = |model: &dyn zkassay_models::Classifier, file: &str| {
            let path = folder.path().join(file);
            let exported = train::export(&plan, &spec, model, &datasets[1], &path).unwrap();
            (fs::read(path).unwrap(), exported)
        };
        let (all, models) = train::accuracy(&plan, &spec, &datasets, &[0, 1, 2]).unwrap();
        assert!(all.iter().all(|round| round.training_seconds > 0.0));
        let all = timeless(all);
        let of: Vec<usize> = all.iter().map(|round| round.round).collect();
        assert_eq!(of, [0, 1, 2]);
        let (onnx, exported) = export(models[1].as_ref(), "together.onnx");
        assert!(onnx != export(models[0].as_ref(), "first.onnx").0, "{name}");

        let one = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        let (some, _) = one
            .install(|| train::accuracy(&plan, &spec, &datasets, &[2, 1]))
            .unwrap();
        assert_eq!(timeless(some), [all[2].clone(), all[1].clone()], "{name}");
        let alone = one
            .install(|| train::proved(&plan, &spec, &datasets, 1))
            .unwrap();
        let (again, same) = export(alone.as_ref(), "alone.onnx");
        assert!(onnx == again, "{name}");
        assert_eq!(exported.sha256, same.sha256);
        assert_eq!(exported.test_rows, same.test_rows);
        assert_eq!(exported.expected, same.expected);
    }
}

#[test]
fn what_provers_get_is_all_of_a_round() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, datasets) = rounds(folder.path(), true, 2);
    let dataset = &datasets[1];
    let spec: ModelSpec = "svm".parse().unwrap();
    let model = train::proved(&plan, &spec, &datasets, 1).unwrap();
    let path = folder.path().join("model.onnx");
    let exported = train::export(&plan, &spec, model.as_ref(), dataset, &path).unwrap();
    let rows = folder.path().join("rows.json");
    train::write_rows(dataset, &rows).unwrap();

    let rows: Value = serde_json::from_slice(&fs::read(rows).unwrap()).unwrap();
    let list =
        |kind: &str| -> Vec<Vec<f32>> { serde_json::from_value(rows[kind].clone()).unwrap() };
    let (test, calibration) = (list("test"), list("calibration"));
    let expected = dataset.round_rows();
    assert_eq!(
        test.concat(),
        expected.test.values.iter().copied().collect::<Vec<_>>()
    );
    assert_eq!(
        calibration.concat(),
        expected
            .calibration
            .values
            .iter()
            .copied()
            .collect::<Vec<_>>()
    );
    // Every row once, and not as they come.
    let mut order = exported.test_rows.clone();
    assert!(!order.is_sorted());
    order.sort_unstable();
    assert!(order.into_iter().eq(0..test.len()));
    assert_eq!((exported.tag.as_str(), exported.parameters), ("svm", 3));
    assert_eq!(exported.expected.threshold, 0.0);
    let row = exported.test_rows[0];
    let outputs = &exported.expected.outputs[row];
    let comparison = exported.expected.compare(row, outputs).unwrap();
    assert_eq!(
        (comparison.same_label, comparison.max_abs_error),
        (true, 0.0)
    );
}

#[test]
fn rows_split_at_random_train_on_the_calibration_rows_too() {
    let folder = tempfile::tempdir().unwrap();
    for time in [true, false] {
        let (plan, _) = rounds(folder.path(), time, 1);
        let dataset = Dataset::load(&plan.source, plan.seed).unwrap();
        let (split, rows) = (&dataset.split, dataset.round_rows());
        let calibration = if time { 0 } else { split.calibration.len() };
        assert_eq!(rows.train.labels.len(), split.train.len() + calibration);
        let record = dataset.record();
        assert_eq!(record.train_rows, rows.train.labels.len());
        let sampling = if time {
            "split once in time"
        } else {
            "split once at random"
        };
        assert_eq!(record.sampling, sampling);
    }
    let (_, datasets) = rounds(folder.path(), false, 3);
    assert_eq!(datasets[2].record().sampling, "3 random splits");
}

#[test]
fn what_cannot_be_trained_is_an_error_with_the_models_name() {
    let folder = tempfile::tempdir().unwrap();
    // All rows to train on are of one class.
    let source = points(folder.path(), 120, true, |row, _| row >= 90);
    let plan = plan(source, 1);
    let datasets = [Dataset::load(&plan.source, plan.seed).unwrap()];
    for name in [
        "logistic", "4", "svm", "svm-rbf", "ridge", "tree", "forest", "boosted",
    ] {
        let spec: ModelSpec = name.parse().unwrap();
        match train::accuracy(&plan, &spec, &datasets, &[0]) {
            Ok((rounds, _)) => assert_eq!(rounds[0].float, rounds[0].majority, "{name}"),
            Err(error) => {
                let error = format!("{error:#}");
                assert!(error.starts_with(&format!("model {name}: ")), "{error}");
            }
        }
    }
    let spec: ModelSpec = "cnn".parse().unwrap();
    let error = format!(
        "{:#}",
        train::proved(&plan, &spec, &datasets, 0).unwrap_err()
    );
    assert!(error.starts_with("model cnn: "), "{error}");
    let error = train::proved(&plan, &spec, &datasets, 1).unwrap_err();
    assert_eq!(error.to_string(), "round 1 of 1");
}
