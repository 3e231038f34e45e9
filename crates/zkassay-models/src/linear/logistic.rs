//! Logistic regression with a penalty.

use ndarray::{Array1, Array2, ArrayView1, ArrayViewMut1, Axis, concatenate};
use serde::{Deserialize, Serialize};
use smartcore::optimization::FunctionOrder;
use smartcore::optimization::first_order::{FirstOrderOptimizer, lbfgs::LBFGS};
use smartcore::optimization::line_search::Backtracking;

use super::design::{Centred, one_vs_rest};
use super::{LinearModel, Link};
use crate::valid::{Hyperparameters, Valid, require};
use crate::{ModelError, TrainingSet};

const NAME: &str = "a logistic regression";

/// How many steps L-BFGS remembers.
const MEMORY: usize = 30;

/// How a logistic regression is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogisticParams {
    /// Weight of the loss against the penalty, from 1e-12 to 1e12.
    pub c: f64,
    /// The slope at which training stops, from 1e-10 to 0.1: that of the mean
    /// loss per row, where each weight is measured in units that give the loss
    /// a curvature of 1 at the start. It means the same for any number of rows
    /// and any scale of the features.
    pub tolerance: f64,
    /// Most steps of L-BFGS, from 1 to 1,000,000.
    pub max_iterations: usize,
}

impl Default for LogisticParams {
    fn default() -> Self {
        Self {
            c: 1.0,
            tolerance: 1e-7,
            max_iterations: 10_000,
        }
    }
}

impl Hyperparameters for LogisticParams {
    fn validate(&self) -> Result<(), ModelError> {
        let holds = (1e-12..=1e12).contains(&self.c);
        require(holds, "c", self.c, "1e-12 to 1e12")?;
        let holds = (1e-10..=0.1).contains(&self.tolerance);
        require(holds, "tolerance", self.tolerance, "1e-10 to 0.1")?;
        let holds = (1..=1_000_000).contains(&self.max_iterations);
        require(holds, "max_iterations", self.max_iterations, "1 to 1000000")
    }
}

/// The minimum of `c sum_i loss(x_i) + |w|^2 / 2`, where the loss of a row is
/// the negative logarithm of its class's probability: a sigmoid of one output
/// for two classes, otherwise a softmax of one output per class. Intercepts are
/// not penalised. This is scikit-learn's `LogisticRegression`.
///
/// smartcore's L-BFGS finds it, on features that are centred and scaled such
/// that features of any unit take as many steps. (smartcore's own logistic
/// regression has the same objective with `alpha = 1 / c`, but stops without a
/// word after 1000 steps, far from the minimum if features are of different
/// scale.)
///
/// # Errors
/// [`ModelError::NotConverged`] if the slope is above the tolerance in the end.
pub fn fit_logistic(
    set: &TrainingSet<'_>,
    params: &Valid<LogisticParams>,
) -> Result<LinearModel, ModelError> {
    let centred = Centred::of(set);
    let penalty = 1.0 / (params.c * set.len() as f64);
    let (objective, units) = Objective::new(&centred.rows, one_vs_rest(set), penalty);
    let solution = objective.minimize(params)?;
    let outputs = set.outputs();
    let solution = Array2::from_shape_fn((outputs, units.len()), |(output, input)| {
        solution[output * units.len() + input] * units[input]
    });
    let link = match outputs {
        1 => Link::Sigmoid,
        _ => Link::Softmax,
    };
    let (weights, intercepts) = solution.view().split_at(Axis(1), set.features());
    let intercepts = intercepts.sum_axis(Axis(1));
    centred.model(NAME, weights, &intercepts, link)
}

/// Mean loss per row plus penalty, over rows that end with a 1 for the intercept.
///
/// Its variables are those of one output after the other.
struct Objective {
    /// `[rows, variables of an output]`.
    design: Array2<f64>,
    /// `[rows, outputs]`.
    targets: Array2<f64>,
    /// `sum_j penalty_j v_j^2 / 2` is added for each output.
    penalty: Array1<f64>,
}

