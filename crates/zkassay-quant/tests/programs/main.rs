//! Programs: every operator against its float semantics.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod affine;
mod calibrated;
mod exact;
mod exported;
mod forests;
mod functions;
mod guards;
mod hostile;
mod hostile_forests;
mod oracle;
mod prefixes;
mod quotients;
mod rounding;
mod support;
mod trees;
mod trigonometry;
mod votes;
mod zoo;
