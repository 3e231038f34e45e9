//! A piecewise linear function.
//!
//! The argument `x` is the operand, the result the value of the *next* row, whose kind is `exact`:
//! without its range check `rest` would be free, for the result could be any field element. `place` is the
//! first limb, `w` its bits; `rest` the limbs of a function's remainder, `e` their bits:
//!
//! ```text
//! table (operand + bias - 2^w segment - place) = 0
//! table (2^e value[next] + rest - 2^(e-1) - c0 - c1 place) = 0
//! (active - table) segment = (active - table) c0 = (active - table) c1 = 0
//! ```
//!
//! `(segment, c0, c1)` is looked up ([`lookups`](super::lookups)). Segments are numbered over all functions of
//! the program, from one; `bias` moves the argument to the first of its function. Functions are so
//! far apart that no wire reaches from one to the other: outside of its function's domain an
//! argument is in no segment, and there is no proof.

use halo2_proofs::plonk::ConstraintSystem;
use halo2_proofs::poly::Rotation;

use super::{ProgramColumns, ProgramShape};
use crate::columns::fixed;
use crate::expression::constant;
use crate::{Field, power_of_two};

pub(super) fn configure(
    meta: &mut ConstraintSystem<Field>,
    shape: &ProgramShape,
    columns: &ProgramColumns,
) {
    let Some(table) = columns.kinds.table else {
        return;
    };
    for lane in &columns.lanes {
        let Some(segment) = lane.segment else {
            continue;
        };
        meta.create_gate("function", |meta| {
            let limbs = lane.limbs(meta, shape);
            let [table, active, bias] =
                [table, columns.active, columns.bias].map(|column| fixed(meta, column));
            let mut advice = |column| meta.query_advice(column, Rotation::cur());
            let operand = advice(lane.operand);
            let [segment, c0, c1] = segment.map(advice);
            let value = meta.query_advice(lane.value, Rotation::next());
            let idle = active - table.clone();
            let half = constant(power_of_two(shape.table_bits() - 1));
            vec![
                (
                    "argument",
                    table.clone()
                        * (operand + bias
                            - segment.clone() * power_of_two(shape.limb_bits)
                            - limbs.place.clone()),
                ),
                (
                    "interpolation",
                    table
                        * (value * power_of_two(shape.table_bits()) + limbs.interpolation
                            - half
                            - c0.clone()
                            - c1.clone() * limbs.place),
                ),
                ("idle: segment = 0", idle.clone() * segment),
                ("idle: c0 = 0", idle.clone() * c0),
                ("idle: c1 = 0", idle * c1),
            ]
        });
    }
}
