//! Other shapes for the same elements, and what leaves a tensor as it is: no nodes at all.

use super::{Builder, Family, NodeRef, Tensor};
use crate::GraphError;
use crate::import::tensor::DataType;

pub(super) const OPERATORS: Family = &[
    ("Reshape", reshape),
    ("Flatten", flatten),
    ("Squeeze", squeeze),
    ("Unsqueeze", unsqueeze),
    ("Identity", |node, _| Ok(vec![node.input(0)?.clone()])),
    ("Dropout", dropout),
];

/// 0 keeps a dimension (unless `allowzero`), -1 is what is left.
fn reshape(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let Some(wanted) = node.integers(1)? else {
        return Err(node.unsupported("it has no shape"));
    };
    let allow_zero = node.flag("allowzero", false)?;
    let refuse = || node.mismatch("the operand", &x.shape, format!("elements for {wanted:?}"));
    let mut shape = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (axis, dim) in wanted.iter().enumerate() {
        shape.push(match dim {
            0 if !allow_zero => *x.shape.get(axis).ok_or_else(refuse)?,
            -1 if open.is_none() => {
                open = Some(axis);
                1
            }
            dim => usize::try_from(*dim).map_err(|_| refuse())?,
        });
    }
    if let Some(axis) = open {
        let product = |len: usize, dim: &usize| len.checked_mul(*dim);
        let rest = shape.iter().try_fold(1, product).filter(|rest| *rest > 0);
        shape[axis] = rest.map(|rest| x.len() / rest).ok_or_else(refuse)?;
    }
    Ok(vec![builder.reshape(node, x, shape)?])
}

fn flatten(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let axis = node.int("axis", 1)?;
    let at = match usize::try_from(axis) {
        Ok(axis) if axis == x.rank() => axis,
        _ => node.check_axis(axis, x.rank())?,
    };
    let (before, behind) = x.shape.split_at(at);
    let shape = vec![before.iter().product(), behind.iter().product()];
    Ok(vec![builder.reshape(node, x, shape)?])
}

fn squeeze(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let axes = match node.integers_or(1, "axes")? {
        Some(axes) => checked_axes(node, &axes, x.rank())?,
        None => (0..x.rank()).filter(|axis| x.shape[*axis] == 1).collect(),
    };
    if axes.iter().any(|axis| x.shape[*axis] != 1) {
        return Err(node.mismatch(
            "the operand",
            &x.shape,
            format!("1 along the axes {axes:?}"),
        ));
    }
    let kept = (0..x.rank()).filter(|axis| !axes.contains(axis));
    let shape = kept.map(|axis| x.shape[axis]).collect();
    Ok(vec![builder.reshape(node, x, shape)?])
}

fn unsqueeze(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let Some(axes) = node.integers_or(1, "axes")? else {
        return Err(node.unsupported("it has no axes"));
    };
    let axes = checked_axes(node, &axes, x.rank() + axes.len())?;
    let mut old = x.shape.iter();
    let dim = |axis| match axes.contains(&axis) {
        true => 1,
        false => old.next().copied().unwrap_or(1),
    };
    let shape = (0..x.rank() + axes.len()).map(dim).collect();
    Ok(vec![builder.reshape(node, x, shape)?])
}

/// Axes of a tensor of `rank` axes, none named twice.
pub(super) fn checked_axes(
    node: &NodeRef<'_>,
    axes: &[i64],
    rank: usize,
) -> Result<Vec<usize>, GraphError> {
    let axes = axes.iter().map(|axis| node.check_axis(*axis, rank));
    let axes: Vec<usize> = axes.collect::<Result<_, _>>()?;
    let mut sorted = axes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    match sorted.len() == axes.len() {
        true => Ok(axes),
        false => Err(node.unsupported(format!("its axes {axes:?} name one twice"))),
    }
}

/// In inference, the row passes unchanged.
fn dropout(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    if node.opset >= 12 && node.scalar(2)?.is_some_and(|training| training != 0.0) {
        return Err(node.unsupported("it is in training mode: export the model for inference"));
    }
    let x = node.input(0)?;
    let mut written = vec![x.clone()];
    if node.outputs() > 1 {
        let len = builder.charge_shape(node, &x.shape)?;
        written.push(Tensor::constant(
            x.shape.clone(),
            DataType::Bool,
            vec![1.0; len],
        ));
    }
    Ok(written)
}
