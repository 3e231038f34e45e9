//! Positions of extremes, and the first of an order: ArgMax, ArgMin, TopK.

use super::{Builder, Family, NodeRef, Tensor};
use crate::import::shape;
use crate::import::tensor::DataType;
use crate::op::Order;
use crate::{GraphError, Op};

pub(super) const OPERATORS: Family = &[
    ("ArgMax", |node, builder| {
        extreme(node, builder, Order::Greatest)
    }),
    ("ArgMin", |node, builder| {
        extreme(node, builder, Order::Least)
    }),
    ("TopK", top_k),
];

fn extreme(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    order: Order,
) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let axis = node.axis("axis", 0, x.rank())?;
    let last = node.flag("select_last_index", false)?;
    let mut shape = x.shape.clone();
    match node.flag("keepdims", true)? {
        true => shape[axis] = 1,
        false => drop(shape.remove(axis)),
    }
    builder.charge(node, 7 * x.len())?;
    let groups = shape::groups(&x.shape, &[axis]);
    let op = Op::ArgMax {
        groups,
        order,
        last,
    };
    let positions = builder.push(node, op, &[x], shape)?;
    Ok(vec![positions.typed(DataType::Int64)])
}

/// Values and positions.
fn top_k(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let axis = node.axis("axis", -1, x.rank())?;
    let wanted = match node.integers(1)?.as_deref() {
        Some([k]) => *k,
        None => node.int("k", 0)?,
        Some(_) => return Err(node.unsupported("k is not one number")),
    };
    let dim = x.shape[axis];
    let k = usize::try_from(wanted)
        .ok()
        .filter(|k| (1..=dim).contains(k));
    let k = k.ok_or_else(|| node.unsupported(format!("k is {wanted}, expected 1 to {dim}")))?;
    let order = match node.flag("largest", true)? {
        true => Order::Greatest,
        false => Order::Least,
    };
    let outer: usize = x.shape[..axis].iter().product();
    let inner: usize = x.shape[axis + 1..].iter().product();
    let mut shape = x.shape.clone();
    shape[axis] = k;
    let mut written = Vec::with_capacity(2);
    for positions in [false, true] {
        builder.charge(node, 7 * x.len())?;
        let groups = shape::groups(&x.shape, &[axis]);
        let op = Op::TopK {
            groups,
            k,
            order,
            positions,
        };
        // Group by group: the axis comes last.
        let top = builder.push(node, op, &[x], vec![outer, inner, k])?;
        let top = builder.transpose(node, &top, &[0, 2, 1])?;
        let top = builder.reshape(node, &top, shape.clone())?;
        written.push(if positions {
            top.typed(DataType::Int64)
        } else {
            top
        });
    }
    Ok(written)
}