impl Objective {
    /// The objective over `rows` `[rows, features]`, and the units of its
    /// variables: a weight is a variable times its unit.
    ///
    /// At the start all classes are equally likely, and the curvature along a
    /// weight is its feature's mean square times `p (1 - p)`, plus the penalty.
    /// The units make it 1.
    fn new(rows: &Array2<f64>, targets: Array2<f64>, penalty: f64) -> (Self, Array1<f64>) {
        let (len, features) = rows.dim();
        let mut design = concatenate![Axis(1), *rows, Array2::ones((len, 1))];
        let mut penalty = Array1::from_elem(features + 1, penalty);
        penalty[features] = 0.0;

        let share = 1.0 / targets.ncols().max(2) as f64;
        let squares = design.mapv(|x| x * x).sum_axis(Axis(0)) / len as f64;
        let curvature = squares * (share * (1.0 - share)) + &penalty;
        let units = curvature.mapv(|curvature| 1.0 / curvature.sqrt());
        design *= &units;
        penalty *= &units;
        penalty *= &units;
        let objective = Self {
            design,
            targets,
            penalty,
        };
        (objective, units)
    }

    /// Where the slope is below the tolerance.
    fn minimize(&self, params: &LogisticParams) -> Result<Vec<f64>, ModelError> {
        let value = |at: &Vec<f64>| self.value(at);
        let slope = |slope: &mut Vec<f64>, at: &Vec<f64>| slope.copy_from_slice(&self.slope(at));
        // Below zero, a tolerance is never met: only the slope ends the search.
        let search = LBFGS {
            max_iter: params.max_iterations,
            g_atol: params.tolerance,
            f_abstol: -1.0,
            f_reltol: -1.0,
            m: MEMORY,
            ..LBFGS::default()
        };
        let line = Backtracking {
            order: FunctionOrder::THIRD,
            ..Backtracking::default()
        };
        let start = vec![0.0; self.targets.ncols() * self.penalty.len()];
        let end = search.optimize(&value, &slope, &start, &line).x;

        let slopes = self.slope(&end).into_iter().map(f64::abs);
        let found = slopes.max_by(f64::total_cmp).unwrap_or(0.0);
        if found <= params.tolerance {
            return Ok(end);
        }
        Err(ModelError::NotConverged {
            model: NAME,
            found,
            tolerance: params.tolerance,
        })
    }

    fn value(&self, at: &[f64]) -> f64 {
        let mut logits = self.logits(at);
        let mut loss = 0.0;
        for (mut logits, targets) in logits.outer_iter_mut().zip(self.targets.outer_iter()) {
            loss -= logits.dot(&targets);
            loss += softmax(&mut logits);
        }
        let squares = at.chunks_exact(self.penalty.len()).map(|at| {
            let squares = at.iter().zip(&self.penalty);
            squares.map(|(v, penalty)| penalty * v * v).sum::<f64>()
        });
        loss / self.targets.nrows() as f64 + squares.sum::<f64>() / 2.0
    }

    fn slope(&self, at: &[f64]) -> Vec<f64> {
        let mut residuals = self.logits(at);
        for mut row in residuals.outer_iter_mut() {
            softmax(&mut row);
        }
        residuals -= &self.targets;
        residuals /= self.targets.nrows() as f64;
        let slope = residuals.t().dot(&self.design);
        let penalties = self.penalty.iter().cycle();
        let penalised = slope.iter().zip(at).zip(penalties);
        penalised
            .map(|((slope, v), penalty)| slope + penalty * v)
            .collect()
    }

    /// `[rows, outputs]`.
    fn logits(&self, at: &[f64]) -> Array2<f64> {
        let mut logits = Array2::zeros(self.targets.dim());
        let outputs = at.chunks_exact(self.penalty.len());
        for (mut column, at) in logits.columns_mut().into_iter().zip(outputs) {
            column.assign(&self.design.dot(&ArrayView1::from(at)));
        }
        logits
    }
}

