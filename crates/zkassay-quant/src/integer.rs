//! Both forms of an integer model, for callers that take any graph.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use zkassay_fixed::{InputScales, Scale};
use zkassay_graph::Graph;

use crate::calibrate::{calibrate, quantize};
use crate::{
    CalibrationParams, FidelityReport, Folded, LoweredProgram, Program, ProgramScheme,
    ProgramTrace, QuantError, QuantizedModel, Scheme, Trace, Trial, calibrate_program, is_chain,
    quantize_program,
};

/// An integer model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegerModel {
    /// A chain of dense layers.
    Chain(QuantizedModel),
    /// Anything else.
    Program(Program),
}

/// What determines an integer model, with its graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum IntegerScheme {
    /// Of a chain.
    Chain(Scheme),
    /// Of a program.
    Program(ProgramScheme),
}

/// One evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegerTrace {
    /// Every integer.
    pub integers: Integers,
    /// The outputs, at their scale.
    pub outputs: Vec<i64>,
    /// The outputs as real numbers.
    pub reals: Vec<f64>,
}

/// The integers of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integers {
    /// Of a chain.
    Chain(Trace),
    /// Of a program.
    Program(ProgramTrace),
}

/// The result of a calibration.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegerCalibration {
    /// The chosen scheme.
    pub scheme: IntegerScheme,
    /// The model that it gives.
    pub model: IntegerModel,
    /// Its errors on the calibration rows.
    pub fidelity: FidelityReport,
    /// Everything that was tried, in order.
    pub trials: Vec<IntegerTrial>,
    /// Affine nodes that were merged.
    pub folded: Vec<Folded>,
}

/// One setting that a search tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntegerTrial {
    /// The scheme.
    pub scheme: IntegerScheme,
    /// Integers in the model; `None` if the setting was refused before.
    pub integers: Option<usize>,
    /// Errors on the calibration rows; `None` if the setting was refused before.
    pub fidelity: Option<crate::Fidelity>,
    /// Why the setting was refused; `None` if it met the target.
    pub rejected: Option<String>,
}

/// Chooses scales for `graph` on calibration rows, shape `[rows, inputs]`: as a chain if it is
/// one (and merging is allowed or not needed), else as a program.
///
/// # Errors
/// As [`calibrate()`](crate::calibrate()) and [`calibrate_program`].
pub fn calibrate_model(
    graph: &Graph,
    rows: ArrayView2<'_, f32>,
    params: &CalibrationParams,
) -> Result<IntegerCalibration, QuantError> {
    if !is_chain(graph) || !(params.fold() || merged_in_chain(graph).is_empty()) {
        return calibrate_program(graph, rows, params);
    }
    let calibration = calibrate(graph, rows, params)?;
    let range = calibration.scheme.range;
    let weight_bits = calibration.scheme.weight_bits;
    let trials = integer_trials(calibration.trials, range, weight_bits);
    let model = IntegerModel::Chain(calibration.model);
    Ok(IntegerCalibration {
        fidelity: FidelityReport::measure(graph, &model, rows)?,
        scheme: IntegerScheme::Chain(calibration.scheme),
        model,
        trials,
        folded: merged_in_chain(graph),
    })
}

/// What was tried for a chain.
pub(crate) fn integer_trials(
    trials: Vec<Trial>,
    range: f32,
    weight_bits: Option<u32>,
) -> Vec<IntegerTrial> {
    let trials = trials.into_iter().map(|trial| IntegerTrial {
        scheme: IntegerScheme::Chain(Scheme {
            limbs: trial.limbs,
            range,
            exponents: trial.exponents,
            weight_bits,
        }),
        integers: None,
        fidelity: trial.fidelity,
        rejected: trial.rejected,
    });
    trials.collect()
}

impl IntegerScheme {
    /// Limbs in a row.
    pub fn limbs_per_row(&self) -> u32 {
        match self {
            Self::Chain(scheme) => scheme.limbs.per_row(),
            Self::Program(scheme) => scheme.limbs.total,
        }
    }

    /// Bits of a limb.
    pub fn limb_bits(&self) -> u32 {
        match self {
            Self::Chain(scheme) => scheme.limbs.bits,
            Self::Program(scheme) => scheme.limbs.bits,
        }
    }
}

/// The integer model of `graph` that `scheme` determines.
///
/// # Errors
/// As [`quantize()`](crate::quantize()) and [`quantize_program`].
pub fn quantize_model(graph: &Graph, scheme: &IntegerScheme) -> Result<IntegerModel, QuantError> {
    Ok(match scheme {
        IntegerScheme::Chain(scheme) => IntegerModel::Chain(quantize(graph, scheme)?),
        IntegerScheme::Program(scheme) => {
            IntegerModel::Program(quantize_program(graph, scheme)?.program)
        }
    })
}

