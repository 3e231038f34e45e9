//! Rows and hyper-parameters at the ends of their ranges: a model that can be
//! used, or an error.

use ndarray::{Array2, Axis, array, concatenate};
use zkassay_models::cnn::CnnParams;
use zkassay_models::kernel::{Gamma, SvmKernel, SvmParams};
use zkassay_models::linear::{LogisticParams, RidgeParams};
use zkassay_models::trees::{BoostedParams, ForestParams, MaxFeatures, TreeParams};
use zkassay_models::zoo::Params;
use zkassay_models::{EarlyStopping, Export, MlpParams, ModelError, Standardization};

use crate::{NAMES, fit, images, params};

/// The parameters of a model, for images that are rows as they come.
fn params_for(name: &str, features: usize) -> Params {
    match params(name, 7) {
        Params::Cnn(params) => Params::Cnn(CnnParams {
            image: [features, 1, 1],
            kernel: 1,
            ..params
        }),
        params => params,
    }
}

/// Trains, and uses what comes out: scores of every row, finite or not, and
/// files. False if training ends with an error.
fn survives(rows: &Array2<f32>, labels: &[u8], params: Params, what: &str) -> bool {
    let model = match fit(rows, labels, params) {
        Ok(model) => model,
        Err(error) => {
            assert!(!matches!(error, ModelError::Candle(_)), "{what}: {error}");
            return false;
        }
    };
    let predictions = model.predict(rows.view()).unwrap();
    let classes = predictions.classes();
    assert!(
        classes
            .iter()
            .all(|class| usize::from(*class) < model.classes()),
        "{what}"
    );
    assert!(model.to_onnx(&Export::new("model")).is_ok(), "{what}");
    let ones = vec![1.0; model.inputs()];
    let standardization = Standardization::new(ones.clone(), ones).unwrap();
    let raw = Export::new("model").standardized(standardization);
    assert!(model.to_onnx(&raw).is_ok(), "{what}");
    true
}

#[test]
fn rows_out_of_the_ordinary() {
    let (rows, labels) = images(12, 2, 1);
    let twice = concatenate![Axis(0), rows, rows];
    let contradictions = [vec![0; 12], vec![1; 12]].concat();
    let zeros = array![[0.0, -0.0], [-0.0, 0.0], [0.0, 0.0], [-0.0, -0.0]];
    let cases: [(&str, Array2<f32>, &[u8]); 11] = [
        ("two rows", array![[1.0, 2.0], [2.0, 1.0]], &[0, 1]),
        ("one feature", array![[1.0], [2.0], [3.0]], &[0, 1, 0]),
        (
            "one row per class",
            array![[1.0, 2.0], [2.0, 1.0], [0.0, 0.5]],
            &[2, 0, 1],
        ),
        ("contradictions", twice, &contradictions),
        ("equal rows", Array2::ones((4, 3)), &[0, 1, 2, 1]),
        ("zeros of both signs", zeros, &[0, 1, 0, 1]),
        ("subnormal", &rows * 1e-40, &labels),
        ("tiny", &rows * 1e-30, &labels),
        ("large", &rows * 1e19, &labels),
        ("huge", &rows * 5e37, &labels),
        (
            "from end to end",
            array![[f32::MAX, 0.0], [f32::MIN, 0.0], [0.0, 1e-45]],
            &[0, 1, 1],
        ),
    ];
    for (what, rows, labels) in &cases {
        for name in NAMES {
            let params = params_for(name, rows.ncols());
            let survived = survives(rows, labels, params, &format!("{name}, {what}"));
            let may_fail = ["subnormal", "tiny", "large", "huge", "from end to end"].contains(what)
                && !["tree", "forest", "boosted"].contains(&name);
            assert!(survived || may_fail, "{name}, {what}");
        }
    }
}

#[test]
fn as_many_classes_as_a_byte_can_name() {
    let data = |classes: usize| {
        let rows = Array2::from_shape_fn((2 * classes, 1), |(row, _)| (row / 2) as f32);
        let labels: Vec<u8> = (0..2 * classes).map(|row| (row / 2) as u8).collect();
        (rows, labels)
    };
    for classes in [255, 256] {
        let (rows, labels) = data(classes);
        let model = fit(&rows, &labels, params_for("tree", 1)).unwrap();
        let predictions = model.predict(rows.view()).unwrap();
        assert_eq!(
            (model.classes(), predictions.class_count()),
            (classes, classes)
        );
        assert_eq!(predictions.classes(), labels);
    }
    let (rows, labels) = data(256);
    for name in NAMES {
        let params = params_for(name, 1);
        assert!(survives(&rows, &labels, params, name), "{name}");
    }
}

