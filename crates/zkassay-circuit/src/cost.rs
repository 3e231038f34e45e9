//! What a table costs, from its shape alone.
//!
//! [`Dimensions`] and the bytes that follow from them are exact: they are what halo2's
//! constraint system has, and what proofs and keys have (tests compare them). [`Work`] counts
//! the field multiplications of proving, verifying and making keys, a [`Machine`] says how long
//! it takes for them, and [`Cost`] is all of it together:
//!
//! ```
//! use zkassay_circuit::cost::{Cost, Machine};
//! use zkassay_circuit::{CompileOptions, Plan};
//!
//! let (widths, options) = ([162, 64, 32, 1], CompileOptions::default());
//! let shape = Plan::with_options(&widths, &options)?.shape(&widths, &options);
//! let cost = Cost::new(&shape, &Machine::default());
//! assert!(cost.proof_bytes < 4_500 && cost.prove_seconds < 1.0);
//! # Ok::<(), zkassay_circuit::CircuitError>(())
//! ```
//!
//! # How the model was fitted
//!
//! The curve and Fourier arithmetic is that of the algorithms, and counted. The handful of constants in
//! `work.rs` (multiplications per cell, column and weight) were fitted by least squares to the
//! processor time on one thread of some fifty layouts: 2^7 to 2^15 rows, 1 to 700 weights per
//! row, both degrees, all visibilities. Predictions of the processor time of their proofs have a geometric spread of 10 %.
//! How much of it several threads share was estimated on two.
//! `cargo bench -p zkassay-benches --bench scaling` prints predictions and measurements beside
//! each other, for any layouts.

mod machine;
mod work;

use serde::Serialize;
use zkassay_fixed::{DataVisibility, InputScales};
use zkassay_gadgets::program::{ProgramShape, lookups};
use zkassay_gadgets::{Shape, TableShape, poseidon};

pub use machine::Machine;
pub use work::{Profile, Work};

/// Bytes of a point or a scalar in proofs and keys.
const ELEMENT: usize = 32;
/// Bytes of a verifying key's file beside its commitments and its shape: header, statement with one input
/// scale, checksum.
const KEY_FRAME: usize = 275 - Shape::BYTES;
/// The most bytes of a contract's code (EIP-170).
pub const CONTRACT_LIMIT: usize = 24_576;

/// The columns of a table, and how they are used. Exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Dimensions {
    /// log2 of the rows.
    pub logrows: u32,
    /// Rows in use.
    pub rows: usize,
    /// Advice columns committed before the challenges are drawn.
    pub first_phase: usize,
    /// Advice columns committed after.
    pub second_phase: usize,
    /// Fixed columns.
    pub fixed: usize,
    /// Instance columns.
    pub instance: usize,
    /// Cells of advice columns that a proof opens.
    pub advice_queries: usize,
    /// Greatest degree of a gate.
    pub degree: usize,
    /// Bytes that say so in a verifying key.
    pub shape_bytes: usize,
}

impl Dimensions {
    /// The dimensions of the table that a shape describes.
    pub fn new(shape: &Shape) -> Self {
        let count = usize::from;
        let (limbs, width) = (shape.limbs() as usize, shape.block_width as usize);
        let unbound = shape.unbound();
        let secrets = if unbound { width } else { 0 };
        let group = (shape.degree as usize).saturating_sub(2).max(1);
        let fractions = limbs + secrets + 1;
        let helpers = fractions.div_ceil(group) - 1;
        let [value, repeats] = [shape.has_values(), shape.blocks > 1].map(count);
        let hash = if shape.hashes() { poseidon::WIDTH } else { 0 };
        let hashed = |visibility| count(visibility == DataVisibility::Hashed);
        let packs = hashed(shape.visibility.input) + hashed(shape.visibility.output);
        let blocks = match shape.blocks {
            1 if !unbound => 0,
            several => several as usize,
        };
        // active, boundary, the range table, carry, keep, limb weight, bias
        let mut fixed = 7 + width - secrets + blocks + repeats;
        fixed += count(shape.folds()) + value + count(shape.has_values() || shape.reveals_inputs());
        fixed += count(unbound);
        if shape.hashes() {
            // Two kinds of rounds, constants, absorption, tag, digest, origin, fold, places.
            fixed += 2 + 2 * poseidon::WIDTH - 1 + 4 + packs;
        }
        Self {
            logrows: shape.logrows,
            rows: shape.needed_rows(),
            // Values, limbs, multiplicities, secret weights; state, squares and fourth powers.
            first_phase: value + limbs + 1 + secrets + 3 * hash,
            // Two sums of a layer, one of the range check and its helpers; two of the hashes.
            second_phase: 3 + helpers + 2 * count(shape.hashes()),
            fixed,
            instance: 1 + count(shape.reveals_inputs()) + count(shape.hashes()),
            // Sums are opened in the next row too, as are the states of the hashes.
            advice_queries: value
                + value * repeats
                + limbs
                + 1
                + secrets
                + helpers
                + 6
                + 4 * hash
                + 4 * count(shape.hashes()),
            degree: (2 + group.min(fractions)).max(3),
            shape_bytes: Shape::BYTES,
        }
    }

