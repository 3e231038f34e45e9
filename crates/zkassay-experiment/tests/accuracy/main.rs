//! Accuracies of many models over many rounds, and the program that prints them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod digits;
mod program;
mod support;
mod tables;
