//! Parts of a tensor, and margins around it: Slice, Pad.

use super::reshape::checked_axes;
use super::{Builder, Family, NodeRef, Tensor};
use crate::GraphError;
use crate::import::shape;
use crate::op::Source;

pub(super) const OPERATORS: Family = &[("Slice", slice), ("Pad", pad)];

/// Bounds as inputs since operator set 10, as attributes before.
fn slice(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let read = |index, name| match node.opset >= 10 {
        true => node.integers(index),
        false => Ok(node.ints(name)?.map(<[i64]>::to_vec)),
    };
    let (Some(starts), Some(ends)) = (read(1, "starts")?, read(2, "ends")?) else {
        return Err(node.unsupported("it has no starts or no ends"));
    };
    let axes = read(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = read(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(node.unsupported("its starts, ends, axes and steps are not as many"));
    }
    let axes = checked_axes(node, &axes, x.rank())?;
    charge_lists(node, builder, &x.shape)?;
    let mut lists: Vec<Vec<Option<usize>>> = x
        .shape
        .iter()
        .map(|dim| (0..*dim).map(Some).collect())
        .collect();
    for (i, axis) in axes.into_iter().enumerate() {
        if steps[i] == 0 {
            return Err(node.unsupported("one of its steps is 0"));
        }
        lists[axis] = range(x.shape[axis], starts[i], ends[i], steps[i]);
    }
    let shape: Vec<usize> = lists.iter().map(Vec::len).collect();
    builder.charge(node, 8 * shape.iter().product::<usize>())?;
    let positions = shape::grid(&x.shape, &lists).into_iter().flatten();
    Ok(vec![builder.select(node, x, positions, shape)?])
}

/// Charges a list of the indices of every axis, of which each takes some memory, too.
fn charge_lists(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    shape: &[usize],
) -> Result<(), GraphError> {
    let sum = shape
        .iter()
        .fold(0usize, |sum, dim| sum.saturating_add(*dim));
    builder.charge(node, sum.saturating_mul(64))
}

/// The indices `start, start + step, ...` before `end`, as numpy clamps them.
fn range(dim: usize, start: i64, end: i64, step: i64) -> Vec<Option<usize>> {
    let dim = dim as i64;
    let from_start = |i: i64| if i < 0 { i.saturating_add(dim) } else { i };
    let (low, high) = if step > 0 { (0, dim) } else { (-1, dim - 1) };
    let start = from_start(start).clamp(low.max(0).min(high), high);
    let end = from_start(end).clamp(low, high);
    let mut indices = Vec::new();
    let mut i = start;
    while if step > 0 { i < end } else { i > end } {
        indices.push(usize::try_from(i).ok());
        i = i.saturating_add(step);
    }
    indices
}

/// Margins as an input since operator set 11, as an attribute before.
fn pad(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let is_old = node.opset < 11;
    let pads = match is_old {
        true => node.ints("pads")?.map(<[i64]>::to_vec),
        false => node.integers(1)?,
    };
    let Some(pads) = pads else {
        return Err(node.unsupported("it has no pads"));
    };
    let value = match is_old {
        true => node.float("value", 0.0)?,
        false => node.scalar(2)?.unwrap_or(0.0),
    };
    let axes = match node.integers(3)? {
        Some(axes) if !is_old => checked_axes(node, &axes, x.rank())?,
        _ => (0..x.rank()).collect(),
    };
    if axes.len().checked_mul(2) != Some(pads.len()) {
        let (pads, axes) = (pads.len(), axes.len());
        return Err(node.unsupported(format!("it has {pads} pads for {axes} axes")));
    }
    let mode = node.string("mode", "constant")?;
    let margins: Vec<(usize, i64, i64)> = (0..axes.len())
        .map(|i| (axes[i], pads[i], pads[axes.len() + i]))
        .collect();
    padded(node, builder, x, &margins, &mode, value).map(|tensor| vec![tensor])
}

/// A tensor with margins: axis, before, behind; negative ones cut off.
pub(super) fn padded(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    margins: &[(usize, i64, i64)],
    mode: &str,
    value: f32,
) -> Result<Tensor, GraphError> {
    if !["constant", "reflect", "edge", "wrap"].contains(&mode) {
        let modes = "constant, reflect, edge or wrap";
        return Err(node.unsupported(format!("mode is {mode}, expected {modes}")));
    }
    let mut shape = x.shape.clone();
    for &(axis, before, behind) in margins {
        let dim = (shape[axis] as i64)
            .checked_add(before)
            .and_then(|d| d.checked_add(behind));
        let dim = dim.and_then(|dim| usize::try_from(dim).ok());
        shape[axis] = dim.ok_or_else(|| node.unsupported("its pads leave nothing over"))?;
    }
    builder.charge_places(node, &shape)?;
    charge_lists(node, builder, &x.shape)?;
    let mut lists: Vec<Vec<Option<usize>>> = x
        .shape
        .iter()
        .map(|dim| (0..*dim).map(Some).collect())
        .collect();
    for &(axis, before, _) in margins {
        let dim = x.shape[axis] as i64;
        let index =
            |i: usize| usize::try_from(reach((i as i64).saturating_sub(before), dim, mode)?).ok();
        lists[axis] = (0..shape[axis]).map(index).collect();
    }
    let source = |position: Option<usize>| match position {
        Some(index) => Source::Element {
            operand: 0,
            index: index as u32,
        },
        None => Source::Constant(value),
    };
    let sources = shape::grid(&x.shape, &lists)
        .into_iter()
        .map(source)
        .collect();
    builder.rearrange(node, &[x], sources, shape)
}

/// The index that is read for index `i`, which may be outside; `None` for the constant.
fn reach(i: i64, dim: i64, mode: &str) -> Option<i64> {
    let inside = (0..dim).contains(&i);
    match mode {
        _ if inside => Some(i),
        _ if dim == 0 => None,
        "edge" => Some(i.clamp(0, dim - 1)),
        "wrap" => Some(i.rem_euclid(dim)),
        "reflect" if dim == 1 => Some(0),
        "reflect" => {
            let i = i.rem_euclid(2 * (dim - 1));
            Some(i.min(2 * (dim - 1) - i))
        }
        _ => None,
    }
}
