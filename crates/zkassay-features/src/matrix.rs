//! The feature matrix: what models train on and circuits take in.

use ndarray::{Array2, Axis};

use crate::digest::Digest;
use crate::{FeatureError, Result};

/// Scaled features without gaps, with names, dates and labels.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMatrix {
    /// Feature names, one per column.
    pub names: Vec<String>,
    /// Dates, one per row, ISO 8601.
    pub dates: Vec<String>,
    /// Z-scores, shape (rows, features).
    pub values: Array2<f32>,
    /// Labels, one per row: 1 if the price rises, else 0.
    pub labels: Vec<u8>,
}

impl FeatureMatrix {
    /// The rows of the given indices, in that order.
    ///
    /// # Errors
    ///
    /// [`FeatureError::RowOutOfRange`].
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        let total = self.values.nrows();
        if let Some(&row) = rows.iter().find(|row| **row >= total) {
            return Err(FeatureError::RowOutOfRange { row, rows: total });
        }
        Ok(Self {
            names: self.names.clone(),
            dates: rows.iter().map(|&row| self.dates[row].clone()).collect(),
            values: self.values.select(Axis(0), rows),
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
        })
    }

    /// SHA-256 of the ordered feature names, lower-case hexadecimal.
    ///
    /// It travels with whatever is made from the matrix, so that a model is
    /// never fed columns it was not trained on.
    pub fn names_hash(&self) -> String {
        let mut digest = Digest::new("zkassay-feature-names/1");
        for name in &self.names {
            digest.bytes(name.as_bytes());
        }
        digest.finish()
    }

    /// SHA-256 of names, dates, values and labels, lower-case hexadecimal.
    pub fn hash(&self) -> String {
        let mut digest = Digest::new("zkassay-feature-matrix/1");
        for texts in [&self.names, &self.dates] {
            digest.count(texts.len());
            for text in texts {
                digest.bytes(text.as_bytes());
            }
        }
        for value in &self.values {
            digest.raw(&value.to_le_bytes());
        }
        digest.bytes(&self.labels);
        digest.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> FeatureMatrix {
        FeatureMatrix {
            names: vec!["a".to_owned(), "b".to_owned()],
            dates: (1..=3).map(|day| format!("2022-06-0{day}")).collect(),
            values: Array2::from_shape_fn((3, 2), |(row, column)| (2 * row + column) as f32),
            labels: vec![0, 1, 1],
        }
    }

    #[test]
    fn selection_keeps_rows_together() {
        let chosen = matrix().select(&[2, 0]).unwrap();
        assert_eq!(chosen.dates, ["2022-06-03", "2022-06-01"]);
        assert_eq!(chosen.labels, [1, 0]);
        assert_eq!(chosen.values, ndarray::arr2(&[[4.0, 5.0], [0.0, 1.0]]));
        let error = matrix().select(&[1, 3]).unwrap_err();
        assert!(matches!(
            error,
            FeatureError::RowOutOfRange { row: 3, rows: 3 }
        ));
    }

    #[test]
    fn hashes_see_order_names_and_values() {
        let original = matrix();
        let mut swapped = matrix();
        swapped.names.swap(0, 1);
        assert_ne!(swapped.names_hash(), original.names_hash());
        let mut merged = matrix();
        merged.names = vec!["ab".to_owned()];
        assert_ne!(merged.names_hash(), original.names_hash());
        let mut changed = matrix();
        changed.values[[1, 1]] += 1.0;
        assert_eq!(changed.names_hash(), original.names_hash());
        assert_ne!(changed.hash(), original.hash());
    }
}
