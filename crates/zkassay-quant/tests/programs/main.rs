//! Programs: every operator against its float semantics.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod affine;
mod calibrated;
mod exact;
mod functions;
mod hostile;
mod quotients;
mod support;
mod trees;
