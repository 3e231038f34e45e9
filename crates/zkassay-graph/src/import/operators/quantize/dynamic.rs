//! DynamicQuantizeLinear: a scale and a zero point for each row, from its extremes.

use super::rounded;
use crate::import::builder::Builder;
use crate::import::node::NodeRef;
use crate::import::tensor::{DataType, Tensor};
use crate::op::{Arithmetic, Binary, Function, Reduction};
use crate::{GraphError, Op};

/// The greatest integer that it writes.
const GREATEST: f32 = 255.0;

/// `clip(round(x / scale) + zero_point)`, `scale = (max(x, 0) - min(x, 0)) / 255` and
/// `zero_point = round(-min(x, 0) / scale)`. The scale of zeros is 1.
pub(super) fn quantize(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?.clone().typed(DataType::Float);
    let back = builder.with_scalar(node, Arithmetic::Multiply, &x, -1.0)?;
    let above = greatest(node, builder, &x)?;
    let below = greatest(node, builder, &back)?;
    let range = builder.binary(node, Binary::Add, &above, &below)?;
    let scale = builder.with_scalar(node, Arithmetic::Divide, &range, GREATEST)?;
    let zero = Tensor::constant(vec![], DataType::Float, vec![0.0]);
    let none = builder.binary(node, Binary::Equal, &range, &zero)?;
    let scale = builder.binary(node, Binary::Add, &scale, &none.typed(DataType::Float))?;
    let zero_point = builder.binary(node, Binary::Divide, &below, &scale)?;
    let zero_point = rounded(node, builder, &zero_point, vec![0.0], DataType::Uint8)?;
    let quotient = builder.binary(node, Binary::Divide, &x, &scale)?;
    let nearest = builder.map(node, Function::Round, &quotient)?;
    let shifted = builder.binary(node, Binary::Add, &nearest, &zero_point)?;
    let written = builder.map(node, Function::Clip(0.0, GREATEST), &shifted)?;
    Ok(vec![written.typed(DataType::Uint8), scale, zero_point])
}

/// The greatest of all elements and zero.
fn greatest(node: &NodeRef<'_>, builder: &mut Builder, x: &Tensor) -> Result<Tensor, GraphError> {
    let len = builder.charge_shape(node, &x.shape)?;
    let op = Op::Reduce {
        reduction: Reduction::Max,
        groups: vec![(0..len).map(|at| at as u32).collect()],
    };
    let greatest = builder.push(node, op, &[x], vec![])?;
    builder.map(node, Function::Relu, &greatest)
}
