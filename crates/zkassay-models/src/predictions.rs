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

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};

    use super::*;

    #[test]
    fn probabilities_of_large_logits_are_zero_and_one() {
        let one = Predictions::from_logits(array![[0.0], [1e4], [-1e4], [f32::INFINITY]]);
        assert_eq!(one.scores, array![[0.5], [1.0], [0.0], [1.0]]);
        assert_eq!(one.classes(), [1, 1, 0, 1]);
        let several = Predictions::from_logits(array![[1e4, 0.0, 1e4], [-1e4, -3e38, 3e38]]);
        assert_eq!(several.scores, array![[0.5, 0.0, 0.5], [0.0, 0.0, 1.0]]);
        assert_eq!(several.classes(), [0, 2]);
    }

    #[test]
    fn ties_and_no_numbers_have_a_class_too() {
        use ScoreKind::{Decision, Probability};

        let of = |scores: &[f32], kind| class(ArrayView1::from(scores), kind);
        assert_eq!((of(&[0.5], Probability), of(&[0.0], Decision)), (1, 1));
        assert_eq!(
            (
                of(&[0.5f32.next_down()], Probability),
                of(&[-1e-45], Decision)
            ),
            (0, 0)
        );
        assert_eq!(of(&[-0.0], Decision), 1);
        assert_eq!((of(&[f32::NAN], Decision), of(&[], Decision)), (0, 0));
        assert_eq!(
            (
                of(&[0.2, 0.4, 0.4], Probability),
                of(&[f32::NAN, 1.0], Decision)
            ),
            (1, 0)
        );
        let last = Array1::from_shape_fn(256, |class| class as f32);
        assert_eq!(class(last.view(), Decision), 255);
    }
}
