//! Every limb lies in `[0, 2^limb_bits)`.
//!
//! The limbs of all rows are a sub-multiset of the table `0..2^limb_bits` if and
//! only if there are multiplicities `m` with
//!
//! ```text
//! sum_rows ( sum_i 1 / (beta + limb_i) - m / (beta + table) ) = 0
//! ```
//!
//! for a random `beta` drawn after limbs and multiplicities are committed
//! (Haböck, *Multivariate lookups based on logarithmic derivatives*, ePrint
//! 2022/1530). A fraction is `numerator / denominator`; fractions are put into groups of
//! `degree - 2`. The first group goes straight into the running sum, every
//! other one has a helper column:
//!
//! ```text
//! active * (helper * prod_g denominator - sum_g numerator * other denominators) = 0
//! active * ((sum[next] - sum - helpers) * prod_0 denominator - sum_0 numerator * other denominators) = 0
//! ```
//!
//! and the [`boundary`](crate::boundary) gate makes `sum` zero at both ends. Rows beyond the
//! table repeat its entry 0. Cells that hold signed integers (secret weights) are looked up
//! with an offset.

use halo2_proofs::arithmetic::Field as _;
use halo2_proofs::halo2curves::group::ff::BatchInvert;
use halo2_proofs::plonk::{
    Advice, Challenge, Column, ConstraintSystem, Fixed, SecondPhase, VirtualCells,
};
use halo2_proofs::poly::Rotation;

use crate::columns::fixed;
use crate::expression::{Expr, constant};
use crate::{Field, Shape};

/// Columns of the range-check argument.
#[derive(Clone, Debug)]
pub struct LogUp {
    /// The integers `0..2^limb_bits`.
    pub table: Column<Fixed>,
    /// How often each is used, over all rows and limb columns.
    pub multiplicity: Column<Advice>,
    /// The running sum.
    pub sum: Column<Advice>,
    /// Sums of the fractions of one group each.
    pub helpers: Vec<Column<Advice>>,
    /// The challenge `beta`.
    pub challenge: Challenge,
    /// Fractions per group.
    group: usize,
}

impl LogUp {
    pub(crate) fn configure(
        meta: &mut ConstraintSystem<Field>,
        shape: &Shape,
        limbs: &[(Column<Advice>, Field)],
        multiplicity: Column<Advice>,
        challenge: Challenge,
        active: Column<Fixed>,
    ) -> Self {
        let group = shape.degree as usize - 2;
        let fractions = limbs.len() + 1;
        let helpers = fractions.div_ceil(group) - 1;
        let logup = Self {
            table: meta.fixed_column(),
            multiplicity,
            sum: meta.advice_column_in(SecondPhase),
            helpers: (0..helpers)
                .map(|_| meta.advice_column_in(SecondPhase))
                .collect(),
            challenge,
            group,
        };
        meta.create_gate("logup", |meta| logup.equations(meta, limbs, active));
        logup
    }

    fn equations(
        &self,
        meta: &mut VirtualCells<'_, Field>,
        limbs: &[(Column<Advice>, Field)],
        active: Column<Fixed>,
    ) -> Vec<(&'static str, Expr)> {
        let beta = meta.query_challenge(self.challenge);
        let active = fixed(meta, active);
        // (numerator, denominator) of every fraction, the table last.
        let mut fractions: Vec<(Expr, Expr)> = limbs
            .iter()
            .map(|(column, offset)| {
                let cell = meta.query_advice(*column, Rotation::cur());
                let shifted = match bool::from(offset.is_zero()) {
                    true => cell,
                    false => cell + constant(*offset),
                };
                (constant(Field::ONE), shifted + beta.clone())
            })
            .collect();
        let multiplicity = meta.query_advice(self.multiplicity, Rotation::cur());
        fractions.push((-multiplicity, fixed(meta, self.table) + beta));

        let helpers: Vec<Expr> = self
            .helpers
            .iter()
            .map(|column| meta.query_advice(*column, Rotation::cur()))
            .collect();
        let next = meta.query_advice(self.sum, Rotation::next());
        let sum = meta.query_advice(self.sum, Rotation::cur());
        let step = helpers
            .iter()
            .fold(next - sum, |step, helper| step - helper.clone());

        let names = ["running sum", "helper"];
        std::iter::once(step)
            .chain(helpers)
            .zip(fractions.chunks(self.group))
            .enumerate()
            .map(|(index, (total, group))| {
                let name = names[index.min(1)];
                (name, active.clone() * cleared(total, group))
            })
            .collect()
    }

    /// The phase-2 columns for the given limbs (one slice per column, offsets added) and
    /// multiplicities, rows `0..=rows`: first [`sum`](Self::sum), then [`helpers`](Self::helpers).
    ///
    /// Limbs need not lie in the table: a dishonest prover's columns are computed
    /// like an honest one's, and then do not satisfy the gates.
    pub fn assign(
        &self,
        limbs: &[&[Field]],
        multiplicity: &[Field],
        limb_bits: u32,
        rows: usize,
        beta: Field,
    ) -> Vec<Vec<Field>> {
        let fractions = limbs.len() + 1;
        let mut inverses = Vec::with_capacity(fractions * rows);
        for row in 0..rows {
            inverses.extend(limbs.iter().map(|limb| limb[row] + beta));
            let entry = table_entry(row, limb_bits);
            inverses.push(Field::from(entry) + beta);
        }
        inverses.iter_mut().batch_invert();

        let mut columns = vec![vec![Field::ZERO; rows + 1]; 1 + self.helpers.len()];
        let mut sum = Field::ZERO;
        for (row, inverses) in inverses.chunks_exact(fractions).enumerate() {
            columns[0][row] = sum;
            for (index, group) in inverses.chunks(self.group).enumerate() {
                let mut total = Field::ZERO;
                for (offset, inverse) in group.iter().enumerate() {
                    total += match index * self.group + offset == limbs.len() {
                        true => -multiplicity[row] * inverse,
                        false => *inverse,
                    };
                }
                if index > 0 {
                    columns[index][row] = total;
                }
                sum += total;
            }
        }
        columns[0][rows] = sum;
        columns
    }
}

/// The table's entry in `row`.
pub fn table_entry(row: usize, limb_bits: u32) -> u64 {
    let row = row as u64;
    if row < 1 << limb_bits { row } else { 0 }
}

/// `total = sum of fractions` with denominators cleared, as `0 = ...`.
pub(crate) fn cleared(total: Expr, fractions: &[(Expr, Expr)]) -> Expr {
    let product_without = |skipped: usize| {
        fractions
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != skipped)
            .map(|(_, (_, denominator))| denominator.clone())
            .reduce(|product, denominator| product * denominator)
    };
    let all = product_without(usize::MAX).unwrap_or_else(|| constant(Field::ONE));
    fractions
        .iter()
        .enumerate()
        .fold(total * all, |left, (index, (numerator, _))| {
            left - match product_without(index) {
                Some(others) => numerator.clone() * others,
                None => numerator.clone(),
            }
        })
}
