//! Rounds of tables, whose rows are split.

use rayon::ThreadPoolBuilder;
use zkassay_experiment::accuracy::{AccuracyPlan, AccuracyRecord, Comparison, Data, Sampling};
use zkassay_experiment::dataset::Mode;
use zkassay_features::Splitter;

use crate::support::{
    assert_has_integers, assert_is_scored, error, own, plan, record, table, tokens,
};

const MODELS: &str = "logistic,8,ridge,tree";

/// The record without what differs from run to run.
fn timeless(mut record: AccuracyRecord) -> AccuracyRecord {
    for model in &mut record.models {
        assert!(model.training_seconds > 0.0);
        model.training_seconds = 0.0;
    }
    record
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// What holds for the record of [`MODELS`] over rounds of different rows.
fn assert_consistent(record: &AccuracyRecord, rounds: usize) {
    assert_eq!(record.train_rows.len(), rounds);
    assert_eq!(record.test_rows.len(), rounds);
    assert_eq!(record.features.len(), rounds);
    assert_eq!(record.majority.rounds, rounds);
    let [first, others @ ..] = record.models.as_slice() else {
        panic!("no models");
    };
    assert_eq!(first.against_first, None);
    for model in others {
        let Some(Comparison::CorrectedT(test)) = model.against_first else {
            panic!("{:?}", model.against_first);
        };
        let difference = mean(&model.rounds) - mean(&first.rounds);
        assert!((test.difference - difference).abs() < 1e-12);
    }
    for model in &record.models {
        assert_eq!(model.rounds.len(), rounds);
        assert!((model.accuracy.mean - mean(&model.rounds)).abs() < 1e-12);
        for (accuracy, tested) in model.rounds.iter().zip(&record.test_rows) {
            let correct = accuracy * *tested as f64;
            assert!((correct - correct.round()).abs() < 1e-9, "{correct}");
        }
    }
    let [logistic, network, ridge, tree] = record.models.as_slice() else {
        panic!("{} models", record.models.len());
    };
    for provable in [logistic, network, ridge] {
        assert_has_integers(provable, rounds);
    }
    assert_is_scored(tree);
    assert!(ridge.log_loss.is_none() && ridge.roc_auc.is_some());
    assert!(tree.log_loss.is_some() && tree.brier.is_some());
}

#[test]
fn honest_rounds_walk_forward() {
    let record = record(tokens(Mode::Honest), MODELS, 3);
    assert_consistent(&record, 3);
    let walk = Splitter::WalkForward {
        folds: 3,
        embargo: 30,
    };
    assert_eq!(record.sampling, Sampling::Splits(walk));
    assert!(record.train_rows.is_sorted_by(|a, b| a < b));
    assert_eq!(record.test_rows, [151; 3]);
    let page = record.markdown();
    assert!(page.contains("3 folds of a walk forward with 30 days between"));
    // A heading, a rule, one line per model; no reasons below, for all have integers.
    let rows = page.lines().filter(|line| line.starts_with('|')).count();
    assert_eq!(rows, 2 + 4, "{page}");
    assert!(!page.contains("\n- `tree`: "), "{page}");
}

#[test]
fn paper_rounds_are_random_and_train_on_calibration_rows() {
    let record = record(tokens(Mode::Paper), MODELS, 2);
    assert_consistent(&record, 2);
    let random = Splitter::Random { rounds: 2, seed: 5 };
    assert_eq!(record.sampling, Sampling::Splits(random));
    assert_eq!(
        (&record.train_rows, &record.test_rows),
        (&vec![449; 2], &vec![150; 2])
    );
    assert_eq!(record.features, [162; 2]);
    assert_ne!(record.models[0].rounds[0], record.models[0].rounds[1]);
}

#[test]
fn records_repeat_themselves_at_any_number_of_threads() {
    for mode in [Mode::Honest, Mode::Paper] {
        let run = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            let models = "logistic,8,ridge,tree,forest";
            timeless(pool.unwrap().install(|| record(tokens(mode), models, 2)))
        };
        let one = run(1);
        assert_eq!(one, run(1));
        assert_eq!(one, run(2));
    }
}

#[test]
fn one_round_is_compared_row_by_row() {
    let record = record(tokens(Mode::Paper), "logistic,tree", 1);
    let [first, tree] = record.models.as_slice() else {
        panic!("{} models", record.models.len());
    };
    let Some(Comparison::McNemar { difference, rows }) = tree.against_first else {
        panic!("{:?}", tree.against_first);
    };
    assert!((difference - (tree.rounds[0] - first.rounds[0])).abs() < 1e-12);
    assert!(rows.only_a + rows.only_b > 0 && rows.p_value > 0.0);
    assert!(record.markdown().contains("McNemar"));
}

#[test]
fn tables_of_ones_own_are_split_by_their_time_or_at_random() {
    let dir = tempfile::tempdir().unwrap();
    let path = table(dir.path(), ["down", "up"]);

    let random = record(own(path.clone(), None), MODELS, 3);
    assert_consistent(&random, 3);
    assert_eq!(random.features, [3; 3], "the day is a feature like others");
    assert!(random.command.ends_with("points.csv --label side"));

    let walk = record(own(path, Some("day")), MODELS, 3);
    assert_consistent(&walk, 3);
    assert_eq!(walk.features, [2; 3]);
    assert_eq!(walk.test_rows, [75; 3]);
    assert!(matches!(
        walk.sampling,
        Sampling::Splits(Splitter::WalkForward { folds: 3, .. })
    ));
    for model in random.models.iter().chain(&walk.models) {
        assert!(
            model.accuracy.mean > 0.8,
            "{}: {:?}",
            model.model,
            model.accuracy
        );
    }
}

#[test]
fn what_cannot_be_run_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let no_models = AccuracyPlan {
        models: Vec::new(),
        ..plan(tokens(Mode::Honest), "logistic", 1)
    };
    assert!(error(&no_models).contains("no model is given"));
    let no_rounds = plan(tokens(Mode::Honest), "logistic", 0);
    assert!(error(&no_rounds).contains("at least one round"));
    let many = error(&plan(tokens(Mode::Honest), "logistic", 100));
    assert!(many.contains("use more rows, fewer folds"), "{many}");
    let one_class = own(table(dir.path(), ["up", "up"]), None);
    let found = error(&plan(one_class, "logistic", 2));
    assert!(
        found.contains("column `side` is no label of two classes"),
        "{found}"
    );
    let nowhere = Data::Digits(dir.path().join("nowhere"));
    let found = error(&plan(nowhere, "logistic", 1));
    assert!(
        found.contains("no digits") && found.contains("train-images"),
        "{found}"
    );
}
