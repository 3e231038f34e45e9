//! Tract as an oracle: the same bytes, run by an independent engine.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use tract_onnx::prelude::*;

use crate::{GraphError, ImportOptions, import};

/// A model that tract runs.
pub struct Reference {
    plan: Arc<TypedRunnableModel>,
    /// Shape of one row with a batch dimension of 1.
    shape: Vec<usize>,
    /// Element type of the input.
    element: DatumType,
    inputs: usize,
    outputs: usize,
}

impl Reference {
    /// Prepares the bytes of an `.onnx` file.
    ///
    /// # Errors
    /// As [`Graph::from_onnx`](crate::Graph::from_onnx).
    pub fn new(bytes: &[u8]) -> Result<Self, GraphError> {
        Self::with(bytes, &ImportOptions::default())
    }

    /// Prepares the bytes of an `.onnx` file of one input, with dimensions bound, an output chosen.
    ///
    /// # Errors
    /// As [`Graph::from_onnx_with`](crate::Graph::from_onnx_with).
    pub fn with(bytes: &[u8], options: &ImportOptions) -> Result<Self, GraphError> {
        let (typed, shape) = import::typed(bytes, options)?;
        Self::prepare(typed, shape)
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
        let refuse = |reason: String| Err(GraphError::TypeCheck { reason });
        let (outputs, element, plan) = import::guard(|| {
            let output = typed.output_fact(0)?.clone();
            let outputs = output
                .shape
                .as_concrete()
                .map(|shape| shape.iter().product());
            let element = typed.input_fact(0)?.datum_type;
            let plan = typed.into_optimized()?.into_runnable()?;
            Ok((outputs, element, plan))
        })?;
        let Some(outputs) = outputs else {
            return refuse("the output has no fixed shape".to_owned());
        };
        Ok(Self {
            plan,
            inputs: shape.iter().product(),
            element,
            shape,
            outputs,
        })
    }

    /// Outputs `[rows, outputs]` of the rows `[rows, inputs]`; integers and truth values of the
    /// model as floats.
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
            let written = import::guard(|| {
                let input = Tensor::from_shape(&self.shape, &row.to_vec())?;
                let input = input.cast_to_dt(self.element)?.into_owned();
                let values = self.plan.run(tvec!(input.into()))?;
                let floats = values[0].cast_to::<f32>()?;
                Ok(floats
                    .to_plain_array_view::<f32>()?
                    .iter()
                    .copied()
                    .collect::<Vec<f32>>())
            })?;
            for (to, from) in output.iter_mut().zip(written) {
                *to = from;
            }
        }
        Ok(outputs)
    }
}
