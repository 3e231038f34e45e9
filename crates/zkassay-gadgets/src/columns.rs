//! The columns of a proof table, and the constraint system over them.

use halo2_proofs::plonk::{
    Advice, Challenge, Column, ConstraintSystem, Expression, FirstPhase, Fixed, Instance,
    SecondPhase, VirtualCells,
};
use halo2_proofs::poly::Rotation;

use crate::expression::{Expr, constant, recompose};
use crate::hash::{self, Hash, Hashed};
use crate::logup::LogUp;
use crate::{Field, Shape, boundary, dense, power_of_two, range, relu};

/// Every column and challenge of a proof table.
///
/// | column | kind | what it holds in its row |
/// |---|---|---|
/// | `value` | advice | the input or hidden value; in a model with neither hidden layers nor secret weights the limbs are the value |
/// | `limbs` | advice | limbs of an input, of a rescale, or of an output's distance to its interval's end |
/// | `dot` | advice, phase 2 | sum from the layer's end up to here of `value * u` |
/// | `combination` | advice, phase 2 | Horner sum of the layer's outputs above this row |
/// | `weights` | fixed, or advice if they are secret | the weights of this row's value, one block of outputs |
/// | `blocks` | fixed | which block of outputs; only if a layer is wider than a block, or the weights are secret |
/// | `active` | fixed | 1 in rows that gates use |
/// | `carry` | fixed | 1 if `dot` continues in the next row |
/// | `keep`, `fold` | fixed | factor of `combination`: `keep + fold * r` |
/// | `hidden`, `input`, `repeat` | fixed | what kind of value the row holds |
/// | `limb_weight` | fixed | factor of the recomposed limbs in an output's row |
/// | `bias` | fixed | bias of the output that the row holds, and constants of its gate |
/// | `constant` | fixed | the value of rows whose secret weights are a bias |
/// | `boundary` | fixed | 1: running sums are zero; 2: `dot` and `combination` meet |
/// | `instance` | instance | ends of the outputs' intervals |
/// | `public_inputs` | instance | the inputs, in their rows |
/// | `hash` | | see [`hash`] |
#[derive(Clone, Debug)]
pub struct Columns {
    /// Input and hidden values.
    pub value: Option<Column<Advice>>,
    /// Limbs, least significant first.
    pub limbs: Vec<Column<Advice>>,
    /// Running sum of products.
    pub dot: Column<Advice>,
    /// Horner sum of outputs.
    pub combination: Column<Advice>,
    /// The range-check argument.
    pub logup: LogUp,
    /// Weights that the key fixes; none if they are secret.
    pub weights: Vec<Column<Fixed>>,
    /// Weights that are the prover's secret.
    pub secret_weights: Vec<Column<Advice>>,
    /// Selectors of blocks of outputs.
    pub blocks: Vec<Column<Fixed>>,
    /// Rows that gates use.
    pub active: Column<Fixed>,
    /// Whether `dot` continues.
    pub carry: Column<Fixed>,
    /// Whether `combination` continues unchanged.
    pub keep: Column<Fixed>,
    /// Whether `combination` continues multiplied by `r`.
    pub fold: Option<Column<Fixed>>,
    /// Rows of hidden values.
    pub hidden: Option<Column<Fixed>>,
    /// Rows of inputs.
    pub input: Option<Column<Fixed>>,
    /// Rows that repeat the value above for another block.
    pub repeat: Option<Column<Fixed>>,
    /// Weight of the limbs in rows of outputs.
    pub limb_weight: Column<Fixed>,
    /// Biases and constants.
    pub bias: Column<Fixed>,
    /// Values of rows whose secret weights are a bias.
    pub constant: Option<Column<Fixed>>,
    /// Boundary conditions.
    pub boundary: Column<Fixed>,
    /// Ends of the outputs' intervals.
    pub instance: Column<Instance>,
    /// The inputs, if they are public.
    pub public_inputs: Option<Column<Instance>>,
    /// Hashes of inputs and outputs.
    pub hash: Option<Hash>,
    /// The challenge `r`, if anything is folded.
    pub fold_challenge: Option<Challenge>,
}

/// A row's cells as expressions.
pub(crate) struct Row {
    pub(crate) value: Expr,
    pub(crate) limbs: Vec<Expr>,
    /// All limbs recomposed.
    pub(crate) limb_sum: Expr,
    /// The challenge `r`; 0 if there is none.
    pub(crate) r: Expr,
}

