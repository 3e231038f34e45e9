//! Other element types: all numbers are float32 here, so that little happens.
//!
//! Numbers that are cast to float16 or bfloat16 are not rounded to these types: integers round them
//! anyway, each at the scale that calibration finds. What happens to numbers beyond the range of an
//! integer type ONNX leaves open, and runtimes differ; so computed numbers can become integers of 32
//! and 64 bits with a sign, which hold all that is exact here, and others only if they surely fit.

use super::{Builder, Family, NodeRef, Tensor};
use crate::GraphError;
use crate::import::constants::type_name;
use crate::import::tensor::{DataType, Kind, kind_of};
use crate::op::Function;

pub(super) const OPERATORS: Family = &[
    ("Cast", |node, builder| {
        let wanted = node.int("to", 0)?;
        let known = i32::try_from(wanted)
            .ok()
            .and_then(|to| DataType::try_from(to).ok());
        let to = known.ok_or_else(|| node.unsupported(format!("its type is {wanted}")))?;
        Ok(vec![cast(node, builder, node.input(0)?, to)?])
    }),
    ("CastLike", |node, builder| {
        let to = node.input(1)?.element;
        Ok(vec![cast(node, builder, node.input(0)?, to)?])
    }),
];

/// Floats are cut off where they become integers; everything but 0 becomes true.
pub(super) fn cast(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    to: DataType,
) -> Result<Tensor, GraphError> {
    let refuse = || {
        let (from, to) = (type_name(x.element as i32), type_name(to as i32));
        node.unsupported(format!("{from} is cast to {to}, expected types of numbers"))
    };
    if to == DataType::Undefined || (x.kind() == Kind::Text) != (kind_of(to) == Kind::Text) {
        return Err(refuse());
    }
    if let Some(limits) = limits(to)
        && !fits(x, limits)
    {
        let to = type_name(to as i32);
        return Err(node.unsupported(format!(
            "numbers that may lie beyond the range of {to} are cast to it, for which runtimes \
             differ: cast them to int32 or int64"
        )));
    }
    // An empty constant holds nothing to convert.
    let cast = match (x.kind(), kind_of(to)) {
        _ if x.len() == 0 => x.clone(),
        (Kind::Float, Kind::Int) => builder.map(node, Function::Truncate, x)?,
        (Kind::Float | Kind::Int, Kind::Bool) => builder.map(node, Function::IsNonzero, x)?,
        _ => x.clone(),
    };
    Ok(cast.typed(to))
}

/// The least and the greatest number of an integer type that does not hold all integers that are
/// exact in float32.
fn limits(of: DataType) -> Option<(f64, f64)> {
    match of {
        DataType::Int4 => Some((-8.0, 7.0)),
        DataType::Uint4 => Some((0.0, 15.0)),
        DataType::Int8 => Some((-128.0, 127.0)),
        DataType::Uint8 => Some((0.0, 255.0)),
        DataType::Int16 => Some((-32_768.0, 32_767.0)),
        DataType::Uint16 => Some((0.0, 65_535.0)),
        DataType::Uint32 | DataType::Uint64 => Some((0.0, f64::INFINITY)),
        _ => None,
    }
}

/// Whether all elements lie within limits, cut off to integers.
fn fits(x: &Tensor, (low, high): (f64, f64)) -> bool {
    if let Some(numbers) = x.numbers() {
        let mut whole = numbers.iter().map(|x| f64::from(x.trunc()));
        return whole.all(|x| (low..=high).contains(&x));
    }
    match x.kind() {
        Kind::Bool => true,
        Kind::Int => limits(x.element).is_some_and(|own| low <= own.0 && own.1 <= high),
        _ => false,
    }
}
