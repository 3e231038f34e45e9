//! Models as exporters write them: imported, evaluated, compared with tract.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may panic"
)]

use ndarray::{Array1, Array2, ArrayView1, array};
use zkassay_graph::reference::Reference;
use zkassay_graph::{Graph, Op};
use zkassay_onnx::ModelBuilder;
use zkassay_onnx::proto::{
    AttributeProto, DataType, Dim, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, ValueInfoProto,
};

/// A fixed, irregular number in (-1, 1).
fn noise(index: usize) -> f32 {
    ((index * 7919 + 13) as f32 * 0.618_034).sin()
}

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.to_owned(),
        input: inputs.iter().map(|&i| i.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

/// A model from `x` `[batch, row...]` to `y`, of opset 13.
fn model(
    batch: Option<Dim>,
    row: &[i64],
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
) -> Vec<u8> {
    let dims = row.iter().map(|&dim| Dim::Size(dim));
    let mut input = ValueInfoProto::floats("x", batch.clone().into_iter().chain(dims));
    if batch.is_none()
        && let Some(tensor) = input.r#type.as_mut().and_then(|t| t.tensor_type.as_mut())
        && let Some(shape) = tensor.shape.as_mut()
    {
        shape.dim.insert(0, Default::default());
    }
    let graph = GraphProto {
        name: "m".to_owned(),
        node: nodes,
        initializer: constants,
        input: vec![input],
        output: vec![ValueInfoProto::floats("y", [])],
    };
    ModelProto {
        ir_version: 8,
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: 13,
        }],
        ..ModelProto::default()
    }
    .to_bytes()
}

fn symbolic() -> Option<Dim> {
    Some(Dim::Symbol("batch".to_owned()))
}

/// Checks that graph and tract agree on a few rows, and returns the graph.
fn check(bytes: &[u8]) -> Graph {
    let graph = Graph::from_onnx(bytes).expect("the model imports");
    let rows = Array2::from_shape_fn((5, graph.inputs()), |(r, c)| 2.0 * noise(r * 1000 + c));
    let expected = Reference::new(bytes).unwrap().run(rows.view()).unwrap();
    for (row, expected) in rows.outer_iter().zip(expected.outer_iter()) {
        let found = graph.evaluate(row).unwrap();
        assert_close(&found, expected);
        assert_eq!(graph.trace(row).unwrap().last(), Some(&found));
    }
    graph
}

fn assert_close(found: &[f32], expected: ArrayView1<'_, f32>) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-5,
            "evaluate gives {found}, tract {expected}"
        );
    }
}

fn dense(graph: &Graph, index: usize) -> (&Array2<f32>, &Array1<f32>) {
    match &graph.nodes[index].op {
        Op::Dense(dense) => (&dense.weights, &dense.bias),
        other => panic!("node {index} is {other:?}"),
    }
}

#[test]
fn built_models_import_exactly() {
    let weights = Array2::from_shape_fn((16, 162), |(o, i)| 0.1 * noise(o * 162 + i));
    let bias = Array1::from_shape_fn(16, |o| noise(o + 5));
    let head = Array2::from_shape_fn((1, 16), |(_, i)| noise(i + 99));
    let bytes = ModelBuilder::new("MLP_1_layers_16", 162)
        .and_then(|b| b.dense("layer_0", weights.view(), bias.view()))
        .and_then(|b| b.relu("relu_0"))
        .and_then(|b| b.dense("layer_1", head.view(), array![0.25].view()))
        .and_then(|b| b.sigmoid("probability"))
        .and_then(|b| b.encode())
        .unwrap();

    let graph = check(&bytes);
    assert_eq!(graph.name, "MLP_1_layers_16");
    assert_eq!((graph.input.name.as_str(), graph.inputs()), ("input", 162));
    assert_eq!((graph.output.name.as_str(), graph.outputs()), ("output", 1));
    assert_eq!(graph.parameters(), 2625);
    assert_eq!(dense(&graph, 0), (&weights, &bias));
    let names: Vec<_> = graph
        .nodes
        .iter()
        .map(|n| (n.name.as_str(), n.len()))
        .collect();
    assert_eq!(
        names,
        [
            ("layer_0", 16),
            ("relu_0", 16),
            ("layer_1", 1),
            ("probability", 1)
        ]
    );
}

#[test]
fn gemm_with_every_attribute() {
    let mut gemm = node("Gemm", &["x", "w", "b"], "y");
    gemm.attribute = vec![
        AttributeProto::float("alpha", 0.5),
        AttributeProto::float("beta", 2.0),
        AttributeProto::int("transA", 0),
        AttributeProto::int("transB", 0),
    ];
    // [in, out]
    let weights = TensorProto::floats("w", &[2, 3], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let bias = TensorProto::floats("b", &[1, 3], [0.1, 0.2, 0.3]);
    let graph = check(&model(symbolic(), &[2], vec![gemm], vec![weights, bias]));
    let (weights, bias) = dense(&graph, 0);
    assert_eq!(weights, array![[0.5, 2.0], [1.0, 2.5], [1.5, 3.0]]);
    assert_eq!(bias, array![0.2, 0.4, 0.6]);
    assert_eq!(graph.nodes[0].name, "Gemm #1");
}

#[test]
fn gemm_without_bias_and_with_a_scalar_bias() {
    let weights = || TensorProto::floats("w", &[2, 2], [1.0, 2.0, 3.0, 4.0]);
    let nodes = vec![node("Gemm", &["x", "w"], "y")];
    let graph = check(&model(symbolic(), &[2], nodes, vec![weights()]));
    assert_eq!(dense(&graph, 0).1, array![0.0, 0.0]);

    let nodes = vec![node("Gemm", &["x", "w", "b"], "y")];
    let bias = TensorProto::floats("b", &[1], [0.5]);
    let graph = check(&model(symbolic(), &[2], nodes, vec![weights(), bias]));
    assert_eq!(dense(&graph, 0).1, array![0.5, 0.5]);
}

#[test]
fn matmul_and_add_become_one_dense_node() {
    for operands in [["h", "b"], ["b", "h"]] {
        let nodes = vec![
            node("MatMul", &["x", "w"], "h"),
            node("Add", &operands, "z"),
            node("Relu", &["z"], "r"),
            node("MatMul", &["r", "v"], "y"),
        ];
        let constants = vec![
            TensorProto::floats("w", &[2, 3], (0..6).map(noise)),
            TensorProto::floats("b", &[3], (6..9).map(noise)),
            TensorProto::floats("v", &[3, 1], (9..12).map(noise)),
        ];
        let graph = check(&model(symbolic(), &[2], nodes, constants));
        let names: Vec<_> = graph.nodes.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["MatMul #1", "Relu #1", "MatMul #2"]);
        assert_eq!(dense(&graph, 0).0[[1, 0]], noise(1));
        assert_eq!(dense(&graph, 0).1, array![noise(6), noise(7), noise(8)]);
    }
}

