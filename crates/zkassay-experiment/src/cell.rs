//! What is measured at a time: a model in one round of accuracy, or one round of a prover on it.
//!
//! These are the lines of a run's journal: all that the record is assembled from is in them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zkassay_quant::fidelity::class;
use zkassay_report::{CircuitShape, Fidelity, Memory, Proportion, Sizes, Timings};

/// A model that was trained on one round's rows, and how often it is right on the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccuracyRound {
    /// Which round, from 0.
    pub round: usize,
    /// Trained parameters: weights and biases, nodes and leaves.
    pub parameters: usize,
    /// The trained model in floating point.
    pub float: Proportion,
    /// The integer model made of the exported file; rows outside its range count as wrong.
    /// Absent if there is none.
    pub quantized: Option<Proportion>,
    /// Always giving the training rows' most frequent label.
    pub majority: Proportion,
    /// The integer model against the float model on the test rows in range.
    pub fidelity: Option<Fidelity>,
    /// Test rows outside the integer model's range.
    pub out_of_range: usize,
    /// This round's share of the wall-clock time of all rounds that were trained with it.
    pub training_seconds: f64,
    /// Why there is no integer model.
    pub failure: Option<String>,
}

/// One round of a prover on a model: keys made anew, a row proved, or both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProvingRound {
    /// Which round, from 0.
    pub round: usize,
    /// Wall-clock time, at most one sample of a stage, in milliseconds.
    pub wall: Timings,
    /// CPU time of all threads, the same.
    pub cpu: Timings,
    /// The proved row, by its position among the test rows; absent in a round without a proof.
    pub row: Option<usize>,
    /// What the proof says: one value for each output of the model.
    pub outputs: Vec<f64>,
    /// The proof's outputs beside those of the float model.
    pub comparison: Option<RowComparison>,
    /// Rows that the prover refused before it took [`row`](Self::row).
    pub refused: Vec<Refused>,
    /// The circuit, of a round that made keys.
    pub circuit: Option<CircuitShape>,
    /// What was written in this round.
    pub sizes: Sizes,
    /// Most memory of the prover's process since its start.
    pub memory: Memory,
    /// What calibration and compilation chose, of a round that made keys; null otherwise.
    pub settings: Value,
    /// What failed in this round, if anything did; it is then the last.
    pub failure: Option<Failure>,
}

/// A stage of a prover that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{stage}: {message}")]
pub struct Failure {
    /// Name of the stage; `start` if the prover did not even start.
    pub stage: String,
    /// What was said.
    pub message: String,
}

/// A test row that a prover does not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its position among the test rows.
    pub row: usize,
    /// Why not.
    pub message: String,
}

/// The outputs that a proof says beside those of the float model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowComparison {
    /// Whether both give the same label.
    pub same_label: bool,
    /// Mean absolute difference over the outputs.
    pub mean_abs_error: f64,
    /// Largest absolute difference of an output.
    pub max_abs_error: f64,
}

/// A model as provers get it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Name of the model.
    pub tag: &'a str,
    /// The ONNX file.
    pub onnx: &'a Path,
    /// JSON with the rows: `{"calibration": [[...]], "test": [[...]]}`.
    pub rows: &'a Path,
    /// Positions of test rows in that file, in the order in which they are to be proved.
    pub test_rows: &'a [usize],
    /// What the float model gives for the test rows, by their position in the file.
    pub expected: &'a Expected,
    /// Where a prover leaves its keys and proofs.
    pub folder: &'a Path,
}

/// What the float model gives for every test row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    /// Outputs of each row, one or one per class.
    pub outputs: Vec<Vec<f64>>,
    /// A row with one output is of class 1 if that is at least this.
    pub threshold: f64,
}

/// A trained model as a file, with all that proving it needs.
#[derive(Clone, Debug)]
pub struct Exported {
    /// Name of the model.
    pub tag: String,
    /// The ONNX file.
    pub onnx: PathBuf,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// Trained parameters, as of [`AccuracyRound`].
    pub parameters: usize,
    /// Positions of the test rows in the order in which they are to be proved.
    pub test_rows: Vec<usize>,
    /// What the float model gives for the test rows.
    pub expected: Expected,
}