    /// The dimensions of the table of a program.
    pub fn of_program(shape: &ProgramShape) -> Self {
        let count = usize::from;
        let kinds = shape.kinds;
        let limbs = shape.limbs as usize;
        let group = (shape.degree as usize).saturating_sub(2).max(1);
        let fractions = lookups::fractions(shape);
        let helpers = fractions.div_ceil(group) - 1;
        let optional = [
            kinds.round,
            kinds.relu,
            kinds.exact_relu,
            kinds.exact,
            kinds.nonnegative,
            kinds.free,
            kinds.product,
            kinds.table,
            kinds.wide,
        ];
        let (lanes, slots) = (shape.lanes as usize, shape.slots as usize);
        let hash = if shape.hashes() { poseidon::WIDTH } else { 0 };
        let sums_of_hashes = 2 * count(shape.hashes());
        let packs = count(shape.input_sponge().is_some()) + count(shape.output_sponge().is_some());
        // Values, operands; segments and their coefficients; answers and edges.
        let of_lane = 2 + limbs + 3 * count(kinds.table) + 2 * slots + 3 * hash;
        // How often limbs and segments are used.
        let multiplicities = 1 + count(kinds.table);
        let factor = count(!shape.strides.is_empty());
        let flows = lanes * slots.div_ceil((shape.degree as usize - 1) / 2);
        // Inputs, the range table, both sides of the bus (4), linear steps, bias, public values,
        // active, boundary.
        let fixed = 11
            + (shape.block_width as usize + shape.strides.len() + shape.starts.len())
            + optional.into_iter().map(count).sum::<usize>()
            + 3 * count(kinds.table)
            + count(shape.totals)
            // Numbers of nodes, continued features, their ends, scores.
            + if slots > 0 { 4 + 5 * slots } else { 0 }
            // Two kinds of rounds, constants, absorption, tag, digest, fold, places.
            + match shape.hashes() {
                true => 2 + 2 * poseidon::WIDTH - 1 + 3 + packs,
                false => 0,
            };
        Self {
            logrows: shape.logrows,
            rows: shape.needed_rows(),
            first_phase: lanes * of_lane + multiplicities,
            // Two sums of steps, that of the lookups, factors; two of the hashes.
            second_phase: 3 + factor + helpers + flows + sums_of_hashes,
            fixed,
            instance: lanes,
            // Factors and sums are opened in two rows; so are operands if there are products,
            // values if there are functions, the last answers of a row, and states of hashes.
            advice_queries: lanes
                * (of_lane + count(kinds.product) + count(kinds.table) + slots.min(1) + hash)
                + multiplicities
                + 6
                + 2 * factor
                + helpers
                + flows
                + 2 * sums_of_hashes,
            degree: (2 + group.min(fractions)).max(3),
            shape_bytes: ProgramShape::BYTES,
        }
    }

    /// Advice columns.
    pub fn advice(&self) -> usize {
        self.first_phase + self.second_phase
    }

    /// Pieces of the quotient polynomial, each of as many coefficients as there are rows.
    pub fn pieces(&self) -> usize {
        self.degree - 1
    }

