//! Operators that look things up: OneHotEncoder, LabelEncoder, ArrayFeatureExtractor.

use std::collections::{HashMap, HashSet};

use super::super::{Builder, NodeRef, Tensor};
use super::linear::dense;
use super::{exact, floats};
use crate::GraphError;
use crate::import::constants::decode;
use crate::import::tensor::{DataType, Kind};
use crate::op::{Arithmetic, Function};

/// For each element, a 1 for each of its keys that it equals: `[.., keys]`. Every element has as
/// many keys, those of the first element first.
fn matches(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    keys: Vec<f32>,
) -> Result<Tensor, GraphError> {
    let count = keys.len() / x.len().max(1);
    let shape = [x.shape.as_slice(), &[count]].concat();
    let len = builder.charge_shape(node, &shape)?;
    builder.charge(node, len)?;
    // Strings are positions.
    let x = match x.kind() {
        Kind::Text => x.clone().typed(DataType::Int64),
        _ => x.clone(),
    };
    let repeated = builder.select(node, &x, (0..len).map(|i| i / count), shape)?;
    let differences = builder.with_constants(node, Arithmetic::Subtract, &repeated, keys)?;
    let equal = builder.map(node, Function::Not, &differences)?;
    Ok(equal.typed(DataType::Float))
}

/// The keys of every element, where all have the same.
fn for_each(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    keys: &[f32],
) -> Result<Vec<f32>, GraphError> {
    builder.charge(node, keys.len().saturating_mul(x.len()))?;
    Ok(keys.repeat(x.len()))
}

/// The positions that stand for strings, for every element of `x`.
///
/// `closed` says that other strings have no answer.
fn codes(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    words: &[String],
    closed: bool,
) -> Result<Vec<f32>, GraphError> {
    builder.charge(node, words.len().saturating_mul(x.len()))?;
    let mut codes = Vec::with_capacity(words.len() * x.len());
    for at in 0..x.len() {
        for word in words {
            codes.push(builder.code(node, x, at, word, closed)?);
        }
    }
    Ok(codes)
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
    let keys = for_each(node, builder, x, keys)?;
    found(node, builder, x, keys, values, default)
}

