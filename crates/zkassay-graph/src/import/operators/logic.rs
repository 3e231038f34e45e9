//! Comparisons, truth values, choices.

use super::arithmetic::binary;
use super::lookup::same_text;
use super::{Builder, Family, NodeRef, Tensor};
use crate::import::shape;
use crate::import::tensor::{DataType, Kind};
use crate::op::{Binary, Function, Source};
use crate::{GraphError, Op};

pub(super) const OPERATORS: Family = &[
    ("Equal", |node, builder| match same_text(node, builder)? {
        Some(truths) => Ok(vec![truths]),
        None => binary(node, builder, Binary::Equal),
    }),
    ("Less", |node, builder| binary(node, builder, Binary::Less)),
    ("LessOrEqual", |node, builder| {
        binary(node, builder, Binary::LessOrEqual)
    }),
    ("Greater", |node, builder| {
        swapped(node, builder, Binary::Less)
    }),
    ("GreaterOrEqual", |node, builder| {
        swapped(node, builder, Binary::LessOrEqual)
    }),
    ("And", |node, builder| binary(node, builder, Binary::And)),
    ("Or", |node, builder| binary(node, builder, Binary::Or)),
    ("Xor", |node, builder| binary(node, builder, Binary::Xor)),
    ("Not", |node, builder| {
        let result = builder.map(node, Function::Not, node.input(0)?)?;
        Ok(vec![result.typed(DataType::Bool)])
    }),
    ("IsNaN", |node, builder| never(node, builder, f32::is_nan)),
    ("IsInf", |node, builder| {
        never(node, builder, f32::is_infinite)
    }),
    ("Where", choose),
];

fn swapped(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    binary: Binary,
) -> Result<Vec<Tensor>, GraphError> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    Ok(vec![builder.binary(node, binary, b, a)?])
}

/// What no value of a row is: rows are finite.
fn never(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    holds: fn(f32) -> bool,
) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let len = builder.charge_shape(node, &x.shape)?;
    if !x.is_constant() && builder.may_be_nan(x) {
        return Err(node.unsupported(
            "it asks about NaN or infinity that a root, a logarithm or a quotient of the model \
             makes: expected it on the input, whose rows are finite",
        ));
    }
    let truth = |x: &f32| f32::from(u8::from(holds(*x)));
    let known = x
        .numbers()
        .map(|numbers| numbers.iter().map(truth).collect());
    let elements = known.unwrap_or_else(|| vec![0.0; len]);
    Ok(vec![Tensor::constant(
        x.shape.clone(),
        DataType::Bool,
        elements,
    )])
}

fn choose(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let operands = [node.input(0)?, node.input(1)?, node.input(2)?];
    let mut shape = vec![];
    for operand in operands {
        shape = shape::broadcast(&shape, &operand.shape).ok_or_else(|| {
            let expected = format!("a shape that broadcasts with {shape:?}");
            node.mismatch("an operand", &operand.shape, expected)
        })?;
    }
    let [condition, a, b] = operands;
    let condition = builder.broadcast(node, condition, &shape)?;
    let a = builder.broadcast(node, a, &shape)?;
    let b = builder.broadcast(node, b, &shape)?;
    if condition.kind() == Kind::Text {
        return Err(node.unsupported("its condition is of strings"));
    }
    if let Some(truths) = condition.numbers() {
        builder.charge(node, 3 * truths.len())?;
        let source = |(index, truth): (u32, &f32)| Source::Element {
            operand: u32::from(*truth == 0.0),
            index,
        };
        let sources = (0..).zip(truths).map(source).collect();
        return Ok(vec![builder.rearrange(node, &[&a, &b], sources, shape)?]);
    }
    let chosen = builder.push(node, Op::Select, &[&condition, &a, &b], shape)?;
    Ok(vec![chosen.typed(a.element)])
}
