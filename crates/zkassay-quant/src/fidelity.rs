//! Float against integer outputs.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use zkassay_graph::{Graph, Op};

use crate::accuracy::labels;
use crate::{IntegerModel, QuantError, QuantizedModel};

/// How far integer outputs lie from float outputs, over all outputs of all rows.
/// Without comparable rows, every figure is zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fidelity {
    /// Rows compared.
    pub rows: usize,
    /// Rows left out, because a value lies outside the input range.
    pub out_of_range: usize,
    /// Mean absolute error.
    pub mean: f64,
    /// Median absolute error.
    pub median: f64,
    /// Greatest absolute error.
    pub max: f64,
    /// Share of rows whose predicted class agrees; see [`class`]. If the outputs are labels
    /// themselves, the share of rows whose outputs are equal.
    pub agreement: f64,
}

/// The same, and for every output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FidelityReport {
    /// Over all outputs.
    pub overall: Fidelity,
    /// For each output.
    pub per_output: Vec<OutputFidelity>,
}

/// How far one integer output lies from its float output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputFidelity {
    /// Of the absolute errors.
    pub absolute: ErrorSummary,
    /// Of the errors in percent of the float output, rows left out where that is zero.
    pub percent: ErrorSummary,
}

/// Errors of several rows; zeros without any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorSummary {
    /// Their mean.
    pub mean: f64,
    /// Their median.
    pub median: f64,
    /// The greatest.
    pub max: f64,
    /// The least.
    pub min: f64,
}

/// Outputs of some rows, float beside integer.
pub(crate) struct Comparison {
    out_of_range: usize,
    pairs: Vec<(Vec<f64>, Vec<f64>)>,
    decision: Decision,
}

/// How outputs predict a class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Decision {
    /// They are scores; see [`class`] for the threshold.
    Scores(f64),
    /// They are labels.
    Labels,
}

impl Decision {
    /// Of a graph, and a model with a threshold.
    ///
    /// An output is a label if it has few values and all of them are integers, or if it is the
    /// positions of extremes: however many there are, and of how many.
    pub(crate) fn of(graph: &Graph, threshold: f64) -> Self {
        match are_positions(graph) || labels(graph).is_some() {
            true => Self::Labels,
            false => Self::Scores(threshold),
        }
    }

    fn agree(self, a: &[f64], b: &[f64]) -> bool {
        match self {
            Self::Scores(threshold) => class(a, threshold) == class(b, threshold),
            Self::Labels => a == b,
        }
    }
}

/// Whether the outputs are the positions of extremes.
fn are_positions(graph: &Graph) -> bool {
    let mut value = graph.output.value;
    while let Some(node) = value.checked_sub(1).and_then(|at| graph.nodes.get(at)) {
        match (&node.op, node.inputs.as_slice()) {
            (Op::ArgMax { .. }, _) => return true,
            (Op::Rearrange(_), [input]) if *input < value => value = *input,
            _ => break,
        }
    }
    false
}

impl Fidelity {
    /// Compares `model` with `graph` on `rows`, shape `[rows, inputs]`.
    ///
    /// # Errors
    /// Rows of the wrong length, or a failure of the float evaluation.
    pub fn measure(
        graph: &Graph,
        model: &QuantizedModel,
        rows: ArrayView2<'_, f32>,
    ) -> Result<Self, QuantError> {
        let floats = float_outputs(graph, rows)?;
        let integer = |row: &[f32]| Ok(model.output_reals(&model.evaluate(row)?));
        let decision = Decision::Scores(model.threshold());
        Ok(Comparison::new(rows, &floats, decision, integer)?.overall())
    }
}

impl FidelityReport {
    /// Compares `model` with `graph` on `rows`, shape `[rows, inputs]`.
    ///
    /// # Errors
    /// Rows of the wrong length, a failure of the float evaluation, or a row that leads beyond a
    /// bound that is enforced.
    pub fn measure(
        graph: &Graph,
        model: &IntegerModel,
        rows: ArrayView2<'_, f32>,
    ) -> Result<Self, QuantError> {
        let floats = float_outputs(graph, rows)?;
        Self::of(&floats, Decision::of(graph, model.threshold()), model, rows)
    }

