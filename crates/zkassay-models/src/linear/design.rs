//! A training set as linear models take it.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::{LinearModel, Link};
use crate::{ModelError, TrainingSet};

/// The same numbers in float64.
pub(crate) fn float64(rows: ArrayView2<'_, f32>) -> Array2<f64> {
    rows.mapv(f64::from)
}

/// `[rows, outputs]`: 1 where a row is of the output's class, otherwise 0. The
/// only output of two classes is class 1.
pub(crate) fn one_vs_rest(set: &TrainingSet<'_>) -> Array2<f64> {
    let outputs = set.outputs();
    let class = |output: usize| if outputs == 1 { 1 } else { output };
    let labels = set.labels();
    Array2::from_shape_fn((set.len(), outputs), |(row, output)| {
        f64::from(usize::from(labels[row]) == class(output))
    })
}

/// Rows less the mean of each feature: an intercept fitted to them is
/// independent of the weights, and penalties do not see where zero lies.
pub(super) struct Centred {
    /// `[rows, features]`.
    pub(super) rows: Array2<f64>,
    mean: Array1<f64>,
}

impl Centred {
    /// The rows of `set`, centred. A constant feature becomes all zeros.
    pub(super) fn of(set: &TrainingSet<'_>) -> Self {
        let mut rows = float64(set.rows());
        let mean = rows.sum_axis(Axis(0)) / set.len() as f64;
        rows -= &mean;
        Self { rows, mean }
    }

    /// The model over rows that are not centred, of `weights`
    /// `[outputs, features]` and `intercepts` `[outputs]` over those that are.
    pub(super) fn model(
        &self,
        name: &'static str,
        weights: ArrayView2<'_, f64>,
        intercepts: &Array1<f64>,
        link: Link,
    ) -> Result<LinearModel, ModelError> {
        let bias = intercepts - weights.dot(&self.mean);
        LinearModel::rounded(name, weights, &bias, link)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn two_classes_have_one_target_and_more_have_one_each() {
        let rows = array![[1.0], [2.0], [3.0]];
        let two = TrainingSet::new(rows.view(), &[1, 0, 1]).unwrap();
        assert_eq!(one_vs_rest(&two), array![[1.0], [0.0], [1.0]]);
        let three = TrainingSet::new(rows.view(), &[1, 0, 2]).unwrap();
        let expected = array![[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]];
        assert_eq!(one_vs_rest(&three), expected);
    }

    #[test]
    fn centring_is_undone_by_the_bias() {
        let rows = array![[1.0, 0.1], [4.0, 0.1], [4.0, 0.1]];
        let set = TrainingSet::new(rows.view(), &[0, 1, 1]).unwrap();
        let centred = Centred::of(&set);
        assert_eq!(centred.rows, array![[-2.0, 0.0], [1.0, 0.0], [1.0, 0.0]]);
        let model = centred
            .model(
                "test",
                array![[2.0, 0.0]].view(),
                &array![0.5],
                Link::Identity,
            )
            .unwrap();
        // 2 (x - 3) + 0.5.
        assert_eq!(model.bias(), array![-5.5]);
    }
}