#[test]
fn nodes_that_leave_a_row_as_it_is_are_dropped() {
    let nodes = vec![
        node("Flatten", &["x"], "flat"),
        node("Dropout", &["flat", "ratio", "training"], "kept"),
        node("Identity", &["kept"], "same"),
        node("Gemm", &["same", "w"], "h"),
        node("Dropout", &["h"], "y"),
    ];
    let training = TensorProto {
        name: "training".to_owned(),
        data_type: DataType::Bool.into(),
        raw_data: vec![0],
        ..TensorProto::default()
    };
    let constants = vec![
        TensorProto::floats("w", &[6, 1], (0..6).map(noise)),
        TensorProto::floats("ratio", &[], [0.5]),
        training,
    ];
    let graph = check(&model(symbolic(), &[1, 2, 3], nodes, constants));
    assert_eq!(graph.inputs(), 6);
    assert_eq!(graph.nodes.len(), 1);
}

#[test]
fn every_usual_batch_dimension_is_accepted() {
    let batches = [
        symbolic(),
        Some(Dim::Size(1)),
        Some(Dim::Size(0)),
        Some(Dim::Size(-1)),
        None,
    ];
    for batch in batches {
        let nodes = vec![node("Sigmoid", &["x"], "y")];
        let graph = check(&model(batch, &[4], nodes, vec![]));
        assert_eq!(graph.outputs(), 4);
    }
}

#[test]
fn nodes_may_come_in_any_order_and_constants_among_the_inputs() {
    let nodes = vec![node("Relu", &["h"], "y"), node("Gemm", &["x", "w"], "h")];
    let weights = TensorProto::floats("w", &[1, 1], [3.0]);
    let bytes = model(symbolic(), &[1], nodes, vec![weights]);
    let mut proto = ModelProto::from_bytes(&bytes).unwrap();
    if let Some(graph) = &mut proto.graph {
        let constant = ValueInfoProto::floats("w", [Dim::Size(1), Dim::Size(1)]);
        graph.input.push(constant);
    }
    let graph = check(&proto.to_bytes());
    let names: Vec<_> = graph.nodes.iter().map(|n| n.name.as_str()).collect();
    assert_eq!(names, ["Gemm #1", "Relu #1"]);
}

#[test]
fn sigmoid_is_exact_in_the_tails() {
    let bytes = model(symbolic(), &[3], vec![node("Sigmoid", &["x"], "y")], vec![]);
    let graph = Graph::from_onnx(&bytes).unwrap();
    let y = graph.evaluate(array![-1000.0, 0.0, 1000.0].view()).unwrap();
    assert_eq!(y, [0.0, 0.5, 1.0]);
}

#[test]
fn the_perceptron_of_the_study_imports() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/seed/results/perceptron.onnx"
    );
    let Ok(bytes) = std::fs::read(path) else {
        eprintln!("skipped: {path} is not there");
        return;
    };
    let graph = check(&bytes);
    assert_eq!((graph.inputs(), graph.outputs()), (784, 10));
    assert_eq!(graph.parameters(), 7850);
    assert_eq!(graph.nodes[0].name, "/0/Gemm");
}

#[test]
fn arithmetic_with_constants_is_read_in_either_order_where_it_may_be() {
    let constants = vec![
        TensorProto::floats("mean", &[3], [0.5, -1.0, 2.0]),
        TensorProto::floats("deviation", &[1, 3], [2.0, 0.25, -3.0]),
        TensorProto::floats("one", &[], [1.0]),
        TensorProto::floats("w", &[3, 2], (0..6).map(noise)),
        TensorProto::floats("factors", &[2], [0.5, -2.0]),
    ];
    let nodes = vec![
        node("Sub", &["x", "mean"], "centred"),
        node("Div", &["centred", "deviation"], "scaled"),
        node("Add", &["one", "scaled"], "shifted"),
        node("MatMul", &["shifted", "w"], "product"),
        node("Mul", &["factors", "product"], "y"),
    ];
    let graph = check(&model(symbolic(), &[3], nodes, constants));
    let ops: Vec<_> = graph
        .nodes
        .iter()
        .map(|node| match &node.op {
            Op::Elementwise { arithmetic, .. } => format!("{arithmetic:?}"),
            other => format!("{} parameters", other.parameters()),
        })
        .collect();
    assert_eq!(
        ops,
        ["Subtract", "Divide", "Add", "8 parameters", "Multiply"]
    );
}
