//! Circuits of integer programs.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod attacks;
mod checker;
mod common;
mod completeness;
mod cost;
mod forger;
mod pinned;
mod soundness;
