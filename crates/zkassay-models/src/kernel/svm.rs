//! Training support vector machines.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::KernelMachine;
use super::dual::{Dual, Kernel};
use crate::linear::{LinearModel, Link, float64, one_vs_rest};
use crate::valid::{Hyperparameters, Valid, require};
use crate::{Classifier, Export, ModelError, Predictions, TrainingSet};

pub(super) const NAME: &str = "a support vector machine";

/// The products of all pairs of rows are held in memory: 800 MB of them.
const MAX_ROWS: usize = 10_000;

/// The largest sum of coefficients, which float32 has to within 1/16.
const MAX_SUM: f64 = (1 << 20) as f64;

/// What a support vector machine compares rows by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SvmKernel {
    /// The product of two rows; the model is linear.
    Linear,
    /// `exp(-gamma |x - y|^2)`.
    Rbf {
        /// One over the squared width.
        gamma: Gamma,
    },
}

impl Default for SvmKernel {
    fn default() -> Self {
        Self::Rbf {
            gamma: Gamma::Scale,
        }
    }
}

/// One over the squared width of a radial basis function.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gamma {
    /// `1 / (features * variance)`, the variance of all numbers of the training
    /// rows together; 1 if they are all equal.
    Scale,
    /// This number, from 1e-30 to 1e30.
    Value(f64),
}

/// How a support vector machine is trained; by default as in scikit-learn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SvmParams {
    /// Weight of a row on the wrong side of its margin, from 1e-12 to 1e12.
    pub c: f64,
    /// How far margins of support vectors may be apart when training stops,
    /// from 1e-8 to 1; they should all be 1.
    pub tolerance: f64,
    /// What compares rows.
    pub kernel: SvmKernel,
    /// Most steps, from 1 to 1,000,000,000; each takes time in proportion to the
    /// rows. Where features are of about the same scale, some hundreds per row are
    /// enough; a linear kernel with one feature a hundred times as large as the
    /// others takes a million, or never ends.
    pub max_iterations: usize,
}

impl SvmParams {
    /// The study's choice: linear, with a tolerance of 0.01.
    pub fn study() -> Self {
        Self {
            tolerance: 0.01,
            kernel: SvmKernel::Linear,
            ..Self::default()
        }
    }
}

impl Default for SvmParams {
    fn default() -> Self {
        Self {
            c: 1.0,
            tolerance: 1e-3,
            kernel: SvmKernel::default(),
            max_iterations: 1_000_000,
        }
    }
}

impl Hyperparameters for SvmParams {
    fn validate(&self) -> Result<(), ModelError> {
        let holds = (1e-12..=1e12).contains(&self.c);
        require(holds, "c", self.c, "1e-12 to 1e12")?;
        let holds = (1e-8..=1.0).contains(&self.tolerance);
        require(holds, "tolerance", self.tolerance, "1e-8 to 1")?;
        let holds = (1..=1_000_000_000).contains(&self.max_iterations);
        let range = "1 to 1000000000";
        require(holds, "max_iterations", self.max_iterations, range)?;
        if let SvmKernel::Rbf {
            gamma: Gamma::Value(gamma),
        } = self.kernel
        {
            require_gamma(gamma)?;
        }
        Ok(())
    }
}

fn require_gamma(gamma: f64) -> Result<(), ModelError> {
    let holds = (1e-30..=1e30).contains(&gamma);
    require(holds, "gamma", format!("{gamma:?}"), "1e-30 to 1e30")
}

/// A trained support vector machine. Its scores are decisions: beyond -1 and 1
/// a row is outside of the margin.
#[derive(Clone, Debug, PartialEq)]
pub enum Svm {
    /// With a linear kernel, support vectors add up to one hyperplane.
    Linear(LinearModel),
    /// With a radial basis function they are part of the model.
    Kernel(KernelMachine),
}

impl Svm {
    fn classifier(&self) -> &dyn Classifier {
        match self {
            Self::Linear(model) => model,
            Self::Kernel(machine) => machine,
        }
    }
}

