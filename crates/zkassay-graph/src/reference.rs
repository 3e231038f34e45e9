//! Tract as an oracle: the same bytes, run by an independent engine.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use tract_onnx::prelude::*;

use crate::{GraphError, import};

/// A model that tract runs.
pub struct Reference {
    plan: Arc<TypedRunnableModel>,
    /// Shape of one row with a batch dimension of 1.
    shape: Vec<usize>,
    inputs: usize,
    outputs: usize,
}

impl Reference {
    /// Prepares the bytes of an `.onnx` file.
    ///
    /// # Errors
    /// As [`Graph::from_onnx`](crate::Graph::from_onnx).
    pub fn new(bytes: &[u8]) -> Result<Self, GraphError> {
        let imported = import::import(bytes)?;
        let plan = imported
            .typed()?
            .into_optimized()
            .and_then(|m| m.into_runnable());
        Ok(Self {
            plan: plan.map_err(refuse)?,
            shape: imported.shape,
            inputs: imported.graph.input.len,
            outputs: imported.graph.output.len,
        })
    }

    /// Outputs `[rows, outputs]` of the rows `[rows, inputs]`.
    ///
    /// # Errors
    /// If the rows have another length than the model takes, or tract fails.
    pub fn run(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, GraphError> {
        if rows.ncols() != self.inputs {
            return Err(GraphError::RowLength {
                expected: self.inputs,
                found: rows.ncols(),
            });
        }
        let mut outputs = Array2::zeros((rows.nrows(), self.outputs));
        for (row, mut output) in rows.outer_iter().zip(outputs.outer_iter_mut()) {
            let input = Tensor::from_shape(&self.shape, &row.to_vec()).map_err(refuse)?;
            let values = self.plan.run(tvec!(input.into())).map_err(refuse)?;
            let value = values[0].to_plain_array_view::<f32>().map_err(refuse)?;
            for (to, from) in output.iter_mut().zip(value) {
                *to = *from;
            }
        }
        Ok(outputs)
    }
}

fn refuse(error: TractError) -> GraphError {
    GraphError::TypeCheck {
        reason: format!("{error:#}"),
    }
}