impl Columns {
    /// Allocates the columns and creates every gate.
    pub fn configure(meta: &mut ConstraintSystem<Field>, shape: &Shape) -> Self {
        let has_values = shape.has_values();
        let value = has_values.then(|| meta.advice_column());
        let limbs: Vec<_> = (0..shape.limbs()).map(|_| meta.advice_column()).collect();
        let multiplicity = meta.advice_column();
        let secrets = if shape.unbound() {
            shape.block_width
        } else {
            0
        };
        let secret_weights: Vec<_> = (0..secrets).map(|_| meta.advice_column()).collect();
        let hash = shape.hashes().then(|| {
            let hashed = Hashed {
                digests: vec![meta.instance_column()],
                input: shape.input_sponge().is_some(),
                output: shape.output_sponge().is_some(),
                origin: true,
            };
            Hash::allocate(meta, hashed)
        });
        let folds = shape.folds() || shape.block_width > 1 || shape.hashes();
        let fold_challenge = folds.then(|| meta.challenge_usable_after(FirstPhase));
        let lookup_challenge = meta.challenge_usable_after(FirstPhase);
        let dot = meta.advice_column_in(SecondPhase);
        let combination = meta.advice_column_in(SecondPhase);
        let weights = (secrets..shape.block_width)
            .map(|_| meta.fixed_column())
            .collect();
        let blocks = match shape.blocks {
            1 if !shape.unbound() => vec![],
            several => (0..several).map(|_| meta.fixed_column()).collect(),
        };
        let active = meta.fixed_column();
        let boundary = meta.fixed_column();
        let half = power_of_two(shape.limb_bits - 1);
        let checked: Vec<_> = limbs
            .iter()
            .map(|column| (*column, Field::zero()))
            .chain(secret_weights.iter().map(|column| (*column, half)))
            .collect();
        let logup = LogUp::configure(
            meta,
            shape,
            &checked,
            multiplicity,
            lookup_challenge,
            active,
        );
        let columns = Self {
            value,
            limbs,
            dot,
            combination,
            logup,
            weights,
            secret_weights,
            blocks,
            active,
            carry: meta.fixed_column(),
            keep: meta.fixed_column(),
            fold: shape.folds().then(|| meta.fixed_column()),
            hidden: has_values.then(|| meta.fixed_column()),
            input: (has_values || shape.reveals_inputs()).then(|| meta.fixed_column()),
            repeat: (shape.blocks > 1).then(|| meta.fixed_column()),
            limb_weight: meta.fixed_column(),
            bias: meta.fixed_column(),
            constant: shape.unbound().then(|| meta.fixed_column()),
            boundary,
            instance: meta.instance_column(),
            public_inputs: shape.reveals_inputs().then(|| meta.instance_column()),
            hash,
            fold_challenge,
        };
        dense::configure(meta, shape, &columns);
        relu::configure(meta, shape, &columns);
        range::configure(meta, shape, &columns);
        boundary::configure(meta, &columns);
        columns.configure_hash(meta, shape);
        columns
    }

    fn configure_hash(&self, meta: &mut ConstraintSystem<Field>, shape: &Shape) {
        let Some(hash) = &self.hash else { return };
        let row = |meta: &mut VirtualCells<'_, Field>| {
            let row = self.row(meta, shape);
            hash::Packed {
                r: row.r,
                rho: constant(Field::zero()),
                input: row.value + constant(power_of_two(shape.input_bits() - 1)),
                output: row.limb_sum,
            }
        };
        let origin = |meta: &mut VirtualCells<'_, Field>| match hash.origin {
            Some(origin) => fixed(meta, origin),
            None => constant(Field::zero()),
        };
        let is_end = |meta: &mut VirtualCells<'_, Field>| {
            let boundary = fixed(meta, self.boundary);
            boundary.clone() * (constant(Field::from(2)) - boundary)
        };
        let table = hash::Table {
            active: self.active,
            row: &row,
            start: &origin,
            end: &is_end,
        };
        hash::configure(meta, hash, &table);
    }

    /// The cells of the current row that several gates share.
    pub(crate) fn row(&self, meta: &mut VirtualCells<'_, Field>, shape: &Shape) -> Row {
        let limbs: Vec<Expr> = self
            .limbs
            .iter()
            .map(|column| meta.query_advice(*column, Rotation::cur()))
            .collect();
        let limb_sum = recompose(&limbs, shape.limb_bits);
        let value = match self.value {
            Some(column) => meta.query_advice(column, Rotation::cur()),
            None => range::signed(&limbs, shape),
        };
        let r = match self.fold_challenge {
            Some(challenge) => meta.query_challenge(challenge),
            None => constant(Field::zero()),
        };
        Row {
            value,
            limbs,
            limb_sum,
            r,
        }
    }
}

