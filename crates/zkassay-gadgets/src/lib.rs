//! halo2 gates for proving the inference of a fixed model.
//!
//! A proof table has one row per value of the model: its inputs, its hidden
//! activations, and a few rows per output. Each gate below is one equation over
//! that table; [`Columns`] says which column holds what, [`Shape`] is all that is
//! needed to build the constraint system, so a verifier needs no model.
//!
//! | module | equation |
//! |---|---|
//! | [`dense`] | a layer `y = W x + b` as one random linear combination |
//! | [`relu`] | rescale, round half up and ReLU in one row |
//! | [`range`] | inputs are `b`-bit integers; unused cells are zero |
//! | [`boundary`] | where running sums start, end and meet |
//! | [`logup`] | every limb lies in `[0, 2^limb_bits)` |
//! | [`hash`] | Poseidon hashes of inputs and outputs |
//! | [`poseidon`] | the permutation and the packing, outside of a circuit |
//! | [`instance`] | the public values' columns |
//! | [`program`] | the gates of any other model than a chain of dense layers |
//!
//! Position: leans on halo2 and `zkassay-fixed`; `zkassay-circuit` and `zkassay-verifier` lean
//! on it.
//!
//! # Soundness
//!
//! Three facts carry the argument; the modules give the details.
//!
//! 1. *Challenges come after the values they test.* Values, limbs and
//!    multiplicities are committed in phase 1; the challenges `r` (layers) and
//!    `beta` (lookups) are squeezed afterwards; running sums are phase 2.
//! 2. *Equations over the field are equations over the integers*, since every
//!    quantity is range-checked to far fewer bits than the field has
//!    ([`Shape::validate`] refuses shapes for which that would not hold).
//! 3. *Every cell is determined by an equation*, except limbs of rows that have
//!    no use for them, which are range-checked and otherwise ignored.

pub mod boundary;
pub mod columns;
pub mod dense;
mod expression;
pub mod hash;
pub mod instance;
pub mod logup;
pub mod poseidon;
pub mod program;
pub mod range;
pub mod relu;
mod shape;
mod table_shape;

use halo2_proofs::halo2curves::ff::PrimeField as _;

pub use columns::Columns;
pub use halo2_proofs;
pub use shape::{Shape, ShapeError};
pub use table_shape::{TableColumns, TableShape};

/// The scalar field of BN254, over which everything is proved.
pub type Field = halo2_proofs::halo2curves::bn256::Fr;

/// `value` as a field element, negative integers as `p - |value|`.
pub fn field(value: i128) -> Field {
    let magnitude = value.unsigned_abs();
    // The general conversion takes as long as a hundred multiplications.
    let magnitude = match u64::try_from(magnitude) {
        Ok(small) => Field::from(small),
        Err(_) => Field::from_u128(magnitude),
    };
    if value < 0 { -magnitude } else { magnitude }
}

/// `2^exponent` in the field; as quick as a multiplication for each 32 of the exponent.
pub fn power_of_two(exponent: u32) -> Field {
    let word = Field::from(1 << 32);
    let rest = Field::from(1 << (exponent % 32));
    (0..exponent / 32).fold(rest, |power, _| power * word)
}
