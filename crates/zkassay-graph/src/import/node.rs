//! A protobuf node with the name that errors use, its operands and its attributes.

use std::collections::HashMap;

use tract_onnx::pb;
use tract_onnx::pb::attribute_proto::AttributeType;

use super::shape;
use super::tensor::{Kind, Tensor};
use crate::GraphError;

/// A node, its name and what it reads.
pub(crate) struct NodeRef<'a> {
    pub(crate) proto: &'a pb::NodeProto,
    /// The node's own name; else operator and position, as in `Gemm #2`.
    pub(crate) name: String,
    /// Version of the operator set of the node's domain.
    pub(crate) opset: i64,
    /// What it reads; `None` for inputs that are left out.
    pub(crate) operands: Vec<Option<Tensor>>,
}

impl<'a> NodeRef<'a> {
    /// All nodes of a graph, in the order of the file, still without operands.
    pub(super) fn all(nodes: &'a [pb::NodeProto]) -> Vec<Self> {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let named = |proto: &'a pb::NodeProto| {
            let position = seen.entry(&proto.op_type).or_default();
            *position += 1;
            let name = match proto.name.is_empty() {
                true => format!("{} #{position}", proto.op_type),
                false => proto.name.clone(),
            };
            Self {
                proto,
                name,
                opset: 0,
                operands: Vec::new(),
            }
        };
        nodes.iter().map(named).collect()
    }

