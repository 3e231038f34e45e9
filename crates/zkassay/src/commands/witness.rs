//! `zkassay gen-witness` and `zkassay mock`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use zkassay::Witness;
use zkassay::table::Layout;
use zkassay_verifier::artefact::hex;

use crate::commands::{files, print};
use crate::progress::Spinner;

/// Evaluate a circuit on one input.
///
/// The witness holds the input: keep it to yourself if the input is a secret. (Many rows have none:
/// `prove --batch` takes them as they are.)
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay gen-witness
  zkassay gen-witness -D input.json -M model.compiled -O witness.json")]
pub(crate) struct GenWitness {
    /// One row, as {"input_data": [[...]]}.
    #[arg(short = 'D', long, value_name = "FILE", default_value = "input.json")]
    data: PathBuf,
    /// The circuit.
    #[arg(
        short = 'M',
        long,
        value_name = "FILE",
        default_value = "model.compiled"
    )]
    compiled_circuit: PathBuf,
    /// The witness to write.
    #[arg(
        short = 'O',
        long,
        visible_alias = "witness",
        visible_short_alias = 'W',
        value_name = "FILE",
        default_value = "witness.json"
    )]
    output: PathBuf,
}

impl GenWitness {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let spinner = Spinner::new(json, "evaluating");
        let circuit = files::circuit(&self.compiled_circuit)?;
        Witness::check(&circuit.compiled)?;
        let rows = files::rows(
            &self.data,
            circuit.compiled.row_length(),
            &circuit.interface,
        )?;
        let shown = || self.data.display().to_string();
        let row = rows.single().with_context(shown)?;
        let witness = Witness::new(&circuit, &row).with_context(shown)?;
        spinner.finish();
        files::write_secret(&self.output, &witness.to_json(), true)?;
        let record = json!({
            "witness": self.output,
            "circuit": hex(&witness.circuit()),
            "output": witness.output(),
            "output_integers": witness.output_integers(),
        });
        print(json, &record, || {
            format!(
                "{}: the model's output is {:?}\nnext: zkassay prove",
                self.output.display(),
                witness.output(),
            )
        })
    }
}

/// Check a witness against every gate, without keys.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay mock
  zkassay mock -W witness.json -M model.compiled")]
pub(crate) struct Mock {
    /// The witness.
    #[arg(short = 'W', long, value_name = "FILE", default_value = "witness.json")]
    witness: PathBuf,
    /// The circuit.
    #[arg(
        short = 'M',
        long,
        value_name = "FILE",
        default_value = "model.compiled"
    )]
    compiled_circuit: PathBuf,
}

impl Mock {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let circuit = files::circuit(&self.compiled_circuit)?;
        let witness = files::witness(&self.witness)?;
        let spinner = Spinner::new(json, "checking every gate");
        zkassay::mock(&circuit, &witness).with_context(|| self.witness.display().to_string())?;
        spinner.finish();
        let rows = Layout::of(&circuit.compiled).dimensions.rows;
        let record = json!({ "satisfied": true, "rows": rows });
        print(json, &record, || {
            format!("every gate holds on all {rows} rows in use")
        })
    }
}
