//! Flags that several commands share.

use clap::{Args, ValueEnum};
use zkassay::{
    CalibrationOptions, CompileOptions, DataVisibility, ImportOptions, LayoutTarget,
    ParamsVisibility, Target, Visibility,
};
use zkassay_gadgets::program::ProgramShape;

/// How to import a model.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The size of a symbolic dimension, as in sequence=16; the batch is 1.
    #[arg(long, value_name = "NAME=SIZE", value_parser = variable)]
    variable: Vec<(String, usize)>,
    /// The output to prove, where the model has several [default: the only one of floats].
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
}

impl ImportArgs {
    pub(crate) fn options(&self) -> ImportOptions {
        ImportOptions {
            variables: self.variable.clone(),
            output: self.output.clone(),
        }
    }
}

fn variable(text: &str) -> Result<(String, usize), String> {
    let parts = text.split_once('=');
    let size = parts.and_then(|(name, size)| Some((name, size.parse().ok()?)));
    match size {
        Some((name, size)) if size > 0 && !name.is_empty() => Ok((name.to_owned(), size)),
        _ => Err("expected NAME=SIZE with a positive size".to_owned()),
    }
}

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
    /// Inferences in one proof, for `prove --batch` [default: 1]. They share weights and tables: each
    /// is cheaper to prove and verify than alone, and takes fewer bytes. In return a proof takes more
    /// time and memory, and one of fewer rows costs as much as a full one.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(ProgramShape::MAX_LANES)))]
    batch: Option<u32>,
}

impl CompileArgs {
    /// Whether inferences in one proof were asked for.
    pub(crate) fn is_batch(&self) -> bool {
        self.batch.is_some()
    }

    pub(crate) fn options(&self) -> CompileOptions {
        CompileOptions {
            visibility: Visibility {
                input: self.input_visibility,
                output: self.output_visibility,
                params: self.param_visibility,
            },
            target: self.layout,
            batch: self.batch.unwrap_or(1),
            totals: false,
        }
    }
}

/// What to calibrate for.
#[derive(Debug, Args)]
pub(crate) struct CalibrationArgs {
    /// The cheapest circuit within the allowed error, or the one whose greatest error is least (of those
    /// about as good, the cheapest).
    #[arg(long, value_enum, default_value_t = TargetName::Resources)]
    target: TargetName,
    /// The greatest error on the calibration rows that `--target resources` allows, in parts of an
    /// output's magnitude: of the greatest absolute value that the float output has on those rows, or of
    /// 1 if that is less. So 0.01 allows a probability to be off by 0.01, and a price of up to 700,000
    /// by 7,000; outputs that are all much smaller than 1 need a smaller bound.
    #[arg(long, value_name = "ERROR", default_value_t = 1e-2, value_parser = positive)]
    max_error: f64,
    /// Inputs are accepted up to this many times the greatest calibration value.
    #[arg(long, value_name = "FACTOR", default_value_t = 2.0, value_parser = margin)]
    margin: f64,
    /// Do not merge adjacent affine operations.
    #[arg(long)]
    no_fold: bool,
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
            fold: !self.no_fold,
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
