//! Hashed inputs and outputs of programs, with several inferences side by side.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod attacks;
mod honest;
mod models;
mod shapes;
mod sweep;

#[path = "../program/checker.rs"]
#[expect(dead_code, reason = "the tests of programs use all of it")]
mod checker;
#[path = "../program/common.rs"]
#[expect(dead_code, reason = "the tests of programs use all of it")]
mod common;
