//! The public values' columns.
//!
//! | column | rows | what |
//! |---|---|---|
//! | ends | the first limb row of each output and side | the interval of accumulators that give the output |
//! | inputs | those of the inputs | the inputs; only if they are public |
//! | digests | those of the digests | the hashes; only if anything is hashed |
//!
//! The interval of an output that is not public is that of all accumulators within the bound,
//! so that it says nothing; the hash of outputs is that of `y + bound` for each accumulator `y`.

use halo2_proofs::arithmetic::Field as _;
use zkassay_fixed::Interval;

use crate::{Field, Shape, field};

/// Inputs and outputs as a proof of the given shape shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Public {
    /// The interval of each output's accumulator.
    pub intervals: Vec<Interval>,
    /// The inputs, if they are public.
    pub inputs: Vec<i64>,
    /// The hash of the inputs, if they are hashed.
    pub input_hash: Option<Field>,
    /// The hash of the outputs, if they are hashed.
    pub output_hash: Option<Field>,
}

impl Public {
    /// The instance columns; whatever is missing is zero.
    pub fn columns(&self, shape: &Shape) -> Vec<Vec<Field>> {
        let mut ends = vec![Field::ZERO; shape.output_block()];
        for (index, interval) in self.intervals.iter().enumerate() {
            for (side, end) in [interval.hi, interval.lo].into_iter().enumerate() {
                set(&mut ends, shape.output_row(side, index), field(end.into()));
            }
        }
        let mut columns = Vec::new();
        // In the order in which the constraint system allocates them: hashes first.
        if shape.hashes() {
            let sponges = [
                (shape.output_sponge(), self.output_hash),
                (shape.input_sponge(), self.input_hash),
            ];
            let mut digests = vec![];
            for (sponge, hash) in sponges {
                if let Some(sponge) = sponge {
                    digests.resize(sponge.digest_row(), Field::ZERO);
                    digests.push(hash.unwrap_or(Field::ZERO));
                }
            }
            columns.push(digests);
        }
        columns.push(ends);
        if shape.reveals_inputs() {
            let count = shape.inputs as usize;
            let mut inputs = vec![Field::ZERO; shape.input_row(count.saturating_sub(1)) + 1];
            for (index, input) in self.inputs.iter().enumerate() {
                set(&mut inputs, shape.input_row(index), field((*input).into()));
            }
            columns.push(inputs);
        }
        columns
    }
}

fn set(column: &mut [Field], row: usize, value: Field) {
    if let Some(cell) = column.get_mut(row) {
        *cell = value;
    }
}
