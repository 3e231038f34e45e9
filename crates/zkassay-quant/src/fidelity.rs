//! Float against integer outputs.
//!
//! Where a model rounds, a float32 input that lies close to a tie may become an integer on the other
//! side of it, and the result one step greater or less, however exact all the rest is. That is no
//! error of the integer model: the float model has the same result for that integer. So a row of a
//! model that rounds to nearest is compared with the float results for the row and for the integers
//! that stand for it, and the nearer of them counts; if these integers have 14 bits at least, beside
//! which steps of 8 bits are large. Coarser inputs are errors like any other.

use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};
use zkassay_graph::{Function, Graph, Op};

use crate::accuracy::labels;
use crate::{IntegerModel, QuantError, QuantizedModel};

/// How far integer outputs lie from float outputs, over all outputs of all rows. Of a model that
/// rounds, these are the nearer of the outputs for the row and for the integers that stand for it.
///
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
    /// Greatest error in parts of the output's [magnitude](OutputFidelity::magnitude): what an
    /// allowed error is about.
    #[serde(default)]
    pub max_parts: f64,
    /// Share of rows whose predicted class agrees; see [`class`]. If the outputs are labels
    /// themselves, the share of rows whose outputs are equal.
    pub agreement: f64,
}

/// The greatest integer of inputs that are so fine that only ties tell them from floats, at least.
const FINE_INPUTS: i64 = (1 << 13) - 1;

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
    /// The least and the greatest float output of the rows.
    #[serde(default)]
    pub range: [f64; 2],
    /// The greater of 1 and the greatest absolute float output of the rows.
    #[serde(default)]
    pub magnitude: f64,
    /// Of the absolute errors.
    pub absolute: ErrorSummary,
    /// Of the errors in percent of the float output, rows left out where that is zero.
    pub percent: ErrorSummary,
    /// Of the errors in parts of the magnitude.
    #[serde(default)]
    pub parts: ErrorSummary,
}

impl OutputFidelity {
    /// The greatest error in parts of the spread of the float outputs; `None` if they are all the
    /// same.
    pub fn of_spread(&self) -> Option<f64> {
        let [low, high] = self.range;
        let spread = high - low;
        (spread > 0.0).then_some(self.absolute.max / spread)
    }
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

/// The float outputs of rows.
pub(crate) struct FloatOutputs {
    /// Those of each row.
    rows: Vec<Vec<f64>>,
    /// The least and the greatest of each output.
    ranges: Vec<[f64; 2]>,
}

/// Outputs of some rows, float beside integer.
struct Comparison<'a> {
    out_of_range: usize,
    pairs: Vec<(Vec<f64>, Vec<f64>)>,
    ranges: &'a [[f64; 2]],
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
        let floats = FloatOutputs::of(graph, rows)?;
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
        let floats = FloatOutputs::of(graph, rows)?;
        let decision = Decision::of(graph, model.threshold());
        Self::of(graph, &floats, decision, model, rows)
    }

    /// Compares on the first of the rows that `floats` are of, or on all of them.
    pub(crate) fn of(
        graph: &Graph,
        floats: &FloatOutputs,
        decision: Decision,
        model: &IntegerModel,
        rows: ArrayView2<'_, f32>,
    ) -> Result<Self, QuantError> {
        let integer = |row: &[f32]| Ok(model.evaluate(row)?.reals);
        let mut comparison = Comparison::new(rows, floats, decision, integer)?;
        if rounds(graph) && comparison.out_of_range == 0 {
            for (row, pair) in rows.outer_iter().zip(&mut comparison.pairs) {
                if let Some(other) = of_integers(graph, model, &row.to_vec())?
                    && greatest_error(&pair.0, &other) < greatest_error(&pair.0, &pair.1)
                {
                    pair.1 = other;
                }
            }
        }
        Ok(Self {
            overall: comparison.overall(),
            per_output: comparison.per_output(),
        })
    }
}

/// Whether a graph rounds to nearest, as where it quantises.
fn rounds(graph: &Graph) -> bool {
    let is_rounding = |op: &Op| matches!(op, Op::Map(Function::Round));
    graph.nodes.iter().any(|node| is_rounding(&node.op))
}

/// What the graph gives for the integers that stand for a row; `None` if these are too coarse for
/// that, or the result is not finite.
fn of_integers(
    graph: &Graph,
    model: &IntegerModel,
    row: &[f32],
) -> Result<Option<Vec<f64>>, QuantError> {
    let IntegerModel::Program(program) = model else {
        return Ok(None);
    };
    if program.limbs.input_range().1 < FINE_INPUTS {
        return Ok(None);
    }
    let Some(reals) = program.reals_of_inputs(row)? else {
        return Ok(None);
    };
    let outputs = graph.evaluate(ArrayView1::from(&reals))?;
    let outputs: Vec<f64> = outputs.into_iter().map(f64::from).collect();
    Ok(outputs.iter().all(|x| x.is_finite()).then_some(outputs))
}

