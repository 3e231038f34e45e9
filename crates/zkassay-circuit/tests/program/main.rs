//! Circuits of integer programs.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod attacks;
mod checker;
mod common;
mod completeness;
mod cost;
mod forger;
mod functions;
mod grids;
mod lanes;
mod neighbours;
mod pinned;
mod random;
mod soundness;
mod tree_attacks;
mod trees;
