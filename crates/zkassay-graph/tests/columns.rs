//! Inputs of strings, integers and truth values, and files that are made for a batch of rows, as
//! exporters write them; their results are compared with onnxruntime's in `exported`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use ndarray::ArrayView1;
use zkassay_graph::{ColumnKind, Graph, GraphError, ImportOptions, Op};
use zkassay_onnx::proto::{Dim, ModelProto, NodeProto, TensorProto, ValueInfoProto};

fn bytes(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/operators");
    fs::read(folder.join(name).with_extension("onnx")).unwrap()
}

fn graph(name: &str) -> Graph {
    Graph::from_onnx(&bytes(name)).unwrap()
}

fn kinds(graph: &Graph) -> Vec<(&str, &str)> {
    let columns = graph.interface.columns.iter();
    columns.map(|c| (c.name.as_str(), c.kind.words())).collect()
}

#[test]
fn columns_have_the_strings_that_the_model_asks_about() {
    let graph = graph("sklearn/columns-onehot");
    let expected = [
        ("age", "numbers"),
        ("score", "numbers"),
        ("city", "strings"),
        ("job", "strings"),
    ];
    assert_eq!(kinds(&graph), expected);
    let ColumnKind::Text(places) = &graph.interface.columns[2].kind else {
        unreachable!("they are strings");
    };
    assert_eq!(places[0].words, ["oslo", "paris", "rome", "são paulo"]);
    assert!(!places[0].closed);
    // All that are unknown are one.
    for word in ["atlantis", "", "Oslo", "paris "] {
        assert_eq!(graph.interface.code(2, word), Ok(4.0), "{word:?}");
    }
    assert_eq!(graph.interface.word(3, 1.0), Some("cook"));
}

#[test]
fn unknown_categories_are_none_of_the_known() {
    let graph = graph("sklearn/columns-onehot");
    let of = |city: f32| {
        graph
            .evaluate(ArrayView1::from(&[40.0, 0.5, city, 0.0]))
            .unwrap()
    };
    let known: Vec<Vec<f32>> = (0..4).map(|city| of(city as f32)).collect();
    let unknown = of(4.0);
    assert!(known.iter().all(|known| *known != unknown));
    // Neither is what lies between two categories, nor anything else.
    for other in [0.5, -1.0, 100.0] {
        assert_eq!(of(other), unknown, "{other}");
    }
}

#[test]
fn a_model_without_an_answer_says_what_it_knows() {
    let graph = graph("sklearn/columns-onehot-error");
    let message = graph.interface.code(2, "atlantis").unwrap_err();
    for word in ["`city`", "\"atlantis\"", "\"oslo\", \"paris\""] {
        assert!(message.contains(word), "{word} in {message}");
    }
    assert_eq!(graph.interface.code(2, "rome"), Ok(2.0));
}