fn greatest_error(a: &[f64], b: &[f64]) -> f64 {
    let errors = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    errors.fold(0.0, f64::max)
}

impl FloatOutputs {
    /// What the graph gives for each row.
    pub(crate) fn of(graph: &Graph, rows: ArrayView2<'_, f32>) -> Result<Self, QuantError> {
        let outputs = rows.outer_iter().map(|row| {
            let outputs = graph.evaluate(row)?;
            Ok(outputs.into_iter().map(f64::from).collect())
        });
        let rows: Vec<Vec<f64>> = outputs.collect::<Result<_, QuantError>>()?;
        let mut ranges: Vec<[f64; 2]> = Vec::new();
        for row in &rows {
            ranges.resize(
                ranges.len().max(row.len()),
                [f64::INFINITY, f64::NEG_INFINITY],
            );
            for ([low, high], output) in ranges.iter_mut().zip(row) {
                (*low, *high) = (low.min(*output), high.max(*output));
            }
        }
        Ok(Self { rows, ranges })
    }

    /// The least and the greatest of all outputs.
    pub(crate) fn range(&self) -> [f64; 2] {
        let ends = self.ranges.iter().copied();
        ends.reduce(|[a, b], [c, d]| [a.min(c), b.max(d)])
            .unwrap_or_default()
    }

    /// How many rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// That all of them are finite.
    ///
    /// # Errors
    /// The first row with one that is not.
    pub(crate) fn check_finite(&self) -> Result<(), QuantError> {
        let is_finite = |row: &Vec<f64>| row.iter().all(|x| x.is_finite());
        match self.rows.iter().position(|row| !is_finite(row)) {
            None => Ok(()),
            Some(row) => Err(QuantError::Parameter {
                what: "the model's output",
                found: format!("not finite for calibration row {row}"),
                expected: "a number",
            }),
        }
    }
}

/// What errors of an output are measured in.
fn magnitude([low, high]: [f64; 2]) -> f64 {
    low.abs().max(high.abs()).max(1.0)
}

impl<'a> Comparison<'a> {
    /// Compares on the first of the rows that `floats` are of, or on all of them.
    fn new(
        rows: ArrayView2<'_, f32>,
        floats: &'a FloatOutputs,
        decision: Decision,
        integer: impl Fn(&[f32]) -> Result<Vec<f64>, QuantError>,
    ) -> Result<Self, QuantError> {
        let (mut pairs, mut out_of_range) = (Vec::new(), 0);
        for (row, float) in rows.outer_iter().zip(&floats.rows) {
            match integer(&row.to_vec()) {
                Ok(outputs) => pairs.push((outputs, float.clone())),
                Err(QuantError::OutOfRange { .. }) => out_of_range += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(Self {
            out_of_range,
            pairs,
            ranges: &floats.ranges,
            decision,
        })
    }

    fn overall(&self) -> Fidelity {
        let (mut errors, mut agreeing, mut max_parts) = (Vec::new(), 0, 0f64);
        for (integer, float) in &self.pairs {
            agreeing += usize::from(self.decision.agree(integer, float));
            for ((a, b), range) in integer.iter().zip(float).zip(self.ranges) {
                let error = (a - b).abs();
                errors.push(error);
                let parts = error / magnitude(*range);
                // The maximum of numbers leaves out what is none.
                max_parts = max_parts.max(if parts.is_nan() { f64::INFINITY } else { parts });
            }
        }
        let summary = ErrorSummary::of(errors);
        Fidelity {
            rows: self.pairs.len(),
            out_of_range: self.out_of_range,
            mean: summary.mean,
            median: summary.median,
            max: summary.max,
            max_parts,
            agreement: agreeing as f64 / self.pairs.len().max(1) as f64,
        }
    }

    fn per_output(&self) -> Vec<OutputFidelity> {
        let outputs = self.pairs.first().map_or(0, |(integer, _)| integer.len());
        let of = |at: usize| {
            let range = self.ranges.get(at).copied().unwrap_or_default();
            let magnitude = magnitude(range);
            let pairs = || self.pairs.iter().map(move |(a, b)| (a[at], b[at]));
            let absolute: Vec<f64> = pairs().map(|(a, b)| (a - b).abs()).collect();
            let parts = absolute.iter().map(|error| error / magnitude).collect();
            let percent = pairs().filter(|(_, b)| *b != 0.0);
            let percent = percent
                .map(|(a, b)| 100.0 * (a - b).abs() / b.abs())
                .collect();
            OutputFidelity {
                range,
                magnitude,
                absolute: ErrorSummary::of(absolute),
                percent: ErrorSummary::of(percent),
                parts: ErrorSummary::of(parts),
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
