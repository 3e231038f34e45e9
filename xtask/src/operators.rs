//! `cargo xtask operators`: the table of what each exporter writes and this project takes, and the
//! fixtures that it is made of.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use crate::cargo::{self, Program};
use crate::python::{check_python, exporters, find_python, interpreter};

const EXPORT: &str = "fixtures/exporters/export.py";

/// Import, calibrate and prove every exporter's operators, and write docs/operators.md.
///
/// Takes each model of `fixtures/operators` through all stages and writes a table: whether it is
/// imported, how far its results lie from onnxruntime's in floats and in integers, whether it is
/// proved and verified, and whether forged outputs are refused; then what is refused, with the
/// messages. With --export the models are written again instead, by the exporters of
/// `cargo xtask python --exporters`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  cargo xtask operators
  cargo xtask operators --only sklearn/svc --out /tmp/operators.md
  cargo xtask operators --no-proofs
  cargo xtask operators --export")]
pub(crate) struct Operators {
    /// Write the models again, with PyTorch, scikit-learn, Keras and TensorFlow.
    #[arg(long, conflicts_with_all = ["only", "no_proofs", "out"])]
    export: bool,
    /// The Python that the exporters' environment is made with [default: python3.11, or else
    /// python3].
    #[arg(long, value_name = "PROGRAM", requires = "export")]
    python: Option<PathBuf>,
    /// Only models whose `exporter/name` contains this.
    #[arg(long, value_name = "TEXT", requires = "out")]
    only: Option<String>,
    /// Import and compare, but prove nothing.
    #[arg(long)]
    no_proofs: bool,
    /// File for the table [default: docs/operators.md].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Operators {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        if self.export {
            return cargo::pass_through(self.exporting()?);
        }
        let mut command = cargo::program(Program::Example("operators"))?;
        command.args(self.arguments()?);
        cargo::pass_through(command)
    }

    fn exporting(&self) -> Result<Command> {
        let python = match &self.python {
            Some(python) => check_python(python).map(|()| python.clone())?,
            None => find_python()?,
        };
        let mut command = Command::new(interpreter(&exporters(&python)?));
        // No caches of byte code among the sources.
        command.arg("-B").arg(EXPORT).current_dir(cargo::root());
        Ok(command)
    }

    /// The program's arguments.
    fn arguments(&self) -> Result<Vec<OsString>> {
        let out = self.out.as_ref().map(cargo::absolute).transpose()?;
        let mut arguments = cargo::flags([
            ("--only", self.only.as_ref().map(OsString::from)),
            ("--out", out),
        ]);
        if self.no_proofs {
            arguments.push("--no-proofs".into());
        }
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
        operators: Operators,
    }

    fn parse(arguments: &[&str]) -> Result<Operators, clap::Error> {
        let line = ["xtask"].iter().chain(arguments);
        Line::try_parse_from(line).map(|line| line.operators)
    }

    fn arguments(line: &[&str]) -> String {
        let words = parse(line).unwrap().arguments().unwrap().into_iter();
        let words: Vec<String> = words.map(|word| word.into_string().unwrap()).collect();
        words.join(" ")
    }

    #[test]
    fn flags_are_passed_on() {
        assert_eq!(arguments(&[]), "");
        assert_eq!(
            arguments(&["--only", "keras/", "--out", "/o.md", "--no-proofs"]),
            "--only keras/ --out /o.md --no-proofs"
        );
    }

    #[test]
    fn a_part_is_not_written_over_the_whole_table() {
        assert!(parse(&["--only", "keras/"]).is_err());
        assert!(parse(&["--export", "--out", "/o.md"]).is_err());
        assert!(parse(&["--python", "python3"]).is_err());
    }

    #[test]
    fn the_script_is_there() {
        assert!(cargo::root().join(EXPORT).is_file());
    }
}
