//! Convolutions of integers.

use super::{
    Builder, NodeRef, Quantised, Tensor, centred, centred_weights, product_scales, reading,
};
use crate::GraphError;
use crate::import::operators::conv::conv;
use crate::import::tensor::DataType;

/// QLinearConv: `x, its scale and zero point; w, ..; of the result; bias`. The bias has the scale
/// of products.
pub(super) fn qlinear(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let written = Quantised::at(node, 6, node.input(0)?.element)?;
    let factors = product_scales(node, 1.0)?;
    let bias = node.optional(8).cloned();
    let sums = sums(node, builder, [(0, 2), (3, 5)], bias)?;
    Ok(vec![written.of_integers(
        node,
        builder,
        &sums,
        (&factors, 1),
    )?])
}

/// ConvInteger: `x, w, zero point of x, of w`.
pub(super) fn integer(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let sums = sums(node, builder, [(0, 2), (1, 3)], None)?;
    Ok(vec![sums.typed(DataType::Int32)])
}

/// The sums of products; operands are pairs of integers and their zero points.
fn sums(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    [x, w]: [(usize, usize); 2],
    bias: Option<Tensor>,
) -> Result<Tensor, GraphError> {
    let operands = [
        centred(node, builder, x.0, x.1)?,
        centred_weights(node, builder, w, 0)?,
    ];
    let node = reading(node, operands.into_iter().chain(bias));
    let sums = conv(&node, builder)?.into_iter().next();
    sums.ok_or_else(|| node.unsupported("it has no result"))
}
