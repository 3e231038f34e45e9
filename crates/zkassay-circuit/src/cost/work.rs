//! How much there is to compute, and to keep in memory.
//!
//! With `n` rows, `A` advice, `F` fixed and `I` instance columns and gates evaluated on `c`
//! cosets, the prover (`zkassay_prover::prove`) has
//!
//! ```text
//! commitments     A columns, a blinding polynomial, the quotient's pieces, two openings
//! transforms      A + I + 1 to coefficients, c (A + I + 1) to cosets, the quotient back, commitments by coefficients
//! gates           n c A
//! openings        n (A + F): evaluated, combined; weights once more, for this proof's challenges
//! ```
//!
//! Limbs and other small integers take a fraction of a commitment (`zkassay_prover::msm`), and rows without
//! a value nothing. Larger tables than 2^13 rows have no precomputed bases.

use zkassay_gadgets::Shape;
use zkassay_gadgets::poseidon::{self, Sponge};
use zkassay_gadgets::program::ProgramShape;

use super::Dimensions;

/// log2 of the rows up to which the prover has precomputed bases.
const LARGEST_PRECOMPUTED: u32 = 15;
/// Bits of a scalar.
const SCALAR_BITS: usize = 254;
/// Rows of an advice column that are random.
const BLINDING_ROWS: usize = 6;

/// Multiplications for a butterfly of a Fourier transform.
const BUTTERFLY: f64 = 1.4;
/// Multiplications per cell of a transform beside its butterflies.
const TRANSFORMED_CELL: f64 = 2.0;
/// Multiplications per advice cell and coset: gates, and the witness.
const GATE_CELL: f64 = 21.0;
/// Multiplications per cell that is opened: evaluated, and combined with others.
const OPENED_CELL: f64 = 4.5;
/// Multiplications per cell of a column of weights: combined by powers of the challenge.
const COMBINED_CELL: f64 = 1.3;
/// Multiplications per row, whatever the columns: openings divided by their points.
const ROW: f64 = 40.0;
/// Multiplications per column of a proof, whatever its rows: transcript, program of the gates.
const COLUMN: f64 = 600.0;
/// Multiplications per proof, whatever its table: transcript, randomness, threads.
const PROOF: f64 = 120_000.0;
/// Multiplications per weight: its product in a layer's sum.
const WEIGHT: f64 = 1.5;
/// Precomputed bases are many, and fetched in no order: a multiplication of theirs takes so much longer.
const FIXED_BASES: f64 = 1.2;
/// Columns of weights that are combined to one polynomial before they are transformed.
const LEAST_COMBINED: u32 = 8;
/// Multiplications per key, per fixed column, per fixed cell and per weight of a key: the model is hashed as JSON.
const KEY: f64 = 10_000.0;
const KEY_COLUMN: f64 = 5000.0;
const KEY_WEIGHT: f64 = 3.0;
/// Multiplications for a point that a verifier reads: a square root.
const READ_POINT: f64 = 270.0;
/// Multiplications for each commitment that a verifier opens: a polynomial through what is opened, whose
/// coefficients take an inversion.
const OPENED_POINT: f64 = 700.0;
/// Multiplications of a verifier for the gates of hashes, whose expressions repeat themselves.
const VERIFIED_HASHES: f64 = 60_000.0;
/// The same for each further inference of a proof.
const VERIFIED_LANE: f64 = 12_000.0;
/// Multiplications per verification, whatever its table: transcript, threads.
const VERIFICATION: f64 = 60_000.0;
/// Multiplications per row of a verifier: powers of the point of evaluation, Lagrange polynomials.
const VERIFIED_ROW: f64 = 0.7;
/// One of so many nodes of trees is on the way, about.
const VISITED: usize = 5;
/// Shares that one thread does while others wait.
const SERIAL_PROVING: f64 = 0.1;
const SERIAL_VERIFYING: f64 = 0.9;
const SERIAL_SETUP: f64 = 0.4;

/// How much there is to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Multiplications of curve arithmetic, in the base field.
    pub curve: f64,
    /// Other multiplications, in the scalar field.
    pub multiplications: f64,
    /// Pairing checks.
    pub pairings: f64,
    /// The share that only one thread does.
    pub serial: f64,
}

/// What the work of a table depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// Rows and columns.
    pub dimensions: Dimensions,
    limbs: usize,
    limb_bits: usize,
    /// Columns of answers and edges of trees.
    nodes: usize,
    /// Columns of weights that a proof combines to one.
    combined: usize,
    /// The most weights that the table holds.
    weights: f64,
    /// Inferences whose values are hashed.
    hashes: usize,
    /// Columns of rounds, and the rows in which they hold random numbers; not counted for chains.
    rounds: (usize, usize),
}

