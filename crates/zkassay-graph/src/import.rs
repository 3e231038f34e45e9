//! From ONNX bytes to a [`Graph`].
//!
//! Tract decodes the protobuf. The model is then checked whole ([`names`]),
//! read node by node ([`chain`]), and only what was read is handed back to
//! tract for shape and type inference: tract never sees what is not accepted,
//! and never decides alone what is.

mod chain;
mod constants;
mod names;
mod node;

use tract_onnx::pb;
use tract_onnx::prelude::*;

use crate::{Graph, GraphError, Value};
use constants::Constants;

/// The oldest operator set in which `Gemm` and `Add` broadcast as they do today.
const MIN_OPSET: i64 = 7;

/// An imported model, and the protobuf it was read from.
pub(crate) struct Imported {
    pub(crate) graph: Graph,
    /// Only what `graph` was read from, batch dimension bound to 1.
    model: pb::ModelProto,
    /// Shape of the input, batch dimension bound to 1.
    pub(crate) shape: Vec<usize>,
}

/// A model with one input and the output `output`, as tract types it for a
/// batch of one row; and the input's shape.
///
/// Other outputs are left out. Unlike in [`import`], no node is read: it is
/// left to tract what a sound model is.
pub(crate) fn unread(bytes: &[u8], output: &str) -> Result<(TypedModel, Vec<usize>), GraphError> {
    let model = decode(bytes)?;
    let proto = graph_of(&model)?;
    let input = sole_input(proto, &Constants::of(proto))?;
    let (model, shape) = distil(&model, proto, &input.name, &row_shape(input)?, output);
    Ok((typed(&model)?, shape))
}

/// Imports a model and type-checks it.
pub(crate) fn import(bytes: &[u8]) -> Result<Imported, GraphError> {
    let model = decode(bytes)?;
    check_opset(&model)?;
    let proto = graph_of(&model)?;
    let constants = Constants::of(proto);
    let input = sole_input(proto, &constants)?;
    let output = sole("output", proto.output.iter())?;
    names::check(proto, input, output)?;

    let shape = row_shape(input)?;
    let chain = chain::read(proto, &constants, &input.name, &shape, &output.name)?;
    let graph = Graph {
        name: proto.name.clone(),
        input: Value {
            name: input.name.clone(),
            len: shape.iter().product(),
        },
        output: Value {
            name: output.name.clone(),
            len: chain.len,
        },
        nodes: chain.nodes,
    };

    let (model, shape) = distil(&model, proto, &input.name, &shape, &output.name);
    let imported = Imported {
        graph,
        model,
        shape,
    };
    imported.typed()?;
    Ok(imported)
}

impl Imported {
    /// The model as tract types it, for a batch of one row.
    pub(crate) fn typed(&self) -> Result<TypedModel, GraphError> {
        let refuse = |reason: String| GraphError::TypeCheck { reason };
        let typed = typed(&self.model)?;
        let fact = typed
            .output_fact(0)
            .map_err(|error| refuse(format!("{error:#}")))?;
        let len = fact
            .shape
            .as_concrete()
            .map(|s| s.iter().product::<usize>());
        if len != Some(self.graph.output.len) || fact.datum_type != f32::datum_type() {
            return Err(refuse(format!(
                "the output is {:?} of shape {:?}, expected {} floats per row",
                fact.datum_type, fact.shape, self.graph.output.len
            )));
        }
        Ok(typed)
    }
}

fn decode(bytes: &[u8]) -> Result<pb::ModelProto, GraphError> {
    let mut reader = bytes;
    tract_onnx::onnx()
        .proto_model_for_read(&mut reader)
        .map_err(|error| GraphError::Decode {
            reason: format!("{error:#}"),
        })
}

fn graph_of(model: &pb::ModelProto) -> Result<&pb::GraphProto, GraphError> {
    model.graph.as_ref().ok_or_else(|| GraphError::Decode {
        reason: "it contains no graph".to_owned(),
    })
}

fn typed(model: &pb::ModelProto) -> Result<TypedModel, GraphError> {
    tract_onnx::onnx()
        .model_for_proto_model(model)
        .and_then(|model| model.into_typed())
        .map_err(|error| GraphError::TypeCheck {
            reason: format!("{error:#}"),
        })
}

fn check_opset(model: &pb::ModelProto) -> Result<(), GraphError> {
    let found = model
        .opset_import
        .iter()
        .find(|set| is_default_domain(&set.domain))
        .map_or(0, |set| set.version);
    if found < MIN_OPSET {
        return Err(GraphError::Opset { found });
    }
    Ok(())
}

