//! Scores of one model on one set of rows.

use ndarray::{ArrayView1, ArrayView2, Axis, Slice};
use serde::{Deserialize, Serialize};

use crate::metrics::Proportion;
use crate::valid::require;
use crate::{ModelError, Predictions, ScoreKind};

/// All metrics of one model on one set of rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// See [`accuracy`].
    pub accuracy: Proportion,
    /// See [`majority`].
    pub majority: Proportion,
    /// Mean of `-ln p` in nats, `p` being the probability given to the true
    /// class, or 2^-24 (half the spacing of float32 below 1) if it is less.
    /// Absent for decisions.
    pub log_loss: Option<f64>,
    /// Mean squared difference between probability and truth: for two classes
    /// that of class 1, from 0 to 1; for more the sum over the classes (Brier
    /// 1950), from 0 to 2. Absent for decisions.
    pub brier: Option<f64>,
    /// Area under the ROC curve: how often a row of class 1 has a higher score
    /// than one of class 0, ties counting one half. For more than two classes
    /// the mean over the classes of that of each against the rest. Absent if
    /// a class has no row.
    pub roc_auc: Option<f64>,
}

impl Metrics {
    /// Compares predictions with labels; `training_labels` are those that the
    /// model was trained on.
    ///
    /// Of two columns of scores only the second is scored, as if it were the
    /// only one; the classes are those of [`Predictions::classes`] all the same.
    ///
    /// # Errors
    /// [`ModelError::Empty`] if there are no rows, scores or training labels;
    /// [`ModelError::Parameter`] if there are scores of more than 256 classes;
    /// [`ModelError::LabelCount`] if rows and labels are not paired;
    /// [`ModelError::Label`] for a label of a class without scores;
    /// [`ModelError::NonFinite`] for a decision that is NaN or infinite;
    /// [`ModelError::Probability`] for a probability outside of 0 to 1;
    /// [`ModelError::ProbabilitySum`] if those of a row are not 1 together,
    /// within 1e-3.
    pub fn new(
        predictions: &Predictions,
        labels: &[u8],
        training_labels: &[u8],
    ) -> Result<Self, ModelError> {
        let accuracy = accuracy(predictions, labels)?;
        check_classes(training_labels, predictions.class_count())?;
        let scored = Scored::new(predictions, labels);
        let probabilities = predictions.kind == ScoreKind::Probability;
        Ok(Self {
            accuracy,
            majority: majority(training_labels, labels)?,
            log_loss: probabilities.then(|| scored.log_loss()),
            brier: probabilities.then(|| scored.brier()),
            roc_auc: scored.roc_auc(),
        })
    }
}

/// Whether the class of each row is predicted right.
///
/// # Errors
/// As [`Metrics::new`].
pub fn correct(predictions: &Predictions, labels: &[u8]) -> Result<Vec<bool>, ModelError> {
    check(predictions, labels)?;
    let classes = predictions.classes();
    let pairs = classes.iter().zip(labels);
    Ok(pairs.map(|(class, label)| class == label).collect())
}

/// Share of rows whose class is predicted right.
///
/// # Errors
/// As [`Metrics::new`].
pub fn accuracy(predictions: &Predictions, labels: &[u8]) -> Result<Proportion, ModelError> {
    share(&correct(predictions, labels)?)
}

/// Accuracy on `labels` of always predicting the class that is most frequent
/// among `training_labels`; of equally frequent ones the lowest.
///
/// # Errors
/// [`ModelError::Empty`] if either is empty.
pub fn majority(training_labels: &[u8], labels: &[u8]) -> Result<Proportion, ModelError> {
    let Some(&highest) = training_labels.iter().max() else {
        return Err(ModelError::Empty {
            rows: 0,
            columns: 1,
        });
    };
    let rows_of = |class: &u8| training_labels.iter().filter(|y| *y == class).count();
    // The last of equal ones wins, hence from the highest class down.
    let most = (0..=highest).rev().max_by_key(rows_of);
    let correct: Vec<bool> = labels.iter().map(|&label| Some(label) == most).collect();
    share(&correct)
}

fn share(correct: &[bool]) -> Result<Proportion, ModelError> {
    Proportion::new(correct.iter().filter(|hit| **hit).count(), correct.len())
}

/// Scores and labels that were checked: one column for class 1, or one for
/// each of more than two classes.
struct Scored<'a> {
    scores: ArrayView2<'a, f32>,
    labels: &'a [u8],
}