impl Profile {
    /// The profile of a chain's table.
    pub fn new(shape: &Shape) -> Self {
        let width = shape.block_width as usize;
        Self {
            dimensions: Dimensions::new(shape),
            limbs: shape.limbs() as usize,
            limb_bits: shape.limb_bits as usize,
            nodes: 0,
            combined: match shape.unbound() || shape.block_width < LEAST_COMBINED {
                true => 0,
                false => width,
            },
            weights: shape.needed_rows() as f64 * width as f64,
            hashes: usize::from(shape.hashes()),
            rounds: (0, 0),
        }
    }

    /// The profile of a program's table.
    pub fn of_program(shape: &ProgramShape) -> Self {
        let width = shape.block_width as usize;
        Self {
            dimensions: Dimensions::of_program(shape),
            limbs: shape.lanes as usize * shape.limbs as usize,
            limb_bits: shape.limb_bits as usize,
            nodes: shape.lanes as usize * 2 * shape.slots as usize,
            combined: match shape.block_width < LEAST_COMBINED {
                true => 0,
                false => width,
            },
            weights: f64::from(shape.used_rows) * width as f64,
            hashes: if shape.hashes() {
                shape.lanes as usize
            } else {
                0
            },
            rounds: rounds(shape),
        }
    }

    fn rows(&self) -> usize {
        1 << self.dimensions.logrows
    }
}

impl Work {
    /// The work of a proof, witness included.
    pub fn proving(profile: &Profile) -> Self {
        let of = &profile.dimensions;
        let (n, log) = (profile.rows() as f64, of.logrows);
        let (cosets, pieces) = (of.cosets() as f64, of.pieces() as f64);
        let [advice, fixed, instance] = [of.advice(), of.fixed, of.instance].map(|x| x as f64);
        let (limbs, bits) = (profile.limbs, profile.limb_bits);
        let small = limbs as f64 * commit_small(of, of.rows, bits)
            + (of.first_phase - limbs - profile.nodes - profile.rounds.0) as f64
                * commit_small(of, of.rows, 2 * bits)
            + profile.rounds.0 as f64 * commit_small(of, profile.rounds.1, SCALAR_BITS)
            + profile.nodes as f64 * commit_small(of, of.rows / VISITED, 2 * bits);
        // Blinding, quotient and the two openings beside the second phase.
        let others = of.pieces() + 3;
        let full = (of.second_phase + others) as f64 * commit(of);
        let combined = if profile.combined > 0 { 1.0 } else { 0.0 };
        let columns = (1.0 + cosets) * (advice + instance) + cosets * combined + pieces + 3.0;
        let quotient = transform(log + of.cosets().ilog2());
        let cells = cosets * GATE_CELL * advice
            + OPENED_CELL * (of.advice_queries as f64 + fixed)
            + COMBINED_CELL * profile.combined as f64
            + ROW;
        Self {
            curve: FIXED_BASES * (small + full),
            multiplications: transform(log) * columns
                + quotient
                + n * cells
                + PROOF
                + COLUMN * (advice + fixed)
                + WEIGHT * profile.weights,
            pairings: 0.0,
            serial: SERIAL_PROVING,
        }
    }

    /// The work of a verification.
    pub fn verifying(profile: &Profile) -> Self {
        let of = &profile.dimensions;
        let read = of.points();
        let points = read + of.fixed + 1;
        Self {
            curve: multiexp(points),
            multiplications: VERIFICATION
                + READ_POINT * read as f64
                + OPENED_POINT * points as f64
                + VERIFIED_ROW * profile.rows() as f64
                + match profile.hashes {
                    0 => 0.0,
                    lanes => VERIFIED_HASHES + VERIFIED_LANE * (lanes - 1) as f64,
                },
            pairings: 1.0,
            serial: SERIAL_VERIFYING,
        }
    }

    /// The work of making keys, and of preparing the parameters for their first use.
    pub fn setup(profile: &Profile) -> Self {
        let of = &profile.dimensions;
        let fixed = of.fixed as f64;
        let weight_bits = 16;
        Self {
            curve: FIXED_BASES * (fixed * commit_small(of, of.rows, weight_bits) + prepare(of)),
            multiplications: KEY
                + fixed * (transform(of.logrows) + KEY_COLUMN)
                + KEY_WEIGHT * profile.weights,
            pairings: 0.0,
            serial: SERIAL_SETUP,
        }
    }
}

