//! The staged commands end to end, in a folder of their own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod artefacts;
mod batch;
mod calibration;
mod chain;
mod folder;
mod inputs;
mod mismatch;
mod usage;
mod visibility;
