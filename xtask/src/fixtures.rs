//! `cargo xtask fixtures`: makes or checks the small tables in `fixtures/`.

use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use crate::cargo::{self, Program};

/// Make the synthetic tables in `fixtures/` again, or check them.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  cargo xtask fixtures
  cargo xtask fixtures --check")]
pub(crate) struct Fixtures {
    /// Only check that the files are what the generator makes.
    #[arg(long)]
    check: bool,
}

impl Fixtures {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        cargo::pass_through(command(self.check)?)
    }
}

/// Builds the generator and returns the command that makes the fixtures, or
/// with `check` compares them.
pub(crate) fn command(check: bool) -> Result<Command> {
    let mut command = cargo::program(Program::Example("fixtures"))?;
    if check {
        command.arg("--check");
    }
    Ok(command)
}
