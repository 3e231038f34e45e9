//! Mutated files for every reader of the project.
//!
//! A [`Target`] takes honest files of a [`Corpus`](corpus::Corpus), changes them, and checks what a
//! reader makes of them. [`run`](run::run) counts, and reports what must not happen:
//!
//! - a panic, or a case that takes longer or more memory than it may;
//! - a file that is accepted and should not be: a changed proof, an old proof under a changed
//!   key, a witness with wrong outputs;
//! - a file that is read, written again, and is then another.
//!
//! There is no feedback from coverage. Instead, changes keep to the structure of the files, so
//! that most cases pass the first checks: payloads are sealed again with a right checksum, numbers in
//! JSON are replaced by numbers, points by points. The histogram of errors at the end of a run
//! shows how far the cases get.
//!
//! A case is fixed by target, seed and number, except that halo2 blinds the corpus's proofs with
//! the system's randomness; a failing case's bytes are therefore kept in a file.
//!
//! | module | what |
//! |---|---|
//! | [`mutate`] | changes of bytes, of lists of points, of JSON, of protobuf |
//! | [`corpus`] | honest files |
//! | [`target`] | what is changed and checked, one module for each reader |
//! | [`run`](mod@run) | the loop: panics, time, memory |
//! | [`report`] | what is printed |
//!
//! Position: leans on every crate from `zkassay-onnx` to `zkassay`; nothing leans on it.

pub mod corpus;
pub mod journal;
pub mod memory;
pub mod mutate;
pub mod report;
pub mod run;
pub mod target;

pub use target::{Case, Outcome, Target};
