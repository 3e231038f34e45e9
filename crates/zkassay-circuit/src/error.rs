//! What can go wrong between an integer model and its circuit.

use zkassay_fixed::OutputMapError;
use zkassay_gadgets::ShapeError;
use zkassay_quant::QuantError;

/// An error of compilation or of witness generation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CircuitError {
    /// The model has no layer, or a layer without inputs or outputs.
    #[error("the model's widths are {widths:?}: every layer needs inputs and outputs")]
    Empty {
        /// Input length, then the outputs of each layer.
        widths: Vec<usize>,
    },
    /// The model needs more rows than a table can have.
    #[error(
        "the model needs {needed} rows of {block_width} weights, but a table has at most 2^{max_logrows} = {}; \
         {rows} of them are for the {inputs} inputs and {outputs} outputs of its dense layer {layer}: \
         give that layer fewer inputs, or fewer outputs",
        1u64 << max_logrows
    )]
    TooLarge {
        /// Rows needed.
        needed: usize,
        /// Weights per row.
        block_width: u32,
        /// log2 of the rows of the greatest table.
        max_logrows: u32,
        /// The dense layer that takes the most rows, from 1.
        layer: usize,
        /// Its inputs.
        inputs: usize,
        /// Its outputs.
        outputs: usize,
        /// The rows of its values.
        rows: usize,
    },
    /// A program needs more rows than a table can have.
    #[error(
        "the model needs {} rows, but a table has at most 2^{max_logrows} = {}; its largest step is '{step}': \
         make the model smaller, or its images coarser",
        if *needed == usize::MAX { "more".to_owned() } else { needed.to_string() },
        1u64 << max_logrows
    )]
    ProgramTooLarge {
        /// Rows needed.
        needed: usize,
        /// log2 of the rows of the greatest table.
        max_logrows: u32,
        /// The step with the most values.
        step: String,
    },
    /// Only chains of dense layers have it.
    #[error(
        "{what}: only models of dense layers with ReLU between them have that yet, one inference at a time; \
         leave it out, and prove with fixed parameters"
    )]
    ProgramVisibility {
        /// What was asked for.
        what: &'static str,
    },
    /// Sums of outputs that are hashed.
    #[error(
        "the sums of the outputs of all inferences cannot be hashed: make outputs public, or private"
    )]
    HashedTotals,
    /// A layer has more outputs than rows of a table have weights.
    #[error(
        "dense layer {layer} has {outputs} outputs, but this model's table takes at most {limit}, \
         {block_width} weights in each of {blocks} row(s) per input: give the layer fewer outputs{}",
        if *blocks == 1 { ", or add a hidden layer (values of a model without one have a single row)" } else { "" }
    )]
    TooWide {
        /// The dense layer, from 1.
        layer: usize,
        /// Its outputs.
        outputs: usize,
        /// The most outputs.
        limit: usize,
        /// The most weights per row.
        block_width: u32,
        /// The most rows per value.
        blocks: usize,
    },
    /// No layout's Solidity verifier fits a contract.
    #[error(
        "no layout of this model has a Solidity verifier of at most {limit} bytes (EIP-170): the smallest \
         has about {needed}; hide and reveal less, make the model's widest layer narrower, or compile for another target"
    )]
    Contract {
        /// Estimated bytes of the smallest contract.
        needed: usize,
        /// The most bytes.
        limit: usize,
    },
    /// The limbs of the quantised model do not fit the table.
    #[error(
        "the model is quantised for limbs of {found} bits, but its table needs {expected}; calibrate with those"
    )]
    LimbBits {
        /// What the plan asks for.
        expected: u32,
        /// What the model has.
        found: u32,
    },
    /// A weight of a model whose weights are secret is not a limb.
    #[error(
        "node '{node}' has weights of {needed} bits with sign, but secret weights have {available}; \
         calibrate with weights of {available} bits"
    )]
    WeightBits {
        /// The ONNX node.
        node: String,
        /// Bits of its greatest weight.
        needed: u32,
        /// Bits of a limb.
        available: u32,
    },
    /// A table for another number of inferences.
    #[error(
        "the circuit is for {expected} inference(s) in one proof, found {found} row(s) of inputs"
    )]
    BatchLength {
        /// Inferences in one proof.
        expected: usize,
        /// Rows.
        found: usize,
    },
    /// More inferences in one proof than a table takes.
    #[error(
        "{found} inferences in one proof, expected 1 to {limit}; more are split into several proofs"
    )]
    Batch {
        /// Inferences asked for.
        found: u32,
        /// The most.
        limit: u32,
    },
    /// A chain of dense layers, for several inferences.
    #[error(
        "the model is quantised as a chain of dense layers, which has one inference per proof; \
         calibrate it again, for a batch of {batch}"
    )]
    ChainBatch {
        /// Inferences asked for.
        batch: u32,
    },
    /// The gates would not be sound for this shape.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The input cannot be evaluated.
    #[error(transparent)]
    Quant(#[from] QuantError),
    /// An output has no preimage.
    #[error(transparent)]
    Output(#[from] OutputMapError),
}
