//! Metrics against scikit-learn 1.9, against counting pairs, and by what must
//! hold of any scores.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use ndarray::{Array2, array};
use zkassay_models::metrics::{self, Metrics, Proportion, mcnemar};
use zkassay_models::{ModelError, Predictions, ScoreKind};
use zkassay_seed::Stream;

fn probabilities(scores: Array2<f32>) -> Predictions {
    Predictions {
        scores,
        kind: ScoreKind::Probability,
    }
}

fn decisions(scores: Array2<f32>) -> Predictions {
    Predictions {
        scores,
        kind: ScoreKind::Decision,
    }
}

/// One column of scores.
fn column(scores: &[f32]) -> Array2<f32> {
    Array2::from_shape_vec((scores.len(), 1), scores.to_vec()).unwrap()
}

/// The metrics of a model that was trained on the labels it is scored on.
fn score(predictions: &Predictions, labels: &[u8]) -> Metrics {
    Metrics::new(predictions, labels, labels).unwrap()
}

fn refused(predictions: &Predictions, labels: &[u8]) -> ModelError {
    Metrics::new(predictions, labels, &[0, 1]).unwrap_err()
}

fn close(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!(
        (found - expected).abs() < 1e-12,
        "{found}, expected {expected}"
    );
}

const TWO: [f32; 10] = [
    0.875, 0.25, 0.5, 0.5, 0.125, 0.625, 0.375, 0.75, 0.25, 0.9375,
];
const TWO_LABELS: [u8; 10] = [1, 0, 1, 0, 0, 0, 1, 1, 0, 1];

/// `accuracy_score(y, p >= 0.5)`, `log_loss(y, p)`, `brier_score_loss(y, p)`,
/// `roc_auc_score(y, p)`.
#[test]
fn two_classes_as_in_scikit_learn() {
    let found = score(&probabilities(column(&TWO)), &TWO_LABELS);
    assert_eq!(found.accuracy, Proportion::new(7, 10).unwrap());
    assert_eq!(found.majority, Proportion::new(5, 10).unwrap());
    close(found.log_loss, 0.4542600390885302);
    close(found.brier, 0.150390625);
    close(found.roc_auc, 0.86);
}

/// `accuracy_score(y, p.argmax(1))`, `log_loss(y, p)`, `brier_score_loss(y, p)`,
/// `roc_auc_score(y, p, multi_class="ovr", average="macro")`.
#[test]
fn three_classes_as_in_scikit_learn() {
    let scores = array![
        [0.5, 0.25, 0.25],
        [0.125, 0.75, 0.125],
        [0.25, 0.25, 0.5],
        [0.375, 0.5, 0.125],
        [0.25, 0.125, 0.625],
        [0.0625, 0.8125, 0.125],
        [0.5, 0.375, 0.125],
    ];
    let found = score(&probabilities(scores), &[0, 1, 2, 0, 1, 1, 2]);
    assert_eq!(found.accuracy, Proportion::new(4, 7).unwrap());
    assert_eq!(found.majority, Proportion::new(3, 7).unwrap());
    close(found.log_loss, 1.003046876388759);
    close(found.brier, 0.5613839285714286);
    close(found.roc_auc, 0.6888888888888888);
}

/// `accuracy_score(y, d >= 0)`, `roc_auc_score(y, d)`; the two zeros are a tie.
#[test]
fn decisions_have_an_order_but_no_loss() {
    let scores = column(&[-1.5, 0.0, 2.0, -0.25, -0.0, 3.0]);
    let found = score(&decisions(scores), &[0, 1, 1, 1, 0, 0]);
    assert_eq!(found.accuracy, Proportion::new(3, 6).unwrap());
    assert_eq!((found.log_loss, found.brier), (None, None));
    close(found.roc_auc, 0.5);
}

#[test]
fn two_columns_are_scored_as_the_second_alone() {
    let both = Array2::from_shape_fn((10, 2), |(row, class)| match class {
        0 => 1.0 - TWO[row],
        _ => TWO[row],
    });
    let one = score(&probabilities(column(&TWO)), &TWO_LABELS);
    let two = score(&probabilities(both), &TWO_LABELS);
    assert_eq!(two.log_loss, one.log_loss);
    assert_eq!(two.brier, one.brier);
    assert_eq!(two.roc_auc, one.roc_auc);
    // Only the class of one half differs: one column says class 1, and of two
    // equal columns the first wins.
    let halves = (array![[0.5_f32]], array![[0.5_f32, 0.5]]);
    assert_eq!(score(&probabilities(halves.0), &[1]).accuracy.correct, 1);
    assert_eq!(score(&probabilities(halves.1), &[1]).accuracy.correct, 0);
}

