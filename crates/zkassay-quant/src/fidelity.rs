//! Float against integer outputs.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use zkassay_graph::Graph;

use crate::{QuantError, QuantizedModel};

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
    /// Share of rows whose predicted class agrees; see [`class`].
    pub agreement: f64,
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
        let (mut errors, mut agreeing, mut out_of_range) = (Vec::new(), 0, 0);
        for row in rows.outer_iter() {
            let trace = match model.evaluate(&row.to_vec()) {
                Ok(trace) => trace,
                Err(QuantError::OutOfRange { .. }) => {
                    out_of_range += 1;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let integer = model.output_reals(&trace);
            let float: Vec<f64> = graph.evaluate(row)?.into_iter().map(f64::from).collect();
            let threshold = model.threshold();
            agreeing += usize::from(class(&integer, threshold) == class(&float, threshold));
            errors.extend(integer.iter().zip(&float).map(|(a, b)| (a - b).abs()));
        }
        errors.sort_by(f64::total_cmp);
        let compared = rows.nrows() - out_of_range;
        Ok(Self {
            rows: compared,
            out_of_range,
            mean: errors.iter().sum::<f64>() / errors.len().max(1) as f64,
            median: errors.get(errors.len() / 2).copied().unwrap_or(0.0),
            max: errors.last().copied().unwrap_or(0.0),
            agreement: agreeing as f64 / compared.max(1) as f64,
        })
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
