//! Every model in other engines, and beside scikit-learn's on the same rows.
//!
//! Tract is always there; the ONNX checker, onnxruntime and scikit-learn where `cargo xtask python`
//! has made their environment.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use ndarray::{Array2, ArrayView2, Axis};
use serde_json::{Value, json};
use zkassay_models::cnn::{self, CnnParams};
use zkassay_models::kernel::{Gamma, SvmKernel, SvmParams, fit_svm};
use zkassay_models::linear::{LogisticParams, RidgeParams, fit_logistic, fit_ridge};
use zkassay_models::trees::{self, BoostedParams, ForestParams, TreeParams};
use zkassay_models::{
    Classifier, Export, Hyperparameters, MlpParams, ScoreKind, Standardization, TrainingSet, mlp,
};
use zkassay_onnx::proto::ModelProto;
use zkassay_seed::Stream;
use zkassay_testing::engines::assert_agree;
use zkassay_testing::python::{Fitted, Oracle};

const FEATURES: usize = 20;
const TRAINING: usize = 300;
const RBF: SvmKernel = SvmKernel::Rbf {
    gamma: Gamma::Scale,
};

/// Standard normal rows, and labels that half of the features and some noise decide.
struct Rows {
    rows: Array2<f32>,
    labels: Vec<u8>,
}

impl Rows {
    /// 300 to train with and 200 to test with, of so many classes.
    fn of(classes: u8) -> Self {
        let mut stream = Stream::new(u64::from(classes), "testing/labelled");
        let rows = Array2::from_shape_simple_fn((500, FEATURES), || stream.normal() as f32);
        let directions = Array2::from_shape_fn((FEATURES, usize::from(classes)), |(feature, _)| {
            if feature % 2 == 0 {
                stream.normal() as f32
            } else {
                0.0
            }
        });
        let mut scores = rows.dot(&directions);
        scores.mapv_inplace(|score| score + stream.normal() as f32);
        let highest = |scores: ndarray::ArrayView1<'_, f32>| {
            (0..classes).max_by(|&a, &b| scores[usize::from(a)].total_cmp(&scores[usize::from(b)]))
        };
        let labels = scores.outer_iter().filter_map(highest).collect();
        Self { rows, labels }
    }

    fn training(&self) -> TrainingSet<'_> {
        let (rows, _) = self.rows.view().split_at(Axis(0), TRAINING);
        TrainingSet::new(rows, &self.labels[..TRAINING]).unwrap()
    }

    fn test(&self) -> (ArrayView2<'_, f32>, &[u8]) {
        let (_, rows) = self.rows.view().split_at(Axis(0), TRAINING);
        (rows, &self.labels[TRAINING..])
    }

    /// What scikit-learn makes of them; nothing where it is not installed.
    fn scikit_learn(&self, estimator: &str, parameters: &Value) -> Option<Fitted> {
        let training = (self.training().rows(), self.training().labels());
        let fitted = Oracle::find()?.scikit_learn(estimator, parameters, training, self.test().0);
        Some(fitted.unwrap())
    }
}

/// Checks that what is exported scores rows as the model does: as it is, and with a
/// standardisation, on raw rows.
fn agrees(name: &str, model: &dyn Classifier, rows: ArrayView2<'_, f32>, tolerance: f32) {
    let check = |export: &Export, rows: ArrayView2<'_, f32>, seen: ArrayView2<'_, f32>| {
        let predictions = model.predict(seen).unwrap();
        let bytes = model.to_onnx(export).unwrap();
        assert_eq!(bytes, model.to_onnx(export).unwrap(), "{name}");
        let proto = ModelProto::from_bytes(&bytes).unwrap();
        assert_eq!(proto.metadata("model"), Some(name));
        assert_eq!(proto.metadata("seed"), Some("7"));
        let labels = assert_agree(name, &bytes, rows, predictions.scores.view(), tolerance);
        if let Some(labels) = labels {
            let classes: Vec<i64> = predictions.classes().into_iter().map(i64::from).collect();
            assert_eq!(labels, classes, "{name}: labels");
        }
    };
    let export = Export::new(name).with("seed", 7);
    check(&export, rows, rows);

    let mean = (0..FEATURES).map(|feature| 3.0 - 0.7 * feature as f32);
    let deviation = (0..FEATURES).map(|feature| 0.3 + 0.2 * feature as f32);
    let standardization = Standardization::new(mean.collect(), deviation.collect()).unwrap();
    let (mean, deviation) = (standardization.mean(), standardization.deviation());
    let raw = Array2::from_shape_fn(rows.dim(), |(row, feature)| {
        rows[[row, feature]] * deviation[feature] + mean[feature]
    });
    let seen = standardization.apply(raw.view()).unwrap();
    let export = export.standardized(standardization);
    check(&export, raw.view(), seen.view());
}

