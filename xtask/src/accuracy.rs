//! `cargo xtask accuracy`: every model of the zoo over many rounds, without proofs.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::cargo::{self, Program};

/// Train every model of the zoo in many rounds and compare their accuracies.
///
/// Builds the program in release mode and runs it. It prints a table: accuracy in floating
/// point and as integers, ROC AUC, log loss, Brier score, and whether a model differs from the
/// first. The 42 networks of the study and seven classical models take some minutes.
#[derive(Debug, Default, Args)]
#[command(after_long_help = "\
Examples:
  cargo xtask accuracy --models logistic,64-32,ridge,forest
  cargo xtask accuracy --mode paper
  cargo xtask accuracy --models 64-32,64-32:tanh,classical --rounds 10
  cargo xtask accuracy --table loans.csv --label repaid --time opened
  cargo xtask accuracy --digits fixtures/digits
  cargo xtask accuracy --docs")]
pub(crate) struct Accuracy {
    /// Models: widths of hidden layers (`64-32`, `64-32:tanh`), names, `study`, `classical`
    /// [default: study,classical; study:none,classical in paper mode; logistic,128,cnn of digits].
    #[arg(long, value_name = "LIST")]
    models: Option<String>,
    /// How often each model is trained: on as many random splits [default: 20] or folds of rows
    /// in time [default: 5]; of digits, with as many seeds [default: 3].
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Seed of the first round; each adds one [default: 20220601].
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Token tables: a folder laid out as the `datasets-giza` bucket, or a CSV file of prices
    /// [default: fixtures].
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// How features are made of token tables: honest or paper [default: honest].
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// A table of your own instead, CSV or parquet: every column but label and time is a feature.
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
    /// The column of the label in your table: two classes.
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// The column that orders the rows of your table; they are split at random without one.
    #[arg(long, value_name = "COLUMN")]
    time: Option<String>,
    /// Handwritten digits instead: a folder with the four files of MNIST, or with the two of its
    /// test part, whose first four fifths then train.
    #[arg(long, value_name = "DIR")]
    digits: Option<PathBuf>,
    /// Threads to use [default: all cores].
    #[arg(long, value_name = "T")]
    threads: Option<usize>,
    /// Folder for `accuracy.json` and `accuracy.md` [default: runs/accuracy].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Run both modes on the fixtures and write docs/accuracy.md and docs/accuracy-*.json.
    #[arg(long, conflicts_with_all = ["data", "mode", "table", "digits", "out"])]
    docs: bool,
}

impl Accuracy {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        if self.docs {
            return self.write_docs();
        }
        let mut command = cargo::program(Program::Binary("zkassay-accuracy"))?;
        command.args(self.arguments()?);
        cargo::pass_through(command)
    }

    /// The program's arguments.
    fn arguments(&self) -> Result<Vec<OsString>> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(cargo::absolute).transpose();
        let text = |text: &Option<String>| text.as_ref().map(OsString::from);
        let number = |number: Option<String>| number.map(OsString::from);
        Ok(cargo::flags([
            ("--models", text(&self.models)),
            ("--rounds", number(self.rounds.map(|n| n.to_string()))),
            ("--seed", number(self.seed.map(|n| n.to_string()))),
            ("--data", path(&self.data)?),
            ("--mode", text(&self.mode)),
            ("--table", path(&self.table)?),
            ("--label", text(&self.label)),
            ("--time", text(&self.time)),
            ("--digits", path(&self.digits)?),
            ("--threads", number(self.threads.map(|n| n.to_string()))),
            ("--out", path(&self.out)?),
        ]))
    }

    /// One page with the tables of both modes, and both records.
    fn write_docs(&self) -> Result<ExitCode> {
        let docs = cargo::root().join("docs");
        let mut page = String::from(
            "# Accuracy of every model\n\n\
             The 42 networks of the study and seven classical models on the fixtures: synthetic \
             tables in the layout of the real ones, so these figures compare models and ways of \
             working, not markets. Written by `cargo xtask accuracy --docs`; the records beside \
             this page have every round.\n",
        );
        for (mode, text) in [
            (
                "honest",
                "Features of a day use what was known on it and are fitted on training rows; \
                 folds walk forward in time; ReLU between layers.",
            ),
            (
                "paper",
                "The study to the letter: features that look ahead, fitted on all rows; random \
                 splits; nothing between layers, so that all 42 networks are affine.",
            ),
        ] {
            let out = cargo::target_directory()?.join("accuracy").join(mode);
            let mut command = cargo::program(Program::Binary("zkassay-accuracy"))?;
            command.args(self.arguments()?);
            command.args(["--mode", mode, "--out"]).arg(&out);
            cargo::check(command)?;
            let read = |name: &str| {
                let path = out.join(name);
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
            };
            page.push_str(&format!(
                "\n## `{mode}` mode\n\n{text}\n\n{}",
                read("accuracy.md")?
            ));
            let record = docs.join(format!("accuracy-{mode}.json"));
            fs::write(&record, read("accuracy.json")?)
                .with_context(|| format!("cannot write {}", record.display()))?;
        }
        let path = docs.join("accuracy.md");
        fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        accuracy: Accuracy,
    }

    fn arguments(line: &[&str]) -> Vec<OsString> {
        let line = ["xtask"].iter().chain(line);
        let parsed = Line::try_parse_from(line).unwrap();
        parsed.accuracy.arguments().unwrap()
    }

    #[test]
    fn flags_are_passed_on() {
        assert!(arguments(&[]).is_empty());
        assert_eq!(
            arguments(&["--models", "study", "--rounds", "3", "--mode", "paper"]),
            ["--models", "study", "--rounds", "3", "--mode", "paper"]
        );
        assert_eq!(arguments(&["--digits", "/mnist"]), ["--digits", "/mnist"]);
    }

    #[test]
    fn the_documents_are_made_of_the_fixtures() {
        let parse = |line: &[&str]| Line::try_parse_from(line);
        assert!(parse(&["xtask", "--docs", "--rounds", "2"]).is_ok());
        assert!(parse(&["xtask", "--docs", "--data", "elsewhere"]).is_err());
    }
}
