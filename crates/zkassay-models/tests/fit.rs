//! Training end to end: it learns, it repeats itself, it refuses bad data, and
//! what it writes is what it predicts with.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;

use ndarray::{Array2, array};
use zkassay_graph::Graph;
use zkassay_models::{Activation, Mlp, MlpSpec, ModelError, Params, fit, metrics};
use zkassay_onnx::proto::ModelProto;
use zkassay_seed::Stream;

/// Rows of standard normal numbers.
fn normal_rows(rows: usize, columns: usize) -> Array2<f32> {
    let mut stream = Stream::new(3, "rows");
    Array2::from_shape_fn((rows, columns), |_| stream.normal() as f32)
}

fn train(rows: &Array2<f32>, labels: &[u8], name: &str, params: Params) -> Mlp {
    let spec: MlpSpec = name.parse().unwrap();
    fit(rows.view(), labels, &spec, &params.check().unwrap(), None).unwrap()
}

fn params(learning_rate: f64, epochs: usize) -> Params {
    Params {
        learning_rate,
        epochs,
        ..Params::study(&MlpSpec::default(), 7)
    }
}

fn accuracy(model: &Mlp, rows: &Array2<f32>, labels: &[u8]) -> f64 {
    let probabilities = model.predict_proba(rows.view()).unwrap();
    metrics::accuracy(&probabilities, labels).unwrap().value
}

#[test]
fn logistic_regression_learns_a_separable_problem() {
    let rows = normal_rows(200, 5);
    let positive = |row: ndarray::ArrayView1<'_, f32>| 2.0 * row[0] - row[3] > 0.3;
    let labels: Vec<u8> = rows.outer_iter().map(|row| positive(row).into()).collect();
    let model = train(&rows, &labels, "logistic", params(0.05, 500));
    assert!(accuracy(&model, &rows, &labels) > 0.98);
    assert!(model.loss < 0.15, "{}", model.loss);
}

#[test]
fn only_hidden_layers_with_relu_learn_exclusive_or() {
    let rows = normal_rows(300, 2);
    let positive = |row: ndarray::ArrayView1<'_, f32>| row[0] * row[1] > 0.0;
    let labels: Vec<u8> = rows.outer_iter().map(|row| positive(row).into()).collect();

    let model = train(&rows, &labels, "16-8", params(0.02, 500));
    assert!(accuracy(&model, &rows, &labels) > 0.95);

    let affine = MlpSpec {
        hidden: vec![16, 8],
        activation: Activation::None,
    };
    let valid = params(0.02, 500).check().unwrap();
    let model = fit(rows.view(), &labels, &affine, &valid, None).unwrap();
    assert!(accuracy(&model, &rows, &labels) < 0.7);
}

#[test]
fn weight_decay_shrinks_the_weights() {
    let rows = normal_rows(60, 20);
    let labels: Vec<u8> = (0..60).map(|row| u8::from(row % 3 == 0)).collect();
    let norm = |weight_decay| {
        let params = Params {
            weight_decay,
            ..params(0.01, 200)
        };
        let model = train(&rows, &labels, "8", params);
        model.layers[0].weights.mapv(|w| w * w).sum()
    };
    assert!(norm(5.0) < 0.5 * norm(0.0));
}

#[test]
fn progress_reports_every_epoch() {
    let (rows, labels) = (array![[1.0], [-1.0]], [1, 0]);
    let mut seen = Vec::new();
    let mut report = |epoch, total| seen.push((epoch, total));
    let valid = params(0.1, 3).check().unwrap();
    let spec = MlpSpec::default();
    fit(rows.view(), &labels, &spec, &valid, Some(&mut report)).unwrap();
    assert_eq!(seen, [(1, 3), (2, 3), (3, 3)]);
}

