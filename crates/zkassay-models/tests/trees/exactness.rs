//! Sums, ties and classes.

use ndarray::{Array2, ArrayView1, array};
use serde_json::json;
use zkassay_models::trees::{BoostedParams, ForestParams, Node, Tree, TreeEnsemble, TreeParams};
use zkassay_models::{Classifier, ModelError, class};
use zkassay_seed::Stream;

use crate::{boosted, ensembles, forest, tree, way};

#[test]
fn sums_are_exact_in_any_order() {
    let mut stream = Stream::new(5, "orders");
    for (model, rows) in ensembles() {
        let sums = model.sums(rows.view()).unwrap();
        let leaves = |row: ArrayView1<'_, f32>, column: usize| -> Vec<f32> {
            let value = |tree: &Tree| match &tree.nodes[*way(tree, row).last()?] {
                Node::Leaf { values } => {
                    let place = column.checked_sub(tree.column as usize)?;
                    values.get(place).copied()
                }
                Node::Branch { .. } => None,
            };
            model.trees().iter().filter_map(value).collect()
        };
        for (row, sums) in rows.outer_iter().zip(sums.outer_iter()).take(20) {
            for (column, &sum) in sums.iter().enumerate() {
                let mut values = leaves(row, column);
                for _ in 0..20 {
                    stream.shuffle(&mut values);
                    assert_eq!(values.iter().sum::<f32>(), sum);
                }
                let (front, back) = values.split_at(values.len() / 2);
                assert_eq!(front.iter().sum::<f32>() + back.iter().sum::<f32>(), sum);
                let exact: f64 = values.iter().copied().map(f64::from).sum();
                assert_eq!(exact, f64::from(sum));
            }
        }
    }
}

#[test]
fn scores_are_probabilities_and_agree_with_the_sums_on_the_class() {
    for (model, rows) in ensembles() {
        let predictions = model.predict(rows.view()).unwrap();
        let sums = model.sums(rows.view()).unwrap();
        assert_eq!(predictions.scores.ncols(), model.classes());
        for (scores, sums) in predictions.scores.outer_iter().zip(sums.outer_iter()) {
            assert!(scores.iter().all(|p| (0.0..=1.0).contains(p)));
            assert!((scores.sum() - 1.0).abs() < 1e-5);
            assert_eq!(
                class(scores, predictions.kind),
                class(sums, predictions.kind)
            );
        }
    }
}

#[test]
fn the_least_logit_decides_and_none_is_class_0() {
    let of = |value: f32| {
        let text = json!({
            "inputs": 1, "classes": 2, "link": "softmax",
            "trees": [{"column": 1, "nodes": [{"leaf": {"values": [value]}}]}],
        });
        let model: TreeEnsemble = serde_json::from_value(text).unwrap();
        model.predict(array![[0.0]].view()).unwrap().classes()[0]
    };
    let least = 0.5f32.powi(20);
    assert_eq!([of(-least), of(0.0), of(least)], [0, 0, 1]);

    // Conflicting rows: boosting stays where it began.
    let params = BoostedParams::default();
    let model = boosted(&array![[0.0], [0.0]], &[1, 0], params);
    let predictions = model.predict(array![[0.0]].view()).unwrap();
    assert_eq!(predictions.scores, array![[0.5, 0.5]]);
    assert_eq!(predictions.classes(), [0]);
}

#[test]
fn equally_many_votes_tie_in_forests_of_any_size() {
    // Without a bootstrap every tree sees the same conflict.
    for trees in [1, 3, 7, 100, 999] {
        let params = ForestParams {
            trees,
            bootstrap: false,
            ..ForestParams::default()
        };
        let rows = array![[0.0], [0.0], [0.0]];
        let model = forest(&rows, &[2, 1, 0], params);
        let scores = model.predict(array![[0.0]].view()).unwrap().scores;
        assert_eq!(scores[[0, 0]], scores[[0, 1]]);
        assert_eq!(scores[[0, 0]], scores[[0, 2]]);
    }
}

#[test]
fn rows_that_cannot_be_scored_are_refused() {
    let model = tree(&array![[0.0], [1.0]], &[0, 1], TreeParams::default());
    let wide = model.predict(array![[0.0, 1.0]].view());
    assert!(matches!(wide, Err(ModelError::Columns { .. })));
    let nan = model.predict(array![[f32::NAN]].view());
    assert!(matches!(nan, Err(ModelError::NonFinite { .. })));
    assert!(
        model
            .predict(Array2::zeros((0, 1)).view())
            .unwrap()
            .is_empty()
    );
}
