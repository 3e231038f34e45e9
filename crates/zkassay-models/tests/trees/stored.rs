//! Ensembles and hyper-parameters as JSON, sound or not.

use ndarray::array;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use zkassay_models::trees::{
    BoostedParams, ForestParams, MaxFeatures, TreeEnsemble, TreeParams, fit_forest,
};
use zkassay_models::{Hyperparameters, TrainingSet, Valid};

use crate::ensembles;

#[test]
fn stored_ensembles_are_the_same_when_read() {
    for (model, _) in ensembles() {
        let text = serde_json::to_string(&model).unwrap();
        let read: TreeEnsemble = serde_json::from_str(&text).unwrap();
        assert_eq!(read, model);
    }
}

/// A stored tree of two leaves, changed.
fn refused(change: impl FnOnce(&mut Value)) -> String {
    let mut stored = json!({
        "inputs": 2, "classes": 2, "link": "identity",
        "trees": [{"column": 0, "nodes": [
            {"branch": {"feature": 1, "threshold": 0.5, "left": 1, "right": 2}},
            {"leaf": {"values": [1.0, 0.0]}},
            {"leaf": {"values": [0.25, 0.75]}},
        ]}],
    });
    serde_json::from_value::<TreeEnsemble>(stored.clone()).unwrap();
    change(&mut stored);
    let error = serde_json::from_value::<TreeEnsemble>(stored).unwrap_err();
    error.to_string()
}

#[test]
fn malformed_trees_are_refused() {
    let node = |at: usize, kind: &str, field: &str, value: Value| {
        refused(|stored| stored["trees"][0]["nodes"][at][kind][field] = value)
    };
    let branch = |field: &str, value: Value| node(0, "branch", field, value);
    let leaf = |value: Value| node(2, "leaf", "values", value);

    let outside = "tree 0, node 0: the feature is 2, expected a number below 2";
    assert_eq!(branch("feature", json!(2)), outside);
    let child = "tree 0, node 0: the child is 0, expected a later node without a parent";
    assert_eq!(branch("left", json!(0)), child);
    assert_eq!(branch("right", json!(3)), child.replace("is 0", "is 3"));
    assert_eq!(branch("right", json!(1)), child.replace("is 0", "is 1"));
    assert!(branch("threshold", json!(1e39)).contains("threshold"));
    assert!(branch("threshold", Value::Null).contains("f32"));
    assert!(branch("left", json!(-1)).contains("u32"));

    let width = "tree 0, node 2: the number of weights is 3, expected a number from 1 to 2";
    assert_eq!(leaf(json!([0.0, 0.0, 0.0])), width);
    assert_eq!(leaf(json!([])), width.replace("is 3", "is 0"));
    let grid = "a multiple of 2^-24 from 0 to 1";
    let value = format!("tree 0, node 2: the value is 0.1, expected {grid}");
    assert_eq!(leaf(json!([0.1, 0.0])), value);
    assert_eq!(leaf(json!([-0.5])), value.replace("0.1", "-0.5"));
    assert_eq!(leaf(json!([1.5])), value.replace("0.1", "1.5"));

    let loose = refused(|stored| {
        let nodes = stored["trees"][0]["nodes"].as_array_mut().unwrap();
        nodes.push(json!({"leaf": {"values": [0.5]}}));
    });
    assert_eq!(loose, "tree 0, node 3: the parent is missing, expected one");
    let empty = refused(|stored| stored["trees"][0]["nodes"] = json!([]));
    assert_eq!(
        empty,
        "tree 0, node 0: the node is missing, expected a root"
    );
    let column = refused(|stored| stored["trees"][0]["column"] = json!(1));
    assert_eq!(
        column,
        "tree 0, node 1: the number of weights is 2, expected a number from 1 to 1"
    );
    let twice = refused(|stored| {
        let tree = stored["trees"][0].clone();
        stored["trees"] = json!([tree, tree]);
    });
    assert_eq!(twice, "parameter sum of all votes is 2, expected at most 1");
    let numbers = [
        ("inputs", 0),
        ("inputs", 1u64 << 32),
        ("classes", 1),
        ("classes", 257),
    ];
    for (field, value) in numbers {
        assert!(refused(|stored| stored[field] = json!(value)).contains(field));
    }
    assert!(refused(|stored| stored["trees"] = json!([])).contains("trees"));
    assert!(refused(|stored| stored["depth"] = json!(3)).contains("depth"));

    // Logits have to leave room for sums: here 2^-20 and 17 are too far apart.
    let logits = refused(|stored| {
        stored["link"] = json!("softmax");
        stored["trees"][0]["nodes"][1]["leaf"]["values"] = json!([17.0, 0.5f64.powi(20)]);
    });
    let expected = "tree 0, node 1: the value is 0.0000009536743, expected a multiple of 2^-19";
    assert_eq!(logits, expected);
}

