//! Operators that look things up: OneHotEncoder, LabelEncoder, ArrayFeatureExtractor.

use super::super::{Builder, NodeRef, Tensor};
use super::linear::dense;
use super::{exact, floats};
use crate::GraphError;
use crate::import::constants::decode;
use crate::import::tensor::{DataType, Kind};
use crate::op::{Arithmetic, Function};

/// For each element, a 1 for each key that it equals: `[.., keys]`.
fn matches(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    keys: &[f32],
) -> Result<Tensor, GraphError> {
    let count = keys.len();
    let shape = [x.shape.as_slice(), &[count]].concat();
    let len = builder.charge_shape(node, &shape)?;
    builder.charge(node, len)?;
    let repeated = builder.select(node, x, (0..len).map(|i| i / count), shape)?;
    let differences =
        builder.with_constants(node, Arithmetic::Subtract, &repeated, keys.repeat(x.len()))?;
    let equal = builder.map(node, Function::Not, &differences)?;
    Ok(equal.typed(DataType::Float))
}

/// For each element the value of the key that it equals; `default` if there is none.
///
/// No key may occur twice.
pub(super) fn lookup(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    keys: &[f32],
    values: &[f32],
    default: f32,
) -> Result<Tensor, GraphError> {
    let matches = matches(node, builder, x, keys)?;
    let above = |value: &f32| (f64::from(*value) - f64::from(default)) as f32;
    let weights = values.iter().map(above).collect();
    let found = dense(node, builder, &matches, x.len(), weights, vec![default])?;
    builder.reshape(node, &found, x.shape.clone())
}

/// A 1 at the place of each element's category, or only zeros.
pub(super) fn one_hot(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let Some(categories) = node.ints("cats_int64s")?.filter(|c| !c.is_empty()) else {
        return Err(node.unsupported(
            "its categories are strings: encode them as integers before the model (cats_int64s)",
        ));
    };
    let keys = categories.iter().map(|c| exact(node, "cats_int64s", *c));
    let keys: Vec<f32> = keys.collect::<Result<_, _>>()?;
    let mut sorted = keys.clone();
    sorted.sort_by(f32::total_cmp);
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(node.unsupported("one of its categories occurs twice"));
    }
    let integers = match x.kind() {
        Kind::Float => builder.map(node, Function::Truncate, x)?,
        _ => x.clone(),
    };
    Ok(vec![matches(node, builder, &integers, &keys)?])
}

/// Keys to values, both of them numbers.
pub(super) fn label(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let strings = ["keys_strings", "values_strings", "classes_strings"];
    if let Some(name) = strings.into_iter().find(|name| node.has(name)) {
        return Err(node.unsupported(format!(
            "it has {name}: keys and values that are numbers are supported, encode strings before \
             the model"
        )));
    }
    let keys = numbers(node, "keys")?;
    let values = numbers(node, "values")?;
    if keys.elements.is_empty() || keys.elements.len() != values.elements.len() {
        return Err(node.unsupported(format!(
            "it has {} keys and {} values",
            keys.elements.len(),
            values.elements.len()
        )));
    }
    let default = match (node.tensor("default_tensor")?, values.kind) {
        (Some(tensor), _) => match decode(tensor)?.numbers() {
            Some([number]) if number.is_finite() => *number,
            _ => return Err(node.unsupported("default_tensor is not one finite number")),
        },
        (None, Kind::Int) => exact(node, "default_int64", node.int("default_int64", -1)?)?,
        (None, _) => node.float("default_float", 0.0)?,
    };
    // Of equal keys the first one counts. NaN equals none: inputs are finite.
    let mut pairs: Vec<(f32, f32)> = keys.elements.into_iter().zip(values.elements).collect();
    pairs.retain(|(key, _)| !key.is_nan());
    pairs.sort_by(|a, b| (a.0 + 0.0).total_cmp(&(b.0 + 0.0)));
    pairs.dedup_by(|later, earlier| later.0 == earlier.0);
    let (keys, values): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
    if keys.is_empty() {
        return Err(node.unsupported("its only key is NaN, and inputs are finite numbers"));
    }
    let found = lookup(node, builder, x, &keys, &values, default)?;
    let element = match node.has("values_int64s") {
        true => DataType::Int64,
        false => DataType::Float,
    };
    Ok(vec![found.typed(element)])
}