impl<'a> Scored<'a> {
    fn new(predictions: &'a Predictions, labels: &'a [u8]) -> Self {
        let first = usize::from(predictions.scores.ncols() == 2);
        let scores = predictions.scores.slice_axis(Axis(1), Slice::from(first..));
        Self { scores, labels }
    }

    /// The scores of each class that has some.
    fn columns(&self) -> impl Iterator<Item = (usize, ArrayView1<'_, f32>)> {
        let first = usize::from(self.scores.ncols() == 1);
        let columns = self.scores.columns().into_iter().enumerate();
        columns.map(move |(index, column)| (first + index, column))
    }

    fn log_loss(&self) -> f64 {
        const LEAST: f64 = 1.0 / (1 << 24) as f64;

        let rows = self.scores.outer_iter().zip(self.labels);
        let losses = rows.map(|(row, &label)| {
            let p = match (row.len(), label) {
                (1, 0) => 1.0 - f64::from(row[0]),
                (1, _) => row[0].into(),
                _ => row[usize::from(label)].into(),
            };
            -p.max(LEAST).ln()
        });
        losses.sum::<f64>() / self.labels.len() as f64
    }

    fn brier(&self) -> f64 {
        let squares = self.columns().flat_map(|(class, column)| {
            let pairs = column.into_iter().zip(self.labels);
            pairs.map(move |(&p, &label)| {
                let truth = f64::from(u8::from(usize::from(label) == class));
                (f64::from(p) - truth).powi(2)
            })
        });
        squares.sum::<f64>() / self.labels.len() as f64
    }

    fn roc_auc(&self) -> Option<f64> {
        let areas = self.columns().map(|(class, scores)| {
            let is_class = self.labels.iter().map(|label| usize::from(*label) == class);
            area(scores.iter().copied().zip(is_class).collect())
        });
        let total: f64 = areas.sum::<Option<f64>>()?;
        Some(total / self.scores.ncols() as f64)
    }
}

/// Share of pairs of a positive and a negative row in which the positive one
/// has the higher score; the statistic of Mann and Whitney (1947), scaled.
fn area(mut rows: Vec<(f32, bool)>) -> Option<f64> {
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Pairs ordered right, counted twice so that ties stay whole.
    let (mut twice, mut positives, mut negatives) = (0, 0, 0);
    for tied in rows.chunk_by(|a, b| a.0 == b.0) {
        let hits = tied.iter().filter(|row| row.1).count();
        let misses = tied.len() - hits;
        twice += hits * (2 * negatives + misses);
        positives += hits;
        negatives += misses;
    }
    let pairs = positives * negatives;
    (pairs > 0).then(|| twice as f64 / (2 * pairs) as f64)
}

fn check(predictions: &Predictions, labels: &[u8]) -> Result<(), ModelError> {
    let Predictions { scores, kind } = predictions;
    if scores.nrows() != labels.len() {
        return Err(ModelError::LabelCount {
            rows: scores.nrows(),
            labels: labels.len(),
        });
    }
    if scores.is_empty() {
        return Err(ModelError::Empty {
            rows: scores.nrows(),
            columns: scores.ncols(),
        });
    }
    let classes = predictions.class_count();
    require(classes <= 256, "number of classes", classes, "at most 256")?;
    check_classes(labels, classes)?;
    for ((row, column), &value) in scores.indexed_iter() {
        match kind {
            ScoreKind::Probability if !(0.0..=1.0).contains(&value) => {
                return Err(ModelError::Probability { row, value });
            }
            ScoreKind::Decision if !value.is_finite() => {
                return Err(ModelError::NonFinite { row, column, value });
            }
            _ => {}
        }
    }
    if *kind == ScoreKind::Decision || scores.ncols() == 1 {
        return Ok(());
    }
    check_sums(scores.view())
}

fn check_sums(probabilities: ArrayView2<'_, f32>) -> Result<(), ModelError> {
    const TOLERANCE: f64 = 1e-3;

    for (row, values) in probabilities.outer_iter().enumerate() {
        let sum: f64 = values.iter().map(|&p| f64::from(p)).sum();
        if (sum - 1.0).abs() > TOLERANCE {
            return Err(ModelError::ProbabilitySum { row, sum });
        }
    }
    Ok(())
}

fn check_classes(labels: &[u8], classes: usize) -> Result<(), ModelError> {
    let unknown = |label: &u8| usize::from(*label) >= classes;
    match labels.iter().enumerate().find(|(_, label)| unknown(label)) {
        Some((row, &label)) => Err(ModelError::Label {
            row,
            label,
            classes,
        }),
        None => Ok(()),
    }
}
