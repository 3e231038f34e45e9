//! Elements at constant positions: Gather, GatherElements, GatherND.

use super::lookup::{gathered, gathered_elements};
use super::{Builder, Family, NodeRef, Tensor};
use crate::GraphError;
use crate::import::shape;

pub(super) const OPERATORS: Family = &[
    ("Gather", gather),
    ("GatherElements", gather_elements),
    ("GatherND", gather_nd),
    ("ReverseSequence", reverse_sequence),
];

/// The constant indices of operand 1.
fn indices(node: &NodeRef<'_>) -> Result<Vec<i64>, GraphError> {
    match node.input(1)?.is_constant() {
        true => Ok(node.integers(1)?.unwrap_or_default()),
        false => Err(node.unsupported(
            "its indices depend on the input: expected constants, or a Gather of whole rows",
        )),
    }
}

fn checked(node: &NodeRef<'_>, index: i64, dim: usize) -> Result<usize, GraphError> {
    shape::axis(index, dim)
        .ok_or_else(|| node.unsupported(format!("its index {index} is not within {dim} elements")))
}

fn gather(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let axis = node.axis("axis", 0, x.rank())?;
    if !node.input(1)?.is_constant() {
        return Ok(vec![gathered(node, builder, x, node.input(1)?, axis)?]);
    }
    let chosen = indices(node)?;
    let of = node.input(1)?.shape.clone();
    let (before, behind) = (&x.shape[..axis], &x.shape[axis + 1..]);
    let shape = [before, &of, behind].concat();
    builder.charge_places(node, &shape)?;
    let dim = x.shape[axis];
    let chosen = chosen.into_iter().map(|i| checked(node, i, dim).map(Some));
    let chosen: Vec<Option<usize>> = chosen.collect::<Result<_, _>>()?;
    // The other axes are the output's, too, and so not long; this one may be.
    let list = |(at, dim): (usize, &usize)| match at == axis {
        true => chosen.clone(),
        false => (0..*dim).map(Some).collect(),
    };
    let lists: Vec<Vec<Option<usize>>> = x.shape.iter().enumerate().map(list).collect();
    let positions = shape::grid(&x.shape, &lists).into_iter().flatten();
    Ok(vec![builder.select(node, x, positions, shape)?])
}

fn gather_elements(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let axis = node.axis("axis", 0, x.rank())?;
    let shape = node.input(1)?.shape.clone();
    let fits =
        shape.len() == x.rank() && (0..shape.len()).all(|i| i == axis || shape[i] <= x.shape[i]);
    if !fits {
        return Err(node.mismatch("the indices", &shape, format!("at most {:?}", x.shape)));
    }
    builder.charge_places(node, &shape)?;
    if !node.input(1)?.is_constant() {
        return Ok(vec![gathered_elements(
            node,
            builder,
            x,
            node.input(1)?,
            axis,
        )?]);
    }
    let chosen = indices(node)?;
    let strides = shape::strides(&x.shape);
    let mut steps = strides.clone();
    steps[axis] = 0;
    let starts = shape::walk(&shape, &steps, 0);
    let positions = starts.into_iter().zip(chosen).map(|(start, index)| {
        let index = checked(node, index, x.shape[axis])?;
        Ok(start + index * strides[axis])
    });
    let positions: Vec<usize> = positions.collect::<Result<_, GraphError>>()?;
    Ok(vec![builder.select(node, x, positions, shape)?])
}

fn gather_nd(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    if node.int("batch_dims", 0)? != 0 {
        return Err(node.unsupported("batch_dims is set, expected 0"));
    }
    let chosen = indices(node)?;
    let of = node.input(1)?.shape.clone();
    let depth = of.last().copied().unwrap_or(0);
    if depth == 0 || depth > x.rank() {
        let expected = format!("[.., n] with n up to {}", x.rank());
        return Err(node.mismatch("the indices", &of, expected));
    }
    let (taken, kept) = x.shape.split_at(depth);
    let shape = [&of[..of.len() - 1], kept].concat();
    builder.charge_places(node, &shape)?;
    let strides = shape::strides(&x.shape);
    let run: usize = kept.iter().product();
    let mut positions = Vec::new();
    for coordinates in chosen.chunks(depth) {
        let mut start = 0;
        for ((index, dim), stride) in coordinates.iter().zip(taken).zip(&strides) {
            start += checked(node, *index, *dim)? * stride;
        }
        positions.extend(start..start + run);
    }
    Ok(vec![builder.select(node, x, positions, shape)?])
}

/// The first elements along the time axis in reverse order, as many as a constant says for each
/// element of the batch axis.
fn reverse_sequence(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let (x, lens) = (node.input(0)?, node.sizes(1)?);
    let time = node.axis("time_axis", 0, x.rank())?;
    let batch = node.axis("batch_axis", 1, x.rank())?;
    if lens.len() != x.shape[batch] || lens.iter().any(|len| *len > x.shape[time]) {
        let expected = format!("lengths that fit {lens:?}");
        return Err(node.mismatch("the operand", &x.shape, expected));
    }
    builder.charge(node, x.len())?;
    let stride = shape::strides(&x.shape)[time];
    let reversed = |position| {
        let at = shape::coordinates(position, &x.shape);
        let (i, len) = (at[time], lens[at[batch]]);
        match i < len {
            true => position - i * stride + (len - 1 - i) * stride,
            false => position,
        }
    };
    let positions = (0..x.len()).map(reversed);
    Ok(vec![builder.select(node, x, positions, x.shape.clone())?])
}
