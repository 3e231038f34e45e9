//! `zkassay prove-model`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use zkassay::prove_model::{Event, prove_model_watched};
use zkassay::{InputRows, Model, Parameters, ProveOptions, Proved};

use crate::commands::options::{CalibrationArgs, CompileArgs, ImportArgs};
use crate::commands::parameters::{LOCAL, ParametersArgs};
use crate::commands::{files, print, proof, settings, table};
use crate::progress::Spinner;

/// Prove an ONNX model: all stages in one command.
///
/// Calibrates, compiles, makes keys, proves, verifies, and leaves every artefact in a folder, where
/// the other commands find them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay prove-model network.onnx input.json --calibration calibration.json
  zkassay prove-model network.onnx input.json --unsafe-local-srs --out trial
  zkassay prove-model network.onnx input.json --input-visibility hashed --srs-path kzg.srs")]
pub(crate) struct ProveModel {
    /// The model.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// One row, as {"input_data": [[...]]}.
    #[arg(value_name = "INPUT")]
    input: PathBuf,
    /// Rows like the inputs to expect [default: the input itself gives the range].
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// Where the artefacts go.
    #[arg(long, value_name = "DIR", default_value = "proof")]
    out: PathBuf,
    #[command(flatten)]
    import: ImportArgs,
    #[command(flatten)]
    compile: CompileArgs,
    #[command(flatten)]
    search: CalibrationArgs,
    #[command(flatten)]
    parameters: ParametersArgs,
}

impl ProveModel {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let (onnx, model) = files::onnx(&self.model, &self.import.options())?;
        let input = files::rows(&self.input, model.inputs())?;
        let input = input
            .single()
            .with_context(|| self.input.display().to_string())?;
        let options = self.options(&model)?;
        drop(model);
        std::fs::create_dir_all(&self.out)
            .with_context(|| format!("cannot make the folder {}", self.out.display()))?;

        let spinner = Spinner::new(json, "");
        let mut stages = Vec::new();
        let proved = prove_model_watched(&onnx, &input, &options, |event| match event {
            Event::Started(stage) => spinner.say(stage.word()),
            Event::Done(stage, time) => {
                if !json {
                    spinner.suspend(|| {
                        let seconds = time.as_secs_f64();
                        // A reader who left does not stop the proof.
                        let _ = writeln!(std::io::stdout(), "{:<12}{seconds:.3} s", stage.word());
                    });
                }
                stages.push(json!({ "stage": stage.word(), "seconds": time.as_secs_f64() }));
            }
        })?;
        spinner.finish();
        let files = self.write(&proved)?;

        let key = proved.key.verifying_key();
        let mut record = proof::record(key, &proved.proof);
        let rows = options.rows.as_ref().map_or(1, |rows| rows.nrows());
        record["stages"] = json!(stages);
        let bytes = |name: &str| files.get(name).copied().unwrap_or(0);
        record["out"] = json!(self.out);
        record["files"] = json!(files);
        record["calibration"] = json!({ "rows": rows, "from_input": options.rows.is_none() });
        record["layout"] = json!(zkassay::table::Layout::of(&proved.circuit.compiled));
        record["settings"] = json!(proved.settings);
        print(json, &record, || {
            let mut lines = match options.rows {
                Some(_) => vec![format!("\ncalibrated on {rows} rows")],
                None => vec![
                    "\ncalibrated on the input alone: the range is its own, times the margin, \
                     and tells about it; for other inputs pass --calibration"
                        .to_owned(),
                ],
            };
            lines.extend(settings::describe(&proved.settings));
            lines.push(table::describe(&zkassay::table::Layout::of(
                &proved.circuit.compiled,
            )));
            lines.push(format!(
                "\naccepted: {}",
                self.out.join("proof.zkp").display()
            ));
            lines.extend(proof::summary(key, &proved.proof));
            lines.push(format!(
                "artefacts   {}: proof {} bytes, verifying key {}, proving key {}",
                self.out.display(),
                bytes("proof.zkp"),
                bytes("vk.key"),
                bytes("pk.key"),
            ));
            lines.join("\n")
        })
    }

    fn options(&self, model: &Model) -> Result<ProveOptions> {
        let rows = match &self.calibration {
            Some(path) => Some(files::rows(path, model.inputs()).map(InputRows::into)?),
            None => None,
        };
        Ok(ProveOptions {
            import: self.import.options(),
            compile: self.compile.options(),
            calibration: self.search.options(),
            rows,
            parameters: match (&self.parameters.srs_path, self.parameters.unsafe_local_srs) {
                (Some(path), _) => Parameters::File(path.clone()),
                (None, true) => Parameters::UnsafeLocal,
                (None, false) => Parameters::Cached,
            },
        })
    }

    /// Writes every artefact; returns names and sizes.
    fn write(&self, proved: &Proved) -> Result<BTreeMap<&'static str, usize>> {
        let shape = proved.circuit.compiled.shape();
        let hides_weights = shape.visibility().is_unbound();
        let mut files = vec![
            ("settings.json", proved.settings.to_json(), false),
            ("model.compiled", proved.circuit.to_bytes()?, hides_weights),
            ("witness.json", proved.witness.to_json(), true),
            ("pk.key", proved.key.to_bytes()?, hides_weights),
            ("vk.key", proved.key.verifying_key().to_bytes(), false),
            ("proof.zkp", proved.proof.to_bytes(), false),
        ];
        if self.parameters.unsafe_local_srs {
            files.push((LOCAL, proved.srs.to_bytes(), false));
        }
        let write = |(name, bytes, is_secret): (&'static str, Vec<u8>, bool)| {
            let path = self.out.join(name);
            files::write_secret(&path, &bytes, is_secret).map(|()| (name, bytes.len()))
        };
        files.into_iter().map(write).collect()
    }
}
