//! Functions of the model's own and graphs inside of nodes, as protobuf written by hand.

use ndarray::array;
use zkassay_graph::Graph;
use zkassay_onnx::proto::{ModelProto, NodeProto};

use super::common::reads;

/// A field of bytes.
fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    [
        varint(number << 3 | 2),
        varint(bytes.len() as u64),
        bytes.to_vec(),
    ]
    .concat()
}

/// A field of an integer.
fn int(number: u64, value: u64) -> Vec<u8> {
    [varint(number << 3), varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = vec![];
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A node with attributes that are already written.
fn node(op: &str, domain: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let inputs = inputs.iter().flat_map(|input| field(1, input.as_bytes()));
    let mut bytes: Vec<u8> = inputs.collect();
    bytes.extend(field(2, output.as_bytes()));
    bytes.extend(field(4, op.as_bytes()));
    bytes.extend(field(7, domain.as_bytes()));
    bytes.extend(attributes.iter().flat_map(|attribute| field(5, attribute)));
    bytes
}

/// A graph of nodes.
fn graph(nodes: &[Vec<u8>], inputs: &[&str], outputs: &[&str]) -> Vec<u8> {
    let value = |name: &str| field(1, name.as_bytes());
    let mut bytes: Vec<u8> = nodes.iter().flat_map(|node| field(1, node)).collect();
    bytes.extend(inputs.iter().flat_map(|name| field(11, &value(name))));
    bytes.extend(outputs.iter().flat_map(|name| field(12, &value(name))));
    bytes
}

/// An attribute that holds a graph.
fn graph_attribute(name: &str, graph: &[u8]) -> Vec<u8> {
    [field(1, name.as_bytes()), field(6, graph), int(20, 5)].concat()
}

fn int_attribute(name: &str, value: u64) -> Vec<u8> {
    [field(1, name.as_bytes()), int(3, value), int(20, 2)].concat()
}

/// The bytes of a model over `[1, 3]` with one more node.
fn with_node(model: super::common::Model, extra: &[u8]) -> Vec<u8> {
    // Messages of the same field are merged: a second graph adds its nodes to the first.
    [model.bytes(), field(7, &field(1, extra))].concat()
}

/// A function `scaled(a; alpha) = LeakyRelu(a; alpha) + a` in the domain `own`, which may call another.
fn function(name: &str, calls: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = field(1, name.as_bytes());
    bytes.extend(field(4, b"a"));
    bytes.extend(field(5, b"c"));
    bytes.extend(field(6, b"alpha"));
    bytes.extend(calls.iter().flat_map(|call| field(7, call)));
    bytes.extend(field(7, &node("Add", "", &["a", "b"], "c", &[])));
    bytes.extend(field(9, &[field(1, b""), int(2, 18)].concat()));
    bytes.extend(field(10, b"own"));
    field(25, &bytes)
}

#[test]
fn functions_are_their_bodies() {
    let refers = [field(1, b"alpha"), field(21, b"alpha"), int(20, 1)].concat();
    let leaky = node("LeakyRelu", "", &["a"], "b", &[refers]);
    let half = [
        field(1, b"alpha"),
        [0x15].to_vec(),
        0.5f32.to_le_bytes().to_vec(),
        int(20, 1),
    ]
    .concat();
    let call = node("scaled", "own", &["x"], "y", &[half]);
    let bytes = [
        with_node(reads(&[1, 3]), &call),
        function("scaled", &[leaky]),
    ]
    .concat();
    let graph = Graph::from_onnx(&bytes).unwrap();
    let y = graph.evaluate(array![-2.0, 0.0, 4.0].view()).unwrap();
    assert_eq!(y, [-3.0, 0.0, 8.0]);
    let names: Vec<_> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["scaled #1/LeakyRelu", "scaled #1/Add"]);
}

#[test]
fn functions_that_call_themselves_are_refused() {
    let itself = node("scaled", "own", &["a"], "b", &[]);
    let call = node("scaled", "own", &["x"], "y", &[]);
    let bytes = [
        with_node(reads(&[1, 3]), &call),
        function("scaled", &[itself]),
    ]
    .concat();
    let error = Graph::from_onnx(&bytes).unwrap_err().to_string();
    assert!(
        error.contains("scaled") && error.contains("deep"),
        "{error}"
    );
    let error = {
        let call = [node("missing", "own", &["a"], "b", &[])];
        let bytes = [bytes, function("scaled", &call)].concat();
        Graph::from_onnx(&bytes).unwrap_err()
    };
    // The first of one name counts.
    assert!(error.to_string().contains("deep"), "{error}");
}

#[test]
fn functions_that_grow_exponentially_are_refused() {
    // Each calls the next one eight times.
    let name = |i: usize| format!("f{i}");
    let call = node("f0", "own", &["x"], "y", &[]);
    let mut bytes = with_node(reads(&[1, 3]), &call);
    for i in 0..12 {
        let value = |j: usize| match j {
            0 => "a".to_owned(),
            8 => "b".to_owned(),
            j => format!("v{j}"),
        };
        let next = |j: usize| node(&name(i + 1), "own", &[&value(j)], &value(j + 1), &[]);
        let calls: Vec<Vec<u8>> = (0..8).map(next).collect();
        bytes.extend(function(&name(i), &calls));
    }
    bytes.extend(function("f12", &[node("Relu", "", &["a"], "b", &[])]));
    let error = Graph::from_onnx(&bytes)
        .map(|graph| graph.nodes.len())
        .unwrap_err();
    assert!(error.to_string().contains("have become larger"), "{error}");
}

#[test]
fn branches_of_constant_conditions_and_of_others() {
    let side = |op: &str| graph(&[node(op, "", &["x"], "z", &[])], &[], &["z"]);
    let branches = [
        graph_attribute("then_branch", &side("Neg")),
        graph_attribute("else_branch", &side("Abs")),
    ];
    for (truth, expected) in [(1, [2.0, -3.0, -1.0]), (0, [2.0, 3.0, 1.0])] {
        let model = reads(&[1, 3]).truths("t", &[truth]);
        let bytes = with_node(model, &node("If", "", &["t"], "y", &branches));
        let graph = Graph::from_onnx(&bytes).unwrap();
        let y = graph.evaluate(array![-2.0, 3.0, 1.0].view()).unwrap();
        assert_eq!(y, expected);
        assert_eq!(graph.nodes.len(), 1);
    }
    let model = reads(&[1, 3]).floats("zero", &[], &[0.0]);
    let model = model
        .node("ReduceSum", &["x"], "sum")
        .node("Greater", &["sum", "zero"], "t");
    let bytes = with_node(model, &node("If", "", &["t"], "y", &branches));
    let graph = Graph::from_onnx(&bytes).unwrap();
    let y = |row: [f32; 3]| graph.evaluate(row.as_slice().into()).unwrap();
    assert_eq!(y([-2.0, 3.0, 1.0]), [2.0, -3.0, -1.0]);
    assert_eq!(y([-2.0, -3.0, 1.0]), [2.0, 3.0, 1.0]);
}

#[test]
fn scans_are_unrolled() {
    // s' = s + r, and r' = s' x for each row r of a constant; x from around it.
    let body = graph(
        &[
            node("Add", "", &["s", "r"], "t", &[]),
            node("Mul", "", &["t", "x"], "z", &[]),
        ],
        &["s", "r"],
        &["t", "z"],
    );
    let scan = node(
        "Scan",
        "",
        &["start", "rows"],
        "end",
        &[
            graph_attribute("body", &body),
            int_attribute("num_scan_inputs", 1),
        ],
    );
    let scan = [scan, field(2, b"y")].concat();
    let model = || reads(&[1, 3]).floats("start", &[3], &[1.0, 0.0, 0.0]);
    let rows = model().floats("rows", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let graph = Graph::from_onnx(&with_node(rows, &scan)).unwrap();
    let y = graph.evaluate(array![1.0, 10.0, 100.0].view()).unwrap();
    assert_eq!(y, [2.0, 20.0, 300.0, 6.0, 70.0, 900.0]);
    let none = model().floats("rows", &[], &[1.0]);
    let error = Graph::from_onnx(&with_node(none, &scan))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("Scan #1") && error.contains("length"),
        "{error}"
    );
}

#[test]
fn references_to_attributes_outside_of_functions_are_refused() {
    let refers = [field(1, b"alpha"), field(21, b"alpha"), int(20, 1)].concat();
    let bytes = with_node(
        reads(&[1, 3]),
        &node("LeakyRelu", "", &["x"], "y", &[refers]),
    );
    let error = Graph::from_onnx(&bytes).unwrap_err().to_string();
    assert!(
        error.contains("LeakyRelu #1") && error.contains("refers"),
        "{error}"
    );
    // What is written by hand here is what the builder writes.
    let mut model = ModelProto::from_bytes(&reads(&[1, 3]).bytes()).unwrap();
    let by_hand = with_node(reads(&[1, 3]), &node("Relu", "", &["x"], "y", &[]));
    model.graph.as_mut().unwrap().node.push(NodeProto {
        op_type: "Relu".to_owned(),
        input: vec!["x".to_owned()],
        output: vec!["y".to_owned()],
        ..NodeProto::default()
    });
    let graphs = [by_hand, model.to_bytes()].map(|bytes| Graph::from_onnx(&bytes).unwrap());
    assert_eq!(graphs[0], graphs[1]);
}

/// A loop over `x`: `a' = a + x` and the list of `a'`, as long as the body's node `go` says.
fn looped(inputs: &[&str], go: &[Vec<u8>]) -> Vec<u8> {
    let add = node("Add", "", &["a", "x"], "next", &[]);
    let copy = node("Identity", "", &["next"], "list", &[]);
    let nodes = [vec![add, copy], go.to_vec()].concat();
    let body = graph(&nodes, &["i", "c", "a"], &["go", "next", "list"]);
    let head = node(
        "Loop",
        "",
        inputs,
        "last",
        &[graph_attribute("body", &body)],
    );
    [head, field(2, b"y")].concat()
}

#[test]
fn loops_are_unrolled() {
    let model = || {
        reads(&[1, 3])
            .integers("three", &[3])
            .integers("one", &[1])
            .truths("true", &[1])
    };
    let on = [node("Identity", "", &["c"], "go", &[])];
    let while_small = [node("Less", "", &["i", "one"], "go", &[])];
    let rows = [1.0, 10.0, 100.0];
    let gives = |inputs: &[&str], go: &[Vec<u8>], count: usize| {
        let graph = Graph::from_onnx(&with_node(model(), &looped(inputs, go))).unwrap();
        let y = graph.evaluate(rows.as_slice().into()).unwrap();
        let expected = (0..count).flat_map(|i| rows.map(|x| (i + 2) as f32 * x));
        assert_eq!(y, expected.collect::<Vec<f32>>());
    };
    gives(&["three", "true", "x"], &on, 3);
    gives(&["three", "", "x"], &on, 3);
    // The condition is looked at after each round.
    gives(&["", "true", "x"], &while_small, 2);
    gives(&["three", "true", "x"], &while_small, 2);

    let refused = |inputs: &[&str], go: &[Vec<u8>], word: &str| {
        let error = Graph::from_onnx(&with_node(model(), &looped(inputs, go)));
        let error = error
            .map(|graph| graph.nodes.len())
            .unwrap_err()
            .to_string();
        assert!(error.contains("Loop #1") && error.contains(word), "{error}");
    };
    refused(&["", "true", "x"], &on, "more than 4096 rounds");
    refused(&["x", "true", "x"], &on, "number of rounds depends");
    refused(&["three", "x", "x"], &on, "condition depends");
    let sum = node("ReduceSum", "", &["a"], "sum", &[]);
    let of_input = node("Cast", "", &["sum"], "go", &[int_attribute("to", 9)]);
    refused(
        &["three", "true", "x"],
        &[sum, of_input],
        "condition depends",
    );
    refused(&["three", "true"], &on, "inputs, expected");
}
