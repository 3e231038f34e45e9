//! Products with matrices: Gemm, MatMul.

use ndarray::{Array1, Array2};

use super::{Builder, Family, NodeRef, Tensor};
use crate::import::shape;
use crate::op::{Arithmetic, Binary, Dense, MatMul};
use crate::{GraphError, Op};

pub(super) const OPERATORS: Family = &[("Gemm", gemm), ("MatMul", matmul)];

/// `alpha A' B' + beta C`, where a prime may transpose.
fn gemm(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let factors = (node.float("alpha", 1.0)?, node.float("beta", 1.0)?);
    Ok(vec![affine(node, builder, factors)?])
}

/// `alpha A' B' + beta C` for other factors than the node states.
pub(super) fn affine(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    (alpha, beta): (f32, f32),
) -> Result<Tensor, GraphError> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    node.weights_of(1, b)?;
    for operand in [a, b] {
        if operand.rank() != 2 {
            let hint = "two axes: put a Flatten before it";
            return Err(node.mismatch("an operand", &operand.shape, hint));
        }
    }
    let a = match node.flag("transA", false)? {
        true => builder.transpose(node, a, &[1, 0])?,
        false => a.clone(),
    };
    let b = match node.flag("transB", false)? {
        true => builder.transpose(node, b, &[1, 0])?,
        false => b.clone(),
    };
    let c = node.optional(2).filter(|_| beta != 0.0);
    let (inputs, outputs) = (b.shape[0], b.shape[1]);
    if a.shape[1] != inputs {
        return Err(weights_mismatch(node, a.shape[1]));
    }
    if let Some(elements) = node.weights_of(1, &b)?
        && !a.is_constant()
        && let Some(bias) = bias(node, c, outputs)?
    {
        let bias = scaled(node, "beta", beta, bias)?;
        let elements = scaled(node, "alpha", alpha, elements.to_vec())?;
        return dense(node, builder, &a, elements, inputs, outputs, bias);
    }
    let product = product(node, builder, &a, &b)?;
    let product = builder.with_scalar(node, Arithmetic::Multiply, &product, alpha)?;
    let Some(c) = c else {
        return Ok(product);
    };
    let c = builder.with_scalar(node, Arithmetic::Multiply, c, beta)?;
    let c = builder.broadcast(node, &c, &product.shape.clone())?;
    builder.binary(node, Binary::Add, &product, &c)
}

/// `C` of a Gemm as the bias of a dense layer; `None` if it is not the same for every row.
fn bias(
    node: &NodeRef<'_>,
    c: Option<&Tensor>,
    outputs: usize,
) -> Result<Option<Vec<f32>>, GraphError> {
    let Some(c) = c else {
        return Ok(Some(vec![0.0; outputs]));
    };
    if c.numbers().is_none() {
        return Ok(None);
    }
    let elements = node.weights(2)?.unwrap_or_default();
    match c.shape.as_slice() {
        [n] | [1, n] if *n == outputs => Ok(Some(elements.to_vec())),
        [] | [1] | [1, 1] => Ok(Some(vec![elements[0]; outputs])),
        [rows, n] if *rows > 1 && (*n == outputs || *n == 1) => Ok(None),
        found => {
            let expected = format!("[{outputs}], [1, {outputs}] or a scalar");
            Err(node.mismatch("the bias", found, expected))
        }
    }
}

/// `A B` over the last two axes, the others broadcast.
fn matmul(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    Ok(vec![product(node, builder, a, b)?])
}

