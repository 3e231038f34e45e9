//! Operators one by one, in forms that exporters write: against known values, and against tract.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;
mod elementwise;
mod lookup;
mod movement;
mod quantised;
mod recurrent;
mod reduction;
mod structure;
mod subgraphs;
