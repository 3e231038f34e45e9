//! An accumulator that is the product of two operands.
//!
//! The operands are those of this row and of the row before:
//!
//! ```text
//! product (operand[previous] operand - y) = 0
//! ```
//!
//! with `y` the accumulator of the row's kind ([`finish`]).

use halo2_proofs::plonk::ConstraintSystem;
use halo2_proofs::poly::Rotation;

use super::{LaneColumns, ProgramColumns, ProgramShape, finish};
use crate::Field;
use crate::columns::fixed;

pub(super) fn configure(
    meta: &mut ConstraintSystem<Field>,
    shape: &ProgramShape,
    columns: &ProgramColumns,
) {
    let Some(product) = columns.kinds.product else {
        return;
    };
    meta.create_gate("product", |meta| {
        let product = fixed(meta, product);
        let equation = |lane: &LaneColumns| {
            let operand = meta.query_advice(lane.operand, Rotation::cur());
            let previous = meta.query_advice(lane.operand, Rotation::prev());
            let accumulator = finish::accumulator(meta, shape, columns, lane);
            (
                "accumulator = operand[previous] operand",
                product.clone() * (previous * operand - accumulator),
            )
        };
        columns.lanes.iter().map(equation).collect::<Vec<_>>()
    });
}
