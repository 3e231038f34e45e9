//! Real proofs: accepted when honest, rejected when anything is changed.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod artefacts;
mod attacks;
mod common;
mod proofs;
mod soundness;
mod visibility;
