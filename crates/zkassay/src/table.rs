//! What a model consists of, and what its circuit will be and cost.

use serde::Serialize;
use zkassay_circuit::cost::{Cost, Dimensions, Machine};
use zkassay_circuit::{CompileOptions, CompiledModel, Plan};
use zkassay_gadgets::Shape;
use zkassay_graph::{Arithmetic, Op};

use crate::{Error, Model, Settings};

/// A model's nodes, its table, and what proofs will cost, before any key is made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelTable {
    /// Name of the ONNX graph.
    pub name: String,
    /// The nodes in the order they are applied.
    pub nodes: Vec<NodeRow>,
    /// Number of weights and biases.
    pub parameters: usize,
    /// The size of the proof's table.
    pub layout: Layout,
    /// What it costs.
    pub cost: Cost,
}

/// A node of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeRow {
    /// Its name in the ONNX file.
    pub name: String,
    /// What it does.
    pub op: &'static str,
    /// Values per row that it reads.
    pub inputs: usize,
    /// Values per row that it writes.
    pub outputs: usize,
    /// Weights and biases.
    pub parameters: usize,
}

/// The size of the proof's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Layout {
    /// Whether this is what a compiled model has, or planned: the calibration decides about limbs,
    /// and with them about a few rows and columns.
    pub exact: bool,
    /// Weights per row.
    pub block_width: u32,
    /// Bits of a limb.
    pub limb_bits: u32,
    /// Rows and columns.
    pub dimensions: Dimensions,
}

impl ModelTable {
    /// The table of a model, planned for `options`, and its cost on `machine`.
    ///
    /// # Errors
    /// A model that cannot be quantised or fits no table.
    pub fn planned(
        model: &Model,
        options: &CompileOptions,
        machine: &Machine,
    ) -> Result<Self, Error> {
        let widths = zkassay_quant::widths(model.graph())?;
        let shape = Plan::with_options(&widths, options)?.shape(&widths, options);
        Ok(Self::new(model, false, &shape, machine))
    }

    /// The table of a model with its settings, compiled if they are calibrated, else planned, and
    /// its cost on `machine`.
    ///
    /// # Errors
    /// Settings of another model, or as [`planned`](Self::planned).
    pub fn with_settings(
        model: &Model,
        settings: &Settings,
        machine: &Machine,
    ) -> Result<Self, Error> {
        match settings.compile(model) {
            Ok(circuit) => Ok(Self::new(model, true, circuit.compiled.shape(), machine)),
            Err(Error::NotCalibrated) => Self::planned(model, &settings.options(), machine),
            Err(error) => Err(error),
        }
    }

    fn new(model: &Model, exact: bool, shape: &Shape, machine: &Machine) -> Self {
        let graph = model.graph();
        let mut inputs = graph.input.len;
        let nodes = graph.nodes.iter().map(|node| NodeRow {
            name: node.name.clone(),
            op: op_name(&node.op),
            inputs: std::mem::replace(&mut inputs, node.len),
            outputs: node.len,
            parameters: node.op.parameters(),
        });
        Self {
            name: graph.name.clone(),
            nodes: nodes.collect(),
            parameters: graph.parameters(),
            layout: Layout::new(exact, shape),
            cost: Cost::new(shape, machine),
        }
    }
}

impl Layout {
    /// The layout of a compiled model.
    pub fn of(compiled: &CompiledModel) -> Self {
        Self::new(true, compiled.shape())
    }

    fn new(exact: bool, shape: &Shape) -> Self {
        Self {
            exact,
            block_width: shape.block_width,
            limb_bits: shape.limb_bits,
            dimensions: Dimensions::new(shape),
        }
    }
}

fn op_name(op: &Op) -> &'static str {
    match op {
        Op::Dense { .. } => "Dense",
        Op::Elementwise { arithmetic, .. } => match arithmetic {
            Arithmetic::Add => "Add",
            Arithmetic::Subtract => "Sub",
            Arithmetic::Multiply => "Mul",
            Arithmetic::Divide => "Div",
        },
        Op::Relu => "Relu",
        Op::Sigmoid => "Sigmoid",
        _ => "other",
    }
}
