//! Products, and how models are put together: branches, several inputs and outputs, variables.

use ndarray::array;
use zkassay_graph::{Graph, ImportOptions, Op};
use zkassay_onnx::proto::{AttributeProto, DataType, Dim, ModelProto, NodeProto, ValueInfoProto};

use super::common::{noises, operators, reads};

#[test]
fn products_with_constants_are_dense_layers() {
    let model = reads(&[1, 2, 3])
        .floats("w", &[3, 2], &noises(6))
        .floats("b", &[2], &noises(2))
        .node("MatMul", &["x", "w"], "h")
        .node("Add", &["b", "h"], "y");
    let graph = model.agrees();
    assert_eq!(operators(&graph), ["Dense"]);
    assert_eq!(graph.nodes[0].shape, [1, 2, 2]);

    // A bias that differs between rows stays a sum of its own; so does one for a product that
    // something else reads as well.
    let model = reads(&[1, 2, 3])
        .floats("w", &[3, 2], &noises(6))
        .floats("b", &[2, 2], &noises(4))
        .node("MatMul", &["x", "w"], "h")
        .node("Add", &["b", "h"], "y");
    assert_eq!(operators(&model.agrees()), ["Dense", "Add"]);
    let model = reads(&[1, 3])
        .floats("w", &[3, 2], &noises(6))
        .floats("b", &[2], &noises(2))
        .node("MatMul", &["x", "w"], "h")
        .node("Sub", &["h", "b"], "s")
        .node("Mul", &["h", "s"], "y");
    assert_eq!(operators(&model.agrees()), ["Dense", "Sub", "Mul"]);
}

#[test]
fn products_of_every_shape() {
    let shapes: [(&[i64], &[usize]); 5] = [
        (&[1, 3], &[3]),
        (&[3], &[3, 2]),
        (&[1, 2, 3], &[1, 3, 2]),
        (&[1, 2, 3], &[2, 3, 1]),
        (&[1, 1, 2, 3], &[3, 2]),
    ];
    for (x, w) in shapes {
        let model = reads(x).floats("w", w, &noises(w.iter().product()));
        model.node("MatMul", &["x", "w"], "y").agrees();
    }
    let model = reads(&[3]).floats("w", &[3], &[1.0, 2.0, 3.0]);
    model
        .node("MatMul", &["x", "w"], "y")
        .gives(&[1.0, 1.0, 2.0], &[9.0]);
    let model = reads(&[1, 3, 2]).floats("w", &[2, 3], &noises(6));
    model.node("MatMul", &["w", "x"], "y").agrees();
    let attention = reads(&[1, 3, 2])
        .with(
            "Transpose",
            &["x"],
            &["t"],
            vec![AttributeProto::ints("perm", [0, 2, 1])],
        )
        .node("MatMul", &["x", "t"], "scores")
        .node("Softmax", &["scores"], "weights")
        .node("MatMul", &["weights", "x"], "y");
    assert!(operators(&attention.agrees()).contains(&"MatMul"));
    let wrong = reads(&[1, 3])
        .floats("w", &[2, 3], &noises(6))
        .node("MatMul", &["x", "w"], "y");
    let message = wrong.error().to_string();
    assert!(
        message.contains("[2, 3]") && message.contains("[3, n]"),
        "{message}"
    );
}

