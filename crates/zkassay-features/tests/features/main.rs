//! Tests of the crate on the committed fixtures and, where they are at hand, on
//! real tables.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod causality;
mod fitting;
mod leak;
mod modes;
mod real_tables;
mod reference;
mod signal;
mod study;
mod support;
