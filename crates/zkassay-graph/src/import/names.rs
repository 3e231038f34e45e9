//! Every value has one definition, and every value that is read has one.

use std::collections::HashSet;

use tract_onnx::pb;

use super::node::NodeRef;
use crate::GraphError;

/// Checks the names of a graph whose inputs (that are no constants) are given.
pub(super) fn check(
    proto: &pb::GraphProto,
    inputs: &[&pb::ValueInfoProto],
) -> Result<(), GraphError> {
    let mut defined = HashSet::new();
    // Older exporters list constants among the inputs as well, so the
    // constants' own names are the ones to check.
    let constants = proto.initializer.iter().map(|tensor| &tensor.name);
    let computed = proto.node.iter().flat_map(|node| &node.output);
    let outputs = computed.filter(|name| !name.is_empty());
    for name in inputs
        .iter()
        .map(|input| &input.name)
        .chain(constants)
        .chain(outputs)
    {
        if !defined.insert(name.as_str()) {
            return Err(GraphError::DuplicateValue {
                value: name.clone(),
            });
        }
    }
    for node in NodeRef::all(&proto.node) {
        for value in node.proto.input.iter().filter(|name| !name.is_empty()) {
            if !defined.contains(value.as_str()) {
                return Err(GraphError::UndefinedValue {
                    place: format!("node `{}`", node.name),
                    value: value.clone(),
                });
            }
        }
    }
    match proto
        .output
        .iter()
        .find(|output| !defined.contains(output.name.as_str()))
    {
        Some(output) => Err(GraphError::UndefinedValue {
            place: "the model's output".to_owned(),
            value: output.name.clone(),
        }),
        None => Ok(()),
    }
}
