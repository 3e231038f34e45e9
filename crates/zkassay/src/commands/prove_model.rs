//! `zkassay prove-model`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use zkassay::prove_model::{Event, Stage, prove_model_batch, prove_model_watched};
use zkassay::settings::Calibrated;
use zkassay::table::Layout;
use zkassay::{
    Batch, BatchVerdict, Circuit, InputRows, Model, Parameters, Proof, ProveOptions, Proved,
    ProvedBatch, ProvingKey, Settings, Srs, Witness,
};

use crate::commands::options::{CalibrationArgs, CompileArgs, ImportArgs};
use crate::commands::parameters::{LOCAL, ParametersArgs};
use crate::commands::{batch, files, print, proof, settings, table, tried};
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
  zkassay prove-model network.onnx input.json --input-visibility hashed --srs-path kzg.srs
  zkassay prove-model network.onnx rows.json --batch 32 --calibration calibration.json")]
pub(crate) struct ProveModel {
    /// The model.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// One row, as {"input_data": [[...]]}; with --batch any number of rows.
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
        let input = files::rows(&self.input, model.inputs(), &model.graph().interface)?;
        let shown = || self.input.display().to_string();
        let row = match self.compile.is_batch() {
            true => None,
            false => Some(input.single().with_context(shown)?),
        };
        let options = self.options(&model)?;
        drop(model);
        std::fs::create_dir_all(&self.out)
            .with_context(|| format!("cannot make the folder {}", self.out.display()))?;

        let spinner = Spinner::new(json, "");
        let mut stages = Vec::new();
        let watch = |event| match event {
            Event::Started(stage) => spinner.say(stage.word()),
            Event::Done(stage, time) => {
                if !json {
                    spinner.suspend(|| {
                        let seconds = time.as_secs_f64();
                        // A reader who left does not stop the proof.
                        let _ = writeln!(std::io::stdout(), "{:<12}{seconds:.3} s", stage.word());
                    });
                }
                stages.push((stage, time.as_secs_f64()));
            }
        };
        let done = match row {
            Some(row) => prove_model_watched(&onnx, &row, &options, watch).map(Done::one),
            None => prove_model_batch(&onnx, input.view(), &options, watch).map(Done::batch),
        };
        spinner.finish();
        let done = tried::shown(json, done)?;
        let files = self.write(&done)?;

        let seconds = |of: Stage| {
            let stage = stages.iter().find(|(stage, _)| *stage == of);
            stage.map_or(0.0, |(_, seconds)| *seconds)
        };
        let key = done.key.verifying_key();
        let words = match &done.proofs {
            Proofs::One { proof, .. } => proof::words(&done.circuit, proof),
            Proofs::Batch { .. } => Vec::new(),
        };
        let mut record = match &done.proofs {
            Proofs::One { proof, .. } => proof::record(key, proof),
            Proofs::Batch { verdict, .. } => batch::record(key, verdict, seconds(Stage::Verify)),
        };
        let calibrated = options
            .rows
            .as_ref()
            .map_or(input.view(), |rows| rows.view());
        let rows = calibrated.nrows();
        let listed = stages
            .iter()
            .map(|(stage, seconds)| json!({ "stage": stage.word(), "seconds": seconds }));
        record["stages"] = listed.collect();
        let bytes = |name: &str| files.get(name).copied().unwrap_or(0);
        if !words.is_empty() {
            record["words"] = json!(words);
        }
        record["out"] = json!(self.out);
        record["files"] = json!(files);
        record["calibration"] = json!({ "rows": rows, "from_input": options.rows.is_none() });
        record["layout"] = json!(Layout::of(&done.circuit.compiled));
        record["warnings"] = json!(done.settings.calibration().map(Calibrated::warnings));
        record["settings"] = json!(done.settings);
        print(json, &record, || {
            let mut lines = match options.rows {
                Some(_) => vec![format!("\ncalibrated on {rows} rows")],
                None => vec![
                    "\ncalibrated on the input alone: the range is its own, times the margin, \
                     and tells about it; for other inputs pass --calibration"
                        .to_owned(),
                ],
            };
            lines.extend(settings::describe(&done.settings));
            lines.push(table::describe(&Layout::of(&done.circuit.compiled)));
            lines.push(format!(
                "\naccepted: {}",
                self.out.join("proof.zkp").display()
            ));
            match &done.proofs {
                Proofs::One { proof, .. } => {
                    lines.extend(proof::summary(key, proof));
                    lines.extend(proof::described(&words));
                }
                Proofs::Batch { verdict, .. } => {
                    lines.extend(batch::summary(key, verdict));
                    let count = verdict.rows.len();
                    lines.push(format!(
                        "prove {}",
                        batch::time(seconds(Stage::Prove), count, "inference")
                    ));
                }
            }
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
            Some(path) => {
                let interface = &model.graph().interface;
                Some(files::rows(path, model.inputs(), interface).map(InputRows::into)?)
            }
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
    fn write(&self, done: &Done) -> Result<BTreeMap<&'static str, usize>> {
        let shape = done.circuit.compiled.shape();
        let hides_weights = shape.visibility().is_unbound();
        let mut files = vec![
            ("settings.json", done.settings.to_json(), false),
            ("model.compiled", done.circuit.to_bytes()?, hides_weights),
            ("pk.key", done.key.to_bytes()?, hides_weights),
            ("vk.key", done.key.verifying_key().to_bytes(), false),
        ];
        match &done.proofs {
            Proofs::One { witness, proof } => {
                files.push(("witness.json", witness.to_json(), true));
                files.push(("proof.zkp", proof.to_bytes(), false));
            }
            Proofs::Batch { batch, .. } => files.push(("proof.zkp", batch.to_bytes(), false)),
        }
        if self.parameters.unsafe_local_srs {
            files.push((LOCAL, done.srs.to_bytes(), false));
        }
        let write = |(name, bytes, is_secret): (&'static str, Vec<u8>, bool)| {
            let path = self.out.join(name);
            files::write_secret(&path, &bytes, is_secret).map(|()| (name, bytes.len()))
        };
        files.into_iter().map(write).collect()
    }
}

/// What the stages leave, for one row or many.
struct Done {
    settings: Settings,
    circuit: Circuit,
    srs: Srs,
    key: ProvingKey,
    proofs: Proofs,
}

/// Proofs, and what else differs.
enum Proofs {
    One { witness: Box<Witness>, proof: Proof },
    Batch { batch: Batch, verdict: BatchVerdict },
}

impl Done {
    fn one(proved: Proved) -> Self {
        Self {
            settings: proved.settings,
            circuit: proved.circuit,
            srs: proved.srs,
            key: proved.key,
            proofs: Proofs::One {
                witness: Box::new(proved.witness),
                proof: proved.proof,
            },
        }
    }

    fn batch(proved: ProvedBatch) -> Self {
        Self {
            settings: proved.settings,
            circuit: proved.circuit,
            srs: proved.srs,
            key: proved.key,
            proofs: Proofs::Batch {
                batch: proved.batch,
                verdict: proved.verdict,
            },
        }
    }
}
