//! How good are predictions? Always beside an interval and a baseline.
//!
//! Probabilities are those of class 1, labels are 0 or 1. A row is predicted
//! to be of class 1 if its probability is at least one half, that is, if its
//! logit is not negative.

use serde::{Deserialize, Serialize};

use crate::ModelError;

/// A share of successes with its Wilson interval of 95 %.
///
/// ```
/// use zkassay_models::metrics::Proportion;
///
/// let share = Proportion::new(105, 150)?;
/// assert_eq!(share.value, 0.7);
/// assert!((share.low - 0.622).abs() < 1e-3 && (share.high - 0.768).abs() < 1e-3);
/// # Ok::<(), zkassay_models::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// `correct / total`.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Number of successes.
    pub correct: usize,
    /// Number of trials.
    pub total: usize,
}

impl Proportion {
    /// The share of `correct` among `total`.
    ///
    /// The interval is Wilson's score interval, which stays inside 0 to 1 and
    /// keeps its level on small samples.
    ///
    /// # Errors
    /// [`ModelError::Empty`] if `total` is 0; [`ModelError::Parameter`] if
    /// `correct` exceeds it.
    pub fn new(correct: usize, total: usize) -> Result<Self, ModelError> {
        /// The 97.5 % quantile of the normal distribution.
        const Z: f64 = 1.959_963_984_540_054;

        if total == 0 {
            return Err(ModelError::Empty {
                rows: 0,
                columns: 1,
            });
        }
        if correct > total {
            return Err(ModelError::Parameter {
                name: "correct",
                found: correct.to_string(),
                expected: "at most the total",
            });
        }
        let n = total as f64;
        let value = correct as f64 / n;
        let scale = 1.0 + Z * Z / n;
        let centre = (value + Z * Z / (2.0 * n)) / scale;
        let half = Z / scale * (value * (1.0 - value) / n + Z * Z / (4.0 * n * n)).sqrt();
        Ok(Self {
            value,
            low: (centre - half).clamp(0.0, value),
            high: (centre + half).clamp(value, 1.0),
            correct,
            total,
        })
    }
}

/// All metrics of one model on one set of rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Share of rows predicted right.
    pub accuracy: Proportion,
    /// Accuracy of always predicting the class more frequent in training.
    pub majority: Proportion,
    /// See [`log_loss`].
    pub log_loss: f64,
    /// See [`brier`].
    pub brier: f64,
    /// See [`roc_auc`]; absent if the rows are all of one class.
    pub roc_auc: Option<f64>,
}

impl Metrics {
    /// Scores probabilities against labels.
    ///
    /// # Errors
    /// If there are no rows, rows are not paired, or values are out of range.
    pub fn new(
        probabilities: &[f32],
        labels: &[u8],
        training_labels: &[u8],
    ) -> Result<Self, ModelError> {
        Ok(Self {
            accuracy: accuracy(probabilities, labels)?,
            majority: majority(training_labels, labels)?,
            log_loss: log_loss(probabilities, labels)?,
            brier: brier(probabilities, labels)?,
            roc_auc: match roc_auc(probabilities, labels) {
                Ok(auc) => Some(auc),
                Err(ModelError::OneClass { .. }) => None,
                Err(error) => return Err(error),
            },
        })
    }
}

/// Share of rows whose class is predicted right.
///
/// # Errors
/// If there are no rows, rows are not paired, or values are out of range.
pub fn accuracy(probabilities: &[f32], labels: &[u8]) -> Result<Proportion, ModelError> {
    check(probabilities, labels)?;
    let pairs = probabilities.iter().zip(labels);
    let correct = pairs.filter(|&(&p, &y)| (p >= 0.5) == (y == 1)).count();
    Proportion::new(correct, labels.len())
}

/// Accuracy on `labels` of always predicting the class that is more frequent
/// among `training_labels`; class 1 if both are equally frequent.
///
/// # Errors
/// If either is empty or holds anything but 0 and 1.
pub fn majority(training_labels: &[u8], labels: &[u8]) -> Result<Proportion, ModelError> {
    check_labels(training_labels.len(), training_labels)?;
    check_labels(labels.len(), labels)?;
    let ones = training_labels.iter().filter(|&&y| y == 1).count();
    let class = u8::from(2 * ones >= training_labels.len());
    let correct = labels.iter().filter(|&&y| y == class).count();
    Proportion::new(correct, labels.len())
}

/// Mean binary cross-entropy, in nats. Probabilities are kept 2^-24 away from
/// 0 and 1, half the spacing of float32 below 1.
///
/// # Errors
/// If there are no rows, rows are not paired, or values are out of range.
pub fn log_loss(probabilities: &[f32], labels: &[u8]) -> Result<f64, ModelError> {
    const MARGIN: f64 = 1.0 / (1 << 24) as f64;

    mean(probabilities, labels, |p, y| {
        let p = p.clamp(MARGIN, 1.0 - MARGIN);
        -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
    })
}

/// Mean squared difference between probability and label.
///
/// # Errors
/// If there are no rows, rows are not paired, or values are out of range.
pub fn brier(probabilities: &[f32], labels: &[u8]) -> Result<f64, ModelError> {
    mean(probabilities, labels, |p, y| (p - y).powi(2))
}

