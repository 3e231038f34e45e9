//! What a model says about rows.

use ndarray::{Array2, ArrayView1};
use serde::{Deserialize, Serialize};

/// What a score means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScoreKind {
    /// From 0 to 1.
    Probability,
    /// Any number, as the signed distance from a hyperplane.
    Decision,
}

/// Scores `[rows, outputs]`, and what they mean.
///
/// With one output it is the score of class 1, and a row is of class 1 if the
/// score is at least one half (probabilities) or not negative (decisions).
/// With more, at most 256, there is one per class, and the first of the highest
/// wins, as in ONNX's `ArgMax`.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// `[rows, outputs]`.
    pub scores: Array2<f32>,
    /// What they mean.
    pub kind: ScoreKind,
}

impl Predictions {
    /// Probabilities of logits `[rows, outputs]`: a sigmoid of one, a softmax of several.
    pub fn from_logits(mut logits: Array2<f32>) -> Self {
        if logits.ncols() == 1 {
            logits.mapv_inplace(|z| 1.0 / (1.0 + (-z).exp()));
        } else {
            for mut row in logits.rows_mut() {
                let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                row.mapv_inplace(|z| (z - highest).exp());
                let sum = row.sum();
                row.mapv_inplace(|e| e / sum);
            }
        }
        Self {
            scores: logits,
            kind: ScoreKind::Probability,
        }
    }

    /// The class of each row.
    pub fn classes(&self) -> Vec<u8> {
        let rows = self.scores.outer_iter();
        rows.map(|scores| class(scores, self.kind)).collect()
    }

    /// Number of classes.
    pub fn class_count(&self) -> usize {
        self.scores.ncols().max(2)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.scores.nrows()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The class that one row's scores stand for.
pub fn class(scores: ArrayView1<'_, f32>, kind: ScoreKind) -> u8 {
    if scores.len() == 1 {
        let threshold = match kind {
            ScoreKind::Probability => 0.5,
            ScoreKind::Decision => 0.0,
        };
        return u8::from(scores[0] >= threshold);
    }
    let best = |best: usize, index: usize| match scores[index] > scores[best] {
        true => index,
        false => best,
    };
    (0..scores.len()).reduce(best).unwrap_or(0) as u8
}