/// The fixed column's cell in the current row.
pub(crate) fn fixed(meta: &mut VirtualCells<'_, Field>, column: Column<Fixed>) -> Expr {
    meta.query_fixed(column, Rotation::cur())
}

/// What one rescale's limbs stand for: `(remainder, magnitude)`.
pub(crate) fn rescale_parts(row: &Row, shape: &Shape) -> (Expr, Expr) {
    let split = shape.remainder_limbs as usize;
    let limbs = &row.limbs[..split + shape.magnitude_limbs as usize];
    (
        recompose(&limbs[..split], shape.limb_bits),
        recompose(&limbs[split..], shape.limb_bits),
    )
}

/// The accumulator that a hidden row's rescale stands for, less a constant:
/// `2^shift (2 value - magnitude) + remainder` (see [`relu`]).
pub(crate) fn accumulator(row: &Row, shape: &Shape) -> Expr {
    let (remainder, magnitude) = rescale_parts(row, shape);
    let doubled: Expression<Field> = row.value.clone() * Field::from(2);
    (doubled - magnitude) * power_of_two(shape.shift()) + remainder
}

#[cfg(test)]
mod tests {
    use zkassay_fixed::Visibility;

    use super::*;

    /// Shapes of every kind: with and without hidden layers, one and several blocks and
    /// outputs, every visibility.
    fn shapes() -> Vec<Shape> {
        let mut shapes = Vec::new();
        for (remainder_limbs, magnitude_limbs) in [(0, 0), (1, 1), (2, 3)] {
            for (block_width, blocks) in [(1, 1), (1, 3), (5, 1), (16, 2)] {
                for (outputs, degree) in [(1, 3), (1, 5), (4, 3), (4, 5)] {
                    for visibility in Visibility::all() {
                        shapes.push(Shape {
                            logrows: 8,
                            limb_bits: 7,
                            input_limbs: 2,
                            remainder_limbs,
                            magnitude_limbs,
                            block_width,
                            blocks,
                            outputs,
                            output_rows: 2,
                            degree,
                            inputs: 3,
                            first_input: 30,
                            input_stride: blocks,
                            visibility,
                        });
                    }
                }
            }
        }
        shapes.retain(|shape| shape.validate().is_ok());
        assert!(shapes.len() > 500, "{}", shapes.len());
        shapes
    }

    #[test]
    fn challenges_come_after_what_they_test() {
        for shape in shapes() {
            let mut system = ConstraintSystem::default();
            let columns = Columns::configure(&mut system, &shape);
            let phases = system.advice_column_phase();
            let phase = |column: Column<Advice>| phases[column.index()];
            let rounds: Vec<_> = columns.hash.iter().flat_map(Hash::rounds).collect();
            let committed = columns.limbs.iter().chain(&columns.value).chain(&rounds);
            let committed = committed.chain(&columns.secret_weights);
            for column in committed.chain([&columns.logup.multiplicity]) {
                assert_eq!(phase(*column), 0, "{shape:?}");
            }
            let hashes = columns
                .hash
                .iter()
                .flat_map(|hash| [hash.packed, hash.absorbed]);
            let mut sums = vec![columns.dot, columns.combination, columns.logup.sum];
            sums.extend(hashes);
            for column in sums.iter().chain(&columns.logup.helpers) {
                assert_eq!(phase(*column), 1, "{shape:?}");
            }
            assert!(system.challenge_phase().iter().all(|phase| *phase == 0));
        }
    }

    #[test]
    fn shapes_promise_the_degree_and_rows_that_halo2_finds() {
        for shape in shapes() {
            let mut system = ConstraintSystem::<Field>::default();
            Columns::configure(&mut system, &shape);
            let gates = system.gates().iter().flat_map(|gate| gate.polynomials());
            let degree = gates.map(|gate| gate.degree()).max().unwrap();
            assert!(degree <= shape.degree as usize, "{degree}: {shape:?}");
            assert_eq!(
                shape.rows() - (system.blinding_factors() + 1),
                shape.last_row() + 1
            );
        }
    }

    #[test]
    fn no_cell_is_opened_twice_at_one_point() {
        // The same query twice would confuse the multi-open argument.
        for shape in shapes() {
            let mut system = ConstraintSystem::<Field>::default();
            Columns::configure(&mut system, &shape);
            let advice = system.advice_queries();
            let fixed = system.fixed_queries();
            assert!((1..advice.len()).all(|i| !advice[..i].contains(&advice[i])));
            assert!((1..fixed.len()).all(|i| !fixed[..i].contains(&fixed[i])));
        }
    }
}
