//! Either kind of proof table.

use halo2_proofs::plonk::ConstraintSystem;
use zkassay_fixed::Visibility;

use crate::program::{ProgramColumns, ProgramShape};
use crate::{Columns, Field, Shape, ShapeError};

/// The public shape of a proof table: that of a chain of dense layers, or of any other program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableShape {
    /// A chain of dense layers.
    Chain(Shape),
    /// An integer program.
    Program(ProgramShape),
}

/// The columns of a proof table.
#[derive(Clone, Debug)]
pub enum TableColumns {
    /// Those of a chain of dense layers.
    Chain(Columns),
    /// Those of an integer program.
    Program(ProgramColumns),
}

impl Default for TableShape {
    fn default() -> Self {
        Self::Chain(Shape::default())
    }
}

impl TableShape {
    /// log2 of the number of rows.
    pub fn logrows(&self) -> u32 {
        match self {
            Self::Chain(shape) => shape.logrows,
            Self::Program(shape) => shape.logrows,
        }
    }

    /// Rows that gates may use, `0..last_row()`; the row after them is a boundary.
    pub fn last_row(&self) -> usize {
        match self {
            Self::Chain(shape) => shape.last_row(),
            Self::Program(shape) => shape.last_row(),
        }
    }

    /// What is revealed, and whether the weights are fixed.
    pub fn visibility(&self) -> Visibility {
        match self {
            Self::Chain(shape) => shape.visibility,
            Self::Program(shape) => shape.visibility,
        }
    }

    /// Number of inputs of an inference.
    pub fn inputs(&self) -> u32 {
        match self {
            Self::Chain(shape) => shape.inputs,
            Self::Program(shape) => shape.inputs,
        }
    }

    /// Number of outputs of an inference.
    pub fn outputs(&self) -> u32 {
        match self {
            Self::Chain(shape) => shape.outputs,
            Self::Program(shape) => shape.outputs,
        }
    }

    /// Inferences in one proof.
    pub fn lanes(&self) -> usize {
        match self {
            Self::Chain(_) => 1,
            Self::Program(shape) => shape.lanes as usize,
        }
    }

    /// Whether public outputs are the sums over all inferences.
    pub fn totals(&self) -> bool {
        match self {
            Self::Chain(_) => false,
            Self::Program(shape) => shape.totals,
        }
    }

    /// Inputs of all inferences.
    pub fn public_inputs(&self) -> usize {
        self.inputs() as usize * self.lanes()
    }

    /// Outputs of all inferences, or their totals.
    pub fn public_outputs(&self) -> usize {
        match self.totals() {
            true => self.outputs() as usize,
            false => self.outputs() as usize * self.lanes(),
        }
    }

    /// Weights per row.
    pub fn block_width(&self) -> u32 {
        match self {
            Self::Chain(shape) => shape.block_width,
            Self::Program(shape) => shape.block_width,
        }
    }

    /// Bits of a limb.
    pub fn limb_bits(&self) -> u32 {
        match self {
            Self::Chain(shape) => shape.limb_bits,
            Self::Program(shape) => shape.limb_bits,
        }
    }

    /// Bits of an input, sign included.
    pub fn input_bits(&self) -> u32 {
        match self {
            Self::Chain(shape) => shape.input_bits(),
            Self::Program(shape) => shape.input_bits(),
        }
    }

    /// The shape of a chain, if it is one.
    pub fn chain(&self) -> Option<&Shape> {
        match self {
            Self::Chain(shape) => Some(shape),
            Self::Program(_) => None,
        }
    }

    /// Allocates the columns and creates every gate.
    pub fn configure(&self, meta: &mut ConstraintSystem<Field>) -> TableColumns {
        match self {
            Self::Chain(shape) => TableColumns::Chain(Columns::configure(meta, shape)),
            Self::Program(shape) => TableColumns::Program(ProgramColumns::configure(meta, shape)),
        }
    }

    /// Checks that the gates are sound and the table is well formed.
    ///
    /// # Errors
    /// The first property that does not hold.
    pub fn validate(&self) -> Result<(), ShapeError> {
        match self {
            Self::Chain(shape) => shape.validate(),
            Self::Program(shape) => shape.validate(),
        }
    }

    /// The shape as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Chain(shape) => shape.to_bytes().to_vec(),
            Self::Program(shape) => shape.to_bytes().to_vec(),
        }
    }

    /// How many bytes a shape has whose first four are these.
    pub fn byte_length(first: [u8; 4]) -> usize {
        match u32::from_le_bytes(first) & ProgramShape::MARK {
            0 => Shape::BYTES,
            _ => ProgramShape::BYTES,
        }
    }

    /// Reads a shape; it still has to be [validated](Self::validate).
    ///
    /// # Errors
    /// Bytes that no shape has.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ShapeError> {
        if let Ok(bytes) = bytes.try_into() {
            return Ok(Self::Chain(Shape::from_bytes(bytes)?));
        }
        match bytes.try_into() {
            Ok(bytes) => Ok(Self::Program(ProgramShape::from_bytes(bytes)?)),
            Err(_) => Err(ShapeError {
                what: "length",
                found: bytes.len() as u64,
                expected: format!("{} or {}", Shape::BYTES, ProgramShape::BYTES),
            }),
        }
    }
}