    /// Cosets of the rows on which the gates are evaluated.
    pub fn cosets(&self) -> usize {
        self.pieces().next_power_of_two()
    }

    /// Points of a proof: commitments of advice columns, blinding and quotient, and two of the
    /// opening.
    pub fn points(&self) -> usize {
        self.advice() + 1 + self.pieces() + 2
    }

    /// Scalars of a proof: what is opened of advice and fixed columns, and of the blinding.
    pub fn scalars(&self) -> usize {
        self.advice_queries + self.fixed + 1
    }

    /// Bytes of a proof's transcript.
    pub fn proof_bytes(&self) -> usize {
        ELEMENT * (self.points() + self.scalars())
    }

    /// Bytes of a verifying key's file.
    pub fn verifying_key_bytes(&self) -> usize {
        KEY_FRAME + self.shape_bytes + ELEMENT * self.fixed
    }

    /// Bytes of code of a Solidity verifier with the key in it: an estimate, on the high side.
    ///
    /// Such code has no loops: for each commitment it reads or pushes 64 bytes of a point and
    /// multiplies it, for each opened cell it reads a word and checks its range, and for each
    /// fixed column of weights it takes a step of a gate. Known of snark-verifier's code for this
    /// circuit is that 2^10 rows of 32 weights fit in a contract, and 2^9 rows of 128 do not.
    pub fn contract_bytes(&self) -> usize {
        /// Transcript, Lagrange polynomials, gates without weights, pairing.
        const FRAME: usize = 6_500;
        /// A point of the proof: read, checked to be on the curve, multiplied, added.
        const READ_POINT: usize = 180;
        /// A point of the key: pushed, multiplied, added.
        const OWN_POINT: usize = 150;
        /// A scalar of the proof: read, checked, used in a gate and in the opening.
        const SCALAR: usize = 60;
        FRAME + READ_POINT * self.points() + OWN_POINT * self.fixed + SCALAR * self.scalars()
    }
}

/// What a table costs on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Rows and columns. Exact.
    pub dimensions: Dimensions,
    /// Bytes of a proof's transcript. Exact.
    pub proof_bytes: usize,
    /// Bytes of the verifying key's file. Exact for one input scale, or once
    /// [all are counted](Self::with_input_scales).
    pub verifying_key_bytes: usize,
    /// Bytes of a Solidity verifier's code. Estimated.
    pub contract_bytes: usize,
    /// Seconds to prove, once keys and parameters are loaded. Estimated, as are those that follow.
    pub prove_seconds: f64,
    /// Seconds to verify.
    pub verify_seconds: f64,
    /// Seconds to make keys, with parameters that have just been read.
    pub setup_seconds: f64,
    /// The most memory that a process has which makes keys and proves.
    pub memory_bytes: usize,
}

impl Cost {
    /// The cost of a table of the given shape.
    pub fn new(shape: &Shape, machine: &Machine) -> Self {
        Self::of_profile(&Profile::new(shape), machine)
    }

    /// The cost of either kind of table.
    pub fn of(shape: &TableShape, machine: &Machine) -> Self {
        match shape {
            TableShape::Chain(shape) => Self::new(shape, machine),
            TableShape::Program(shape) => Self::of_profile(&Profile::of_program(shape), machine),
        }
    }

    /// The same for a key with the input scales of a model: a byte each.
    #[must_use]
    pub fn with_input_scales(mut self, scales: &InputScales) -> Self {
        self.verifying_key_bytes += scales.as_slice().len().saturating_sub(1);
        self
    }

    fn of_profile(profile: &Profile, machine: &Machine) -> Self {
        let dimensions = profile.dimensions;
        let seconds = |work: Work| machine.seconds(&work);
        Self {
            dimensions,
            proof_bytes: dimensions.proof_bytes(),
            verifying_key_bytes: dimensions.verifying_key_bytes(),
            contract_bytes: dimensions.contract_bytes(),
            prove_seconds: seconds(Work::proving(profile)),
            verify_seconds: seconds(Work::verifying(profile)),
            setup_seconds: seconds(Work::setup(profile)),
            memory_bytes: work::memory_bytes(profile),
        }
    }
}
