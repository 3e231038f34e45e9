//! `cargo xtask experiment`: builds the experiment and runs it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use crate::cargo::{self, Program};

/// Train, prove and verify a family of models and report accuracy beside cost.
///
/// Builds the experiment in release mode and runs it. It prints a table and
/// leaves record, CSV files, plots and a Markdown report in a folder of its own.
#[derive(Debug, Default, Args)]
#[command(after_long_help = "\
Examples:
  cargo xtask experiment
  cargo xtask experiment -n 20 --models logistic,64-32
  cargo xtask experiment --mode paper
  cargo xtask experiment --table loans.csv --label repaid --time opened
  cargo xtask experiment --models 128-64-32 --seed 7 --threads 1 --out /tmp/runs")]
pub(crate) struct Experiment {
    /// Proofs per model, each of another test row [default: 5].
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) proofs: Option<usize>,
    /// Models by the widths of their hidden layers [default: logistic,16,64-32,128-64-32].
    #[arg(long, value_name = "LIST")]
    pub(crate) models: Option<String>,
    /// Folder for the runs' folders [default: runs].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Seed of every random draw [default: 20220601].
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
    /// Token tables: a folder laid out as the `datasets-giza` bucket, or a CSV file of prices
    /// [default: fixtures].
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// How features are made of token tables: honest or paper [default: honest].
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<String>,
    /// A table of your own instead, CSV or parquet: every column but label and time is a feature.
    #[arg(long, value_name = "FILE")]
    pub(crate) table: Option<PathBuf>,
    /// The column of the label in your table: two classes.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) label: Option<String>,
    /// The column that orders the rows of your table; they are split at random without one.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: Option<String>,
    /// Threads to use [default: all cores].
    #[arg(long, value_name = "T")]
    pub(crate) threads: Option<usize>,
    /// Further arguments, passed to the experiment as they are.
    #[arg(last = true, value_name = "REST")]
    pub(crate) rest: Vec<OsString>,
}

impl Experiment {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        cargo::pass_through(self.command()?)
    }

    /// Builds the experiment and returns the command that runs it.
    pub(crate) fn command(&self) -> Result<Command> {
        let mut command = cargo::program(Program::Binary("zkassay-experiment"))?;
        command.args(self.arguments()?);
        Ok(command)
    }

    /// The program's arguments.
    fn arguments(&self) -> Result<Vec<OsString>> {
        let flags: [(&str, Option<OsString>); 10] = [
            (
                "--proofs",
                self.proofs.map(|proofs| proofs.to_string().into()),
            ),
            ("--models", self.models.as_ref().map(OsString::from)),
            ("--out", self.out.as_ref().map(cargo::absolute).transpose()?),
            ("--seed", self.seed.map(|seed| seed.to_string().into())),
            (
                "--data",
                self.data.as_ref().map(cargo::absolute).transpose()?,
            ),
            ("--mode", self.mode.as_ref().map(OsString::from)),
            (
                "--table",
                self.table.as_ref().map(cargo::absolute).transpose()?,
            ),
            ("--label", self.label.as_ref().map(OsString::from)),
            ("--time", self.time.as_ref().map(OsString::from)),
            (
                "--threads",
                self.threads.map(|threads| threads.to_string().into()),
            ),
        ];
        let mut arguments = cargo::flags(flags);
        arguments.extend(self.rest.iter().cloned());
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        experiment: Experiment,
    }

    fn parse(arguments: &[&str]) -> Experiment {
        let line = ["xtask"].iter().chain(arguments);
        Line::try_parse_from(line).unwrap().experiment
    }

    #[test]
    fn without_flags_the_experiment_uses_its_defaults() {
        assert!(parse(&[]).arguments().unwrap().is_empty());
    }

    #[test]
    fn flags_are_passed_on_in_their_long_form() {
        let experiment = parse(&["-n", "3", "--models", "logistic,16", "--seed", "7"]);
        assert_eq!(
            experiment.arguments().unwrap(),
            ["--proofs", "3", "--models", "logistic,16", "--seed", "7"]
        );
    }

    #[test]
    fn relative_paths_become_absolute() {
        let arguments = parse(&["--out", "here", "--data", "/data"])
            .arguments()
            .unwrap();
        let here = std::env::current_dir().unwrap().join("here");
        assert_eq!(
            arguments,
            [
                "--out".as_ref(),
                here.as_os_str(),
                "--data".as_ref(),
                "/data".as_ref()
            ]
        );
    }

    #[test]
    fn the_rest_is_passed_as_it_is() {
        let experiment = parse(&["-n", "1", "--", "--future-flag", "-x"]);
        assert_eq!(
            experiment.arguments().unwrap(),
            ["--proofs", "1", "--future-flag", "-x"]
        );
    }

    #[test]
    fn bad_numbers_are_refused() {
        assert!(Line::try_parse_from(["xtask", "-n", "many"]).is_err());
        assert!(Line::try_parse_from(["xtask", "--seed", "-1"]).is_err());
    }
}
