//! Reductions, softmax, extremes and their positions.

use zkassay_onnx::proto::AttributeProto;

use super::common::{operators, reads};

#[test]
fn reductions_agree_with_tract() {
    let ops = [
        "ReduceSum",
        "ReduceMean",
        "ReduceMax",
        "ReduceMin",
        "ReduceL1",
        "ReduceL2",
        "ReduceSumSquare",
    ];
    for op in ops {
        for axes in [&[1][..], &[-1], &[1, 2], &[0, 1, 2]] {
            for keep in [0, 1] {
                let mut attributes = vec![AttributeProto::int("keepdims", keep)];
                // ReduceSum has its axes as an input since operator set 13, the others since 18.
                let axes = axes.iter().copied();
                attributes.push(AttributeProto::ints("axes", axes.clone()));
                reads(&[1, 2, 3])
                    .opset(12)
                    .with(op, &["x"], &["y"], attributes)
                    .agrees();
                let keep = vec![AttributeProto::int("keepdims", keep)];
                let list: Vec<i64> = axes.collect();
                let model = reads(&[1, 2, 3]).integers("axes", &list);
                model.with(op, &["x", "axes"], &["y"], keep).graph();
            }
        }
    }
}

#[test]
fn reductions_have_known_values() {
    let row = [1.0, -2.0, 3.0, 4.0, 0.5, -6.0];
    let reduced = |op: &str| {
        let model = reads(&[1, 2, 3]).integers("axes", &[-1]);
        model.with(
            op,
            &["x", "axes"],
            &["y"],
            vec![AttributeProto::int("keepdims", 0)],
        )
    };
    reduced("ReduceSum").gives(&row, &[2.0, -1.5]);
    reduced("ReduceProd").gives(&row, &[-6.0, -12.0]);
    reduced("ReduceL1").gives(&row, &[6.0, 10.5]);
    let sum = |xs: &[f32]| xs.iter().map(|x| x.exp()).sum::<f32>().ln();
    reduced("ReduceLogSumExp").gives(&row, &[sum(&row[..3]), sum(&row[3..])]);
    reduced("ReduceLogSumExp").gives(&[500.0; 6], &[500.0 + 3f32.ln(); 2]);
    // No axes: all of them, or none if the node says so.
    reads(&[1, 6])
        .node("ReduceSum", &["x"], "y")
        .gives(&row, &[0.5]);
    let none = vec![AttributeProto::int("noop_with_empty_axes", 1)];
    let model = reads(&[1, 6]).with("ReduceSum", &["x"], &["y"], none);
    model.gives(&row, &row);
    // Along axes of one element there is nothing to add up.
    let model = reads(&[1, 6]).integers("axes", &[0]);
    let graph = model.node("ReduceL2", &["x", "axes"], "y").agrees();
    assert_eq!(operators(&graph), ["Abs"]);
}

#[test]
fn running_sums() {
    let flags = |exclusive, reverse| {
        let attributes = vec![
            AttributeProto::int("exclusive", exclusive),
            AttributeProto::int("reverse", reverse),
        ];
        let model = reads(&[1, 3, 2]).integers("axis", &[1]);
        model.with("CumSum", &["x", "axis"], &["y"], attributes)
    };
    let row = [1.0, 10.0, 2.0, 20.0, 4.0, 40.0];
    flags(0, 0).gives(&row, &[1.0, 10.0, 3.0, 30.0, 7.0, 70.0]);
    flags(1, 0).gives(&row, &[0.0, 0.0, 1.0, 10.0, 3.0, 30.0]);
    flags(0, 1).gives(&row, &[7.0, 70.0, 6.0, 60.0, 4.0, 40.0]);
    flags(1, 1).gives(&row, &[6.0, 60.0, 4.0, 40.0, 0.0, 0.0]);
}

#[test]
fn softmax_is_along_one_axis_or_in_older_sets_along_all_from_one_on() {
    for op in ["Softmax", "LogSoftmax"] {
        for opset in [11, 13] {
            for axis in [1, 2, -1] {
                let attributes = vec![AttributeProto::int("axis", axis)];
                let model = reads(&[1, 2, 3]).opset(opset);
                model.with(op, &["x"], &["y"], attributes).agrees();
            }
        }
        reads(&[1, 5]).node(op, &["x"], "y").agrees();
    }
    let row = [0.0, 0.0, 0.0, 0.0];
    let along = |opset| reads(&[1, 2, 2]).opset(opset).node("Softmax", &["x"], "y");
    along(12).gives(&row, &[0.25; 4]);
    along(13).gives(&row, &[0.5; 4]);
    let model = reads(&[1, 2, 2]).node("Hardmax", &["x"], "y");
    model.gives(&[1.0, 3.0, 2.0, 2.0], &[0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn positions_of_extremes_and_their_ties() {
    let row = [1.0, 3.0, 3.0, -1.0, -1.0, 0.0];
    let extreme = |op, last, keep| {
        let attributes = vec![
            AttributeProto::int("axis", 2),
            AttributeProto::int("keepdims", keep),
            AttributeProto::int("select_last_index", last),
        ];
        reads(&[1, 2, 3]).with(op, &["x"], &["y"], attributes)
    };
    extreme("ArgMax", 0, 1).gives(&row, &[1.0, 2.0]);
    extreme("ArgMax", 1, 0).gives(&row, &[2.0, 2.0]);
    extreme("ArgMin", 0, 0).gives(&row, &[0.0, 0.0]);
    let graph = extreme("ArgMin", 1, 1).gives(&row, &[0.0, 1.0]);
    assert_eq!(graph.nodes[0].shape, [1, 2, 1]);
    // The default axis is the first.
    let model = reads(&[3]).node("ArgMax", &["x"], "y");
    model.gives(&[1.0, 5.0, 2.0], &[1.0]);
}

#[test]
fn top_k_gives_values_and_positions() {
    let row = [1.0, 3.0, 3.0, 2.0, 5.0, 0.0];
    let top = |axis, largest, outputs: &[&str]| {
        let attributes = vec![
            AttributeProto::int("axis", axis),
            AttributeProto::int("largest", largest),
        ];
        let model = reads(&[1, 3, 2]).integers("k", &[2]);
        model.with("TopK", &["x", "k"], outputs, attributes)
    };
    let graph = top(1, 1, &["y", "positions"]).gives(&row, &[5.0, 3.0, 3.0, 2.0]);
    // Only what is read stays.
    assert_eq!(operators(&graph), ["TopK", "Rearrange"]);
    top(1, 1, &["values", "y"]).gives(&row, &[2.0, 0.0, 1.0, 1.0]);
    top(1, 0, &["y", "positions"]).gives(&row, &[1.0, 0.0, 3.0, 2.0]);
    top(-1, 1, &["y", "positions"]).gives(&row, &[3.0, 1.0, 3.0, 2.0, 5.0, 0.0]);
    let model = reads(&[1, 3]).integers("k", &[4]);
    let message = model
        .with("TopK", &["x", "k"], &["y", "i"], vec![])
        .error()
        .to_string();
    assert!(message.contains("k is 4"), "{message}");
}
