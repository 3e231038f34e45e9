//! Matrices by their diagonals: Trilu, EyeLike.

use super::{Builder, Family, NodeRef, Tensor};
use crate::GraphError;
use crate::import::tensor::DataType;
use crate::op::Source;

pub(super) const OPERATORS: Family = &[("Trilu", triangle), ("EyeLike", identity)];

/// The elements on one side of a diagonal of each matrix, with it; zeros on the other.
fn triangle(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let &[.., rows, columns] = x.shape.as_slice() else {
        return Err(node.mismatch("the operand", &x.shape, "at least two axes"));
    };
    let diagonal = match node.integers(1)?.as_deref() {
        None => 0,
        Some([diagonal]) => *diagonal,
        Some(_) => return Err(node.unsupported("it names more than one diagonal")),
    };
    let upper = node.flag("upper", true)?;
    let len = builder.charge_places(node, &x.shape)?;
    let source = |at: usize| {
        let (row, column) = (at / columns % rows, at % columns);
        // Sizes fit 32 bits.
        let right = (column as i64 - row as i64).saturating_sub(diagonal);
        match if upper { right >= 0 } else { right <= 0 } {
            true => Source::Element {
                operand: 0,
                index: at as u32,
            },
            false => Source::Constant(0.0),
        }
    };
    let sources = (0..len).map(source).collect();
    Ok(vec![builder.rearrange(
        node,
        &[x],
        sources,
        x.shape.clone(),
    )?])
}

/// Ones on a diagonal, of the operand's shape.
fn identity(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let &[_, columns] = x.shape.as_slice() else {
        return Err(node.mismatch("the operand", &x.shape, "two axes"));
    };
    let diagonal = node.int("k", 0)?;
    let element = match node.int("dtype", 0)? {
        0 => x.element,
        number => i32::try_from(number)
            .ok()
            .and_then(|number| DataType::try_from(number).ok())
            .ok_or_else(|| node.unsupported(format!("dtype is {number}")))?,
    };
    let len = builder.charge_shape(node, &x.shape)?;
    let one = |at: usize| {
        let right = (at % columns) as i64 - (at / columns) as i64;
        f32::from(u8::from(right == diagonal))
    };
    let elements = (0..len).map(one).collect();
    Ok(vec![Tensor::constant(x.shape.clone(), element, elements)])
}
