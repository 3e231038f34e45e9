//! The lookups of a program: one running sum of fractions.
//!
//! As in [`logup`](crate::logup), a multiset is contained in another if a sum of fractions vanishes
//! for a random `beta`. Three such arguments share one sum, apart from each other by powers of a
//! second random number `gamma`:
//!
//! | argument | fractions |
//! |---|---|
//! | limbs | `1 / (beta + limb)` for each limb, but those of `wide` rows, `-multiplicity / (beta + range table)` |
//! | bus | `send / (beta + gamma value_id + gamma^2 value)`, `-receive / (beta + gamma operand_id + gamma^2 operand)` |
//! | functions | `table / (beta + gamma^3 + gamma^4 segment + gamma^5 c0 + gamma^6 c1)`, less the same of the table with a multiplicity |
//!
//! Lanes and nodes of [trees](super::forest) have numbers of wires of their own.
//! `send`, `receive` and the numbers of wires are fixed, and each number is sent by one row only: so
//! every operand is the value that was produced. The numbers of wires start from one, and functions have
//! a constant of their own, so that no fraction of one argument can stand for one of another.

use halo2_proofs::arithmetic::Field as _;
use halo2_proofs::halo2curves::group::ff::BatchInvert as _;
use halo2_proofs::plonk::{
    Advice, Challenge, Column, ConstraintSystem, Fixed, SecondPhase, VirtualCells,
};
use halo2_proofs::poly::Rotation;

use super::columns::KindColumns;
use super::{ProgramColumns, ProgramShape};
use crate::columns::fixed;
use crate::expression::{Expr, constant, power, total};
use crate::logup::cleared;
use crate::{Field, power_of_two};

/// Bits between the numbers of two lanes' wires: beyond any row, and any number of what is not
/// in a row.
const LANE_BITS: u32 = 33;

/// Columns of the lookups.
#[derive(Clone, Debug)]
pub struct Lookups {
    /// The integers `0..2^limb_bits`.
    pub range: Column<Fixed>,
    /// How often each is used, over all rows and limb columns.
    pub multiplicity: Column<Advice>,
    /// The running sum.
    pub sum: Column<Advice>,
    /// Sums of the fractions of one group each.
    pub helpers: Vec<Column<Advice>>,
    /// The challenge `beta`.
    pub beta: Challenge,
    /// The challenge `gamma`.
    pub gamma: Challenge,
    /// Fractions per group.
    group: usize,
}

impl Lookups {
    pub(super) fn allocate(
        meta: &mut ConstraintSystem<Field>,
        shape: &ProgramShape,
        multiplicity: Column<Advice>,
        beta: Challenge,
        gamma: Challenge,
    ) -> Self {
        let group = shape.degree as usize - 2;
        let helpers = fractions(shape).div_ceil(group) - 1;
        Self {
            range: meta.fixed_column(),
            multiplicity,
            sum: meta.advice_column_in(SecondPhase),
            helpers: (0..helpers)
                .map(|_| meta.advice_column_in(SecondPhase))
                .collect(),
            beta,
            gamma,
            group,
        }
    }

    pub(super) fn configure(&self, meta: &mut ConstraintSystem<Field>, columns: &ProgramColumns) {
        meta.create_gate("lookups", |meta| self.equations(meta, columns));
        meta.create_gate("ends of lookups", |meta| {
            let boundary = fixed(meta, columns.boundary);
            let sum = meta.query_advice(self.sum, Rotation::cur());
            vec![("sum = 0", boundary * sum)]
        });
    }

