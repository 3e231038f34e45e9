//! `cargo xtask ezkl`: EZKL's environment, and a model through EZKL's stages.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::cargo::{self, Program};
use crate::python::{check_python, find_python, install};

/// EZKL and what it is compared with, all pinned.
pub(crate) const REQUIREMENTS: &str = "crates/zkassay-ezkl/python/requirements.txt";
const CONFIGURATIONS: [&str; 3] = ["fixed", "private", "tuned"];

/// Make EZKL's environment, and take a model through EZKL's stages.
///
/// The environment takes 0.6 GB in cargo's target folder, has pinned packages with hashes, and needs
/// CPython 3.11 on Linux x86-64; where it is up to date, nothing is done. Everything else of the
/// project works without it. With a model and rows it is run: printed is what each stage takes in
/// time, memory and bytes, and how far the proved outputs are from onnxruntime's, or from those in
/// the file of rows.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  cargo xtask ezkl
  cargo xtask ezkl model.onnx rows.json
  cargo xtask ezkl model.onnx rows.json --params tuned --proofs 5 --json ezkl.json")]
pub(crate) struct Ezkl {
    /// The ONNX file.
    #[arg(requires = "rows")]
    model: Option<PathBuf>,
    /// Rows as EZKL takes them, {"input_data": [[...], ...]}, "output_data" beside them if there is no
    /// need for onnxruntime: the same rows are calibrated on and proved. Or
    /// {"calibration": [[...]], "test": [[...]]}.
    rows: Option<PathBuf>,
    /// Weights in the keys (fixed) or in the witness (private), with EZKL's own settings; or the
    /// cheapest settings that a search finds.
    #[arg(long, value_name = "NAME", value_parser = CONFIGURATIONS, default_value = "fixed", requires = "model")]
    params: String,
    /// Proofs, each of another row [default: 3].
    #[arg(long, value_name = "N", requires = "model", value_parser = clap::value_parser!(u32).range(1..))]
    proofs: Option<u32>,
    /// What a stage may take [default: 600].
    #[arg(long, value_name = "SECONDS", requires = "model", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Write the figures to this file, too.
    #[arg(long, value_name = "FILE", requires = "model")]
    json: Option<PathBuf>,
    /// The Python that the environment is made with [default: python3.11, or else python3].
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
}

impl Ezkl {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let environment = environment(self.python.as_deref())?;
        let (Some(model), Some(rows)) = (&self.model, &self.rows) else {
            eprintln!("{}", environment.display());
            return Ok(ExitCode::SUCCESS);
        };
        let mut command = cargo::program(Program::Binary("zkassay-ezkl"))?;
        let arguments = [cargo::absolute(model)?, cargo::absolute(rows)?];
        command.args(arguments).args(["--params", &self.params]);
        command.arg("--environment").arg(environment);
        // The ones that `cargo xtask peers` has made, too.
        command.arg("--srs");
        command.arg(cargo::target_directory()?.join("peers/work"));
        let json = self.json.as_ref().map(cargo::absolute).transpose()?;
        let number = |number: Option<u32>| number.map(|number| number.to_string().into());
        command.args(cargo::flags([
            ("--proofs", number(self.proofs)),
            ("--limit", number(self.limit)),
            ("--json", json),
        ]));
        cargo::pass_through(command)
    }
}

/// EZKL's environment, made with `python`, or with one that is found, if it is not up to date.
pub(crate) fn environment(python: Option<&Path>) -> Result<PathBuf> {
    match python {
        Some(python) => {
            check_python(python)?;
            make(python)
        }
        None => make(&find_python()?),
    }
}

/// EZKL's environment, made with `python` if it is not up to date.
pub(crate) fn make(python: &Path) -> Result<PathBuf> {
    let environment = cargo::target_directory()?.join("peers/ezkl");
    install(python, &environment, &cargo::root().join(REQUIREMENTS))?;
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        ezkl: Ezkl,
    }

    fn parse(arguments: &[&str]) -> Result<Ezkl, clap::Error> {
        let line = ["xtask"].iter().chain(arguments);
        Line::try_parse_from(line).map(|line| line.ezkl)
    }

    #[test]
    fn a_model_needs_rows_and_figures_a_model() {
        assert!(parse(&[]).unwrap().model.is_none());
        let given = parse(&["m.onnx", "r.json", "--params", "tuned", "--proofs", "2"]).unwrap();
        assert_eq!((given.params.as_str(), given.proofs), ("tuned", Some(2)));
        assert!(parse(&["m.onnx"]).is_err());
        assert!(parse(&["--json", "figures.json"]).is_err());
        assert!(parse(&["m.onnx", "r.json", "--params", "hashed"]).is_err());
        assert!(parse(&["m.onnx", "r.json", "--proofs", "0"]).is_err());
    }

    #[test]
    fn a_missing_python_is_explained() {
        let error = environment(Some(Path::new("zkassay-no-such-python"))).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("this runs in CPython 3.11"), "{error}");
    }
}
