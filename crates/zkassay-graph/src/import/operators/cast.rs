//! Other element types: all numbers are float32 here, so that little happens.

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
    // An empty constant holds nothing to convert.
    let cast = match (x.kind(), kind_of(to)) {
        _ if x.len() == 0 => x.clone(),
        (Kind::Float, Kind::Int) => builder.map(node, Function::Truncate, x)?,
        (Kind::Float | Kind::Int, Kind::Bool) => builder.map(node, Function::IsNonzero, x)?,
        _ => x.clone(),
    };
    Ok(cast.typed(to))
}
