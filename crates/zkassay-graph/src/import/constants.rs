//! The model's constants: weights, biases, shapes, switches.

use std::collections::HashMap;

use tract_onnx::pb;
use tract_onnx::pb::tensor_proto::DataLocation;

use super::shape;
use super::tensor::{DataType, Tensor};
use crate::GraphError;

/// Integers from here on are not numbers to compute with but stand for "to the end".
const SENTINEL: i64 = (1 << 31) - 1;

/// The constants of a graph, by name.
pub(super) struct Constants<'a>(HashMap<&'a str, &'a pb::TensorProto>);

impl<'a> Constants<'a> {
    pub(super) fn of(graph: &'a pb::GraphProto) -> Self {
        let named = graph.initializer.iter().map(|t| (t.name.as_str(), t));
        Self(named.collect())
    }

    /// No constants: those of a function are nodes.
    pub(super) fn none() -> Self {
        Self(HashMap::new())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Decodes the constant `name`; `None` if there is none of this name.
    pub(super) fn get(&self, name: &str) -> Result<Option<Tensor>, GraphError> {
        self.0.get(name).map(|tensor| decode(tensor)).transpose()
    }
}

/// Decodes a constant. Floats may be infinite or NaN: whoever computes with them must check.
pub(super) fn decode(tensor: &pb::TensorProto) -> Result<Tensor, GraphError> {
    let element = DataType::try_from(tensor.data_type)
        .map_err(|_| bad(tensor, unreadable_type(tensor.data_type)))?;
    let (shape, len) = layout(tensor)?;
    if element == DataType::String {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let elements: Vec<String> = tensor.string_data.iter().map(text).collect();
        check_count(tensor, &shape, len, elements.len(), "strings")?;
        return Ok(Tensor::text(shape, elements));
    }
    let elements = match tensor.raw_data.is_empty() {
        true => typed_data(tensor, element)?,
        false => raw_data(tensor, element, &shape, len)?,
    };
    check_count(tensor, &shape, len, elements.len(), "elements")?;
    Ok(Tensor::constant(shape, element, elements))
}

/// Elements in the field of their type.
fn typed_data(tensor: &pb::TensorProto, element: DataType) -> Result<Vec<f32>, GraphError> {
    let half = |bits: &i32| half_to_f32(*bits as u16);
    Ok(match element {
        DataType::Float => tensor.float_data.clone(),
        DataType::Double => tensor.double_data.iter().map(|x| *x as f32).collect(),
        DataType::Float16 => tensor.int32_data.iter().map(half).collect(),
        DataType::Bfloat16 => {
            let widen = |bits: &i32| f32::from_bits((*bits as u32) << 16);
            tensor.int32_data.iter().map(widen).collect()
        }
        DataType::Int64 => integers(tensor, tensor.int64_data.iter().copied())?,
        DataType::Uint32 | DataType::Uint64 => {
            integers(tensor, tensor.uint64_data.iter().map(|x| saturated(*x)))?
        }
        DataType::Bool => tensor.int32_data.iter().map(|x| truth(*x != 0)).collect(),
        DataType::Int8 | DataType::Uint8 | DataType::Int16 | DataType::Uint16 | DataType::Int32 => {
            tensor.int32_data.iter().map(|x| *x as f32).collect()
        }
        _ => return Err(bad(tensor, unreadable_type(tensor.data_type))),
    })
}

/// Elements as bytes, little-endian.
fn raw_data(
    tensor: &pb::TensorProto,
    element: DataType,
    shape: &[usize],
    len: usize,
) -> Result<Vec<f32>, GraphError> {
    fn words<const N: usize, T>(raw: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
        raw.as_chunks::<N>()
            .0
            .iter()
            .map(|word| read(*word))
            .collect()
    }
    let raw = tensor.raw_data.as_slice();
    let width = match element {
        DataType::Uint8 | DataType::Int8 | DataType::Bool => 1,
        DataType::Uint16 | DataType::Int16 | DataType::Float16 | DataType::Bfloat16 => 2,
        DataType::Float | DataType::Int32 | DataType::Uint32 => 4,
        DataType::Double | DataType::Int64 | DataType::Uint64 => 8,
        _ => return Err(bad(tensor, unreadable_type(tensor.data_type))),
    };
    if len.checked_mul(width) != Some(raw.len()) {
        let kind = if element == DataType::Float {
            "floats"
        } else {
            "elements"
        };
        let bytes = raw.len();
        let reason = format!("it holds {bytes} bytes, its shape {shape:?} takes {len} {kind}");
        return Err(bad(tensor, reason));
    }
    Ok(match element {
        DataType::Uint8 => words(raw, |[x]: [u8; 1]| f32::from(x)),
        DataType::Int8 => words(raw, |x| f32::from(i8::from_le_bytes(x))),
        DataType::Bool => words(raw, |[x]: [u8; 1]| truth(x != 0)),
        DataType::Uint16 => words(raw, |x| f32::from(u16::from_le_bytes(x))),
        DataType::Int16 => words(raw, |x| f32::from(i16::from_le_bytes(x))),
        DataType::Float16 => words(raw, |x| half_to_f32(u16::from_le_bytes(x))),
        DataType::Bfloat16 => words(raw, |[low, high]| f32::from_le_bytes([0, 0, low, high])),
        DataType::Float => words(raw, f32::from_le_bytes),
        DataType::Int32 => integers(tensor, words(raw, |x| i32::from_le_bytes(x).into()))?,
        DataType::Uint32 => integers(tensor, words(raw, |x| u32::from_le_bytes(x).into()))?,
        DataType::Double => words(raw, |x| f64::from_le_bytes(x) as f32),
        DataType::Int64 => integers(tensor, words(raw, i64::from_le_bytes))?,
        _ => integers(tensor, words(raw, |x| saturated(u64::from_le_bytes(x))))?,
    })
}

/// Integers as floats; those that are neither exact nor a sentinel are refused.
fn integers(
    tensor: &pb::TensorProto,
    integers: impl IntoIterator<Item = i64>,
) -> Result<Vec<f32>, GraphError> {
    let exact = |x: i64| match x as f32 {
        float if float as i64 == x || x.saturating_abs() >= SENTINEL => Ok(float),
        _ => Err(bad(
            tensor,
            format!("it holds the integer {x}, which is not exact in float32"),
        )),
    };
    integers.into_iter().map(exact).collect()
}

fn saturated(x: u64) -> i64 {
    i64::try_from(x).unwrap_or(i64::MAX)
}

fn truth(is_true: bool) -> f32 {
    f32::from(u8::from(is_true))
}

/// IEEE half precision, exactly.
fn half_to_f32(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let mantissa = f32::from(bits & 0x3ff);
    match (bits >> 10) & 0x1f {
        0 => sign * mantissa * (-24f32).exp2(),
        31 if mantissa == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        exponent => sign * (1024.0 + mantissa) * (f32::from(exponent) - 25.0).exp2(),
    }
}

/// Shape and number of elements of a constant that has its elements in this file.
fn layout(tensor: &pb::TensorProto) -> Result<(Vec<usize>, usize), GraphError> {
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
    let dims = tensor.dims.iter().map(|dim| usize::try_from(*dim).ok());
    let shape: Option<Vec<usize>> = dims.collect();
    let sized = shape.and_then(|shape| shape::len(&shape).map(|len| (shape, len)));
    sized.ok_or_else(|| bad(tensor, format!("its shape is {:?}", tensor.dims)))
}

fn check_count(
    tensor: &pb::TensorProto,
    shape: &[usize],
    len: usize,
    found: usize,
    kind: &str,
) -> Result<(), GraphError> {
    if found == len {
        return Ok(());
    }
    let reason = format!("it holds {found} {kind}, its shape {shape:?} takes {len}");
    Err(bad(tensor, reason))
}

/// The schema's name of an element type.
pub(super) fn type_name(data_type: i32) -> String {
    match DataType::try_from(data_type) {
        Ok(known) => known.as_str_name().to_owned(),
        Err(_) => format!("{data_type} (unknown)"),
    }
}

fn unreadable_type(data_type: i32) -> String {
    format!(
        "its element type is {}, expected FLOAT, DOUBLE, FLOAT16, BFLOAT16, an integer of 8 to 64 \
         bits, BOOL or STRING",
        type_name(data_type)
    )
}

fn bad(tensor: &pb::TensorProto, reason: impl Into<String>) -> GraphError {
    GraphError::Constant {
        tensor: tensor.name.clone(),
        reason: reason.into(),
    }
}