fn mlp(change: impl FnOnce(&mut MlpParams)) -> Params {
    let Params::Mlp(mut params) = params("8-4", 7) else {
        unreachable!("a network")
    };
    change(&mut params);
    Params::Mlp(params)
}

#[test]
fn parameters_at_the_ends_of_their_ranges() {
    let stopping = |share, patience| Some(EarlyStopping { share, patience });
    let svm = |c, tolerance, kernel| {
        Params::Svm(SvmParams {
            c,
            tolerance,
            kernel,
            max_iterations: 1000,
        })
    };
    let rbf = |gamma| SvmKernel::Rbf {
        gamma: Gamma::Value(gamma),
    };
    let logistic = |c, tolerance, max_iterations| {
        Params::Logistic(LogisticParams {
            c,
            tolerance,
            max_iterations,
        })
    };
    let tree = |max_depth, min_samples_split, min_samples_leaf| TreeParams {
        max_depth,
        min_samples_split,
        min_samples_leaf,
    };
    let forest = |trees, tree, max_features| {
        Params::Forest(ForestParams {
            trees,
            tree,
            max_features,
            ..ForestParams::default()
        })
    };
    let boosted = |stages, learning_rate, max_depth, l2, subsample| {
        let least = BoostedParams::default();
        Params::Boosted(BoostedParams {
            stages,
            learning_rate,
            max_depth,
            l2,
            subsample,
            ..least
        })
    };
    let cnn = |channels, kernel, stride, batch_size| {
        Params::Cnn(CnnParams {
            image: [1, 5, 5],
            channels,
            kernel,
            stride,
            batch_size,
            learning_rate: 1.0,
            ..CnnParams::digits(7)
        })
    };
    let cases = [
        mlp(|p| p.learning_rate = 1.0),
        mlp(|p| p.learning_rate = f64::MIN_POSITIVE),
        mlp(|p| (p.learning_rate, p.weight_decay) = (1.0, 1.0 - f64::EPSILON)),
        mlp(|p| (p.learning_rate, p.weight_decay) = (1e-300, 1e299)),
        mlp(|p| p.batch_size = Some(usize::MAX)),
        mlp(|p| p.batch_size = Some(1)),
        mlp(|p| p.early_stopping = stopping(0.5, usize::MAX)),
        mlp(|p| p.early_stopping = stopping(f64::MIN_POSITIVE, 1)),
        mlp(|p| p.spec.hidden = vec![1; 64]),
        mlp(|p| p.spec.hidden = vec![1 << 16]),
        logistic(1e12, 1e-10, 1_000_000),
        logistic(1e-12, 0.1, 1),
        Params::Ridge(RidgeParams { alpha: 1e-12 }),
        Params::Ridge(RidgeParams { alpha: 1e12 }),
        svm(1e12, 1e-8, SvmKernel::Linear),
        svm(1e-12, 1.0, SvmKernel::Linear),
        svm(1e12, 1e-8, rbf(1e30)),
        svm(1e-12, 1.0, rbf(1e-30)),
        Params::Tree(tree(Some(1), 2, usize::MAX)),
        Params::Tree(tree(Some(64), usize::MAX, 1)),
        forest(10_000, tree(Some(64), 2, 1), MaxFeatures::All),
        forest(1, tree(None, 2, 1), MaxFeatures::Count(25)),
        boosted(10_000, 1.0, 64, 0.0, 1.0),
        boosted(1, f64::MIN_POSITIVE, 1, 1e6, f64::MIN_POSITIVE),
        cnn(vec![1; 32], 1, 1, usize::MAX),
        cnn(vec![1], 5, 4096, 1),
    ];
    for count in [2, 20] {
        let (rows, labels) = images(count, 2, 1);
        for params in &cases {
            let what = format!("{count} rows, {params:?}");
            assert!(survives(&rows, &labels, params.clone(), &what), "{what}");
        }
    }
}
