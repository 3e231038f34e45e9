//! Elements at positions that depend on the input, by comparing them with every position.
//!
//! A position is turned into a vector of truth values with a single one: a product with it picks
//! the element. Positions beyond the end pick zero, where onnxruntime stops with an error. Strings
//! of the input are positions, too, and equal a constant string where they have its position.

use super::dense::product;
use super::{Builder, Family, NodeRef, Tensor};
use crate::import::shape;
use crate::import::tensor::{Content, DataType, Kind};
use crate::op::{Arithmetic, Binary, Function, Reduction};
use crate::{GraphError, Op};

pub(super) const OPERATORS: Family = &[("OneHot", one_hot)];

/// The most comparisons that one node may take.
const MAX_COMPARISONS: usize = 1 << 20;

/// Elements of `x` along `axis` at the positions `indices`, as `Gather` has them.
pub(super) fn gathered(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    indices: &Tensor,
    axis: usize,
) -> Result<Tensor, GraphError> {
    let dim = x.shape[axis];
    let (before, behind) = (&x.shape[..axis], &x.shape[axis + 1..]);
    let shape = [before, &indices.shape, behind].concat();
    let outer: usize = before.iter().product();
    let inner: usize = behind.iter().product();
    let truths = compared(node, builder, indices, dim)?;
    let matrix = match outer {
        1 => vec![dim, inner],
        _ => vec![outer, dim, inner],
    };
    let x = builder.reshape(node, x, matrix)?;
    let picked = product(node, builder, &truths, &x)?;
    builder.reshape(node, &picked.typed(x.element), shape)
}

/// Elements of `x` along `axis`, each at a position of its own, as `GatherElements` has them.
pub(super) fn gathered_elements(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    indices: &Tensor,
    axis: usize,
) -> Result<Tensor, GraphError> {
    let dim = x.shape[axis];
    let truths = compared(node, builder, indices, dim)?;
    // All elements along the axis, for each position.
    let strides = shape::strides(&x.shape);
    let mut steps = strides.clone();
    steps[axis] = 0;
    let starts = shape::walk(&indices.shape, &steps, 0);
    let candidates = starts
        .into_iter()
        .flat_map(|start| (0..dim).map(move |i| (start, i)))
        .map(|(start, i)| start + i * strides[axis]);
    let candidates = builder.select(node, x, candidates, truths.shape.clone())?;
    let picked = builder.binary(node, Binary::Multiply, &truths, &candidates)?;
    let groups = shape::groups(&picked.shape, &[1]);
    let reduction = Reduction::Sum;
    let op = Op::Reduce { reduction, groups };
    let sums = builder.push(node, op, &[&picked], indices.shape.clone())?;
    Ok(sums.typed(x.element))
}

/// `[positions, dim]`: 1 where a position is that of the column, else 0.
fn compared(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    indices: &Tensor,
    dim: usize,
) -> Result<Tensor, GraphError> {
    let len = indices.len();
    if len
        .checked_mul(dim)
        .is_none_or(|count| count > MAX_COMPARISONS)
    {
        return Err(node.unsupported(format!(
            "its {len} indices depend on the input and are within {dim}: expected at most \
             {MAX_COMPARISONS} comparisons"
        )));
    }
    builder.charge(node, 4 * len * dim)?;
    let indices = indices.clone().typed(DataType::Float);
    let indices = match is_position(builder, &indices) {
        true => indices,
        // Negative ones count from the end.
        false => {
            let zero = Tensor::constant(vec![], DataType::Float, vec![0.0]);
            let negative = builder.binary(node, Binary::Less, &indices, &zero)?;
            let shift = builder.with_scalar(node, Arithmetic::Multiply, &negative, dim as f32)?;
            builder.binary(node, Binary::Add, &indices, &shift)?
        }
    };
    let repeated = (0..len).flat_map(|j| std::iter::repeat_n(j, dim));
    let spread = builder.select(node, &indices, repeated, vec![len, dim])?;
    let columns = (0..len).flat_map(|_| (0..dim).map(|i| i as f32)).collect();
    let columns = Tensor::constant(vec![len, dim], DataType::Float, columns);
    let truths = builder.binary(node, Binary::Equal, &spread, &columns)?;
    Ok(truths.typed(DataType::Float))
}

