//! The model as tract gets it: one input of fixed shape, one output.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tract_onnx::pb;
use tract_onnx::prelude::*;

use super::inputs::Input;
use crate::GraphError;

/// The model with its only input bound to a shape, other outputs than `output` left out.
pub(super) fn distil(
    model: &pb::ModelProto,
    proto: &pb::GraphProto,
    input: &Input<'_>,
    output: &str,
) -> pb::ModelProto {
    use pb::tensor_shape_proto::{Dimension, dimension};

    let dim = input
        .shape
        .iter()
        .map(|&size| Dimension {
            value: Some(dimension::Value::DimValue(size as i64)),
            ..Dimension::default()
        })
        .collect();
    let tensor = pb::type_proto::Tensor {
        elem_type: input.element as i32,
        shape: Some(pb::TensorShapeProto { dim }),
    };
    let input = pb::ValueInfoProto {
        name: input.name.to_owned(),
        r#type: Some(pb::TypeProto {
            value: Some(pb::type_proto::Value::TensorType(tensor)),
            ..pb::TypeProto::default()
        }),
        ..pb::ValueInfoProto::default()
    };
    let output = pb::ValueInfoProto {
        name: output.to_owned(),
        ..pb::ValueInfoProto::default()
    };
    let read = |name: &str| proto.node.iter().any(|n| n.input.iter().any(|i| i == name));
    let initializer = proto.initializer.iter().filter(|tensor| read(&tensor.name));
    pb::ModelProto {
        opset_import: model.opset_import.clone(),
        functions: model.functions.clone(),
        graph: Some(pb::GraphProto {
            node: proto.node.clone(),
            initializer: initializer.cloned().collect(),
            input: vec![input],
            output: vec![output],
            ..pb::GraphProto::default()
        }),
        ..pb::ModelProto::default()
    }
}

/// The model as tract types it.
pub(super) fn typed(model: &pb::ModelProto) -> Result<TypedModel, GraphError> {
    guard(|| {
        tract_onnx::onnx()
            .model_for_proto_model(model)
            .and_then(|model| model.into_typed())
    })
}

/// Runs something of tract's; a panic becomes an error as well.
pub(crate) fn guard<T>(run: impl FnOnce() -> TractResult<T>) -> Result<T, GraphError> {
    let reason = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(result)) => return Ok(result),
        Ok(Err(error)) => format!("{error:#}"),
        Err(_) => "tract panics on it".to_owned(),
    };
    Err(GraphError::TypeCheck { reason })
}
