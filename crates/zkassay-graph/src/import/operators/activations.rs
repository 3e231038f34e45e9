//! Functions of every element, those that networks use between their layers.

use super::{Builder, Family, NodeRef, Tensor};
use crate::GraphError;
use crate::op::{Arithmetic, Binary, Function};

pub(super) const OPERATORS: Family = &[
    ("Relu", |node, builder| map(node, builder, Function::Relu)),
    ("Sigmoid", |node, builder| {
        map(node, builder, Function::Sigmoid)
    }),
    ("Tanh", |node, builder| map(node, builder, Function::Tanh)),
    ("Softplus", |node, builder| {
        map(node, builder, Function::Softplus)
    }),
    ("Softsign", |node, builder| {
        map(node, builder, Function::Softsign)
    }),
    ("Mish", |node, builder| map(node, builder, Function::Mish)),
    ("LeakyRelu", |node, builder| {
        let alpha = node.float("alpha", 0.01)?;
        map(node, builder, Function::LeakyRelu(alpha))
    }),
    ("Elu", |node, builder| {
        let alpha = node.float("alpha", 1.0)?;
        map(node, builder, Function::Elu { alpha, beta: 1.0 })
    }),
    ("Celu", celu),
    ("Selu", selu),
    ("Gelu", gelu),
    ("Swish", |node, builder| {
        let alpha = node.float("alpha", 1.0)?;
        map(node, builder, Function::Silu(alpha))
    }),
    ("PRelu", prelu),
    ("Clip", clip),
    ("HardSigmoid", |node, builder| {
        let line = (node.float("alpha", 0.2)?, node.float("beta", 0.5)?);
        Ok(vec![hard_sigmoid(node, builder, node.input(0)?, line)?])
    }),
    ("HardSwish", |node, builder| {
        let gate = hard_sigmoid(node, builder, node.input(0)?, (1.0 / 6.0, 0.5))?;
        Ok(vec![builder.binary(
            node,
            Binary::Multiply,
            node.input(0)?,
            &gate,
        )?])
    }),
    ("ThresholdedRelu", |node, builder| {
        let alpha = node.float("alpha", 1.0)?;
        Ok(vec![thresholded(node, builder, node.input(0)?, alpha)?])
    }),
    ("Shrink", shrink),
];

/// Operators that onnxruntime's optimiser puts in place of several.
pub(super) const MICROSOFT: Family = &[
    ("Gelu", |node, builder| map(node, builder, Function::Gelu)),
    ("QuickGelu", |node, builder| {
        let alpha = node.float("alpha", 1.702)?;
        map(node, builder, Function::Silu(alpha))
    }),
];

/// A function of the first operand.
pub(super) fn map(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    function: Function,
) -> Result<Vec<Tensor>, GraphError> {
    Ok(vec![builder.map(node, function, node.input(0)?)?])
}

fn celu(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let alpha = node.float("alpha", 1.0)?;
    if alpha == 0.0 {
        return Err(node.unsupported("alpha is 0, by which it divides"));
    }
    map(node, builder, Function::Elu { alpha, beta: alpha })
}

fn selu(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let alpha = node.float("alpha", 1.673_263_2)?;
    let gamma = node.float("gamma", 1.050_701)?;
    let elu = builder.map(node, Function::Elu { alpha, beta: 1.0 }, node.input(0)?)?;
    Ok(vec![builder.with_scalar(
        node,
        Arithmetic::Multiply,
        &elu,
        gamma,
    )?])
}

fn gelu(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    match node.string("approximate", "none")?.as_str() {
        "none" => map(node, builder, Function::Gelu),
        "tanh" => map(node, builder, Function::GeluTanh),
        other => Err(node.unsupported(format!("approximate is {other}, expected none or tanh"))),
    }
}

/// `max(x, 0) + slope min(x, 0)`; one slope for all is a LeakyRelu.
fn prelu(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let (x, slope) = (node.input(0)?, node.input(1)?);
    if let Some(slopes) = node.weights_of(1, slope)?
        && let Some(&alpha) = slopes.first()
        && slopes.iter().all(|s| *s == alpha)
    {
        return map(node, builder, Function::LeakyRelu(alpha));
    }
    let slope = builder.broadcast(node, slope, &x.shape)?;
    let positive = builder.map(node, Function::Relu, x)?;
    let negative = builder.map(node, Function::Clip(f32::NEG_INFINITY, 0.0), x)?;
    let negative = builder.binary(node, Binary::Multiply, &negative, &slope)?;
    Ok(vec![builder.binary(
        node,
        Binary::Add,
        &positive,
        &negative,
    )?])
}

/// Bounds as inputs since operator set 11, as attributes before.
fn clip(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let bound = |index, name, default| match node.opset >= 11 {
        true => Ok(node.scalar(index)?.unwrap_or(default)),
        false => node.float(name, default),
    };
    // Older exporters write the extreme floats for "no bound".
    let low: f32 = match bound(1, "min", f32::NEG_INFINITY)? {
        f32::MIN => f32::NEG_INFINITY,
        low => low,
    };
    let high = match bound(2, "max", f32::INFINITY)? {
        f32::MAX => f32::INFINITY,
        high => high,
    };
    if low.is_nan() || high.is_nan() || low == f32::INFINITY || high == f32::NEG_INFINITY {
        return Err(node.unsupported(format!("its bounds are {low} and {high}")));
    }
    match (low, high) {
        (f32::NEG_INFINITY, f32::INFINITY) => Ok(vec![node.input(0)?.clone()]),
        (0.0, f32::INFINITY) => map(node, builder, Function::Relu),
        _ => map(node, builder, Function::Clip(low, high)),
    }
}

/// `alpha x + beta`, between 0 and 1.
pub(super) fn hard_sigmoid(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    (alpha, beta): (f32, f32),
) -> Result<Tensor, GraphError> {
    let line = builder.with_scalar(node, Arithmetic::Multiply, x, alpha)?;
    let line = builder.with_scalar(node, Arithmetic::Add, &line, beta)?;
    builder.map(node, Function::Clip(0.0, 1.0), &line)
}

/// `x` above `alpha`, else 0.
pub(super) fn thresholded(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    alpha: f32,
) -> Result<Tensor, GraphError> {
    let threshold = Tensor::constant(vec![], x.element, vec![alpha]);
    let gate = builder.binary(node, Binary::Less, &threshold, x)?;
    builder.binary(node, Binary::Multiply, x, &gate)
}

/// `x - bias` above `lambd`, `x + bias` below `-lambd`, else 0.
fn shrink(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let (x, bias, lambd) = (
        node.input(0)?,
        node.float("bias", 0.0)?,
        node.float("lambd", 0.5)?,
    );
    let mut sides = Vec::with_capacity(2);
    for sign in [1.0, -1.0] {
        let bound = Tensor::constant(vec![], x.element, vec![sign * lambd]);
        let gate = match sign > 0.0 {
            true => builder.binary(node, Binary::Less, &bound, x)?,
            false => builder.binary(node, Binary::Less, x, &bound)?,
        };
        let moved = builder.with_scalar(node, Arithmetic::Subtract, x, sign * bias)?;
        sides.push(builder.binary(node, Binary::Multiply, &moved, &gate)?);
    }
    Ok(vec![builder.binary(
        node,
        Binary::Add,
        &sides[0],
        &sides[1],
    )?])
}
