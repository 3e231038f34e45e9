//! Integer programs as halo2 circuits: which cell holds what.
//!
//! The equations are in [`zkassay_gadgets::program`]. A row has a producer half and a consumer
//! half, and both halves are filled from the top, each in its own order:
//!
//! ```text
//! producer half                                consumer half
//! the last step's wires                        its operands
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
//! | `rows` | which row holds what |
//! | [`layout`] | the fixed columns |
//! | [`trees`] | the nodes of decision trees |
//! | [`grid`] | the positions of a convolution |
//! | [`witness`] | the advice columns of phase 1 |
//! | [`sums`] | those of phase 2 |
//! | [`plan`] | how many rows and columns |

pub mod grid;
pub mod layout;
pub mod plan;
mod rows;
pub mod sums;
pub mod trees;
pub mod witness;

pub use layout::CompiledProgram;
pub use witness::ProgramWitness;
