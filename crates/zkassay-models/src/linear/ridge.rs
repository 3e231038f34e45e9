//! The ridge classifier: least squares on -1 and 1, with a penalty.

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};
use smartcore::linalg::basic::{arrays::Array, matrix::DenseMatrix};
use smartcore::linalg::traits::cholesky::CholeskyDecomposable;

use super::design::{Centred, one_vs_rest};
use super::{LinearModel, Link};
use crate::valid::{Hyperparameters, Valid, require};
use crate::{ModelError, TrainingSet};

const NAME: &str = "a ridge classifier";

/// How a ridge classifier is trained; by default as in scikit-learn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RidgeParams {
    /// Weight of the penalty, from 1e-12 to 1e12.
    pub alpha: f64,
}

impl Default for RidgeParams {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl Hyperparameters for RidgeParams {
    fn validate(&self) -> Result<(), ModelError> {
        let holds = (1e-12..=1e12).contains(&self.alpha);
        require(holds, "alpha", self.alpha, "1e-12 to 1e12")
    }
}

/// The minimum of `|X w + b - t|^2 + alpha |w|^2` for each output, where a
/// target in `t` is 1 for rows of the output's class and -1 for others; the
/// intercept `b` is not penalised. This is scikit-learn's `RidgeClassifier`.
///
/// smartcore solves the normal equations by Cholesky's decomposition: those of
/// the features, or of the rows if these are fewer. (Its own ridge regression
/// penalises the weights of standardised features or has no intercept, and
/// wants more rows than features.)
///
/// # Errors
/// [`ModelError::Unsolved`] if the equations are singular in float64, as when
/// features depend on each other and `alpha` is lost beside their squares.
pub fn fit_ridge(
    set: &TrainingSet<'_>,
    params: &Valid<RidgeParams>,
) -> Result<LinearModel, ModelError> {
    let centred = Centred::of(set);
    let rows = &centred.rows;
    let targets = one_vs_rest(set) * 2.0 - 1.0;
    let mean = targets.sum_axis(Axis(0)) / set.len() as f64;
    let targets = targets - &mean;
    let weights = if rows.ncols() <= rows.nrows() {
        solve(rows.t().dot(rows), params.alpha, &rows.t().dot(&targets))?
    } else {
        let multipliers = solve(rows.dot(&rows.t()), params.alpha, &targets)?;
        rows.t().dot(&multipliers)
    };
    centred.model(NAME, weights.t(), &mean, Link::Identity)
}

/// The `x` of `(gram + alpha) x = right`.
fn solve(
    mut gram: Array2<f64>,
    alpha: f64,
    right: &Array2<f64>,
) -> Result<Array2<f64>, ModelError> {
    let unsolved = |error: smartcore::error::Failed| ModelError::Unsolved {
        model: NAME,
        reason: format!("{error}; raise alpha or scale the inputs"),
    };
    let dense = |values: &Array2<f64>| {
        let (rows, columns) = values.dim();
        DenseMatrix::new(rows, columns, values.iter().copied().collect(), false)
    };
    gram.diag_mut().mapv_inplace(|entry| entry + alpha);
    let solution = dense(&gram)
        .and_then(|gram| gram.cholesky_solve_mut(dense(right)?))
        .map_err(unsolved)?;
    Ok(Array2::from_shape_fn(right.dim(), |at| *solution.get(at)))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn one_feature_by_hand() {
        // Centred rows -1, 0, 1 and targets -2/3, -2/3, 4/3: w = 2 / (2 + alpha).
        let rows = array![[4.0], [5.0], [6.0]];
        let set = TrainingSet::new(rows.view(), &[0, 0, 1]).unwrap();
        let params = RidgeParams { alpha: 2.0 }.check().unwrap();
        let model = fit_ridge(&set, &params).unwrap();
        assert_eq!(model.weights(), array![[0.5]]);
        assert_eq!(model.bias(), array![-1.0f32 / 3.0 - 2.5]);
        assert_eq!(model.link(), Link::Identity);
    }

    #[test]
    fn equations_without_a_solution_are_an_error() {
        // Equal features; beside their squares, 2^62, nothing is left of alpha.
        let big = 2f32.powi(30);
        let rows = array![[-big, -big], [-big, -big], [big, big], [big, big]];
        let set = TrainingSet::new(rows.view(), &[0, 0, 1, 1]).unwrap();
        let params = RidgeParams { alpha: 1.0 }.check().unwrap();
        let error = fit_ridge(&set, &params).unwrap_err();
        assert!(matches!(error, ModelError::Unsolved { .. }), "{error}");
    }

    #[test]
    fn absurd_penalties_are_refused() {
        for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e13] {
            let error = RidgeParams { alpha }.check().unwrap_err().to_string();
            assert!(error.starts_with("parameter alpha is"), "{error}");
        }
        assert!(serde_json::from_str::<Valid<RidgeParams>>(r#"{"alpha":0}"#).is_err());
        let default: Valid<RidgeParams> = serde_json::from_str("{}").unwrap();
        assert_eq!(default.alpha, 1.0);
    }
}
