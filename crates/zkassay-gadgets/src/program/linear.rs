//! All linear steps as one random linear combination.
//!
//! A linear step computes accumulators `y_j = b_j + sum_i W_ji x_i` of operands, `j < n`. For random
//! `r` and `lambda` that are drawn after all values and operands are committed, all steps hold if
//! and only if
//!
//! ```text
//! sum_steps lambda^(steps after it) sum_i x_i u_i = sum_steps lambda^(steps after it) sum_j r^(n-1-j) (y_j - b_j)
//! u_i = sum_j r^(n-1-j) W_ji
//! ```
//!
//! up to a probability of `(rows + steps) / p`. The right side is `combination`, which takes up the Horner
//! sum `horner` of each step in the step's last row:
//!
//! ```text
//! active horner = linear (y - bias) + more r horner[previous]
//! active combination[next] = (active + last (lambda - 1)) combination + last horner
//! ```
//!
//! The left side is `dot`, with the steps in the same order, and `u` in the column `factor`:
//!
//! ```text
//! active dot[next] = (active + start (lambda - 1)) dot + receive operand factor
//! active factor = sum_k r^(stride_k) strides_k factor[previous] + sum_c r^c weight_c
//! ```
//!
//! | step | rows of the consumer half | factor |
//! |---|---|---|
//! | dense | for each operand one row per block of `block_width` outputs, the operand in the last | steps by `r^block_width`: Horner's rule over the blocks |
//! | sums | one row per term; each sum counts as a step | the term's weight |
//! | convolution | for each channel and stride class: rows of weights, then rows of operands | steps by `r^channels`: one position of the output further in each row |
//!
//! A convolution's outputs are rows of a grid of positions `t = pitch y + x`, its channels side by
//! side. A pixel contributes to the outputs around it by weights that do not depend on where it is; so the
//! factor of one pixel is that of the pixel before it times `r^channels`, and the weights' rows come
//! once per channel. Positions `t` that are no output take up what the kernel gives there in a
//! value of kind `free`. (The pitch is so large that no contribution reaches an output that it does
//! not belong to.)
//!
//! With several lanes, `operand` and `y - bias` are `sum_l rho^l` of those of lane `l`, for a random
//! `rho` that is drawn with `r`: factors and weights are shared. [Trees](super::forest) add to `dot`.
//!
//! `dot` and `combination` start with zero and are equal in the end.

use halo2_proofs::arithmetic::Field as _;
use halo2_proofs::plonk::ConstraintSystem;
use halo2_proofs::poly::Rotation;

use super::{ProgramColumns, ProgramShape, finish, forest};
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
        let r = meta.query_challenge(columns.r);
        let lambda = meta.query_challenge(columns.lambda) - constant(Field::ONE);
        let [active, receive, start, linear, more, last, bias] = [
            columns.active,
            columns.receive,
            columns.start,
            columns.linear,
            columns.more,
            columns.last,
            columns.bias,
        ]
        .map(|column| fixed(meta, column));
        let operand = columns.mixed(meta, |meta, lane| {
            meta.query_advice(lane.operand, Rotation::cur())
        });
        let accumulator = columns.mixed(meta, |meta, lane| {
            finish::accumulator(meta, shape, columns, lane) - bias.clone()
        });
        let trees = forest::contribution(meta, columns);
        let unread: Vec<_> = columns
            .lanes
            .iter()
            .map(|lane| meta.query_advice(lane.operand, Rotation::cur()))
            .collect();
        let mut advice = |column, rotation| meta.query_advice(column, rotation);
        let factor = advice(columns.factor, Rotation::cur());
        let dot = advice(columns.dot, Rotation::cur());
        let next_dot = advice(columns.dot, Rotation::next());
        let horner = advice(columns.horner, Rotation::cur());
        let previous = advice(columns.horner, Rotation::prev());
        let sum = advice(columns.combination, Rotation::cur());
        let next_sum = advice(columns.combination, Rotation::next());
        let mut equations = vec![
            (
                "dot[next] = step dot + operand factor",
                active.clone() * next_dot
                    - (active.clone() + start * lambda.clone()) * dot
                    - receive.clone() * operand * factor
                    - trees,
            ),
            (
                "horner = accumulator - bias + r horner[previous]",
                active.clone() * horner.clone() - linear * accumulator - more * r * previous,
            ),
            (
                "combination[next] = step combination + horner",
                active.clone() * next_sum
                    - (active.clone() + last.clone() * lambda) * sum
                    - last * horner,
            ),
        ];
        equations.extend(unread.into_iter().map(|operand| {
            (
                "an operand that is not read is zero",
                (active.clone() - receive.clone()) * operand,
            )
        }));
        equations
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
