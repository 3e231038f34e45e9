//! Networks end to end: they learn, they repeat themselves, rounds together are
//! rounds alone, and what they write is what they predict with.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use ndarray::{Array2, ArrayView1, array};
use rayon::ThreadPoolBuilder;
use zkassay_graph::Graph;
use zkassay_models::mlp::{fit, fit_rounds};
use zkassay_models::{
    Activation, Classifier, EarlyStopping, Export, Hyperparameters, Mlp, MlpParams, MlpSpec,
    ModelError, Round, TrainingSet,
};
use zkassay_seed::Stream;

/// Rows of standard normal numbers.
fn normal_rows(rows: usize, columns: usize) -> Array2<f32> {
    let mut stream = Stream::new(3, "rows");
    Array2::from_shape_fn((rows, columns), |_| stream.normal() as f32)
}

fn label_by(rows: &Array2<f32>, label: impl Fn(ArrayView1<'_, f32>) -> u8) -> Vec<u8> {
    rows.outer_iter().map(label).collect()
}

fn params(name: &str, learning_rate: f64, epochs: usize) -> MlpParams {
    MlpParams {
        learning_rate,
        epochs,
        ..MlpParams::study(name.parse().unwrap(), 7)
    }
}

fn train(rows: &Array2<f32>, labels: &[u8], params: MlpParams) -> Mlp {
    let set = TrainingSet::new(rows.view(), labels).unwrap();
    fit(&set, &params.check().unwrap()).unwrap()
}

fn accuracy(model: &Mlp, rows: &Array2<f32>, labels: &[u8]) -> f64 {
    let classes = model.predict(rows.view()).unwrap().classes();
    let right = classes.iter().zip(labels).filter(|(a, b)| a == b).count();
    right as f64 / labels.len() as f64
}

#[test]
fn logistic_regression_learns_a_separable_problem() {
    let rows = normal_rows(200, 5);
    let labels = label_by(&rows, |row| (2.0 * row[0] - row[3] > 0.3).into());
    let model = train(&rows, &labels, params("logistic", 0.05, 500));
    assert!(accuracy(&model, &rows, &labels) > 0.98);
    assert_eq!(
        (model.inputs(), model.classes(), model.parameters()),
        (5, 2, 6)
    );
}

#[test]
fn only_hidden_layers_with_an_activation_learn_exclusive_or() {
    let rows = normal_rows(300, 2);
    let labels = label_by(&rows, |row| (row[0] * row[1] > 0.0).into());
    for name in ["16-8", "16-8:tanh"] {
        let model = train(&rows, &labels, params(name, 0.02, 500));
        assert!(accuracy(&model, &rows, &labels) > 0.95, "{name}");
    }
    let model = train(&rows, &labels, params("16-8:none", 0.02, 500));
    assert!(accuracy(&model, &rows, &labels) < 0.7);
}

#[test]
fn a_softmax_head_learns_three_classes_in_batches() {
    let rows = normal_rows(301, 2);
    let sector = |row: ArrayView1<'_, f32>| match (row[0] > 0.0, row[1] > 0.0) {
        (true, true) => 2,
        (true, false) => 1,
        _ => 0,
    };
    let labels = label_by(&rows, sector);
    let batched = MlpParams {
        batch_size: Some(32),
        ..params("16", 0.02, 60)
    };
    let model = train(&rows, &labels, batched);
    assert_eq!((model.classes(), model.parameters()), (3, 3 * 16 + 17 * 3));
    assert!(accuracy(&model, &rows, &labels) > 0.95);
    let scores = model.predict(rows.view()).unwrap().scores;
    for row in scores.outer_iter() {
        assert!((row.sum() - 1.0).abs() < 1e-6);
    }
}

#[test]
fn weight_decay_shrinks_the_weights() {
    let rows = normal_rows(60, 20);
    let labels: Vec<u8> = (0..60).map(|row| u8::from(row % 3 == 0)).collect();
    let norm = |weight_decay| {
        let params = MlpParams {
            weight_decay,
            ..params("8", 0.01, 200)
        };
        let model = train(&rows, &labels, params);
        model.layers[0].weights.mapv(|w| w * w).sum()
    };
    assert!(norm(5.0) < 0.5 * norm(0.0));
}

/// The labels of the held-out rows contradict the others, so the loss on them rises at once.
#[test]
fn early_stopping_returns_the_weights_of_the_best_epoch() {
    let rows = normal_rows(100, 3);
    let labels: Vec<u8> = rows
        .outer_iter()
        .enumerate()
        .map(|(index, row)| u8::from((row[0] > 0.0) != (index >= 80)))
        .collect();
    let stopped = MlpParams {
        early_stopping: Some(EarlyStopping {
            share: 0.2,
            patience: 5,
        }),
        ..params("8", 0.05, 200)
    };
    let model = train(&rows, &labels, stopped);
    assert!(model.epochs < 20, "{}", model.epochs);
    // The same as training on the other rows for just as long.
    let first = rows.slice_axis(ndarray::Axis(0), (0..80).into()).to_owned();
    let short = train(&first, &labels[..80], params("8", 0.05, model.epochs));
    assert_eq!(model.layers, short.layers);

    // Where the held-out rows agree, training goes on.
    let labels = label_by(&rows, |row| u8::from(row[0] > 0.0));
    let agreeing = MlpParams {
        early_stopping: Some(EarlyStopping {
            share: 0.2,
            patience: 5,
        }),
        ..params("8", 0.01, 60)
    };
    assert!(train(&rows, &labels, agreeing).epochs > 40);
}