#[test]
fn einstein_sums() {
    let equation = |text: &str| vec![AttributeProto::string("equation", text)];
    let two = |x: &[i64], w: &[usize], text: &str| {
        let model = reads(x).floats("w", w, &noises(w.iter().product()));
        model.with("Einsum", &["x", "w"], &["y"], equation(text))
    };
    let cases: [(&[i64], &[usize], &str); 7] = [
        (&[1, 3], &[3, 2], "ij,jk->ik"),
        (&[1, 2, 3], &[2, 4], "abc,bd->acd"),
        (&[1, 2, 3], &[3, 2], "bij,jk"),
        (&[2, 2, 3], &[2, 3, 2], "bij,bjk->bik"),
        (&[1, 2, 3], &[2, 3], "bij,ij->b"),
        (&[1, 3], &[4], "ij,k->ikj"),
        (&[1, 2, 3], &[3], "bij,j->bi"),
    ];
    for (x, w, text) in cases {
        // The batch of the first axis is fixed: tract and the graph get one tensor.
        let x: Vec<i64> = [&[1], &x[1..]].concat();
        let w = match text {
            "bij,bjk->bik" => &[1, 3, 2][..],
            _ => w,
        };
        let graph = two(&x, w, text).agrees();
        assert!(graph.nodes.iter().any(|node| node.op.name() != "Rearrange"));
    }
    let model = reads(&[1, 3]).with("Einsum", &["x", "x"], &["y"], equation("ij,ij->i"));
    model.gives(&[1.0, 2.0, 3.0], &[14.0]);
    let model = reads(&[1, 2, 2]).with("Einsum", &["x"], &["y"], equation("bij->bji"));
    model.gives(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0]);
    for text in [
        "ii,ij->j",
        "...i,ij->...j",
        "ij,jk,kl->il",
        "ij,jk->iz",
        "i,jk->k",
    ] {
        let message = two(&[1, 3], &[3, 2], text).error().to_string();
        assert!(
            message.contains("Einsum") && message.contains(text),
            "{message}"
        );
    }
    let message = two(&[1, 3], &[2, 2], "ij,jk->ik").error().to_string();
    assert!(message.contains("[2, 2]"), "{message}");
}

#[test]
fn gemm_of_two_values_transposed_and_scaled() {
    let attributes = vec![
        AttributeProto::int("transB", 1),
        AttributeProto::float("alpha", 0.5),
        AttributeProto::float("beta", -2.0),
    ];
    let model = reads(&[1, 3])
        .node("Sigmoid", &["x"], "s")
        .node("ReduceMean", &["x"], "mean")
        .with("Gemm", &["x", "s", "mean"], &["y"], attributes);
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let row = [1.0, -2.0, 4.0];
    let product: f32 = row.iter().map(|x| x * sigmoid(*x)).sum();
    model.gives(&row, &[0.5 * product - 2.0]);
}

#[test]
fn branches_and_what_nobody_reads() {
    let model = reads(&[1, 4])
        .node("Relu", &["x"], "a")
        .node("Tanh", &["x"], "b")
        .node("Add", &["a", "b"], "sum")
        .node("Det", &["x"], "unread")
        .node("Mul", &["sum", "x"], "y");
    let row = [1.0, -1.0, 0.5, 0.0];
    let expected = row.map(|x: f32| (x.max(0.0) + x.tanh()) * x);
    let graph = model.gives(&row, &expected);
    assert_eq!(operators(&graph), ["Relu", "Tanh", "Add", "Mul"]);
    assert_eq!(graph.nodes[2].inputs, [1, 2]);
    assert_eq!(graph.output.value, 4);
}

/// `y = x w + w'` with two outputs, of floats and of integers, over images of open size.
fn classifier() -> ModelProto {
    let bytes = reads(&[1, 4])
        .node("Softmax", &["x"], "probabilities")
        .with(
            "ArgMax",
            &["probabilities"],
            &["label"],
            vec![AttributeProto::int("axis", 1)],
        )
        .bytes();
    let mut model = ModelProto::from_bytes(&bytes).unwrap();
    let graph = model.graph.as_mut().unwrap();
    graph.output = vec![
        ValueInfoProto::tensor("label", DataType::Int64, []),
        ValueInfoProto::floats("probabilities", []),
    ];
    model
}

#[test]
fn of_label_and_probabilities_the_probabilities_are_taken_unless_said() {
    let model = classifier();
    let graph = Graph::from_onnx(&model.to_bytes()).unwrap();
    assert_eq!(graph.output.name, "probabilities");
    assert_eq!(operators(&graph), ["Softmax"]);
    let options = ImportOptions {
        output: Some("label".to_owned()),
        ..ImportOptions::default()
    };
    let graph = Graph::from_onnx_with(&model.to_bytes(), &options).unwrap();
    let label = graph.evaluate(array![0.0, 3.0, 1.0, 2.0].view()).unwrap();
    assert_eq!(label, [1.0]);
}