impl Classifier for Svm {
    fn inputs(&self) -> usize {
        self.classifier().inputs()
    }

    fn classes(&self) -> usize {
        self.classifier().classes()
    }

    fn parameters(&self) -> usize {
        self.classifier().parameters()
    }

    fn predict(&self, rows: ArrayView2<'_, f32>) -> Result<Predictions, ModelError> {
        self.classifier().predict(rows)
    }

    fn to_onnx(&self, export: &Export) -> Result<Vec<u8>, ModelError> {
        self.classifier().to_onnx(export)
    }
}

/// The widest margin between the classes, where each row short of it costs `c`
/// times what it lacks. This is scikit-learn's `SVC` without probabilities.
///
/// For more than two classes one machine per class separates it from all
/// others, and the highest decision wins. scikit-learn's `SVC` lets one machine
/// per *pair* of classes vote, which is more machines and no single score per
/// class; its `OneVsRestClassifier(SVC())` is what is trained here.
///
/// # Errors
/// [`ModelError::TooManyRows`] beyond 10,000 rows,
/// [`ModelError::NotConverged`] if the margins are apart by more than twice the
/// tolerance after the last step, [`ModelError::Parameter`] if `gamma` of
/// [`Gamma::Scale`] is out of range, [`ModelError::Unsolved`] if the model is
/// beyond float32: a weight, or coefficients so large that rounding them moves
/// decisions by a part of the margin.
pub fn fit_svm(set: &TrainingSet<'_>, params: &Valid<SvmParams>) -> Result<Svm, ModelError> {
    if set.len() > MAX_ROWS {
        return Err(ModelError::TooManyRows {
            model: NAME,
            found: set.len(),
            limit: MAX_ROWS,
        });
    }
    let rows = float64(set.rows());
    let kernel = match params.kernel {
        SvmKernel::Linear => Kernel::Linear,
        SvmKernel::Rbf { gamma } => Kernel::Rbf {
            gamma: gamma.of(&rows)?,
        },
    };
    let dual = Dual::new(&rows, kernel, params);
    let targets = one_vs_rest(set);
    let mut coefficients = Array2::zeros((set.outputs(), set.len()));
    let mut bias = Array1::zeros(set.outputs());
    for (output, targets) in targets.columns().into_iter().enumerate() {
        let solution = dual.solve(targets)?;
        coefficients.row_mut(output).assign(&solution.coefficients);
        bias[output] = solution.bias;
    }
    match kernel {
        Kernel::Linear => {
            let weights = coefficients.dot(&rows);
            LinearModel::rounded(NAME, weights.view(), &bias, Link::Identity).map(Svm::Linear)
        }
        Kernel::Rbf { gamma } => {
            for coefficients in coefficients.outer_iter() {
                require_margin(coefficients)?;
            }
            let coefficients = coefficients.mapv(|coefficient| coefficient as f32);
            let counts = |row: &usize| coefficients.column(*row).iter().any(|c| *c != 0.0);
            let support: Vec<usize> = (0..set.len()).filter(counts).collect();
            Ok(Svm::Kernel(KernelMachine {
                support: set.rows().select(Axis(0), &support),
                coefficients: coefficients.select(Axis(1), &support),
                bias: bias.mapv(|bias| bias as f32),
                gamma: gamma as f32,
            }))
        }
    }
}

/// An error if rounding to float32 could move a decision by a part of the
/// margin, which is 1: a decision adds up terms as large as the coefficients.
fn require_margin(coefficients: ArrayView1<'_, f64>) -> Result<(), ModelError> {
    let sum: f64 = coefficients.iter().map(|c| c.abs()).sum();
    if sum <= MAX_SUM {
        return Ok(());
    }
    Err(ModelError::Unsolved {
        model: NAME,
        reason: format!(
            "coefficients add up to {sum:e}, beside which float32 loses the margin of 1; \
             lower c or scale the inputs"
        ),
    })
}

