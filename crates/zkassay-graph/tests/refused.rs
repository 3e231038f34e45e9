//! Models that are refused, each with an error that names the thing; and
//! damaged bytes, none of which panic.

#![expect(clippy::expect_used, reason = "a test may panic")]

use ndarray::{Array2, array};
use zkassay_graph::{Graph, GraphError, ImportOptions};
use zkassay_onnx::ModelBuilder;
use zkassay_onnx::proto::{
    AttributeProto, DataType, Dim, GraphProto, ModelProto, NodeProto, StringStringEntryProto,
    TensorProto, ValueInfoProto,
};

/// 3-2-1 with a ReLU and a sigmoid.
fn valid() -> ModelProto {
    let w0 = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    ModelBuilder::new("valid", 3)
        .and_then(|b| b.dense("layer_0", w0.view(), array![0.1, 0.2].view()))
        .and_then(|b| b.relu("relu_0"))
        .and_then(|b| b.dense("layer_1", array![[1.0, -1.0]].view(), array![0.5].view()))
        .and_then(|b| b.sigmoid("probability"))
        .and_then(|b| b.build())
        .expect("the builder accepts it")
}

/// The error for the valid model after a change to its graph.
fn refused(change: impl FnOnce(&mut GraphProto)) -> GraphError {
    let mut model = valid();
    change(model.graph.as_mut().expect("it has a graph"));
    let imported = Graph::from_onnx(&model.to_bytes());
    imported
        .map(|graph| graph.nodes.len())
        .expect_err("the model is refused")
}

/// Checks that an error mentions all of `words`.
fn assert_says(error: &GraphError, words: &[&str]) {
    let message = error.to_string();
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
}

