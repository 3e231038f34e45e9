//! The integer model of a graph, and how often it is right.

use anyhow::Result;
use ndarray::ArrayView2;
use zkassay_circuit::{CircuitError, CompileOptions};
use zkassay_graph::Graph;
use zkassay_models::metrics::Proportion;
use zkassay_quant::{
    CalibrationParams, Fidelity, FidelityReport, IntegerCalibration, IntegerModel, QuantError,
    fidelity,
};

use crate::dataset::{RoundRows, Rows};

/// Scales chosen on `rows`, shape `[rows, inputs]`, for a circuit of the graph.
///
/// # Errors
/// As [`zkassay_circuit::calibrate`].
pub fn calibrated(graph: &Graph, rows: ArrayView2<'_, f32>) -> Result<IntegerCalibration> {
    // Limbs are replaced by those that suit the table.
    let params = CalibrationParams::new(8)?;
    let options = CompileOptions::default();
    zkassay_circuit::calibrate(graph, rows, &params, &options).map_err(|error| match error {
        CircuitError::Quant(error) => error.into(),
        error => error.into(),
    })
}

/// An exported model as integers, on one round's rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantized {
    /// How often it is right on the test rows; those outside its range count as wrong.
    pub accuracy: Proportion,
    /// How far it is from the float model on the test rows in its range.
    pub fidelity: Fidelity,
}

/// The integer model of an ONNX file, with scales chosen on the calibration rows, on the test rows.
///
/// # Errors
/// There is no integer model, or a test row leads beyond a bound that it enforces.
pub fn quantized(onnx: &[u8], rows: &RoundRows) -> Result<Quantized> {
    let graph = Graph::from_onnx(onnx)?;
    let model = calibrated(&graph, rows.calibration.values.view())?.model;
    Ok(Quantized {
        accuracy: score(&model, &rows.test)?.accuracy()?,
        fidelity: FidelityReport::measure(&graph, &model, rows.test.values.view())?.overall,
    })
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
