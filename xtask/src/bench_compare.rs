//! `cargo xtask bench-compare`: our proofs and EZKL's alternately, and the ratio of their times.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::cargo::{self, Program};
use crate::ezkl;

/// Prove with zkassay and EZKL alternately and print the ratios of their times.
///
/// Both prove the same rows of the same models, a proof of each in every round. Printed is the median
/// of the rounds' ratios with an interval that holds the true one with 95 %, of wall and CPU time. EZKL's
/// `tuned` setting is searched first, for up to a minute per model. Needs CPython 3.11 on Linux x86-64, where EZKL's
/// environment is made.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  cargo xtask bench-compare
  cargo xtask bench-compare --models 162-128-64-32-1,300-256-256-10 --configurations fixed
  cargo xtask bench-compare --rounds 20 --json > ratios.json")]
pub(crate) struct BenchCompare {
    /// Models by their widths [default: 162-1,162-64-32-1].
    #[arg(long, value_name = "LIST")]
    models: Option<String>,
    /// EZKL's settings: fixed, private, tuned [default: fixed,tuned].
    #[arg(long, value_name = "LIST")]
    configurations: Option<String>,
    /// Rounds: a proof of each prover [default: 9].
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
    /// Seconds that a stage may take [default: 300].
    #[arg(long, value_name = "SECONDS")]
    limit: Option<u64>,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
    /// The Python that EZKL's environment is made with [default: python3.11, or else python3].
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
}

impl BenchCompare {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let environment = ezkl::environment(self.python.as_deref())?;
        let programs = ["zkassay-worker", "compare"].map(Program::Binary);
        let [worker, mut command] = cargo::programs(programs)?;
        command.arg("--worker").arg(worker.get_program());
        command.arg("--ezkl").arg(environment);
        let work = cargo::target_directory()?.join("peers/compare");
        command.arg("--work").arg(work);
        command.args(cargo::flags([
            ("--models", self.models.as_ref().map(Into::into)),
            (
                "--configurations",
                self.configurations.as_ref().map(Into::into),
            ),
            (
                "--rounds",
                self.rounds.map(|rounds| rounds.to_string().into()),
            ),
            ("--limit", self.limit.map(|limit| limit.to_string().into())),
        ]));
        if self.json {
            command.arg("--json");
        }
        cargo::pass_through(command)
    }
}
