//! `zkassay gen-settings` and `zkassay calibrate-settings`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use zkassay::Settings;
use zkassay::hash::short;
use zkassay_circuit::cost::Machine;
use zkassay_quant::{ErrorSummary, IntegerScheme, IntegerTrial};
use zkassay_verifier::artefact::hex;

use crate::commands::accuracy::CountArgs;
use crate::commands::options::{CalibrationArgs, CompileArgs, ImportArgs};
use crate::commands::{files, print};
use crate::progress::Spinner;

/// Choose what a proof reveals, and what the layout is for.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay gen-settings -M network.onnx
  zkassay gen-settings -M network.onnx --input-visibility hashed
  zkassay gen-settings -M network.onnx --layout evm -O evm.json
  zkassay gen-settings -M network.onnx --batch 128      # for prove --batch rows.json
  zkassay gen-settings -M network.onnx --batch 32 --count correct --classes 2 \\
    --input-visibility public                           # for prove-accuracy --data test.json")]
pub(crate) struct GenSettings {
    /// The model.
    #[arg(short = 'M', long, value_name = "FILE", default_value = "network.onnx")]
    model: PathBuf,
    /// The settings to write.
    #[arg(
        short = 'O',
        short_alias = 'S',
        long,
        value_name = "FILE",
        default_value = "settings.json"
    )]
    settings_path: PathBuf,
    #[command(flatten)]
    import: ImportArgs,
    #[command(flatten)]
    compile: CompileArgs,
    #[command(flatten)]
    count: CountArgs,
}

impl GenSettings {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let model = files::model(&self.model, &self.import.options())?;
        let settings = Settings::new(&model, &self.compile.options());
        let settings = self.count.applied(settings)?;
        // Refused here rather than in a later stage, if the model fits no table.
        zkassay::ModelTable::planned(&model, &settings.options(), &Machine::default())
            .with_context(|| self.model.display().to_string())?;
        files::write(&self.settings_path, &settings.to_json())?;
        let record = json!({
            "settings_path": self.settings_path,
            "sha256": hex(&settings.digest()),
            "settings": settings,
        });
        print(json, &record, || {
            format!(
                "{}: settings of model {}\n{}, layout for {}{}{}\nnext: zkassay calibrate-settings",
                self.settings_path.display(),
                short(&model.digest()),
                settings.options().visibility,
                settings.options().target,
                match settings.options().batch {
                    1 => String::new(),
                    batch => format!(", {batch} inferences in one proof"),
                },
                self.count.described(),
            )
        })
    }
}

/// Choose the scales on rows like the inputs to expect.
///
/// The rows fix the range of inputs that the circuit accepts, and the errors are measured on
/// them. A few hundred rows of training data do well.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay calibrate-settings -M network.onnx -D calibration.json
  zkassay calibrate-settings --target accuracy
  zkassay calibrate-settings --max-error 1e-3 --margin 4")]
pub(crate) struct CalibrateSettings {
    /// The model.
    #[arg(short = 'M', long, value_name = "FILE", default_value = "network.onnx")]
    model: PathBuf,
    /// Rows, as {"input_data": [[...], ...]}.
    #[arg(
        short = 'D',
        long,
        value_name = "FILE",
        default_value = "calibration.json"
    )]
    data: PathBuf,
    /// The settings to complete.
    #[arg(
        short = 'O',
        short_alias = 'S',
        long,
        value_name = "FILE",
        default_value = "settings.json"
    )]
    settings_path: PathBuf,
    #[command(flatten)]
    calibration: CalibrationArgs,
}

