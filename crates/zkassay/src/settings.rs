//! The choices that turn a model into a circuit.
//!
//! [`Settings::new`] records what a proof reveals and what the layout is for,
//! [`Settings::calibrate`] adds what the search over scales finds on calibration rows, and
//! [`Settings::compile`] is then a pure function of model and settings: whoever has the ONNX file
//! and the settings can make the circuit, and with public parameters the verifying key, again.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use zkassay_circuit::{CircuitError, CompileOptions, Compiled, LayoutTarget};
use zkassay_fixed::{DataVisibility, ParamsVisibility, Scale, Visibility};
use zkassay_graph::ImportOptions;
use zkassay_prover::Circuit;
use zkassay_quant::{
    Answer, CalibrationParams, Counting, ErrorSummary, Fidelity, FidelityReport, IntegerModel,
    IntegerScheme, IntegerTrial, OutputFidelity, Target, quantize_model,
};
use zkassay_verifier::Digest;
use zkassay_verifier::artefact::digest;

use crate::document::{self, DocumentError, DocumentKind};
use crate::{Error, Mismatch, Model, columns};

/// The choices of a model's circuit, a JSON file of the pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    kind: DocumentKind,
    version: u32,
    /// SHA-256 of the ONNX file.
    #[serde(with = "crate::hash")]
    model: Digest,
    /// How it was imported.
    #[serde(default)]
    import: ImportOptions,
    /// How many rows the file is made for, if it is made for a fixed batch of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rows_of_file: Option<usize>,
    visibility: Visibility,
    layout: LayoutTarget,
    /// Inferences in one proof.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    batch: u32,
    /// What proofs count, if they are proofs of accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<Counting>,
    calibration: Option<Calibrated>,
}

fn one() -> u32 {
    1
}

fn is_one(batch: &u32) -> bool {
    *batch == 1
}

/// What a calibration was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationOptions {
    /// What the search minimises; an allowed error counts to six digits.
    pub target: Target,
    /// Inputs are accepted up to this many times the rows' greatest value; to six digits.
    pub margin: f64,
    /// Whether adjacent affine operations are merged.
    #[serde(default = "yes")]
    pub fold: bool,
}

fn yes() -> bool {
    true
}

impl Default for CalibrationOptions {
    /// The cheapest circuit with a greatest error of 0.01 parts of the output's magnitude, and twice
    /// the rows' range.
    fn default() -> Self {
        Self {
            target: Target::Resources { max_error: 1e-2 },
            margin: 2.0,
            fold: true,
        }
    }
}

/// What a calibration found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibrated {
    /// What was asked for.
    pub options: CalibrationOptions,
    /// The chosen scheme, which determines the integer model.
    pub scheme: IntegerScheme,
    /// The least and the greatest input that the circuit accepts, rounded towards zero; those of
    /// float32, if it takes the ranks of inputs and so [accepts any](Self::accepts_any). Where inputs
    /// have ranges of their own, those of the widest.
    pub accepted: [f32; 2],
    /// The same for each input, if they have ranges of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_each: Vec<[f32; 2]>,
    /// log2 of the circuit's rows.
    pub logrows: u32,
    /// Errors on the calibration rows, to six digits.
    pub fidelity: Fidelity,
    /// The same for each output.
    pub per_output: Vec<OutputFidelity>,
    /// Everything that was tried, with limbs of every width; without the bounds of values, which are
    /// those of the chosen scheme.
    pub trials: Vec<IntegerTrial>,
}

impl Calibrated {
    /// Whether the circuit accepts any number.
    pub fn accepts_any(&self) -> bool {
        self.accepted == ANY
    }
}

impl Settings {
    /// Settings of `model`, not yet calibrated.
    pub fn new(model: &Model, options: &CompileOptions) -> Self {
        Self {
            kind: DocumentKind::Settings,
            version: DocumentKind::VERSION,
            model: model.digest(),
            import: model.options().clone(),
            rows_of_file: model.graph().interface.batch,
            visibility: options.visibility,
            layout: options.target,
            batch: options.batch,
            count: None,
            calibration: None,
        }
    }

    /// The same settings for [proofs of accuracy](crate::accuracy), not calibrated.
    ///
    /// # Errors
    /// Too many or too few classes, inputs that are private (a proof of accuracy is about a data
    /// set, which has to be shown or hashed), outputs that are not public, or private parameters.
    pub fn with_count(self, count: Counting) -> Result<Self, Error> {
        count.check()?;
        let settings = Self {
            count: Some(count),
            calibration: None,
            ..self
        };
        settings.check_count()?;
        Ok(settings)
    }

