//! Many rounds at once.

use ndarray::Array2;
use zkassay_models::zoo::{self, Params};
use zkassay_models::{Classifier, Export, Hyperparameters, ModelError, Round, TrainingSet};

use crate::{NAMES, fit, images, params};

/// Rows, labels, and the seed.
type Data = (Array2<f32>, Vec<u8>, u64);

fn fit_rounds(
    data: &[Data],
    params: &Params,
    threads: usize,
) -> Result<Vec<Box<dyn Classifier>>, ModelError> {
    let rounds: Vec<Round<'_>> = data
        .iter()
        .map(|(rows, labels, seed)| Round {
            set: TrainingSet::new(rows.view(), labels).unwrap(),
            seed: *seed,
        })
        .collect();
    let params = params.clone().check().unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build()
        .unwrap()
        .install(|| zoo::fit_rounds(&rounds, &params))
}

#[test]
fn rounds_are_what_they_are_alone_bit_for_bit_on_any_number_of_threads() {
    // Of several lengths and numbers of classes.
    let shapes = [(40, 2), (40, 2), (40, 3), (30, 2), (40, 2), (40, 3)];
    let data: Vec<Data> = shapes
        .iter()
        .zip(1u64..)
        .map(|(&(count, classes), seed)| {
            let (rows, labels) = images(count, classes, seed);
            (rows, labels, seed)
        })
        .collect();
    let written = |model: &dyn Classifier, data: &Data| {
        let scores = model.predict(data.0.view()).unwrap().scores;
        let bits: Vec<u32> = scores.iter().map(|score| score.to_bits()).collect();
        (
            bits,
            model
                .to_onnx(&Export::new("model").with("seed", data.2))
                .unwrap(),
        )
    };
    for name in NAMES {
        let alone = data.iter().map(|data| {
            let model = fit(&data.0, &data.1, params(name, data.2)).unwrap();
            written(model.as_ref(), data)
        });
        let alone: Vec<_> = alone.collect();
        for threads in [1, 2, 5, 2] {
            let together = fit_rounds(&data, &params(name, 99), threads).unwrap();
            let together = together
                .iter()
                .zip(&data)
                .map(|(model, data)| written(model.as_ref(), data));
            assert!(
                together.eq(alone.iter().cloned()),
                "{name}, {threads} threads"
            );
        }
        assert!(fit_rounds(&[], &params(name, 1), 2).unwrap().is_empty());
    }
}

#[test]
fn the_error_is_that_of_the_first_round_that_has_one() {
    for name in ["8", "cnn", "svm-rbf"] {
        let rounds = (0..6).map(|seed| {
            let (rows, labels) = images(20, 2, seed);
            (rows, labels, seed)
        });
        let mut data: Vec<Data> = rounds.collect();
        data[4].0 *= 1e37;
        // It fails in another way, and sooner.
        data[5].0.fill(3e38);
        data[5].0.row_mut(0).fill(-3e38);
        let alone = fit(&data[4].0, &data[4].1, params(name, 4))
            .unwrap_err()
            .to_string();
        for threads in [1, 2, 5, 5] {
            let error = fit_rounds(&data, &params(name, 0), threads).unwrap_err();
            assert_eq!(error.to_string(), alone, "{name}, {threads} threads");
        }
    }
}
