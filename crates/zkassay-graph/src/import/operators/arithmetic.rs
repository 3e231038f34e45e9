//! Sums, differences, products, quotients, extremes; powers.

use super::{Builder, Family, NodeRef, Tensor};
use crate::GraphError;
use crate::import::shape;
use crate::import::tensor::DataType;
use crate::op::{Arithmetic, Binary, Function, Source};

pub(super) const OPERATORS: Family = &[
    ("Add", |node, builder| binary(node, builder, Binary::Add)),
    ("Sub", |node, builder| {
        binary(node, builder, Binary::Subtract)
    }),
    ("Mul", |node, builder| {
        binary(node, builder, Binary::Multiply)
    }),
    ("Div", |node, builder| binary(node, builder, Binary::Divide)),
    ("Sum", |node, builder| {
        Ok(vec![fold(node, builder, Binary::Add)?])
    }),
    ("Max", |node, builder| {
        Ok(vec![fold(node, builder, Binary::Max)?])
    }),
    ("Min", |node, builder| {
        Ok(vec![fold(node, builder, Binary::Min)?])
    }),
    ("Mean", |node, builder| {
        let sum = fold(node, builder, Binary::Add)?;
        let count = node.operands.len() as f32;
        Ok(vec![builder.with_scalar(
            node,
            Arithmetic::Divide,
            &sum,
            count,
        )?])
    }),
    ("Neg", |node, builder| {
        let x = node.input(0)?;
        Ok(vec![builder.with_scalar(
            node,
            Arithmetic::Multiply,
            x,
            -1.0,
        )?])
    }),
    ("Pow", pow),
    ("Mod", modulo),
];

pub(super) fn binary(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    binary: Binary,
) -> Result<Vec<Tensor>, GraphError> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    Ok(vec![builder.binary(node, binary, a, b)?])
}

/// All operands, one after the other.
fn fold(node: &NodeRef<'_>, builder: &mut Builder, binary: Binary) -> Result<Tensor, GraphError> {
    let mut result = node.input(0)?.clone();
    for operand in node.inputs()?.into_iter().skip(1) {
        result = builder.binary(node, binary, &result, operand)?;
    }
    Ok(result)
}

/// The largest exponent of a power.
const MAX_EXPONENT: f32 = 64.0;

/// The most different exponents of one node.
const MAX_EXPONENTS: usize = 1024;

/// Powers with constant exponents, and those of a positive constant.
fn pow(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let (x, y) = (node.input(0)?, node.input(1)?);
    let shape = shape::broadcast(&x.shape, &y.shape).ok_or_else(|| {
        let expected = format!("a shape that broadcasts with {:?}", x.shape);
        node.mismatch("the exponent", &y.shape, expected)
    })?;
    let (x, y) = (
        builder.broadcast(node, x, &shape)?,
        builder.broadcast(node, y, &shape)?,
    );
    let element = x.element;
    if let (Some(bases), Some(exponents)) = (x.numbers(), y.numbers()) {
        let pairs = bases.iter().zip(exponents);
        let powers = pairs
            .map(|(b, e)| f64::from(*b).powf(f64::from(*e)) as f32)
            .collect();
        return Ok(vec![Tensor::constant(shape, element, powers)]);
    }
    let one = |x: &Tensor| {
        let numbers = x.numbers()?;
        let first = *numbers.first()?;
        numbers.iter().all(|c| *c == first).then_some(first)
    };
    let result = match (one(&x), one(&y)) {
        (_, Some(exponent)) => power(node, builder, &x, exponent)?,
        (Some(base), None) if base > 0.0 && base.is_finite() => {
            let scaled = builder.with_scalar(node, Arithmetic::Multiply, &y, base.ln())?;
            builder.map(node, Function::Exp, &scaled)?
        }
        _ => match y.numbers() {
            Some(exponents) => powers(node, builder, &x, exponents)?,
            None => {
                return Err(node.unsupported(
                    "its exponent depends on the input: expected x^c, or c^x with a positive c",
                ));
            }
        },
    };
    Ok(vec![result.typed(element)])
}

/// `x^c` with an exponent for each element: those of the same exponent together.
fn powers(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    exponents: &[f32],
) -> Result<Tensor, GraphError> {
    let mut different = exponents.to_vec();
    different.sort_by(f32::total_cmp);
    different.dedup();
    if different.len() > MAX_EXPONENTS {
        let found = different.len();
        return Err(node.unsupported(format!(
            "it has {found} different exponents, expected at most {MAX_EXPONENTS}"
        )));
    }
    builder.charge(node, 4 * exponents.len())?;
    let mut sources = vec![Source::Constant(1.0); exponents.len()];
    let mut parts = Vec::with_capacity(different.len());
    for (operand, exponent) in (0u32..).zip(different) {
        let mut positions = Vec::new();
        for (position, own) in exponents.iter().enumerate() {
            if *own == exponent {
                let index = positions.len() as u32;
                sources[position] = Source::Element { operand, index };
                positions.push(position);
            }
        }
        let shape = vec![positions.len()];
        let part = builder.select(node, x, positions, shape)?;
        parts.push(power(node, builder, &part, exponent)?);
    }
    let parts: Vec<&Tensor> = parts.iter().collect();
    builder.rearrange(node, &parts, sources, x.shape.clone())
}

/// `x^exponent`: products and roots for whole and half exponents, else by the logarithm.
fn power(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    exponent: f32,
) -> Result<Tensor, GraphError> {
    if !exponent.is_finite() {
        return Err(node.unsupported(format!("the exponent is {exponent}")));
    }
    if exponent < 0.0 {
        let inverse = builder.map(node, Function::Reciprocal, x)?;
        return power(node, builder, &inverse, -exponent);
    }
    // Exporters write roots of squares with exponents a little off one half.
    let halves = (2.0 * exponent).round();
    if exponent > MAX_EXPONENT || (2.0 * exponent - halves).abs() > 1e-6 {
        let logarithm = builder.map(node, Function::Log, x)?;
        let scaled = builder.with_scalar(node, Arithmetic::Multiply, &logarithm, exponent)?;
        return builder.map(node, Function::Exp, &scaled);
    }
    let exponent = halves / 2.0;
    let whole = exponent.floor();
    let power = match whole as u32 {
        0 => None,
        1 => Some(x.clone()),
        n => Some(builder.map(node, Function::Power(n), x)?),
    };
    let root = match exponent == whole {
        true => None,
        false => Some(builder.map(node, Function::Sqrt, x)?),
    };
    match (power, root) {
        (Some(power), Some(root)) => builder.binary(node, Binary::Multiply, &power, &root),
        (Some(factor), None) | (None, Some(factor)) => Ok(factor),
        (None, None) => {
            let len = builder.charge_shape(node, &x.shape)?;
            Ok(Tensor::constant(x.shape.clone(), x.element, vec![1.0; len]))
        }
    }
}

/// `a - b floor(a / b)`, or with the quotient cut off if `fmod` is set.
fn modulo(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    let round = match node.flag("fmod", false)? {
        true => Function::Truncate,
        false => Function::Floor,
    };
    // As floats: the quotient of integers would be cut off already.
    let (x, y) = (
        a.clone().typed(DataType::Float),
        b.clone().typed(DataType::Float),
    );
    let quotient = builder.binary(node, Binary::Divide, &x, &y)?;
    let whole = builder.map(node, round, &quotient)?;
    let multiple = builder.binary(node, Binary::Multiply, &whole, &y)?;
    let rest = builder.binary(node, Binary::Subtract, &x, &multiple)?;
    Ok(vec![rest.typed(a.element)])
}
