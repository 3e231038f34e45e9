//! `zkassay compile-circuit`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use zkassay::Witness;
use zkassay::hash::short;
use zkassay::table::Layout;
use zkassay_verifier::artefact::{digest, hex};

use crate::commands::{files, keys, print};
use crate::progress::Spinner;

/// Lay out the circuit of a model and its calibrated settings.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay compile-circuit
  zkassay compile-circuit -M network.onnx -S settings.json --compiled-circuit model.compiled")]
pub(crate) struct CompileCircuit {
    /// The model.
    #[arg(short = 'M', long, value_name = "FILE", default_value = "network.onnx")]
    model: PathBuf,
    /// Its calibrated settings.
    #[arg(
        short = 'S',
        short_alias = 'O',
        long,
        value_name = "FILE",
        default_value = "settings.json"
    )]
    settings_path: PathBuf,
    /// The circuit to write.
    #[arg(long, value_name = "FILE", default_value = "model.compiled")]
    compiled_circuit: PathBuf,
}

impl CompileCircuit {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let settings = files::settings(&self.settings_path)?;
        let model = files::model(&self.model, settings.import())?;
        let spinner = Spinner::new(json, "compiling");
        let circuit = settings
            .compile(&model)
            .with_context(|| self.settings_path.display().to_string())?;
        let bytes = circuit.to_bytes()?;
        spinner.finish();
        let is_secret = circuit.compiled.shape().visibility().is_unbound();
        files::write_secret(&self.compiled_circuit, &bytes, is_secret)?;
        let layout = Layout::of(&circuit.compiled);
        let record = json!({
            "compiled_circuit": self.compiled_circuit,
            "sha256": hex(&digest(&bytes)),
            "bytes": bytes.len(),
            "model": hex(&circuit.model),
            "settings": hex(&circuit.settings),
            "layout": layout,
        });
        print(json, &record, || {
            format!(
                "{}: circuit {} of model {}\n{}\nnext: zkassay setup, {}",
                self.compiled_circuit.display(),
                short(&digest(&bytes)),
                short(&circuit.model),
                crate::commands::table::describe(&layout),
                match Witness::check(&circuit.compiled) {
                    Ok(()) => "zkassay gen-witness",
                    Err(_) => keys::next(circuit.compiled.options()),
                },
            )
        })
    }
}
