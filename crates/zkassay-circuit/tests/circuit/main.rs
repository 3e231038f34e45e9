//! Completeness and soundness of the circuit under halo2's mock prover.

mod common;
mod completeness;
mod soundness;
