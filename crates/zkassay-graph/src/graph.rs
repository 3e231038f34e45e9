//! The graph and its float semantics.

use std::path::Path;

use ndarray::{Array1, Array2, ArrayView1};

use crate::{GraphError, import, read_onnx};

/// A model over rows: nodes applied one after the other.
///
/// One input, one output, nodes in topological order, each reading the value
/// of the node before it. The batch dimension of the ONNX model is gone: the
/// graph says what happens to one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// Name of the ONNX graph.
    pub name: String,
    /// What the first node reads.
    pub input: Value,
    /// The operations, in the order they are applied; at least one.
    pub nodes: Vec<Node>,
    /// What the last node writes.
    pub output: Value,
}

/// A named value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Name in the ONNX graph.
    pub name: String,
    /// Elements per row.
    pub len: usize,
}

/// One operation of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Name of the ONNX node; operator and position, as in `Gemm #2`, if it has none.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// Elements per row of its output.
    pub len: usize,
}

/// What a node does to a row.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// `y = weights x + bias`.
    Dense {
        /// `[out, in]`.
        weights: Array2<f32>,
        /// `[out]`.
        bias: Array1<f32>,
    },
    /// `x + c`, `x - c`, `x c` or `x / c` on every element, each with its own constant.
    Elementwise {
        /// Which of them.
        arithmetic: Arithmetic,
        /// `[len]`; no zero to divide by.
        constant: Array1<f32>,
    },
    /// `max(x, 0)` on every element.
    Relu,
    /// `1 / (1 + exp(-x))` on every element.
    Sigmoid,
}

/// An operation on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `x + c`.
    Add,
    /// `x - c`.
    Subtract,
    /// `x c`.
    Multiply,
    /// `x / c`.
    Divide,
}

impl Arithmetic {
    /// The result, rounded to float32.
    pub fn apply(self, x: f32, c: f32) -> f32 {
        match self {
            Self::Add => x + c,
            Self::Subtract => x - c,
            Self::Multiply => x * c,
            Self::Divide => x / c,
        }
    }
}

impl Graph {
    /// Imports the bytes of an `.onnx` file.
    ///
    /// Weights keep their bits, unless a `Gemm` scales them: then `alpha w` and
    /// `beta c` are rounded once to float32.
    ///
    /// # Errors
    /// If the bytes are not a model of the subset in the [crate
    /// documentation](crate). Any bytes are safe to pass.
    pub fn from_onnx(bytes: &[u8]) -> Result<Self, GraphError> {
        Ok(import::import(bytes)?.graph)
    }

    /// Imports an `.onnx` file, and weights that it keeps in other files of its folder.
    ///
    /// # Errors
    /// As [`read_onnx`] and [`from_onnx`](Self::from_onnx).
    pub fn from_onnx_file(path: impl AsRef<Path>) -> Result<Self, GraphError> {
        Self::from_onnx(&read_onnx(path)?)
    }

    /// Number of weights, biases and other constants.
    pub fn parameters(&self) -> usize {
        self.nodes.iter().map(|node| node.op.parameters()).sum()
    }

    /// The output for one row, `[input.len]` to `[output.len]`.
    ///
    /// # Errors
    /// If the row has another length or holds NaN or infinity.
    pub fn evaluate(&self, row: ArrayView1<'_, f32>) -> Result<Vec<f32>, GraphError> {
        let mut value = self.check_row(row)?;
        for node in &self.nodes {
            value = node.op.apply(&value);
        }
        Ok(value)
    }

    /// The output of every node for one row, in the order of `nodes`.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn trace(&self, row: ArrayView1<'_, f32>) -> Result<Vec<Vec<f32>>, GraphError> {
        let mut value = self.check_row(row)?;
        let mut values = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            value = node.op.apply(&value);
            values.push(value.clone());
        }
        Ok(values)
    }

    fn check_row(&self, row: ArrayView1<'_, f32>) -> Result<Vec<f32>, GraphError> {
        if row.len() != self.input.len {
            return Err(GraphError::RowLength {
                expected: self.input.len,
                found: row.len(),
            });
        }
        match row.iter().position(|x| !x.is_finite()) {
            Some(index) => Err(GraphError::NonFiniteRow {
                index,
                value: row[index],
            }),
            None => Ok(row.to_vec()),
        }
    }
}

impl Op {
    /// Number of weights, biases and other constants.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Dense { weights, bias } => weights.len() + bias.len(),
            Self::Elementwise { constant, .. } => constant.len(),
            Self::Relu | Self::Sigmoid => 0,
        }
    }

    /// Applies the operation to one row. Sums are taken in float64 and rounded
    /// once, so that the result does not depend on their order.
    fn apply(&self, row: &[f32]) -> Vec<f32> {
        match self {
            Self::Dense { weights, bias } => weights
                .outer_iter()
                .zip(bias)
                .map(|(weights, &bias)| {
                    let products = weights.iter().zip(row);
                    let sum: f64 = products.map(|(&w, &x)| f64::from(w) * f64::from(x)).sum();
                    (sum + f64::from(bias)) as f32
                })
                .collect(),
            Self::Elementwise {
                arithmetic,
                constant,
            } => {
                let pairs = row.iter().zip(constant);
                pairs.map(|(&x, &c)| arithmetic.apply(x, c)).collect()
            }
            Self::Relu => row.iter().map(|x| x.max(0.0)).collect(),
            Self::Sigmoid => row
                .iter()
                .map(|&x| (1.0 / (1.0 + (-f64::from(x)).exp())) as f32)
                .collect(),
        }
    }
}
