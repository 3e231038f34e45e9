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
    /// The model needs more rows, or more weights per row, than a table can have.
    #[error(
        "the model needs {needed} rows of {block_width} weights; a table has at most \
         2^{max_logrows} rows of {} weights",
        zkassay_gadgets::Shape::MAX_BLOCK_WIDTH
    )]
    TooLarge {
        /// Rows needed.
        needed: usize,
        /// Weights per row.
        block_width: u32,
        /// The greatest table.
        max_logrows: u32,
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
