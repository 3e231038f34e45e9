//! Operators that prepare features: scaling, normalising, filling, thresholds, joining.

use super::super::normalization::{divide_unless_zero, reduce};
use super::super::{Builder, NodeRef, Tensor};
use super::{exact, floats, rows};
use crate::import::tensor::DataType;
use crate::op::{Arithmetic, Binary, Function, Reduction, Source};
use crate::{GraphError, Op};

/// A number of one attribute for each element: one for all, or one for each feature.
fn spread(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    name: &str,
    values: &[f32],
) -> Result<Vec<f32>, GraphError> {
    let features = match x.shape[..] {
        [features] | [_, features] => features,
        _ => x.shape.last().copied().unwrap_or(1),
    };
    let count = values.len();
    if count != 1 && (count == 0 || count != features) {
        return Err(node.unsupported(format!(
            "{name} has {count} numbers, expected one, or {features} for the features"
        )));
    }
    builder.charge(node, x.len())?;
    Ok((0..x.len()).map(|i| values[i % count]).collect())
}

/// `(x - offset) scale`.
pub(super) fn scaler(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let (offset, scale) = (floats(node, "offset")?, floats(node, "scale")?);
    let offset = spread(
        node,
        builder,
        x,
        "offset",
        if offset.is_empty() { &[0.0] } else { offset },
    )?;
    let scale = spread(
        node,
        builder,
        x,
        "scale",
        if scale.is_empty() { &[1.0] } else { scale },
    )?;
    let shifted = builder.with_constants(node, Arithmetic::Subtract, x, offset)?;
    let scaled = builder.with_constants(node, Arithmetic::Multiply, &shifted, scale)?;
    Ok(vec![scaled.typed(DataType::Float)])
}

/// Each row divided by its greatest element, or by its norm; rows of zeros stay.
pub(super) fn normalizer(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let reduction = match node.string("norm", "MAX")?.as_str() {
        "MAX" => Reduction::Max,
        "L1" => Reduction::L1,
        "L2" => Reduction::L2,
        other => {
            return Err(node.unsupported(format!("norm is {other:?}, expected MAX, L1 or L2")));
        }
    };
    let (x, ..) = rows(node, builder)?;
    let norms = reduce(node, builder, reduction, &x, &[1])?;
    let divided = divide_unless_zero(node, builder, &x, &norms)?;
    let result = builder.reshape(node, &divided, node.input(0)?.shape.clone())?;
    Ok(vec![result.typed(DataType::Float)])
}

/// Elements that equal a value that stands for "missing" are replaced.
pub(super) fn imputer(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let integers = node.ints("imputed_value_int64s")?.filter(|v| !v.is_empty());
    let (replaced, imputed): (f32, Vec<f32>) = match integers {
        Some(values) => {
            let name = "imputed_value_int64s";
            let values = values.iter().map(|value| exact(node, name, *value));
            let replaced = node.int("replaced_value_int64", 0)?;
            let replaced = exact(node, "replaced_value_int64", replaced)?;
            (replaced, values.collect::<Result<_, _>>()?)
        }
        None => {
            // It may be NaN, which `NodeRef::float` refuses.
            let stated = node
                .proto
                .attribute
                .iter()
                .find(|a| a.name == "replaced_value_float");
            let values = node.floats("imputed_value_floats")?.unwrap_or_default();
            (stated.map_or(0.0, |a| a.f), values.to_vec())
        }
    };
    // Inputs are finite: what is missing is replaced before.
    if !replaced.is_finite() && builder.is_of_input(x) {
        let is_finite = imputed.iter().all(|value| value.is_finite());
        return match replaced.is_nan() && is_finite && !imputed.is_empty() {
            true => {
                let values = spread(node, builder, x, "the imputed values", &imputed)?;
                Ok(vec![builder.impute(node, x, &values)?])
            }
            false => Ok(vec![x.clone()]),
        };
    }
    if imputed.iter().any(|value| !value.is_finite()) {
        return Err(node.unsupported("it replaces by a number that is not finite"));
    }
    let values = spread(node, builder, x, "the imputed values", &imputed)?;
    let values = Tensor::constant(x.shape.clone(), x.element, values);
    let kept = if replaced.is_finite() {
        builder.with_scalar(node, Arithmetic::Subtract, x, replaced)?
    } else if replaced.is_nan() {
        // What is computed may be no number, which equals nothing, not even itself.
        builder.binary(node, Binary::Equal, x, x)?
    } else {
        let largest = f32::MAX.copysign(replaced);
        let largest = Tensor::constant(vec![], DataType::Float, vec![largest]);
        let beyond = match replaced > 0.0 {
            true => builder.binary(node, Binary::Less, &largest, x)?,
            false => builder.binary(node, Binary::Less, x, &largest)?,
        };
        builder.map(node, Function::Not, &beyond)?
    };
    let filled = builder.push(node, Op::Select, &[&kept, x, &values], x.shape.clone())?;
    Ok(vec![filled.typed(x.element)])
}

/// 1 above a threshold, else 0.
pub(super) fn binarizer(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let threshold = node.float("threshold", 0.0)?;
    let threshold = Tensor::constant(vec![], DataType::Float, vec![threshold]);
    let above = builder.binary(node, Binary::Less, &threshold, x)?;
    Ok(vec![above.typed(x.element)])
}

/// The features of all operands, one after the other.
pub(super) fn vectorizer(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let inputs = node.inputs()?;
    let stated = node.ints("inputdimensions")?;
    if stated.is_some_and(|dimensions| dimensions.len() != inputs.len()) {
        return Err(node.unsupported("inputdimensions does not say a size for each input"));
    }
    let mut rows = None;
    let mut columns: Vec<(u32, usize, usize)> = Vec::new();
    for (index, x) in inputs.iter().enumerate() {
        let (own, width) = match x.shape[..] {
            [width] => (1, width),
            [own, ..] if own > 0 => (own, x.len() / own),
            _ => return Err(node.mismatch("an operand", &x.shape, "[rows, features]")),
        };
        if *rows.get_or_insert(own) != own {
            return Err(node.mismatch("an operand", &x.shape, "as many rows as the first"));
        }
        // Features beyond what the node states are left out, missing ones are 0.
        let used = match stated {
            Some(dimensions) => usize::try_from(dimensions[index]).unwrap_or(0),
            None => width,
        };
        if used == 0 {
            return Err(node.unsupported("one of inputdimensions is not positive"));
        }
        columns.push((index as u32, width, used));
    }
    let rows = rows.unwrap_or(1);
    let total = columns
        .iter()
        .fold(0usize, |sum, (.., used)| sum.saturating_add(*used));
    let shape = vec![rows, total];
    builder.charge_shape(node, &shape)?;
    let of_row = |row: usize| {
        columns.iter().flat_map(move |&(operand, width, used)| {
            (0..used).map(move |column| match column < width {
                true => Source::Element {
                    operand,
                    index: (row * width + column) as u32,
                },
                false => Source::Constant(0.0),
            })
        })
    };
    let sources = (0..rows).flat_map(of_row).collect();
    let joined = builder.rearrange(node, &inputs, sources, shape)?;
    Ok(vec![joined.typed(DataType::Float)])
}
