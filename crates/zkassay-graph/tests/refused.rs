//! Models that are refused, each with an error that names the thing; and
//! damaged bytes, none of which panic.

#![expect(clippy::expect_used, reason = "a test may panic")]

use ndarray::{Array2, array};
use zkassay_graph::{Graph, GraphError};
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
    Graph::from_onnx(&model.to_bytes()).expect_err("the model is refused")
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
fn unsupported_operators_are_named_with_the_supported_ones() {
    let error = refused(|g| g.node[1].op_type = "Softplus".to_owned());
    assert_says(
        &error,
        &["`relu_0`", "(Softplus)", "not supported", "Gemm", "Sigmoid"],
    );

    let error = refused(|g| {
        g.node[1].name.clear();
        g.node[1].op_type = "Softplus".to_owned();
    });
    assert_says(&error, &["`Softplus #1`"]);

    let error = refused(|g| g.node[1].domain = "ai.onnx.ml".to_owned());
    assert_says(&error, &["`relu_0`", "(ai.onnx.ml.Relu)"]);
}

#[test]
fn unsupported_forms_of_known_operators_are_explained() {
    let error = refused(|g| g.node[0].attribute.push(AttributeProto::int("transA", 1)));
    assert_says(&error, &["`layer_0`", "transA"]);

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

    let error =
        refused(|g| g.node[1] = node("Sub", "shift", &["layer_0.bias", "layer_0"], "relu_0"));
    assert_says(&error, &["`shift`", "first input"]);

    let error = refused(|g| {
        g.node[1] = node("Div", "ratio", &["layer_0", "zeros"], "relu_0");
        let width = g.initializer[1].dims[0] as usize;
        let zeros = TensorProto::floats("zeros", &[width], std::iter::repeat_n(0.0, width));
        g.initializer.push(zeros);
    });
    assert_says(&error, &["`ratio`", "divides by zero"]);

    let error = refused(|g| g.node[0].input.swap(0, 1));
    assert_says(&error, &["`layer_0`", "first input"]);

    let error = refused(|g| {
        g.node[1] = node("Flatten", "flat", &["layer_0"], "relu_0");
        g.node[1].attribute.push(AttributeProto::int("axis", 0));
    });
    assert_says(&error, &["`flat`", "axis is 0"]);

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
    assert_says(&error, &["`layer_0`", "weights", "[6]"]);

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
    assert_says(&error, &["`layer_0.weight`", "DOUBLE", "FLOAT"]);

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
fn only_chains_are_accepted() {
    let error = refused(|g| g.node[3].input[0] = "relu_0".to_owned());
    assert_says(&error, &["`relu_0`", "`layer_1`", "`probability`"]);

    let error = refused(|g| {
        g.node.push(node("Relu", "a", &["vb"], "va"));
        g.node.push(node("Relu", "b", &["va"], "vb"));
    });
    assert_says(&error, &["`a`", "not on the way"]);

    let error = refused(|g| {
        g.node[1] = node("Add", "loop", &["layer_0", "output"], "relu_0");
        g.output[0].name = "layer_1".to_owned();
    });
    assert_says(&error, &["`loop`"]);

    let error = refused(|g| g.output[0].name = "layer_1".to_owned());
    assert_says(&error, &["`layer_1`", "`probability`"]);

    let error = refused(|g| {
        g.node = vec![node("Identity", "same", &["input"], "output")];
    });
    assert_says(&error, &["unchanged"]);
}

#[test]
fn one_float_input_and_one_output() {
    let rows = |name| ValueInfoProto::floats(name, [1, 3].map(Dim::Size));
    let error = refused(|g| g.input.push(rows("second")));
    assert_says(&error, &["2 inputs", "`input`", "`second`"]);
    let error = refused(|g| g.input.clear());
    assert_says(&error, &["0 inputs"]);
    let error = refused(|g| g.output.push(rows("relu_0")));
    assert_says(&error, &["2 outputs"]);

    let shapes: [&[i64]; 6] = [&[], &[3], &[8, 3], &[1, 0], &[1, -1], &[1, i64::MAX]];
    for shape in shapes {
        let error = refused(|g| {
            let dims = shape.iter().map(|&dim| Dim::Size(dim));
            g.input[0] = ValueInfoProto::floats("input", dims);
        });
        assert_says(&error, &["`input`", &format!("{shape:?}"), "[batch, n]"]);
    }
    let error = refused(|g| g.input[0].r#type = None);
    assert_says(&error, &["`input`"]);
    let error = refused(|g| {
        if let Some(tensor) = g.input[0]
            .r#type
            .as_mut()
            .and_then(|t| t.tensor_type.as_mut())
        {
            tensor.elem_type = DataType::Int64.into();
        }
    });
    assert_says(&error, &["`input`", "INT64"]);
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
