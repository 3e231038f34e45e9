//! Linear models: logistic regression, the ridge classifier, and what a linear
//! support vector machine comes down to.
//!
//! All are `link(weights x + bias)`; they differ in what training asks for.
//! The objectives are scikit-learn's, so that its parameters mean the same here.
//!
//! ```
//! use ndarray::array;
//! use zkassay_models::linear::{LogisticParams, fit_logistic};
//! use zkassay_models::{Classifier, Export, Hyperparameters, TrainingSet};
//!
//! let rows = array![[-2.0, 0.1], [-1.0, -0.3], [1.0, 0.2], [2.0, -0.1]];
//! let set = TrainingSet::new(rows.view(), &[0, 0, 1, 1])?;
//!
//! let model = fit_logistic(&set, &LogisticParams::default().check()?)?;
//! assert_eq!(model.predict(rows.view())?.classes(), [0, 0, 1, 1]);
//! let onnx = model.to_onnx(&Export::new("logistic").with("seed", 7))?;
//! # Ok::<(), zkassay_models::ModelError>(())
//! ```

mod design;
mod logistic;
mod ridge;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

pub use self::logistic::{LogisticParams, fit_logistic};
pub use self::ridge::{RidgeParams, fit_ridge};
use crate::classifier::{builder, check_rows, probability};
use crate::{Classifier, Export, ModelError, Predictions, ScoreKind};

pub(crate) use self::design::{float64, one_vs_rest};

/// What becomes of `weights x + bias`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Nothing: the scores are decisions.
    Identity,
    /// `1 / (1 + exp(-z))` of the only output: the probability of class 1.
    Sigmoid,
    /// `exp(z_i) / sum_j exp(z_j)`: a probability per class.
    Softmax,
}

/// A trained linear model.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearModel {
    weights: Array2<f32>,
    bias: Array1<f32>,
    link: Link,
}

impl LinearModel {
    /// The model of `weights` `[outputs, inputs]` and `bias` `[outputs]`,
    /// rounded to float32.
    ///
    /// # Errors
    /// [`ModelError::Unsolved`] for the model `name` if one is not finite in float32.
    pub(crate) fn rounded(
        name: &'static str,
        weights: ArrayView2<'_, f64>,
        bias: &Array1<f64>,
        link: Link,
    ) -> Result<Self, ModelError> {
        let weights = weights.mapv(|weight| weight as f32);
        let bias = bias.mapv(|bias| bias as f32);
        match weights.iter().chain(&bias).find(|w| !w.is_finite()) {
            Some(weight) => Err(ModelError::Unsolved {
                model: name,
                reason: format!("a weight is {weight} in float32; scale the inputs"),
            }),
            None => Ok(Self {
                weights,
                bias,
                link,
            }),
        }
    }

    /// Factors of the features, `[outputs, inputs]`.
    pub fn weights(&self) -> ArrayView2<'_, f32> {
        self.weights.view()
    }

    /// What is added to each output, `[outputs]`.
    pub fn bias(&self) -> ArrayView1<'_, f32> {
        self.bias.view()
    }

    /// What becomes of the sums.
    pub fn link(&self) -> Link {
        self.link
    }
}

impl Classifier for LinearModel {
    fn inputs(&self) -> usize {
        self.weights.ncols()
    }

    fn classes(&self) -> usize {
        self.bias.len().max(2)
    }

    fn parameters(&self) -> usize {
        self.weights.len() + self.bias.len()
    }

    /// Sums are in float64 and rounded once.
    fn predict(&self, rows: ArrayView2<'_, f32>) -> Result<Predictions, ModelError> {
        check_rows(self.inputs(), rows)?;
        let sums = float64(rows).dot(&float64(self.weights()).t());
        let scores = (sums + &self.bias.mapv(f64::from)).mapv(|score| score as f32);
        Ok(match self.link {
            Link::Identity => Predictions {
                scores,
                kind: ScoreKind::Decision,
            },
            Link::Sigmoid | Link::Softmax => Predictions::from_logits(scores),
        })
    }

    fn to_onnx(&self, export: &Export) -> Result<Vec<u8>, ModelError> {
        let builder = builder(export, self.inputs(), self.classes())?;
        let builder = builder.dense("linear", self.weights(), self.bias())?;
        let builder = match self.link {
            Link::Identity => builder,
            Link::Sigmoid | Link::Softmax => probability(builder, self.bias.len())?,
        };
        Ok(builder.encode()?)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn model(weights: Array2<f64>, bias: Array1<f64>, link: Link) -> LinearModel {
        LinearModel::rounded("test", weights.view(), &bias, link).unwrap()
    }

    #[test]
    fn scores_are_those_computed_by_hand() {
        let rows = array![[1.0, 2.0], [-3.0, 0.5]];
        let (weights, bias) = (array![[0.5, -1.0]], array![0.25]);
        let sums = array![[-1.25], [-1.75]];
        let decision = model(weights.clone(), bias.clone(), Link::Identity);
        let predictions = decision.predict(rows.view()).unwrap();
        assert_eq!(
            (predictions.scores, predictions.kind),
            (sums, ScoreKind::Decision)
        );

        let predictions = model(weights, bias, Link::Sigmoid)
            .predict(rows.view())
            .unwrap();
        assert_eq!(predictions.kind, ScoreKind::Probability);
        // 1 / (1 + e^1.25) and 1 / (1 + e^1.75).
        let expected = array![[0.222_700_14], [0.148_047_2]];
        assert!(
            (predictions.scores - expected)
                .iter()
                .all(|e: &f32| e.abs() < 1e-7)
        );

        let softmax = model(
            array![[1.0], [2.0], [3.0]],
            array![0.0, 0.0, 0.0],
            Link::Softmax,
        );
        assert_eq!((softmax.classes(), softmax.parameters()), (3, 6));
        let scores = softmax.predict(array![[1.0]].view()).unwrap().scores;
        let expected = array![[0.090_030_57, 0.244_728_48, 0.665_240_94]];
        assert!((scores - expected).iter().all(|e: &f32| e.abs() < 1e-7));
    }

    #[test]
    fn a_weight_beyond_float32_is_an_error() {
        for weight in [1e39, f64::NAN] {
            let error = LinearModel::rounded(
                "test",
                array![[weight]].view(),
                &array![0.0],
                Link::Identity,
            )
            .unwrap_err();
            assert!(error.to_string().contains("in float32"), "{error}");
        }
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let model = model(array![[0.5, -1.0]], array![0.25], Link::Identity);
        let columns = model.predict(array![[1.0]].view()).unwrap_err();
        assert!(matches!(
            columns,
            ModelError::Columns {
                expected: 2,
                found: 1
            }
        ));
        let infinite = model
            .predict(array![[1.0, f32::INFINITY]].view())
            .unwrap_err();
        assert!(matches!(
            infinite,
            ModelError::NonFinite {
                row: 0,
                column: 1,
                ..
            }
        ));
        assert!(
            model
                .predict(Array2::zeros((0, 2)).view())
                .unwrap()
                .is_empty()
        );
    }
}
