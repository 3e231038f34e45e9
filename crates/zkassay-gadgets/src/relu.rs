//! Rescale, round half up and ReLU in one row.
//!
//! A hidden row holds the value `h = max(0, round(y / 2^s))` of an accumulator
//! `y`, with `s` the shift. Its limbs are a remainder `l` in `[0, 2^s)` and a magnitude
//! `M` in `[0, 2^m)`, both by their range checks, and
//!
//! ```text
//! hidden * h * (h - M) = 0                                     relu
//! y = 2^s (2 h - M) + l - 2^(s-1)                              (inside the combination gate)
//! ```
//!
//! So `2 h - M` is `M` or `-M`: it is `round(y / 2^s)`, unique because `l` is
//! range-checked, and `h` is `M` if it is positive, 0 if it is negative. At zero
//! both choices give `h = 0`: there is no sign of zero to choose.
//! `y` may be any integer with `|round(y / 2^s)| < 2^m`; the compiler proves that
//! bound for every input in range.

use halo2_proofs::plonk::ConstraintSystem;

use crate::columns::{Columns, fixed, rescale_parts};
use crate::{Field, Shape};

pub(crate) fn configure(meta: &mut ConstraintSystem<Field>, shape: &Shape, columns: &Columns) {
    let Some(hidden) = columns.hidden.filter(|_| shape.has_hidden()) else {
        return;
    };
    meta.create_gate("relu", |meta| {
        let row = columns.row(meta, shape);
        let (_, magnitude) = rescale_parts(&row, shape);
        let hidden = fixed(meta, hidden);
        let value = row.value;
        vec![(
            "hidden value (value - magnitude) = 0",
            hidden * value.clone() * (value - magnitude),
        )]
    });
}
