//! The binary behind `cargo xtask accuracy`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Parser;
use zkassay_experiment::accuracy::{AccuracyPlan, Data, run};
use zkassay_experiment::arguments::{SourceArguments, use_threads};
use zkassay_experiment::plan::{SEED, parse_models};
use zkassay_experiment::progress::Progress;

/// Train every model of the zoo in many rounds and compare their accuracies.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Models: widths of hidden layers (`64-32`, `64-32:tanh`), names, `study`, `classical`
    /// [default: study,classical; study:none,classical in paper mode; logistic,128,cnn of digits].
    #[arg(long, value_name = "LIST")]
    models: Option<String>,
    /// How often each model is trained: on as many random splits [default: 20] or folds of rows
    /// in time [default: 5]; of digits, with as many seeds [default: 3].
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Seed of the first round; each adds one.
    #[arg(long, value_name = "S", default_value_t = SEED)]
    seed: u64,
    #[command(flatten)]
    source: SourceArguments,
    /// Handwritten digits instead: a folder with the four files of MNIST, or with the two of its
    /// test part, whose first four fifths then train.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["data", "mode", "table"])]
    digits: Option<PathBuf>,
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
    let data = match arguments.digits {
        Some(dir) => Data::Digits(dir),
        None => Data::Tables(arguments.source.into()),
    };
    let plan = AccuracyPlan {
        models: parse_models(arguments.models.as_deref().unwrap_or(data.models()))?,
        rounds: arguments.rounds.unwrap_or(data.rounds()),
        data,
        seed: arguments.seed,
        threads: arguments.threads,
    };
    use_threads(plan.threads)?;
    let out = arguments.out;
    std::fs::create_dir_all(&out)
        .with_context(|| format!("the folder {} cannot be made", out.display()))?;
    let record = run(&plan, &Progress::stderr())?;
    let page = record.markdown();
    let mut json = serde_json::to_vec_pretty(&record)?;
    json.push(b'\n');
    for (name, bytes) in [
        ("accuracy.json", json.as_slice()),
        ("accuracy.md", page.as_bytes()),
    ] {
        let path = out.join(name);
        zkassay_file::write(&path, bytes)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    println!("{page}");
    println!("Record: {}", out.join("accuracy.json").display());
    println!("Finished in {:.1} s.", started.elapsed().as_secs_f64());
    Ok(())
}