/// The columns of a program's rounds, and the rows that they fill.
fn rounds(shape: &ProgramShape) -> (usize, usize) {
    let sponges = [shape.output_sponge(), shape.input_sponge()];
    let permutations: usize = sponges.iter().flatten().map(Sponge::permutations).sum();
    // Of four of nine columns, partial rounds need nothing.
    let filled = poseidon::ROUNDS * 5 / 9 + poseidon::FULL_ROUNDS * 4 / 9;
    match shape.hashes() {
        true => (
            3 * poseidon::WIDTH * shape.lanes as usize,
            filled * permutations,
        ),
        false => (0, 0),
    }
}

/// The window of precomputed bases for `n` points, and how many of them a scalar has.
fn window(n: usize) -> (usize, usize) {
    let windows = |window: usize| (SCALAR_BITS - 1) / window + 1;
    let cost = |window: &usize| 6 * n * windows(*window) + (25 << (window - 1));
    let best = (4..=16).min_by_key(cost).unwrap_or(4);
    (best, windows(best))
}

/// Multiplications for the multiples of the bases: doublings, and affine coordinates of what is kept.
fn prepare(of: &Dimensions) -> f64 {
    let n = 1usize << of.logrows;
    match of.logrows <= LARGEST_PRECOMPUTED {
        true => n as f64 * (8 * SCALAR_BITS + 8 * window(n).1) as f64,
        false => 0.0,
    }
}

/// Multiplications of a commitment to random scalars.
fn commit(of: &Dimensions) -> f64 {
    let n = 1usize << of.logrows;
    if of.logrows > LARGEST_PRECOMPUTED {
        return multiexp(n);
    }
    let (window, windows) = window(n);
    (6 * n * windows + (25 << (window - 1))) as f64
}

/// Multiplications of a commitment to `used` integers of `bits` bits.
fn commit_small(of: &Dimensions, used: usize, bits: usize) -> f64 {
    let n = 1usize << of.logrows;
    if of.logrows > LARGEST_PRECOMPUTED {
        return multiexp(n) * SMALL_SHARE;
    }
    let (window, windows) = window(n);
    let digits = bits as f64 / window as f64 + 1.0;
    6.0 * (used as f64 * digits + (BLINDING_ROWS * windows) as f64) + f64::from(25 << (window - 1))
}

/// What halo2's multiplication takes for small integers, as a share of random scalars: buckets and
/// doublings are the same.
const SMALL_SHARE: f64 = 0.35;

/// Multiplications of a Fourier transform of `2^logrows` rows.
fn transform(logrows: u32) -> f64 {
    let rows = f64::from(1u32 << logrows);
    rows * (BUTTERFLY / 2.0 * f64::from(logrows) + TRANSFORMED_CELL)
}

/// Multiplications of halo2's multiplication of `n` points by random scalars.
pub(super) fn multiexp(n: usize) -> f64 {
    let window = match n {
        0..4 => 1,
        4..32 => 3,
        _ => (n as f64).ln().ceil() as usize,
    };
    let windows = (SCALAR_BITS / window + 1) as f64;
    let (n, buckets) = (n as f64, f64::from(1 << (window - 1)));
    match window < 10 {
        // Mixed additions to buckets, two additions for each bucket, doublings.
        true => windows * (11.0 * n + 27.0 * buckets + 9.0 * window as f64),
        // Affine additions that share inversions; every window doubles its own sum.
        false => windows * (9.0 * n + 27.0 * buckets + 4.0 * window as f64 * windows),
    }
}

/// The most memory of a process that makes keys and proves.
pub(super) fn memory_bytes(profile: &Profile) -> usize {
    /// Code, threads and allocator.
    const PROCESS: usize = 10 << 20;
    /// Bytes of a field element, and of a point.
    const CELL: usize = 32;
    const POINT: usize = 64;
    /// Bytes per weight: the model, and the text that is hashed.
    const WEIGHT: usize = 28;
    /// Copies of an advice column: witness, coefficients, cosets, and on the way between them.
    const COPIES: usize = 8;
    let of = &profile.dimensions;
    let n = profile.rows();
    // Two bases, and the multiples of one of them; half as much again while they are read.
    let bases = match of.logrows <= LARGEST_PRECOMPUTED {
        true => 3 + window(n).1,
        false => 3,
    };
    let parameters = bases * n * POINT * 3 / 2;
    let model = WEIGHT * profile.weights as usize;
    PROCESS + parameters + model + (of.fixed + COPIES * of.advice()) * n * CELL
}
