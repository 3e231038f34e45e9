//! Inputs are `b`-bit integers; unused cells are zero.
//!
//! An input `x` in `[-2^(b-1), 2^(b-1))`, `b = input_limbs * limb_bits`, is
//!
//! ```text
//! x = sum_i 2^(limb_bits i) limb_i - 2^(b-1)
//! ```
//!
//! In a model with neither hidden layers nor secret weights this expression *is* the value;
//! otherwise the value has a column, and with it three gates:
//!
//! ```text
//! input * (value - x) = 0
//! repeat * (value - value[previous]) = 0
//! (active - input - hidden - repeat) * value = constant
//! ```
//!
//! (`constant` is zero but in rows whose secret weights are a bias.) Public inputs are compared
//! with the instance: `input * (value - public_inputs) = 0`.

use halo2_proofs::plonk::ConstraintSystem;
use halo2_proofs::poly::Rotation;

use crate::columns::{Columns, fixed};
use crate::expression::{Expr, constant, recompose};
use crate::{Field, Shape, power_of_two};

/// The signed integer that an input's limbs stand for.
pub(crate) fn signed(limbs: &[Expr], shape: &Shape) -> Expr {
    let used = &limbs[..shape.input_limbs as usize];
    recompose(used, shape.limb_bits) - constant(power_of_two(shape.input_bits() - 1))
}

pub(crate) fn configure(meta: &mut ConstraintSystem<Field>, shape: &Shape, columns: &Columns) {
    if let (Some(input), Some(public)) = (columns.input, columns.public_inputs) {
        meta.create_gate("public inputs", |meta| {
            let row = columns.row(meta, shape);
            let public = meta.query_instance(public, Rotation::cur());
            vec![(
                "input: value is public",
                fixed(meta, input) * (row.value - public),
            )]
        });
    }
    let (Some(column), Some(hidden), Some(input)) = (columns.value, columns.hidden, columns.input)
    else {
        return;
    };
    meta.create_gate("values", |meta| {
        let row = columns.row(meta, shape);
        let (hidden, input) = (fixed(meta, hidden), fixed(meta, input));
        let mut unused = fixed(meta, columns.active) - input.clone() - hidden;
        let mut equations = vec![(
            "input: value is its limbs",
            input * (row.value.clone() - signed(&row.limbs, shape)),
        )];
        if let Some(repeat) = columns.repeat {
            let repeat = fixed(meta, repeat);
            let previous = meta.query_advice(column, Rotation::prev());
            unused = unused - repeat.clone();
            equations.push((
                "repeat: value is the one above",
                repeat * (row.value.clone() - previous),
            ));
        }
        let mut rest = unused * row.value;
        if let Some(constant) = columns.constant {
            rest = rest - fixed(meta, constant);
        }
        equations.push(("unused: value is zero", rest));
        equations
    });
}
