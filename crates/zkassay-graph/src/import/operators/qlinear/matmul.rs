//! Products of integer matrices.

use super::{
    Builder, NodeRef, Quantised, Tensor, centred, centred_weights, product_scales, reading, scaled,
};
use crate::GraphError;
use crate::import::operators::dense::{affine, product};
use crate::import::tensor::DataType;

/// QLinearMatMul: `a, its scale and zero point; b, ..; of the result`.
pub(super) fn qlinear(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let written = Quantised::at(node, 6, node.input(0)?.element)?;
    let factors = product_scales(node, 1.0)?;
    let a = centred(node, builder, 0, 2)?;
    let b = second(node, builder, (3, 5))?;
    let sums = product(&reading(node, [a.clone(), b.clone()]), builder, &a, &b)?;
    let last = sums.rank().saturating_sub(1);
    Ok(vec![written.of_integers(
        node,
        builder,
        &sums,
        (&factors, last),
    )?])
}

/// MatMulInteger: `a, b, zero point of a, of b`.
pub(super) fn integer(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let a = centred(node, builder, 0, 2)?;
    let b = second(node, builder, (1, 3))?;
    let sums = product(&reading(node, [a.clone(), b.clone()]), builder, &a, &b)?;
    Ok(vec![sums.typed(DataType::Int32)])
}

/// The second operand and its zero points: those of its columns, if it is constant.
fn second(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    (index, zero): (usize, usize),
) -> Result<Tensor, GraphError> {
    let b = node.input(index)?;
    match b.is_constant() {
        true => {
            let columns = b.rank().saturating_sub(1);
            centred_weights(node, builder, (index, zero), columns)
        }
        false => centred(node, builder, index, zero),
    }
}

/// onnxruntime's QGemm: `a, its scale and zero point; b, ..; c; of the result`. `c` has the scale
/// of products; without a scale of its own the result is of floats.
pub(super) fn gemm(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let factors = product_scales(node, node.float("alpha", 1.0)?)?;
    let outputs = usize::from(!node.flag("transB", false)?);
    let operands = [
        centred(node, builder, 0, 2)?,
        centred_weights(node, builder, (3, 5), outputs)?,
    ];
    let bias = node.optional(6).cloned();
    let integers = reading(node, operands.into_iter().chain(bias));
    let sums = affine(&integers, builder, (1.0, 1.0))?;
    if node.optional(7).is_none() {
        return Ok(vec![scaled(node, builder, &sums, (&factors, 1))?]);
    }
    let written = Quantised::at(node, 7, node.input(0)?.element)?;
    Ok(vec![written.of_integers(
        node,
        builder,
        &sums,
        (&factors, 1),
    )?])
}
