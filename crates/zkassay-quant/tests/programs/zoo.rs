//! Trees of the zoo: their float sums are exact, and so are the integers.

use ndarray::Array2;
use zkassay_graph::{Graph, ImportOptions};
use zkassay_models::trees::{BoostedParams, ForestParams, TreeEnsemble, TreeParams};
use zkassay_models::trees::{fit_boosted, fit_forest, fit_tree};
use zkassay_models::{Classifier as _, Export, Hyperparameters as _, Standardization, TrainingSet};
use zkassay_quant::{CalibrationParams, Encoding, IntegerModel, Program, calibrate_model};
use zkassay_seed::Stream;

use crate::exported::assert_leaves;

const INPUTS: usize = 12;

/// Rows of very different magnitudes, and labels that depend on them; some values are equal.
fn rows(count: usize, classes: u8, seed: u64) -> (Array2<f32>, Vec<u8>) {
    let mut stream = Stream::new(seed, "zoo");
    let mut labels = Vec::new();
    let mut rows = Array2::zeros((count, INPUTS));
    for mut row in rows.outer_iter_mut() {
        let label = stream.below(classes.into());
        for (at, x) in row.iter_mut().enumerate() {
            let signal = if at % 3 == 0 { label as f64 } else { 0.0 };
            let steps = ((stream.normal() + signal) * 16.0).round() / 16.0;
            *x = (steps * 10f64.powi(3 * at as i32 - 18)) as f32;
        }
        labels.push(label as u8);
    }
    (rows, labels)
}

fn graph(ensemble: &TreeEnsemble, export: &Export, output: &str) -> Graph {
    let bytes = ensemble.to_onnx(export).unwrap();
    let options = ImportOptions {
        output: Some(output.to_owned()),
        ..ImportOptions::default()
    };
    Graph::from_onnx_with(&bytes, &options).unwrap()
}

fn calibrated(graph: &Graph, rows: &Array2<f32>, limb_bits: u32) -> Program {
    let params = CalibrationParams::new(limb_bits).unwrap();
    let calibration = calibrate_model(graph, rows.view(), &params).unwrap();
    assert_eq!(calibration.fidelity.overall.out_of_range, 0);
    match calibration.model {
        IntegerModel::Program(program) => program,
        IntegerModel::Chain(_) => unreachable!(),
    }
}

/// Every leaf, every score and every class of fresh rows.
fn assert_same(ensemble: &TreeEnsemble, classes: u8, allowed: f64, limb_bits: u32) {
    let (calibrating, _) = rows(60, classes, 2);
    let (fresh, _) = rows(400, classes, 3);
    let export = Export::new("zoo");
    let predictions = ensemble.predict(fresh.view()).unwrap();
    let scores = graph(ensemble, &export, "output");
    let program = calibrated(&scores, &calibrating, limb_bits);
    assert!(matches!(program.encoding, Encoding::Ranks { .. }));
    assert!(assert_leaves(&scores, &program, &fresh) >= 400);
    for row in fresh.outer_iter() {
        let expected = scores.evaluate(row).unwrap();
        let found = program.output_reals(&program.evaluate(&row.to_vec()).unwrap());
        for (a, b) in found.iter().zip(&expected) {
            assert!(
                (a - f64::from(*b)).abs() <= allowed,
                "{found:?} {expected:?}"
            );
        }
    }
    let labels = graph(ensemble, &export, "label");
    let program = calibrated(&labels, &calibrating, limb_bits);
    for (row, class) in fresh.outer_iter().zip(predictions.classes()) {
        let found = program.output_reals(&program.evaluate(&row.to_vec()).unwrap());
        assert_eq!(found, [f64::from(class)]);
    }
}

#[test]
fn trees_and_forests_of_the_zoo_are_exact() {
    for (classes, limb_bits) in [(2, 8), (3, 13)] {
        let (training, labels) = rows(300, classes, 1);
        let training = TrainingSet::new(training.view(), &labels).unwrap();
        let shallow = TreeParams {
            max_depth: Some(4),
            ..TreeParams::default()
        };
        let tree = fit_tree(&training, &shallow.check().unwrap()).unwrap();
        assert_same(&tree, classes, 0.0, limb_bits);
        for (trees, tree) in [(10, TreeParams::default()), (7, shallow)] {
            let params = ForestParams {
                trees,
                tree,
                seed: 1,
                ..ForestParams::default()
            };
            let forest = fit_forest(&training, &params.check().unwrap()).unwrap();
            // Counted votes are multiplied by their size, and rounded then.
            assert_same(&forest, classes, 1e-2, limb_bits);
        }
    }
}

#[test]
fn boosted_trees_of_the_zoo_have_the_same_leaves_and_labels() {
    for classes in [2, 3] {
        let (training, labels) = rows(300, classes, 1);
        let training = TrainingSet::new(training.view(), &labels).unwrap();
        let params = BoostedParams {
            stages: 25,
            max_depth: 3,
            ..BoostedParams::default()
        };
        let boosted = fit_boosted(&training, &params.check().unwrap()).unwrap();
        assert_same(&boosted, classes, 2e-2, 10);
    }
}

/// Standardisation inside the file moves thresholds; leaves stay.
#[test]
fn standardised_trees_take_raw_rows() {
    let (raw, labels) = rows(300, 2, 1);
    let mean: Vec<f32> = (0..INPUTS).map(|at| raw[[0, at]]).collect();
    let deviation: Vec<f32> = (0..INPUTS).map(|at| raw[[1, at]].abs() + 1e-20).collect();
    let standardization = Standardization::new(mean, deviation).unwrap();
    let standardized = standardization.apply(raw.view()).unwrap();
    let training = TrainingSet::new(standardized.view(), &labels).unwrap();
    let tree = fit_tree(&training, &TreeParams::default().check().unwrap()).unwrap();
    let export = Export::new("raw").standardized(standardization);
    let graph = graph(&tree, &export, "label");
    let program = calibrated(&graph, &raw, 8);
    let classes = tree.predict(standardized.view()).unwrap().classes();
    for (row, class) in raw.outer_iter().zip(classes) {
        let found = program.output_reals(&program.evaluate(&row.to_vec()).unwrap());
        assert_eq!(found, [f64::from(class)]);
    }
}