impl Gamma {
    /// The number for `rows`, one that float32 has: a model is used with the
    /// kernel that it was trained with.
    fn of(self, rows: &Array2<f64>) -> Result<f64, ModelError> {
        let gamma = match self {
            Self::Value(gamma) => gamma,
            Self::Scale => {
                let len = rows.len() as f64;
                let mean = rows.sum() / len;
                let variance = rows.mapv(|x| (x - mean) * (x - mean)).sum() / len;
                match variance > 0.0 {
                    true => 1.0 / (rows.ncols() as f64 * variance),
                    false => 1.0,
                }
            }
        };
        require_gamma(gamma)?;
        Ok(f64::from(gamma as f32))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn gamma_is_scaled_by_the_variance_of_all_numbers() {
        // Variance of 0, 2, 4, 6 is 5, over 2 features.
        let rows = array![[0.0, 2.0], [4.0, 6.0]];
        assert_eq!(Gamma::Scale.of(&rows).unwrap(), f64::from(0.1f32));
        assert_eq!(Gamma::Scale.of(&array![[3.0], [3.0]]).unwrap(), 1.0);
        let error = Gamma::Scale.of(&array![[1e30], [0.0]]).unwrap_err();
        assert!(error.to_string().contains("gamma"), "{error}");
    }

    #[test]
    fn absurd_parameters_are_refused() {
        let default = SvmParams::default;
        let rbf = |gamma| SvmParams {
            kernel: SvmKernel::Rbf {
                gamma: Gamma::Value(gamma),
            },
            ..default()
        };
        let cases = [
            (
                SvmParams {
                    c: 0.0,
                    ..default()
                },
                "c is 0",
            ),
            (
                SvmParams {
                    c: f64::INFINITY,
                    ..default()
                },
                "c is inf",
            ),
            (
                SvmParams {
                    tolerance: -1.0,
                    ..default()
                },
                "tolerance is -1",
            ),
            (rbf(0.0), "gamma is 0"),
            (rbf(f64::NAN), "gamma is NaN"),
        ];
        for (params, expected) in cases {
            let error = params.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let json = serde_json::to_string(&rbf(0.5).check().unwrap()).unwrap();
        assert_eq!(
            json,
            r#"{"c":1.0,"tolerance":0.001,"kernel":{"rbf":{"gamma":{"value":0.5}}},"max_iterations":1000000}"#
        );
        assert!(serde_json::from_str::<Valid<SvmParams>>(&json).is_ok());
        let json = json.replace("0.5", "-0.5");
        assert!(serde_json::from_str::<Valid<SvmParams>>(&json).is_err());
    }

    #[test]
    fn a_margin_that_float32_loses_is_an_error() {
        // Rows that cannot be told apart: every coefficient is at its bound.
        let rows = array![[0.0], [0.0], [1.0], [1.0]];
        let set = TrainingSet::new(rows.view(), &[0, 1, 0, 1]).unwrap();
        let fit = |c| {
            let params = SvmParams {
                c,
                ..SvmParams::default()
            };
            fit_svm(&set, &params.check().unwrap())
        };
        assert!(fit(2e5).is_ok());
        let error = fit(3e5).unwrap_err();
        assert!(error.to_string().contains("add up to 1.2e6"), "{error}");
    }

    #[test]
    fn more_rows_than_memory_holds_are_refused() {
        let rows = Array2::from_shape_fn((MAX_ROWS + 1, 1), |(row, _)| row as f32);
        let labels: Vec<u8> = (0..rows.nrows()).map(|row| u8::from(row > 5)).collect();
        let set = TrainingSet::new(rows.view(), &labels).unwrap();
        let error = fit_svm(&set, &SvmParams::study().check().unwrap()).unwrap_err();
        assert!(matches!(
            error,
            ModelError::TooManyRows { found: 10_001, .. }
        ));
    }
}
