//! Poseidon hashes of inputs and outputs, of either kind of table.
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
//! hold the place of an integer in its element, `fold` is 1 where an element begins. (For outputs of
//! programs `pack_output` is the place of the value plus `2^bits`, not of limbs.)
//!
//! Inferences side by side have rounds of their own, and a digest each. Their sums are one: the message and the
//! packed integers in it are `sum_l rho^l` of those of lane `l`, for a random `rho` that is drawn with `r`.
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

use crate::Field;
use crate::columns::fixed;
use crate::expression::{Expr, constant, horner};
use crate::poseidon::{self, WIDTH};

/// Columns of the hashes.
#[derive(Clone, Debug)]
pub struct Hash {
    /// The rounds of each inference's hashes.
    pub lanes: Vec<Rounds>,
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
    /// Row 0; none where another column says so.
    pub origin: Option<Column<Fixed>>,
    /// Place of an input in its element.
    pub pack_input: Option<Column<Fixed>>,
    /// Place of an output, or of its limbs, in their element.
    pub pack_output: Option<Column<Fixed>>,
    /// Where elements begin.
    pub fold: Column<Fixed>,
}

/// The columns of one inference's hashes.
#[derive(Clone, Debug)]
pub struct Rounds {
    /// The state before each round.
    pub state: [Column<Advice>; WIDTH],
    /// Squares in the S-boxes.
    pub square: [Column<Advice>; WIDTH],
    /// Fourth powers in the S-boxes, or 1 where a word is left as it is.
    pub fourth: [Column<Advice>; WIDTH],
    /// The hashes, in the rows of the digests.
    pub digests: Column<Instance>,
}

/// What there is to allocate columns for.
pub(crate) struct Hashed {
    /// Where each inference's digests are shown.
    pub(crate) digests: Vec<Column<Instance>>,
    /// Whether inputs are hashed.
    pub(crate) input: bool,
    /// Whether outputs are.
    pub(crate) output: bool,
    /// Whether row 0 needs a column of its own.
    pub(crate) origin: bool,
}

/// What hashes need of the table that they are part of.
pub(crate) struct Table<'a> {
    /// Rows that gates use.
    pub(crate) active: Column<Fixed>,
    /// What the row holds that is packed.
    pub(crate) row: &'a dyn Fn(&mut VirtualCells<'_, Field>) -> Packed,
    /// Not zero in row 0, and zero in all others that gates use.
    pub(crate) start: &'a dyn Fn(&mut VirtualCells<'_, Field>) -> Expr,
    /// Not zero in the row after the last active one, and zero in all before it but the first.
    pub(crate) end: &'a dyn Fn(&mut VirtualCells<'_, Field>) -> Expr,
}

/// A row's integers as they are packed: shifted, so that they are not negative.
pub(crate) struct Packed {
    /// The challenge `r`.
    pub(crate) r: Expr,
    /// The challenge `rho`; anything if there is one inference.
    pub(crate) rho: Expr,
    /// The row's input of each inference, combined by `rho`.
    pub(crate) input: Expr,
    /// The row's output, or part of it, of each inference, combined by `rho`.
    pub(crate) output: Expr,
}

impl Hash {
    pub(crate) fn allocate(meta: &mut ConstraintSystem<Field>, hashed: Hashed) -> Self {
        let rounds = |digests| Rounds {
            state: array::from_fn(|_| meta.advice_column()),
            square: array::from_fn(|_| meta.advice_column()),
            fourth: array::from_fn(|_| meta.advice_column()),
            digests,
        };
        Self {
            lanes: hashed.digests.into_iter().map(rounds).collect(),
            packed: meta.advice_column_in(SecondPhase),
            absorbed: meta.advice_column_in(SecondPhase),
            full: meta.fixed_column(),
            partial: meta.fixed_column(),
            constants: array::from_fn(|_| meta.fixed_column()),
            absorb: array::from_fn(|_| meta.fixed_column()),
            tag: meta.fixed_column(),
            digest: meta.fixed_column(),
            origin: hashed.origin.then(|| meta.fixed_column()),
            pack_input: hashed.input.then(|| meta.fixed_column()),
            pack_output: hashed.output.then(|| meta.fixed_column()),
            fold: meta.fixed_column(),
        }
    }

    /// Phase-1 columns in the order of a witness: for each inference `state`, `square`, `fourth`.
    pub fn rounds(&self) -> impl Iterator<Item = Column<Advice>> {
        self.lanes.iter().flat_map(Rounds::columns)
    }
}