    /// Reads settings.
    ///
    /// # Errors
    /// Anything that is not a settings file of this version.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        let settings: Self = document::read(DocumentKind::Settings, bytes)?;
        let is_finite = settings.calibration.as_ref().is_none_or(|calibrated| {
            let each = calibrated.accepted_each.iter();
            let mut ends = each.chain([&calibrated.accepted]).flatten();
            let tried = calibrated.trials.iter().map(|trial| &trial.scheme);
            let mut schemes = tried.chain([&calibrated.scheme]);
            ends.all(|end| end.is_finite()) && schemes.all(is_finite)
        });
        if !is_finite {
            let what = "its range is beyond float32";
            return Err(DocumentError::invalid(DocumentKind::Settings, what).into());
        }
        settings.check_count()?;
        Ok(settings)
    }

    /// The settings as a file.
    pub fn to_json(&self) -> Vec<u8> {
        document::write(self)
    }

    /// SHA-256 of the file that [`to_json`](Self::to_json) gives.
    pub fn digest(&self) -> Digest {
        digest(&self.to_json())
    }

    /// SHA-256 of the ONNX file that they are for.
    pub fn model(&self) -> Digest {
        self.model
    }

    /// How the model was imported, and has to be again.
    pub fn import(&self) -> &ImportOptions {
        &self.import
    }

    /// How many rows the file is made for, if it is made for a fixed batch of several: each of them
    /// is an inference.
    pub fn rows_of_file(&self) -> Option<usize> {
        self.rows_of_file
    }

    /// What a proof reveals, and what the layout is for.
    pub fn options(&self) -> CompileOptions {
        CompileOptions {
            visibility: self.visibility,
            target: self.layout,
            batch: self.batch,
            totals: self.count.is_some(),
        }
    }

    /// What proofs count, if they are proofs of accuracy.
    pub fn count(&self) -> Option<Counting> {
        self.count
    }

    /// What the calibration found; `None` before it.
    pub fn calibration(&self) -> Option<&Calibrated> {
        self.calibration.as_ref()
    }

    /// The same settings with scales chosen on calibration rows, `[rows, inputs]`; those of an
    /// earlier calibration are replaced.
    ///
    /// # Errors
    /// Settings of another model, rows that do not fit the model, options out of range, or no
    /// scales that meet the target.
    pub fn calibrate(
        &self,
        model: &Model,
        rows: ArrayView2<'_, f32>,
        options: &CalibrationOptions,
    ) -> Result<Self, Error> {
        self.check_model(model)?;
        let options = options.rounded();
        // Limbs are replaced by those that suit the table.
        let params = CalibrationParams::new(8)?
            .with_margin(options.margin)?
            .with_target(options.target)?
            .with_fold(options.fold);
        let rows = columns::with_all_categories(&model.graph().interface, rows);
        let calibration =
            zkassay_circuit::calibrate(model.graph(), rows.view(), &params, &self.options())
                .map_err(|error| match error {
                    CircuitError::Quant(error) => Error::from(error),
                    error => error.into(),
                })?;
        // Compiled here to know the size, and so that settings that cannot be compiled are not kept.
        let accepted = accepted(&calibration.model);
        let accepted_each = accepted_each(&calibration.model);
        let counted = self.counted(model, calibration.model)?;
        let compiled = Compiled::new(counted, &self.options())?;
        let trials = calibration.trials.into_iter();
        let FidelityReport {
            overall,
            per_output,
        } = calibration.fidelity;
        let calibrated = Calibrated {
            options,
            scheme: calibration.scheme,
            accepted,
            accepted_each,
            logrows: compiled.logrows(),
            fidelity: rounded(overall),
            per_output: per_output.into_iter().map(rounded_output).collect(),
            trials: trials
                .map(|trial| IntegerTrial {
                    fidelity: trial.fidelity.map(rounded),
                    ..trial
                })
                .collect(),
        };
        Ok(Self {
            calibration: Some(calibrated),
            ..self.clone()
        })
    }

    /// The circuit of `model` with these settings.
    ///
    /// # Errors
    /// Settings of another model, that are not calibrated, whose scheme the model has no room
    /// for, or whose range and size are not those of their scheme. (Errors and trials of the
    /// calibration are a report: nothing is made from them.)
    pub fn compile(&self, model: &Model) -> Result<Circuit, Error> {
        self.check_model(model)?;
        let calibrated = self.calibration.as_ref().ok_or(Error::NotCalibrated)?;
        let quantized = quantize_model(model.graph(), &calibrated.scheme)?;
        let accepted = (accepted(&quantized), accepted_each(&quantized));
        let counted = self.counted(model, quantized)?;
        let compiled = Compiled::new(counted, &self.options())?;
        let is_given = calibrated.accepted == accepted.0
            && calibrated.accepted_each == accepted.1
            && calibrated.logrows == compiled.logrows();
        if !is_given {
            let what = "its range or size is not that of its scheme: run calibrate-settings again";
            return Err(DocumentError::invalid(DocumentKind::Settings, what).into());
        }
        Ok(Circuit {
            compiled,
            model: model.digest(),
            settings: self.digest(),
            interface: model.graph().interface.clone(),
        })
    }

    /// The integer model with what a proof of accuracy needs beside it.
    fn counted(&self, model: &Model, quantized: IntegerModel) -> Result<IntegerModel, Error> {
        match (self.count, quantized) {
            (None, quantized) => Ok(quantized),
            (Some(count), IntegerModel::Program(program)) => {
                let counted = program.counted(Answer::of(model.graph()), &count)?;
                Ok(IntegerModel::Program(match self.visibility.input {
                    DataVisibility::Hashed => counted.salted()?,
                    _ => counted,
                }))
            }
            (Some(_), IntegerModel::Chain(_)) => {
                let what = "its scheme is for single inferences: run calibrate-settings again";
                Err(DocumentError::invalid(DocumentKind::Settings, what).into())
            }
        }
    }

    /// That proofs can count, if they should.
    fn check_count(&self) -> Result<(), Error> {
        let Some(count) = self.count else {
            return Ok(());
        };
        count.check()?;
        let Visibility {
            input,
            output,
            params,
        } = self.visibility;
        let what = match (input, output, params) {
            (DataVisibility::Private, ..) => {
                "a proof of accuracy is about a data set: make inputs public (the rows are in the \
                 proof) or hashed (their hashes are)"
            }
            (_, DataVisibility::Private | DataVisibility::Hashed, _) => {
                "a proof of accuracy shows what it counts: make outputs public"
            }
            (_, _, ParamsVisibility::Private) => {
                "a proof of accuracy is about a model: fix its parameters in the key"
            }
            (_, DataVisibility::Public, ParamsVisibility::Fixed) => return Ok(()),
        };
        Err(DocumentError::invalid(DocumentKind::Settings, what).into())
    }

    fn check_model(&self, model: &Model) -> Result<(), Error> {
        match self.model == model.digest() {
            true if self.import != *model.options() => {
                let what = "the model was imported with another output or other sizes: use the \
                            settings' own";
                Err(DocumentError::invalid(DocumentKind::Settings, what).into())
            }
            true => Ok(()),
            false => Err(Mismatch {
                what: "the settings file",
                of: "model",
                found: self.model,
                other: "the ONNX file",
                expected: model.digest(),
                again: "run gen-settings and calibrate-settings for this model",
            }
            .into()),
        }
    }
}

