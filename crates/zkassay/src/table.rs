//! What a model consists of, and what its circuit will be and cost.

mod bounds;

use serde::Serialize;
use zkassay_circuit::cost::{Cost, Dimensions, Machine};
use zkassay_circuit::{CircuitError, CompileOptions, Compiled, Plan};
use zkassay_gadgets::TableShape;
use zkassay_gadgets::program::ProgramShape;
use zkassay_graph::Interface;
use zkassay_quant::{
    Folded, IntegerModel, Kind, Program, QuantizedLayer, QuantizedModel, Step, drafted, is_chain,
};

use crate::{Error, Model, Settings};

/// A model's nodes, what they become, the proof's table, and what proofs will cost, before any key is
/// made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelTable {
    /// Name of the ONNX graph.
    pub name: String,
    /// The nodes in the order they are applied.
    pub nodes: Vec<NodeRow>,
    /// Its inputs, a fixed batch, and the names of classes, where it has any of them.
    pub interface: Interface,
    /// Affine nodes that are merged.
    pub folded: Vec<Folded>,
    /// What is proved instead of the nodes; before the calibration what it will be as far as can be
    /// told, or empty.
    pub steps: Vec<StepRow>,
    /// The decision trees, if there are any and they are proved by their paths; `None` before the
    /// calibration.
    pub trees: Option<TreesRow>,
    /// Number of weights and biases.
    pub parameters: usize,
    /// Inferences in one proof.
    pub inferences: u32,
    /// The size of the proof's table; `None` if only the calibration can tell.
    pub layout: Option<Layout>,
    /// What it costs.
    pub cost: Option<Cost>,
}

/// A node of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeRow {
    /// Its name in the ONNX file.
    pub name: String,
    /// Its operator in the ONNX file.
    pub operator: String,
    /// What it does.
    pub op: &'static str,
    /// Values that it reads.
    pub inputs: usize,
    /// Values that it writes.
    pub outputs: usize,
    /// Weights and biases.
    pub parameters: usize,
    /// The greatest [bits](StepRow::bits) of the steps that have its name; `None` if it is merged into
    /// another node, moves values only, or before the calibration.
    pub bits: Option<u32>,
}

/// The decision trees of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TreesRow {
    /// How many.
    pub trees: usize,
    /// Questions of all of them.
    pub nodes: usize,
    /// Features that they ask about.
    pub features: usize,
    /// Questions in a row of the proof's table.
    pub nodes_per_row: usize,
}

/// A step of the integer model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepRow {
    /// The nodes that it belongs to.
    pub name: String,
    /// What it is.
    pub kind: &'static str,
    /// Integers that it computes.
    pub outputs: usize,
    /// Bits of the greatest magnitude that any of them can have, sign aside, whatever the input in
    /// range: it is proved from the weights (of a hint and of what follows from one, it is enforced).
    /// Of a layer of a chain, those of its sums before they are rescaled. `None` before the
    /// calibration.
    pub bits: Option<u32>,
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
    /// Inferences in one proof, side by side.
    pub inferences: usize,
    /// Rows and columns.
    pub dimensions: Dimensions,
}

impl ModelTable {
    /// The table of a model, planned for `options`, and its cost on `machine`.
    ///
    /// # Errors
    /// A model that cannot be quantised or fits no table; more inferences in a proof than any table
    /// takes.
    pub fn planned(
        model: &Model,
        options: &CompileOptions,
        machine: &Machine,
    ) -> Result<Self, Error> {
        let graph = model.graph();
        let limit = ProgramShape::MAX_LANES;
        if !(1..=limit).contains(&options.batch) {
            let found = options.batch;
            return Err(CircuitError::Batch { found, limit }.into());
        }
        // With several inferences a chain is a program.
        if !is_chain(graph) || options.batch > 1 || options.totals {
            let inferences = options.batch;
            return Ok(Self {
                inferences,
                ..Self::new(model, None, machine)
            });
        }
        let widths = zkassay_quant::widths(graph)?;
        let shape = Plan::with_options(&widths, options)?.shape(&widths, options);
        Ok(Self::new(
            model,
            Some((false, &TableShape::Chain(shape))),
            machine,
        ))
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
        let circuit = match settings.compile(model) {
            Ok(circuit) => circuit,
            Err(Error::NotCalibrated) => return Self::planned(model, &settings.options(), machine),
            Err(error) => return Err(error),
        };
        let shape = circuit.compiled.shape();
        let mut table = Self::new(model, Some((true, &shape)), machine);
        if let Some(calibrated) = settings.calibration() {
            table.folded = zkassay_quant::folded(model.graph(), &calibrated.scheme)?;
        }
        let scales = circuit.compiled.input_scales();
        table.cost = table.cost.map(|cost| cost.with_input_scales(&scales));
        table.steps = steps(&circuit.compiled);
        table.bound(match &circuit.compiled {
            Compiled::Chain(compiled) => bounds::of_chain(compiled.model()),
            Compiled::Program(compiled) => bounds::of_program(compiled.program()),
        });
        table.trees = trees(&circuit.compiled);
        Ok(table)
    }

