//! Elements that change their places, and those that do not.

use zkassay_graph::Op;
use zkassay_onnx::proto::AttributeProto;

use super::common::{operators, reads};

fn counts(n: usize) -> Vec<f32> {
    (0..n).map(|i| i as f32).collect()
}

#[test]
fn reshapes_make_no_node() {
    let model = reads(&[1, 2, 3])
        .integers("shape", &[0, -1])
        .integers("axes", &[0, 2])
        .integers("last", &[0])
        .node("Reshape", &["x", "shape"], "a")
        .with(
            "Flatten",
            &["a"],
            &["b"],
            vec![AttributeProto::int("axis", 0)],
        )
        .node("Unsqueeze", &["b", "axes"], "c")
        .node("Squeeze", &["c"], "d")
        .node("Unsqueeze", &["d", "last"], "e")
        .node("Relu", &["e"], "y");
    let graph = model.agrees();
    assert_eq!(operators(&graph), ["Relu"]);
    assert_eq!(graph.nodes[0].shape, [1, 6]);

    // The older forms, with axes as attributes.
    let axes = |list: &[i64]| vec![AttributeProto::ints("axes", list.iter().copied())];
    let model = reads(&[1, 2, 3])
        .opset(11)
        .with("Unsqueeze", &["x"], &["a"], axes(&[-1]))
        .with("Squeeze", &["a"], &["b"], axes(&[0, 3]))
        .node("Relu", &["b"], "y");
    assert_eq!(model.agrees().nodes[0].shape, [2, 3]);
}

#[test]
fn a_model_that_only_reshapes_is_one_copy() {
    let model = reads(&[1, 2, 3]).node("Flatten", &["x"], "y");
    let graph = model.gives(&counts(6), &counts(6));
    assert_eq!(operators(&graph), ["Rearrange"]);
    assert_eq!(
        (graph.nodes[0].operator.as_str(), graph.outputs()),
        ("Flatten", 6)
    );
}

#[test]
fn a_reshape_must_keep_the_elements() {
    for shape in [
        &[4][..],
        &[-1, 4],
        &[0, 0, 0, 0],
        &[-1, -1],
        &[-2, 3],
        &[0, 7],
    ] {
        let model =
            reads(&[1, 2, 3])
                .integers("shape", shape)
                .node("Reshape", &["x", "shape"], "y");
        let message = model.error().to_string();
        assert!(
            message.contains("Reshape #1") && message.contains("[1, 2, 3]"),
            "{message}"
        );
    }
}

#[test]
fn movements_compose_into_one_node() {
    let perm = |order: &[i64]| vec![AttributeProto::ints("perm", order.iter().copied())];
    let model = reads(&[1, 2, 3])
        .with("Transpose", &["x"], &["a"], perm(&[0, 2, 1]))
        .with(
            "Concat",
            &["a", "a"],
            &["b"],
            vec![AttributeProto::int("axis", 1)],
        )
        .integers("starts", &[1])
        .integers("ends", &[i64::MAX])
        .integers("axes", &[1])
        .integers("steps", &[2])
        .node("Slice", &["b", "starts", "ends", "axes", "steps"], "c")
        .node("Relu", &["c"], "y");
    let graph = model.agrees();
    assert_eq!(operators(&graph), ["Rearrange", "Relu"]);

    // There and back again is nothing, also around functions and constants for each element.
    let model = reads(&[1, 2, 3])
        .node("Tanh", &["x"], "t")
        .with("Transpose", &["t"], &["a"], perm(&[0, 2, 1]))
        .floats("c", &[2], &[2.0, -3.0])
        .node("Mul", &["a", "c"], "b")
        .node("Relu", &["b"], "d")
        .with("Transpose", &["d"], &["y"], perm(&[0, 2, 1]));
    assert_eq!(operators(&model.agrees()), ["Tanh", "Mul", "Relu"]);

    let model = reads(&[1, 2, 3])
        .with("Transpose", &["x"], &["a"], perm(&[2, 0, 1]))
        .with("Transpose", &["a"], &["b"], perm(&[1, 2, 0]))
        .node("Relu", &["b"], "y");
    assert_eq!(operators(&model.agrees()), ["Relu"]);
}