#[test]
fn networks() {
    for classes in [2, 3] {
        let rows = Rows::of(classes);
        for name in ["logistic", "16", "8-4", "8-4:tanh", "8-4:none"] {
            let params = MlpParams {
                epochs: 50,
                learning_rate: 0.01,
                ..MlpParams::study(name.parse().unwrap(), 7)
            };
            let model = mlp::fit(&rows.training(), &params.check().unwrap()).unwrap();
            agrees(name, &model, rows.test().0, 1e-5);
            // So far out that most probabilities are 0 or 1, and every tanh -1 or 1.
            agrees(name, &model, (&rows.test().0 * 30.0).view(), 1e-5);
        }
    }
}

#[test]
fn convolutional_networks() {
    for classes in [2, 3] {
        let rows = Rows::of(classes);
        let params = CnnParams {
            image: [1, 4, 5],
            channels: vec![3, 2],
            stride: 1,
            kernel: 2,
            ..CnnParams::digits(7)
        };
        let model = cnn::fit(&rows.training(), &params.check().unwrap()).unwrap();
        agrees("cnn", &model, rows.test().0, 1e-5);
    }
}

#[test]
fn linear_models_and_kernel_machines() {
    for classes in [2, 3] {
        let rows = Rows::of(classes);
        let (set, test) = (rows.training(), rows.test().0);
        let logistic = LogisticParams::default().check().unwrap();
        agrees(
            "logistic",
            &fit_logistic(&set, &logistic).unwrap(),
            test,
            1e-5,
        );
        let ridge = RidgeParams::default().check().unwrap();
        agrees("ridge", &fit_ridge(&set, &ridge).unwrap(), test, 1e-5);
        for kernel in [SvmKernel::Linear, RBF] {
            let params = SvmParams {
                kernel,
                ..SvmParams::default()
            };
            let svm = fit_svm(&set, &params.check().unwrap()).unwrap();
            agrees("svm", &svm, test, 1e-5);
        }
    }
}

#[test]
fn tree_ensembles() {
    for classes in [2, 3] {
        let rows = Rows::of(classes);
        let tree = TreeParams::default().check().unwrap();
        let tree = trees::fit_tree(&rows.training(), &tree).unwrap();
        agrees("tree", &tree, rows.test().0, 0.0);
        let forest = ForestParams {
            trees: 20,
            ..ForestParams::default()
        };
        let forest = trees::fit_forest(&rows.training(), &forest.check().unwrap()).unwrap();
        agrees("forest", &forest, rows.test().0, 0.0);
        let boosted = BoostedParams {
            stages: 20,
            ..BoostedParams::default()
        };
        let boosted = trees::fit_boosted(&rows.training(), &boosted.check().unwrap()).unwrap();
        agrees("boosted", &boosted, rows.test().0, 1e-6);
    }
}

/// Trains both on the same rows, and checks that scores differ by at most `tolerance`, and classes
/// not at all.
fn is_scikit_learns(
    rows: &Rows,
    model: &dyn Classifier,
    (estimator, parameters): (&str, &Value),
    tolerance: f64,
) {
    let Some(expected) = rows.scikit_learn(estimator, parameters) else {
        return;
    };
    let found = model.predict(rows.test().0).unwrap();
    let scores = match found.kind {
        ScoreKind::Decision => expected.decisions,
        _ => expected.probabilities,
    };
    // Of two probabilities, one says it all.
    let scores = scores.unwrap();
    let (_, scores) = scores
        .view()
        .split_at(Axis(1), scores.ncols() - found.scores.ncols());
    for ((place, found), expected) in found.scores.indexed_iter().zip(scores) {
        let error = (f64::from(*found) - expected).abs();
        assert!(
            error <= tolerance,
            "{estimator} {parameters}, {place:?}: {found}, expected {expected}"
        );
    }
    assert_eq!(found.classes(), expected.classes, "{estimator}");
}

