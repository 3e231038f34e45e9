//! Generates the synthetic tables, or checks that they are up to date.
//!
//! ```text
//! cargo run --release -p zkassay-data --example fixtures -- [--check] [--seed N] [DIR]
//! ```
//!
//! `DIR` is `fixtures` unless given. `cargo xtask fixtures` calls this.

use std::path::PathBuf;
use std::process::ExitCode;

use zkassay_data::Manifest;
use zkassay_data::synthetic::{self, DEFAULT_SEED};

const USAGE: &str = "usage: fixtures [--check] [--seed N] [DIR]";

struct Arguments {
    check: bool,
    seed: u64,
    dir: PathBuf,
}

fn main() -> ExitCode {
    let outcome = parse(std::env::args().skip(1)).and_then(run);
    match outcome {
        Ok(message) => {
            println!("{message}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut parsed = Arguments {
        check: false,
        seed: DEFAULT_SEED,
        dir: PathBuf::from("fixtures"),
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--check" => parsed.check = true,
            "--seed" => {
                let value = arguments.next().unwrap_or_default();
                parsed.seed = value
                    .parse()
                    .map_err(|_| format!("--seed needs a number, got `{value}`; {USAGE}"))?;
            }
            flag if flag.starts_with('-') => return Err(format!("unknown `{flag}`; {USAGE}")),
            dir => parsed.dir = PathBuf::from(dir),
        }
    }
    Ok(parsed)
}

fn run(arguments: Arguments) -> Result<String, String> {
    let Arguments { check, seed, dir } = arguments;
    let outcome = if check {
        synthetic::check(&dir, seed)
    } else {
        synthetic::write(&dir, seed)
    };
    let Manifest { files, bytes, .. } = outcome.map_err(|error| error.to_string())?;
    let verb = if check { "up to date" } else { "written" };
    Ok(format!(
        "{}: {} files {verb}, {:.2} MB, seed {seed}",
        dir.display(),
        files.len(),
        bytes as f64 / 1e6
    ))
}
