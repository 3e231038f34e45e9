//! Sums, means, extremes and norms along axes.

use super::reshape::checked_axes;
use super::{Builder, Family, NodeRef, Tensor};
use crate::import::shape;
use crate::op::{Binary, Dense, Function, Reduction};
use crate::{GraphError, Op};

pub(super) const OPERATORS: Family = &[
    ("ReduceSum", |node, builder| {
        Ok(vec![plain(node, builder, Reduction::Sum)?])
    }),
    ("ReduceMean", |node, builder| {
        Ok(vec![plain(node, builder, Reduction::Mean)?])
    }),
    ("ReduceMax", |node, builder| {
        Ok(vec![plain(node, builder, Reduction::Max)?])
    }),
    ("ReduceMin", |node, builder| {
        Ok(vec![plain(node, builder, Reduction::Min)?])
    }),
    ("ReduceL1", |node, builder| {
        Ok(vec![plain(node, builder, Reduction::L1)?])
    }),
    ("ReduceL2", |node, builder| {
        Ok(vec![plain(node, builder, Reduction::L2)?])
    }),
    ("ReduceSumSquare", |node, builder| {
        let axes = Axes::of(node)?;
        let squares = builder.map(node, Function::Power(2), node.input(0)?)?;
        Ok(vec![reduce(
            node,
            builder,
            &squares,
            &axes,
            Reduction::Sum,
        )?])
    }),
    ("ReduceLogSum", |node, builder| {
        let sum = plain(node, builder, Reduction::Sum)?;
        Ok(vec![builder.map(node, Function::Log, &sum)?])
    }),
    ("ReduceLogSumExp", log_sum_exp),
    ("ReduceProd", product),
    ("CumSum", cumulative),
];

/// Along which axes to reduce, and what shape is left.
struct Axes {
    axes: Vec<usize>,
    keep: bool,
}

impl Axes {
    fn of(node: &NodeRef<'_>) -> Result<Self, GraphError> {
        let rank = node.input(0)?.rank();
        let axes = match node.integers_or(1, "axes")? {
            Some(axes) if !axes.is_empty() => checked_axes(node, &axes, rank)?,
            _ if node.flag("noop_with_empty_axes", false)? => vec![],
            _ => (0..rank).collect(),
        };
        Ok(Self {
            axes,
            keep: node.flag("keepdims", true)?,
        })
    }

    /// The shape with the axes of size 1.
    fn kept(&self, shape: &[usize]) -> Vec<usize> {
        let one = |(axis, dim): (usize, &usize)| if self.axes.contains(&axis) { 1 } else { *dim };
        shape.iter().enumerate().map(one).collect()
    }

    fn shape(&self, shape: &[usize]) -> Vec<usize> {
        if self.keep {
            return self.kept(shape);
        }
        let left = (0..shape.len()).filter(|axis| !self.axes.contains(axis));
        left.map(|axis| shape[axis]).collect()
    }
}

fn plain(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    reduction: Reduction,
) -> Result<Tensor, GraphError> {
    reduce(node, builder, node.input(0)?, &Axes::of(node)?, reduction)
}

fn reduce(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    axes: &Axes,
    reduction: Reduction,
) -> Result<Tensor, GraphError> {
    let shape = axes.shape(&x.shape);
    if axes.axes.iter().all(|axis| x.shape[*axis] == 1) {
        let same = match reduction {
            Reduction::L1 | Reduction::L2 => builder.map(node, Function::Abs, x)?,
            _ => x.clone(),
        };
        return builder.reshape(node, &same, shape);
    }
    builder.charge(node, 2 * x.len())?;
    let groups = shape::groups(&x.shape, &axes.axes);
    builder.push(node, Op::Reduce { reduction, groups }, &[x], shape)
}

/// `m + log sum exp(x - m)` for the greatest `m`, which never overflows.
fn log_sum_exp(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let (x, axes) = (node.input(0)?, Axes::of(node)?);
    let greatest = reduce(node, builder, x, &axes, Reduction::Max)?;
    let kept = builder.reshape(node, &greatest, axes.kept(&x.shape))?;
    let centred = builder.binary(node, Binary::Subtract, x, &kept)?;
    let powers = builder.map(node, Function::Exp, &centred)?;
    let sum = reduce(node, builder, &powers, &axes, Reduction::Sum)?;
    let logarithm = builder.map(node, Function::Log, &sum)?;
    Ok(vec![builder.binary(
        node,
        Binary::Add,
        &logarithm,
        &greatest,
    )?])
}

/// The most factors of a product.
const MAX_FACTORS: usize = 16;

/// Products, factor by factor.
fn product(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let (x, axes) = (node.input(0)?, Axes::of(node)?);
    let shape = axes.shape(&x.shape);
    builder.charge_shape(node, &x.shape)?;
    builder.charge(node, 2 * x.len())?;
    let groups = shape::groups(&x.shape, &axes.axes);
    let factors = groups.first().map_or(0, Vec::len);
    if factors > MAX_FACTORS && !x.is_constant() {
        let reason = format!("its products have {factors} factors, expected at most {MAX_FACTORS}");
        return Err(node.unsupported(reason));
    }
    let mut result: Option<Tensor> = None;
    for i in 0..factors {
        let positions = groups.iter().map(|group| group[i] as usize);
        let factor = builder.select(node, x, positions, shape.clone())?;
        result = Some(match result {
            Some(result) => builder.binary(node, Binary::Multiply, &result, &factor)?,
            None => factor,
        });
    }
    result
        .map(|result| vec![result])
        .ok_or_else(|| node.unsupported("its operand is empty"))
}

/// Running sums along an axis: a triangular matrix of ones.
fn cumulative(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let Some(axis) = node.scalar(1)? else {
        return Err(node.unsupported("it has no axis"));
    };
    let axis = node.check_axis(axis as i64, x.rank())?;
    let (exclusive, reverse) = (node.flag("exclusive", false)?, node.flag("reverse", false)?);
    let n = x.shape[axis];
    builder.charge(node, n.saturating_mul(n))?;
    let weight = |(to, from): (usize, usize)| {
        let (first, last) = if reverse { (to, from) } else { (from, to) };
        f32::from(u8::from(first < last || first == last && !exclusive))
    };
    let dense = Dense {
        weights: ndarray::Array2::from_shape_fn((n, n), weight),
        bias: ndarray::Array1::zeros(n),
    };
    let mut order: Vec<usize> = (0..x.rank()).collect();
    order.swap(axis, x.rank() - 1);
    let moved = builder.transpose(node, x, &order)?;
    let sums = builder.push(node, Op::Dense(dense), &[&moved], moved.shape.clone())?;
    Ok(vec![builder.transpose(node, &sums, &order)?])
}