    /// The same with what nodes become, as far as that can be told before the calibration; adjacent
    /// affine nodes are merged if `fold` says so.
    #[must_use]
    pub fn with_draft(self, model: &Model, options: &CompileOptions, fold: bool) -> Self {
        let alone = options.batch == 1 && !options.totals;
        let Some(draft) = drafted(model.graph(), fold, alone) else {
            return self;
        };
        Self {
            folded: draft.folded,
            steps: match &draft.model {
                IntegerModel::Chain(model) => steps_of_chain(model),
                IntegerModel::Program(program) => steps_of_program(program),
            },
            ..self
        }
    }

    /// Adds the bounds of the steps, and so of nodes.
    fn bound(&mut self, bits: Vec<u32>) {
        for (step, bits) in self.steps.iter_mut().zip(bits) {
            step.bits = Some(bits);
            let named = self.nodes.iter_mut().filter(|node| node.name == step.name);
            named.for_each(|node| node.bits = node.bits.max(Some(bits)));
        }
    }

    fn new(model: &Model, shape: Option<(bool, &TableShape)>, machine: &Machine) -> Self {
        let graph = model.graph();
        let len = |value: &usize| graph.shape_of(*value).iter().product::<usize>();
        let nodes = graph.nodes.iter().map(|node| NodeRow {
            name: node.name.clone(),
            operator: node.operator.clone(),
            op: node.op.name(),
            inputs: node.inputs.iter().map(len).sum(),
            outputs: node.len(),
            parameters: node.op.parameters(),
            bits: None,
        });
        Self {
            name: graph.name.clone(),
            nodes: nodes.collect(),
            interface: graph.interface.clone(),
            folded: vec![],
            steps: vec![],
            trees: None,
            parameters: graph.parameters(),
            inferences: shape.map_or(1, |(_, shape)| shape.lanes() as u32),
            layout: shape.map(|(exact, shape)| Layout::new(exact, shape)),
            cost: shape.map(|(_, shape)| Cost::of(shape, machine)),
        }
    }
}

/// The steps of an integer model, without bounds.
fn steps(compiled: &Compiled) -> Vec<StepRow> {
    match compiled {
        Compiled::Chain(compiled) => steps_of_chain(compiled.model()),
        Compiled::Program(compiled) => steps_of_program(compiled.program()),
    }
}

fn steps_of_chain(model: &QuantizedModel) -> Vec<StepRow> {
    let step = |layer: &QuantizedLayer| StepRow {
        name: layer.name.clone(),
        kind: "Dense",
        outputs: layer.outputs(),
        bits: None,
    };
    model.layers.iter().map(step).collect()
}

fn steps_of_program(program: &Program) -> Vec<StepRow> {
    let row = |step: &Step| StepRow {
        name: step.name.clone(),
        kind: match step.kind {
            Kind::Dense { .. } => "Dense",
            Kind::Conv(_) => "Conv",
            Kind::Sums(_) => "Sums",
            Kind::Products(_) => "Products",
            Kind::Table { .. } => "Table",
            Kind::Hints(_) => "Hints",
            Kind::Forest(_) => "Forest",
        },
        outputs: step.len(),
        bits: None,
    };
    program.steps.iter().map(row).collect()
}

/// The trees of an integer model.
fn trees(compiled: &Compiled) -> Option<TreesRow> {
    let compiled = compiled.program()?;
    let mut kinds = compiled.program().steps.iter().map(|step| &step.kind);
    kinds.find_map(|kind| match kind {
        Kind::Forest(forest) => Some(TreesRow {
            trees: forest.roots.len(),
            nodes: forest.nodes.len(),
            features: forest.features.len(),
            nodes_per_row: compiled.shape().slots as usize,
        }),
        _ => None,
    })
}

impl Layout {
    /// The layout of a compiled model.
    pub fn of(compiled: &Compiled) -> Self {
        Self::new(true, &compiled.shape())
    }

    fn new(exact: bool, shape: &TableShape) -> Self {
        Self {
            exact,
            block_width: shape.block_width(),
            limb_bits: shape.limb_bits(),
            inferences: shape.lanes(),
            dimensions: match shape {
                TableShape::Chain(shape) => Dimensions::new(shape),
                TableShape::Program(shape) => Dimensions::of_program(shape),
            },
        }
    }
}
