//! The integer model of a graph, and how often it is right.

use anyhow::Result;
use ndarray::ArrayView2;
use zkassay_circuit::cost::{Cost, Machine};
use zkassay_circuit::program::plan::ProgramPlan;
use zkassay_circuit::{CompileOptions, Compiled, Plan};
use zkassay_graph::Graph;
use zkassay_models::metrics::Proportion;
use zkassay_quant::{
    CalibrationParams, IntegerCalibration, IntegerModel, QuantError, calibrate_model, fidelity,
    is_chain,
};

use crate::dataset::Rows;

/// Bits of a limb to begin with, for a model whose table is not known beforehand.
const DRAFT_BITS: u32 = 9;

/// Scales chosen on `rows`, shape `[rows, inputs]`, for a circuit of the graph.
///
/// How many bits a limb has follows from the table, which is known beforehand for a chain of dense
/// layers. For any other model it is known once the model has been calibrated with some number; the one that
/// is proved faster is taken.
///
/// # Errors
/// As [`calibrate_model`].
pub fn calibrated(graph: &Graph, rows: ArrayView2<'_, f32>) -> Result<IntegerCalibration> {
    let with_bits = |bits: u32| -> Result<IntegerCalibration> {
        let params = CalibrationParams::new(bits)?;
        Ok(calibrate_model(graph, rows, &params)?)
    };
    if is_chain(graph) {
        return with_bits(Plan::for_graph(graph)?.limb_bits);
    }
    let options = CompileOptions::default();
    let draft = with_bits(DRAFT_BITS)?;
    let IntegerModel::Program(program) = &draft.model else {
        return Ok(draft);
    };
    let bits = ProgramPlan::limb_bits(program, &options)?;
    if bits == DRAFT_BITS {
        return Ok(draft);
    }
    let seconds = |calibration: &IntegerCalibration| -> Result<f64> {
        let compiled = Compiled::new(calibration.model.clone(), &options)?;
        Ok(Cost::of(&compiled.shape(), &Machine::default()).prove_seconds)
    };
    match with_bits(bits) {
        Ok(other) if seconds(&other)? < seconds(&draft)? => Ok(other),
        _ => Ok(draft),
    }
}

/// What the integer model says about labelled rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// Whether each row is classified right. Rows outside the input range are not.
    pub correct: Vec<bool>,
    /// Number of rows outside the input range.
    pub out_of_range: usize,
}

impl Score {
    /// Share of rows classified right.
    ///
    /// # Errors
    /// If there are no rows.
    pub fn accuracy(&self) -> Result<Proportion> {
        let correct = self.correct.iter().filter(|correct| **correct).count();
        Ok(Proportion::new(correct, self.correct.len())?)
    }
}

/// Classifies rows by the integer model.
///
/// # Errors
/// Rows of the wrong length.
pub fn score(model: &IntegerModel, rows: &Rows) -> Result<Score> {
    let mut score = Score {
        correct: Vec::with_capacity(rows.labels.len()),
        out_of_range: 0,
    };
    for (row, label) in rows.values.outer_iter().zip(&rows.labels) {
        let is_correct = match model.evaluate(&row.to_vec()) {
            Ok(trace) => fidelity::class(&trace.reals, model.threshold()) == usize::from(*label),
            Err(QuantError::OutOfRange { .. } | QuantError::Violated { .. }) => {
                score.out_of_range += 1;
                false
            }
            Err(error) => return Err(error.into()),
        };
        score.correct.push(is_correct);
    }
    Ok(score)
}
