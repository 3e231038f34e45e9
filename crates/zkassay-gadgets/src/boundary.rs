//! Where running sums start, end and meet.
//!
//! With the fixed column `boundary` in `{0, 1, 2}`:
//!
//! ```text
//! boundary = 1  (first and last row):                dot = 0, combination = 0, logup sum = 0
//! boundary = 2  (first row of each segment):         dot = combination
//! ```
//!
//! The two rows with 1 make the range argument's sum zero over all rows, and
//! pin the cells at the ends that no other gate determines. The rows with 2 are
//! where the two sides of a layer's equation meet ([`dense`](crate::dense)). The
//! output block has one more: `dot` stays constant through its lower half, and
//! meets the upper half's combination at the top.

use halo2_proofs::plonk::ConstraintSystem;
use halo2_proofs::poly::Rotation;

use crate::Field;
use crate::columns::{Columns, fixed};
use crate::expression::constant;

pub(crate) fn configure(meta: &mut ConstraintSystem<Field>, columns: &Columns) {
    meta.create_gate("boundary", |meta| {
        let boundary = fixed(meta, columns.boundary);
        let is_end = boundary.clone() * (constant(Field::from(2)) - boundary.clone());
        let is_meeting = boundary.clone() * (boundary - constant(Field::one()));
        let [dot, combination, sum] = [columns.dot, columns.combination, columns.logup.sum]
            .map(|column| meta.query_advice(column, Rotation::cur()));
        vec![
            ("end: dot = 0", is_end.clone() * dot.clone()),
            ("end: combination = 0", is_end.clone() * combination.clone()),
            ("end: logup sum = 0", is_end * sum),
            (
                "meeting: dot = combination",
                is_meeting * (dot - combination),
            ),
        ]
    });
}
