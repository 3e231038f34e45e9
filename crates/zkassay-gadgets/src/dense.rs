//! A dense layer as one random linear combination.
//!
//! A layer `y = W x + b` with fixed `W` holds if and only if, for a random `r`
//! drawn after `x` and `y` are committed,
//!
//! ```text
//! sum_i x_i u_i = sum_e r^e (y_e - b_e),    u_i = sum_e r^e W_ei
//! ```
//!
//! up to a probability of `outputs / p`, below 2^-230 (Freivalds' check with
//! powers of `r`). `u_i` is an *expression* over fixed columns and a challenge,
//! so it costs no column. A layer has a segment of rows, one per `x_i` (or one
//! per `x_i` and block of outputs); its outputs are the rows just above it.
//!
//! **dot product**, in every active row:
//!
//! ```text
//! active * dot = carry * dot[next] + value * u,     u = (sum_k block_k r^(C k)) * sum_c r^c weight_c
//! ```
//!
//! `carry` is 0 in the last row of a segment, so in its first row `dot` is the
//! left-hand side. `weight_c` of block `k` belongs to the output of exponent
//! `e = C k + c`, which is output `width - 1 - e`: Horner's rule from the top gives
//! the first output the highest power.
//!
//! **combination**, in every active row:
//!
//! ```text
//! active * combination[next] = (keep + fold * r) * combination + output - bias
//! output = hidden * (2^shift (2 value - magnitude) + remainder)     a hidden value's accumulator
//!        + limb_weight * limbs + instance                         an output's accumulator
//! ```
//!
//! If the weights are secret, `weight_c` is an advice cell: a signed integer of `limb_bits`
//! bits by its range check. `block_k` is then there for a single block too, so that cells of
//! rows without a value do not count; and a layer's bias is the weights of a few more rows,
//! whose values are the constants `1, 2^limb_bits, 2^(2 limb_bits), ...`.
//!
//! (`bias` also holds the constant `2^(shift-1)` of the rescale.) In the
//! segment's first row `combination` is the right-hand side, and there the
//! [`boundary`](crate::boundary) gate asks for `dot = combination`.
//!
//! | row | value | limbs | keep, fold | limb_weight | instance | boundary |
//! |---|---|---|---|---|---|---|
//! | output, upper end, first limb row | 0 | of `hi - y` | 0, 1 (first: 0, 0) | `-1` | `hi` | first: 1 |
//! | output, upper end, limb row `d` | 0 | next limbs | 1, 0 | `-2^(d * bits)` | 0 | |
//! | output, lower end | 0 | of `y - lo` | the same | positive | `lo` | first: 2 |
//! | hidden value | h | remainder, magnitude | 0, 1 (first: 0, 0) | 0 | 0 | first: 2 |
//! | hidden or input value, further blocks | repeated | 0 | 1, 0 | 0 | 0 | |
//! | input | x | of `x + 2^(bits-1)` | 0, 0 | 0 | 0 | first: 2 |
//!
//! An output's accumulator `y` therefore satisfies `y = lo + (limbs)` and
//! `y = hi - (limbs)`: it lies in the interval `[lo, hi]` of the accumulators that
//! give the public output.

use halo2_proofs::plonk::ConstraintSystem;
use halo2_proofs::poly::Rotation;

use crate::columns::{Columns, accumulator, fixed};
use crate::expression::{horner, power};
use crate::{Field, Shape};

pub(crate) fn configure(meta: &mut ConstraintSystem<Field>, shape: &Shape, columns: &Columns) {
    meta.create_gate("dot product", |meta| {
        let row = columns.row(meta, shape);
        let mut weights: Vec<_> = columns.weights.iter().map(|c| fixed(meta, *c)).collect();
        for column in &columns.secret_weights {
            weights.push(meta.query_advice(*column, Rotation::cur()));
        }
        let mut u = horner(&row.r, weights.into_iter());
        if !columns.blocks.is_empty() {
            let blocks: Vec<_> = columns.blocks.iter().map(|c| fixed(meta, *c)).collect();
            u = u * horner(&power(&row.r, shape.block_width), blocks.into_iter());
        }
        let dot = meta.query_advice(columns.dot, Rotation::cur());
        let next = meta.query_advice(columns.dot, Rotation::next());
        let (active, carry) = (fixed(meta, columns.active), fixed(meta, columns.carry));
        vec![(
            "active dot = carry dot[next] + value u",
            active * dot - carry * next - row.value * u,
        )]
    });

    meta.create_gate("combination", |meta| {
        let row = columns.row(meta, shape);
        let sum = meta.query_advice(columns.combination, Rotation::cur());
        let next = meta.query_advice(columns.combination, Rotation::next());
        let instance = meta.query_instance(columns.instance, Rotation::cur());
        let mut factor = fixed(meta, columns.keep);
        if let Some(fold) = columns.fold {
            factor = factor + fixed(meta, fold) * row.r.clone();
        }
        let mut output = fixed(meta, columns.limb_weight) * row.limb_sum.clone() + instance;
        if let Some(hidden) = columns.hidden {
            output = output + fixed(meta, hidden) * accumulator(&row, shape);
        }
        let (active, bias) = (fixed(meta, columns.active), fixed(meta, columns.bias));
        vec![(
            "active combination[next] = factor combination + output - bias",
            active * next - factor * sum - output + bias,
        )]
    });
}