    /// The operator.
    pub(crate) fn operator(&self) -> &'a str {
        &self.proto.op_type
    }

    /// Operand `index`.
    pub(crate) fn input(&self, index: usize) -> Result<&Tensor, GraphError> {
        self.optional(index)
            .ok_or_else(|| self.unsupported(format!("it has no input {index}")))
    }

    /// Operand `index`, unless it is left out.
    pub(crate) fn optional(&self, index: usize) -> Option<&Tensor> {
        self.operands.get(index)?.as_ref()
    }

    /// All operands, none of which may be left out; at least one.
    pub(crate) fn inputs(&self) -> Result<Vec<&Tensor>, GraphError> {
        let count = self.operands.len().max(1);
        (0..count).map(|index| self.input(index)).collect()
    }

    /// Name of operand `index` in the model, for errors.
    pub(crate) fn input_name(&self, index: usize) -> &'a str {
        self.proto.input.get(index).map_or("", String::as_str)
    }

    /// Number of outputs that the node names.
    pub(crate) fn outputs(&self) -> usize {
        self.proto.output.len()
    }

    /// The numbers of operand `index`, which must be a constant if it is there.
    pub(crate) fn constant(&self, index: usize) -> Result<Option<&[f32]>, GraphError> {
        let Some(tensor) = self.optional(index) else {
            return Ok(None);
        };
        let refuse = || {
            let name = self.input_name(index);
            self.unsupported(format!("`{name}` is not a constant of numbers"))
        };
        tensor.numbers().map(Some).ok_or_else(refuse)
    }

    /// As [`constant`](Self::constant), and all of it is finite.
    pub(crate) fn weights(&self, index: usize) -> Result<Option<&[f32]>, GraphError> {
        self.constant(index)?;
        match self.optional(index) {
            Some(tensor) => self.weights_of(index, tensor),
            None => Ok(None),
        }
    }

    /// The numbers of a tensor made of operand `index`, all finite; `None` if it is no constant.
    pub(crate) fn weights_of<'t>(
        &self,
        index: usize,
        tensor: &'t Tensor,
    ) -> Result<Option<&'t [f32]>, GraphError> {
        let numbers = tensor.numbers();
        let all = numbers.unwrap_or_default();
        match all.iter().position(|x| !x.is_finite()) {
            Some(position) => Err(GraphError::NonFiniteConstant {
                tensor: self.input_name(index).to_owned(),
                index: position,
                value: all[position],
            }),
            None => Ok(numbers),
        }
    }

    /// The single number of operand `index`, which must be a constant if it is there.
    pub(crate) fn scalar(&self, index: usize) -> Result<Option<f32>, GraphError> {
        match self.constant(index)? {
            None => Ok(None),
            Some([number]) => Ok(Some(*number)),
            Some(numbers) => {
                let (name, count) = (self.input_name(index), numbers.len());
                Err(self.unsupported(format!("`{name}` holds {count} numbers instead of one")))
            }
        }
    }

    /// The integers of operand `index`, which must be a constant if it is there.
    ///
    /// Those that stand for "to the end" are beyond `i32`, and no longer exact.
    pub(crate) fn integers(&self, index: usize) -> Result<Option<Vec<i64>>, GraphError> {
        let Some(numbers) = self.constant(index)? else {
            return Ok(None);
        };
        if self.input(index)?.kind() == Kind::Float {
            let name = self.input_name(index);
            return Err(self.unsupported(format!("`{name}` holds floats instead of integers")));
        }
        Ok(Some(numbers.iter().map(|x| *x as i64).collect()))
    }

    /// The sizes, none negative, that the constant operand `index` holds.
    pub(crate) fn sizes(&self, index: usize) -> Result<Vec<usize>, GraphError> {
        let refuse = || {
            let name = self.input_name(index);
            self.unsupported(format!("`{name}` does not hold sizes"))
        };
        let integers = self.integers(index)?.ok_or_else(refuse)?;
        let sizes = integers.into_iter().map(|size| usize::try_from(size).ok());
        sizes.collect::<Option<_>>().ok_or_else(refuse)
    }

    /// The integers of operand `index`, or of attribute `name` as in older operator sets.
    pub(crate) fn integers_or(
        &self,
        index: usize,
        name: &str,
    ) -> Result<Option<Vec<i64>>, GraphError> {
        match self.integers(index)? {
            Some(integers) => Ok(Some(integers)),
            None => Ok(self.ints(name)?.map(<[i64]>::to_vec)),
        }
    }

    /// The integer attribute `name`, or its default.
    pub(crate) fn int(&self, name: &str, default: i64) -> Result<i64, GraphError> {
        let attribute = self.attribute(name, AttributeType::Int)?;
        Ok(attribute.map_or(default, |a| a.i))
    }

    /// Whether the integer attribute `name` is set, or its default.
    ///
    /// What is neither 0 nor 1 means now this and now that to other runtimes.
    pub(crate) fn flag(&self, name: &str, default: bool) -> Result<bool, GraphError> {
        match self.int(name, i64::from(default))? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.unsupported(format!("{name} is {other}, expected 0 or 1"))),
        }
    }

    /// The finite float attribute `name`, or its default.
    pub(crate) fn float(&self, name: &str, default: f32) -> Result<f32, GraphError> {
        match self.attribute(name, AttributeType::Float)? {
            Some(attribute) if attribute.f.is_finite() => Ok(attribute.f),
            Some(attribute) => Err(self.unsupported(format!("{name} is {}", attribute.f))),
            None => Ok(default),
        }
    }

    /// The attribute `name` of several integers.
    pub(crate) fn ints(&self, name: &str) -> Result<Option<&'a [i64]>, GraphError> {
        let attribute = self.attribute(name, AttributeType::Ints)?;
        Ok(attribute.map(|a| a.ints.as_slice()))
    }

    /// The attribute `name` of several floats, which may be infinite or NaN.
    pub(crate) fn floats(&self, name: &str) -> Result<Option<&'a [f32]>, GraphError> {
        let attribute = self.attribute(name, AttributeType::Floats)?;
        Ok(attribute.map(|a| a.floats.as_slice()))
    }

    /// The attribute `name` of one string, or its default.
    pub(crate) fn string(&self, name: &str, default: &str) -> Result<String, GraphError> {
        let attribute = self.attribute(name, AttributeType::String)?;
        let text = |a: &pb::AttributeProto| String::from_utf8_lossy(&a.s).into_owned();
        Ok(attribute.map_or_else(|| default.to_owned(), text))
    }

    /// The attribute `name` of several strings.
    pub(crate) fn strings(&self, name: &str) -> Result<Option<Vec<String>>, GraphError> {
        let attribute = self.attribute(name, AttributeType::Strings)?;
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        Ok(attribute.map(|a| a.strings.iter().map(text).collect()))
    }

    /// The attribute `name` of one tensor.
    pub(crate) fn tensor(&self, name: &str) -> Result<Option<&'a pb::TensorProto>, GraphError> {
        let attribute = self.attribute(name, AttributeType::Tensor)?;
        Ok(attribute.and_then(|a| a.t.as_ref()))
    }

    /// The attribute `name` of one graph, which must be there.
    pub(crate) fn graph(&self, name: &str) -> Result<&'a pb::GraphProto, GraphError> {
        let attribute = self.attribute(name, AttributeType::Graph)?;
        let graph = attribute.and_then(|a| a.g.as_ref());
        graph.ok_or_else(|| self.unsupported(format!("it has no {name}")))
    }

    /// Whether there is an attribute `name` of any kind.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.proto.attribute.iter().any(|a| a.name == name)
    }

    /// The axis that the attribute `name` says, of a tensor of `rank` axes.
    pub(crate) fn axis(&self, name: &str, default: i64, rank: usize) -> Result<usize, GraphError> {
        self.check_axis(self.int(name, default)?, rank)
    }

    /// The axis that the model calls `axis`, of a tensor of `rank` axes.
    pub(crate) fn check_axis(&self, axis: i64, rank: usize) -> Result<usize, GraphError> {
        shape::axis(axis, rank)
            .ok_or_else(|| self.unsupported(format!("axis is {axis}, of a tensor of {rank} axes")))
    }

    fn attribute(
        &self,
        name: &str,
        kind: AttributeType,
    ) -> Result<Option<&'a pb::AttributeProto>, GraphError> {
        let found = self.proto.attribute.iter().find(|a| a.name == name);
        match found {
            Some(attribute) if !attribute.ref_attr_name.is_empty() => {
                let of = &attribute.ref_attr_name;
                Err(self.unsupported(format!("{name} refers to {of} of a function around it")))
            }
            Some(attribute) if attribute.r#type != kind as i32 => {
                Err(self.unsupported(format!("attribute {name} is not of type {kind}")))
            }
            _ => Ok(found),
        }
    }

    /// The error for something this node does.
    pub(crate) fn unsupported(&self, reason: impl Into<String>) -> GraphError {
        GraphError::UnsupportedOp {
            node: self.name.clone(),
            op: self.full_operator(),
            reason: reason.into(),
        }
    }

    /// The error for an operand of a shape that does not fit.
    pub(crate) fn mismatch(
        &self,
        operand: &'static str,
        found: &[usize],
        expected: impl Into<String>,
    ) -> GraphError {
        GraphError::ShapeMismatch {
            node: self.name.clone(),
            operand,
            found: found.to_vec(),
            expected: expected.into(),
        }
    }

    /// The operator with its domain, unless that is the default.
    pub(super) fn full_operator(&self) -> String {
        match self.proto.domain.as_str() {
            "" => self.proto.op_type.clone(),
            domain => format!("{domain}.{}", self.proto.op_type),
        }
    }
}