fn node(op: &str, name: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.to_owned(),
        name: name.to_owned(),
        input: inputs.iter().map(|&i| i.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

#[test]
fn unknown_operators_are_named_with_similar_ones() {
    let error = refused(|g| {
        g.node[1].op_type = "Det".to_owned();
        g.node[3].op_type = "GridSample".to_owned();
    });
    assert_says(
        &error,
        &[
            "`relu_0`",
            "(Det)",
            "not supported",
            "`GridSample`",
            "docs/operators.md",
        ],
    );
    assert!(error.to_string().len() < 200, "{error}");

    let error = refused(|g| g.node[1].op_type = "Relu6".to_owned());
    assert_says(&error, &["(Relu6)", "similar names", "`Relu`"]);

    let error = refused(|g| {
        g.node[1].name.clear();
        g.node[1].op_type = "Det".to_owned();
    });
    assert_says(&error, &["`Det #1`"]);

    let error = refused(|g| g.node[1].domain = "ai.onnx.ml".to_owned());
    assert_says(&error, &["`relu_0`", "(ai.onnx.ml.Relu)"]);
}

#[test]
fn surplus_inputs_and_outputs_are_refused() {
    // Even where they are the model's own values, or left out.
    for surplus in ["input", ""] {
        let error = refused(|g| {
            g.node[0].input.truncate(2);
            g.node[0].input.extend([String::new(), surplus.to_owned()]);
        });
        let words = ["`layer_0`", "(Gemm)", "4 inputs", "at most 3"];
        assert_says(&error, &words);
    }
    let error = refused(|g| g.node[1].input.push("input".to_owned()));
    assert_says(&error, &["`relu_0`", "(Relu)", "2 inputs", "at most 1"]);
    let error = refused(|g| g.node[1].output.push("second".to_owned()));
    assert_says(&error, &["`relu_0`", "(Relu)", "2 outputs", "at most 1"]);
}

#[test]
fn switches_are_0_or_1() {
    let error = refused(|g| {
        for attribute in &mut g.node[0].attribute {
            if attribute.name == "transB" {
                attribute.i = 2;
            }
        }
    });
    assert_says(&error, &["`layer_0`", "transB is 2", "0 or 1"]);
}

#[test]
fn unsupported_forms_of_known_operators_are_explained() {
    let error = refused(|g| g.node[0].attribute.push(AttributeProto::int("transA", 1)));
    assert_says(&error, &["`layer_0`", "[2, 3]", "[n, 1]"]);

    let error = refused(|g| {
        g.node[0]
            .attribute
            .push(AttributeProto::float("alpha", f32::NAN))
    });
    assert_says(&error, &["`layer_0`", "alpha", "NaN"]);

    let error = refused(|g| {
        g.node[0]
            .attribute
            .push(AttributeProto::float("alpha", 3e38))
    });
    assert_says(&error, &["`layer_0`", "alpha", "infinite"]);

    let error = refused(|g| g.node[0].attribute.push(AttributeProto::int("beta", 1)));
    assert_says(&error, &["`layer_0`", "beta", "float"]);

    let error = refused(|g| {
        g.node[1] = node("Div", "ratio", &["layer_0", "zeros"], "relu_0");
        let width = g.initializer[1].dims[0] as usize;
        let zeros = TensorProto::floats("zeros", &[width], std::iter::repeat_n(0.0, width));
        g.initializer.push(zeros);
    });
    assert_says(&error, &["`ratio`", "divides by zero"]);

    let error = refused(|g| {
        g.node[1] = node("Softmax", "head", &["layer_0"], "relu_0");
        g.node[1].attribute.push(AttributeProto::int("axis", 2));
    });
    assert_says(&error, &["`head`", "axis is 2", "2 axes"]);

    let error = refused(|g| {
        g.node[1] = node("GatherND", "embed", &["layer_0.bias", "layer_0"], "relu_0");
    });
    assert_says(&error, &["`embed`", "indices"]);

    let error = refused(|g| {
        g.initializer.push(TensorProto {
            name: "training".to_owned(),
            data_type: DataType::Bool.into(),
            raw_data: vec![1],
            ..TensorProto::default()
        });
        g.node[1] = node("Dropout", "drop", &["layer_0", "", "training"], "relu_0");
    });
    assert_says(&error, &["`drop`", "training mode"]);
}

#[test]
fn shapes_must_fit() {
    let error = refused(|g| g.node[0].attribute.clear());
    assert_says(&error, &["`layer_0`", "weights", "[2, 3]", "[3, n]"]);

    let error = refused(|g| g.initializer[1] = TensorProto::floats("layer_0.bias", &[3], [0.0; 3]));
    assert_says(&error, &["`layer_0`", "bias", "[3]", "[2]"]);

    let error = refused(|g| g.initializer[0].dims = vec![6]);
    assert_says(&error, &["`layer_0`", "[6]", "Flatten"]);

    let error = refused(|g| {
        g.input[0] = ValueInfoProto::floats("input", [1, 1, 3].map(Dim::Size));
    });
    assert_says(&error, &["`layer_0`", "Flatten"]);
}

#[test]
fn constants_must_be_whole_finite_floats() {
    let error = refused(|g| {
        g.initializer[0].raw_data.truncate(21);
    });
    assert_says(&error, &["`layer_0.weight`", "21 bytes", "6 floats"]);

    let error = refused(|g| g.initializer[0].dims = vec![i64::MAX, i64::MAX]);
    assert_says(&error, &["`layer_0.weight`"]);

    let error = refused(|g| g.initializer[0].dims = vec![2, -3]);
    assert_says(&error, &["`layer_0.weight`", "-3"]);

    let error = refused(|g| g.initializer[0].data_type = DataType::Double.into());
    assert_says(&error, &["`layer_0.weight`", "24 bytes", "6 elements"]);
    // COMPLEX64
    let error = refused(|g| g.initializer[0].data_type = 14);
    assert_says(&error, &["`layer_0.weight`", "COMPLEX64", "FLOAT16"]);
    let error = refused(|g| {
        g.node[1] = node("Add", "sum", &["layer_0", "large"], "relu_0");
        g.initializer
            .push(TensorProto::integers("large", &[(1 << 24) + 1]));
    });
    assert_says(&error, &["`large`", "16777217", "not exact"]);

    let error = refused(|g| g.initializer[0].data_type = 99);
    assert_says(&error, &["`layer_0.weight`", "99", "FLOAT"]);

    for value in [f32::NAN, f32::INFINITY] {
        let error = refused(|g| {
            g.initializer[1].raw_data[4..].copy_from_slice(&value.to_le_bytes());
        });
        assert!(matches!(
            &error,
            GraphError::NonFiniteConstant { tensor, index: 1, .. } if tensor == "layer_0.bias"
        ));
    }

    let error = refused(|g| {
        let location = StringStringEntryProto {
            key: "location".to_owned(),
            value: "weights.bin".to_owned(),
        };
        g.initializer[0].raw_data.clear();
        g.initializer[0].external_data.push(location);
        g.initializer[0].data_location = 1;
    });
    assert_says(&error, &["`layer_0.weight`", "another file"]);
}

#[test]
fn every_value_has_one_definition() {
    let error = refused(|g| {
        g.initializer.remove(0);
    });
    assert_says(&error, &["`layer_0`", "`layer_0.weight`"]);
    assert!(matches!(error, GraphError::UndefinedValue { .. }));

    let error = refused(|g| g.output[0].name = "nowhere".to_owned());
    assert_says(&error, &["output", "`nowhere`"]);

    let error = refused(|g| g.node[1].output[0] = "layer_0".to_owned());
    assert_says(&error, &["`layer_0`", "twice"]);
}

#[test]
fn what_the_output_needs_must_be_there_and_without_cycles() {
    let error = refused(|g| {
        g.node[1] = node("Add", "loop", &["layer_0", "layer_1"], "relu_0");
        g.output[0].name = "layer_1".to_owned();
    });
    assert!(matches!(&error, GraphError::Cycle { node } if node == "layer_1" || node == "loop"));
    assert_says(&error, &["cycles"]);

    let error = refused(|g| {
        g.node = vec![node("Neg", "constant", &["layer_0.bias"], "output")];
    });
    assert_says(&error, &["`output`", "does not depend on the input"]);

    let error = refused(|g| g.output[0].name = "input".to_owned());
    assert_says(&error, &["`input`", "unchanged"]);
}

#[test]
fn inputs_are_tensors_of_numbers_of_known_shape() {
    let error = refused(|g| g.input.clear());
    assert_says(&error, &["0 inputs"]);

    let shapes: [&[i64]; 3] = [&[1, 0], &[1, -1], &[1, i64::MAX]];
    for shape in shapes {
        let error = refused(|g| {
            let dims = shape.iter().map(|&dim| Dim::Size(dim));
            g.input[0] = ValueInfoProto::floats("input", dims);
        });
        assert_says(
            &error,
            &["`input`", &format!("{shape:?}"), "[batch, n, ...]"],
        );
    }
    let error = refused(|g| {
        let dims = ["batch", "height", "width"].map(|name| Dim::Symbol(name.to_owned()));
        g.input[0] = ValueInfoProto::floats("input", dims);
    });
    let options = "--variable height=SIZE --variable width=SIZE";
    assert_says(&error, &["`input`", "[batch, height, width]", options]);
    let error = refused(|g| g.input[0].r#type = None);
    assert_says(&error, &["`input`"]);
    let error = refused(|g| {
        let tensor = g.input[0].r#type.as_mut();
        // STRING
        tensor
            .and_then(|t| t.tensor_type.as_mut())
            .expect("a tensor")
            .elem_type = 8;
    });
    assert_says(&error, &["`layer_0`", "strings"]);
}

#[test]
fn of_several_outputs_one_is_chosen() {
    let floats = |name| ValueInfoProto::floats(name, [1, 2].map(Dim::Size));
    let error = refused(|g| g.output.push(floats("relu_0")));
    assert_says(&error, &["`output`", "`relu_0`", "--output NAME"]);
    let options = ImportOptions {
        output: Some("nowhere".to_owned()),
        ..ImportOptions::default()
    };
    let error = Graph::from_onnx_with(&valid().to_bytes(), &options).unwrap_err();
    assert_says(&error, &["`nowhere`", "`output`"]);
}

#[test]
fn hostile_sizes_are_refused_before_anything_is_allocated() {
    let huge = i64::from(u32::MAX);
    let constants = [
        TensorProto::integers("huge", &[huge - 1]),
        TensorProto::integers("long", &[1 << 20, 1 << 10, 1]),
        TensorProto::integers("pads", &[0, 0, 0, 1 << 30]),
        TensorProto::floats("zero", &[], [0.0]),
        TensorProto::floats("one", &[], [1.0]),
        TensorProto::floats("many", &[], [1e30]),
    ];
    let nodes = [
        node("Expand", "grow", &["input", "long"], "y"),
        node("Tile", "grow", &["input", "long"], "y"),
        node("Pad", "grow", &["input", "pads"], "y"),
        node("ConstantOfShape", "grow", &["huge"], "y"),
        node("ConstantOfShape", "grow", &["long"], "y"),
        node("Range", "grow", &["zero", "many", "one"], "y"),
    ];
    for grow in nodes {
        let error = refused(|g| {
            g.initializer.extend(constants.clone());
            g.node = vec![grow.clone(), node("Add", "sum", &["input", "y"], "output")];
        });
        assert_says(
            &error,
            &[if grow.op_type == "Tile" {
                "axes"
            } else {
                "`grow`"
            }],
        );
    }

    // Each node is small, all together are not.
    let error = refused(|g| {
        let wide = TensorProto::integers("wide", &[1 << 16, 3]);
        g.initializer.push(wide);
        g.node = vec![node("Expand", "x0", &["input", "wide"], "x0")];
        for i in 0..400 {
            let (from, to) = (format!("x{i}"), format!("x{}", i + 1));
            g.node.push(node("Sigmoid", &to, &[&from], &to));
        }
        g.output[0].name = "x400".to_owned();
    });
    assert_says(&error, &["have become larger"]);

    // Folding a product of constants must not take for ever.
    let error = refused(|g| {
        g.initializer
            .push(TensorProto::integers("square", &[2048, 2048]));
        g.node = vec![node("ConstantOfShape", "a", &["square"], "a")];
        g.node.push(node("MatMul", "product", &["a", "a"], "b"));
        g.node.push(node("Add", "sum", &["input", "b"], "output"));
    });
    assert_says(&error, &["`product`", "takes too long"]);
}

#[test]
fn models_without_graph_or_operator_set_are_refused() {
    let mut model = valid();
    model.opset_import.clear();
    let error = Graph::from_onnx(&model.to_bytes()).unwrap_err();
    assert!(matches!(error, GraphError::Opset { found: 0 }));
    let mut model = valid();
    model.graph = None;
    let error = Graph::from_onnx(&model.to_bytes()).unwrap_err();
    assert!(matches!(error, GraphError::Decode { .. }));
    let error = Graph::from_onnx(b"not a model").unwrap_err();
    assert!(matches!(error, GraphError::Decode { .. }));
}

#[test]
fn missing_files_are_named() {
    let error = Graph::from_onnx_file("no/such/model.onnx").unwrap_err();
    assert_says(&error, &["no/such/model.onnx"]);
}

#[test]
fn rows_must_have_the_right_length_and_be_finite() {
    let graph = Graph::from_onnx(&valid().to_bytes()).unwrap();
    let error = graph.evaluate(array![1.0, 2.0].view()).unwrap_err();
    assert!(matches!(
        error,
        GraphError::RowLength {
            expected: 3,
            found: 2
        }
    ));
    let error = graph.trace(array![1.0, f32::NAN, 2.0].view()).unwrap_err();
    assert!(matches!(error, GraphError::NonFiniteRow { index: 1, .. }));
}

#[test]
fn damaged_bytes_never_panic() {
    let weights = Array2::from_elem((4, 5), 0.5);
    let bytes = ModelBuilder::new("fuzzed", 5)
        .and_then(|b| b.dense("layer_0", weights.view(), array![0.0, 1.0, 2.0, 3.0].view()))
        .and_then(|b| b.relu("relu_0"))
        .and_then(|b| {
            b.dense(
                "layer_1",
                array![[1.0, 2.0, 3.0, 4.0]].view(),
                array![0.5].view(),
            )
        })
        .and_then(|b| b.encode())
        .unwrap();
    let (mut accepted, mut refused) = (0, 0);
    let mut import = |bytes: &[u8]| match Graph::from_onnx(bytes) {
        Ok(_) => accepted += 1,
        Err(_) => refused += 1,
    };
    for length in 0..bytes.len() {
        import(&bytes[..length]);
    }
    let mut damaged = bytes.clone();
    for position in 0..bytes.len() {
        for mask in [0x01, 0x02, 0x08, 0x80, 0xff] {
            damaged[position] ^= mask;
            import(&damaged);
            damaged[position] = bytes[position];
        }
    }
    // Some flips only change a weight or a name; most break the model.
    assert!(accepted > 0 && refused > bytes.len());
}
