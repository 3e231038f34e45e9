//! `cargo xtask training`: the study's networks trained in many rounds, beside PyTorch.
//!
//! What measures is a binary of the benchmarks. This makes what it needs: an environment with a
//! pinned PyTorch in cargo's target folder. If it cannot be installed, the comparison is left out,
//! and the record says why.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::cargo::{self, Program};
use crate::python::{check_python, install, interpreter};

const REQUIREMENTS: &str = "benches/training/requirements-torch.txt";

/// Time the training of the study's networks: all rounds at once, one by one, and in PyTorch.
///
/// Makes an environment with a pinned PyTorch (4 GB, because its wheels for Linux need CUDA's
/// libraries even on the CPU), checks that both sides compute the same, trains all 42 networks in
/// 20 rounds of 1000 epochs, and scales samples of the other ways: some ten minutes on two cores.
/// Needs CPython 3.11 on Linux x86-64; without it, PyTorch is left out. Leave the machine alone
/// meanwhile.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  cargo xtask training
  cargo xtask training --models logistic,64-32 --epochs 100
  cargo xtask training --no-torch
  cargo xtask training --python /usr/bin/python3.11 --docs")]
pub(crate) struct Training {
    /// Trainings of each network, each with rows and a seed of its own.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Epochs of each, full-batch.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Hidden widths, such as `64-32`; `logistic` has none [default: the study's 42 networks].
    #[arg(long, value_name = "LIST")]
    models: Option<String>,
    /// Leave PyTorch out.
    #[arg(long)]
    no_torch: bool,
    /// The Python that the environment is made with.
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// Folder for the record and the tables.
    #[arg(long, value_name = "DIR", default_value = "runs/training")]
    out: PathBuf,
    /// Write docs/training.md and docs/training.json, too.
    #[arg(long)]
    docs: bool,
}

/// A Python with PyTorch, or why there is none.
type Torch = Result<PathBuf, String>;

impl Training {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let folder = cargo::target_directory()?.join("training");
        let torch = self.torch(&folder);
        if let Err(reason) = &torch {
            eprintln!("PyTorch is left out: {reason}");
        }
        let mut command = cargo::program(Program::Binary("training"))?;
        command.args(self.arguments(torch, &folder)?);
        cargo::check(command)?;
        if self.docs {
            for file in ["training.md", "training.json"] {
                let to = cargo::root().join("docs").join(file);
                fs::copy(self.out.join(file), &to)
                    .with_context(|| format!("cannot write {}", to.display()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn torch(&self, folder: &Path) -> Torch {
        if self.no_torch {
            return Err("called with --no-torch".to_owned());
        }
        environment(&self.python, folder).map_err(|error| {
            // On one line: messages of other programs have many.
            let reason = format!("{error:#}");
            reason.split_whitespace().collect::<Vec<_>>().join(" ")
        })
    }

    /// The program's arguments.
    fn arguments(&self, torch: Torch, folder: &Path) -> Result<Vec<OsString>> {
        let (torch, skipped) = match torch {
            Ok(python) => (Some(python.into()), None),
            Err(reason) => (None, Some(reason.into())),
        };
        Ok(cargo::flags([
            ("--rounds", Some(self.rounds.to_string().into())),
            ("--epochs", Some(self.epochs.to_string().into())),
            ("--models", self.models.as_ref().map(OsString::from)),
            ("--torch", torch),
            ("--skipped", skipped),
            ("--work", Some(folder.join("work").into())),
            ("--out", Some(cargo::absolute(&self.out)?)),
        ]))
    }
}

/// The Python of an environment below `folder` that has PyTorch.
fn environment(python: &Path, folder: &Path) -> Result<PathBuf> {
    check_python(python)?;
    let environment = folder.join("torch");
    install(python, &environment, &cargo::root().join(REQUIREMENTS))?;
    let python = interpreter(&environment);
    let mut command = Command::new(&python);
    command.args(["-c", "import torch"]);
    cargo::output(command)?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::tests::assert_pinned;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        training: Training,
    }

    fn parse(arguments: &[&str]) -> Result<Training, clap::Error> {
        let line = ["xtask"].iter().chain(arguments);
        Line::try_parse_from(line).map(|line| line.training)
    }

    fn arguments(line: &[&str], torch: Torch) -> String {
        let training = parse(line).unwrap();
        let arguments = training.arguments(torch, Path::new("/target/training"));
        let words = arguments.unwrap().into_iter();
        let words: Vec<String> = words.map(|word| word.into_string().unwrap()).collect();
        words.join(" ")
    }

    #[test]
    fn flags_are_passed_on() {
        let torch = Ok("/venv/bin/python".into());
        assert_eq!(
            arguments(
                &["--models", "16,64-32", "--epochs", "50", "--out", "/out"],
                torch
            ),
            "--rounds 20 --epochs 50 --models 16,64-32 --torch /venv/bin/python --work \
             /target/training/work --out /out"
        );
        assert!(parse(&["--rounds", "0"]).is_err());
        assert!(parse(&["--epochs", "0"]).is_err());
    }

    #[test]
    fn the_program_is_told_why_pytorch_is_left_out() {
        let folder = Path::new("/target/training");
        let reason = parse(&["--no-torch"]).unwrap().torch(folder);
        assert_eq!(
            arguments(&["--out", "/out"], reason),
            "--rounds 20 --epochs 1000 --skipped called with --no-torch --work /target/training/work --out /out"
        );
        let missing = parse(&["--python", "zkassay-no-such-python"]).unwrap();
        let reason = missing.torch(folder).unwrap_err();
        assert!(
            reason.starts_with("this runs in CPython 3.11 on Linux x86_64"),
            "{reason}"
        );
    }

    #[test]
    fn every_package_is_pinned() {
        assert_pinned(REQUIREMENTS, "torch");
    }
}
