//! Softmax and its like.

use super::{Builder, Family, NodeRef, Tensor};
use crate::import::shape;
use crate::import::tensor::DataType;
use crate::op::{Binary, Order};
use crate::{GraphError, Op};

pub(super) const OPERATORS: Family = &[
    ("Softmax", |node, builder| softmax(node, builder, false)),
    ("LogSoftmax", |node, builder| softmax(node, builder, true)),
    ("Hardmax", hardmax),
];

/// The groups over which to normalise: along one axis since operator set 13; before, over all
/// axes from that one on.
fn groups(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Vec<u32>>, GraphError> {
    let x = node.input(0)?;
    let axes: Vec<usize> = match node.opset >= 13 {
        true => vec![node.axis("axis", -1, x.rank())?],
        false => (node.axis("axis", 1, x.rank())?..x.rank()).collect(),
    };
    builder.charge(node, 7 * x.len())?;
    Ok(shape::groups(&x.shape, &axes))
}

fn softmax(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    log: bool,
) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let groups = groups(node, builder)?;
    let op = Op::Softmax { groups, log };
    Ok(vec![builder.push(node, op, &[x], x.shape.clone())?])
}

/// 1 for the first greatest element of each group, else 0.
fn hardmax(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let groups = groups(node, builder)?;
    let len = builder.charge_shape(node, &x.shape)?;
    let (mut group_of, mut place) = (vec![0; len], vec![0.0; len]);
    for (which, group) in groups.iter().enumerate() {
        for (i, position) in group.iter().enumerate() {
            group_of[*position as usize] = which;
            place[*position as usize] = i as f32;
        }
    }
    let shape = vec![groups.len()];
    let op = Op::ArgMax {
        groups,
        order: Order::Greatest,
        last: false,
    };
    let greatest = builder.push(node, op, &[x], shape)?;
    let spread = builder.select(node, &greatest, group_of, x.shape.clone())?;
    let place = Tensor::constant(x.shape.clone(), DataType::Int64, place);
    let hard = builder.binary(node, Binary::Equal, &spread, &place)?;
    Ok(vec![hard.typed(x.element)])
}
