//! The model's constants: weights, biases, and switches.

use std::collections::HashMap;

use tract_onnx::pb;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};

use crate::GraphError;

/// The constants of a graph, by name.
pub(super) struct Constants<'a>(HashMap<&'a str, &'a pb::TensorProto>);

/// A decoded float constant.
pub(super) struct Floats {
    pub(super) shape: Vec<usize>,
    /// In row-major order.
    pub(super) elements: Vec<f32>,
}

impl<'a> Constants<'a> {
    pub(super) fn of(graph: &'a pb::GraphProto) -> Self {
        let named = graph.initializer.iter().map(|t| (t.name.as_str(), t));
        Self(named.collect())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Decodes the finite float32 constant `name`; `None` if there is none of this name.
    pub(super) fn floats(&self, name: &str) -> Result<Option<Floats>, GraphError> {
        match self.0.get(name) {
            Some(tensor) => floats(tensor).map(Some),
            None => Ok(None),
        }
    }

    /// Decodes the boolean scalar `name`; `None` if there is none of this name.
    pub(super) fn switch(&self, name: &str) -> Result<Option<bool>, GraphError> {
        match self.0.get(name) {
            Some(tensor) => switch(tensor).map(Some),
            None => Ok(None),
        }
    }
}

fn floats(tensor: &pb::TensorProto) -> Result<Floats, GraphError> {
    let (shape, len) = layout(tensor, DataType::Float)?;
    let found = if tensor.raw_data.is_empty() {
        tensor.float_data.len()
    } else {
        tensor.raw_data.len() / 4
    };
    if found != len || !tensor.raw_data.len().is_multiple_of(4) {
        let found = match tensor.raw_data.len() {
            0 => format!("{} floats", tensor.float_data.len()),
            bytes => format!("{bytes} bytes"),
        };
        return Err(bad(
            tensor,
            format!("it holds {found}, its shape {shape:?} takes {len} floats"),
        ));
    }
    let elements: Vec<f32> = if tensor.raw_data.is_empty() {
        tensor.float_data.clone()
    } else {
        let (words, _) = tensor.raw_data.as_chunks::<4>();
        words.iter().map(|word| f32::from_le_bytes(*word)).collect()
    };
    match elements.iter().position(|x| !x.is_finite()) {
        Some(index) => Err(GraphError::NonFiniteConstant {
            tensor: tensor.name.clone(),
            index,
            value: elements[index],
        }),
        None => Ok(Floats { shape, elements }),
    }
}

fn switch(tensor: &pb::TensorProto) -> Result<bool, GraphError> {
    let (shape, len) = layout(tensor, DataType::Bool)?;
    match (len, &tensor.raw_data[..], &tensor.int32_data[..]) {
        (1, [byte], _) => Ok(*byte != 0),
        (1, [], [word]) => Ok(*word != 0),
        _ => Err(bad(
            tensor,
            format!("it is not one boolean but of shape {shape:?}"),
        )),
    }
}

/// Shape and number of elements of a constant that has the expected type and
/// its elements in this file.
fn layout(tensor: &pb::TensorProto, expected: DataType) -> Result<(Vec<usize>, usize), GraphError> {
    if tensor.data_type != expected as i32 {
        let (found, expected) = (type_name(tensor.data_type), expected.as_str_name());
        return Err(bad(
            tensor,
            format!("its element type is {found}, expected {expected}"),
        ));
    }
    let external = tensor.data_location == Some(DataLocation::External as i32);
    if external || !tensor.external_data.is_empty() {
        return Err(bad(
            tensor,
            "its data is in another file, which is read only for initializers of a model that is \
             read from a file: save the model with its data inside",
        ));
    }
    if tensor.segment.is_some() {
        return Err(bad(tensor, "it is stored in segments: save it whole"));
    }
    let mut shape = Vec::with_capacity(tensor.dims.len());
    for &dim in &tensor.dims {
        match usize::try_from(dim) {
            Ok(dim) if dim > 0 => shape.push(dim),
            _ => return Err(bad(tensor, format!("its shape is {:?}", tensor.dims))),
        }
    }
    let len = shape
        .iter()
        .try_fold(1usize, |len, &dim| len.checked_mul(dim));
    match len {
        Some(len) => Ok((shape, len)),
        None => Err(bad(tensor, format!("its shape is {:?}", tensor.dims))),
    }
}

/// The schema's name of an element type.
pub(super) fn type_name(data_type: i32) -> String {
    match DataType::try_from(data_type) {
        Ok(known) => known.as_str_name().to_owned(),
        Err(_) => format!("{data_type} (unknown)"),
    }
}

fn bad(tensor: &pb::TensorProto, reason: impl Into<String>) -> GraphError {
    GraphError::Constant {
        tensor: tensor.name.clone(),
        reason: reason.into(),
    }
}
