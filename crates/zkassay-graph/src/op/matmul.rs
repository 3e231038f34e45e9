//! Products of matrices that are both values.

/// `batch` products of matrices, `[batch, rows, inner]` by `[batch, inner, columns]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatMul {
    /// Number of products.
    pub batch: usize,
    /// Rows of the first matrix.
    pub rows: usize,
    /// Columns of the first, rows of the second.
    pub inner: usize,
    /// Columns of the second.
    pub columns: usize,
}

impl MatMul {
    /// For each element of the result, its products: positions in the first and second operand.
    pub fn products(&self) -> impl Iterator<Item = impl Iterator<Item = (usize, usize)>> {
        let Self {
            batch,
            rows,
            inner,
            columns,
        } = *self;
        (0..batch * rows * columns).map(move |at| {
            let (row, column) = (at / columns, at % columns);
            let second = row / rows.max(1) * inner * columns + column;
            (0..inner).map(move |i| (row * inner + i, second + i * columns))
        })
    }

    pub(super) fn apply(&self, a: &[f32], b: &[f32]) -> Vec<f32> {
        self.products()
            .map(|products| {
                let terms = products.map(|(i, j)| f64::from(a[i]) * f64::from(b[j]));
                terms.sum::<f64>() as f32
            })
            .collect()
    }
}
