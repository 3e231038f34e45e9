//! What the models make of rows of some kind.

use ndarray::{Array2, Axis, concatenate};
use zkassay_models::kernel::Gamma;
use zkassay_models::{Classifier, ScoreKind};

use crate::Data;

#[test]
fn several_classes_are_as_many_machines() {
    let data = Data::new(120, 8, 3);
    let one = |class: u8| Data {
        rows: data.rows.clone(),
        labels: data
            .labels
            .iter()
            .map(|label| u8::from(*label == class))
            .collect(),
    };
    let ridge = data.ridge(1.0);
    let svm = data.linear_svm(1.0);
    let rbf = data
        .rbf(1.0, Gamma::Scale)
        .predict(data.rows.view())
        .unwrap();
    assert_eq!(
        (ridge.classes(), svm.classes(), rbf.scores.ncols()),
        (3, 3, 3)
    );
    for class in 0..3u8 {
        let output = usize::from(class);
        let alone = one(class).ridge(1.0);
        for (w, v) in ridge.weights().row(output).iter().zip(alone.weights()) {
            assert!((w - v).abs() < 1e-6);
        }
        let alone = one(class).linear_svm(1.0);
        assert_eq!(svm.weights().row(output), alone.weights().row(0));
        assert_eq!(svm.bias()[output], alone.bias()[0]);
        let alone = one(class)
            .rbf(1.0, Gamma::Scale)
            .predict(data.rows.view())
            .unwrap();
        for (w, v) in rbf.scores.column(output).iter().zip(&alone.scores) {
            assert!((w - v).abs() < 1e-6);
        }
    }
}

#[test]
fn every_model_learns() {
    for classes in [2, 3, 4] {
        let data = Data::new(300, 6, classes);
        for model in data.all() {
            let predictions = model.predict(data.rows.view()).unwrap();
            assert_eq!((model.inputs(), model.classes()), (6, usize::from(classes)));
            assert_eq!(predictions.class_count(), usize::from(classes));
            let found = predictions.classes();
            let right = found
                .iter()
                .zip(&data.labels)
                .filter(|(a, b)| a == b)
                .count();
            let highest = (0..classes)
                .map(|class| data.labels.iter().filter(|label| **label == class).count());
            let baseline = highest.max().unwrap();
            assert!(
                right > baseline + 20,
                "{right}, {baseline} without a model: {model:?}"
            );
        }
        let probabilities = data.logistic(1.0).predict(data.rows.view()).unwrap();
        assert_eq!(probabilities.kind, ScoreKind::Probability);
        if classes > 2 {
            for row in probabilities.scores.outer_iter() {
                assert!((row.sum() - 1.0).abs() < 1e-6, "{row}");
            }
        }
    }
}

#[test]
fn a_constant_feature_has_no_weight() {
    let mut data = Data::new(60, 5, 2);
    data.rows.column_mut(2).fill(0.1);
    assert_eq!(data.logistic(1.0).weights()[[0, 2]], 0.0);
    assert_eq!(data.ridge(1.0).weights()[[0, 2]], 0.0);
    // Here it is the sum of the coefficients, that only rounding keeps from 0.
    assert!(data.linear_svm(1.0).weights()[[0, 2]].abs() < 1e-9);
    let constant = Data {
        rows: Array2::ones((4, 2)),
        labels: vec![0, 1, 1, 0],
    };
    for model in constant.all() {
        let scores = model.predict(constant.rows.view()).unwrap();
        let middle = match scores.kind {
            ScoreKind::Probability => 0.5,
            _ => 0.0,
        };
        assert!(
            scores
                .scores
                .iter()
                .all(|score| (score - middle).abs() < 1e-6),
            "{model:?}"
        );
    }
}

/// Twice every row is as much as twice the weight of the loss.
#[test]
fn duplicated_rows_count_twice() {
    let data = Data::new(50, 4, 3);
    let twice = Data {
        rows: concatenate![Axis(0), data.rows, data.rows],
        labels: data.labels.repeat(2),
    };
    for (once, twice) in [
        (data.logistic(2.0), twice.logistic(1.0)),
        (data.ridge(0.5), twice.ridge(1.0)),
        (data.linear_svm(2.0), twice.linear_svm(1.0)),
    ] {
        let difference = &once.weights() - &twice.weights();
        assert!(difference.iter().all(|d| d.abs() < 1e-4), "{difference}");
    }
    let once = data
        .rbf(2.0, Gamma::Scale)
        .predict(data.rows.view())
        .unwrap();
    let twice = twice
        .rbf(1.0, Gamma::Scale)
        .predict(data.rows.view())
        .unwrap();
    let difference = once.scores - twice.scores;
    assert!(difference.iter().all(|d| d.abs() < 1e-4), "{difference}");
}

#[test]
fn rows_that_contradict_each_other_cancel() {
    let data = Data::new(20, 3, 2);
    let both = Data {
        rows: concatenate![Axis(0), data.rows, data.rows],
        labels: [vec![0; 20], vec![1; 20]].concat(),
    };
    for model in [both.logistic(1.0), both.ridge(1.0), both.linear_svm(1.0)] {
        assert!(model.weights().iter().all(|w| w.abs() < 1e-6), "{model:?}");
    }
}
