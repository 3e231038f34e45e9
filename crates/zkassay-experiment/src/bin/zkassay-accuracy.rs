//! The binary behind `cargo xtask accuracy`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Parser;
use zkassay_experiment::accuracy::{AccuracyPlan, run};
use zkassay_experiment::arguments::{SourceArguments, use_threads};
use zkassay_experiment::dataset::{Mode, Source};
use zkassay_experiment::plan::{SEED, parse_models};
use zkassay_experiment::progress::Progress;

/// Train every model of the zoo in many rounds and compare their accuracies.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Models: widths of hidden layers (`64-32`, `64-32:tanh`), names, `study`, `classical`
    /// [default: study,classical; study:none,classical in paper mode].
    #[arg(long, value_name = "LIST")]
    models: Option<String>,
    /// How often the rows are split [default: 20, or 5 folds of rows in time].
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Seed of the first round; each adds one.
    #[arg(long, value_name = "S", default_value_t = SEED)]
    seed: u64,
    #[command(flatten)]
    source: SourceArguments,
    /// Threads to use [default: all cores].
    #[arg(long, value_name = "T")]
    threads: Option<usize>,
    /// Folder for `accuracy.json` and `accuracy.md`.
    #[arg(long, value_name = "DIR", default_value = "runs/accuracy")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match accuracy(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn accuracy(arguments: Arguments) -> Result<()> {
    let started = Instant::now();
    let source: Source = arguments.source.into();
    let is_paper = matches!(
        &source,
        Source::Tokens {
            mode: Mode::Paper,
            ..
        }
    );
    let is_in_time = match &source {
        Source::Tokens { mode, .. } => *mode == Mode::Honest,
        Source::Table { time, .. } => time.is_some(),
    };
    let models = arguments.models.unwrap_or_else(|| {
        let networks = if is_paper { "study:none" } else { "study" };
        format!("{networks},classical")
    });
    let plan = AccuracyPlan {
        models: parse_models(&models)?,
        source,
        rounds: arguments.rounds.unwrap_or(if is_in_time { 5 } else { 20 }),
        seed: arguments.seed,
        threads: arguments.threads,
    };
    use_threads(plan.threads)?;
    let record = run(&plan, &Progress::stderr())?;
    let page = record.markdown();
    let json = serde_json::to_vec_pretty(&record)?;
    for (name, bytes) in [
        ("accuracy.json", json.as_slice()),
        ("accuracy.md", page.as_bytes()),
    ] {
        let path = arguments.out.join(name);
        std::fs::create_dir_all(&arguments.out)
            .with_context(|| format!("the folder {} cannot be made", arguments.out.display()))?;
        zkassay_file::write(&path, bytes)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    println!("{page}");
    println!("Record: {}", arguments.out.join("accuracy.json").display());
    println!("Finished in {:.1} s.", started.elapsed().as_secs_f64());
    Ok(())
}
