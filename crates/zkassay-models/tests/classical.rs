//! Linear models and support vector machines: they are at the optimum that
//! they promise, whatever the rows, and repeat themselves.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use ndarray::{Array2, ArrayView1, Axis, array, concatenate};
use rayon::ThreadPoolBuilder;
use zkassay_models::kernel::{Gamma, KernelMachine, Svm, SvmKernel, SvmParams, fit_svm};
use zkassay_models::linear::{
    LinearModel, Link, LogisticParams, RidgeParams, fit_logistic, fit_ridge,
};
use zkassay_models::{
    Classifier, Export, Hyperparameters, ModelError, ScoreKind, Standardization, TrainingSet,
};
use zkassay_onnx::proto::ModelProto;
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

#[test]
fn several_classes_are_as_many_machines() {
    let data = Data::new(120, 8, 3);
    let one = |class: u8| Data {
        rows: data.rows.clone(),
        labels: data
            .labels
            .iter()
            .map(|label| u8::from(*label == class))
            .collect(),
    };
    let ridge = data.ridge(1.0);
    let svm = data.linear_svm(1.0);
    let rbf = data
        .rbf(1.0, Gamma::Scale)
        .predict(data.rows.view())
        .unwrap();
    assert_eq!(
        (ridge.classes(), svm.classes(), rbf.scores.ncols()),
        (3, 3, 3)
    );
    for class in 0..3u8 {
        let output = usize::from(class);
        let alone = one(class).ridge(1.0);
        for (w, v) in ridge.weights().row(output).iter().zip(alone.weights()) {
            assert!((w - v).abs() < 1e-6);
        }
        let alone = one(class).linear_svm(1.0);
        assert_eq!(svm.weights().row(output), alone.weights().row(0));
        assert_eq!(svm.bias()[output], alone.bias()[0]);
        let alone = one(class)
            .rbf(1.0, Gamma::Scale)
            .predict(data.rows.view())
            .unwrap();
        for (w, v) in rbf.scores.column(output).iter().zip(&alone.scores) {
            assert!((w - v).abs() < 1e-6);
        }
    }
}

#[test]
fn every_model_learns() {
    for classes in [2, 3, 4] {
        let data = Data::new(300, 6, classes);
        for model in data.all() {
            let predictions = model.predict(data.rows.view()).unwrap();
            assert_eq!((model.inputs(), model.classes()), (6, usize::from(classes)));
            assert_eq!(predictions.class_count(), usize::from(classes));
            let found = predictions.classes();
            let right = found
                .iter()
                .zip(&data.labels)
                .filter(|(a, b)| a == b)
                .count();
            let highest = (0..classes)
                .map(|class| data.labels.iter().filter(|label| **label == class).count());
            let baseline = highest.max().unwrap();
            assert!(
                right > baseline + 20,
                "{right}, {baseline} without a model: {model:?}"
            );
        }
        let probabilities = data.logistic(1.0).predict(data.rows.view()).unwrap();
        assert_eq!(probabilities.kind, ScoreKind::Probability);
        if classes > 2 {
            for row in probabilities.scores.outer_iter() {
                assert!((row.sum() - 1.0).abs() < 1e-6, "{row}");
            }
        }
    }
}

#[test]
fn a_constant_feature_has_no_weight() {
    let mut data = Data::new(60, 5, 2);
    data.rows.column_mut(2).fill(0.1);
    assert_eq!(data.logistic(1.0).weights()[[0, 2]], 0.0);
    assert_eq!(data.ridge(1.0).weights()[[0, 2]], 0.0);
    // Here it is the sum of the coefficients, that only rounding keeps from 0.
    assert!(data.linear_svm(1.0).weights()[[0, 2]].abs() < 1e-9);
    let constant = Data {
        rows: Array2::ones((4, 2)),
        labels: vec![0, 1, 1, 0],
    };
    for model in constant.all() {
        let scores = model.predict(constant.rows.view()).unwrap();
        let middle = match scores.kind {
            ScoreKind::Probability => 0.5,
            _ => 0.0,
        };
        assert!(
            scores
                .scores
                .iter()
                .all(|score| (score - middle).abs() < 1e-6),
            "{model:?}"
        );
    }
}

/// Twice every row is as much as twice the weight of the loss.
#[test]
fn duplicated_rows_count_twice() {
    let data = Data::new(50, 4, 3);
    let twice = Data {
        rows: concatenate![Axis(0), data.rows, data.rows],
        labels: data.labels.repeat(2),
    };
    for (once, twice) in [
        (data.logistic(2.0), twice.logistic(1.0)),
        (data.ridge(0.5), twice.ridge(1.0)),
        (data.linear_svm(2.0), twice.linear_svm(1.0)),
    ] {
        let difference = &once.weights() - &twice.weights();
        assert!(difference.iter().all(|d| d.abs() < 1e-4), "{difference}");
    }
    let once = data
        .rbf(2.0, Gamma::Scale)
        .predict(data.rows.view())
        .unwrap();
    let twice = twice
        .rbf(1.0, Gamma::Scale)
        .predict(data.rows.view())
        .unwrap();
    let difference = once.scores - twice.scores;
    assert!(difference.iter().all(|d| d.abs() < 1e-4), "{difference}");
}

