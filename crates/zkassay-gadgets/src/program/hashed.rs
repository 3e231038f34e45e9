//! Poseidon hashes of a program's inputs and outputs, one of each for every lane.
//!
//! The gates are those of [`hash`], the rounds are in rows from the top, beside both halves and
//! independent of them. Inputs are shifted by half their range, as in a chain; outputs are the
//! values of their rows plus `2^n`, for `n` bits of all limbs: whatever the kind of the row, they lie
//! in `[-2^(n-1), 2^n)`.
//!
//! Digests are shown in the instance column of their lane, in a row that shows nothing else.

use std::ops::Range;

use halo2_proofs::plonk::{ConstraintSystem, VirtualCells};
use halo2_proofs::poly::Rotation;
use zkassay_fixed::DataVisibility;

use super::{LaneColumns, ProgramColumns, ProgramShape};
use crate::columns::fixed;
use crate::expression::{Expr, constant};
use crate::hash::{self, Hash, Hashed};
use crate::poseidon::Sponge;
use crate::{Field, power_of_two};

impl ProgramShape {
    /// Whether anything is hashed.
    pub fn hashes(&self) -> bool {
        self.hashes_inputs() || self.hashes_outputs()
    }

    /// Bits of an output as it is hashed.
    pub fn output_bits(&self) -> u32 {
        self.total_bits() + 1
    }

    /// The hash of each lane's outputs.
    pub fn output_sponge(&self) -> Option<Sponge> {
        let sponge = Sponge::new(0, self.outputs as usize, self.output_bits());
        self.hashes_outputs().then(|| self.beside_shown(sponge))
    }

    /// The hash of each lane's inputs, in the rows after that of the outputs.
    pub fn input_sponge(&self) -> Option<Sponge> {
        let sponge = Sponge::new(0, self.inputs as usize, self.input_bits());
        self.hashes_inputs().then(|| match self.output_sponge() {
            Some(outputs) => Sponge {
                first_row: outputs.digest_row(),
                ..sponge
            },
            None => self.beside_shown(sponge),
        })
    }

    /// Rows that both halves and hashes need.
    pub fn needed_rows(&self) -> usize {
        let last = self.input_sponge().or(self.output_sponge());
        let hashes = last.map_or(0, |sponge| sponge.digest_row() + 1);
        hashes.max(self.used_rows as usize)
    }

    fn hashes_inputs(&self) -> bool {
        self.visibility.input == DataVisibility::Hashed
    }

    fn hashes_outputs(&self) -> bool {
        self.visibility.output == DataVisibility::Hashed
    }

    /// The sponge as far down as it has to be for its digest to be in no row of a public value.
    fn beside_shown(&self, sponge: Sponge) -> Sponge {
        let shown = self.shown_rows();
        let digest = sponge.digest_row();
        match shown.contains(&digest) {
            true => Sponge {
                first_row: sponge.first_row + (shown.end - digest),
                ..sponge
            },
            false => sponge,
        }
    }

    /// The rows from the first public value to the last, if inputs or outputs are hashed.
    fn shown_rows(&self) -> Range<usize> {
        let last = |count: u32| (count as usize).saturating_sub(1);
        if self.reveals_inputs() {
            self.input_row(0)..self.input_row(last(self.inputs)) + 1
        } else if self.reveals_outputs() {
            self.output_row(0)..self.output_row(last(self.outputs)) + 1
        } else {
            0..0
        }
    }
}

/// The columns of the hashes, if anything is hashed.
pub(super) fn allocate(
    meta: &mut ConstraintSystem<Field>,
    shape: &ProgramShape,
    lanes: &[LaneColumns],
) -> Option<Box<Hash>> {
    let hashed = || Hashed {
        digests: lanes.iter().map(|lane| lane.instance).collect(),
        input: shape.hashes_inputs(),
        output: shape.hashes_outputs(),
        // The boundary says which row is the first.
        origin: false,
    };
    let allocated = shape.hashes().then(|| Hash::allocate(meta, hashed()));
    allocated.map(Box::new)
}

pub(super) fn configure(
    meta: &mut ConstraintSystem<Field>,
    shape: &ProgramShape,
    columns: &ProgramColumns,
) {
    let Some(hash) = &columns.hash else { return };
    let shifted = |meta: &mut VirtualCells<'_, Field>, bits: u32| {
        columns.mixed(meta, |meta, lane| {
            meta.query_advice(lane.value, Rotation::cur()) + constant(power_of_two(bits - 1))
        })
    };
    let row = |meta: &mut VirtualCells<'_, Field>| hash::Packed {
        r: meta.query_challenge(columns.r),
        rho: columns
            .rho
            .map_or(constant(Field::zero()), |rho| meta.query_challenge(rho)),
        input: shifted(meta, shape.input_bits()),
        output: shifted(meta, shape.output_bits()),
    };
    let boundary = |meta: &mut VirtualCells<'_, Field>| fixed(meta, columns.boundary);
    let is_first = |meta: &mut VirtualCells<'_, Field>| -> Expr {
        boundary(meta) * (constant(Field::from(2)) - boundary(meta))
    };
    let is_last = |meta: &mut VirtualCells<'_, Field>| -> Expr {
        boundary(meta) * (boundary(meta) - constant(Field::one()))
    };
    let table = hash::Table {
        active: columns.active,
        row: &row,
        start: &is_first,
        end: &is_last,
    };
    hash::configure(meta, hash, &table);
}
