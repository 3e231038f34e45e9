//! `cargo xtask ci`: everything that must hold before a change is merged.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::browser;
use crate::cargo::{self, cargo};
use crate::fuzz::Fuzz;
use crate::{experiment, fixtures, python, test, tidy};

/// Run every check, in the order of their cost, up to the first that fails.
///
/// Formatting, lints, documentation, tidy, fixtures, the tests' Python
/// environment and browser, tests, a few fuzz cases, and the smallest experiment; with the
/// time each of them took. Without CPython 3.11 on Linux x86-64, the tests that
/// compare models with Python's libraries are skipped; without Chromium, those of
/// the report's page.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  cargo xtask ci
  .ci/run")]
pub(crate) struct Ci {}

/// A step: its name and what it does.
type Step = (&'static str, fn() -> Result<()>);

const STEPS: [Step; 10] = [
    ("format", || {
        cargo::check(cargo(&["fmt", "--all", "--check"]))
    }),
    ("lints", || {
        let scope = ["clippy", "--release", "--workspace", "--all-targets"];
        let mut clippy = cargo(&scope);
        clippy.args(["--", "-D", "warnings"]);
        cargo::check(clippy)
    }),
    ("documentation", || {
        let mut doc = cargo(&["doc", "--release", "--no-deps", "--workspace"]);
        doc.env("RUSTDOCFLAGS", "-D warnings");
        cargo::check(doc)
    }),
    ("tidy", tidy::check),
    ("fixtures", || {
        fixtures::command(true).and_then(cargo::check)
    }),
    ("python", python::prepare),
    ("browser", browser::prepare),
    ("tests", || cargo::check(test::command())),
    ("fuzz", few_cases),
    ("experiment", smallest_experiment),
];

impl Ci {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let mut times: Vec<(&str, Duration)> = Vec::new();
        for (index, (name, step)) in STEPS.into_iter().enumerate() {
            eprintln!("\n=== {} of {}: {name}", index + 1, STEPS.len());
            let start = Instant::now();
            let outcome = step();
            times.push((name, start.elapsed()));
            if outcome.is_err() {
                print_times(&times);
            }
            outcome.with_context(|| format!("step `{name}`"))?;
        }
        print_times(&times);
        eprintln!("all checks passed");
        Ok(ExitCode::SUCCESS)
    }
}

fn print_times(times: &[(&str, Duration)]) {
    eprintln!("\n=== time");
    for (name, time) in times {
        eprintln!("{name:<14}{:>7.1} s", time.as_secs_f64());
    }
    let total: Duration = times.iter().map(|(_, time)| *time).sum();
    eprintln!("{:<14}{:>7.1} s", "total", total.as_secs_f64());
}

/// A few seconds of fuzzing.
fn few_cases() -> Result<()> {
    let fuzz = Fuzz {
        cases: Some(300),
        ..Fuzz::default()
    };
    fuzz.check()
}

/// Two models, one proof each, into a folder that is removed afterwards.
fn smallest_experiment() -> Result<()> {
    let folder: PathBuf = std::env::temp_dir().join(format!("zkassay-ci-{}", std::process::id()));
    let models = ["--models", "logistic,16", "--proofs", "1", "--setups", "1"];
    let outcome = experiment::command(&models).and_then(|mut command| {
        command.arg("--out").arg(&folder);
        cargo::check(command)
    });
    if folder.exists() {
        let removed = std::fs::remove_dir_all(&folder);
        removed.with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    outcome
}
