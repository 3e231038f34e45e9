//! Integer programs as halo2 circuits: which cell holds what.
//!
//! The equations are in [`zkassay_gadgets::program`]. A row has a producer half and a consumer
//! half, and both halves are filled from row 0, each in its own order:
//!
//! ```text
//! producer half                                consumer half
//! the last step's wires, if it is linear       its operands
//! inputs                                       operands of the next linear step
//! wires of the next linear step, hints         ...
//! ...
//! ------------- below both, rows that need both halves -------------
//! functions: limbs                             argument
//!            result                            (idle)
//! products: (idle)                             first factor
//!           product                            second factor
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`layout`] | the rows and the fixed columns |
//! | [`grid`] | the positions of a convolution |
//! | [`witness`] | the advice columns |
//! | [`plan`] | how many rows and columns |

pub mod grid;
pub mod layout;
pub mod plan;
pub mod witness;

pub use layout::CompiledProgram;
pub use witness::ProgramWitness;
