//! Nothing close by is better.

use ndarray::{ArrayView1, array};
use zkassay_models::kernel::{Gamma, SvmParams, fit_svm};
use zkassay_models::linear::{LinearModel, Link};
use zkassay_models::{Classifier, Hyperparameters, ModelError, ScoreKind};
use zkassay_seed::Stream;

use crate::Data;

impl Data {
    /// 1 where a row is of the class that `output` of a model is for.
    fn target(&self, row: usize, output: usize, model: &LinearModel) -> f64 {
        let class = if model.classes() == 2 { 1 } else { output };
        f64::from(u8::from(usize::from(self.labels[row]) == class))
    }

    /// `sum_i residual_i x_ij` for each feature `j` and last for `x = 1`, and
    /// the same sum of absolute values.
    fn moments(&self, residual: impl Fn(usize) -> f64) -> Vec<(f64, f64)> {
        let features = self.rows.ncols();
        let value = |row: usize, feature: usize| match feature < features {
            true => f64::from(self.rows[[row, feature]]),
            false => 1.0,
        };
        let moment = |feature| {
            let terms = (0..self.labels.len()).map(|row| residual(row) * value(row, feature));
            terms.fold((0.0, 0.0), |(sum, size), term| {
                (sum + term, size + term.abs())
            })
        };
        (0..=features).map(moment).collect()
    }
}

/// `weights x + bias` in float64.
fn sums(model: &LinearModel, row: ArrayView1<'_, f32>) -> Vec<f64> {
    let sum = |(weights, bias): (ArrayView1<'_, f32>, &f32)| {
        let products = weights.into_iter().zip(row);
        let products = products.map(|(w, x)| f64::from(*w) * f64::from(*x));
        products.sum::<f64>() + f64::from(*bias)
    };
    let weights = model.weights();
    weights.outer_iter().zip(model.bias()).map(sum).collect()
}

/// Checks that the gradient of `c sum loss + |w|^2 / 2` vanishes beside its terms.
fn assert_logistic_optimum(data: &Data, c: f64, model: &LinearModel) {
    let probabilities = |row: usize| {
        let sums = sums(model, data.rows.row(row));
        if let [sum] = sums[..] {
            return vec![1.0 / (1.0 + (-sum).exp())];
        }
        let total: f64 = sums.iter().map(|sum| sum.exp()).sum();
        sums.iter().map(|sum| sum.exp() / total).collect()
    };
    let probabilities: Vec<Vec<f64>> = (0..data.labels.len()).map(probabilities).collect();
    for (output, weights) in model.weights().outer_iter().enumerate() {
        let residual = |row: usize| probabilities[row][output] - data.target(row, output, model);
        let moments = data.moments(residual);
        let (&(intercept, size), features) = moments.split_last().unwrap();
        assert!(intercept.abs() < 1e-4 * size, "{intercept:e} of {size}");
        for (weight, (moment, size)) in weights.iter().zip(features) {
            let slope = c * moment + f64::from(*weight);
            assert!(slope.abs() < 1e-4 * c * size, "{slope:e} of {}", c * size);
        }
    }
}

/// Checks the normal equations of `|X w + b - t|^2 + alpha |w|^2`, where the
/// targets in `t` are -1 and 1.
fn assert_ridge_optimum(data: &Data, alpha: f64, model: &LinearModel) {
    for output in 0..model.weights().nrows() {
        let residual = |row: usize| {
            let sum = sums(model, data.rows.row(row))[output];
            sum - (2.0 * data.target(row, output, model) - 1.0)
        };
        // The intercept, which comes last, has no penalty.
        let weights = model.weights().row(output).to_vec();
        let weights = weights.into_iter().map(f64::from).chain([0.0]);
        let sizes = data.moments(|_| 1.0);
        for ((weight, (moment, _)), (_, size)) in weights.zip(data.moments(residual)).zip(sizes) {
            let slope = moment + alpha * weight;
            assert!(slope.abs() < 1e-6 * size, "{slope:e} of {size}");
        }
    }
}

#[test]
fn the_slope_of_a_logistic_regression_is_zero() {
    for classes in [2, 3] {
        let data = Data::new(449, 162, classes);
        for c in [0.01, 1.0, 100.0] {
            assert_logistic_optimum(&data, c, &data.logistic(c));
        }
    }
    let more_features_than_rows = Data::new(40, 100, 3);
    assert_logistic_optimum(
        &more_features_than_rows,
        1.0,
        &more_features_than_rows.logistic(1.0),
    );
}

#[test]
fn the_slope_is_zero_for_features_of_any_scale() {
    let mut data = Data::new(200, 12, 2);
    for (feature, mut column) in data.rows.columns_mut().into_iter().enumerate() {
        let scale = 10f32.powi(feature as i32 - 6);
        column.mapv_inplace(|x| scale * (x + 3.0));
    }
    for c in [0.01, 1.0, 100.0] {
        assert_logistic_optimum(&data, c, &data.logistic(c));
    }
}