/// A model large enough for parallel matrix products, as bits.
fn digest() -> u64 {
    let rows = normal_rows(450, 162);
    let labels: Vec<u8> = (0..450).map(|row| u8::from(row * 7919 % 13 > 5)).collect();
    let model = train(&rows, &labels, "128-64-32", params(0.001, 5));
    let layers = model.layers.iter();
    layers
        .flat_map(|layer| layer.weights.iter().chain(&layer.bias))
        .fold(0, |hash: u64, value| {
            hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(value.to_bits())
        })
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_gives_others() {
    assert_eq!(digest(), digest());
    let (rows, labels) = (array![[1.0], [-1.0]], [1, 0]);
    let with_seed = |seed| {
        let params = Params {
            seed,
            ..params(0.1, 2)
        };
        train(&rows, &labels, "4", params).layers
    };
    assert_eq!(with_seed(1), with_seed(1));
    assert_ne!(with_seed(1), with_seed(2));
}

/// Candle reads the number of threads from the environment once, so each
/// number takes a process of its own: this test binary, running this test.
#[test]
fn the_number_of_threads_does_not_matter() {
    const CHILD: &str = "ZKASSAY_TEST_PRINT_DIGEST";
    if std::env::var_os(CHILD).is_some() {
        println!("digest {:016x}", digest());
        return;
    }
    let run = |threads: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "the_number_of_threads_does_not_matter",
                "--nocapture",
            ])
            .env(CHILD, "1")
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let at = text.find("digest ").unwrap();
        text[at..at + 23].to_owned()
    };
    let one = run("1");
    assert_eq!(one, format!("digest {:016x}", digest()));
    assert_eq!(one, run("2"));
    assert_eq!(one, run("5"));
}

#[test]
fn onnx_and_graph_agree_with_the_model() {
    let rows = normal_rows(80, 12);
    let labels: Vec<u8> = rows
        .outer_iter()
        .map(|row| u8::from(row[0] > row[1]))
        .collect();
    for (name, activation) in [
        ("logistic", Activation::Relu),
        ("16", Activation::Relu),
        ("8-4", Activation::Relu),
        ("8-4", Activation::None),
    ] {
        let spec = MlpSpec {
            activation,
            ..name.parse().unwrap()
        };
        let valid = params(0.01, 100).check().unwrap();
        let model = fit(rows.view(), &labels, &spec, &valid, None).unwrap();
        let bytes = model.to_onnx([("seed", "7")]).unwrap();
        let proto = ModelProto::from_bytes(&bytes).unwrap();
        assert_eq!(proto.metadata("seed"), Some("7"));
        assert_eq!(proto.metadata("model"), Some(spec.tag().as_str()));

        let graph = Graph::from_onnx(&bytes).unwrap();
        assert_eq!(graph.name, spec.tag());
        assert_eq!(graph.parameters(), model.parameters());
        let probabilities = model.predict_proba(rows.view()).unwrap();
        for (row, expected) in rows.outer_iter().zip(probabilities) {
            let found = graph.evaluate(row).unwrap()[0];
            assert!((found - expected).abs() < 1e-5, "{found}, model {expected}");
        }
    }
}

#[test]
fn bad_data_is_named() {
    let spec = MlpSpec::default();
    let valid = params(0.1, 3).check().unwrap();
    let refused = |rows: Array2<f32>, labels: &[u8]| {
        fit(rows.view(), labels, &spec, &valid, None).unwrap_err()
    };
    let rows = || array![[1.0, 2.0], [3.0, 4.0]];
    assert!(matches!(
        refused(Array2::zeros((0, 2)), &[]),
        ModelError::Empty {
            rows: 0,
            columns: 2
        }
    ));
    assert!(matches!(
        refused(Array2::zeros((2, 0)), &[0, 1]),
        ModelError::Empty {
            rows: 2,
            columns: 0
        }
    ));
    assert!(matches!(
        refused(rows(), &[1]),
        ModelError::LabelCount { rows: 2, labels: 1 }
    ));
    assert!(matches!(
        refused(rows(), &[1, 3]),
        ModelError::Label { row: 1, label: 3 }
    ));
    assert!(matches!(
        refused(rows(), &[1, 1]),
        ModelError::OneClass { label: 1 }
    ));
    assert!(matches!(
        refused(array![[1.0, 2.0], [3.0, f32::NAN]], &[0, 1]),
        ModelError::NonFinite {
            row: 1,
            column: 1,
            ..
        }
    ));
    let model = fit(rows().view(), &[0, 1], &spec, &valid, None).unwrap();
    assert!(matches!(
        model.predict_proba(array![[1.0]].view()),
        Err(ModelError::Columns {
            expected: 2,
            found: 1
        })
    ));
}

#[test]
fn a_loss_that_overflows_is_an_error() {
    let spec: MlpSpec = "64".parse().unwrap();
    let mut rows = Array2::from_elem((2, 1000), 3e38);
    rows.row_mut(1).fill(-3e38);
    let valid = params(0.1, 50).check().unwrap();
    let error = fit(rows.view(), &[0, 1], &spec, &valid, None).unwrap_err();
    assert!(matches!(error, ModelError::Diverged { .. }), "{error}");
    assert!(error.to_string().contains("MLP_1_layers_64"), "{error}");
}
