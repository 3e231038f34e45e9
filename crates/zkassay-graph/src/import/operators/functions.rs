//! Mathematical functions of every element.

use super::activations::map;
use super::{Builder, Family, NodeRef, Tensor};
use crate::GraphError;
use crate::op::{Arithmetic, Binary, Function};

pub(super) const OPERATORS: Family = &[
    ("Abs", |node, builder| map(node, builder, Function::Abs)),
    ("Sign", |node, builder| map(node, builder, Function::Sign)),
    ("Floor", |node, builder| map(node, builder, Function::Floor)),
    ("Ceil", |node, builder| map(node, builder, Function::Ceil)),
    ("Round", |node, builder| map(node, builder, Function::Round)),
    ("Sqrt", |node, builder| map(node, builder, Function::Sqrt)),
    ("Reciprocal", |node, builder| {
        map(node, builder, Function::Reciprocal)
    }),
    ("Exp", |node, builder| map(node, builder, Function::Exp)),
    ("Log", |node, builder| map(node, builder, Function::Log)),
    ("Erf", |node, builder| map(node, builder, Function::Erf)),
    ("Sin", |node, builder| map(node, builder, Function::Sin)),
    ("Cos", |node, builder| map(node, builder, Function::Cos)),
    ("Tan", tangent),
    ("Asin", |node, builder| map(node, builder, Function::Asin)),
    ("Acos", |node, builder| map(node, builder, Function::Acos)),
    ("Atan", |node, builder| map(node, builder, Function::Atan)),
    ("Sinh", |node, builder| {
        Ok(vec![hyperbolic(node, builder, Binary::Subtract)?])
    }),
    ("Cosh", |node, builder| {
        Ok(vec![hyperbolic(node, builder, Binary::Add)?])
    }),
    ("Asinh", |node, builder| map(node, builder, Function::Asinh)),
    ("Acosh", |node, builder| map(node, builder, Function::Acosh)),
    ("Atanh", |node, builder| map(node, builder, Function::Atanh)),
];

/// `sin x / cos x`: the quantiser asks whether the divisor keeps away from zero.
fn tangent(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let sines = builder.map(node, Function::Sin, x)?;
    let cosines = builder.map(node, Function::Cos, x)?;
    Ok(vec![builder.binary(
        node,
        Binary::Divide,
        &sines,
        &cosines,
    )?])
}

/// `(exp(x) - exp(-x)) / 2`, or with the sum.
fn hyperbolic(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    binary: Binary,
) -> Result<Tensor, GraphError> {
    let x = node.input(0)?;
    let back = builder.with_scalar(node, Arithmetic::Multiply, x, -1.0)?;
    let up = builder.map(node, Function::Exp, x)?;
    let down = builder.map(node, Function::Exp, &back)?;
    let both = builder.binary(node, binary, &up, &down)?;
    builder.with_scalar(node, Arithmetic::Multiply, &both, 0.5)
}