#[test]
fn several_inputs_are_one_row() {
    let bytes = reads(&[1, 2])
        .with(
            "Concat",
            &["age", "x", "weight"],
            &["row"],
            vec![AttributeProto::int("axis", 1)],
        )
        .floats("c", &[4], &[1.0, 10.0, 100.0, 1000.0])
        .node("Mul", &["row", "c"], "y")
        .bytes();
    let mut model = ModelProto::from_bytes(&bytes).unwrap();
    let graph = model.graph.as_mut().unwrap();
    let column = |name, kind| {
        let open = Dim::Symbol("N".to_owned());
        ValueInfoProto::tensor(name, kind, [open, Dim::Size(1)])
    };
    graph.input.push(column("age", DataType::Int64));
    graph.input.push(column("weight", DataType::Double));
    let graph = Graph::from_onnx(&model.to_bytes()).unwrap();
    assert_eq!(graph.input.name, "x, age, weight");
    assert_eq!(graph.input.shape, [1, 4]);
    let y = graph.evaluate(array![1.0, 2.0, 3.0, 4.0].view()).unwrap();
    assert_eq!(y, [3.0, 10.0, 200.0, 4000.0]);
    assert_eq!(operators(&graph), ["Rearrange", "Mul"]);
}

#[test]
fn variables_bind_dimensions() {
    let bytes = reads(&[1, 1, 1]).node("Relu", &["x"], "y").bytes();
    let mut model = ModelProto::from_bytes(&bytes).unwrap();
    let dims = ["batch", "height", "width"].map(|name| Dim::Symbol(name.to_owned()));
    model.graph.as_mut().unwrap().input[0] = ValueInfoProto::floats("x", dims);
    let variables = [("height", 2), ("width", 3), ("depth", 9)];
    let options = |count: usize| ImportOptions {
        variables: variables[..count]
            .iter()
            .map(|(name, size)| ((*name).to_owned(), *size))
            .collect(),
        ..ImportOptions::default()
    };
    let graph = Graph::from_onnx_with(&model.to_bytes(), &options(2)).unwrap();
    assert_eq!(graph.input.shape, [1, 2, 3]);
    let error = Graph::from_onnx_with(&model.to_bytes(), &options(3)).unwrap_err();
    assert!(error.to_string().contains("`depth`"), "{error}");
    let error = Graph::from_onnx(&model.to_bytes()).unwrap_err().to_string();
    assert!(
        error.contains("--variable height=SIZE --variable width=SIZE"),
        "{error}"
    );
}

#[test]
fn constants_fold_and_make_no_nodes() {
    let model = reads(&[1, 2])
        .floats("a", &[2], &[1.0, 4.0])
        .node("Sqrt", &["a"], "root")
        .node("Neg", &["root"], "negative")
        .with(
            "Constant",
            &[],
            &["two"],
            vec![AttributeProto::float("value_float", 2.0)],
        )
        .node("Mul", &["negative", "two"], "c")
        .node("Add", &["x", "c"], "y");
    let graph = model.gives(&[0.0, 0.0], &[-2.0, -4.0]);
    assert!(matches!(&graph.nodes[..], [node] if matches!(node.op, Op::Elementwise { .. })));
}

#[test]
fn names_say_where_nodes_come_from() {
    let mut model = ModelProto::from_bytes(
        &reads(&[1, 2])
            .node("HardSwish", &["x"], "h")
            .node("Exp", &["h"], "y")
            .bytes(),
    )
    .unwrap();
    let nodes: &mut Vec<NodeProto> = &mut model.graph.as_mut().unwrap().node;
    nodes[0].name = "/act/HardSwish".to_owned();
    let graph = Graph::from_onnx(&model.to_bytes()).unwrap();
    let names: Vec<_> = graph
        .nodes
        .iter()
        .map(|n| (n.name.as_str(), n.operator.as_str()))
        .collect();
    let swish = ("/act/HardSwish", "HardSwish");
    assert_eq!(names, [swish, swish, swish, swish, ("Exp #1", "Exp")]);
}
