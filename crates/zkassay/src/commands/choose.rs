//! `zkassay choose`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use zkassay_report::{Budget, choose, newest, read};

use crate::commands::{print, quantity};

/// Where runs are, unless one is named.
const RUNS: &str = "runs";

/// Choose the best model of a run within a budget, and show the frontier.
///
/// The quantised model's accuracy counts, for that model is proved; times are medians on the run's
/// machine. Says the best model within the budget, the cheapest that the test rows cannot tell
/// apart from it, the models that no other beats, and what the rest misses by how much.
#[derive(Debug, Args)]
#[command(after_help = "\
Durations have a unit (800us, 50ms, 1.5s, 2min), so have sizes (800B, 4kB, 1.5MB, 1MiB); accuracy is
0.6 or 60%. Without limits the most accurate model is the best.

Exit code 7: no model is within the budget; what is nearest is printed all the same.

Examples:
  zkassay choose --max-prove 50ms
  zkassay choose runs/2022-06-01-000000 --max-prove 50ms --max-proof 4kB --min-accuracy 60%
  zkassay choose record.json --max-memory 100MB --json")]
pub(crate) struct Choose {
    /// A run's folder or its record.json [default: the newest folder in runs/].
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,
    /// Most time for a proof.
    #[arg(long, value_name = "TIME", value_parser = quantity::milliseconds)]
    max_prove: Option<f64>,
    /// Most time to verify a proof.
    #[arg(long, value_name = "TIME", value_parser = quantity::milliseconds)]
    max_verify: Option<f64>,
    /// Most time to make the keys.
    #[arg(long, value_name = "TIME", value_parser = quantity::milliseconds)]
    max_setup: Option<f64>,
    /// Largest proof.
    #[arg(long, value_name = "SIZE", value_parser = quantity::bytes)]
    max_proof: Option<u64>,
    /// Largest proving key.
    #[arg(long, value_name = "SIZE", value_parser = quantity::bytes)]
    max_key: Option<u64>,
    /// Most memory of the prover.
    #[arg(long, value_name = "SIZE", value_parser = quantity::bytes)]
    max_memory: Option<u64>,
    /// Least accuracy of the quantised model on the test rows.
    #[arg(long, value_name = "SHARE", value_parser = quantity::share)]
    min_accuracy: Option<f64>,
}

/// No model is within the budget.
#[derive(Debug, thiserror::Error)]
#[error("no model of run {run} is within the budget")]
pub(crate) struct NoModel {
    run: String,
}

impl Choose {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let budget = Budget {
            max_prove_ms: self.max_prove,
            max_verify_ms: self.max_verify,
            max_setup_ms: self.max_setup,
            max_proof_bytes: self.max_proof,
            max_pk_bytes: self.max_key,
            max_memory_bytes: self.max_memory,
            min_accuracy: self.min_accuracy,
        };
        let path = match self.run {
            Some(path) => path,
            None => newest(Path::new(RUNS))?,
        };
        let record = read(&path)?;
        let choice = choose(&record, &budget);
        let mut printed = json!({ "run": record.id, "path": path });
        if let (Value::Object(all), Value::Object(of)) = (&mut printed, json!(choice)) {
            all.extend(of);
        }
        print(json, &printed, || {
            format!("Run {}\n\n{}", path.display(), choice.text().trim_end())
        })?;
        match choice.best {
            Some(_) => Ok(()),
            None => Err(NoModel { run: record.id }.into()),
        }
    }
}
