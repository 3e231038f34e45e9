//! Real proofs: accepted when honest, rejected when anything is changed.

mod artefacts;
mod common;
mod proofs;
mod soundness;
