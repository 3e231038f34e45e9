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

use super::{ProgramColumns, ProgramShape, finish};
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
        let operand = meta.query_advice(columns.operand, Rotation::cur());
        let previous = meta.query_advice(columns.operand, Rotation::prev());
        let accumulator = finish::accumulator(meta, shape, columns);
        let product = fixed(meta, product);
        vec![(
            "accumulator = operand[previous] operand",
            product * (previous * operand - accumulator),
        )]
    });
}
