//! Ensembles as ONNX.

use ndarray::Array2;
use zkassay_models::trees::{BoostedParams, ForestParams, Link};
use zkassay_models::{Classifier, Export, ModelError, Standardization};
use zkassay_onnx::proto::ModelProto;
use zkassay_testing::engines::assert_agree;

use crate::{boosted, clouds, ensembles, forest};

#[test]
fn engines_give_the_same_scores_and_labels() {
    for (model, rows) in ensembles() {
        let predictions = model.predict(rows.view()).unwrap();
        let bytes = model.to_onnx(&Export::new("trees")).unwrap();
        let tolerance = match model.link() {
            Link::Identity => 0.0,
            Link::Softmax => 1e-6,
        };
        let scores = predictions.scores.view();
        let labels = assert_agree("trees", &bytes, rows.view(), scores, tolerance);
        if let Some(labels) = labels {
            let classes = predictions.classes().into_iter().map(i64::from);
            assert!(classes.eq(labels));
        }
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
    let apply = |raw: &Array2<f32>| {
        let value = |(row, column)| standardization.apply(column, raw[[row, column]]);
        Array2::from_shape_fn(raw.dim(), value)
    };
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

#[test]
fn what_is_written_says_what_it_is() {
    let (rows, labels) = clouds(60, 4, 2);
    let params = BoostedParams {
        stages: 3,
        ..BoostedParams::default()
    };
    let export = Export::new("boosted").with("seed", 7);
    let write = || boosted(&rows, &labels, params).to_onnx(&export).unwrap();
    assert_eq!(write(), write());
    let model = ModelProto::from_bytes(&write()).unwrap();
    let properties = ["model", "classes", "seed"].map(|key| model.metadata(key).unwrap());
    assert_eq!(properties, ["boosted", "2", "7"]);
    let outputs = model.graph.unwrap().output;
    let names: Vec<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names, ["output", "label"]);
}
