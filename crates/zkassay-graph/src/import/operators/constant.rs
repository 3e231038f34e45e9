//! What is known at import: constants, shapes, ranges.

use super::{Builder, Family, NodeRef, Tensor};
use crate::GraphError;
use crate::import::constants::decode;
use crate::import::tensor::DataType;

pub(super) const OPERATORS: Family = &[
    ("Constant", constant),
    ("ConstantOfShape", constant_of_shape),
    ("Shape", shape),
    ("Size", |node, _| {
        let len = node.input(0)?.len() as f32;
        Ok(vec![Tensor::constant(vec![], DataType::Int64, vec![len])])
    }),
    ("Range", range),
];

fn constant(node: &NodeRef<'_>, _: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let line =
        |element, elements: Vec<f32>| Tensor::constant(vec![elements.len()], element, elements);
    let written = if let Some(tensor) = node.tensor("value")? {
        decode(tensor)?
    } else if node.has("value_float") {
        let value = node.float("value_float", 0.0)?;
        Tensor::constant(vec![], DataType::Float, vec![value])
    } else if node.has("value_int") {
        let value = node.int("value_int", 0)? as f32;
        Tensor::constant(vec![], DataType::Int64, vec![value])
    } else if let Some(values) = node.floats("value_floats")? {
        line(DataType::Float, values.to_vec())
    } else if let Some(values) = node.ints("value_ints")? {
        line(DataType::Int64, values.iter().map(|i| *i as f32).collect())
    } else if node.has("value_string") {
        Tensor::text(vec![], vec![node.string("value_string", "")?])
    } else if let Some(values) = node.strings("value_strings")? {
        Tensor::text(vec![values.len()], values)
    } else {
        return Err(node.unsupported("it has no value; sparse ones are not supported"));
    };
    Ok(vec![written])
}

fn constant_of_shape(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let shape = node.sizes(0)?;
    let (element, value) = match node.tensor("value")? {
        None => (DataType::Float, 0.0),
        Some(tensor) => {
            let tensor = decode(tensor)?;
            match tensor.numbers() {
                Some([value]) => (tensor.element, *value),
                _ => return Err(node.unsupported("its value is not one number")),
            }
        }
    };
    let len = match shape.contains(&0) {
        true if crate::import::shape::len(&shape).is_some() => 0,
        _ => builder.charge_shape(node, &shape)?,
    };
    Ok(vec![Tensor::constant(shape, element, vec![value; len])])
}

fn shape(node: &NodeRef<'_>, _: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let shape = &node.input(0)?.shape;
    let rank = shape.len() as i64;
    let bound = |i: i64| {
        let from_start = if i < 0 { i.saturating_add(rank) } else { i };
        from_start.clamp(0, rank) as usize
    };
    let (start, end) = (bound(node.int("start", 0)?), bound(node.int("end", rank)?));
    let part = shape.get(start..end).unwrap_or_default();
    Ok(vec![Tensor::integers(part.iter().copied())])
}

fn range(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let read = |index| {
        let number = node.scalar(index)?;
        number
            .filter(|x| x.is_finite())
            .ok_or_else(|| node.unsupported("a bound is missing"))
    };
    let [start, limit, step] = [read(0)?, read(1)?, read(2)?].map(f64::from);
    if step == 0.0 {
        return Err(node.unsupported("its step is 0"));
    }
    // Casts of floats saturate: what is too many is refused.
    let len = ((limit - start) / step).ceil().max(0.0) as usize;
    builder.charge(node, len)?;
    let elements = (0..len).map(|i| (start + i as f64 * step) as f32).collect();
    Ok(vec![Tensor::constant(
        vec![len],
        node.input(0)?.element,
        elements,
    )])
}
