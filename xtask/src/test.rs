//! `cargo xtask test`: every test of the workspace, in release mode.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use crate::cargo;

/// Run every test of the workspace, documentation examples included.
///
/// Runs `cargo test --release --workspace`: proofs are too slow without
/// optimisation, and with one profile the heavy dependencies compile once.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  cargo xtask test
  cargo xtask test -- soundness
  cargo xtask test -- --doc")]
pub(crate) struct Test {
    /// Further arguments for `cargo test`, such as part of a test's name.
    #[arg(last = true, value_name = "ARGS")]
    rest: Vec<OsString>,
}

impl Test {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let mut command = command();
        command.args(&self.rest);
        cargo::pass_through(command)
    }
}

/// The command that runs every test.
pub(crate) fn command() -> Command {
    cargo::cargo(&["test", "--release", "--workspace"])
}
