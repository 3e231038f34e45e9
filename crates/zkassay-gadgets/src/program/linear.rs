//! All linear steps as one random linear combination.
//!
//! A linear step computes accumulators `y_j = b_j + sum_i W_ji x_i` of operands. For a random
//! `r` that is drawn after all values and operands are committed, all steps hold if and only if
//!
//! ```text
//! sum_i x_i u_i = sum_j r^(n-1-j) (y_j - b_j),       u_i = sum_j r^(n-1-j) W_ji
//! ```
//!
//! up to a probability of `(rows + columns) / p`. `j` runs over the rows of all linear steps, `n` of
//! them, in their order. The right side is the Horner sum `combination`:
//!
//! ```text
//! active combination[next] = (active + linear (r - 1)) combination + linear (y - bias)
//! ```
//!
//! The left side is `dot`, step by step in the same order, with `u` in the column `factor`. A
//! step's sum has the place of its last row, and what came before moves up by the step's rows:
//! at once, by a `jump`, or one by one, by `fold`.
//!
//! ```text
//! active dot[next] = (active + fold (r - 1) + sum_k (r^(jump_k) - 1) jumps_k) dot + receive operand factor
//! active factor = sum_k r^(stride_k) strides_k factor[previous] + sum_c r^c weight_c
//! ```
//!
//! | step | rows of the consumer half | factor |
//! |---|---|---|
//! | dense | for each operand one row per block of `block_width` outputs, the operand in the last | steps by `r^block_width`: Horner's rule over the blocks |
//! | sums | one row per term; `fold` at the first term of each sum | the term's weight |
//! | convolution | for each channel and stride class: rows of weights, then rows of operands | steps by `r^channels`: one position of the output further in each row |
//!
//! A convolution's outputs are rows of a grid of positions `t = pitch y + x`, its channels side by
//! side. A pixel contributes to the outputs around it by weights that do not depend on where it is; so the
//! factor of one pixel is that of the pixel before it times `r^channels`, and the weights' rows come
//! once per channel. Positions `t` that are no output take up what the kernel gives there in a
//! value of kind `free`. (The pitch is so large that no contribution reaches an output that it does
//! not belong to.)
//!
//! `dot` and `combination` start with zero and are equal in the end.

use halo2_proofs::arithmetic::Field as _;
use halo2_proofs::plonk::ConstraintSystem;
use halo2_proofs::poly::Rotation;

use super::{ProgramColumns, ProgramShape, finish};
use crate::Field;
use crate::columns::fixed;
use crate::expression::{constant, horner, power};

pub(super) fn configure(
    meta: &mut ConstraintSystem<Field>,
    shape: &ProgramShape,
    columns: &ProgramColumns,
) {
    meta.create_gate("factor", |meta| {
        let r = meta.query_challenge(columns.r);
        let active = fixed(meta, columns.active);
        let weights: Vec<_> = columns.weights.iter().map(|c| fixed(meta, *c)).collect();
        let factor = meta.query_advice(columns.factor, Rotation::cur());
        let previous = meta.query_advice(columns.factor, Rotation::prev());
        let mut step = constant(Field::ZERO);
        for (column, stride) in columns.strides.iter().zip(&shape.strides) {
            step = step + fixed(meta, *column) * power(&r, *stride);
        }
        vec![(
            "active factor = steps factor[previous] + weights",
            active * factor - step * previous - horner(&r, weights.into_iter()),
        )]
    });
    meta.create_gate("linear", |meta| {
        let one = || constant(Field::ONE);
        let r = meta.query_challenge(columns.r);
        let active = fixed(meta, columns.active);
        let receive = fixed(meta, columns.receive);
        let operand = meta.query_advice(columns.operand, Rotation::cur());
        let factor = meta.query_advice(columns.factor, Rotation::cur());
        let dot = meta.query_advice(columns.dot, Rotation::cur());
        let next_dot = meta.query_advice(columns.dot, Rotation::next());
        let mut dot_step = active.clone() + fixed(meta, columns.fold) * (r.clone() - one());
        for (column, jump) in columns.jumps.iter().zip(&shape.jumps) {
            dot_step = dot_step + fixed(meta, *column) * (power(&r, *jump) - one());
        }

        let linear = fixed(meta, columns.linear);
        let sum = meta.query_advice(columns.combination, Rotation::cur());
        let next_sum = meta.query_advice(columns.combination, Rotation::next());
        let sum_step = active.clone() + linear.clone() * (r - one());
        let accumulator = finish::accumulator(meta, shape, columns);
        let bias = fixed(meta, columns.bias);
        vec![
            (
                "dot[next] = step dot + operand factor",
                active.clone() * next_dot
                    - dot_step * dot
                    - receive.clone() * operand.clone() * factor,
            ),
            (
                "combination[next] = step combination + accumulator - bias",
                active.clone() * next_sum - sum_step * sum - linear * (accumulator - bias),
            ),
            ("an operand that is not read is zero", (active - receive) * operand),
        ]
    });
    meta.create_gate("ends of linear", |meta| {
        let boundary = fixed(meta, columns.boundary);
        let two = constant(Field::from(2));
        let is_first = boundary.clone() * (two - boundary.clone());
        let is_last = boundary.clone() * (boundary - constant(Field::ONE));
        let dot = meta.query_advice(columns.dot, Rotation::cur());
        let sum = meta.query_advice(columns.combination, Rotation::cur());
        vec![
            ("start: dot = 0", is_first.clone() * dot.clone()),
            ("start: combination = 0", is_first * sum.clone()),
            ("end: dot = combination", is_last * (dot - sum)),
        ]
    });
}
