//! Elements in other places: Transpose, Concat, Split, Expand, Tile, and blocks.

use super::{Builder, Family, NodeRef, Tensor};
use crate::GraphError;
use crate::import::shape;
use crate::op::Source;

pub(super) const OPERATORS: Family = &[
    ("Transpose", transpose),
    ("Concat", concat),
    ("Split", split),
    ("Expand", expand),
    ("Tile", tile),
    ("DepthToSpace", depth_to_space),
    ("SpaceToDepth", space_to_depth),
];

fn transpose(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let order: Vec<usize> = match node.ints("perm")? {
        None => (0..x.rank()).rev().collect(),
        Some(order) => order
            .iter()
            .map(|axis| node.check_axis(*axis, x.rank()))
            .collect::<Result<_, _>>()?,
    };
    Ok(vec![builder.transpose(node, x, &order)?])
}

fn concat(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let operands = node.inputs()?;
    let axis = node.axis("axis", 0, node.input(0)?.rank())?;
    Ok(vec![joined(node, builder, &operands, axis)?])
}

/// Tensors behind each other along an axis.
pub(super) fn joined(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    operands: &[&Tensor],
    axis: usize,
) -> Result<Tensor, GraphError> {
    let Some(first) = operands.first().filter(|x| axis < x.rank()) else {
        return Err(node.unsupported(format!("it has no axis {axis}")));
    };
    let mut shape = first.shape.clone();
    let mut total = 0usize;
    for operand in operands {
        let fits = operand.rank() == shape.len()
            && (0..shape.len()).all(|i| i == axis || operand.shape[i] == shape[i]);
        if !fits {
            let expected = format!("{shape:?} but for axis {axis}");
            return Err(node.mismatch("an operand", &operand.shape, expected));
        }
        total = total.saturating_add(operand.shape[axis]);
    }
    shape[axis] = total;
    builder.charge_places(node, &shape)?;
    let outer: usize = shape[..axis].iter().product();
    let mut sources = Vec::new();
    for run in 0..outer {
        for (operand, x) in (0u32..).zip(operands) {
            let len: usize = x.shape[axis..].iter().product();
            let element = |index| Source::Element {
                operand,
                index: index as u32,
            };
            sources.extend((run * len..(run + 1) * len).map(element));
        }
    }
    builder.rearrange(node, operands, sources, shape)
}

fn split(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let axis = node.axis("axis", 0, x.rank())?;
    let dim = x.shape[axis];
    let sizes: Vec<usize> = match node.integers_or(1, "split")? {
        Some(sizes) => sizes
            .iter()
            .map(|size| usize::try_from(*size).unwrap_or(usize::MAX))
            .collect(),
        None => {
            let count = node.int("num_outputs", node.outputs() as i64)?;
            let count = usize::try_from(count).unwrap_or(0).clamp(1, dim.max(1));
            let size = dim.div_ceil(count);
            let start = |i: usize| (i * size).min(dim);
            (0..count).map(|i| start(i + 1) - start(i)).collect()
        }
    };
    let total = sizes
        .iter()
        .try_fold(0usize, |sum, size| sum.checked_add(*size));
    if total != Some(dim) {
        let reason = format!("its parts {sizes:?} do not make up the {dim} along axis {axis}");
        return Err(node.unsupported(reason));
    }
    let mut parts = Vec::with_capacity(sizes.len());
    let mut start = 0;
    for size in sizes {
        let mut shape = x.shape.clone();
        shape[axis] = size;
        builder.charge(node, 8 * shape.iter().product::<usize>())?;
        let strides = shape::strides(&x.shape);
        let positions = shape::walk(&shape, &strides, start * strides[axis]);
        parts.push(builder.select(node, x, positions, shape)?);
        start += size;
    }
    Ok(parts)
}

fn expand(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let wanted = node.sizes(1)?;
    let common = shape::broadcast(&x.shape, &wanted);
    let shape = common.ok_or_else(|| {
        let expected = format!("a shape that broadcasts with {wanted:?}");
        node.mismatch("the operand", &x.shape, expected)
    })?;
    Ok(vec![builder.broadcast(node, x, &shape)?])
}

fn tile(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let repeats = node.sizes(1)?;
    if repeats.len() != x.rank() {
        return Err(node.mismatch("the operand", &x.shape, format!("{} axes", repeats.len())));
    }
    let dims = x.shape.iter().zip(&repeats);
    let shape: Vec<usize> = dims
        .map(|(dim, times)| dim.saturating_mul(*times))
        .collect();
    builder.charge_places(node, &shape)?;
    let along = |(dim, total): (&usize, &usize)| (0..*total).map(|i| Some(i % dim)).collect();
    let lists: Vec<Vec<_>> = x.shape.iter().zip(&shape).map(along).collect();
    let positions = shape::grid(&x.shape, &lists).into_iter().flatten();
    Ok(vec![builder.select(node, x, positions, shape)?])
}

/// `[n, c, h, w]` and the block size.
fn image(node: &NodeRef<'_>, x: &Tensor) -> Result<([usize; 4], usize), GraphError> {
    let &[n, c, h, w] = x.shape.as_slice() else {
        return Err(node.mismatch("the operand", &x.shape, "[n, c, h, w]"));
    };
    let size = usize::try_from(node.int("blocksize", 0)?).unwrap_or(0);
    match size > 0 && size <= x.len() {
        true => Ok(([n, c, h, w], size)),
        false => Err(node.unsupported(format!("its blocksize is {size}"))),
    }
}

fn depth_to_space(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let ([n, c, h, w], b) = image(node, x)?;
    let (split, order) = match node.string("mode", "DCR")?.as_str() {
        "DCR" => (vec![n, b, b, c / b / b, h, w], [0, 3, 4, 1, 5, 2]),
        "CRD" => (vec![n, c / b / b, b, b, h, w], [0, 1, 4, 2, 5, 3]),
        other => return Err(node.unsupported(format!("mode is {other}, expected DCR or CRD"))),
    };
    let x = builder.reshape(node, x, split)?;
    let x = builder.transpose(node, &x, &order)?;
    let shape = vec![n, c / b / b, h * b, w * b];
    Ok(vec![builder.reshape(node, &x, shape)?])
}

fn space_to_depth(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let ([n, c, h, w], b) = image(node, x)?;
    let x = builder.reshape(node, x, vec![n, c, h / b, b, w / b, b])?;
    let x = builder.transpose(node, &x, &[0, 3, 5, 1, 2, 4])?;
    let shape = vec![n, c * b * b, h / b, w / b];
    Ok(vec![builder.reshape(node, &x, shape)?])
}