#[test]
fn hyper_parameters_out_of_range_are_named() {
    fn reason<P: Hyperparameters + DeserializeOwned>(stored: Value) -> String {
        match serde_json::from_value::<Valid<P>>(stored) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }
    let refused = [
        (
            "max_depth is 0,",
            reason::<TreeParams>(json!({"max_depth": 0})),
        ),
        (
            "max_depth is 65,",
            reason::<TreeParams>(json!({"max_depth": 65})),
        ),
        (
            "min_samples_split is 1,",
            reason::<TreeParams>(json!({"min_samples_split": 1})),
        ),
        (
            "min_samples_leaf is 0,",
            reason::<TreeParams>(json!({"min_samples_leaf": 0})),
        ),
        ("trees is 0,", reason::<ForestParams>(json!({"trees": 0}))),
        (
            "trees is 10001,",
            reason::<ForestParams>(json!({"trees": 10_001})),
        ),
        (
            "max_features is 0,",
            reason::<ForestParams>(json!({"max_features": {"count": 0}})),
        ),
        (
            "max_depth is 0,",
            reason::<ForestParams>(json!({"tree": {"max_depth": 0}})),
        ),
        (
            "stages is 0,",
            reason::<BoostedParams>(json!({"stages": 0})),
        ),
        (
            "stages is 10001,",
            reason::<BoostedParams>(json!({"stages": 10_001})),
        ),
        (
            "learning_rate is 0,",
            reason::<BoostedParams>(json!({"learning_rate": 0.0})),
        ),
        (
            "learning_rate is 1.1,",
            reason::<BoostedParams>(json!({"learning_rate": 1.1})),
        ),
        (
            "max_depth is 65,",
            reason::<BoostedParams>(json!({"max_depth": 65})),
        ),
        (
            "min_samples_leaf is 0,",
            reason::<BoostedParams>(json!({"min_samples_leaf": 0})),
        ),
        ("l2 is -0.1,", reason::<BoostedParams>(json!({"l2": -0.1}))),
        (
            "subsample is 0,",
            reason::<BoostedParams>(json!({"subsample": 0.0})),
        ),
        (
            "subsample is 1.1,",
            reason::<BoostedParams>(json!({"subsample": 1.1})),
        ),
        (
            "unknown field `depth`",
            reason::<BoostedParams>(json!({"depth": 3})),
        ),
    ];
    for (expected, found) in refused {
        assert!(found.contains(expected), "{found:?}, expected {expected:?}");
    }
    assert_eq!(reason::<TreeParams>(json!({"max_depth": 64})), "");
    assert_eq!(reason::<ForestParams>(json!({"max_features": "all"})), "");
    assert_eq!(
        reason::<BoostedParams>(json!({"subsample": 1, "l2": 0})),
        ""
    );
    let rate = |learning_rate| BoostedParams {
        learning_rate,
        ..BoostedParams::default()
    };
    assert!(rate(f64::NAN).check().is_err());

    let rows = array![[0.0], [1.0]];
    let training = TrainingSet::new(rows.view(), &[0, 1]).unwrap();
    let params = ForestParams {
        max_features: MaxFeatures::Count(2),
        ..ForestParams::default()
    };
    let error = fit_forest(&training, &params.check().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameter max_features is 2, expected at most the number of features"
    );
}
