//! Convolutional networks end to end.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use ndarray::Array2;
use rayon::ThreadPoolBuilder;
use zkassay_graph::reference::Reference;
use zkassay_models::cnn::{Cnn, CnnParams, fit};
use zkassay_models::{Classifier, Export, Hyperparameters, ModelError, TrainingSet};
use zkassay_seed::Stream;

const SIDE: usize = 9;

/// Images of 9 by 9 with noise: a horizontal bar, a vertical bar, or a square,
/// somewhere.
fn images(count: usize, classes: u8) -> (Array2<f32>, Vec<u8>) {
    let mut stream = Stream::new(5, "images");
    let labels: Vec<u8> = (0..count).map(|row| row as u8 % classes).collect();
    let mut rows = Array2::from_shape_fn((count, SIDE * SIDE), |_| 0.2 * stream.normal() as f32);
    for (mut row, label) in rows.outer_iter_mut().zip(&labels) {
        let (height, width) = [(1, 5), (5, 1), (3, 3)][usize::from(*label)];
        let top = stream.below(SIDE - height + 1);
        let left = stream.below(SIDE - width + 1);
        for y in top..top + height {
            for x in left..left + width {
                row[y * SIDE + x] += 1.0;
            }
        }
    }
    (rows, labels)
}

fn params(epochs: usize) -> CnnParams {
    CnnParams {
        image: [1, SIDE, SIDE],
        channels: vec![6, 8],
        learning_rate: 0.01,
        epochs,
        ..CnnParams::digits(3)
    }
}

fn train(rows: &Array2<f32>, labels: &[u8], params: CnnParams) -> Result<Cnn, ModelError> {
    fit(&TrainingSet::new(rows.view(), labels)?, &params.check()?)
}

#[test]
fn shapes_are_told_apart_wherever_they_are() {
    let (rows, labels) = images(900, 3);
    let (train_rows, test_rows) = rows.view().split_at(ndarray::Axis(0), 600);
    let fine = CnnParams {
        stride: 1,
        ..params(10)
    };
    let model = train(&train_rows.to_owned(), &labels[..600], fine).unwrap();
    let classes = model.predict(test_rows).unwrap().classes();
    let right = classes
        .iter()
        .zip(&labels[600..])
        .filter(|(a, b)| a == b)
        .count();
    assert!(right > 270, "{right} of 300");
}

#[test]
fn the_network_for_digits_has_3226_parameters() {
    let rows = Array2::from_shape_fn((20, 784), |(row, pixel)| ((row * pixel) % 7) as f32);
    let labels: Vec<u8> = (0..20).map(|row| row % 10).collect();
    let model = train(&rows, &labels, CnnParams::digits(1)).unwrap();
    assert_eq!(model.parameters(), 3226);
    assert_eq!((model.inputs(), model.classes()), (784, 10));
}

#[test]
fn tract_computes_the_same_from_the_onnx_bytes() {
    let (rows, labels) = images(64, 3);
    for classes in [2, 3] {
        let labels: Vec<u8> = labels.iter().map(|label| label % classes).collect();
        let model = train(&rows, &labels, params(1)).unwrap();
        let bytes = model.to_onnx(&Export::new("cnn")).unwrap();
        assert_eq!(bytes, model.to_onnx(&Export::new("cnn")).unwrap());
        let scores = model.predict(rows.view()).unwrap().scores;
        let found = Reference::unrestricted(&bytes, "output")
            .unwrap()
            .run(rows.view())
            .unwrap();
        assert_eq!(found.dim(), scores.dim());
        for (found, expected) in found.iter().zip(&scores) {
            assert!((found - expected).abs() < 1e-5, "{found}, model {expected}");
        }
    }
}

#[test]
fn training_repeats_itself_at_any_number_of_threads() {
    let (rows, labels) = images(70, 3);
    let train = |threads| {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| train(&rows, &labels, params(2)).unwrap())
    };
    let one = train(1);
    assert_eq!(one, train(2));
    assert_eq!(one, train(5));
}

#[test]
fn what_does_not_fit_is_named() {
    let (rows, labels) = images(20, 2);
    let error = |params: CnnParams| train(&rows, &labels, params).unwrap_err().to_string();
    let wrong = CnnParams {
        image: [1, 4, 4],
        ..params(1)
    };
    let cases = [
        (
            CnnParams {
                image: [3, 9, 9],
                ..params(1)
            },
            "81 columns, the model takes 243",
        ),
        (wrong, "kernel is 3"),
        (
            CnnParams {
                kernel: 0,
                ..params(1)
            },
            "kernel is 0",
        ),
        (
            CnnParams {
                stride: 0,
                ..params(1)
            },
            "stride is 0",
        ),
        (
            CnnParams {
                stride: 4097,
                ..params(1)
            },
            "stride is 4097",
        ),
        (
            CnnParams {
                channels: vec![4096; 2],
                ..params(1)
            },
            "number of weights and biases is 151044097",
        ),
        (
            CnnParams {
                channels: vec![4096; 2],
                stride: 1,
                ..params(1)
            },
            "multiplications of a convolution is 3774873600",
        ),
        (
            CnnParams {
                channels: vec![],
                ..params(1)
            },
            "number of convolutions is 0",
        ),
        (
            CnnParams {
                channels: vec![4, 0],
                ..params(1)
            },
            "channels is 0",
        ),
        (
            CnnParams {
                batch_size: 0,
                ..params(1)
            },
            "batch_size is 0",
        ),
        (
            CnnParams {
                learning_rate: f64::NAN,
                ..params(1)
            },
            "learning_rate is NaN",
        ),
    ];
    for (params, expected) in cases {
        let found = error(params);
        assert!(found.contains(expected), "{found}, expected {expected}");
    }
}
