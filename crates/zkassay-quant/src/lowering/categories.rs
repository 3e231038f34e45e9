//! Inputs that are no measurements: categories, truth values and small integers are whole numbers at
//! every scale that a program may give them.

use zkassay_fixed::Scale;
use zkassay_graph::{ColumnKind, Graph};

use crate::QuantError;

/// Ranges of integers up to two to the power of this are kept exact; larger ones are measurements.
const SMALL: i32 = 24;

/// Checks that places of a row that hold whole numbers do not have a scale that rounds them.
/// `scale` gives the scale of a place, `exponent` the range that it is for, as a power of two.
///
/// # Errors
/// The first place that would be rounded.
pub(super) fn check(
    graph: &Graph,
    scale: impl Fn(usize) -> Scale,
    exponent: impl Fn(usize) -> i32,
) -> Result<(), QuantError> {
    if !graph.interface.fits(graph.inputs()) {
        let what = "its columns are not those of its input".into();
        return Err(QuantError::Invalid { what });
    }
    let mut start = 0;
    for column in &graph.interface.columns {
        let places = start..start + column.len;
        start = places.end;
        let is_whole = |place: usize| match column.kind {
            ColumnKind::Number => false,
            ColumnKind::Integer => exponent(place) <= SMALL,
            ColumnKind::Boolean | ColumnKind::Text(_) => true,
        };
        let rounded = places.clone().find(|p| is_whole(*p) && scale(*p).0 < 0);
        if let Some(place) = rounded {
            return Err(QuantError::Parameter {
                what: "the scale of an input of whole numbers",
                found: format!(
                    "2^{} (value {} of '{}')",
                    scale(place).0,
                    place - places.start,
                    column.name
                ),
                expected: "at least 1: more bits for inputs",
            });
        }
    }
    Ok(())
}
