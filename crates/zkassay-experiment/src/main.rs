//! The binary behind `cargo xtask experiment`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use zkassay_experiment::dataset::{Mode, Source};
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
    /// Models by the widths of their hidden layers.
    #[arg(long, value_name = "LIST", default_value = MODELS)]
    models: String,
    /// Folder for the runs' folders.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
    /// Seed of every random draw.
    #[arg(long, value_name = "S", default_value_t = SEED)]
    seed: u64,
    /// Token tables: a folder laid out as the `datasets-giza` bucket, or a CSV file of prices.
    #[arg(long, value_name = "PATH", default_value = "fixtures")]
    data: PathBuf,
    /// How features are made of token tables.
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// A table of your own instead, CSV or parquet: every column but label and time is a feature.
    #[arg(long, value_name = "FILE", requires = "label", conflicts_with_all = ["data", "mode"])]
    table: Option<PathBuf>,
    /// The column of the label in your table: two classes.
    #[arg(long, value_name = "COLUMN", requires = "table")]
    label: Option<String>,
    /// The column that orders the rows of your table; they are split at random without one.
    #[arg(long, value_name = "COLUMN", requires = "table")]
    time: Option<String>,
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
        source: match (arguments.table, arguments.label) {
            (Some(path), Some(label)) => Source::Table {
                path,
                label,
                time: arguments.time,
            },
            _ => Source::Tokens {
                path: arguments.data,
                mode: arguments.mode,
            },
        },
        out: arguments.out,
        seed: arguments.seed,
        threads: arguments.threads,
    };
    ensure!(
        plan.proofs > 0,
        "at least one proof per model is needed (--proofs)"
    );
    if let Some(threads) = plan.threads {
        ensure!(threads > 0, "at least one thread is needed (--threads)");
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()
            .context("the thread pool cannot be made")?;
    }
    let (record, folder) = run(&plan, &Progress::stderr())?;
    println!("\n{}", zkassay_report::table::text(&record));
    println!("Every proof was verified. Parameters: {}.", record.srs.kind);
    println!("Report: {}", folder.join("report.md").display());
    println!("Finished in {:.1} s.", started.elapsed().as_secs_f64());
    Ok(())
}
