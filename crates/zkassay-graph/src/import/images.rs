//! Convolutions of several images, one after the other.
//!
//! A graph's convolutions are of one image; files that are made for a batch have them of several.

use super::builder::Builder;
use super::node::NodeRef;
use super::operators::Read;
use super::tensor::Tensor;
use crate::GraphError;
use crate::op::Source;

/// The operators that read one image, and write something of one image.
const OPERATORS: [&str; 4] = ["Conv", "ConvTranspose", "ConvInteger", "QLinearConv"];

/// Reads a node; if it is a convolution of a batch, once for each image.
pub(super) fn each(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    read: Read,
) -> Result<Vec<Tensor>, GraphError> {
    let images = match node.optional(0) {
        Some(x) if OPERATORS.contains(&node.operator()) => x.clone(),
        _ => return read(node, builder),
    };
    let batch = match images.shape[..] {
        [batch, _, _, ..] if batch > 1 => batch,
        _ => return read(node, builder),
    };
    let (shape, len) = ([&[1], &images.shape[1..]].concat(), images.len() / batch);
    let mut results = Vec::with_capacity(batch);
    for image in 0..batch {
        builder.charge_places(node, &shape)?;
        let positions = image * len..(image + 1) * len;
        let mut operands = node.operands.clone();
        if let Some(first) = operands.first_mut() {
            *first = Some(builder.select(node, &images, positions, shape.clone())?);
        }
        let single = NodeRef {
            proto: node.proto,
            name: node.name.clone(),
            opset: node.opset,
            operands,
        };
        let written = read(&single, builder)?.into_iter().next();
        results.push(written.ok_or_else(|| node.unsupported("it writes nothing"))?);
    }
    let parts: Vec<&Tensor> = results.iter().collect();
    let first = results.first().map_or(&[][..], |first| &first.shape);
    let len: usize = first.iter().product();
    let shape = [&[batch], first.get(1..).unwrap_or_default()].concat();
    builder.charge_places(node, &shape)?;
    let of_image = |operand: u32| {
        let source = move |index| Source::Element { operand, index };
        (0..len as u32).map(source)
    };
    let sources = (0..batch as u32).flat_map(of_image).collect();
    Ok(vec![builder.rearrange(node, &parts, sources, shape)?])
}