/// Seven rounds of the study's kind: their own rows, their own seeds; two lengths.
fn rounds_of(rows: &Array2<f32>, labels: &[u8]) -> Vec<(Array2<f32>, Vec<u8>, u64)> {
    (0..7u64)
        .map(|seed| {
            let mut order: Vec<usize> = (0..labels.len()).collect();
            Stream::new(seed, "split").shuffle(&mut order);
            order.truncate(if seed == 5 { 60 } else { 90 });
            let labels = order.iter().map(|row| labels[*row]).collect();
            (rows.select(ndarray::Axis(0), &order), labels, seed)
        })
        .collect()
}

#[test]
fn rounds_together_are_rounds_alone_at_any_number_of_threads() {
    let rows = normal_rows(120, 9);
    let labels = label_by(&rows, |row| u8::from(row[0] + row[1] * row[2] > 0.0));
    let rounds = rounds_of(&rows, &labels);
    let stopping = EarlyStopping {
        share: 0.25,
        patience: 4,
    };
    let cases = [
        params("8-4", 0.01, 30),
        MlpParams {
            batch_size: Some(16),
            ..params("8-4:tanh", 0.01, 5)
        },
        MlpParams {
            batch_size: Some(25),
            early_stopping: Some(stopping),
            ..params("16", 0.1, 40)
        },
    ];
    for case in cases {
        let alone: Vec<Mlp> = rounds
            .iter()
            .map(|(rows, labels, seed)| {
                let case = MlpParams {
                    seed: *seed,
                    ..case.clone()
                };
                train(rows, labels, case)
            })
            .collect();
        if case.early_stopping.is_some() {
            let epochs: Vec<_> = alone.iter().map(|model| model.epochs).collect();
            assert!(epochs.iter().any(|e| e != &epochs[0]), "{epochs:?}");
        }
        let case = case.check().unwrap();
        for threads in [1, 2, 5] {
            let pool = ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let together = pool.install(|| {
                let rounds: Vec<Round<'_>> = rounds
                    .iter()
                    .map(|(rows, labels, seed)| Round {
                        set: TrainingSet::new(rows.view(), labels).unwrap(),
                        seed: *seed,
                    })
                    .collect();
                fit_rounds(&rounds, &case).unwrap()
            });
            assert_eq!(together, alone, "{threads} threads");
        }
    }
    assert!(
        fit_rounds(&[], &params("8", 0.1, 1).check().unwrap())
            .unwrap()
            .is_empty()
    );
}

#[test]
fn seeds_matter_and_repeat() {
    let rows = normal_rows(40, 3);
    let labels = label_by(&rows, |row| u8::from(row[0] > 0.0));
    let with_seed = |seed, batch_size| {
        let params = MlpParams {
            seed,
            batch_size,
            ..params("4", 0.1, 2)
        };
        train(&rows, &labels, params).layers
    };
    assert_eq!(with_seed(1, None), with_seed(1, None));
    assert_ne!(with_seed(1, None), with_seed(2, None));
    assert_eq!(with_seed(1, Some(8)), with_seed(1, Some(8)));
    assert_ne!(with_seed(1, Some(8)), with_seed(1, None));
    // One batch of all rows differs from no batches by the order of sums alone.
    let (all, none) = (with_seed(1, Some(40)), with_seed(1, None));
    assert!(
        (&all[0].weights - &none[0].weights)
            .iter()
            .all(|d| d.abs() < 1e-5)
    );
}

#[test]
fn onnx_and_graph_agree_with_the_model() {
    let rows = normal_rows(80, 12);
    let labels = label_by(&rows, |row| u8::from(row[0] > row[1]));
    for name in ["logistic", "16", "8-4", "8-4:none"] {
        let model = train(&rows, &labels, params(name, 0.01, 100));
        let tag = model.spec.tag();
        let bytes = model.to_onnx(&Export::new(&tag)).unwrap();
        let graph = Graph::from_onnx(&bytes).unwrap();
        assert_eq!(graph.name, tag);
        assert_eq!(graph.parameters(), model.parameters());
        let scores = model.predict(rows.view()).unwrap().scores;
        for (row, expected) in rows.outer_iter().zip(scores) {
            let found = graph.evaluate(row).unwrap()[0];
            assert!((found - expected).abs() < 1e-5, "{found}, model {expected}");
        }
    }
}

