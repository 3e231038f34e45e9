//! `zkassay setup`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use zkassay::hash::short;
use zkassay::{CompileOptions, SrsOrigin, setup};
use zkassay_verifier::artefact::hex;

use crate::commands::parameters::{LOCAL, ParametersArgs};
use crate::commands::{files, print};
use crate::progress::Spinner;

/// Make the keys of a circuit.
///
/// The proving key stays with the prover, the verifying key goes to whoever checks proofs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay setup                          # with the ceremony's parameters, after get-srs
  zkassay setup --srs-path kzg.srs
  zkassay setup --unsafe-local-srs       # to try it out")]
pub(crate) struct Setup {
    /// The circuit.
    #[arg(
        short = 'M',
        long,
        value_name = "FILE",
        default_value = "model.compiled"
    )]
    compiled_circuit: PathBuf,
    /// The proving key to write.
    #[arg(long, value_name = "FILE", default_value = "pk.key")]
    pk_path: PathBuf,
    /// The verifying key to write.
    #[arg(long, value_name = "FILE", default_value = "vk.key")]
    vk_path: PathBuf,
    #[command(flatten)]
    parameters: ParametersArgs,
}

impl Setup {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let circuit = files::circuit(&self.compiled_circuit)?;
        let spinner = Spinner::new(json, "reading parameters");
        let srs = self.parameters.for_setup(circuit.compiled.logrows())?;
        spinner.say("making keys");
        let key = setup(&srs, &circuit)?;
        spinner.finish();
        let (proving, verifying) = (key.to_bytes()?, key.verifying_key().to_bytes());
        let statement = key.verifying_key().statement();
        let digest = key.verifying_key().digest();
        let visibility = statement.shape.visibility();
        files::write_secret(&self.pk_path, &proving, visibility.is_unbound())?;
        files::write(&self.vk_path, &verifying)?;
        let record = json!({
            "pk_path": self.pk_path,
            "pk_bytes": proving.len(),
            "vk_path": self.vk_path,
            "vk_bytes": verifying.len(),
            "verifying_key": hex(&digest),
            "circuit": hex(&statement.circuit),
            "model": hex(&statement.model),
            "logrows": statement.shape.logrows(),
            "srs": statement.srs.to_string(),
            "visibility": visibility,
        });
        print(json, &record, || {
            format!(
                "{}, {}: keys {} of circuit {}\n{visibility}\nparameters {}\nnext: {}",
                self.pk_path.display(),
                self.vk_path.display(),
                short(&digest),
                short(&statement.circuit),
                match (statement.srs, self.parameters.unsafe_local_srs) {
                    (SrsOrigin::UnsafeLocal, true) =>
                        format!("{}, kept in {LOCAL}", describe(statement.srs)),
                    (origin, _) => describe(origin).to_owned(),
                },
                next(circuit.compiled.options()),
            )
        })
    }
}

/// What proves with the keys of a circuit.
pub(crate) fn next(options: &CompileOptions) -> &'static str {
    match options.batch {
        _ if options.totals => "zkassay prove-accuracy",
        1 => "zkassay prove",
        _ => "zkassay prove --batch rows.json",
    }
}

/// Where parameters come from, and what that means.
pub(crate) fn describe(origin: SrsOrigin) -> &'static str {
    match origin {
        SrsOrigin::Ceremony => "ceremony (Perpetual Powers of Tau)",
        SrsOrigin::UnsafeLocal => "unsafe-local: whoever made them can forge proofs",
        SrsOrigin::Imported => {
            "imported, of no known ceremony: whoever made them may be able to forge proofs"
        }
    }
}
