//! From ONNX bytes to a [`Graph`].
//!
//! Tract decodes the protobuf, and that is all it does here: what is accepted, of which shape
//! everything is, and what is constant, is found out by this module. The names are checked
//! ([`names`]), the inputs bound to shapes ([`inputs`]), and the nodes that the output needs read
//! one after the other ([`walk`]) by a function for each operator ([`operators`]), which puts
//! nodes into a [`Builder`]. At last [`finish`] tidies up.

mod arity;
mod builder;
mod columns;
mod constants;
mod finish;
mod images;
mod imputed;
mod inputs;
mod names;
mod node;
mod operators;
mod rows;
mod shape;
mod subgraph;
mod tensor;
mod tract;
mod walk;

use std::collections::HashMap;
use std::ops::Range;

use tract_onnx::pb;
use tract_onnx::prelude::{Framework as _, TypedModel};

use crate::{Graph, GraphError, Imputed, Interface, Output, Value};
use builder::Builder;
use columns::Columns;
use constants::Constants;
use inputs::Input;
use rows::Split;
use tensor::{Kind, Tensor, kind_of};
pub(crate) use tract::guard;
use walk::Scope;

/// The oldest operator set in which `Gemm` and `Add` broadcast as they do today.
const MIN_OPSET: i64 = 7;

/// Choices in the import of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportOptions {
    /// Sizes of symbolic dimensions, by name. The first dimension of an input is 1 unless it is
    /// named here.
    pub variables: Vec<(String, usize)>,
    /// Name of the output, where the model has several. By default it is the only one of floats.
    pub output: Option<String>,
}

/// Imports a model.
pub(crate) fn import(bytes: &[u8], options: &ImportOptions) -> Result<Graph, GraphError> {
    let model = decode(bytes)?;
    read(&model, options)
}

/// Imports a model that tract is to run as well: the model with one output as tract types it for
/// a batch of one row, and the input.
pub(crate) fn typed(
    bytes: &[u8],
    options: &ImportOptions,
) -> Result<(TypedModel, Vec<usize>), GraphError> {
    let model = decode(bytes)?;
    let graph = read(&model, options)?;
    for_tract(&model, &graph.output.name, options)
}

/// A model with one input and the output `output`, as tract types it for a
/// batch of one row; and the input's shape.
///
/// Other outputs are left out. Unlike in [`import`], no node is read: it is
/// left to tract what a sound model is.
pub(crate) fn unread(bytes: &[u8], output: &str) -> Result<(TypedModel, Vec<usize>), GraphError> {
    for_tract(&decode(bytes)?, output, &ImportOptions::default())
}

fn for_tract(
    model: &pb::ModelProto,
    output: &str,
    options: &ImportOptions,
) -> Result<(TypedModel, Vec<usize>), GraphError> {
    let proto = graph_of(model)?;
    let inputs = data_inputs(proto, &Constants::of(proto));
    let [input] = inputs[..] else {
        return Err(arity("input", &inputs));
    };
    let input = inputs::bind(input, options)?;
    input.check_single()?;
    let distilled = tract::distil(model, proto, &input, output);
    Ok((tract::typed(&distilled)?, input.shape))
}