impl CalibrateSettings {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let settings = files::settings(&self.settings_path)?;
        let model = files::model(&self.model, settings.import())?;
        let rows = files::rows(&self.data, model.inputs())?;
        let spinner = Spinner::new(json, "calibrating");
        let settings = settings.calibrate(&model, rows.view(), &self.calibration.options())?;
        spinner.finish();
        files::write(&self.settings_path, &settings.to_json())?;
        let record = json!({
            "settings_path": self.settings_path,
            "sha256": hex(&settings.digest()),
            "rows": rows.view().nrows(),
            "settings": settings,
        });
        print(json, &record, || {
            format!(
                "{}\n{}: calibrated on {} rows\n{}\n{}\nnext: zkassay compile-circuit",
                trials(&settings).join("\n"),
                self.settings_path.display(),
                rows.view().nrows(),
                describe(&settings).join("\n"),
                outputs(&settings).join("\n"),
            )
        })
    }
}

/// Every setting that was tried, and why it was rejected.
fn trials(settings: &Settings) -> Vec<String> {
    let trials = settings.calibration().map_or(&[][..], |c| &c.trials);
    let line = |trial: &IntegerTrial| {
        let result = match (&trial.rejected, trial.fidelity) {
            (Some(reason), _) => format!("rejected: {reason}"),
            (None, Some(fidelity)) => format!("mean error {:.2e}", fidelity.mean),
            (None, None) => String::new(),
        };
        format!("tried    {}: {result}", scales(&trial.scheme))
    };
    trials.iter().map(line).collect()
}

/// The errors of each output, in columns; of many, the first.
fn outputs(settings: &Settings) -> Vec<String> {
    const SHOWN: usize = 20;
    let outputs = settings.calibration().map_or(&[][..], |c| &c.per_output);
    let mut lines = vec![format!(
        "{:<8}{:>44}{:>44}",
        "output", "absolute error: mean, median, max, min", "percent: mean, median, max, min"
    )];
    let columns = |errors: &ErrorSummary| {
        [errors.mean, errors.median, errors.max, errors.min]
            .map(|error| format!("{error:>11.2e}"))
            .concat()
    };
    for (index, output) in outputs.iter().take(SHOWN).enumerate() {
        let (absolute, percent) = (columns(&output.absolute), columns(&output.percent));
        lines.push(format!("{index:<8}{absolute}{percent}"));
    }
    if outputs.len() > SHOWN {
        lines.push(format!(
            "... and {} more, in the file",
            outputs.len() - SHOWN
        ));
    }
    lines
}

/// Limbs and scales, in words.
fn scales(scheme: &IntegerScheme) -> String {
    match scheme {
        IntegerScheme::Chain(scheme) => {
            let limbs = scheme.limbs;
            format!(
                "{} bits; {} for an input, {} for a remainder, {} for a magnitude",
                limbs.bits, limbs.input, limbs.remainder, limbs.magnitude,
            )
        }
        IntegerScheme::Program(scheme) => {
            let limbs = scheme.limbs;
            format!(
                "{} bits; {} in a row, {} for an input, {} for a remainder; scales up to 2^{}",
                limbs.bits, limbs.total, limbs.input, limbs.shift, scheme.fraction_bits,
            )
        }
    }
}

/// What the calibration found, in lines.
pub(crate) fn describe(settings: &Settings) -> Vec<String> {
    let Some(calibrated) = settings.calibration() else {
        return Vec::new();
    };
    let [low, high] = calibrated.accepted;
    let met = calibrated
        .trials
        .iter()
        .filter(|trial| trial.rejected.is_none());
    vec![
        match calibrated.accepts_any() {
            true => "inputs   any number: the trees' decisions are exact".to_owned(),
            false => format!("inputs   {low} to {high}"),
        },
        format!(
            "error    mean {:.2e}, greatest {:.2e}; same class in {:.2} % of rows",
            calibrated.fidelity.mean,
            calibrated.fidelity.max,
            100.0 * calibrated.fidelity.agreement,
        ),
        format!("limbs    {}", scales(&calibrated.scheme)),
        format!("rows     2^{}", calibrated.logrows),
        format!(
            "tried    {} settings, {} met the target; the settings file says why the others did not",
            calibrated.trials.len(),
            met.count(),
        ),
    ]
}
