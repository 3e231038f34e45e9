//! zkassay as a process that is asked for one stage at a time: what the experiment measures.
//!
//! ```text
//! zkassay-worker MODEL.onnx ROWS.json FOLDER [--parameters DIR] [--batch B] [--threads T]
//! ```
//!
//! `ROWS.json` holds `{"calibration": [[...]], "test": [[...]]}`, one list per row. `FOLDER` gets
//! what a user of the library has: `settings.json`, the keys `model.pk` and `model.vk`, and a file in
//! `proofs/` for each proved row. Each line of standard input asks for one stage, each line of
//! standard output is its answer, a JSON object: `seconds` and `cpu_seconds` (of all threads) of
//! what is timed, and what the stage has to tell; or `{"error": "..."}`, with `"refused": true` if
//! only this row cannot be proved.
//!
//! | request | what is timed | besides, untimed | answer |
//! |---|---|---|---|
//! | `settings` | reading and importing the file, default settings | | |
//! | `calibrate` | scales on the calibration rows | `settings.json` | |
//! | `compile` | the circuit | | `circuit`, `settings` |
//! | `prepare` | all three | | `circuit`, `settings` |
//! | `parameters` | making parameters of this size, unless their file is there | | `srs_bytes` |
//! | `setup` | reading the parameters, making the keys, writing them | | `pk_bytes`, `vk_bytes` |
//! | `witness I` | evaluating test row `I` and filling the table; first refused with a reason if it is out of range | first reading key and parameters, if they are new | |
//! | `prove I` | the proof of the witness, and writing it | | `proof_bytes` |
//! | `verify I` | reading the proof, and verifying it with the verifying key | first reading the key | `outputs` |
//! | `evaluate I` | the integer model alone | | `outputs` |
//!
//! What a proof says is compared with the integer model's outputs, and has to be the same bit for
//! bit. Files are first written beside their place, and moved there when the clock has stopped and
//! they are on disk: the clock does not see how long a disk takes.
//!
//! With `--batch B` a proof is of `B` inferences: number `I` of the test rows from `I * B` on, and
//! outputs are those of all of them, one row after the other.

mod chosen;
mod clock;
mod rows;
mod stages;

use std::io::{BufRead as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;
use serde_json::{Value, json};
use zkassay_experiment::arguments::use_threads;

use crate::stages::{Refusal, Stages};

/// Take one model through zkassay's stages, as standard input asks for them.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The ONNX file.
    model: PathBuf,
    /// JSON with rows to calibrate on and rows to prove.
    rows: PathBuf,
    /// Folder for settings, keys and proofs.
    folder: PathBuf,
    /// Folder for parameters, which models of one size share [default: FOLDER].
    #[arg(long, value_name = "DIR")]
    parameters: Option<PathBuf>,
    /// Inferences in one proof.
    #[arg(long, value_name = "B", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// Threads to use [default: all cores].
    #[arg(long, value_name = "T")]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    match serve(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: Arguments) -> Result<()> {
    use_threads(arguments.threads)?;
    let mut stages = Stages::new(arguments)?;
    let mut answers = std::io::stdout().lock();
    for request in std::io::stdin().lock().lines() {
        let answer = answer(&mut stages, &request?);
        writeln!(answers, "{answer}")?;
        answers.flush()?;
    }
    Ok(())
}

/// The answer to one line.
fn answer(stages: &mut Stages, request: &str) -> Value {
    answer_of(|| {
        let (stage, row) = request.split_once(' ').unwrap_or((request, "0"));
        let row = row.parse().with_context(|| format!("row `{row}`"))?;
        stages.answer(stage, row)
    })
}

/// What `stage` gives as an answer. A panic is one, too: whoever asked is waiting for a line.
fn answer_of(stage: impl FnOnce() -> Result<Value>) -> Value {
    match catch_unwind(AssertUnwindSafe(stage)) {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) if error.is::<Refusal>() => {
            json!({ "error": format!("{error:#}"), "refused": true })
        }
        Ok(Err(error)) => json!({ "error": format!("{error:#}") }),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            json!({ "error": format!("panicked: {}", said.unwrap_or("without a message")) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_answer() {
        let row = 3;
        let said = |answer: Value| answer["error"].clone();
        assert_eq!(
            said(answer_of(|| panic!("no row {row}"))),
            "panicked: no row 3"
        );
        assert_eq!(said(answer_of(|| panic!("no rows"))), "panicked: no rows");
        assert_eq!(answer_of(|| Ok(json!(1))), 1);
    }
}
