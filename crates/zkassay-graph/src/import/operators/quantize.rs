//! QuantizeLinear and its like: numbers to small integers and back.

mod dynamic;

use super::{Builder, Family, NodeRef, Tensor};
use crate::GraphError;
use crate::import::tensor::DataType;
use crate::op::{Arithmetic, Function};

pub(super) const OPERATORS: Family = &[
    ("QuantizeLinear", quantize),
    ("DequantizeLinear", dequantize),
    ("DynamicQuantizeLinear", dynamic::quantize),
];

/// `clip(round(x / scale) + zero_point)`.
fn quantize(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let element = match (node.optional(2), node.int("output_dtype", 0)?) {
        (Some(zero_point), _) => zero_point.element,
        (None, 0) => DataType::Uint8,
        (None, stated) => i32::try_from(stated)
            .ok()
            .and_then(|stated| DataType::try_from(stated).ok())
            .ok_or_else(|| node.unsupported(format!("output_dtype is {stated}")))?,
    };
    limits(node, element)?;
    let Parameters { scales, zeros } = Parameters::of(node, builder, x)?;
    let quotient = builder.with_constants(node, Arithmetic::Divide, x, scales)?;
    Ok(vec![rounded(node, builder, &quotient, zeros, element)?])
}

/// `clip(round(x) + zero_point)`: the nearest integers of a type, halves to even.
pub(super) fn rounded(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    zeros: Vec<f32>,
    element: DataType,
) -> Result<Tensor, GraphError> {
    let (low, high) = limits(node, element)?;
    let rounded = builder.map(node, Function::Round, x)?;
    let shifted = builder.with_constants(node, Arithmetic::Add, &rounded, zeros)?;
    let clipped = builder.map(node, Function::Clip(low, high), &shifted)?;
    Ok(clipped.typed(element))
}

/// The least and the greatest integer of a type that numbers are quantised to.
fn limits(node: &NodeRef<'_>, element: DataType) -> Result<(f32, f32), GraphError> {
    match element {
        DataType::Int8 => Ok((-128.0, 127.0)),
        DataType::Uint8 => Ok((0.0, 255.0)),
        DataType::Int16 => Ok((-32768.0, 32767.0)),
        DataType::Uint16 => Ok((0.0, 65535.0)),
        DataType::Int4 => Ok((-8.0, 7.0)),
        DataType::Uint4 => Ok((0.0, 15.0)),
        other => {
            let name = other.as_str_name();
            Err(node.unsupported(format!(
                "it quantises to {name}: integers of 4, 8 and 16 bits are supported"
            )))
        }
    }
}

/// `(x - zero_point) scale`.
fn dequantize(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let Parameters { scales, zeros } = Parameters::of(node, builder, x)?;
    let element = node.input(1)?.element;
    let shifted = builder.with_constants(node, Arithmetic::Subtract, x, zeros)?;
    let scaled = builder.with_constants(node, Arithmetic::Multiply, &shifted, scales)?;
    Ok(vec![scaled.typed(element)])
}

/// Scale and zero point of each element.
struct Parameters {
    scales: Vec<f32>,
    zeros: Vec<f32>,
}

impl Parameters {
    fn of(node: &NodeRef<'_>, builder: &mut Builder, x: &Tensor) -> Result<Self, GraphError> {
        if node.int("block_size", 0)? != 0 {
            return Err(node.unsupported(
                "block_size is set: one scale for the tensor or for each position along an axis \
                 is supported",
            ));
        }
        let Some(scales) = node.weights(1)? else {
            return Err(node.unsupported("it has no scale"));
        };
        if scales.iter().any(|scale| *scale <= 0.0) {
            return Err(node.unsupported("one of its scales is not positive"));
        }
        let zeros = match node.weights(2)? {
            Some(zeros) => zeros.to_vec(),
            None => vec![0.0; scales.len()],
        };
        if zeros.len() != scales.len() {
            return Err(node.unsupported(format!(
                "it has {} scales and {} zero points",
                scales.len(),
                zeros.len()
            )));
        }
        let is_one = scales.len() == 1 && node.input(1)?.rank() <= 1;
        // Elements that share a scale stand together, in runs.
        let run = match is_one {
            true => x.len().max(1),
            false => {
                let axis = node.axis("axis", 1, x.rank())?;
                if node.input(1)?.shape != [x.shape[axis]] {
                    let expected = format!("[{}], the size of axis {axis}", x.shape[axis]);
                    return Err(node.mismatch("the scale", &node.input(1)?.shape, expected));
                }
                x.shape[axis + 1..].iter().product::<usize>().max(1)
            }
        };
        builder.charge(node, 2 * x.len())?;
        let count = scales.len();
        let spread = |of: &[f32]| (0..x.len()).map(|i| of[i / run % count]).collect();
        Ok(Self {
            scales: spread(scales),
            zeros: spread(&zeros),
        })
    }
}
