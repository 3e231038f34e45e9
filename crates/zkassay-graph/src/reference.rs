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
        Self::prepare(imported.typed()?, imported.shape)
    }

    /// Prepares a model that may be more than a [`Graph`](crate::Graph), and
    /// may have further outputs beside `output`.
    ///
    /// Only for models of one's own: nothing of the nodes is checked before
    /// tract gets them.
    ///
    /// # Errors
    /// If the model does not have exactly one input of float rows, or tract
    /// refuses it, or the output is not of floats.
    pub fn unrestricted(bytes: &[u8], output: &str) -> Result<Self, GraphError> {
        let (typed, shape) = import::unread(bytes, output)?;
        Self::prepare(typed, shape)
    }

    fn prepare(typed: TypedModel, shape: Vec<usize>) -> Result<Self, GraphError> {
        let fact = typed.output_fact(0).map_err(refuse)?;
        let outputs = match fact.shape.as_concrete() {
            Some(shape) if fact.datum_type == f32::datum_type() => shape.iter().product(),
            _ => {
                return Err(GraphError::TypeCheck {
                    reason: format!(
                        "the output is {:?} of shape {:?}, expected floats of a fixed shape",
                        fact.datum_type, fact.shape
                    ),
                });
            }
        };
        let plan = typed.into_optimized().and_then(|m| m.into_runnable());
        Ok(Self {
            plan: plan.map_err(refuse)?,
            inputs: shape.iter().product(),
            shape,
            outputs,
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