/// Area under the ROC curve: how often a row of class 1 has a higher
/// probability than one of class 0, ties counting one half.
///
/// # Errors
/// [`ModelError::OneClass`] if the labels are all equal; otherwise as [`accuracy`].
pub fn roc_auc(probabilities: &[f32], labels: &[u8]) -> Result<f64, ModelError> {
    check(probabilities, labels)?;
    let mut pairs: Vec<_> = probabilities
        .iter()
        .copied()
        .zip(labels.iter().copied())
        .collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ones = labels.iter().filter(|&&y| y == 1).count();
    let zeros = labels.len() - ones;
    if ones == 0 || zeros == 0 {
        return Err(ModelError::OneClass { label: labels[0] });
    }
    // Pairs of (1, 0) ordered right, counted twice so that ties stay whole.
    let (mut twice, mut zeros_below) = (0, 0);
    for tied in pairs.chunk_by(|a, b| a.0 == b.0) {
        let ones = tied.iter().filter(|pair| pair.1 == 1).count();
        let zeros = tied.len() - ones;
        twice += ones * (2 * zeros_below + zeros);
        zeros_below += zeros;
    }
    Ok(twice as f64 / (2 * ones * zeros) as f64)
}

fn mean(
    probabilities: &[f32],
    labels: &[u8],
    score: impl Fn(f64, f64) -> f64,
) -> Result<f64, ModelError> {
    check(probabilities, labels)?;
    let pairs = probabilities.iter().zip(labels);
    let total: f64 = pairs.map(|(&p, &y)| score(p.into(), y.into())).sum();
    Ok(total / labels.len() as f64)
}

fn check(probabilities: &[f32], labels: &[u8]) -> Result<(), ModelError> {
    check_labels(probabilities.len(), labels)?;
    let inside = |p: &f32| (0.0..=1.0).contains(p);
    match probabilities.iter().position(|p| !inside(p)) {
        Some(row) => Err(ModelError::Probability {
            row,
            value: probabilities[row],
        }),
        None => Ok(()),
    }
}

/// Checks that there is one label, 0 or 1, for each of at least one row.
pub(crate) fn check_labels(rows: usize, labels: &[u8]) -> Result<(), ModelError> {
    if rows != labels.len() {
        return Err(ModelError::LabelCount {
            rows,
            labels: labels.len(),
        });
    }
    if rows == 0 {
        return Err(ModelError::Empty {
            rows: 0,
            columns: 1,
        });
    }
    match labels.iter().position(|&label| label > 1) {
        Some(row) => Err(ModelError::Label {
            row,
            label: labels[row],
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-6,
            "{found}, expected {expected}"
        );
    }

    /// Values of SciPy's `binomtest(...).proportion_ci(method="wilson")`.
    #[test]
    fn wilson_interval_matches_known_values() {
        let half = Proportion::new(5, 10).unwrap();
        close(half.low, 0.236_593_1);
        close(half.high, 0.763_406_9);
        let none = Proportion::new(0, 10).unwrap();
        close(none.low, 0.0);
        close(none.high, 0.277_532_8);
        let all = Proportion::new(10, 10).unwrap();
        close(all.low, 0.722_467_2);
        close(all.high, 1.0);
        assert!(Proportion::new(0, 0).is_err());
        assert!(Proportion::new(2, 1).is_err());
    }

    #[test]
    fn scores_of_four_rows_by_hand() {
        let (p, y) = ([0.9, 0.6, 0.5, 0.2], [1, 0, 1, 0]);
        let metrics = Metrics::new(&p, &y, &[0, 0, 1]).unwrap();
        assert_eq!((metrics.accuracy.correct, metrics.accuracy.total), (3, 4));
        assert_eq!(metrics.majority.value, 0.5);
        close(metrics.brier, (0.01 + 0.36 + 0.25 + 0.04) / 4.0);
        let log_loss = -(0.9f64.ln() + 0.4f64.ln() + 0.5f64.ln() + 0.8f64.ln()) / 4.0;
        close(metrics.log_loss, log_loss);
        assert_eq!(metrics.roc_auc, Some(0.75));
    }

    #[test]
    fn the_baseline_is_the_majority_of_the_training_rows() {
        // Class 0 is the majority in training, but rare in the rows scored.
        let baseline = majority(&[0, 0, 1], &[1, 1, 1, 0]).unwrap();
        assert_eq!(baseline.correct, 1);
        assert_eq!(majority(&[0, 1], &[1, 1, 0]).unwrap().correct, 2);
    }

    #[test]
    fn auc_counts_ties_half_and_needs_both_classes() {
        assert_eq!(roc_auc(&[0.5; 4], &[0, 1, 0, 1]).unwrap(), 0.5);
        assert_eq!(roc_auc(&[0.1, 0.9], &[0, 1]).unwrap(), 1.0);
        assert_eq!(roc_auc(&[0.9, 0.1], &[0, 1]).unwrap(), 0.0);
        assert!(matches!(
            roc_auc(&[0.9, 0.1], &[1, 1]),
            Err(ModelError::OneClass { label: 1 })
        ));
        assert_eq!(Metrics::new(&[0.9], &[1], &[1]).unwrap().roc_auc, None);
    }

    #[test]
    fn certain_mistakes_have_a_finite_loss() {
        let loss = log_loss(&[0.0], &[1]).unwrap();
        close(loss, 24.0 * std::f64::consts::LN_2);
    }

    #[test]
    fn bad_values_are_named() {
        assert!(matches!(
            accuracy(&[0.1], &[0, 1]),
            Err(ModelError::LabelCount { rows: 1, labels: 2 })
        ));
        assert!(matches!(
            accuracy(&[0.1, 0.2], &[0, 2]),
            Err(ModelError::Label { row: 1, label: 2 })
        ));
        assert!(matches!(
            brier(&[0.1, f32::NAN], &[0, 1]),
            Err(ModelError::Probability { row: 1, .. })
        ));
        assert!(matches!(accuracy(&[], &[]), Err(ModelError::Empty { .. })));
    }
}