/// Mean over the classes of the share of pairs (of the class, not of it) that
/// the class's column orders right.
fn auc_by_pairs(scores: &Array2<f32>, labels: &[u8]) -> Option<f64> {
    let mut areas = Vec::new();
    for column in 0..scores.ncols() {
        let class = if scores.ncols() == 1 { 1 } else { column };
        let (mut right, mut pairs) = (0.0, 0.0);
        for (i, a) in labels.iter().enumerate() {
            for (j, b) in labels.iter().enumerate() {
                if usize::from(*a) == class && usize::from(*b) != class {
                    let (high, low) = (scores[[i, column]], scores[[j, column]]);
                    right +=
                        f64::from(u8::from(high > low)) + 0.5 * f64::from(u8::from(high == low));
                    pairs += 1.0;
                }
            }
        }
        areas.push(right / pairs);
    }
    let mean = areas.iter().sum::<f64>() / areas.len() as f64;
    (!mean.is_nan()).then_some(mean)
}

/// Few distinct scores, so that there are many ties; few rows, so that a class
/// is missing at times.
#[test]
fn auc_is_the_share_of_pairs_in_order() {
    let mut stream = Stream::new(5, "models/test/auc");
    let mut missing = 0;
    for case in 0..300 {
        let classes = [2, 3, 5][case % 3];
        let (rows, columns) = (1 + case % 23, if classes == 2 { 1 } else { classes });
        let scores = Array2::from_shape_simple_fn((rows, columns), || {
            (2.0 * stream.normal()).round() as f32
        });
        let labels: Vec<u8> = (0..rows).map(|_| stream.below(classes) as u8).collect();
        let training_labels: Vec<u8> = (0..classes as u8).collect();
        let found = Metrics::new(&decisions(scores.clone()), &labels, &training_labels);
        match (found.unwrap().roc_auc, auc_by_pairs(&scores, &labels)) {
            (None, None) => missing += 1,
            (found, expected) => close(found, expected.unwrap()),
        }
    }
    assert!((10..200).contains(&missing), "{missing}");
}

#[test]
fn auc_depends_on_the_order_only() {
    let auc = |scores: &[f32], labels: &[u8]| score(&decisions(column(scores)), labels).roc_auc;
    let stretched = TWO.map(|p| 100.0 * p.powi(3) - 7.0);
    assert_eq!(auc(&stretched, &TWO_LABELS), auc(&TWO, &TWO_LABELS));
    close(auc(&TWO.map(|p| -p), &TWO_LABELS), 1.0 - 0.86);
    close(auc(&TWO, &TWO_LABELS.map(|label| 1 - label)), 1.0 - 0.86);
}

#[test]
fn a_probability_nearer_the_truth_costs_less() {
    let losses = |class: u8| -> Vec<(f64, f64)> {
        let scored = (0..=16).map(|step| {
            let p = step as f32 / 16.0;
            let two = Metrics::new(&probabilities(array![[p]]), &[class], &[0, 1]).unwrap();
            let rest = (1.0 - p) / 2.0;
            let three = probabilities(array![[rest, p, rest]]);
            let three = Metrics::new(&three, &[class], &[0, 1]).unwrap();
            [two, three].map(|found| (found.log_loss.unwrap(), found.brier.unwrap()))
        });
        scored.flatten().collect()
    };
    for (class, order) in [(1, 1.0), (0, -1.0)] {
        let losses = losses(class);
        for model in 0..2 {
            let of_model: Vec<_> = losses.iter().skip(model).step_by(2).collect();
            for pair in of_model.windows(2) {
                assert!(order * pair[0].0 > order * pair[1].0, "log loss {pair:?}");
                assert!(order * pair[0].1 > order * pair[1].1, "Brier {pair:?}");
            }
        }
    }
}

#[test]
fn certainty_costs_nothing_if_right_and_no_more_than_24_bits_if_wrong() {
    let right = score(&probabilities(array![[1.0], [0.0]]), &[1, 0]);
    assert_eq!((right.log_loss, right.brier), (Some(0.0), Some(0.0)));
    let wrong = score(&probabilities(array![[0.0], [1.0]]), &[1, 0]);
    close(wrong.log_loss, 24.0 * std::f64::consts::LN_2);
    assert_eq!(wrong.brier, Some(1.0));
    let wrong = score(&probabilities(array![[0.0, 1.0, 0.0]]), &[2]);
    close(wrong.log_loss, 24.0 * std::f64::consts::LN_2);
    assert_eq!(wrong.brier, Some(2.0));
}

#[test]
fn the_baseline_is_the_majority_of_the_training_rows() {
    let correct =
        |training: &[u8], labels: &[u8]| metrics::majority(training, labels).unwrap().correct;
    assert_eq!(correct(&[0, 0, 1], &[1, 1, 1, 0]), 1, "rare where scored");
    assert_eq!(correct(&[0, 1], &[1, 1, 0]), 1, "the lowest of two");
    assert_eq!(
        correct(&[2, 1, 0, 2, 1], &[2, 2, 1, 0]),
        1,
        "not the lowest"
    );
    assert_eq!(correct(&[255, 255, 3], &[255, 0]), 1);
    assert!(matches!(
        metrics::majority(&[], &[1]),
        Err(ModelError::Empty { .. })
    ));
    assert!(matches!(
        metrics::majority(&[1], &[]),
        Err(ModelError::Empty { .. })
    ));
}

