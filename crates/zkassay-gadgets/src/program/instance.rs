//! The public values' columns, one for each lane.
//!
//! | rows | what |
//! |---|---|
//! | those of the outputs | the outputs, if they are public; totals in the first lane's column only |
//! | those of the inputs | the inputs, if they are public |
//! | those of the digests | the hashes of outputs and inputs, if they are hashed |

use halo2_proofs::arithmetic::Field as _;

use super::ProgramShape;
use crate::poseidon::Sponge;
use crate::{Field, field};

/// Inputs and outputs as a proof of the given shape shows them: lane after lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Public {
    /// The inputs, if they are public.
    pub inputs: Vec<i64>,
    /// The outputs, if they are public; or their totals, of which there is one set.
    pub outputs: Vec<i64>,
    /// The hash of each lane's inputs, if they are hashed.
    pub input_hashes: Vec<Field>,
    /// The hash of each lane's outputs, if they are hashed.
    pub output_hashes: Vec<Field>,
}

impl Public {
    /// The instance columns; whatever is missing is zero, and what the shape does not show is left out.
    pub fn columns(&self, shape: &ProgramShape) -> Vec<Vec<Field>> {
        let mut columns = Columns(vec![Vec::new(); shape.lanes as usize]);
        if shape.reveals_outputs() {
            let count = shape.outputs.max(1) as usize;
            for (index, value) in self.outputs.iter().enumerate() {
                let row = shape.output_row(index % count);
                columns.show(index / count, row, field((*value).into()));
            }
        }
        if shape.reveals_inputs() {
            let count = shape.inputs.max(1) as usize;
            for (index, value) in self.inputs.iter().enumerate() {
                let row = shape.input_row(index % count);
                columns.show(index / count, row, field((*value).into()));
            }
        }
        columns.show_all(shape.output_sponge(), &self.output_hashes);
        columns.show_all(shape.input_sponge(), &self.input_hashes);
        columns.0
    }
}

/// The columns of a shape for integers that are public, without hashes.
pub fn instance(shape: &ProgramShape, inputs: &[i64], outputs: &[i64]) -> Vec<Vec<Field>> {
    let public = Public {
        inputs: inputs.to_vec(),
        outputs: outputs.to_vec(),
        ..Public::default()
    };
    public.columns(shape)
}

struct Columns(Vec<Vec<Field>>);

impl Columns {
    fn show(&mut self, lane: usize, row: usize, value: Field) {
        let Some(column) = self.0.get_mut(lane) else {
            return;
        };
        column.resize(column.len().max(row + 1), Field::ZERO);
        column[row] = value;
    }

    fn show_all(&mut self, sponge: Option<Sponge>, hashes: &[Field]) {
        let Some(sponge) = sponge else { return };
        for lane in 0..self.0.len() {
            let hash = hashes.get(lane).copied().unwrap_or(Field::ZERO);
            self.show(lane, sponge.digest_row(), hash);
        }
    }
}
