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
//! | [`lookups`] | limbs lie in their range, operands are on the bus, segments in the table |
//!
//! # Soundness
//!
//! Values, operands, limbs, segments and multiplicities are committed in phase 1. The challenges
//! `r`, `lambda`, `beta` and `gamma` come after them. Phase 2 has running sums and helpers, each
//! determined by an equation. The three facts of the [crate's documentation](crate#soundness)
//! hold here, too; cells that have no equation are limbs of rows that do not use them, and the values of
//! rows that take up what a convolution gives outside of its output, which nothing else reads.

pub mod columns;
pub mod finish;
pub mod linear;
pub mod lookups;
pub mod product;
mod shape;
pub mod table;
#[cfg(test)]
mod tests;

pub use columns::ProgramColumns;
pub use shape::{Kinds, ProgramShape};

use halo2_proofs::arithmetic::Field as _;

use crate::{Field, field};

/// The instance column: public values in their rows.
pub fn instance(shape: &ProgramShape, inputs: &[i64], outputs: &[i64]) -> Vec<Field> {
    let mut column = Vec::new();
    let mut show = |row: usize, value: i64| {
        column.resize(column.len().max(row + 1), Field::ZERO);
        column[row] = field(value.into());
    };
    if shape.reveals_outputs() {
        for (index, value) in outputs.iter().enumerate() {
            show(shape.output_row(index), *value);
        }
    }
    if shape.reveals_inputs() {
        for (index, value) in inputs.iter().enumerate() {
            show(shape.input_row(index), *value);
        }
    }
    column
}
