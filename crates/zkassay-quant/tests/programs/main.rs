//! Programs: every operator against its float semantics.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod affine;
mod calibrated;
mod exact;
mod exported;
mod forests;
mod functions;
mod hostile;
mod hostile_forests;
mod oracle;
mod prefixes;
mod quotients;
mod support;
mod trees;
mod votes;
mod zoo;
