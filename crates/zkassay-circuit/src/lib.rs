//! Quantised models as halo2 circuits.
//!
//! [`plan`] picks the size of the table for a model's widths, [`CompiledModel`]
//! lays a quantised model out in it, [`Witness`] fills it for one input, and
//! [`ModelCircuit`] hands both to halo2. The equations are in `zkassay-gadgets`;
//! here is only *which cell holds what*.
//!
//! ```text
//! row 0        outputs, upper ends      |  value   limbs of hi - y
//!              outputs, lower ends      |          limbs of y - lo
//!              last hidden layer        |  h       remainder, magnitude        inputs of the last dense layer
//!              ...
//!              first hidden layer       |  h       remainder, magnitude
//!              inputs                   |  x       limbs of x + 2^(b-1)
//!              (biases, if weights are secret, below each layer's inputs)
//!              unused                   |  0       0
//! last row     boundary                 |
//! ```
//!
//! A layer's outputs are the next layer's inputs in the same rows: no copies,
//! no permutation argument. The multiply-accumulates cost nothing; what costs is
//! rows (one per value) and columns.
//!
//! | module | what |
//! |---|---|
//! | [`options`] | what to compile for: visibility, layout target |
//! | [`plan`] | rows and columns for given widths |
//! | [`cost`] | what a table costs: columns, bytes, time, memory |
//! | [`layout`] | the rows and the fixed columns |
//! | [`witness`] | the advice columns |
//! | [`program`] | any other model than a chain of dense layers |
//! | [`search`] | calibration of a model for its circuit |
//! | [`circuit`] | halo2's view |
//!
//! Position: leans on `zkassay-quant` and `zkassay-gadgets`.

pub mod circuit;
mod compiled;
pub mod cost;
mod error;
mod hash;
pub mod layout;
pub mod options;
pub mod plan;
pub mod program;
pub mod search;
pub mod witness;

pub use circuit::ModelCircuit;
pub use compiled::{Compiled, TableWitness};
pub use error::CircuitError;
pub use layout::CompiledModel;
pub use options::{CompileOptions, LayoutTarget};
pub use plan::Plan;
pub use program::{CompiledProgram, ProgramWitness};
pub use search::calibrate;
pub use witness::Witness;