/// As [`lookup`], each element with keys of its own.
fn found(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    keys: Vec<f32>,
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
    if x.kind() == Kind::Text {
        let words = node.strings("cats_strings")?.unwrap_or_default();
        if words.is_empty() {
            return Err(node.unsupported("it reads strings, but has no cats_strings"));
        }
        let mut met = HashSet::new();
        if let Some(twice) = words.iter().find(|word| !met.insert(word.as_str())) {
            return Err(node.unsupported(format!("its category {twice:.40?} occurs twice")));
        }
        let closed = !node.flag("zeros", true)?;
        let keys = codes(node, builder, x, &words, closed)?;
        return Ok(vec![matches(node, builder, x, keys)?]);
    }
    let Some(categories) = node.ints("cats_int64s")?.filter(|c| !c.is_empty()) else {
        return Err(node.unsupported(
            "it reads numbers, but its categories are strings: expected cats_int64s, or an input \
             of strings",
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
    let keys = for_each(node, builder, &integers, &keys)?;
    Ok(vec![matches(node, builder, &integers, keys)?])
}

/// Keys to values; either may be strings.
pub(super) fn label(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    // The first version has one list: a string becomes its position, and the other way around.
    let classes = node.strings("classes_strings")?;
    let (keys, values) = match (classes, x.kind()) {
        (Some(classes), Kind::Text) => {
            let positions = Side::positions(classes.len());
            (Side::Strings(classes), positions)
        }
        (Some(classes), _) => (Side::positions(classes.len()), Side::Strings(classes)),
        (None, _) => (Side::of(node, "keys")?, Side::of(node, "values")?),
    };
    mapped(node, builder, keys, values)
}

/// Strings to integers or the other way around, by two lists.
pub(super) fn mapper(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let words = node.strings("cats_strings")?.unwrap_or_default();
    let integers = node.ints("cats_int64s")?.unwrap_or_default();
    let elements = integers.iter().map(|i| exact(node, "cats_int64s", *i));
    let numbers = Side::Numbers(Numbers {
        elements: elements.collect::<Result<_, _>>()?,
        kind: Kind::Int,
    });
    match node.input(0)?.kind() {
        Kind::Text => mapped(node, builder, Side::Strings(words), numbers),
        _ => mapped(node, builder, numbers, Side::Strings(words)),
    }
}

fn mapped(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    keys: Side,
    values: Side,
) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    if keys.len() == 0 || keys.len() != values.len() {
        let (keys, values) = (keys.len(), values.len());
        return Err(node.unsupported(format!("it has {keys} keys and {values} values")));
    }
    if (x.kind() == Kind::Text) != matches!(keys, Side::Strings(_)) {
        return Err(node.unsupported(match x.kind() {
            Kind::Text => "it reads strings, but its keys are numbers",
            _ => "it reads numbers, but its keys are strings",
        }));
    }
    let default = node.tensor("default_tensor")?.map(decode).transpose()?;
    let (values, kind, default, words) = match values {
        Side::Numbers(values) => {
            let default = match (default, values.kind) {
                (Some(tensor), _) => match tensor.numbers() {
                    Some([number]) if number.is_finite() => *number,
                    _ => return Err(node.unsupported("default_tensor is not one finite number")),
                },
                (None, Kind::Int) => exact(node, "default_int64", node.int("default_int64", -1)?)?,
                (None, _) => node.float("default_float", 0.0)?,
            };
            (values.elements, values.kind, default, vec![])
        }
        Side::Strings(values) => {
            let other = match default.as_ref().map(Tensor::strings) {
                Some(Some([word])) => word.clone(),
                Some(_) => return Err(node.unsupported("default_tensor is not one string")),
                None => node.string("default_string", "_Unused")?,
            };
            // Each of them once, the default behind them.
            let mut words = Vec::new();
            let mut positions = HashMap::new();
            let mut position = |word: String| {
                *positions.entry(word).or_insert_with_key(|word| {
                    words.push(word.clone());
                    (words.len() - 1) as f32
                })
            };
            let values: Vec<f32> = values.into_iter().map(&mut position).collect();
            let default = position(other);
            (values, Kind::Text, default, words)
        }
    };
    let found = match keys {
        Side::Strings(keys) => {
            // Of equal keys the first one counts.
            let mut met = HashSet::new();
            let pairs = keys.into_iter().zip(values);
            let (keys, values): (Vec<String>, Vec<f32>) =
                pairs.filter(|(key, _)| met.insert(key.clone())).unzip();
            let keys = codes(node, builder, x, &keys, false)?;
            found(node, builder, x, keys, &values, default)?
        }
        Side::Numbers(keys) => {
            // NaN equals none: inputs are finite.
            let mut pairs: Vec<(f32, f32)> = keys.elements.into_iter().zip(values).collect();
            pairs.retain(|(key, _)| !key.is_nan());
            pairs.sort_by(|a, b| (a.0 + 0.0).total_cmp(&(b.0 + 0.0)));
            pairs.dedup_by(|later, earlier| later.0 == earlier.0);
            let (keys, values): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            if keys.is_empty() {
                return Err(node.unsupported("its only key is NaN, and inputs are finite numbers"));
            }
            lookup(node, builder, x, &keys, &values, default)?
        }
    };
    Ok(vec![match kind {
        Kind::Text => builder.write_texts(found, words),
        Kind::Int => found.typed(DataType::Int64),
        _ => found.typed(DataType::Float),
    }])
}

/// Keys, or values.
enum Side {
    Numbers(Numbers),
    Strings(Vec<String>),
}

/// Numbers of an attribute.
struct Numbers {
    elements: Vec<f32>,
    kind: Kind,
}

impl Side {
    /// The attribute `{name}_strings`, `{name}_int64s`, `{name}_floats` or `{name}_tensor`.
    fn of(node: &NodeRef<'_>, name: &str) -> Result<Self, GraphError> {
        let [strings, integers, of_floats, tensor] =
            ["strings", "int64s", "floats", "tensor"].map(|kind| format!("{name}_{kind}"));
        if let Some(found) = node.strings(&strings)? {
            return Ok(Self::Strings(found));
        }
        if let Some(found) = node.ints(&integers)? {
            let elements = found.iter().map(|i| exact(node, &integers, *i));
            return Ok(Self::Numbers(Numbers {
                elements: elements.collect::<Result<_, _>>()?,
                kind: Kind::Int,
            }));
        }
        if node.has(&of_floats) {
            let elements = match name {
                "keys" => node.floats(&of_floats)?.unwrap_or_default(),
                _ => floats(node, &of_floats)?,
            };
            return Ok(Self::Numbers(Numbers {
                elements: elements.to_vec(),
                kind: Kind::Float,
            }));
        }
        let Some(found) = node.tensor(&tensor)? else {
            return Err(node.unsupported(format!(
                "it has none of {strings}, {integers}, {of_floats} and {tensor}"
            )));
        };
        let decoded = decode(found)?;
        Ok(match (decoded.numbers(), decoded.strings()) {
            (Some(elements), _) => Self::Numbers(Numbers {
                elements: elements.to_vec(),
                kind: decoded.kind(),
            }),
            (None, strings) => Self::Strings(strings.unwrap_or_default().to_vec()),
        })
    }

    /// The integers below `count`.
    fn positions(count: usize) -> Self {
        Self::Numbers(Numbers {
            elements: (0..count).map(|i| i as f32).collect(),
            kind: Kind::Int,
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.elements.len(),
            Self::Strings(strings) => strings.len(),
        }
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
    if let Some(words) = x.strings() {
        let positions = builder.reshape(node, positions, shape)?;
        return Ok(vec![builder.write_texts(positions, words.to_vec())]);
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
