//! Poseidon hashes of inputs and outputs.
//!
//! One row per round ([`poseidon`] has the permutation and the packing),
//! beside the model's values and independent of them. With `w_j = state_j + rc_j`:
//!
//! ```text
//! active * square_0 = (full + partial) w_0^2         active * square_j = full w_j^2
//! active * fourth_0 = (full + partial) square_0^2    active * fourth_j = partial + full square_j^2
//! out_i = sum_j mds_ij fourth_j w_j                  w^5, or w where a partial round leaves the word
//! active * (state_0[next] - out_0) = tag
//! (active - absorb_i) * (state_i[next] - out_i) = 0                      i = 1, 2
//! digest * (state_1 - instance) = 0
//! ```
//!
//! In rows without a round `fourth`, and so `out`, is zero. What a permutation absorbs has no
//! cells: it is `m_i = state_i[next] - out_i` where `absorb_i` is 1. That these are the packed
//! values is one identity in the challenge `r`, which is drawn after both are committed:
//!
//! ```text
//! active * absorbed[next] = (active + absorb_1 (r^2 - r) + absorb_2 (r - 1)) absorbed
//!                         + absorb_1 r m_1 + absorb_2 m_2
//! active * packed[next] = (active + fold (r - 1)) packed
//!                       + pack_input (value + 2^(bits-1)) + pack_output limbs
//! origin * packed = origin * absorbed = origin * state_i = 0             in row 0
//! packed = absorbed                                                      at both ends
//! ```
//!
//! Two different sequences of `n` elements pass for at most `n - 1` of the `r`. `pack` columns
//! hold the place of an integer in its element, `fold` is 1 where an element begins.
//!
//! | row | state | rounds | absorb | tag | digest |
//! |---|---|---|---|---|---|
//! | before a sponge | 0, or the state before | | 1, 1 (0, 1 for an odd number of elements) | `2^64 n + b` | |
//! | round | its input | full or partial | 1, 1 after all but the last permutation | 0 | |
//! | digest | the last output | | | | 1 |

use std::array;

use halo2_proofs::plonk::{
    Advice, Column, ConstraintSystem, Fixed, Instance, SecondPhase, VirtualCells,
};
use halo2_proofs::poly::Rotation;

use crate::columns::{Columns, fixed};
use crate::expression::{Expr, constant};
use crate::poseidon::{self, WIDTH};
use crate::{Field, Shape, power_of_two};

/// Columns of the hashes.
#[derive(Clone, Debug)]
pub struct Hash {
    /// The state before each round.
    pub state: [Column<Advice>; WIDTH],
    /// Squares in the S-boxes.
    pub square: [Column<Advice>; WIDTH],
    /// Fourth powers in the S-boxes, or 1 where a word is left as it is.
    pub fourth: [Column<Advice>; WIDTH],
    /// Horner sum of the packed values.
    pub packed: Column<Advice>,
    /// Horner sum of what was absorbed.
    pub absorbed: Column<Advice>,
    /// Rows of full rounds.
    pub full: Column<Fixed>,
    /// Rows of partial rounds.
    pub partial: Column<Fixed>,
    /// Round constants.
    pub constants: [Column<Fixed>; WIDTH],
    /// Which words are absorbed into after this row.
    pub absorb: [Column<Fixed>; WIDTH - 1],
    /// What the capacity starts with.
    pub tag: Column<Fixed>,
    /// Rows of digests.
    pub digest: Column<Fixed>,
    /// Row 0.
    pub origin: Column<Fixed>,
    /// Place of an input in its element.
    pub pack_input: Option<Column<Fixed>>,
    /// Place of an output's limbs in their element.
    pub pack_output: Option<Column<Fixed>>,
    /// Where elements begin.
    pub fold: Column<Fixed>,
    /// The hashes, in the rows of the digests.
    pub digests: Column<Instance>,
}

impl Hash {
    pub(crate) fn allocate(meta: &mut ConstraintSystem<Field>, shape: &Shape) -> Self {
        Self {
            state: array::from_fn(|_| meta.advice_column()),
            square: array::from_fn(|_| meta.advice_column()),
            fourth: array::from_fn(|_| meta.advice_column()),
            packed: meta.advice_column_in(SecondPhase),
            absorbed: meta.advice_column_in(SecondPhase),
            full: meta.fixed_column(),
            partial: meta.fixed_column(),
            constants: array::from_fn(|_| meta.fixed_column()),
            absorb: array::from_fn(|_| meta.fixed_column()),
            tag: meta.fixed_column(),
            digest: meta.fixed_column(),
            origin: meta.fixed_column(),
            pack_input: shape.input_sponge().map(|_| meta.fixed_column()),
            pack_output: shape.output_sponge().map(|_| meta.fixed_column()),
            fold: meta.fixed_column(),
            digests: meta.instance_column(),
        }
    }

    /// Phase-1 columns in the order of a witness: `state`, `square`, `fourth`.
    pub fn rounds(&self) -> impl Iterator<Item = Column<Advice>> {
        [self.state, self.square, self.fourth].into_iter().flatten()
    }
}

/// The cells of a row that several equations share.
struct Cells {
    state: [Expr; WIDTH],
    square: [Expr; WIDTH],
    fourth: [Expr; WIDTH],
    /// State and round constants.
    word: [Expr; WIDTH],
    /// State of the next row less what this row's round gives: what is absorbed.
    step: [Expr; WIDTH],
}

