//! The binary behind `cargo xtask experiment`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;
use zkassay_experiment::arguments::{SourceArguments, use_threads};
use zkassay_experiment::plan::{MODELS, SEED};
use zkassay_experiment::progress::Progress;
use zkassay_experiment::{Plan, run};

/// Train, prove and verify a family of models and report accuracy beside cost.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Proofs per model, each of another test row.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 5)]
    proofs: usize,
    /// Models: widths of hidden layers (`64-32`), `logistic`, `logistic-l2`, `ridge`, `svm`, `study`.
    #[arg(long, value_name = "LIST", default_value = MODELS)]
    models: String,
    /// Folder for the runs' folders.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
    /// Seed of every random draw.
    #[arg(long, value_name = "S", default_value_t = SEED)]
    seed: u64,
    #[command(flatten)]
    source: SourceArguments,
    /// Threads to use [default: all cores].
    #[arg(long, value_name = "T")]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    match experiment(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn experiment(arguments: Arguments) -> Result<()> {
    let started = Instant::now();
    let plan = Plan {
        models: Plan::parse_models(&arguments.models)?,
        proofs: arguments.proofs,
        source: arguments.source.into(),
        out: arguments.out,
        seed: arguments.seed,
        threads: arguments.threads,
    };
    ensure!(
        plan.proofs > 0,
        "at least one proof per model is needed (--proofs)"
    );
    use_threads(plan.threads)?;
    let (record, folder) = run(&plan, &Progress::stderr())?;
    println!("\n{}", zkassay_report::table::text(&record));
    println!("Every proof was verified. Parameters: {}.", record.srs.kind);
    println!("Report: {}", folder.join("report.md").display());
    println!("Finished in {:.1} s.", started.elapsed().as_secs_f64());
    Ok(())
}