#[test]
fn a_class_without_rows_leaves_no_auc() {
    let one = Metrics::new(&probabilities(array![[0.9], [0.2]]), &[1, 1], &[0, 1]).unwrap();
    assert_eq!(one.roc_auc, None);
    assert_eq!((one.accuracy.correct, one.log_loss.is_some()), (1, true));
    let thirds = probabilities(array![[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]);
    assert_eq!(score(&thirds, &[0, 1]).roc_auc, None);
}

/// The same scores as float and as rounded ones: what a quantised model does.
#[test]
fn correct_rows_are_what_accuracy_counts_and_mcnemar_compares() {
    let float = probabilities(column(&TWO));
    let rounded = probabilities(column(&TWO.map(f32::floor)));
    let right = metrics::correct(&float, &TWO_LABELS).unwrap();
    let right_rounded = metrics::correct(&rounded, &TWO_LABELS).unwrap();
    let expected: [u8; 10] = [1, 1, 1, 0, 1, 0, 0, 1, 1, 1];
    assert_eq!(right, expected.map(|right| right == 1));
    assert_eq!(metrics::accuracy(&float, &TWO_LABELS).unwrap().correct, 7);
    // Always class 0: lost are the four hits of class 1, won the two false alarms.
    let test = mcnemar(&right, &right_rounded).unwrap();
    assert_eq!((test.only_a, test.only_b), (4, 2));
}

#[test]
fn bad_scores_and_labels_are_named() {
    let p = |scores: &[f32]| probabilities(column(scores));
    assert!(matches!(
        refused(&p(&[0.1]), &[0, 1]),
        ModelError::LabelCount { rows: 1, labels: 2 }
    ));
    assert!(matches!(refused(&p(&[]), &[]), ModelError::Empty { .. }));
    assert!(matches!(
        refused(&probabilities(Array2::zeros((2, 0))), &[0, 1]),
        ModelError::Empty {
            rows: 2,
            columns: 0
        }
    ));
    assert!(matches!(
        refused(&decisions(Array2::zeros((1, 257))), &[0]),
        ModelError::Parameter { .. }
    ));
    assert!(matches!(
        Metrics::new(&p(&[0.1]), &[0], &[]),
        Err(ModelError::Empty { .. })
    ));
    assert!(matches!(
        refused(&p(&[0.1, 0.2]), &[0, 2]),
        ModelError::Label {
            row: 1,
            label: 2,
            classes: 2
        }
    ));
    assert!(matches!(
        Metrics::new(&p(&[0.1]), &[0], &[0, 1, 2]),
        Err(ModelError::Label { row: 2, .. })
    ));
    for bad in [f32::NAN, -0.1, 1.1, f32::INFINITY] {
        assert!(matches!(
            refused(&p(&[0.1, bad]), &[0, 1]),
            ModelError::Probability { row: 1, .. }
        ));
    }
    for bad in [f32::NAN, f32::NEG_INFINITY] {
        assert!(matches!(
            refused(&decisions(array![[0.0, 1.0, bad]]), &[0]),
            ModelError::NonFinite {
                row: 0,
                column: 2,
                ..
            }
        ));
    }
}

#[test]
fn probabilities_of_a_row_are_one_together() {
    let sum = |third: f32| {
        let scores = probabilities(array![[0.5, 0.25, 0.25], [0.5, 0.25, third]]);
        Metrics::new(&scores, &[0, 1], &[0, 1])
    };
    assert!(sum(0.2508).is_ok() && sum(0.2492).is_ok());
    for third in [0.2515, 0.2485, 0.0] {
        let error = sum(third).unwrap_err();
        assert!(
            matches!(error, ModelError::ProbabilitySum { row: 1, .. }),
            "{error}"
        );
    }
    let pair = probabilities(array![[0.5, 0.25]]);
    assert!(matches!(
        refused(&pair, &[0]),
        ModelError::ProbabilitySum { row: 0, .. }
    ));
    assert!(Metrics::new(&decisions(array![[5.0, -3.0, 9.0]]), &[2], &[0]).is_ok());
}

#[test]
fn records_read_back_as_they_were() {
    let found = score(&decisions(column(&TWO)), &TWO_LABELS);
    let json = serde_json::to_string(&found).unwrap();
    assert!(json.contains(r#""log_loss":null"#), "{json}");
    assert_eq!(serde_json::from_str::<Metrics>(&json).unwrap(), found);
    let pair = metrics::corrected_resampled_t(&[0.8; 3], &[0.7; 3], 3, 1).unwrap();
    let json = serde_json::to_string(&pair).unwrap();
    assert_eq!(
        serde_json::from_str::<metrics::PairedT>(&json).unwrap(),
        pair
    );
}