/// The affine nodes that an integer model merges.
///
/// # Errors
/// As [`quantize_model`].
pub fn folded(graph: &Graph, scheme: &IntegerScheme) -> Result<Vec<Folded>, QuantError> {
    match scheme {
        IntegerScheme::Chain(_) => Ok(merged_in_chain(graph)),
        IntegerScheme::Program(scheme) => {
            let LoweredProgram { folded, .. } = quantize_program(graph, scheme)?;
            Ok(folded)
        }
    }
}

fn merged_in_chain(graph: &Graph) -> Vec<Folded> {
    let layers = match crate::lower::lower(graph) {
        Ok((layers, _)) => layers,
        Err(_) => return Vec::new(),
    };
    let merged = layers.into_iter().filter(|layer| layer.nodes.len() > 1);
    let folded = merged.map(|layer| Folded {
        into: layer.name,
        nodes: layer.nodes,
    });
    folded.collect()
}

impl IntegerModel {
    /// Checks everything that evaluation and circuit take for granted.
    ///
    /// # Errors
    /// [`QuantError::Invalid`] or [`QuantError::Overflow`].
    pub fn validate(&self) -> Result<(), QuantError> {
        match self {
            Self::Chain(model) => model.validate(),
            Self::Program(program) => program.validate(),
        }
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Chain(model) => &model.name,
            Self::Program(program) => &program.name,
        }
    }

    /// The name of its input.
    pub fn input(&self) -> &str {
        match self {
            Self::Chain(model) => &model.input,
            Self::Program(program) => &program.input,
        }
    }

    /// Numbers in a row of real inputs, the label included if there is one.
    pub fn row_length(&self) -> usize {
        match self {
            Self::Chain(model) => model.inputs(),
            Self::Program(program) => program.row_length(),
        }
    }

    /// Number of input integers: those of a row, unless the program ranks them.
    pub fn inputs(&self) -> usize {
        match self {
            Self::Chain(model) => model.inputs(),
            Self::Program(program) => program.inputs,
        }
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Chain(model) => model.outputs(),
            Self::Program(program) => program.outputs,
        }
    }

    /// Number of weights and biases.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Chain(model) => model.parameters(),
            Self::Program(program) => program.parameters(),
        }
    }

    /// Bits of a limb.
    pub fn limb_bits(&self) -> u32 {
        match self {
            Self::Chain(model) => model.limbs.bits,
            Self::Program(program) => program.limbs.bits,
        }
    }

    /// The scale of each input integer; 0 for ranks.
    pub fn input_scales(&self) -> InputScales {
        match self {
            Self::Chain(model) => model.input_scales(),
            Self::Program(program) => program.input_scales(),
        }
    }

    /// The least and the greatest number that any input accepts. Numbers that are ranked may have any
    /// magnitude.
    pub fn widest_range(&self) -> (f64, f64) {
        let (low, high) = self.input_range();
        let scales = self.input_scales();
        // That of the coarsest scale.
        let coarsest = scales.as_slice().iter().min().copied().unwrap_or(Scale(0));
        (coarsest.real(low), coarsest.real(high))
    }

    /// Scale of the outputs.
    pub fn output_scale(&self) -> Scale {
        match self {
            Self::Chain(model) => model.output.output_scale(),
            Self::Program(program) => program.output_scale,
        }
    }

    /// The inclusive range of input integers. Numbers that are ranked may have any magnitude.
    pub fn input_range(&self) -> (i64, i64) {
        match self {
            Self::Chain(model) => model.input_range(),
            Self::Program(program) => program.limbs.input_range(),
        }
    }

    /// What a single output must reach for class 1.
    pub fn threshold(&self) -> f64 {
        match self {
            Self::Chain(model) => model.threshold(),
            Self::Program(program) => program.threshold(),
        }
    }

    /// The integers of one row of real inputs: rounded, or ranks.
    ///
    /// # Errors
    /// A row of another length, a value that is not a number, or one outside the input range if it
    /// is rounded.
    pub fn quantize(&self, row: &[f32]) -> Result<Vec<i64>, QuantError> {
        match self {
            Self::Chain(model) => model.quantize(row),
            Self::Program(program) => program.quantize(row),
        }
    }

    /// Evaluates one row of real inputs.
    ///
    /// # Errors
    /// See [`quantize`](Self::quantize); a program also refuses a row that leads beyond a bound
    /// that it enforces.
    pub fn evaluate(&self, row: &[f32]) -> Result<IntegerTrace, QuantError> {
        Ok(match self {
            Self::Chain(model) => {
                let trace = model.evaluate(row)?;
                IntegerTrace {
                    outputs: trace.outputs.clone(),
                    reals: model.output_reals(&trace),
                    integers: Integers::Chain(trace),
                }
            }
            Self::Program(program) => {
                let trace = program.evaluate(row)?;
                IntegerTrace {
                    outputs: trace.outputs.clone(),
                    reals: program.output_reals(&trace),
                    integers: Integers::Program(trace),
                }
            }
        })
    }

    /// The outputs of a trace as real numbers.
    pub fn output_reals(&self, trace: &IntegerTrace) -> Vec<f64> {
        let scale = self.output_scale();
        trace.outputs.iter().map(|z| scale.real(*z)).collect()
    }
}