#[test]
fn bad_rows_are_named() {
    let rows = array![[1.0, 2.0], [3.0, 4.0]];
    let model = train(&rows, &[0, 1], params("logistic", 0.1, 3));
    assert!(matches!(
        model.predict(array![[1.0]].view()),
        Err(ModelError::Columns {
            expected: 2,
            found: 1
        })
    ));
    assert!(matches!(
        model.predict(array![[1.0, f32::NAN]].view()),
        Err(ModelError::NonFinite {
            row: 0,
            column: 1,
            ..
        })
    ));
}

#[test]
fn a_loss_that_overflows_is_an_error() {
    let mut rows = Array2::from_elem((2, 1000), 3e38);
    rows.row_mut(1).fill(-3e38);
    let set = TrainingSet::new(rows.view(), &[0, 1]).unwrap();
    let params = params("64", 0.1, 50).check().unwrap();
    let error = fit(&set, &params).unwrap_err();
    assert!(matches!(error, ModelError::Diverged { .. }), "{error}");
    assert!(error.to_string().contains("MLP_1_layers_64"), "{error}");
}

/// Squares of gradients of 1e20 are beyond float32, and Adam divides by them.
#[test]
fn gradients_too_large_to_go_by_are_an_error() {
    let rows = array![[-1e25f32], [1e25], [2e25], [-2e25]];
    let set = TrainingSet::new(rows.view(), &[1, 0, 0, 1]).unwrap();
    let params = params("logistic", 0.1, 20).check().unwrap();
    let error = fit(&set, &params).unwrap_err();
    assert!(matches!(error, ModelError::Diverged { .. }), "{error}");
}

/// The loss of the held-out row is infinite in the first epoch already: no later
/// one is lower.
#[test]
fn held_out_rows_beyond_float32_are_an_error() {
    let rows = array![[-1.0f32, 0.0], [1.0, 0.0], [0.5, 0.0], [3e38, 3e38]];
    let set = TrainingSet::new(rows.view(), &[0, 1, 1, 0]).unwrap();
    let stopping = EarlyStopping {
        share: 0.25,
        patience: 3,
    };
    let params = MlpParams {
        early_stopping: Some(stopping),
        ..params("64:none", 0.1, 50)
    };
    let error = fit(&set, &params.check().unwrap()).unwrap_err();
    assert!(
        matches!(error, ModelError::Diverged { epoch: 1, .. }),
        "{error}"
    );
}

/// The second round stops early, and the others do not: until they do, it would
/// go on, and diverge.
#[test]
fn a_round_that_has_stopped_cannot_fail() {
    let mut stream = Stream::new(1, "x");
    let mut round = |scale: f32| {
        let normal = || scale * stream.normal() as f32;
        let rows = Array2::from_shape_simple_fn((20, 5), normal);
        let mut labels = label_by(&rows, |row| u8::from(row[0] > 0.0));
        labels[..2].copy_from_slice(&[0, 1]);
        (rows, labels)
    };
    let data = [1.0, 1e19, 1.0, 1.0].map(&mut round);
    let stopping = EarlyStopping {
        share: 0.3,
        patience: 12,
    };
    let case = MlpParams {
        early_stopping: Some(stopping),
        ..params("8-4:none", 1.0, 300)
    };
    let with_seed = |seed| MlpParams {
        seed,
        ..case.clone()
    };
    let pairs = data.iter().zip(0u64..);
    let alone = pairs
        .clone()
        .map(|((rows, labels), seed)| train(rows, labels, with_seed(seed)));
    let alone: Vec<Mlp> = alone.collect();
    let rounds = pairs.map(|((rows, labels), seed)| Round {
        set: TrainingSet::new(rows.view(), labels).unwrap(),
        seed,
    });
    let rounds: Vec<Round<'_>> = rounds.collect();
    let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let together = pool.install(|| fit_rounds(&rounds, &case.check().unwrap()));
    assert_eq!(together.unwrap(), alone);
}

#[test]
fn one_row_is_left_to_train_on_and_patience_may_be_endless() {
    let endless = |share| MlpParams {
        early_stopping: Some(EarlyStopping {
            share,
            patience: usize::MAX,
        }),
        ..params("logistic", 0.1, 3)
    };
    let three = array![[-1.0], [1.0], [2.0]];
    assert_eq!(train(&three, &[0, 1, 1], endless(0.3)).epochs, 3);
    let two = array![[1.0], [2.0]];
    for share in [1e-300, 0.5] {
        // The other one, of class 1, is less and less likely.
        assert_eq!(train(&two, &[0, 1], endless(share)).epochs, 1);
    }
}

#[test]
fn networks_larger_than_memory_are_an_error() {
    let rows = array![[1.0], [2.0]];
    let set = TrainingSet::new(rows.view(), &[0, 1]).unwrap();
    let params = MlpParams {
        spec: MlpSpec::new(vec![1 << 16; 64], Activation::Relu),
        ..params("logistic", 0.1, 3)
    };
    let error = fit(&set, &params.check().unwrap()).unwrap_err().to_string();
    assert!(
        error.contains("number of weights and biases is 2705"),
        "{error}"
    );
}
