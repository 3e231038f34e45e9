//! Rows and labels that can be trained on.

use ndarray::ArrayView2;

use crate::ModelError;

/// Rows `[rows, features]` and their labels: finite, paired, and of every class
/// from 0 to the highest, at least two.
#[derive(Clone, Copy, Debug)]
pub struct TrainingSet<'a> {
    rows: ArrayView2<'a, f32>,
    labels: &'a [u8],
    classes: usize,
}

impl<'a> TrainingSet<'a> {
    /// Checks rows and labels.
    ///
    /// # Errors
    /// If there are no rows or columns, labels are missing, all equal, or skip
    /// a class, or a value is NaN or infinite.
    pub fn new(rows: ArrayView2<'a, f32>, labels: &'a [u8]) -> Result<Self, ModelError> {
        if rows.is_empty() {
            return Err(ModelError::Empty {
                rows: rows.nrows(),
                columns: rows.ncols(),
            });
        }
        if rows.nrows() != labels.len() {
            return Err(ModelError::LabelCount {
                rows: rows.nrows(),
                labels: labels.len(),
            });
        }
        let highest = labels.iter().copied().max().unwrap_or(0);
        if labels.iter().all(|label| *label == highest) {
            return Err(ModelError::OneClass { label: highest });
        }
        if let Some(class) = (0..highest).find(|class| !labels.contains(class)) {
            return Err(ModelError::MissingClass { class, highest });
        }
        if let Some(((row, column), &value)) =
            rows.indexed_iter().find(|(_, value)| !value.is_finite())
        {
            return Err(ModelError::NonFinite { row, column, value });
        }
        Ok(Self {
            rows,
            labels,
            classes: usize::from(highest) + 1,
        })
    }

    /// The rows, `[rows, features]`.
    pub fn rows(&self) -> ArrayView2<'a, f32> {
        self.rows
    }

    /// The label of each row.
    pub fn labels(&self) -> &'a [u8] {
        self.labels
    }

    /// Number of rows; never 0.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Always false: there is no empty training set.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.rows.ncols()
    }

    /// Number of classes; at least 2.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Columns of scores that a model of these classes has: one for two
    /// classes, otherwise one per class.
    pub fn outputs(&self) -> usize {
        outputs_of(self.classes)
    }
}

/// One of several trainings of the same model: its own rows, its own seed.
#[derive(Clone, Copy, Debug)]
pub struct Round<'a> {
    /// Rows and labels.
    pub set: TrainingSet<'a>,
    /// Used instead of the seed among the hyper-parameters.
    pub seed: u64,
}

/// Columns of scores for `classes` classes, where two need only one.
pub(crate) fn outputs_of(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes }
}
