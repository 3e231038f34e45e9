//! Elements at positions that the input decides.

use zkassay_onnx::proto::AttributeProto;

use super::common::{Model, operators, reads};

fn axis(axis: i64) -> Vec<AttributeProto> {
    vec![AttributeProto::int("axis", axis)]
}

/// `x` cut off to integers `i`.
fn positions(shape: &[i64]) -> Model {
    let to = vec![AttributeProto::int("to", 7)];
    reads(shape).with("Cast", &["x"], &["i"], to)
}

#[test]
fn rows_of_a_constant_table() {
    let table: Vec<f32> = (0..8).map(|i| i as f32).collect();
    let model = positions(&[1, 3]).floats("table", &[4, 2], &table);
    let model = model.node("Gather", &["table", "i"], "y");
    let graph = model.gives(&[3.0, 0.5, -1.0], &[6.0, 7.0, 0.0, 1.0, 6.0, 7.0]);
    assert_eq!(graph.outputs(), 6);
    assert!(operators(&graph).contains(&"Dense"));
}

#[test]
fn elements_of_values() {
    let row = [5.0, -2.0, 9.0, 1.0];
    let at_extreme = |gather: &str| {
        let model = reads(&[1, 4]).with("ArgMax", &["x"], &["i"], axis(1));
        model.with(gather, &["x", "i"], &["y"], axis(1))
    };
    at_extreme("Gather").gives(&row, &[9.0]);
    let graph = at_extreme("GatherElements").gives(&row, &[9.0]);
    // Positions of extremes are never negative: nothing is added to them.
    assert!(
        !operators(&graph).contains(&"Less"),
        "{:?}",
        operators(&graph)
    );
    let model = reads(&[1, 2, 2])
        .with("ArgMax", &["x"], &["i"], axis(1))
        .with("GatherElements", &["x", "i"], &["y"], axis(1));
    model.gives(&[1.0, 8.0, 3.0, 2.0], &[3.0, 8.0]);
}

#[test]
fn one_hot_vectors() {
    let model = |along| {
        let model =
            positions(&[1, 2])
                .floats("depth", &[], &[3.0])
                .floats("values", &[2], &[-1.0, 4.0]);
        model.with("OneHot", &["i", "depth", "values"], &["y"], axis(along))
    };
    let row = [2.0, -3.0];
    model(-1).gives(&row, &[-1.0, -1.0, 4.0, 4.0, -1.0, -1.0]);
    let graph = model(1).gives(&row, &[-1.0, 4.0, -1.0, -1.0, 4.0, -1.0]);
    assert_eq!(graph.nodes.last().unwrap().shape, [1, 3, 2]);
}

#[test]
fn sequences_are_reversed_as_far_as_they_go() {
    let attributes = vec![
        AttributeProto::int("time_axis", 0),
        AttributeProto::int("batch_axis", 1),
    ];
    let model = reads(&[3, 2]).integers("lens", &[3, 2]);
    let model = model.with("ReverseSequence", &["x", "lens"], &["y"], attributes);
    // Its three rows depend on each other, so they are one.
    let row = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    model.gives(&row, &[5.0, 4.0, 3.0, 2.0, 1.0, 6.0]);
    let attributes = vec![
        AttributeProto::int("time_axis", 1),
        AttributeProto::int("batch_axis", 0),
    ];
    let model = reads(&[1, 4]).integers("lens", &[3]);
    let model = model.with("ReverseSequence", &["x", "lens"], &["y"], attributes);
    model.gives(&[1.0, 2.0, 3.0, 4.0], &[3.0, 2.0, 1.0, 4.0]);
}

#[test]
fn too_many_comparisons_are_refused() {
    let model = positions(&[1, 1024]).floats("table", &[2048], &[0.5; 2048]);
    let message = model
        .node("Gather", &["table", "i"], "y")
        .error()
        .to_string();
    assert!(
        message.contains("Gather #1") && message.contains("comparisons"),
        "{message}"
    );
}
