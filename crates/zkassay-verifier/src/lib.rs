//! Verifying zkassay proofs.
//!
//! Bytes of a [`VerifyingKey`] and of a [`Proof`] in, a verdict out. A key says
//! which model it belongs to (the SHA-256 of its ONNX file), what its proofs show of
//! input and output, how public integers stand for real numbers, and who made the
//! parameters. A proof carries its public values.
//!
//! ```no_run
//! use zkassay_verifier::{Proof, VerifyingKey};
//!
//! let key = VerifyingKey::from_bytes(&std::fs::read("model.vk")?)?;
//! let proof = Proof::from_bytes(&std::fs::read("row-7.proof")?)?;
//! let verdict = key.verify(&proof)?;
//! println!("the model's output is {:?}", verdict.outputs);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The statement of an accepted proof: *there is an input, every value of which lies in
//! the model's input range, for which the quantised model of this key gives exactly these
//! outputs.* With a public or hashed input it is about that input; with hashed outputs,
//! about outputs whose accumulators have that hash. With private parameters it is about *some* weights and
//! biases in range, not about those of a model ("unbound").
//!
//! Input is hostile: any bytes give an error, in bounded time and memory, never a
//! panic. A *key* decides what is proved, so it has to come from somebody the
//! verifier trusts, or be regenerated from the model.
//!
//! | module | what |
//! |---|---|
//! | [`artefact`] | the frame of every file: magic, kind, version, length, checksum |
//! | [`key`] | verifying keys |
//! | [`proof`] | proofs and their verification |
//! | [`batch`] | the proofs of many rows in one file |
//! | [`accuracy`] | proofs that so many rows of a data set get their label |
//! | [`public`] | what a proof shows of input and output |
//!
//! Position: leans on `zkassay-gadgets` (the equations) and `zkassay-fixed`; no
//! polars, candle, tract or prost in its closure.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod accuracy;
pub mod artefact;
pub mod batch;
mod error;
pub mod key;
pub mod proof;
pub mod public;

pub use accuracy::{AccuracyProof, AccuracyVerdict, Expected, TestData, TestRows};
pub use artefact::{ArtefactError, Kind};
pub use batch::{Batch, BatchRow, BatchVerdict};
pub use error::{VerifyError, What};
pub use key::{SrsOrigin, Statement, VerifyingKey};
pub use proof::{Proof, Verdict};
pub use public::{PublicData, PublicValue};

/// A SHA-256 hash.
pub type Digest = [u8; 32];
