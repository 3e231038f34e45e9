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
//!
//! Several inferences stand side by side in *lanes*: each has its own columns for all of this, and
//! they share factors, weights, tables and all running sums.
//!
//! # Soundness
//!
//! Values, operands, limbs, segments and multiplicities are committed in phase 1. The challenges
//! `r`, `lambda`, `rho`, `beta` and `gamma` come after them. Phase 2 has running sums and helpers, each
//! determined by an equation. The three facts of the [crate's documentation](crate#soundness)
//! hold here, too; cells that have no equation are limbs of rows that do not use them, and the values of
//! rows that take up what a convolution gives outside of its output, which nothing else reads.

pub mod columns;
pub mod finish;
pub mod forest;
pub mod linear;
pub mod lookups;
pub mod product;
mod shape;
pub mod table;
#[cfg(test)]
mod tests;

pub use columns::{LaneColumns, ProgramColumns};
pub use shape::{Kinds, ProgramShape};

use halo2_proofs::arithmetic::Field as _;

use crate::{Field, field};

/// The instance columns of all lanes: public values in their rows. `inputs` are those of all
/// lanes, one after the other, and so are `outputs`, unless they are totals.
pub fn instance(shape: &ProgramShape, inputs: &[i64], outputs: &[i64]) -> Vec<Vec<Field>> {
    let mut columns = vec![Vec::new(); shape.lanes as usize];
    let mut show = |lane: usize, row: usize, value: i64| {
        let Some(column): Option<&mut Vec<Field>> = columns.get_mut(lane) else {
            return;
        };
        column.resize(column.len().max(row + 1), Field::ZERO);
        column[row] = field(value.into());
    };
    if shape.reveals_outputs() {
        let count = shape.outputs.max(1) as usize;
        for (index, value) in outputs.iter().enumerate() {
            show(index / count, shape.output_row(index % count), *value);
        }
    }
    if shape.reveals_inputs() {
        let count = shape.inputs.max(1) as usize;
        for (index, value) in inputs.iter().enumerate() {
            show(index / count, shape.input_row(index % count), *value);
        }
    }
    columns
}