/// Numbers of an attribute.
struct Numbers {
    elements: Vec<f32>,
    kind: Kind,
}

/// The attribute `{name}_int64s`, `{name}_floats` or `{name}_tensor`.
fn numbers(node: &NodeRef<'_>, name: &str) -> Result<Numbers, GraphError> {
    let [integers, of_floats, tensor] =
        ["int64s", "floats", "tensor"].map(|kind| format!("{name}_{kind}"));
    if let Some(found) = node.ints(&integers)? {
        let elements = found.iter().map(|i| exact(node, &integers, *i));
        return Ok(Numbers {
            elements: elements.collect::<Result<_, _>>()?,
            kind: Kind::Int,
        });
    }
    if node.has(&of_floats) {
        let elements = match name {
            "keys" => node.floats(&of_floats)?.unwrap_or_default(),
            _ => floats(node, &of_floats)?,
        };
        return Ok(Numbers {
            elements: elements.to_vec(),
            kind: Kind::Float,
        });
    }
    let Some(found) = node.tensor(&tensor)? else {
        return Err(node.unsupported(format!("it has neither {integers} nor {of_floats}")));
    };
    let decoded = decode(found)?;
    match decoded.numbers() {
        Some(elements) => Ok(Numbers {
            elements: elements.to_vec(),
            kind: decoded.kind(),
        }),
        None => Err(node.unsupported(format!("{tensor} holds strings"))),
    }
}

/// Elements along the last axis, by their positions.
pub(super) fn extractor(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let (x, indices) = (node.input(0)?, node.input(1)?);
    let Some(&width) = x.shape.last() else {
        return Err(node.mismatch("the operand", &x.shape, "at least one axis"));
    };
    let count = indices.len();
    let shape = match x.shape[..] {
        [_] => vec![1, count],
        [ref outer @ .., _] => [outer, &[count]].concat(),
        [] => vec![count],
    };
    let Some(positions) = indices.numbers() else {
        return extract_computed(node, builder, x, indices, shape);
    };
    let valid = |i: &f32| (0.0..width as f32).contains(i).then_some(*i as usize);
    let positions: Option<Vec<usize>> = positions.iter().map(valid).collect();
    let Some(positions) = positions.filter(|positions| !positions.is_empty()) else {
        return Err(node.unsupported(format!("one of its positions is not below {width}")));
    };
    let len = builder.charge_shape(node, &shape)?;
    let source = |i: usize| i / count * width + positions[i % count];
    Ok(vec![builder.select(
        node,
        x,
        (0..len).map(source),
        shape,
    )?])
}

/// Elements of a constant table, by positions that the graph computes.
fn extract_computed(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    positions: &Tensor,
    shape: Vec<usize>,
) -> Result<Vec<Tensor>, GraphError> {
    if x.strings().is_some() {
        // There are no strings in a graph: see `Labels::name`.
        let positions = builder.reshape(node, positions, shape)?;
        return Ok(vec![positions.typed(DataType::String)]);
    }
    let table = node.weights(0)?.unwrap_or_default();
    if x.len() != x.shape.last().copied().unwrap_or(0) || table.is_empty() {
        return Err(node.mismatch(
            "the operand",
            &x.shape,
            "one row, if positions are computed",
        ));
    }
    builder.charge(node, 2 * table.len())?;
    let keys: Vec<f32> = (0..table.len()).map(|i| i as f32).collect();
    let found = lookup(node, builder, positions, &keys, table, 0.0)?;
    let found = builder.reshape(node, &found, shape)?;
    Ok(vec![found.typed(x.element)])
}
