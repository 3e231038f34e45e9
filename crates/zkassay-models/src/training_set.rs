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

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn what_cannot_be_trained_on_is_named() {
        let refused = |rows: Array2<f32>, labels: &[u8]| {
            let error = TrainingSet::new(rows.view(), labels).unwrap_err();
            error.to_string()
        };
        let two = || array![[1.0], [2.0]];
        for (found, expected) in [
            (refused(Array2::zeros((0, 3)), &[]), "found 0 x 3"),
            (refused(Array2::zeros((2, 0)), &[0, 1]), "found 2 x 0"),
            (refused(two(), &[0, 1, 1]), "3 labels for 2 rows"),
            (refused(two(), &[1, 1]), "every label is 1"),
            (refused(array![[1.0]], &[0]), "every label is 0"),
            (
                refused(two(), &[1, 2]),
                "no label is 0, but the highest is 2",
            ),
            (
                refused(two(), &[0, 255]),
                "no label is 1, but the highest is 255",
            ),
            (
                refused(array![[1.0, 2.0], [3.0, f32::NAN]], &[0, 1]),
                "row 1, column 1 is NaN",
            ),
            (
                refused(array![[f32::NEG_INFINITY], [1.0]], &[0, 1]),
                "row 0, column 0 is -inf",
            ),
        ] {
            assert!(found.contains(expected), "{found:?}, expected {expected:?}");
        }
    }

    #[test]
    fn two_classes_have_one_score_and_more_have_one_each() {
        let rows = Array2::zeros((256, 1));
        for (classes, outputs) in [(2, 1), (3, 3), (256, 256)] {
            let labels: Vec<u8> = (0..256).map(|row| (row % classes) as u8).collect();
            let set = TrainingSet::new(rows.view(), &labels).unwrap();
            assert_eq!((set.classes(), set.outputs()), (classes, outputs));
            assert_eq!((set.len(), set.features()), (256, 1));
        }
    }
}
