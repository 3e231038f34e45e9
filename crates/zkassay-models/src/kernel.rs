//! Support vector machines, linear and with a radial basis function.
//!
//! They are trained here rather than by a crate, for what was found in these:
//!
//! - linfa-svm 0.8 does not say whether its solver gave up, which it does after
//!   ten million steps and not before: on 449 rows with one feature a thousand
//!   times as large as the others, a minute for no result. Its shrinking loses
//!   track of the gradient.
//! - smartcore 0.7 approximates the optimum, in two passes over shuffled rows,
//!   and has no measure of how far it is away.
//!
//! ```
//! use ndarray::array;
//! use zkassay_models::kernel::{SvmParams, fit_svm};
//! use zkassay_models::{Classifier, Hyperparameters, TrainingSet};
//!
//! // Exclusive or: no hyperplane separates it.
//! let rows = array![[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]];
//! let set = TrainingSet::new(rows.view(), &[0, 0, 1, 1])?;
//! let params = SvmParams {
//!     c: 10.0,
//!     ..SvmParams::default()
//! };
//!
//! let model = fit_svm(&set, &params.check()?)?;
//! assert_eq!(model.predict(rows.view())?.classes(), [0, 0, 1, 1]);
//! # Ok::<(), zkassay_models::ModelError>(())
//! ```

mod dual;
mod svm;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

pub use self::svm::{Gamma, Svm, SvmKernel, SvmParams, fit_svm};
use crate::classifier::{builder, check_rows};
use crate::linear::float64;
use crate::{Classifier, Export, ModelError, Predictions, ScoreKind};

/// A trained machine whose scores are sums of radial basis functions around
/// its support vectors: `bias + sum_j coefficient_j exp(-gamma |x - s_j|^2)`.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelMachine {
    support: Array2<f32>,
    coefficients: Array2<f32>,
    bias: Array1<f32>,
    gamma: f32,
}

impl KernelMachine {
    /// The support vectors, `[vectors, inputs]`, in the order of the training rows.
    pub fn support(&self) -> ArrayView2<'_, f32> {
        self.support.view()
    }

    /// What each support vector adds to each output, `[outputs, vectors]`.
    pub fn coefficients(&self) -> ArrayView2<'_, f32> {
        self.coefficients.view()
    }

    /// What is added to each output, `[outputs]`.
    pub fn bias(&self) -> ArrayView1<'_, f32> {
        self.bias.view()
    }

    /// One over the squared width of the functions.
    pub fn gamma(&self) -> f32 {
        self.gamma
    }
}

impl Classifier for KernelMachine {
    fn inputs(&self) -> usize {
        self.support.ncols()
    }

    fn classes(&self) -> usize {
        self.bias.len().max(2)
    }

    fn parameters(&self) -> usize {
        self.support.len() + self.coefficients.len() + self.bias.len()
    }

    /// Sums are in float64 and rounded once.
    fn predict(&self, rows: ArrayView2<'_, f32>) -> Result<Predictions, ModelError> {
        check_rows(self.inputs(), rows)?;
        let sums = sums(
            &float64(rows),
            &float64(self.support()),
            &float64(self.coefficients()),
            f64::from(self.gamma),
        );
        Ok(Predictions {
            scores: (sums + &self.bias.mapv(f64::from)).mapv(|score| score as f32),
            kind: ScoreKind::Decision,
        })
    }

    fn to_onnx(&self, export: &Export) -> Result<Vec<u8>, ModelError> {
        let bytes = builder(export, self.inputs(), self.classes())?
            .rbf("kernel", self.support(), self.gamma)?
            .dense("linear", self.coefficients(), self.bias())?
            .encode()?;
        Ok(bytes)
    }
}

/// `sum_j coefficient_j exp(-gamma |x - s_j|^2)` of each row `x`, for
/// `coefficients` `[outputs, vectors]`; `[rows, outputs]`.
fn sums(
    rows: &Array2<f64>,
    support: &Array2<f64>,
    coefficients: &Array2<f64>,
    gamma: f64,
) -> Array2<f64> {
    let mut sums = Array2::zeros((rows.nrows(), coefficients.nrows()));
    for (row, mut sums) in rows.outer_iter().zip(sums.outer_iter_mut()) {
        let values = support
            .outer_iter()
            .map(|vector| radial(row, vector, gamma));
        sums.assign(&coefficients.dot(&values.collect::<Array1<f64>>()));
    }
    sums
}

/// `exp(-gamma |x - s|^2)`.
fn radial(x: ArrayView1<'_, f64>, s: ArrayView1<'_, f64>, gamma: f64) -> f64 {
    let squares = x.iter().zip(s).map(|(x, s)| (x - s) * (x - s));
    (-gamma * squares.sum::<f64>()).exp()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn scores_are_those_computed_by_hand() {
        let machine = KernelMachine {
            support: array![[0.0, 0.0], [3.0, 4.0]],
            coefficients: array![[2.0, -1.0]],
            bias: array![0.5],
            gamma: 0.04,
        };
        let predictions = machine
            .predict(array![[0.0, 0.0], [3.0, 4.0]].view())
            .unwrap();
        // At a distance of 5 a function is e^-1.
        let far = (-1f32).exp();
        let expected = array![[2.5 - far], [2.0 * far - 0.5]];
        assert!(
            (predictions.scores - expected)
                .iter()
                .all(|e| e.abs() < 1e-6)
        );
        assert_eq!(
            (machine.inputs(), machine.classes(), machine.parameters()),
            (2, 2, 7)
        );
    }
}
