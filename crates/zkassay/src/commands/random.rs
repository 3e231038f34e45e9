//! `zkassay gen-random-data`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use serde_json::json;
use zkassay::{input, random_rows_of};

use crate::commands::options::ImportArgs;
use crate::commands::{files, print};

/// Write rows of random numbers for a model.
///
/// The numbers are standard normal, strings those that the model knows, and all fixed by the seed. They stand in for data where there is
/// none; calibrate on real rows before a proof matters.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay gen-random-data -M network.onnx                               # one row, to prove
  zkassay gen-random-data --rows 200 --seed 1 --data calibration.json   # to calibrate")]
pub(crate) struct GenRandomData {
    /// The model.
    #[arg(short = 'M', long, value_name = "FILE", default_value = "network.onnx")]
    model: PathBuf,
    /// The file to write.
    #[arg(short = 'D', long, value_name = "FILE", default_value = "input.json")]
    data: PathBuf,
    /// How many rows.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rows: u32,
    /// What fixes the numbers.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    import: ImportArgs,
}

impl GenRandomData {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let model = files::model(&self.model, &self.import.options())?;
        let (inputs, interface) = (model.inputs(), &model.graph().interface);
        // About eleven characters each.
        let bytes = u64::from(self.rows) * inputs as u64 * 11;
        ensure!(
            bytes <= input::InputRows::MAX_BYTES,
            "{} rows of {inputs} numbers are more than a file of input data may hold; use fewer rows",
            self.rows
        );
        let rows = random_rows_of(interface, inputs, self.rows as usize, self.seed);
        files::write(&self.data, &input::to_json_of(interface, rows.view()))?;
        let record = json!({
            "data": self.data,
            "rows": self.rows,
            "inputs": inputs,
            "seed": self.seed,
        });
        print(json, &record, || {
            format!(
                "{}: {} rows of {inputs} numbers",
                self.data.display(),
                self.rows
            )
        })
    }
}