fn read(model: &pb::ModelProto, options: &ImportOptions) -> Result<Graph, GraphError> {
    check_opset(model)?;
    let proto = graph_of(model)?;
    let constants = Constants::of(proto);
    let data = data_inputs(proto, &constants);
    if data.is_empty() {
        return Err(arity("input", &data));
    }
    names::check(proto, &data)?;
    inputs::check_variables(&data, options)?;
    let inputs: Vec<Input<'_>> = data
        .iter()
        .map(|input| inputs::bind(input, options))
        .collect::<Result<_, _>>()?;
    let output = choose_output(&proto.output, options)?;

    let (input, mut known, ranges) = one_row(&inputs)?;
    let mut builder = Builder::new(input.len());
    for (input, range) in inputs.iter().zip(&ranges) {
        if kind_of(input.element) == Kind::Text {
            builder.hold_texts(range.clone());
        }
    }
    let scope = Scope {
        constants,
        opsets: &model.opset_import,
        functions: &model.functions,
        depth: 0,
    };
    scope.read(&proto.node, &mut known, &[output], &mut builder)?;
    let tensor = scope
        .find(output, &mut known)?
        .ok_or_else(|| GraphError::UndefinedValue {
            place: "the model's output".to_owned(),
            value: output.to_owned(),
        })?;
    let labels = builder
        .written(&tensor)
        .map_err(|is| no_computation(output, &is))?;
    let labels = labels.unwrap_or_default().to_vec();
    let columns = Columns::of(&inputs, &ranges, &builder);
    let (nodes, value, imputed) = finish(builder, proto, output, &tensor)?;
    let graph = Graph {
        name: proto.name.clone(),
        input,
        interface: Interface {
            columns: columns.listed(),
            batch: None,
            imputed,
            labels,
        },
        nodes,
        output: Output {
            name: output.to_owned(),
            value,
        },
    };
    let Some((batch, columns)) =
        inputs::batch(&inputs).and_then(|batch| Some((batch, columns.of_one_row(batch)?)))
    else {
        return Ok(graph);
    };
    let (nodes, value) = match rows::split(&graph.nodes, &ranges, graph.output.value, batch) {
        Split::Rows(nodes, value) => (nodes, value),
        // All of them are one input.
        Split::Mixed => return Ok(graph),
        Split::TooLarge => {
            return Err(GraphError::FixedBatch {
                input: graph.input.name,
                shape: format!("of shape {:?}", graph.input.shape),
                batch,
            });
        }
    };
    let mut shape = graph.input.shape.clone();
    match (&inputs[..], shape.first_mut()) {
        ([_], Some(first)) => *first = 1,
        _ => shape = vec![1, graph.input.len() / batch],
    }
    Ok(Graph {
        input: Value {
            name: graph.input.name,
            shape,
        },
        interface: Interface {
            columns: columns.listed(),
            batch: Some(batch),
            imputed: imputed::of_one_row(&graph.interface.imputed, &ranges, batch),
            labels: graph.interface.labels,
        },
        nodes,
        output: Output {
            value,
            ..graph.output
        },
        name: graph.name,
    })
}

fn no_computation(output: &str, reason: &str) -> GraphError {
    GraphError::NoComputation {
        output: output.to_owned(),
        reason: reason.to_owned(),
    }
}

/// The nodes that the output needs, which of their values it is, and what stands for missing numbers.
fn finish(
    mut builder: Builder,
    proto: &pb::GraphProto,
    output: &str,
    tensor: &Tensor,
) -> Result<(Vec<crate::Node>, usize, Vec<Imputed>), GraphError> {
    let refuse = |reason: &str| no_computation(output, reason);
    if tensor.is_constant() {
        return Err(refuse("does not depend on the input"));
    }
    // The node that writes the output, to name one that its rearrangement becomes.
    let writer = node::NodeRef::all(&proto.node)
        .into_iter()
        .find(|node| node.proto.output.iter().any(|name| name == output));
    let Some(writer) = writer else {
        return Err(refuse("is the model's input, unchanged"));
    };
    let value = match builder.place(&writer, tensor)? {
        // A model that only reshapes: a node that copies, so that there is one.
        0 => builder.copy_of_input(&writer, &tensor.shape)?,
        value => value,
    };
    let (inputs, copies) = (builder.inputs(), std::mem::take(&mut builder.copies));
    let mut nodes = builder.finish();
    let imputed = imputed::take_out(&mut nodes, inputs, value, &copies);
    let value = finish::merge_biases(&mut nodes, value);
    let value = finish::drop_unread(&mut nodes, value);
    if let Some(node) = value.checked_sub(1).and_then(|index| nodes.get_mut(index)) {
        node.shape.clone_from(&tensor.shape);
    }
    Ok((nodes, value, imputed))
}

/// What [`one_row`] gives.
type Row = (Value, HashMap<String, Tensor>, Vec<Range<usize>>);

