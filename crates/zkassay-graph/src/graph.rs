//! The graph and its float semantics.

use std::path::Path;

use ndarray::ArrayView1;

use crate::{GraphError, ImportOptions, Interface, Op, import, read_onnx};

/// A model over rows: nodes in topological order, each reading values that stand before it.
///
/// There is one input and one output. The batch dimension of the ONNX model is bound to 1 (or is
/// kept where a model has none): the graph says what happens to one row. Every value is a tensor of
/// float32 in row-major order; integers and truth values of the ONNX model are floats that hold
/// integers, 0 or 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// Name of the ONNX graph.
    pub name: String,
    /// Value 0.
    pub input: Value,
    /// What its numbers mean.
    pub interface: Interface,
    /// The operations; node `i` writes value `i + 1`.
    pub nodes: Vec<Node>,
    /// What the model gives.
    pub output: Output,
}

/// A named tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Name in the ONNX graph.
    pub name: String,
    /// Its shape, batch dimension included.
    pub shape: Vec<usize>,
}

/// The output of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Name in the ONNX graph.
    pub name: String,
    /// Which value it is: 0 is the input, `i + 1` what node `i` writes.
    pub value: usize,
}

/// One operation of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Name of the ONNX node; operator and position, as in `Gemm #2`, if it has none. A node that
    /// becomes several has its name on each.
    pub name: String,
    /// The ONNX operator it comes from.
    pub operator: String,
    /// What it does.
    pub op: Op,
    /// The values that it reads, each below its own.
    pub inputs: Vec<usize>,
    /// Shape of what it writes.
    pub shape: Vec<usize>,
}

impl Value {
    /// Its number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Node {
    /// Elements of its output.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether its output has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Graph {
    /// Imports the bytes of an `.onnx` file.
    ///
    /// # Errors
    /// If the bytes are not a model of operators in the [crate documentation](crate). Any bytes
    /// are safe to pass.
    pub fn from_onnx(bytes: &[u8]) -> Result<Self, GraphError> {
        Self::from_onnx_with(bytes, &ImportOptions::default())
    }

    /// Imports the bytes of an `.onnx` file with dimensions bound, an output chosen.
    ///
    /// # Errors
    /// As [`from_onnx`](Self::from_onnx).
    pub fn from_onnx_with(bytes: &[u8], options: &ImportOptions) -> Result<Self, GraphError> {
        import::import(bytes, options)
    }

    /// Imports an `.onnx` file, and weights that it keeps in other files of its folder.
    ///
    /// # Errors
    /// As [`read_onnx`] and [`from_onnx`](Self::from_onnx).
    pub fn from_onnx_file(path: impl AsRef<Path>) -> Result<Self, GraphError> {
        Self::from_onnx(&read_onnx(path)?)
    }

    /// A graph whose nodes are applied one after the other to a row `[1, inputs]`, from `input` to
    /// `output`; each node comes with the elements that it writes.
    pub fn chain(name: &str, inputs: usize, nodes: Vec<(String, Op, usize)>) -> Self {
        let nodes: Vec<Node> = nodes
            .into_iter()
            .enumerate()
            .map(|(index, (name, op, len))| Node {
                name,
                operator: op.name().to_owned(),
                op,
                inputs: vec![index],
                shape: vec![1, len],
            })
            .collect();
        Self {
            name: name.to_owned(),
            input: Value {
                name: "input".to_owned(),
                shape: vec![1, inputs],
            },
            interface: Interface::default(),
            output: Output {
                name: "output".to_owned(),
                value: nodes.len(),
            },
            nodes,
        }
    }

    /// Elements of the input.
    pub fn inputs(&self) -> usize {
        self.input.len()
    }

    /// Elements of the output.
    pub fn outputs(&self) -> usize {
        self.shape_of(self.output.value).iter().product()
    }

    /// Shape of a value.
    pub fn shape_of(&self, value: usize) -> &[usize] {
        match value.checked_sub(1) {
            None => &self.input.shape,
            Some(node) => &self.nodes[node].shape,
        }
    }

    /// Number of weights, biases and other constants.
    pub fn parameters(&self) -> usize {
        self.nodes.iter().map(|node| node.op.parameters()).sum()
    }

    /// The output for one row, `[inputs]` to `[outputs]`.
    ///
    /// # Errors
    /// If the row has another length or holds NaN or infinity.
    pub fn evaluate(&self, row: ArrayView1<'_, f32>) -> Result<Vec<f32>, GraphError> {
        let mut values = self.trace(row)?;
        Ok(values.swap_remove(self.output.value))
    }

    /// Every value for one row: the input, then what each node writes.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn trace(&self, row: ArrayView1<'_, f32>) -> Result<Vec<Vec<f32>>, GraphError> {
        let mut values = vec![self.check_row(row)?];
        values.reserve(self.nodes.len());
        for node in &self.nodes {
            let inputs: Vec<&[f32]> = node.inputs.iter().map(|i| values[*i].as_slice()).collect();
            let value = node.op.apply(&inputs);
            debug_assert_eq!(value.len(), node.len(), "{}", node.name);
            values.push(value);
        }
        Ok(values)
    }

    fn check_row(&self, row: ArrayView1<'_, f32>) -> Result<Vec<f32>, GraphError> {
        if row.len() != self.inputs() {
            return Err(GraphError::RowLength {
                expected: self.inputs(),
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
