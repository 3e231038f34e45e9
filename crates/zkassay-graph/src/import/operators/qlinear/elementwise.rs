//! Sums, products, functions and choices of quantised tensors.

use super::{Builder, NodeRef, Quantised, Tensor, centred, float};
use crate::GraphError;
use crate::import::tensor::DataType;
use crate::op::Binary;

/// QLinearAdd: `a, its scale and zero point; b, ..; of the result`.
pub(super) fn add(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let element = node.input(0)?.element;
    let (of_a, of_b) = (
        Quantised::at(node, 1, element)?,
        Quantised::at(node, 4, element)?,
    );
    let written = Quantised::at(node, 6, element)?;
    let a = of_a.reals(node, builder, node.input(0)?)?;
    let b = of_b.reals(node, builder, node.input(3)?)?;
    let sum = builder.binary(node, Binary::Add, &a, &b)?;
    Ok(vec![written.of_sums(node, builder, &sum)?])
}

/// QLinearMul: the same operands.
pub(super) fn multiply(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let element = node.input(0)?.element;
    let (of_a, of_b) = (
        Quantised::at(node, 1, element)?,
        Quantised::at(node, 4, element)?,
    );
    let written = Quantised::at(node, 6, element)?;
    let (a, b) = (centred(node, builder, 0, 2)?, centred(node, builder, 3, 5)?);
    let product = builder.binary(node, Binary::Multiply, &a, &b)?;
    let factor = of_a.scale * of_b.scale;
    Ok(vec![written.of_integers(
        node,
        builder,
        &product,
        (&[factor], 0),
    )?])
}

/// A function of the standard: `x, its scale and zero point; of the result`.
pub(super) fn function(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    name: &str,
) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let (read, written) = (
        Quantised::at(node, 1, x.element)?,
        Quantised::at(node, 3, x.element)?,
    );
    let reals = read.reals(node, builder, x)?;
    let result = float(node, builder, name, [reals])?;
    Ok(vec![written.of_reals(node, builder, &result)?])
}

/// QLinearWhere: `condition; a, its scale and zero point; b, ..; of the result`.
pub(super) fn choose(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let element = node.input(1)?.element;
    let (of_a, of_b) = (
        Quantised::at(node, 2, element)?,
        Quantised::at(node, 5, element)?,
    );
    let written = Quantised::at(node, 7, element)?;
    let a = of_a.reals(node, builder, node.input(1)?)?;
    let b = of_b.reals(node, builder, node.input(4)?)?;
    let chosen = float(node, builder, "Where", [node.input(0)?.clone(), a, b])?;
    let chosen = chosen.typed(DataType::Float);
    Ok(vec![written.of_reals(node, builder, &chosen)?])
}

/// QLinearConcat: `scale and zero point of the result; x, its scale and zero point; ..`.
pub(super) fn concat(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let element = node.input(2)?.element;
    let written = Quantised::at(node, 0, element)?;
    if !(node.operands.len() - 2).is_multiple_of(3) {
        let count = node.operands.len();
        return Err(node.unsupported(format!(
            "it has {count} inputs, expected two and three for each tensor"
        )));
    }
    let read =
        |at: usize| Quantised::at(node, at + 1, element)?.reals(node, builder, node.input(at)?);
    let reals: Vec<Tensor> = (2..node.operands.len())
        .step_by(3)
        .map(read)
        .collect::<Result<_, _>>()?;
    let joined = float(node, builder, "Concat", reals)?;
    Ok(vec![written.of_reals(node, builder, &joined)?])
}