impl Rounds {
    /// `state`, `square`, `fourth`.
    pub fn columns(&self) -> impl Iterator<Item = Column<Advice>> + use<> {
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
    fn query(meta: &mut VirtualCells<'_, Field>, hash: &Hash, lane: &Rounds) -> Self {
        let mut advice =
            |columns: [Column<Advice>; WIDTH], at| columns.map(|c| meta.query_advice(c, at));
        let state = advice(lane.state, Rotation::cur());
        let next = advice(lane.state, Rotation::next());
        let square = advice(lane.square, Rotation::cur());
        let fourth = advice(lane.fourth, Rotation::cur());
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

/// Creates the gates.
pub(crate) fn configure(meta: &mut ConstraintSystem<Field>, hash: &Hash, table: &Table<'_>) {
    for lane in &hash.lanes {
        meta.create_gate("poseidon rounds", |meta| rounds(meta, hash, lane, table));
        meta.create_gate("poseidon state", |meta| states(meta, hash, lane, table));
    }
    meta.create_gate("hash message", |meta| message(meta, hash, table));
    meta.create_gate("hash ends", |meta| ends(meta, hash, table));
}

fn rounds(
    meta: &mut VirtualCells<'_, Field>,
    hash: &Hash,
    lane: &Rounds,
    table: &Table<'_>,
) -> Vec<(&'static str, Expr)> {
    let cells = Cells::query(meta, hash, lane);
    let active = fixed(meta, table.active);
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
}

fn states(
    meta: &mut VirtualCells<'_, Field>,
    hash: &Hash,
    lane: &Rounds,
    table: &Table<'_>,
) -> Vec<(&'static str, Expr)> {
    let cells = Cells::query(meta, hash, lane);
    let active = fixed(meta, table.active);
    let absorb = hash.absorb.map(|column| fixed(meta, column));
    let tag = fixed(meta, hash.tag);
    let digest = fixed(meta, hash.digest)
        * (cells.state[1].clone() - { meta.query_instance(lane.digests, Rotation::cur()) });
    let mut equations = vec![
        ("capacity", active.clone() * cells.step[0].clone() - tag),
        ("digest", digest),
    ];
    for (absorb, step) in absorb.into_iter().zip(&cells.step[1..]) {
        let chained = active.clone() - absorb;
        equations.push(("rate without absorption", chained * step.clone()));
    }
    equations
}

fn message(
    meta: &mut VirtualCells<'_, Field>,
    hash: &Hash,
    table: &Table<'_>,
) -> Vec<(&'static str, Expr)> {
    let row = (table.row)(meta);
    let lanes = hash.lanes.iter();
    let cells: Vec<Cells> = lanes.map(|lane| Cells::query(meta, hash, lane)).collect();
    // What is absorbed into a word, of all lanes.
    let absorbed_into =
        |word: usize| horner(&row.rho, cells.iter().map(|cells| cells.step[word].clone()));
    let r = row.r.clone();
    let (square, less) = (r.clone() * r.clone(), r.clone() - constant(Field::one()));
    let active = fixed(meta, table.active);
    let [first, second] = hash.absorb.map(|column| fixed(meta, column));
    let absorbed = meta.query_advice(hash.absorbed, Rotation::cur());
    let next_absorbed = meta.query_advice(hash.absorbed, Rotation::next());
    let factor =
        active.clone() + first.clone() * (square - r.clone()) + second.clone() * less.clone();
    let message = first * r * absorbed_into(1) + second * absorbed_into(2);

    let packed = meta.query_advice(hash.packed, Rotation::cur());
    let next_packed = meta.query_advice(hash.packed, Rotation::next());
    let fold = active.clone() + fixed(meta, hash.fold) * less;
    let mut integers = constant(Field::zero());
    for (pack, integer) in [(hash.pack_input, row.input), (hash.pack_output, row.output)] {
        if let Some(pack) = pack {
            integers = integers + fixed(meta, pack) * integer;
        }
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
}

fn ends(
    meta: &mut VirtualCells<'_, Field>,
    hash: &Hash,
    table: &Table<'_>,
) -> Vec<(&'static str, Expr)> {
    let lanes = hash.lanes.iter();
    let cells: Vec<Cells> = lanes.map(|lane| Cells::query(meta, hash, lane)).collect();
    let (start, end) = ((table.start)(meta), (table.end)(meta));
    let packed = meta.query_advice(hash.packed, Rotation::cur());
    let absorbed = meta.query_advice(hash.absorbed, Rotation::cur());
    let mut equations = vec![
        ("start: packed = 0", start.clone() * packed.clone()),
        ("start: absorbed = 0", start.clone() * absorbed.clone()),
        ("end: packed = absorbed", end * (packed - absorbed)),
    ];
    for state in cells.into_iter().flat_map(|cells| cells.state) {
        equations.push(("start: state = 0", start.clone() * state));
    }
    equations
}
