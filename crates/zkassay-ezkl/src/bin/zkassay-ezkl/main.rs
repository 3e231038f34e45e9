//! One model through EZKL: what each stage takes, and how far its outputs are from the float model's.
//!
//! ```text
//! zkassay-ezkl --environment DIR MODEL.onnx ROWS.json [--params fixed|private|tuned] ...
//! ```

mod rows;
mod stages;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use zkassay_ezkl::{Configuration, Environment};

/// Take a model through EZKL's stages, and print what each takes.
#[derive(Debug, Parser)]
#[command(
    version,
    after_long_help = "\
Examples:
  zkassay-ezkl --environment target/peers/ezkl model.onnx rows.json
  zkassay-ezkl --environment target/peers/ezkl model.onnx rows.json --params tuned --json ezkl.json"
)]
struct Arguments {
    /// The ONNX file; its inputs have fixed shapes, with one row.
    model: PathBuf,
    /// Rows as EZKL takes them, {"input_data": [[...], ...]}, with "output_data" if errors are not
    /// measured against onnxruntime: the same rows are calibrated on and proved. Or
    /// {"calibration": [[...]], "test": [[...]]}.
    rows: PathBuf,
    /// The Python environment, made by `cargo xtask ezkl`.
    #[arg(long, value_name = "DIR")]
    environment: PathBuf,
    /// Whether weights are in the keys or in the witness, or the cheapest settings are searched for.
    #[arg(long, value_name = "NAME", default_value = "fixed")]
    params: Configuration,
    /// Proofs, each of another row.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    proofs: u32,
    /// What a stage may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Write the figures to this file, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Folder for keys and proofs [default: a new one, deleted at the end].
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    /// Folder for parameters, which all models share [default: the folder for keys].
    #[arg(long, value_name = "DIR")]
    srs: Option<PathBuf>,
}

fn main() -> ExitCode {
    match Arguments::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    fn run(&self) -> Result<ExitCode> {
        let environment = Environment::open(&self.environment)?;
        let rows = rows::Rows::read(&self.rows)?;
        match &self.work {
            Some(work) => {
                fs::create_dir_all(work).with_context(|| cannot_write(work))?;
                self.measure(&environment, &rows, work)
            }
            None => {
                let name = format!("zkassay-ezkl-{}", std::process::id());
                let work = std::env::temp_dir().join(name);
                // A folder of somebody else is not written into.
                fs::create_dir(&work).with_context(|| cannot_write(&work))?;
                let outcome = self.measure(&environment, &rows, &work);
                fs::remove_dir_all(&work).with_context(|| cannot_write(&work))?;
                outcome
            }
        }
    }

    fn measure(
        &self,
        environment: &Environment,
        rows: &rows::Rows,
        work: &Path,
    ) -> Result<ExitCode> {
        let file = work.join("rows.json");
        let text = serde_json::to_vec(&rows.for_workers())?;
        fs::write(&file, text).with_context(|| cannot_write(&file))?;
        let run = stages::Run {
            environment,
            configuration: self.params,
            model: &self.model,
            rows,
            file: &file,
            work,
            srs: self.srs.as_deref().unwrap_or(work),
            proofs: self.proofs as usize,
            limit: Duration::from_secs(self.limit.into()),
        };
        let measured = run.measure()?;
        print!("{}", table::table(&measured));
        if let Some(path) = &self.json {
            let text = serde_json::to_string_pretty(&measured)? + "\n";
            fs::write(path, text).with_context(|| cannot_write(path))?;
        }
        Ok(match measured.failure {
            Some(_) => ExitCode::FAILURE,
            None => ExitCode::SUCCESS,
        })
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn configurations_are_read() {
        let parse = |params| {
            let line = "zkassay-ezkl --environment e m.onnx r.json --params";
            Arguments::try_parse_from(line.split(' ').chain([params]))
        };
        assert_eq!(parse("tuned").unwrap().params, Configuration::Tuned);
        let error = parse("hashed").unwrap_err().to_string();
        assert!(
            error.contains("there are fixed, private and tuned"),
            "{error}"
        );
    }
}
