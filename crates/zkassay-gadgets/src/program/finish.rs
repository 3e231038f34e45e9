//! A value and its accumulator.
//!
//! With `A` all limbs of the row put together, `l` those of a rescale's remainder, `M` those of the
//! magnitude beyond it, `s` the rescale's bits, `m` those of `M`, `n` those of `A`:
//!
//! | kind | value `v` | accumulator `y` |
//! |---|---|---|
//! | input | `v = I - 2^(b-1)`, `I` the `b` bits of an input's limbs | |
//! | round | `v = M - 2^(m-1)` | `2^s v + l - 2^(s-1)` |
//! | relu | `v (v - M) = 0` | `2^s (2 v - M) + l - 2^(s-1)` |
//! | exact_relu | `v (v - A) = 0` | `2 v - A` |
//! | exact | `v = A - 2^(n-1)` | `v` |
//! | nonnegative | `v = A` | `v` |
//! | free | | `v` |
//! | wide | | `v`, and each limb: [`linear`](super::linear) |
//!
//! All limbs are range-checked, so that `v` follows from `y`: for a rescale `v` is `y / 2^s`,
//! rounded, because `l < 2^s`; for ReLU `2 v - M` is `M` or `-M` and has the sign of what is
//! rounded, with nothing to choose at zero (see [`relu`](crate::relu)). A row that produces nothing
//! has the value zero, and a public value is that of the instance.

use halo2_proofs::plonk::{ConstraintSystem, VirtualCells};
use halo2_proofs::poly::Rotation;

use super::columns::KindColumns;
use super::{LaneColumns, ProgramColumns, ProgramShape};
use crate::columns::fixed;
use crate::expression::{self, Expr, constant};
use crate::{Field, power_of_two};

/// The accumulator of the current row; zero in rows without one.
pub(super) fn accumulator(
    meta: &mut VirtualCells<'_, Field>,
    shape: &ProgramShape,
    columns: &ProgramColumns,
    lane: &LaneColumns,
) -> Expr {
    let limbs = lane.limbs(meta, shape);
    let value = meta.query_advice(lane.value, Rotation::cur());
    let kinds = &columns.kinds;
    let two = Field::from(2);
    let rest = limbs.remainder - constant(power_of_two(shape.shift() - 1));
    let shift = power_of_two(shape.shift());
    let rounded = value.clone() * shift + rest.clone();
    let rectified = (value.clone() * two - limbs.magnitude) * shift + rest;
    // Ranks are what answers of trees add up to.
    let input = (shape.slots > 0).then_some(kinds.input);
    let plain = [kinds.exact, kinds.nonnegative, kinds.free, input]
        .map(|column| KindColumns::selector(meta, column))
        .into_iter()
        .fold(constant(Field::zero()), |sum, selector| sum + selector);
    KindColumns::selector(meta, kinds.round) * rounded
        + KindColumns::selector(meta, kinds.relu) * rectified
        + KindColumns::selector(meta, kinds.exact_relu) * (value.clone() * two - limbs.all)
        + plain * value
}

pub(super) fn configure(
    meta: &mut ConstraintSystem<Field>,
    shape: &ProgramShape,
    columns: &ProgramColumns,
) {
    for lane in &columns.lanes {
        meta.create_gate("value", |meta| equations(meta, shape, columns, lane));
    }
    if let (Some(total), Some(first)) = (columns.total, columns.lanes.first()) {
        meta.create_gate("total", |meta| {
            let instance = meta.query_instance(first.instance, Rotation::cur());
            let lanes = columns.lanes.iter();
            let values = lanes.map(|lane| meta.query_advice(lane.value, Rotation::cur()));
            let sum = expression::total(values.collect());
            vec![("public total", fixed(meta, total) * (sum - instance))]
        });
    }
}

fn equations(
    meta: &mut VirtualCells<'_, Field>,
    shape: &ProgramShape,
    columns: &ProgramColumns,
    lane: &LaneColumns,
) -> Vec<(&'static str, Expr)> {
    let limbs = lane.limbs(meta, shape);
    let value = meta.query_advice(lane.value, Rotation::cur());
    let instance = meta.query_instance(lane.instance, Rotation::cur());
    let kinds = &columns.kinds;
    let half = |bits: u32| constant(power_of_two(bits - 1));
    let less = |part: Expr| value.clone() - part;
    let mut equations = Vec::new();
    let mut equation = |name, column, polynomial: Expr| {
        if let Some(column) = column {
            equations.push((name, fixed(meta, column) * polynomial));
        }
    };
    equation(
        "input",
        Some(kinds.input),
        less(limbs.input) + half(shape.input_bits()),
    );
    equation(
        "round",
        kinds.round,
        less(limbs.magnitude.clone()) + half(shape.magnitude_bits()),
    );
    equation("relu", kinds.relu, value.clone() * less(limbs.magnitude));
    equation(
        "exact relu",
        kinds.exact_relu,
        value.clone() * less(limbs.all.clone()),
    );
    equation(
        "exact",
        kinds.exact,
        less(limbs.all.clone()) + half(shape.total_bits()),
    );
    equation("nonnegative", kinds.nonnegative, less(limbs.all));
    equation("public", Some(columns.shown), less(instance));
    let mut idle = fixed(meta, columns.active);
    for column in kinds.producing() {
        idle = idle - fixed(meta, column);
    }
    equations.push(("idle: value = 0", idle * value));
    equations
}