impl Cells {
    fn query(meta: &mut VirtualCells<'_, Field>, hash: &Hash) -> Self {
        let mut advice =
            |columns: [Column<Advice>; WIDTH], at| columns.map(|c| meta.query_advice(c, at));
        let state = advice(hash.state, Rotation::cur());
        let next = advice(hash.state, Rotation::next());
        let square = advice(hash.square, Rotation::cur());
        let fourth = advice(hash.fourth, Rotation::cur());
        let constants = hash.constants.map(|c| fixed(meta, c));
        let word: [Expr; WIDTH] = array::from_fn(|j| state[j].clone() + constants[j].clone());
        let out: [Expr; WIDTH] = array::from_fn(|i| {
            let row = poseidon::constants().mds[i];
            (0..WIDTH)
                .map(|j| fourth[j].clone() * word[j].clone() * row[j])
                .fold(constant(Field::zero()), |sum, term| sum + term)
        });
        let step = array::from_fn(|i| next[i].clone() - out[i].clone());
        Self {
            state,
            square,
            fourth,
            word,
            step,
        }
    }
}

pub(crate) fn configure(meta: &mut ConstraintSystem<Field>, shape: &Shape, columns: &Columns) {
    let Some(hash) = &columns.hash else {
        return;
    };
    meta.create_gate("poseidon rounds", |meta| {
        let cells = Cells::query(meta, hash);
        let active = fixed(meta, columns.active);
        let (full, partial) = (fixed(meta, hash.full), fixed(meta, hash.partial));
        let mut equations = Vec::new();
        for j in 0..WIDTH {
            let [word, square, fourth] =
                [&cells.word[j], &cells.square[j], &cells.fourth[j]].map(Expr::clone);
            let (boxed, left) = match j {
                0 => (full.clone() + partial.clone(), constant(Field::zero())),
                _ => (full.clone(), partial.clone()),
            };
            equations.push((
                "square of the S-box",
                active.clone() * square.clone() - boxed.clone() * word.clone() * word,
            ));
            equations.push((
                "fourth power of the S-box",
                active.clone() * fourth - left - boxed * square.clone() * square,
            ));
        }
        equations
    });
    meta.create_gate("poseidon state", |meta| {
        let cells = Cells::query(meta, hash);
        let active = fixed(meta, columns.active);
        let absorb = hash.absorb.map(|column| fixed(meta, column));
        let tag = fixed(meta, hash.tag);
        let digest = fixed(meta, hash.digest)
            * (cells.state[1].clone() - { meta.query_instance(hash.digests, Rotation::cur()) });
        let mut equations = vec![
            ("capacity", active.clone() * cells.step[0].clone() - tag),
            ("digest", digest),
        ];
        for (absorb, step) in absorb.into_iter().zip(&cells.step[1..]) {
            let chained = active.clone() - absorb;
            equations.push(("rate without absorption", chained * step.clone()));
        }
        equations
    });
    meta.create_gate("hash message", |meta| {
        let row = columns.row(meta, shape);
        let cells = Cells::query(meta, hash);
        let r = row.r.clone();
        let (square, less) = (r.clone() * r.clone(), r.clone() - constant(Field::one()));
        let active = fixed(meta, columns.active);
        let [first, second] = hash.absorb.map(|column| fixed(meta, column));
        let absorbed = meta.query_advice(hash.absorbed, Rotation::cur());
        let next_absorbed = meta.query_advice(hash.absorbed, Rotation::next());
        let factor =
            active.clone() + first.clone() * (square - r.clone()) + second.clone() * less.clone();
        let message = first * r * cells.step[1].clone() + second * cells.step[2].clone();

        let packed = meta.query_advice(hash.packed, Rotation::cur());
        let next_packed = meta.query_advice(hash.packed, Rotation::next());
        let fold = active.clone() + fixed(meta, hash.fold) * less;
        let mut integers = constant(Field::zero());
        if let Some(pack) = hash.pack_input {
            let half = constant(power_of_two(shape.input_bits() - 1));
            integers = integers + fixed(meta, pack) * (row.value + half);
        }
        if let Some(pack) = hash.pack_output {
            integers = integers + fixed(meta, pack) * row.limb_sum;
        }
        vec![
            (
                "absorbed[next] = absorbed, and the message",
                active.clone() * next_absorbed - factor * absorbed - message,
            ),
            (
                "packed[next] = packed, and the values",
                active * next_packed - fold * packed - integers,
            ),
        ]
    });
    meta.create_gate("hash ends", |meta| {
        let cells = Cells::query(meta, hash);
        let origin = fixed(meta, hash.origin);
        let boundary = fixed(meta, columns.boundary);
        let is_end = boundary.clone() * (constant(Field::from(2)) - boundary);
        let packed = meta.query_advice(hash.packed, Rotation::cur());
        let absorbed = meta.query_advice(hash.absorbed, Rotation::cur());
        let mut equations = vec![
            ("start: packed = 0", origin.clone() * packed.clone()),
            ("start: absorbed = 0", origin.clone() * absorbed.clone()),
            ("end: packed = absorbed", is_end * (packed - absorbed)),
        ];
        for state in cells.state {
            equations.push(("start: state = 0", origin.clone() * state));
        }
        equations
    });
}
