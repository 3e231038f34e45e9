//! `y = W x + b`.

use ndarray::{Array1, Array2};

/// A dense layer, applied to every run of [`inputs`](Self::inputs) consecutive elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// `[outputs, inputs]`.
    pub weights: Array2<f32>,
    /// `[outputs]`.
    pub bias: Array1<f32>,
}

impl Dense {
    /// Elements of a run.
    pub fn inputs(&self) -> usize {
        self.weights.ncols()
    }

    /// Elements that a run becomes.
    pub fn outputs(&self) -> usize {
        self.weights.nrows()
    }

    pub(super) fn apply(&self, x: &[f32]) -> Vec<f32> {
        let run = |run: &[f32]| -> Vec<f32> {
            let rows = self.weights.outer_iter().zip(&self.bias);
            rows.map(|(weights, &bias)| {
                let products = weights.iter().zip(run);
                let sum: f64 = products.map(|(&w, &x)| f64::from(w) * f64::from(x)).sum();
                (sum + f64::from(bias)) as f32
            })
            .collect()
        };
        x.chunks_exact(self.inputs().max(1)).flat_map(run).collect()
    }
}
