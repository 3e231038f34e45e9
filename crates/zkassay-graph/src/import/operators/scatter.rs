//! Elements put at constant positions of a tensor: ScatterElements, ScatterND.

use super::{Builder, Family, NodeRef, Tensor};
use crate::import::shape;
use crate::op::{Binary, Reduction, Source};
use crate::{GraphError, Op};

pub(super) const OPERATORS: Family = &[
    ("Scatter", scatter_elements),
    ("ScatterElements", scatter_elements),
    ("ScatterND", scatter_nd),
];

/// The most factors that come together at a position.
const MAX_FACTORS: usize = 16;

/// The constant indices of operand 1.
fn indices(node: &NodeRef<'_>) -> Result<Vec<i64>, GraphError> {
    match node.input(1)?.is_constant() {
        true => Ok(node.integers(1)?.unwrap_or_default()),
        false => Err(node.unsupported(
            "its indices depend on the input: expected constants; to write a number at a position that the \
             input decides, compare positions with it and use Where",
        )),
    }
}

fn checked(node: &NodeRef<'_>, index: i64, dim: usize) -> Result<usize, GraphError> {
    shape::axis(index, dim)
        .ok_or_else(|| node.unsupported(format!("its index {index} is not within {dim} elements")))
}

fn scatter_elements(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let (x, updates) = (node.input(0)?, node.input(2)?);
    let axis = node.axis("axis", 0, x.rank())?;
    let of = &node.input(1)?.shape;
    let fits = of.len() == x.rank() && (0..of.len()).all(|i| i == axis || of[i] <= x.shape[i]);
    if !fits {
        return Err(node.mismatch("the indices", of, format!("at most {:?}", x.shape)));
    }
    if updates.shape != *of {
        return Err(node.mismatch("the updates", &updates.shape, format!("{of:?}")));
    }
    let chosen = indices(node)?;
    builder.charge_places(node, of)?;
    let strides = shape::strides(&x.shape);
    let mut steps = strides.clone();
    steps[axis] = 0;
    let starts = shape::walk(of, &steps, 0);
    let places = starts.into_iter().zip(chosen).map(|(start, index)| {
        let index = checked(node, index, x.shape[axis])?;
        Ok(start + index * strides[axis])
    });
    let places: Vec<usize> = places.collect::<Result<_, GraphError>>()?;
    Ok(vec![scattered(node, builder, (x, updates), &places)?])
}

fn scatter_nd(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let (x, updates) = (node.input(0)?, node.input(2)?);
    let of = &node.input(1)?.shape;
    let depth = of.last().copied().unwrap_or(0);
    if depth == 0 || depth > x.rank() {
        let expected = format!("[.., n] with n up to {}", x.rank());
        return Err(node.mismatch("the indices", of, expected));
    }
    let (taken, kept) = x.shape.split_at(depth);
    let expected = [&of[..of.len() - 1], kept].concat();
    if updates.shape != expected {
        return Err(node.mismatch("the updates", &updates.shape, format!("{expected:?}")));
    }
    let chosen = indices(node)?;
    builder.charge_places(node, &expected)?;
    let strides = shape::strides(&x.shape);
    let run: usize = kept.iter().product();
    let mut places = Vec::with_capacity(updates.len());
    for coordinates in chosen.chunks(depth) {
        let mut start = 0;
        for ((index, dim), stride) in coordinates.iter().zip(taken).zip(&strides) {
            start += checked(node, *index, *dim)? * stride;
        }
        places.extend(start..start + run);
    }
    Ok(vec![scattered(node, builder, (x, updates), &places)?])
}

/// `x` with update `i` at `places[i]`, in place of what is there or together with it.
fn scattered(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    (x, updates): (&Tensor, &Tensor),
    places: &[usize],
) -> Result<Tensor, GraphError> {
    let len = builder.charge_places(node, &x.shape)?;
    let source = |operand, index: usize| Source::Element {
        operand,
        index: index as u32,
    };
    let reduction = match node.string("reduction", "none")?.as_str() {
        "none" => {
            let mut sources: Vec<Source> = (0..len).map(|at| source(0, at)).collect();
            for (update, place) in places.iter().enumerate() {
                sources[*place] = source(1, update);
            }
            return builder.rearrange(node, &[x, updates], sources, x.shape.clone());
        }
        "mul" => return multiplied(node, builder, (x, updates), places),
        "add" => Reduction::Sum,
        "max" => Reduction::Max,
        "min" => Reduction::Min,
        other => {
            let expected = "expected none, add, mul, max or min";
            return Err(node.unsupported(format!("reduction is {other}, {expected}")));
        }
    };
    // Each element with its updates behind it.
    builder.charge(node, 8 * len + 8 * places.len())?;
    let both = (0..len)
        .map(|at| source(0, at))
        .chain((0..places.len()).map(|update| source(1, update)))
        .collect();
    let all = builder.rearrange(node, &[x, updates], both, vec![len + places.len()])?;
    let mut groups: Vec<Vec<u32>> = (0..len).map(|at| vec![at as u32]).collect();
    for (update, place) in places.iter().enumerate() {
        groups[*place].push((len + update) as u32);
    }
    builder.push(
        node,
        Op::Reduce { reduction, groups },
        &[&all],
        x.shape.clone(),
    )
}

/// Products, one update of each place after the other.
fn multiplied(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    (x, updates): (&Tensor, &Tensor),
    places: &[usize],
) -> Result<Tensor, GraphError> {
    let mut left: Vec<Option<usize>> = places.iter().copied().map(Some).collect();
    let mut result = x.clone();
    for _ in 0..MAX_FACTORS {
        if left.iter().all(Option::is_none) {
            return Ok(result);
        }
        let len = builder.charge_places(node, &x.shape)?;
        let mut sources = vec![Source::Constant(1.0); len];
        for (update, place) in left.iter_mut().enumerate() {
            if let Some(at) = *place
                && sources[at] == Source::Constant(1.0)
            {
                sources[at] = Source::Element {
                    operand: 0,
                    index: update as u32,
                };
                *place = None;
            }
        }
        let factors = builder.rearrange(node, &[updates], sources, x.shape.clone())?;
        result = builder.binary(node, Binary::Multiply, &result, &factors)?;
    }
    match left.iter().all(Option::is_none) {
        true => Ok(result),
        false => Err(node.unsupported(format!(
            "more than {MAX_FACTORS} updates are multiplied at one position"
        ))),
    }
}
