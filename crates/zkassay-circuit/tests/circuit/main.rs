//! Completeness and soundness of the circuit under halo2's mock prover.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed unwrap is a failed test"
)]

mod attacks;
mod common;
mod completeness;
mod pinned;
mod soundness;
mod visibility;
