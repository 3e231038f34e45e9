//! A protobuf node with the name that errors use, and its attributes.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use tract_onnx::pb;
use tract_onnx::pb::attribute_proto::AttributeType;

use crate::GraphError;

/// What is accepted, for error messages.
const SUPPORTED: &str = "Gemm, MatMul (with a following Add as its bias), Relu, Sigmoid, \
                         Identity, Flatten with axis 1, Dropout in inference";

/// A node and its name.
pub(super) struct NodeRef<'a> {
    pub(super) proto: &'a pb::NodeProto,
    /// Position in the file.
    pub(super) index: usize,
    /// The node's own name; else operator and position, as in `Gemm #2`.
    pub(super) name: String,
}

impl<'a> NodeRef<'a> {
    /// All nodes of a graph, in the order of the file.
    pub(super) fn all(graph: &'a pb::GraphProto) -> Vec<Self> {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let named = |(index, proto): (usize, &'a pb::NodeProto)| {
            let position = seen.entry(&proto.op_type).or_default();
            *position += 1;
            let name = if proto.name.is_empty() {
                format!("{} #{position}", proto.op_type)
            } else {
                proto.name.clone()
            };
            Self { proto, index, name }
        };
        graph.node.iter().enumerate().map(named).collect()
    }

    /// The name of input `index`, unless it is absent.
    pub(super) fn input(&self, index: usize) -> Option<&'a str> {
        let name = self.proto.input.get(index)?;
        (!name.is_empty()).then_some(name.as_str())
    }

    /// Checks that the node reads `value` first, and how many values it reads and writes.
    pub(super) fn check_signature(
        &self,
        value: &str,
        inputs: RangeInclusive<usize>,
        outputs: RangeInclusive<usize>,
    ) -> Result<(), GraphError> {
        let (read, written) = (self.proto.input.len(), self.proto.output.len());
        if !inputs.contains(&read) {
            return Err(self.unsupported(format!("it has {read} inputs")));
        }
        if !outputs.contains(&written) {
            return Err(self.unsupported(format!("it has {written} outputs")));
        }
        if self.input(0) != Some(value) {
            return Err(self.unsupported(format!("`{value}` must be its first input")));
        }
        Ok(())
    }

    /// The integer attribute `name`, or its default.
    pub(super) fn int(&self, name: &str, default: i64) -> Result<i64, GraphError> {
        match self.attribute(name, AttributeType::Int)? {
            Some(attribute) => Ok(attribute.i),
            None => Ok(default),
        }
    }

    /// The finite float attribute `name`, or its default.
    pub(super) fn float(&self, name: &str, default: f32) -> Result<f32, GraphError> {
        match self.attribute(name, AttributeType::Float)? {
            Some(attribute) if attribute.f.is_finite() => Ok(attribute.f),
            Some(attribute) => Err(self.unsupported(format!("{name} is {}", attribute.f))),
            None => Ok(default),
        }
    }

    fn attribute(
        &self,
        name: &str,
        kind: AttributeType,
    ) -> Result<Option<&'a pb::AttributeProto>, GraphError> {
        let found = self.proto.attribute.iter().find(|a| a.name == name);
        match found {
            Some(attribute) if attribute.r#type != kind as i32 => {
                Err(self.unsupported(format!("attribute {name} is not of type {kind}")))
            }
            _ => Ok(found),
        }
    }

    /// The error for something this node does.
    pub(super) fn unsupported(&self, reason: impl Into<String>) -> GraphError {
        let domain = match self.proto.domain.as_str() {
            "" => String::new(),
            domain => format!("{domain}."),
        };
        GraphError::UnsupportedOp {
            node: self.name.clone(),
            op: format!("{domain}{}", self.proto.op_type),
            reason: reason.into(),
            supported: SUPPORTED,
        }
    }
}
