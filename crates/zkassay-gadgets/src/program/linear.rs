//! All linear steps as one random linear combination.
//!
//! A linear step computes accumulators `y_j = b_j + sum_i W_ji x_i` of operands, `j < n`. The accumulators of all
//! steps are numbered from the last to the first, `e` of them after step `s` has ended being `e_s`. For random `r` that is drawn
//! after all values and operands are committed, all steps hold if and only if
//!
//! ```text
//! sum_s r^(e_s) sum_i x_i u_i = sum_e r^e (y_e - b_e)              u_i = sum_j r^(n-1-j) W_ji
//! ```
//!
//! up to a probability of `accumulators / p`: both sides are polynomials in `r`, and the exponents of a step
//! are its own. The right side is `combination`, Horner's rule down the rows; the left one is `dot`, with the steps
//! in the same order, which makes room for a step's `n` outputs where the step begins; `u` is `factor`:
//!
//! ```text
//! active combination[next] = (active + linear (r - 1)) combination + linear (y - bias)
//! active dot[next] = (active + sum_k starts_k (r^(n_k) - 1)) dot + receive operand factor
//! active factor = sum_k r^(stride_k) strides_k factor[previous] + sum_c r^c weight_c
//! ```
//!
//! If there are no strides, `factor` is no column but `sum_c r^c weight_c` itself.
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
//! not belong to.) A row of kind `wide` has one in each of its `w = 1 + limbs` cells, and counts `w`-fold:
//!
//! ```text
//! ... + wide ((r^w - 1) combination + r^(w-1) value + r^(w-2) limb_0 + ... + limb_last)
//! ```
//!
//! With several lanes, `operand` and `y - bias` are `sum_l rho^l` of those of lane `l`, for a random
//! `rho` that is drawn with `r`: factors and weights are shared. [Trees](super::forest) add to `dot`.
//!
//! `dot` and `combination` start with zero and are equal in the end.

use halo2_proofs::arithmetic::Field as _;
use halo2_proofs::plonk::ConstraintSystem;
use halo2_proofs::poly::Rotation;

use super::columns::KindColumns;
use super::{ProgramColumns, ProgramShape, finish, forest};
use crate::Field;
use crate::columns::fixed;
use crate::expression::{constant, horner, power};

pub(super) fn configure(
    meta: &mut ConstraintSystem<Field>,
    shape: &ProgramShape,
    columns: &ProgramColumns,
) {
    if let Some(factor) = columns.factor {
        meta.create_gate("factor", |meta| {
            let r = meta.query_challenge(columns.r);
            let active = fixed(meta, columns.active);
            let previous = meta.query_advice(factor, Rotation::prev());
            let factor = meta.query_advice(factor, Rotation::cur());
            let mut step = constant(Field::ZERO);
            for (column, stride) in columns.strides.iter().zip(&shape.strides) {
                step = step + fixed(meta, *column) * power(&r, *stride);
            }
            vec![(
                "active factor = steps factor[previous] + weights",
                active * factor - step * previous - columns.weights(meta),
            )]
        });
    }
    meta.create_gate("linear", |meta| {
        let r = meta.query_challenge(columns.r);
        let one = || constant(Field::ONE);
        let [active, receive, linear, bias] = [
            columns.active,
            columns.receive,
            columns.linear,
            columns.bias,
        ]
        .map(|column| fixed(meta, column));
        let operand = columns.mixed(meta, |meta, lane| {
            meta.query_advice(lane.operand, Rotation::cur())
        });
        let accumulator = columns.mixed(meta, |meta, lane| {
            finish::accumulator(meta, shape, columns, lane) - bias.clone()
        });
        // From the last limb to the value.
        let cells = columns.mixed(meta, |meta, lane| {
            let cells = lane.limbs.iter().rev().chain([&lane.value]);
            let cells: Vec<_> = cells
                .map(|column| meta.query_advice(*column, Rotation::cur()))
                .collect();
            horner(&r, cells.into_iter())
        });
        let trees = forest::contribution(meta, columns);
        let factor = columns.factor(meta);
        let wide = KindColumns::selector(meta, columns.kinds.wide);
        let mut start = active.clone();
        for (column, outputs) in columns.starts.iter().zip(&shape.starts) {
            start = start + fixed(meta, *column) * (power(&r, *outputs) - one());
        }
        let unread: Vec<_> = columns
            .lanes
            .iter()
            .map(|lane| meta.query_advice(lane.operand, Rotation::cur()))
            .collect();
        let mut advice = |column, rotation| meta.query_advice(column, rotation);
        let dot = advice(columns.dot, Rotation::cur());
        let next_dot = advice(columns.dot, Rotation::next());
        let sum = advice(columns.combination, Rotation::cur());
        let next_sum = advice(columns.combination, Rotation::next());
        let step = active.clone()
            + linear.clone() * (r.clone() - one())
            + wide.clone() * (power(&r, shape.limbs + 1) - one());
        let mut equations = vec![
            (
                "dot[next] = step dot + operand factor",
                active.clone() * next_dot
                    - start * dot
                    - receive.clone() * operand * factor
                    - trees,
            ),
            (
                "combination[next] = step combination + accumulator - bias",
                active.clone() * next_sum - step * sum - linear * accumulator - wide * cells,
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