impl Exported {
    /// The model for a prover that leaves its files in `folder`; `rows` is the file of rows.
    pub fn subject<'a>(&'a self, rows: &'a Path, folder: &'a Path) -> Subject<'a> {
        Subject {
            tag: &self.tag,
            onnx: &self.onnx,
            rows,
            test_rows: &self.test_rows,
            expected: &self.expected,
            folder,
        }
    }
}

impl Expected {
    /// `outputs` of test row `row` beside those of the float model; `None` if there is no such row, or
    /// another number of outputs.
    pub fn compare(&self, row: usize, outputs: &[f64]) -> Option<RowComparison> {
        let expected = self.outputs.get(row)?;
        if expected.is_empty() || expected.len() != outputs.len() {
            return None;
        }
        let errors = || expected.iter().zip(outputs).map(|(a, b)| (a - b).abs());
        Some(RowComparison {
            same_label: class(expected, self.threshold) == class(outputs, self.threshold),
            mean_abs_error: errors().sum::<f64>() / expected.len() as f64,
            max_abs_error: errors().fold(0.0, f64::max),
        })
    }
}

/// How far proofs are from the float model over all proved rows; `None` if there are none.
pub fn fidelity(rounds: &[ProvingRound]) -> Option<Fidelity> {
    let compared: Vec<RowComparison> = rounds.iter().filter_map(|round| round.comparison).collect();
    let rows = compared.len();
    if rows == 0 {
        return None;
    }
    let same = compared.iter().filter(|row| row.same_label).count();
    let sum: f64 = compared.iter().map(|row| row.mean_abs_error).sum();
    let errors = compared.iter().map(|row| row.max_abs_error);
    Some(Fidelity {
        rows,
        label_agreement: same as f64 / rows as f64,
        mean_abs_error: sum / rows as f64,
        max_abs_error: errors.fold(0.0, f64::max),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected() -> Expected {
        Expected {
            outputs: vec![vec![0.75], vec![0.25], vec![0.5]],
            threshold: 0.5,
        }
    }

    fn proved(row: usize, output: f64) -> ProvingRound {
        ProvingRound {
            row: Some(row),
            outputs: vec![output],
            comparison: expected().compare(row, &[output]),
            ..ProvingRound::default()
        }
    }

    #[test]
    fn proofs_are_compared_with_the_float_model() {
        let rounds = [
            proved(0, 0.5),
            ProvingRound::default(),
            proved(1, 0.5),
            proved(2, 0.5),
        ];
        assert_eq!(
            fidelity(&rounds),
            Some(Fidelity {
                rows: 3,
                label_agreement: 2.0 / 3.0,
                mean_abs_error: 0.5 / 3.0,
                max_abs_error: 0.25,
            })
        );
        assert_eq!(fidelity(&rounds[1..2]), None);
    }

    #[test]
    fn rows_that_cannot_be_compared_are_left_out() {
        assert_eq!(expected().compare(3, &[0.5]), None);
        assert_eq!(expected().compare(0, &[0.5, 0.5]), None);
        let classes = Expected {
            outputs: vec![vec![0.25, 0.5, 0.25]],
            threshold: 0.5,
        };
        let row = classes.compare(0, &[0.5, 0.25, 0.25]).unwrap();
        assert!(!row.same_label);
        assert_eq!(row.max_abs_error, 0.25);
        assert_eq!(row.mean_abs_error, 0.5 / 3.0);
    }

    #[test]
    fn a_round_reads_back_as_it_was_written() {
        let mut round = proved(1, 0.125);
        round.wall.push(zkassay_report::Stage::Prove, 3.5);
        round.refused.push(Refused {
            row: 7,
            message: "too large".into(),
        });
        let json = serde_json::to_string(&round).unwrap();
        assert_eq!(serde_json::from_str::<ProvingRound>(&json).unwrap(), round);
    }
}