#[test]
fn slices_go_either_way() {
    let slice = |starts: i64, ends: i64, steps: i64| {
        reads(&[1, 6])
            .integers("s", &[starts])
            .integers("e", &[ends])
            .integers("a", &[-1])
            .integers("t", &[steps])
            .node("Slice", &["x", "s", "e", "a", "t"], "y")
    };
    let row = counts(6);
    slice(1, 4, 1).gives(&row, &[1.0, 2.0, 3.0]);
    slice(-2, i64::MAX, 1).gives(&row, &[4.0, 5.0]);
    slice(0, -1, 2).gives(&row, &[0.0, 2.0, 4.0]);
    slice(-1, i64::MIN, -1).gives(&row, &[5.0, 4.0, 3.0, 2.0, 1.0, 0.0]);
    slice(100, 1, -2).gives(&row, &[5.0, 3.0]);
    let ints = |name, value| AttributeProto::ints(name, [value]);
    let old = vec![ints("starts", 2), ints("ends", 4), ints("axes", 1)];
    let model = reads(&[1, 6]).opset(9).with("Slice", &["x"], &["y"], old);
    model.gives(&row, &[2.0, 3.0]);
    assert!(slice(1, 4, 0).error().to_string().contains("steps is 0"));
}

#[test]
fn pads_of_every_mode() {
    let pad = |mode: &str, pads: &[i64]| {
        reads(&[1, 4])
            .integers("p", pads)
            .floats("c", &[], &[9.0])
            .with(
                "Pad",
                &["x", "p", "c"],
                &["y"],
                vec![AttributeProto::string("mode", mode)],
            )
    };
    let row = counts(4);
    let pads = [0, 2, 0, 1];
    pad("constant", &pads).gives(&row, &[9.0, 9.0, 0.0, 1.0, 2.0, 3.0, 9.0]);
    pad("edge", &pads).gives(&row, &[0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 3.0]);
    pad("reflect", &pads).gives(&row, &[2.0, 1.0, 0.0, 1.0, 2.0, 3.0, 2.0]);
    pad("wrap", &pads).gives(&row, &[2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 0.0]);
    pad("constant", &[0, -1, 0, 1]).gives(&row, &[1.0, 2.0, 3.0, 9.0]);
    let attributes = vec![
        AttributeProto::ints("pads", pads),
        AttributeProto::float("value", 8.0),
    ];
    let model = reads(&[1, 4])
        .opset(10)
        .with("Pad", &["x"], &["y"], attributes);
    model.gives(&row, &[8.0, 8.0, 0.0, 1.0, 2.0, 3.0, 8.0]);
    assert!(
        pad("constant", &[0, -3, 0, -3])
            .error()
            .to_string()
            .contains("nothing over")
    );
    assert!(pad("mirror", &pads).error().to_string().contains("mirror"));
}

#[test]
fn splits_by_sizes_or_in_equal_parts() {
    let axis = || AttributeProto::int("axis", 1);
    let sum = |model: super::common::Model| {
        model
            .node("ReduceSum", &["a"], "sum")
            .node("Sub", &["b", "sum"], "y")
    };
    let row = [1.0, 2.0, 4.0, 8.0, 16.0];
    let sizes = reads(&[1, 5]).integers("sizes", &[2, 3]);
    let model = sizes.with("Split", &["x", "sizes"], &["a", "b"], vec![axis()]);
    sum(model).gives(&row, &[1.0, 5.0, 13.0]);
    let count = vec![axis(), AttributeProto::int("num_outputs", 2)];
    let model = reads(&[1, 5]).with("Split", &["x"], &["a", "b"], count);
    sum(model).gives(&row, &[1.0, 9.0]);
    let old = vec![axis(), AttributeProto::ints("split", [1, 4])];
    let model = reads(&[1, 5])
        .opset(11)
        .with("Split", &["x"], &["a", "b"], old);
    sum(model).gives(&row, &[1.0, 3.0, 7.0, 15.0]);
    let wrong = reads(&[1, 5]).integers("sizes", &[2, 2]);
    let model = wrong.with("Split", &["x", "sizes"], &["a", "b"], vec![axis()]);
    assert!(sum(model).error().to_string().contains("make up the 5"));
}

