//! The gates of integer programs: any graph of the quantiser, not only chains of dense layers.
//!
//! A row has two halves that know nothing of each other. The *producer* half makes a wire: its
//! `value`, with limbs that range-check it. The *consumer* half reads one: its `operand`, with a
//! factor by which it enters a sum. What is read is what was made, because both are on a *bus*, a
//! multiset of (wire, value) pairs. So wires are produced in the order that suits their producer, and
//! read in the order that suits each reader; data movement costs nothing.
//!
//! | module | equation |
//! |---|---|
//! | [`linear`] | all linear steps as one random linear combination |
//! | [`finish`] | a value and its accumulator: rescale, ReLU, range check |
//! | [`product`] | an accumulator that is a product of two operands |
//! | [`table`] | a piecewise linear function |
//! | [`forest`] | decision trees: answers, and the way through the nodes |
//! | [`lookups`] | limbs lie in their range, operands are on the bus, segments in the table |
//! | [`hashed`] | hashes of inputs and outputs |
//! | [`instance`](mod@instance) | the public values' columns |
//!
//! Several inferences stand side by side in *lanes*: each has its own columns for all of this, and
//! they share factors, weights, tables and all running sums.
//!
//! # Soundness
//!
//! Values, operands, limbs, segments and multiplicities are committed in phase 1. The challenges
//! `r`, `rho`, `beta` and `gamma` come after them. Phase 2 has running sums and helpers, each
//! determined by an equation. The three facts of the [crate's documentation](crate#soundness)
//! hold here, too; cells that have no equation are limbs of rows that do not use them, and the cells of
//! rows that take up what a convolution gives outside of its output, which nothing else reads.

pub mod columns;
pub mod finish;
pub mod forest;
pub mod hashed;
pub mod instance;
pub mod linear;
pub mod lookups;
pub mod product;
mod shape;
pub mod table;
#[cfg(test)]
mod tests;

pub use columns::{LaneColumns, ProgramColumns};
pub use instance::{Public, instance};
pub use shape::{Kinds, ProgramShape};