    fn equations(
        &self,
        meta: &mut VirtualCells<'_, Field>,
        columns: &ProgramColumns,
    ) -> Vec<(&'static str, Expr)> {
        let beta = meta.query_challenge(self.beta);
        let gamma = meta.query_challenge(self.gamma);
        let active = fixed(meta, columns.active);
        let square = power(&gamma, 2);
        let one = || constant(Field::ONE);
        let powers = [3, 4, 5, 6].map(|exponent| power(&gamma, exponent));
        let entry = |[segment, c0, c1]: [Expr; 3]| {
            let [third, fourth, fifth, sixth] = powers.clone();
            third + segment * fourth + c0 * fifth + c1 * sixth + beta.clone()
        };
        // The cells of wide rows are no limbs.
        let is_limb = one() - KindColumns::selector(meta, columns.kinds.wide);
        let mut fractions: Vec<(Expr, Expr)> = Vec::new();
        for (index, lane) in columns.lanes.iter().enumerate() {
            for column in &lane.limbs {
                let limb = meta.query_advice(*column, Rotation::cur());
                fractions.push((is_limb.clone(), limb + beta.clone()));
            }
            for (count, sign, id, cell) in [
                (columns.send, one(), columns.value_id, lane.value),
                (columns.receive, -one(), columns.operand_id, lane.operand),
            ] {
                let cell = meta.query_advice(cell, Rotation::cur());
                let id = match index {
                    0 => fixed(meta, id),
                    _ => fixed(meta, id) + constant(first_id(index)),
                };
                let denominator = id * gamma.clone() + cell * square.clone() + beta.clone();
                fractions.push((fixed(meta, count) * sign, denominator));
            }
            if let (Some(segment), Some(table)) = (lane.segment, columns.kinds.table) {
                let used = segment.map(|column| meta.query_advice(column, Rotation::cur()));
                fractions.push((fixed(meta, table), entry(used)));
            }
        }
        let multiplicity = meta.query_advice(self.multiplicity, Rotation::cur());
        fractions.push((-multiplicity, fixed(meta, self.range) + beta.clone()));
        if let Some(function) = &columns.function {
            let multiplicity = meta.query_advice(function.multiplicity, Rotation::cur());
            let known = function.table.map(|column| fixed(meta, column));
            fractions.push((-multiplicity, entry(known)));
        }

        let helpers: Vec<Expr> = self
            .helpers
            .iter()
            .map(|column| meta.query_advice(*column, Rotation::cur()))
            .collect();
        let next = meta.query_advice(self.sum, Rotation::next());
        let sum = meta.query_advice(self.sum, Rotation::cur());
        let flows = columns.lanes.iter().flat_map(|lane| &lane.flows);
        let flows: Vec<Expr> = flows
            .map(|column| meta.query_advice(*column, Rotation::cur()))
            .collect();
        let parts = helpers.iter().chain(&flows).cloned().collect();
        let step = next - sum - total(parts);
        std::iter::once(step)
            .chain(helpers)
            .zip(fractions.chunks(self.group))
            .enumerate()
            .map(|(index, (sum, group))| {
                let name = ["running sum", "helper"][index.min(1)];
                (name, active.clone() * cleared(sum, group))
            })
            .collect()
    }

    /// The phase-2 columns for the fractions of rows `0..rows`, each row's in the order of
    /// the gates, `per_row` of them: first [`sum`](Self::sum), then [`helpers`](Self::helpers).
    /// `flows` is what the nodes of trees add in each row; empty without trees.
    ///
    /// Nothing has to be true of the fractions: a dishonest prover's columns are computed
    /// like an honest one's, and then do not satisfy the gates.
    pub fn assign(
        &self,
        numerators: &[Field],
        mut denominators: Vec<Field>,
        per_row: usize,
        flows: &[Field],
    ) -> Vec<Vec<Field>> {
        denominators.iter_mut().batch_invert();
        let rows = numerators.len() / per_row.max(1);
        let mut columns = vec![vec![Field::ZERO; rows + 1]; 1 + self.helpers.len()];
        let mut sum = Field::ZERO;
        let fractions = numerators.chunks(per_row).zip(denominators.chunks(per_row));
        for (row, (numerators, inverses)) in fractions.enumerate() {
            columns[0][row] = sum;
            let groups = numerators
                .chunks(self.group)
                .zip(inverses.chunks(self.group));
            for (index, (numerators, inverses)) in groups.enumerate() {
                let products = numerators
                    .iter()
                    .zip(inverses)
                    .filter(|(n, _)| !bool::from(n.is_zero()));
                let total = products.fold(Field::ZERO, |total, (n, inverse)| total + n * inverse);
                if index > 0 {
                    columns[index][row] = total;
                }
                sum += total;
            }
            sum += flows.get(row).copied().unwrap_or(Field::ZERO);
        }
        columns[0][rows] = sum;
        columns
    }
}

/// Fractions of a row.
pub fn fractions(shape: &ProgramShape) -> usize {
    let functions = usize::from(shape.kinds.table);
    let of_lane = shape.limbs as usize + 2 + functions;
    shape.lanes as usize * of_lane + 1 + functions
}

/// What is added to the numbers of a lane's wires: lanes have a bus each.
pub fn first_id(lane: usize) -> Field {
    Field::from(lane as u64) * power_of_two(LANE_BITS)
}
