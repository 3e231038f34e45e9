//! Features column by column, and each column's rows in ascending order.

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::ModelError;

/// A tree with a leaf per row has one branch less, and `u32` counts both.
const MAX_ROWS: usize = 1 << 31;

/// Rows as the growing of trees reads them; made once for all trees of a model.
pub(super) struct Columns {
    /// One feature after the other, each with a value per row.
    values: Vec<f32>,
    sorted: Option<Vec<u32>>,
    rows: usize,
}

impl Columns {
    /// The columns of `rows`, which are finite and not empty.
    ///
    /// # Errors
    /// [`ModelError::TooManyRows`] if there are so many rows that a `u32` cannot
    /// count the nodes of a tree.
    pub(super) fn new(rows: ArrayView2<'_, f32>) -> Result<Self, ModelError> {
        if rows.nrows() > MAX_ROWS {
            return Err(ModelError::TooManyRows {
                model: "trees",
                found: rows.nrows(),
                limit: MAX_ROWS,
            });
        }
        // Adding 0 makes 0 of -0, so that equal values are adjacent in the order.
        Ok(Self {
            values: rows.t().iter().map(|value| value + 0.0).collect(),
            sorted: None,
            rows: rows.nrows(),
        })
    }

    /// The same, and the rows in the order of every feature.
    pub(super) fn sorted(mut self) -> Self {
        let order = self
            .values
            .par_chunks(self.rows)
            .flat_map_iter(|column| {
                let mut order: Vec<u32> = (0..column.len() as u32).collect();
                order.sort_by(|&a, &b| column[a as usize].total_cmp(&column[b as usize]));
                order
            })
            .collect();
        self.sorted = Some(order);
        self
    }

    /// For each feature the rows by ascending value, equal ones in their order;
    /// if they have been sorted.
    pub(super) fn order(&self) -> Option<&[u32]> {
        self.sorted.as_deref()
    }

    /// Number of rows; never 0.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Number of features; never 0.
    pub(super) fn features(&self) -> usize {
        self.values.len() / self.rows
    }

    /// The value of a feature in each row.
    pub(super) fn column(&self, feature: usize) -> &[f32] {
        &self.values[feature * self.rows..][..self.rows]
    }
}
