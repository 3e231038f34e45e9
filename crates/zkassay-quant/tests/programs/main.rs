//! Programs: every operation against its float semantics.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod affine;
mod support;
