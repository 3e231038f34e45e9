//! Means of quantised tensors: `x, its scale and zero point; of the result`.

use super::{Builder, NodeRef, Quantised, Tensor, centred, float, reading};
use crate::GraphError;
use crate::import::operators::pool::global;
use crate::op::Reduction;

/// QLinearAveragePool: means of reals.
pub(super) fn average(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let (read, written) = (
        Quantised::at(node, 1, x.element)?,
        Quantised::at(node, 3, x.element)?,
    );
    let reals = read.reals(node, builder, x)?;
    let means = float(node, builder, "AveragePool", [reals])?;
    Ok(vec![written.of_sums(node, builder, &means)?])
}

/// QLinearGlobalAveragePool: sums of integers, with the number of elements in the factor.
pub(super) fn global_average(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    if node.flag("channels_last", false)? {
        return Err(node.unsupported("channels_last is set: channels are expected to be axis 1"));
    }
    let (read, mut written) = (
        Quantised::at(node, 1, x.element)?,
        Quantised::at(node, 3, x.element)?,
    );
    let count: usize = x.shape.iter().skip(2).product();
    written.scale *= count as f32;
    let centred = centred(node, builder, 0, 2)?;
    let sums = global(&reading(node, [centred]), builder, Reduction::Sum)?;
    let sums = sums
        .first()
        .ok_or_else(|| node.unsupported("it has no result"))?;
    Ok(vec![written.of_integers(
        node,
        builder,
        sums,
        (&[read.scale], 0),
    )?])
}
