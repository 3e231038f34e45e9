//! Linear models and support vector machines: they are at the optimum that
//! they promise, whatever the rows.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod optimum;
mod rows;
mod written;

use ndarray::{Array2, ArrayView1};
use zkassay_models::kernel::{Gamma, KernelMachine, Svm, SvmKernel, SvmParams, fit_svm};
use zkassay_models::linear::{LinearModel, LogisticParams, RidgeParams, fit_logistic, fit_ridge};
use zkassay_models::{Classifier, Hyperparameters, TrainingSet};
use zkassay_seed::Stream;

/// Rows of standard normal numbers, and labels that follow their first half of
/// features with some noise.
struct Data {
    rows: Array2<f32>,
    labels: Vec<u8>,
}

impl Data {
    fn new(len: usize, features: usize, classes: u8) -> Self {
        let mut stream = Stream::new(11, "rows");
        let rows = Array2::from_shape_fn((len, features), |_| stream.normal() as f32);
        let mut label = |row: ArrayView1<'_, f32>| {
            let signal = row.iter().take(features.div_ceil(2)).sum::<f32>();
            let scaled = f64::from(signal) / (features as f64).sqrt() + 0.5 * stream.normal();
            (scaled + f64::from(classes) / 2.0).clamp(0.0, f64::from(classes) - 0.5) as u8
        };
        let labels = rows.outer_iter().map(&mut label).collect();
        Self { rows, labels }
    }

    fn set(&self) -> TrainingSet<'_> {
        TrainingSet::new(self.rows.view(), &self.labels).unwrap()
    }

    fn logistic(&self, c: f64) -> LinearModel {
        let params = LogisticParams {
            c,
            ..LogisticParams::default()
        };
        fit_logistic(&self.set(), &params.check().unwrap()).unwrap()
    }

    fn ridge(&self, alpha: f64) -> LinearModel {
        fit_ridge(&self.set(), &RidgeParams { alpha }.check().unwrap()).unwrap()
    }

    fn svm(&self, params: SvmParams) -> Svm {
        fit_svm(&self.set(), &params.check().unwrap()).unwrap()
    }

    fn linear_svm(&self, c: f64) -> LinearModel {
        let params = SvmParams {
            c,
            tolerance: 1e-6,
            kernel: SvmKernel::Linear,
            ..SvmParams::default()
        };
        let linear = match self.svm(params) {
            Svm::Linear(model) => Some(model),
            Svm::Kernel(_) => None,
        };
        linear.unwrap()
    }

    fn rbf(&self, c: f64, gamma: Gamma) -> KernelMachine {
        let params = SvmParams {
            c,
            tolerance: 1e-6,
            kernel: SvmKernel::Rbf { gamma },
            ..SvmParams::default()
        };
        let machine = match self.svm(params) {
            Svm::Linear(_) => None,
            Svm::Kernel(machine) => Some(machine),
        };
        machine.unwrap()
    }

    /// One of each kind.
    fn all(&self) -> [Box<dyn Classifier>; 4] {
        [
            Box::new(self.logistic(1.0)),
            Box::new(self.ridge(1.0)),
            Box::new(self.svm(SvmParams::study())),
            Box::new(self.rbf(1.0, Gamma::Scale)),
        ]
    }
}