fn is_default_domain(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

/// The only input that is no constant.
fn sole_input<'a>(
    proto: &'a pb::GraphProto,
    constants: &Constants<'_>,
) -> Result<&'a pb::ValueInfoProto, GraphError> {
    sole(
        "input",
        proto.input.iter().filter(|i| !constants.has(&i.name)),
    )
}

/// The only element, or an error that lists them.
fn sole<'a>(
    what: &'static str,
    values: impl Iterator<Item = &'a pb::ValueInfoProto>,
) -> Result<&'a pb::ValueInfoProto, GraphError> {
    let values: Vec<_> = values.collect();
    match values[..] {
        [value] => Ok(value),
        _ => Err(GraphError::Arity {
            what,
            found: values.len(),
            names: list(values.iter().map(|value| value.name.as_str())),
        }),
    }
}

/// The first few names, in backticks.
fn list<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 5;
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    let shown: Vec<_> = names.take(SHOWN).map(|name| format!("`{name}`")).collect();
    if shown.is_empty() {
        return "none".to_owned();
    }
    shown.join(", ") + more
}

/// The shape of one row: the input's dimensions after the batch.
fn row_shape(input: &pb::ValueInfoProto) -> Result<Vec<usize>, GraphError> {
    use pb::tensor_shape_proto::dimension::Value::{DimParam, DimValue};

    let refuse = |found: String| GraphError::InputType {
        input: input.name.clone(),
        found,
    };
    let tensor = match input.r#type.as_ref().and_then(|t| t.value.as_ref()) {
        Some(pb::type_proto::Value::TensorType(tensor)) => tensor,
        None => return Err(refuse("of no tensor type".to_owned())),
    };
    if tensor.elem_type != pb::tensor_proto::DataType::Float as i32 {
        let kind = constants::type_name(tensor.elem_type);
        return Err(refuse(format!("of element type {kind}")));
    }
    let dims = match &tensor.shape {
        Some(shape) => &shape.dim,
        None => return Err(refuse("of unknown shape".to_owned())),
    };
    let shown: Vec<_> = dims
        .iter()
        .map(|dim| match &dim.value {
            Some(DimValue(size)) => size.to_string(),
            Some(DimParam(symbol)) => symbol.clone(),
            None => "?".to_owned(),
        })
        .collect();
    let wrong_shape = || refuse(format!("of shape [{}]", shown.join(", ")));

    let (batch, row) = dims.split_first().ok_or_else(wrong_shape)?;
    if matches!(&batch.value, Some(DimValue(size)) if *size > 1) || row.is_empty() {
        return Err(wrong_shape());
    }
    let mut shape = Vec::with_capacity(row.len());
    for dim in row {
        match &dim.value {
            Some(DimValue(size)) if *size > 0 => {
                shape.push(usize::try_from(*size).map_err(|_| wrong_shape())?);
            }
            _ => return Err(wrong_shape()),
        }
    }
    let len = shape
        .iter()
        .try_fold(1usize, |len, &dim| len.checked_mul(dim));
    // A row that does not fit a 32-bit count is a damaged file, not a model.
    match len {
        Some(len) if u32::try_from(len).is_ok() => Ok(shape),
        _ => Err(wrong_shape()),
    }
}

/// Copies what the graph was read from, for rows of shape `row`; and the
/// input's shape, batch dimension bound to 1.
fn distil(
    model: &pb::ModelProto,
    proto: &pb::GraphProto,
    input: &str,
    row: &[usize],
    output: &str,
) -> (pb::ModelProto, Vec<usize>) {
    use pb::tensor_shape_proto::{Dimension, dimension};

    let shape: Vec<usize> = std::iter::once(1).chain(row.iter().copied()).collect();
    let dim = shape
        .iter()
        .map(|&size| Dimension {
            value: Some(dimension::Value::DimValue(size as i64)),
            ..Dimension::default()
        })
        .collect();
    let tensor = pb::type_proto::Tensor {
        elem_type: pb::tensor_proto::DataType::Float as i32,
        shape: Some(pb::TensorShapeProto { dim }),
    };
    let input = pb::ValueInfoProto {
        name: input.to_owned(),
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
    let model = pb::ModelProto {
        opset_import: model.opset_import.clone(),
        graph: Some(pb::GraphProto {
            node: proto.node.clone(),
            initializer: initializer.cloned().collect(),
            input: vec![input],
            output: vec![output],
            ..pb::GraphProto::default()
        }),
        ..pb::ModelProto::default()
    };
    (model, shape)
}