/// The graph's input, the tensors that the model's inputs are, itself or parts of it, and which
/// parts.
fn one_row(inputs: &[Input<'_>]) -> Result<Row, GraphError> {
    let names: Vec<&str> = inputs.iter().map(|input| input.name).collect();
    let name = names.join(", ");
    let lens: Vec<usize> = inputs.iter().map(|i| i.shape.iter().product()).collect();
    let total = lens
        .iter()
        .try_fold(0usize, |sum, len| sum.checked_add(*len));
    let total = total.filter(|total| u32::try_from(*total).is_ok());
    let Some(total) = total else {
        let found = "too large together with the others".to_owned();
        return Err(GraphError::InputType { input: name, found });
    };
    if let [input] = inputs {
        let tensor = Tensor::value(input.shape.clone(), input.element, 0);
        let value = Value {
            name,
            shape: input.shape.clone(),
        };
        let known = HashMap::from([(input.name.to_owned(), tensor)]);
        let all = 0..total;
        return Ok((value, known, vec![all]));
    }
    let mut start = 0;
    let mut known = HashMap::new();
    let mut ranges = Vec::with_capacity(inputs.len());
    for (input, len) in inputs.iter().zip(lens) {
        let range = start..start + len;
        let (shape, element) = (input.shape.clone(), input.element);
        let part = Tensor::part(shape, element, range.clone(), input.name);
        known.insert(input.name.to_owned(), part);
        ranges.push(range);
        start += len;
    }
    let value = Value {
        name,
        shape: vec![1, total],
    };
    Ok((value, known, ranges))
}

/// The output to import: the chosen one, the only one, or the only one of floats.
fn choose_output<'a>(
    outputs: &'a [pb::ValueInfoProto],
    options: &ImportOptions,
) -> Result<&'a str, GraphError> {
    let names = || list(outputs.iter().map(|output| output.name.as_str()));
    if let Some(wanted) = &options.output {
        let found = outputs.iter().find(|output| output.name == *wanted);
        let found = found.map(|output| output.name.as_str());
        return found.ok_or_else(|| GraphError::NoSuchOutput {
            output: wanted.clone(),
            outputs: names(),
        });
    }
    if let [output] = outputs {
        return Ok(&output.name);
    }
    let floats: Vec<_> = outputs.iter().filter(|output| is_float(output)).collect();
    match floats[..] {
        [output] => Ok(&output.name),
        _ if outputs.is_empty() => Err(arity("output", &[])),
        _ => Err(GraphError::SeveralOutputs { outputs: names() }),
    }
}

/// Whether an output is of floats; sequences are, as those that ZipMap writes.
fn is_float(output: &pb::ValueInfoProto) -> bool {
    match output.r#type.as_ref().and_then(|t| t.value.as_ref()) {
        Some(pb::type_proto::Value::TensorType(tensor)) => {
            tensor::DataType::try_from(tensor.elem_type).is_ok_and(|e| kind_of(e) == Kind::Float)
        }
        None => true,
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

fn check_opset(model: &pb::ModelProto) -> Result<(), GraphError> {
    let found = model
        .opset_import
        .iter()
        .find(|set| is_default_domain(&set.domain))
        .map(|set| set.version);
    match found {
        Some(version) if version >= MIN_OPSET => Ok(()),
        // Models of classical operators alone may name only their own set.
        None if model
            .opset_import
            .iter()
            .any(|set| set.domain == operators::ML) =>
        {
            Ok(())
        }
        found => Err(GraphError::Opset {
            found: found.unwrap_or(0),
        }),
    }
}

fn is_default_domain(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

/// The inputs that are no constants.
fn data_inputs<'a>(
    proto: &'a pb::GraphProto,
    constants: &Constants<'_>,
) -> Vec<&'a pb::ValueInfoProto> {
    let data = proto.input.iter().filter(|i| !constants.has(&i.name));
    data.collect()
}

fn arity(what: &'static str, values: &[&pb::ValueInfoProto]) -> GraphError {
    GraphError::Arity {
        what,
        found: values.len(),
        names: list(values.iter().map(|value| value.name.as_str())),
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