/// Turns a row's logits into probabilities, and returns the logarithm of the
/// sum of their exponentials. Beside a single logit, the other class's is 0.
fn softmax(logits: &mut ArrayViewMut1<'_, f64>) -> f64 {
    let other = match logits.len() {
        1 => 0.0,
        _ => f64::NEG_INFINITY,
    };
    let highest = logits.fold(other, |highest, &logit| highest.max(logit));
    logits.mapv_inplace(|logit| (logit - highest).exp());
    let sum = logits.sum() + (other - highest).exp();
    logits.mapv_inplace(|exponential| exponential / sum);
    highest + sum.ln()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn fit(params: LogisticParams) -> Result<LinearModel, ModelError> {
        let rows = array![[-1.0], [1.0]];
        let set = TrainingSet::new(rows.view(), &[0, 1]).unwrap();
        fit_logistic(&set, &params.check().unwrap())
    }

    #[test]
    fn one_feature_by_hand() {
        // Both rows ask for w = 2 c / (1 + e^w), so c = (1 + e) / 2 gives w = 1.
        let model = fit(LogisticParams {
            c: (1.0 + 1f64.exp()) / 2.0,
            ..LogisticParams::default()
        })
        .unwrap();
        assert!((model.weights()[[0, 0]] - 1.0).abs() < 1e-6, "{model:?}");
        assert!(model.bias()[0].abs() < 1e-6, "{model:?}");
        assert_eq!(model.link(), Link::Sigmoid);
    }

    #[test]
    fn the_slope_is_that_of_the_value() {
        let rows = array![[1.0, -2.0], [0.5, 0.3], [-1.5, 1.0], [0.2, 0.9]];
        for targets in [
            array![[1.0], [0.0], [0.0], [1.0]],
            array![
                [1.0, 0.0, 0.0],
                [0.0, 1.0, 0.0],
                [0.0, 0.0, 1.0],
                [0.0, 1.0, 0.0]
            ],
        ] {
            let (objective, units) = Objective::new(&rows, targets, 0.3);
            let len = units.len() * objective.targets.ncols();
            let at: Vec<f64> = (0..len).map(|v| (v as f64 * 1.7).sin()).collect();
            for (variable, slope) in objective.slope(&at).into_iter().enumerate() {
                let moved = |by: f64| {
                    let mut at = at.clone();
                    at[variable] += by;
                    objective.value(&at)
                };
                let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!(
                    (difference - slope).abs() < 1e-8,
                    "{difference} and {slope}"
                );
            }
        }
    }

    #[test]
    fn probabilities_survive_large_logits() {
        for (mut logits, expected, sum) in [
            (array![800.0], array![1.0], 800.0),
            (array![-800.0], array![0.0], 0.0),
            (array![0.0], array![0.5], 2f64.ln()),
            (
                array![900.0, -900.0, 900.0],
                array![0.5, 0.0, 0.5],
                900.0 + 2f64.ln(),
            ),
        ] {
            assert_eq!(softmax(&mut logits.view_mut()), sum);
            assert_eq!(logits, expected);
        }
    }

    #[test]
    fn a_search_that_ends_early_is_an_error() {
        let error = fit(LogisticParams {
            max_iterations: 1,
            ..LogisticParams::default()
        })
        .unwrap_err();
        assert!(matches!(error, ModelError::NotConverged { found, .. } if found > 1e-7));
    }

    #[test]
    fn absurd_parameters_are_refused() {
        let default = LogisticParams::default;
        let cases = [
            (
                LogisticParams {
                    c: 0.0,
                    ..default()
                },
                "c is 0",
            ),
            (
                LogisticParams {
                    c: f64::NAN,
                    ..default()
                },
                "c is NaN",
            ),
            (
                LogisticParams {
                    tolerance: 0.0,
                    ..default()
                },
                "tolerance is 0",
            ),
            (
                LogisticParams {
                    max_iterations: 0,
                    ..default()
                },
                "max_iterations is 0",
            ),
        ];
        for (params, expected) in cases {
            let error = params.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(serde_json::from_str::<Valid<LogisticParams>>(r#"{"c":-1}"#).is_err());
        assert!(serde_json::from_str::<LogisticParams>(r#"{"C":1}"#).is_err());
    }
}
