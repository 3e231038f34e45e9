//! Flags that several commands share.

use clap::{Args, ValueEnum};
use zkassay::{
    CalibrationOptions, CompileOptions, DataVisibility, LayoutTarget, ParamsVisibility, Target,
    Visibility,
};

/// What to compile for.
#[derive(Debug, Args)]
pub(crate) struct CompileArgs {
    /// How the input appears in the proof: private, public or hashed.
    #[arg(long, value_name = "VISIBILITY", default_value_t = DataVisibility::Private)]
    input_visibility: DataVisibility,
    /// How the output appears in the proof: private, public or hashed.
    #[arg(long, value_name = "VISIBILITY", default_value_t = DataVisibility::Public)]
    output_visibility: DataVisibility,
    /// Whether the key fixes the parameters: fixed, or private (unbound: the proof says that
    /// some parameters give the output, not whose).
    #[arg(long, value_name = "VISIBILITY", default_value_t = ParamsVisibility::Fixed)]
    param_visibility: ParamsVisibility,
    /// What the layout is for: speed, size of the proof, or evm (a contract of at most 24,576 bytes).
    #[arg(long, value_name = "TARGET", default_value_t = LayoutTarget::Speed)]
    layout: LayoutTarget,
}

impl CompileArgs {
    pub(crate) fn options(&self) -> CompileOptions {
        CompileOptions {
            visibility: Visibility {
                input: self.input_visibility,
                output: self.output_visibility,
                params: self.param_visibility,
            },
            target: self.layout,
        }
    }
}

/// What to calibrate for.
#[derive(Debug, Args)]
pub(crate) struct CalibrationArgs {
    /// The cheapest circuit within the allowed error, or the most accurate one.
    #[arg(long, value_enum, default_value_t = TargetName::Resources)]
    target: TargetName,
    /// The greatest error on the calibration rows that `--target resources` allows.
    #[arg(long, value_name = "ERROR", default_value_t = 1e-2, value_parser = positive)]
    max_error: f64,
    /// Inputs are accepted up to this many times the greatest calibration value.
    #[arg(long, value_name = "FACTOR", default_value_t = 2.0, value_parser = margin)]
    margin: f64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TargetName {
    Resources,
    Accuracy,
}

impl CalibrationArgs {
    pub(crate) fn options(&self) -> CalibrationOptions {
        CalibrationOptions {
            target: match self.target {
                TargetName::Resources => Target::Resources {
                    max_error: self.max_error,
                },
                TargetName::Accuracy => Target::Accuracy,
            },
            margin: self.margin,
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("expected a positive number".to_owned()),
    }
}

fn margin(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (1.0..=f64::from(1 << 20)).contains(&number) => Ok(number),
        _ => Err("expected a number from 1 to 2^20".to_owned()),
    }
}