    pub(crate) fn of(
        floats: &[Vec<f64>],
        decision: Decision,
        model: &IntegerModel,
        rows: ArrayView2<'_, f32>,
    ) -> Result<Self, QuantError> {
        let integer = |row: &[f32]| Ok(model.evaluate(row)?.reals);
        let comparison = Comparison::new(rows, floats, decision, integer)?;
        Ok(Self {
            overall: comparison.overall(),
            per_output: comparison.per_output(),
        })
    }
}

/// What the graph gives for each row.
pub(crate) fn float_outputs(
    graph: &Graph,
    rows: ArrayView2<'_, f32>,
) -> Result<Vec<Vec<f64>>, QuantError> {
    let outputs = rows.outer_iter().map(|row| {
        let outputs = graph.evaluate(row)?;
        Ok(outputs.into_iter().map(f64::from).collect())
    });
    outputs.collect()
}

impl Comparison {
    pub(crate) fn new(
        rows: ArrayView2<'_, f32>,
        floats: &[Vec<f64>],
        decision: Decision,
        integer: impl Fn(&[f32]) -> Result<Vec<f64>, QuantError>,
    ) -> Result<Self, QuantError> {
        let (mut pairs, mut out_of_range) = (Vec::new(), 0);
        for (row, float) in rows.outer_iter().zip(floats) {
            match integer(&row.to_vec()) {
                Ok(outputs) => pairs.push((outputs, float.clone())),
                Err(QuantError::OutOfRange { .. }) => out_of_range += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(Self {
            out_of_range,
            pairs,
            decision,
        })
    }

    pub(crate) fn overall(&self) -> Fidelity {
        let (mut errors, mut agreeing) = (Vec::new(), 0);
        for (integer, float) in &self.pairs {
            agreeing += usize::from(self.decision.agree(integer, float));
            errors.extend(integer.iter().zip(float).map(|(a, b)| (a - b).abs()));
        }
        let summary = ErrorSummary::of(errors);
        Fidelity {
            rows: self.pairs.len(),
            out_of_range: self.out_of_range,
            mean: summary.mean,
            median: summary.median,
            max: summary.max,
            agreement: agreeing as f64 / self.pairs.len().max(1) as f64,
        }
    }

    fn per_output(&self) -> Vec<OutputFidelity> {
        let outputs = self.pairs.first().map_or(0, |(integer, _)| integer.len());
        let of = |at: usize| {
            let pairs = || self.pairs.iter().map(move |(a, b)| (a[at], b[at]));
            let absolute = pairs().map(|(a, b)| (a - b).abs()).collect();
            let percent = pairs().filter(|(_, b)| *b != 0.0);
            let percent = percent
                .map(|(a, b)| 100.0 * (a - b).abs() / b.abs())
                .collect();
            OutputFidelity {
                absolute: ErrorSummary::of(absolute),
                percent: ErrorSummary::of(percent),
            }
        };
        (0..outputs).map(of).collect()
    }
}

impl ErrorSummary {
    fn of(mut errors: Vec<f64>) -> Self {
        errors.sort_by(f64::total_cmp);
        Self {
            mean: errors.iter().sum::<f64>() / errors.len().max(1) as f64,
            median: errors.get(errors.len() / 2).copied().unwrap_or(0.0),
            max: errors.last().copied().unwrap_or(0.0),
            min: errors.first().copied().unwrap_or(0.0),
        }
    }
}

/// The class that `outputs` predict: 1 if there is one output and it reaches
/// `threshold` ([`QuantizedModel::threshold`]), the first of the greatest if there are several.
pub fn class(outputs: &[f64], threshold: f64) -> usize {
    match outputs {
        [score] => usize::from(*score >= threshold),
        scores => (0..scores.len())
            .max_by(|a, b| scores[*a].total_cmp(&scores[*b]).then(b.cmp(a)))
            .unwrap_or(0),
    }
}