#[test]
fn rows_that_contradict_each_other_cancel() {
    let data = Data::new(20, 3, 2);
    let both = Data {
        rows: concatenate![Axis(0), data.rows, data.rows],
        labels: [vec![0; 20], vec![1; 20]].concat(),
    };
    for model in [both.logistic(1.0), both.ridge(1.0), both.linear_svm(1.0)] {
        assert!(model.weights().iter().all(|w| w.abs() < 1e-6), "{model:?}");
    }
}

#[test]
fn numbers_at_the_ends_of_float32_give_a_model_or_an_error() {
    for scale in [f32::MAX, 1e30, 1e-30, 1e-45] {
        let data = Data {
            rows: array![[-scale, 0.0], [0.0, 1.0], [scale, -1.0], [scale, scale]],
            labels: vec![0, 1, 1, 0],
        };
        let set = data.set();
        let svm = |kernel| SvmParams {
            kernel,
            ..SvmParams::study()
        };
        let models: [Result<Box<dyn Classifier>, ModelError>; 4] = [
            fit_logistic(&set, &LogisticParams::default().check().unwrap())
                .map(|m| Box::new(m) as _),
            fit_ridge(&set, &RidgeParams::default().check().unwrap()).map(|m| Box::new(m) as _),
            fit_svm(&set, &svm(SvmKernel::Linear).check().unwrap()).map(|m| Box::new(m) as _),
            fit_svm(&set, &svm(SvmKernel::default()).check().unwrap()).map(|m| Box::new(m) as _),
        ];
        for model in models {
            match model {
                Ok(model) => assert_eq!(model.predict(data.rows.view()).unwrap().len(), 4),
                Err(error) => assert!(
                    matches!(
                        error,
                        ModelError::Unsolved { .. }
                            | ModelError::NotConverged { .. }
                            | ModelError::Parameter { name: "gamma", .. }
                    ),
                    "{error}"
                ),
            }
        }
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    for classes in [2, 3] {
        let data = Data::new(150, 20, classes);
        let bytes = |threads: usize| {
            let pool = ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let export = Export::new("model").with("seed", 11);
            pool.install(|| data.all().map(|model| model.to_onnx(&export).unwrap()))
        };
        let once = bytes(1);
        for threads in [1, 2, 5] {
            assert!(bytes(threads) == once, "{threads} threads");
        }
    }
}

#[test]
fn bad_rows_are_refused() {
    let data = Data::new(30, 3, 2);
    for model in data.all() {
        let error = model.predict(array![[1.0, 2.0]].view()).unwrap_err();
        assert!(matches!(
            error,
            ModelError::Columns {
                expected: 3,
                found: 2
            }
        ));
        let error = model
            .predict(array![[1.0, f32::NAN, 0.0]].view())
            .unwrap_err();
        assert!(matches!(
            error,
            ModelError::NonFinite {
                row: 0,
                column: 1,
                ..
            }
        ));
        assert!(
            model
                .predict(Array2::zeros((0, 3)).view())
                .unwrap()
                .is_empty()
        );

        let two = Standardization::new(vec![0.0; 2], vec![1.0; 2]).unwrap();
        let error = model
            .to_onnx(&Export::new("model").standardized(two))
            .unwrap_err();
        assert!(matches!(
            error,
            ModelError::Columns {
                expected: 3,
                found: 2
            }
        ));
    }
}

#[test]
fn what_is_written_is_a_chain_of_standard_operators() {
    let kernel = "Gemm ReduceSumSquare Add Relu Mul Exp Gemm";
    for (classes, link) in [(2, "Gemm Sigmoid"), (3, "Gemm Softmax")] {
        let data = Data::new(40, 3, classes);
        let standardization = Standardization::new(vec![1.0; 3], vec![2.0; 3]).unwrap();
        for (model, expected) in data.all().iter().zip([link, "Gemm", "Gemm", kernel]) {
            let export = Export::new("tag").with("seed", 5).with("classes", "mine");
            let read = |export: &Export| ModelProto::from_bytes(&model.to_onnx(export).unwrap());
            let operators = |model: &ModelProto| {
                let nodes = model.graph.iter().flat_map(|graph| &graph.node);
                nodes
                    .map(|node| node.op_type.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            let plain = read(&export).unwrap();
            assert_eq!(operators(&plain), expected);
            assert_eq!(plain.metadata("model"), Some("tag"));
            assert_eq!(plain.metadata("seed"), Some("5"));
            assert_eq!(
                plain.metadata("classes"),
                Some(classes.to_string().as_str())
            );
            let raw = read(&export.standardized(standardization.clone())).unwrap();
            assert_eq!(operators(&raw), format!("Sub Div {expected}"));
        }
    }
}