/// Whether the numbers of a scheme are; others are written as `null`.
fn is_finite(scheme: &IntegerScheme) -> bool {
    match scheme {
        IntegerScheme::Chain(scheme) => scheme.range.is_finite(),
        IntegerScheme::Program(scheme) => {
            let limits = scheme.limits.iter();
            scheme.range.is_finite()
                && limits
                    .flat_map(|limit| [limit.low, limit.high])
                    .all(f32::is_finite)
        }
    }
}

/// The range of a model that accepts any number.
const ANY: [f32; 2] = [f32::MIN, f32::MAX];

/// The least and the greatest input that a model accepts, rounded towards zero.
fn accepted(model: &IntegerModel) -> [f32; 2] {
    if let IntegerModel::Program(program) = model
        && !program.encoding.is_scaled()
    {
        return ANY;
    }
    let (low, high) = model.widest_range();
    [low, high].map(towards_zero)
}

/// The same of each input, if they have scales of their own.
fn accepted_each(model: &IntegerModel) -> Vec<[f32; 2]> {
    let ((low, high), scales) = (model.input_range(), model.input_scales());
    let ends = |scale: &Scale| [low, high].map(|end| towards_zero(scale.real(end)));
    match scales.as_slice() {
        [_] => Vec::new(),
        scales => scales.iter().map(ends).collect(),
    }
}

impl CalibrationOptions {
    fn rounded(self) -> Self {
        Self {
            target: match self.target {
                Target::Resources { max_error } => Target::Resources {
                    max_error: six_digits(max_error),
                },
                Target::Accuracy => Target::Accuracy,
            },
            margin: six_digits(self.margin),
            fold: self.fold,
        }
    }
}

fn rounded(fidelity: Fidelity) -> Fidelity {
    Fidelity {
        mean: six_digits(fidelity.mean),
        median: six_digits(fidelity.median),
        max: six_digits(fidelity.max),
        max_parts: six_digits(fidelity.max_parts),
        agreement: six_digits(fidelity.agreement),
        ..fidelity
    }
}

fn rounded_output(fidelity: OutputFidelity) -> OutputFidelity {
    let of = |errors: ErrorSummary| ErrorSummary {
        mean: six_digits(errors.mean),
        median: six_digits(errors.median),
        max: six_digits(errors.max),
        min: six_digits(errors.min),
    };
    OutputFidelity {
        range: fidelity.range.map(six_digits),
        magnitude: six_digits(fidelity.magnitude),
        absolute: of(fidelity.absolute),
        percent: of(fidelity.percent),
        parts: of(fidelity.parts),
    }
}

/// A number with six significant digits: enough for people, and decimals of that length are read
/// back exactly, so that settings keep their hash.
fn six_digits(x: f64) -> f64 {
    format!("{x:.5e}").parse().unwrap_or(x)
}

/// A number as float32, which is read back exactly, too.
fn towards_zero(x: f64) -> f32 {
    let nearest = x as f32;
    match f64::from(nearest).abs() > x.abs() {
        true if x > 0.0 => nearest.next_down(),
        true => nearest.next_up(),
        false => nearest,
    }
}