/// The product of two tensors as numpy's `matmul` defines it.
pub(super) fn product(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    a: &Tensor,
    b: &Tensor,
) -> Result<Tensor, GraphError> {
    let scalar = "at least one axis";
    let Some(&inner) = a.shape.last() else {
        return Err(node.mismatch("the first operand", &a.shape, scalar));
    };
    if let Some(product) = with_constant(node, builder, a, b)? {
        return Ok(product);
    }
    let (rows, columns, second) = match *b.shape {
        [] => return Err(node.mismatch("the second operand", &b.shape, scalar)),
        [second] => (a.shape[..a.rank() - 1].last(), None, second),
        [.., second, columns] => (a.shape[..a.rank() - 1].last(), Some(columns), second),
    };
    let rows = rows.copied();
    if inner != second {
        let expected = format!("[.., {inner}, n] as the first operand is {:?}", a.shape);
        return Err(node.mismatch("the second operand", &b.shape, expected));
    }
    let (m, n) = (rows.unwrap_or(1), columns.unwrap_or(1));
    let batch = |x: &Tensor| x.shape[..x.rank().saturating_sub(2)].to_vec();
    let common = shape::broadcast(&batch(a), &batch(b)).ok_or_else(|| {
        let expected = format!("axes that broadcast with {:?}", a.shape);
        node.mismatch("the second operand", &b.shape, expected)
    })?;
    let full = |last: [usize; 2]| [common.as_slice(), &last].concat();
    let matrix = |x: &Tensor, last: [usize; 2]| [batch(x).as_slice(), &last].concat();
    let a = builder.reshape(node, a, matrix(a, [m, inner]))?;
    let a = builder.broadcast(node, &a, &full([m, inner]))?;
    let b = builder.reshape(node, b, matrix(b, [inner, n]))?;
    let b = builder.broadcast(node, &b, &full([inner, n]))?;
    let op = MatMul {
        batch: common.iter().product(),
        rows: m,
        inner,
        columns: n,
    };
    let product = builder.push(node, Op::MatMul(op), &[&a, &b], full([m, n]))?;
    let written = [common.as_slice(), rows.as_slice(), columns.as_slice()].concat();
    builder.reshape(node, &product, written)
}

/// The product if one side is a constant matrix or vector, and the other is a value: a dense layer.
fn with_constant(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    a: &Tensor,
    b: &Tensor,
) -> Result<Option<Tensor>, GraphError> {
    let inner = a.shape.last().copied().unwrap_or(0);
    match (node.weights_of(0, a)?, node.weights_of(1, b)?) {
        (None, Some(elements)) if (1..=2).contains(&b.rank()) => {
            let (inputs, outputs) = (b.shape[0], b.shape.get(1).copied().unwrap_or(1));
            if inner != inputs {
                return Err(weights_mismatch(node, inner));
            }
            let bias = vec![0.0; outputs];
            let product = dense(node, builder, a, elements.to_vec(), inputs, outputs, bias)?;
            if b.rank() == 2 {
                return Ok(Some(product));
            }
            let rows = a.shape[..a.rank() - 1].to_vec();
            builder.reshape(node, &product, rows).map(Some)
        }
        // `A x = (x' A')'`.
        (Some(_), None) if a.rank() == 2 && b.rank() >= 2 && b.shape[b.rank() - 2] == inner => {
            let mut order: Vec<usize> = (0..b.rank()).collect();
            order.swap(b.rank() - 1, b.rank() - 2);
            let x = builder.transpose(node, b, &order)?;
            let weights = builder.transpose(node, a, &[1, 0])?;
            let elements = weights.numbers().unwrap_or_default().to_vec();
            let outputs = a.shape[0];
            let bias = vec![0.0; outputs];
            let product = dense(node, builder, &x, elements, inner, outputs, bias)?;
            builder.transpose(node, &product, &order).map(Some)
        }
        _ => Ok(None),
    }
}

/// A dense layer on the last axis; `elements` are `[inputs, outputs]`.
pub(super) fn dense(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    elements: Vec<f32>,
    inputs: usize,
    outputs: usize,
    bias: Vec<f32>,
) -> Result<Tensor, GraphError> {
    let stored = Array2::from_shape_vec((inputs, outputs), elements);
    let stored = stored.map_err(|_| weights_mismatch(node, inputs))?;
    let weights = stored.reversed_axes().as_standard_layout().into_owned();
    let mut shape = x.shape.clone();
    if let Some(last) = shape.last_mut() {
        *last = outputs;
    }
    let bias = Array1::from(bias);
    builder.push(node, Op::Dense(Dense { weights, bias }), &[x], shape)
}

/// Multiplies constants by `alpha` or `beta`.
fn scaled(
    node: &NodeRef<'_>,
    name: &str,
    factor: f32,
    mut constants: Vec<f32>,
) -> Result<Vec<f32>, GraphError> {
    if factor != 1.0 {
        constants.iter_mut().for_each(|x| *x *= factor);
    }
    match constants.iter().all(|x| x.is_finite()) {
        true => Ok(constants),
        false => Err(node.unsupported(format!("{name} = {factor} makes a weight infinite"))),
    }
}

fn weights_mismatch(node: &NodeRef<'_>, inputs: usize) -> GraphError {
    let found = node.optional(1).map_or(&[][..], |b| &b.shape);
    let transposed = node.flag("transB", false).unwrap_or(false);
    let expected = match transposed {
        true => format!("[n, {inputs}]"),
        false => format!("[{inputs}, n]"),
    };
    node.mismatch("the weights", found, expected)
}
