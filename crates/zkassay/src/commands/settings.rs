//! `zkassay gen-settings` and `zkassay calibrate-settings`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use zkassay::Settings;
use zkassay::hash::short;
use zkassay::settings::Calibrated;
use zkassay_circuit::cost::Machine;
use zkassay_quant::ErrorSummary;
use zkassay_verifier::artefact::hex;

use crate::commands::accuracy::CountArgs;
use crate::commands::options::{CalibrationArgs, CompileArgs, ImportArgs};
use crate::commands::{files, print, tried};
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
                "{}: settings of model {}\n{}, layout for {}{}{}{}\nnext: zkassay calibrate-settings",
                self.settings_path.display(),
                short(&model.digest()),
                settings.options().visibility,
                settings.options().target,
                match settings.options().batch {
                    1 => String::new(),
                    batch => format!(", {batch} inferences in one proof"),
                },
                self.count.described(),
                match settings.rows_of_file() {
                    Some(rows) => format!(
                        "\nthe file is made for batches of {rows} rows, and treats each alone: a row is an \
                         inference"
                    ),
                    None => String::new(),
                },
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
        let rows = files::rows(&self.data, model.inputs(), &model.graph().interface)?;
        let spinner = Spinner::new(json, "calibrating");
        let settings = settings.calibrate(&model, rows.view(), &self.calibration.options());
        spinner.finish();
        let settings = tried::shown(json, settings)?;
        files::write(&self.settings_path, &settings.to_json())?;
        let record = json!({
            "settings_path": self.settings_path,
            "sha256": hex(&settings.digest()),
            "rows": rows.view().nrows(),
            "warnings": settings.calibration().map(Calibrated::warnings),
            "settings": settings,
        });
        print(json, &record, || {
            format!(
                "{}\n{}: calibrated on {} rows\n{}\n{}\nnext: zkassay compile-circuit",
                tried::lines(settings.calibration().map_or(&[][..], |c| &c.trials)).join("\n"),
                self.settings_path.display(),
                rows.view().nrows(),
                describe(&settings).join("\n"),
                outputs(&settings).join("\n"),
            )
        })
    }
}

/// The errors of each output, in columns; of many, the first.
fn outputs(settings: &Settings) -> Vec<String> {
    const SHOWN: usize = 20;
    let outputs = settings.calibration().map_or(&[][..], |c| &c.per_output);
    let mut lines = vec![format!(
        "{:<8}{:>44}{:>44}{:>12}",
        "output",
        "absolute error: mean, median, max, min",
        "percent: mean, median, max, min",
        "parts: max"
    )];
    let columns = |errors: &ErrorSummary| {
        [errors.mean, errors.median, errors.max, errors.min]
            .map(|error| format!("{error:>11.2e}"))
            .concat()
    };
    for (index, output) in outputs.iter().take(SHOWN).enumerate() {
        let (absolute, percent) = (columns(&output.absolute), columns(&output.percent));
        let parts = output.parts.max;
        lines.push(format!("{index:<8}{absolute}{percent}{parts:>12.2e}"));
    }
    if outputs.len() > SHOWN {
        lines.push(format!(
            "... and {} more, in the file",
            outputs.len() - SHOWN
        ));
    }
    lines
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
    let percent = calibrated.per_output.iter().map(|of| of.percent);
    let outputs = calibrated.per_output.len().max(1) as f64;
    let mut lines = vec![
        match calibrated.accepts_any() {
            true => "inputs   any number: the trees' decisions are exact".to_owned(),
            false if calibrated.accepted_each.is_empty() => format!("inputs   {low} to {high}"),
            false => format!(
                "inputs   each within a range of its own, at most {low} to {high}; the settings file has them"
            ),
        },
        format!(
            "error    mean {:.2e}, greatest {:.2e}; same class in {:.2} % of rows",
            calibrated.fidelity.mean,
            calibrated.fidelity.max,
            100.0 * calibrated.fidelity.agreement,
        ),
        format!(
            "         mean {:.2e} %, greatest {:.2e} % of the value; greatest {:.2e} parts of the output's magnitude",
            percent.clone().map(|of| of.mean).sum::<f64>() / outputs,
            percent.map(|of| of.max).fold(0.0, f64::max),
            calibrated.fidelity.max_parts,
        ),
        format!("limbs    {}", tried::scales(&calibrated.scheme)),
        format!("rows     2^{}", calibrated.logrows),
        format!(
            "tried    {} settings, {} met the target; the settings file says why the others did not",
            calibrated.trials.len(),
            met.count(),
        ),
    ];
    let warnings = calibrated.warnings().into_iter();
    lines.extend(warnings.map(|warning| format!("warning  {warning}")));
    lines
}
