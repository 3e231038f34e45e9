//! Ensembles as ONNX.

use ndarray::{Array2, ArrayView2};
use zkassay_models::trees::{ForestParams, Link, Node, TreeEnsemble};
use zkassay_models::{Classifier, Export, ModelError, Standardization};
use zkassay_testing::engines::assert_agree;

use crate::{clouds, ensembles, forest};

/// Checks scores and labels of what is written.
fn assert_engines_agree(model: &TreeEnsemble, rows: ArrayView2<'_, f32>) {
    let predictions = model.predict(rows).unwrap();
    let bytes = model.to_onnx(&Export::new("trees")).unwrap();
    let tolerance = match model.link() {
        Link::Identity => 0.0,
        Link::Softmax => 1e-6,
    };
    let labels = assert_agree("trees", &bytes, rows, predictions.scores.view(), tolerance);
    if let Some(labels) = labels {
        let classes = predictions.classes().into_iter().map(i64::from);
        assert!(classes.eq(labels));
    }
}

#[test]
fn engines_give_the_same_scores_and_labels() {
    for (model, rows) in ensembles() {
        assert_engines_agree(&model, rows.view());
    }
}

/// A row at the threshold goes left, and one just above it right.
#[test]
fn engines_agree_at_the_thresholds() {
    for (model, rows) in ensembles() {
        let nodes = model.trees().iter().flat_map(|tree| &tree.nodes);
        let thresholds = nodes.filter_map(|node| match node {
            Node::Branch {
                feature, threshold, ..
            } => Some((*feature as usize, *threshold)),
            Node::Leaf { .. } => None,
        });
        let mut at = Vec::new();
        for (index, (feature, threshold)) in thresholds.take(60).enumerate() {
            for value in [threshold.next_down(), threshold, threshold.next_up()] {
                let mut row = rows.row(index % rows.nrows()).to_vec();
                row[feature] = value;
                at.extend(row);
            }
        }
        let shape = (at.len() / rows.ncols(), rows.ncols());
        assert_engines_agree(&model, ArrayView2::from_shape(shape, &at).unwrap());
    }
}

#[test]
fn a_folded_standardisation_changes_no_decision() {
    let (raw, labels) = clouds(150, 4, 3);
    // Means and deviations that standardised values cannot carry exactly.
    let raw = raw.mapv(|x| 1000.1 + 0.037 * x);
    let mean: Vec<f32> = (0..4).map(|i| 1000.1 + 0.003 * i as f32).collect();
    let deviation: Vec<f32> = (0..4).map(|i| 0.037 + 0.001 * i as f32).collect();
    let standardization = Standardization::new(mean, deviation).unwrap();
    let apply = |raw: &Array2<f32>| standardization.apply(raw.view()).unwrap();
    let params = ForestParams {
        trees: 10,
        ..ForestParams::default()
    };
    let model = forest(&apply(&raw), &labels, params);
    let export = Export::new("raw").standardized(standardization.clone());
    let bytes = model.to_onnx(&export).unwrap();
    let mut nearby = raw.clone();
    for step in -3..=3 {
        let moved = |x: f32| f32::from_bits(x.to_bits().wrapping_add_signed(step));
        nearby.assign(&raw.mapv(moved));
        let expected = model.predict(apply(&nearby).view()).unwrap().scores;
        assert_agree("raw", &bytes, nearby.view(), expected.view(), 0.0);
    }

    let short = Standardization::new(vec![0.0], vec![1.0]).unwrap();
    let error = model.to_onnx(&Export::new("raw").standardized(short));
    assert!(matches!(
        error,
        Err(ModelError::Columns {
            expected: 4,
            found: 1
        })
    ));
}