#[test]
fn linear_models_are_scikit_learns() {
    for classes in [2, 3] {
        let rows = Rows::of(classes);
        let set = rows.training();
        for c in [0.1, 1.0, 10.0] {
            let params = LogisticParams {
                c,
                ..LogisticParams::default()
            };
            let model = fit_logistic(&set, &params.check().unwrap()).unwrap();
            let parameters = json!({"C": c, "tol": 1e-8, "max_iter": 10_000});
            is_scikit_learns(&rows, &model, ("LogisticRegression", &parameters), 1e-5);
        }
        for alpha in [1.0, 100.0] {
            let model = fit_ridge(&set, &RidgeParams { alpha }.check().unwrap()).unwrap();
            let parameters = json!({"alpha": alpha});
            is_scikit_learns(&rows, &model, ("RidgeClassifier", &parameters), 1e-5);
        }
    }
}

#[test]
fn support_vector_machines_are_scikit_learns() {
    for classes in [2, 3] {
        let rows = Rows::of(classes);
        for (kernel, name, c) in [
            (SvmKernel::Linear, "linear", 0.1),
            (RBF, "rbf", 1.0),
            (RBF, "rbf", 10.0),
        ] {
            let params = SvmParams {
                c,
                kernel,
                tolerance: 1e-6,
                ..SvmParams::default()
            };
            let model = fit_svm(&rows.training(), &params.check().unwrap()).unwrap();
            let parameters = json!({"C": c, "kernel": name, "gamma": "scale", "tol": 1e-6});
            is_scikit_learns(
                &rows,
                &model,
                ("OneVsRestClassifier(SVC)", &parameters),
                1e-4,
            );
        }
    }
}

/// As far as every node has 100 rows: in small nodes splits are often equally good, and
/// scikit-learn draws one of these.
#[test]
fn a_tree_is_scikit_learns() {
    for classes in [2, 3] {
        let rows = Rows::of(classes);
        for min_samples_split in [200, 150, 100] {
            let params = TreeParams {
                min_samples_split,
                ..TreeParams::default()
            };
            let model = trees::fit_tree(&rows.training(), &params.check().unwrap()).unwrap();
            let parameters = json!({"min_samples_split": min_samples_split, "random_state": 0});
            is_scikit_learns(&rows, &model, ("DecisionTreeClassifier", &parameters), 1e-6);
        }
    }
}

/// Other draws, and other ways to split: what can be compared is how often they are right, and how
/// often they say the same, of 200 rows.
#[test]
fn grown_trees_are_as_good_as_scikit_learns() {
    let share = |found: &[u8], expected: &[u8]| {
        let equal = found.iter().zip(expected).filter(|(a, b)| a == b).count();
        equal as f64 / expected.len() as f64
    };
    for classes in [2, 3] {
        let rows = Rows::of(classes);
        let (test, labels) = rows.test();
        let tree = trees::fit_tree(&rows.training(), &TreeParams::default().check().unwrap());
        let forest = trees::fit_forest(&rows.training(), &ForestParams::default().check().unwrap());
        let boosted = BoostedParams::default().check().unwrap();
        let boosted = trees::fit_boosted(&rows.training(), &boosted);
        for (model, estimator) in [
            (tree, "DecisionTreeClassifier"),
            (forest, "RandomForestClassifier"),
            (boosted, "GradientBoostingClassifier"),
        ] {
            let Some(expected) = rows.scikit_learn(estimator, &json!({"random_state": 0})) else {
                return;
            };
            let found = model.unwrap().predict(test).unwrap().classes();
            let difference = share(&found, labels) - share(&expected.classes, labels);
            let same = share(&found, &expected.classes);
            assert!(difference.abs() <= 0.05, "{estimator}: {difference}");
            assert!(same >= 0.85, "{estimator}: {same}");
        }
    }
}