#[test]
fn integers_and_truth_values_are_told_apart() {
    let graph = graph("sklearn/columns-integers");
    let expected = [
        ("age", "numbers"),
        ("rooms", "integers"),
        ("owner", "truth values"),
    ];
    assert_eq!(kinds(&graph), expected);
    assert_eq!(graph.interface.check(&[40.5, 3.0, 1.0]), Ok(()));
    for (row, name) in [
        ([40.5, 3.5, 1.0], "`rooms`"),
        ([40.5, 3.0, 0.5], "`owner`"),
        ([40.5, 3e7, 1.0], "`rooms`"),
    ] {
        let message = graph.interface.check(&row).unwrap_err();
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn labels_are_named() {
    let options = ImportOptions {
        output: Some("output_label".to_owned()),
        ..ImportOptions::default()
    };
    let bytes = bytes("sklearn/columns-named-classes");
    let graph = Graph::from_onnx_with(&bytes, &options).unwrap();
    assert_eq!(graph.interface.labels, ["high", "low", "middle"]);
    assert!(graph_of_probabilities().interface.labels.is_empty());
}

fn graph_of_probabilities() -> Graph {
    graph("sklearn/columns-named-classes")
}

#[test]
fn probabilities_of_many_classes_say_that_there_is_a_label() {
    let bytes = bytes("sklearn/svc-rbf-probability-4");
    let message = Graph::from_onnx(&bytes).unwrap_err().to_string();
    for word in ["SVMClassifier", "more than three classes", "--output NAME"] {
        assert!(message.contains(word), "{word} in {message}");
    }
    let options = ImportOptions {
        output: Some("output_label".to_owned()),
        ..ImportOptions::default()
    };
    assert!(Graph::from_onnx_with(&bytes, &options).is_ok());
}

#[test]
fn plain_models_have_nothing_to_say() {
    assert!(graph("sklearn/logistic-2").interface.is_plain());
    assert!(graph("torchscript/model-mlp").interface.is_plain());
}

/// Whatever mentions the batch: shapes, constants, convolutions of several images.
#[test]
fn independent_rows_of_a_fixed_batch_are_inferences() {
    let names = ["mlp", "cnn", "upsampling", "attention", "constants", "top"];
    for name in names.map(|name| format!("batch-{name}")) {
        for exporter in ["torchscript", "dynamo"] {
            let graph = graph(&format!("{exporter}/{name}"));
            assert_eq!(graph.interface.batch, Some(4), "{exporter}/{name}");
            assert_eq!(graph.input.shape[0], 1, "{exporter}/{name}");
            let convolutions = graph.nodes.iter().filter(|n| matches!(n.op, Op::Conv(_)));
            assert!(convolutions.count() <= 1, "{exporter}/{name}");
        }
    }
}

#[test]
fn rows_that_mix_are_one_input() {
    for name in ["batch-mixed", "batch-centred"] {
        let graph = graph(&format!("torchscript/{name}"));
        assert_eq!(graph.interface.batch, None);
        assert_eq!((graph.inputs(), graph.outputs()), (32, 12));
    }
}

/// A model for a batch of four of three numbers, changed.
fn batch(change: impl FnOnce(&mut ModelProto)) -> Result<Graph, GraphError> {
    let weights = ndarray::array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let built = zkassay_onnx::ModelBuilder::new("batch", 3)
        .and_then(|b| b.dense("dense", weights.view(), ndarray::array![0.1, 0.2].view()))
        .and_then(|b| b.sigmoid("probability"))
        .and_then(|b| b.build());
    let mut model = built.unwrap();
    let graph = model.graph.as_mut().unwrap();
    let name = graph.input[0].name.clone();
    graph.input[0] = ValueInfoProto::floats(&name, [4, 3].map(Dim::Size));
    change(&mut model);
    Graph::from_onnx(&model.to_bytes())
}

#[test]
fn one_row_of_a_batch_is_as_it_is_alone() {
    let graph = batch(|_| ()).unwrap();
    assert_eq!(graph.interface.batch, Some(4));
    let row = [0.5, -0.25, 1.0];
    let found = graph.evaluate(ArrayView1::from(&row)).unwrap();
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let expected = [sigmoid(3.1), sigmoid(6.95)];
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
}

/// Biases that differ from row to row make four models of four rows.
#[test]
fn rows_that_are_treated_differently_are_one_input() {
    let graph = |constants: &[f32]| {
        batch(|model| {
            let graph = model.graph.as_mut().unwrap();
            let name = "biases".to_owned();
            let biases = TensorProto::floats(&name, &[4, 1], constants.iter().copied());
            graph.initializer.push(biases);
            let output = graph.output[0].name.clone();
            let last = graph.node.last_mut().unwrap();
            last.output[0] = "before".to_owned();
            graph.node.push(NodeProto {
                op_type: "Add".to_owned(),
                input: vec!["before".to_owned(), name],
                output: vec![output],
                ..NodeProto::default()
            });
        })
        .unwrap()
    };
    let alike = graph(&[0.5; 4]);
    assert_eq!((alike.interface.batch, alike.inputs()), (Some(4), 3));
    let different = graph(&[0.5, 0.5, 0.5, 0.25]);
    assert_eq!((different.interface.batch, different.inputs()), (None, 12));
}

#[test]
fn enormous_batches_are_refused_in_time() {
    let started = std::time::Instant::now();
    let result = batch(|model| {
        let graph = model.graph.as_mut().unwrap();
        let name = graph.input[0].name.clone();
        graph.input[0] = ValueInfoProto::floats(&name, [1 << 18, 3].map(Dim::Size));
        let first = graph.node[0].input[0].clone();
        let mut last = first;
        for index in 0..8 {
            let name = format!("more_{index}");
            graph.node.push(NodeProto {
                op_type: "Sigmoid".to_owned(),
                input: vec![last],
                output: vec![name.clone()],
                ..NodeProto::default()
            });
            last = name;
        }
        graph.node[0].input[0] = last;
    });
    // Either way: it is found out, or it is said.
    if let Err(error) = result {
        assert!(error.to_string().contains("larger") || error.to_string().contains("batch"));
    }
    assert!(started.elapsed().as_secs() < 20);
}

#[test]
fn the_number_of_strings_is_bounded() {
    for (size, accepted) in [(1 << 16, true), ((1 << 16) + 1, false), (1 << 40, false)] {
        // One more input, which nothing reads.
        let result = batch(|model| {
            let mut more = ValueInfoProto::floats("more", [1, size].map(Dim::Size));
            let kind = more.r#type.as_mut().unwrap();
            // Of strings.
            kind.tensor_type.as_mut().unwrap().elem_type = 8;
            model.graph.as_mut().unwrap().input.push(more);
        });
        match result {
            Ok(graph) => assert!(accepted && graph.inputs() == 12 + (1 << 16)),
            Err(error) => assert!(!accepted && error.to_string().contains("`more`"), "{error}"),
        }
    }
}