#[test]
fn gathers_of_constant_indices() {
    let axis = |axis| vec![AttributeProto::int("axis", axis)];
    let row = counts(6);
    let model = reads(&[1, 2, 3]).integers("i", &[2, -3]);
    let model = model.with("Gather", &["x", "i"], &["y"], axis(2));
    model.gives(&row, &[2.0, 0.0, 5.0, 3.0]);
    model.agrees();
    let model = reads(&[1, 6]).integers("i", &[5]);
    let model = model
        .node("Unsqueeze", &["i", "zero"], "j")
        .integers("zero", &[0]);
    model
        .with("GatherElements", &["x", "j"], &["y"], axis(1))
        .gives(&row, &[5.0]);
    let model = reads(&[2]).integers("i", &[-1]);
    model
        .node("GatherND", &["x", "i"], "y")
        .gives(&[3.0, 4.0], &[4.0]);
    let model = reads(&[1, 6]).integers("i", &[6]);
    let message = model
        .with("Gather", &["x", "i"], &["y"], axis(1))
        .error()
        .to_string();
    assert!(message.contains("index 6"), "{message}");
}

#[test]
fn expand_tile_and_blocks() {
    let model = reads(&[1, 2, 1])
        .integers("s", &[2, 1, 3])
        .node("Expand", &["x", "s"], "y");
    model.agrees();
    let model = reads(&[1, 2])
        .integers("r", &[2, 2])
        .node("Tile", &["x", "r"], "y");
    model.gives(&[1.0, 2.0], &[1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
    for mode in ["DCR", "CRD"] {
        let attributes = vec![
            AttributeProto::int("blocksize", 2),
            AttributeProto::string("mode", mode),
        ];
        let model = reads(&[1, 8, 2, 1]).with("DepthToSpace", &["x"], &["y"], attributes);
        model.agrees();
    }
    let size = vec![AttributeProto::int("blocksize", 2)];
    reads(&[1, 2, 4, 2])
        .with("SpaceToDepth", &["x"], &["y"], size)
        .agrees();
}

#[test]
fn shapes_are_constants() {
    // A flatten as tracing exporters write it.
    let model = reads(&[1, 2, 3])
        .integers("zero", &[0])
        .integers("minus", &[-1])
        .node("Shape", &["x"], "shape")
        .node("Gather", &["shape", "zero"], "batch")
        .with(
            "Concat",
            &["batch", "minus"],
            &["wanted"],
            vec![AttributeProto::int("axis", 0)],
        )
        .node("Reshape", &["x", "wanted"], "flat")
        .node("Size", &["x"], "size")
        .with(
            "Cast",
            &["size"],
            &["n"],
            vec![AttributeProto::int("to", 1)],
        )
        .node("Div", &["flat", "n"], "y");
    let graph = model.gives(&[6.0; 6], &[1.0; 6]);
    assert!(matches!(
        graph.nodes[..],
        [zkassay_graph::Node {
            op: Op::Elementwise { .. },
            ..
        }]
    ));

    let model = reads(&[1, 3])
        .floats("start", &[], &[1.0])
        .floats("limit", &[], &[4.0])
        .floats("step", &[], &[1.0])
        .node("Range", &["start", "limit", "step"], "r")
        .integers("three", &[3])
        .node("ConstantOfShape", &["three"], "zeros")
        .node("Add", &["r", "zeros"], "c")
        .node("Mul", &["x", "c"], "y");
    model.gives(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]);
}

#[test]
fn a_long_axis_of_which_little_is_taken_costs_little() {
    let long = (1 << 28) - 1;
    let gathered = reads(&[1, 3, long]).integers("i", &[0, 5]);
    let bytes = gathered.with(
        "Gather",
        &["x", "i"],
        &["y"],
        vec![AttributeProto::int("axis", 2)],
    );
    assert_eq!(bytes.graph().nodes[0].shape, [1, 3, 2]);
    let sliced = reads(&[1, 3, long])
        .integers("from", &[0])
        .integers("to", &[2])
        .integers("axes", &[2]);
    let bytes = sliced.node("Slice", &["x", "from", "to", "axes"], "y");
    assert!(bytes.error().to_string().contains("Slice"));
}