/// Whether a tensor is what `ArgMax`, `TopK` and their like write: never negative.
fn is_position(builder: &Builder, x: &Tensor) -> bool {
    let op = match &x.content {
        Content::Value(value) => builder.op_of(*value),
        Content::View(view) => match view.values[..] {
            [value] => builder.op_of(value),
            _ => None,
        },
        _ => None,
    };
    let is_top = matches!(
        op,
        Some(Op::TopK {
            positions: true,
            ..
        })
    );
    is_top || matches!(op, Some(Op::ArgMax { .. }))
}

/// Where strings equal constant ones; `None` if the operands are no strings.
pub(super) fn same_text(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Option<Tensor>, GraphError> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    if a.kind() != Kind::Text && b.kind() != Kind::Text {
        return Ok(None);
    }
    let (x, constant) = match (a.strings(), b.strings()) {
        (_, Some(_)) => (a, b),
        (Some(_), None) => (b, a),
        (None, None) => {
            return Err(node.unsupported(
                "it compares strings with something that is no constant string: encode them before",
            ));
        }
    };
    if x.kind() != Kind::Text {
        return Err(node.unsupported("it compares strings with numbers"));
    }
    let shape = shape::broadcast(&x.shape, &constant.shape).ok_or_else(|| {
        let expected = format!("a shape that broadcasts with {:?}", x.shape);
        node.mismatch("the second operand", &constant.shape, expected)
    })?;
    builder.charge_places(node, &shape)?;
    let x = builder.broadcast(node, x, &shape)?;
    let constant = builder.broadcast(node, constant, &shape)?;
    let words = constant.strings().unwrap_or_default();
    if let Some(strings) = x.strings() {
        let pairs = strings.iter().zip(words);
        let truths = pairs.map(|(a, b)| f32::from(u8::from(a == b))).collect();
        return Ok(Some(Tensor::constant(shape, DataType::Bool, truths)));
    }
    let codes = words.iter().enumerate();
    let codes = codes.map(|(at, word)| builder.code(node, &x, at, word, false));
    let codes: Vec<f32> = codes.collect::<Result<_, _>>()?;
    let positions = x.typed(DataType::Int64);
    let differences = builder.with_constants(node, Arithmetic::Subtract, &positions, codes)?;
    let equal = builder.map(node, Function::Not, &differences)?;
    Ok(Some(equal.typed(DataType::Bool)))
}

/// `off`, and `on` at a position, along a new axis.
fn one_hot(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let indices = node.input(0)?;
    let depth = node.scalar(1)?.filter(|depth| *depth >= 1.0);
    let depth = depth.ok_or_else(|| node.unsupported("its depth is not a positive constant"))?;
    let Some(&[off, on]) = node.weights(2)? else {
        return Err(node.unsupported("its values are not two constants"));
    };
    let axis = node.axis("axis", -1, indices.rank() + 1)?;
    let truths = compared(node, builder, indices, depth as usize)?;
    let scaled = builder.with_scalar(node, Arithmetic::Multiply, &truths, on - off)?;
    let hot = builder.with_scalar(node, Arithmetic::Add, &scaled, off)?;
    let mut shape = indices.shape.clone();
    shape.push(depth as usize);
    let hot = builder.reshape(node, &hot, shape)?;
    let mut order: Vec<usize> = (0..indices.rank()).collect();
    order.insert(axis, indices.rank());
    let element = node.input(2)?.element;
    Ok(vec![builder.transpose(node, &hot, &order)?.typed(element)])
}
