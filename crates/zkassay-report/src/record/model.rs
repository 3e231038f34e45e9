//! What was measured of one model.

use serde::{Deserialize, Serialize};

use super::{Proving, Stage};

/// A model: how accurate it is, and what its proofs cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Name of the model, such as `64-32`.
    pub tag: String,
    /// What kind of model it is.
    pub family: Family,
    /// Widths of a network's hidden layers; empty for models without.
    pub hidden: Vec<usize>,
    /// Activation between the layers; `none` where there are no two.
    pub activation: String,
    /// Trained parameters (weights and biases; nodes and leaves of trees).
    pub parameters: usize,
    /// How it was trained.
    pub training: Training,
    /// How often it is right on the test rows.
    pub accuracy: Accuracy,
    /// SHA-256 of the ONNX file that was quantised and proved, hex.
    pub onnx_sha256: String,
    /// Our proofs of it.
    pub proving: Proving,
    /// Other provers' proofs of the same file, on the same rows.
    pub peers: Vec<Proving>,
}

impl ModelRecord {
    /// Median time of one of our proofs in milliseconds; `None` if there is none.
    pub fn prove_ms(&self) -> Option<f64> {
        self.proving.timings.of(Stage::Prove).median()
    }

    /// The activation between the layers: `none` where there are no hidden ones, whatever the run
    /// was told to use.
    pub fn used_activation(&self) -> &str {
        match self.hidden.is_empty() {
            true => "none",
            false => &self.activation,
        }
    }

    /// Whether the quantised model's whole interval is above what the majority label achieves.
    pub fn beats_majority(&self) -> bool {
        let quantized = self.accuracy.quantized.as_ref();
        quantized.is_some_and(|rate| rate.low > self.accuracy.majority.value)
    }
}

/// Kinds of models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Dense layers; linear models are networks without hidden layers.
    #[default]
    Network,
    /// Kernel machines.
    Kernel,
    /// Decision trees.
    Trees,
}

/// How a model was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// The hyper-parameters of the model's family, all of them.
    pub params: serde_json::Value,
    /// Seed of every draw of the first round's training; each round adds one.
    pub seed: u64,
    /// Wall-clock time of the training in all rounds, which are trained side by side.
    pub seconds: f64,
}

/// How often a model is right on the test rows, and what guessing achieves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// The trained model in floating point.
    pub float: Rate,
    /// The quantised model, which is the one that is proved; absent if there is none.
    pub quantized: Option<Rate>,
    /// Always answering with the training rows' majority label.
    pub majority: Rate,
}

/// A share of rows over one or more rounds, with its two-sided 95 % interval; all in `[0, 1]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Mean of the rounds' shares.
    pub value: f64,
    /// Lower end of the interval: Wilson's for one round, Student's over the rounds otherwise, with
    /// the variance of Nadeau and Bengio if they are random splits, which share rows.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Standard error of the mean over the rounds, with the same variance; absent for one round.
    pub standard_error: Option<f64>,
    /// What was counted in each round.
    pub rounds: Vec<Proportion>,
}

impl Rate {
    /// Rows tested in all rounds.
    pub fn total(&self) -> usize {
        self.rounds.iter().map(|round| round.total).sum()
    }

    /// Rows counted as right in all rounds.
    pub fn correct(&self) -> usize {
        self.rounds.iter().map(|round| round.correct).sum()
    }
}

/// A share of counted rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proportion {
    /// Rows counted as right.
    pub correct: usize,
    /// Rows in all.
    pub total: usize,
}