/// The weights of such rows have no end but the penalty's.
#[test]
fn the_slope_is_zero_for_classes_that_are_apart() {
    let mut data = Data::new(200, 12, 2);
    for (row, label) in data.rows.outer_iter().zip(&mut data.labels) {
        *label = u8::from(row[0] > 0.1);
    }
    for c in [1e3, 1e6] {
        let model = data.logistic(c);
        let predictions = model.predict(data.rows.view()).unwrap();
        assert_eq!(predictions.classes(), data.labels);
    }
    assert_logistic_optimum(&data, 1.0, &data.logistic(1.0));
}

#[test]
fn the_normal_equations_of_a_ridge_classifier_hold() {
    for (len, features) in [(449, 162), (40, 100), (60, 60)] {
        for classes in [2, 3] {
            let mut data = Data::new(len, features, classes);
            for (feature, mut column) in data.rows.columns_mut().into_iter().enumerate() {
                column.mapv_inplace(|x| x * (1 + feature % 3) as f32);
            }
            for alpha in [0.01, 1.0, 1000.0] {
                assert_ridge_optimum(&data, alpha, &data.ridge(alpha));
            }
        }
    }
}

#[test]
fn a_linear_svm_has_the_widest_margin() {
    // Between 0 and 3: w = 2/3, and decisions of -1 and 1 there.
    let separable = Data {
        rows: array![[-1.0], [0.0], [3.0], [5.0]],
        labels: vec![0, 0, 1, 1],
    };
    let model = separable.linear_svm(1e6);
    assert!(
        (model.weights()[[0, 0]] - 2.0 / 3.0).abs() < 1e-5,
        "{model:?}"
    );
    assert!((model.bias()[0] + 1.0).abs() < 1e-5, "{model:?}");
    assert_eq!(model.link(), Link::Identity);

    // No step away lowers the objective.
    let data = Data::new(150, 10, 2);
    let objective = |weights: &[f64], bias: f64| {
        let hinge = |(row, label): (ArrayView1<'_, f32>, &u8)| {
            let products = row.iter().zip(weights).map(|(x, w)| f64::from(*x) * w);
            let side = 2.0 * f64::from(*label) - 1.0;
            (1.0 - side * (products.sum::<f64>() + bias)).max(0.0)
        };
        let losses = data.rows.outer_iter().zip(&data.labels).map(hinge);
        losses.sum::<f64>() + weights.iter().map(|w| w * w).sum::<f64>() / 2.0
    };
    let model = data.linear_svm(1.0);
    let weights: Vec<f64> = model.weights().iter().map(|w| f64::from(*w)).collect();
    let bias = f64::from(model.bias()[0]);
    let lowest = objective(&weights, bias);
    let mut stream = Stream::new(2, "steps");
    for step in [1e-4, 1e-3, 1e-2, 0.1, 1.0] {
        for _ in 0..50 {
            let moved: Vec<f64> = weights.iter().map(|w| w + step * stream.normal()).collect();
            let other = objective(&moved, bias + step * stream.normal());
            assert!(other > lowest - 1e-5, "{other} below {lowest}");
        }
    }
}

/// Far more steps would be needed than are taken by default.
#[test]
fn a_feature_out_of_scale_ends_the_search_for_a_margin() {
    let mut data = Data::new(100, 10, 2);
    data.rows
        .column_mut(0)
        .mapv_inplace(|x| 60_000.0 + 1000.0 * x);
    let error = fit_svm(&data.set(), &SvmParams::study().check().unwrap()).unwrap_err();
    assert!(matches!(error, ModelError::NotConverged { .. }), "{error}");
    assert!(error.to_string().contains("scale the inputs"), "{error}");
}

#[test]
fn margins_of_a_kernel_machine_fit_its_coefficients() {
    let data = Data::new(449, 162, 2);
    for (c, gamma) in [(1.0, Gamma::Scale), (10.0, Gamma::Value(0.001))] {
        let machine = data.rbf(c, gamma);
        let decisions = machine.predict(data.rows.view()).unwrap();
        assert_eq!(decisions.kind, ScoreKind::Decision);
        let total: f32 = machine.coefficients().sum();
        assert!(total.abs() < 1e-3, "{total}");
        let mut bounded = 0;
        for (row, label) in data.labels.iter().enumerate() {
            let side = 2.0 * f32::from(*label) - 1.0;
            let vectors = machine.support();
            let vector = vectors.outer_iter().position(|s| s == data.rows.row(row));
            let a = vector.map_or(0.0, |vector| side * machine.coefficients()[[0, vector]]);
            let margin = side * decisions.scores[[row, 0]];
            assert!((0.0..=c as f32).contains(&a), "{a}");
            assert!(a == 0.0 || margin < 1.0 + 1e-4, "{a}: {margin}");
            assert!(a == c as f32 || margin > 1.0 - 1e-4, "{a}: {margin}");
            bounded += usize::from(a == c as f32);
        }
        assert!(bounded > 0, "no row is short of its margin");
    }
}
