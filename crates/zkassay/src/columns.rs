//! Rows of models whose inputs are columns of a table: categories in calibration rows and in random
//! ones, and names in errors.

use ndarray::{Array2, ArrayView2, Axis, CowArray, Ix2, concatenate};
use zkassay_circuit::CircuitError;
use zkassay_graph::{ColumnKind, Interface};
use zkassay_quant::QuantError;
use zkassay_seed::Stream;

use crate::{Error, InputError};

/// Categories of one place that are tried in calibration rows.
const MOST_MADE: usize = 256;

/// Calibration rows, and copies of some of them in which every category and truth value occurs: the
/// range of a category does not depend on what the rows happen to hold.
pub(crate) fn with_all_categories<'a>(
    interface: &Interface,
    rows: ArrayView2<'a, f32>,
) -> CowArray<'a, f32, Ix2> {
    let counts = counts(interface);
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let made = most.min(MOST_MADE);
    let width = rows.ncols();
    if made == 0 || rows.nrows() == 0 || counts.iter().any(|(place, _)| *place >= width) {
        return rows.into();
    }
    let mut more = Array2::from_shape_fn((made, width), |(row, place)| {
        rows[(row % rows.nrows(), place)]
    });
    for (place, count) in counts {
        for row in 0..made {
            // Of more than there are rows, some, with the last.
            let code = match count <= made {
                true => row.min(count - 1),
                false => row * (count - 1) / (made - 1).max(1),
            };
            more[(row, place)] = code as f32;
        }
    }
    match concatenate(Axis(0), &[rows, more.view()]) {
        Ok(all) => all.into(),
        Err(_) => rows.into(),
    }
}

/// The places of a row that hold categories or truth values, and how many of them there are.
fn counts(interface: &Interface) -> Vec<(usize, usize)> {
    let mut counts = Vec::new();
    let mut start = 0;
    for column in &interface.columns {
        match &column.kind {
            ColumnKind::Text(places) => {
                let count = |(within, known): (usize, &zkassay_graph::Vocabulary)| {
                    let others = usize::from(!known.closed);
                    (start + within, (known.words.len() + others).max(1))
                };
                counts.extend(places.iter().enumerate().map(count));
            }
            ColumnKind::Boolean => counts.extend((start..start + column.len).map(|p| (p, 2))),
            ColumnKind::Number | ColumnKind::Integer => {}
        }
        start += column.len;
    }
    counts
}

/// Random rows `[count, inputs]`, fixed by `seed`: numbers are standard normal, integers three times
/// that, rounded, categories and truth values each as likely as the others.
pub fn random_rows_of(
    interface: &Interface,
    inputs: usize,
    count: usize,
    seed: u64,
) -> Array2<f32> {
    let mut rows = crate::random_rows(inputs, count, seed);
    let mut stream = Stream::new(seed, "zkassay/random-columns");
    let mut start = 0;
    for column in &interface.columns {
        for (within, place) in (start..inputs.min(start + column.len)).enumerate() {
            for number in rows.column_mut(place) {
                *number = match &column.kind {
                    ColumnKind::Number => *number,
                    ColumnKind::Integer => (3.0 * *number).round(),
                    ColumnKind::Boolean => (stream.bits() >> 63) as f32,
                    ColumnKind::Text(places) => {
                        let words = places.get(within).map_or(0, |known| known.words.len());
                        ((stream.bits() >> 32) % words.max(1) as u64) as f32
                    }
                };
            }
        }
        start += column.len;
    }
    rows
}

/// Checks a row, or its start, against the columns.
///
/// # Errors
/// A number that is no integer, truth value or category where one is expected.
pub(crate) fn check(interface: &Interface, row: &[f32]) -> Result<(), Error> {
    let wrong = |reason| Error::from(InputError::Column { reason });
    interface.check(row).map_err(wrong)
}

/// An error that names the model's input and the place in it, where it names a place of the row.
pub(crate) fn named(interface: &Interface, error: impl Into<Error>) -> Error {
    let name = |error: &mut QuantError| {
        if let QuantError::OutOfRange { input, index, .. } = error
            && let Some((column, within)) = interface.column(*index)
        {
            input.clone_from(&column.name);
            *index = within;
        }
    };
    let mut error = error.into();
    match &mut error {
        Error::Quant(error) | Error::Circuit(CircuitError::Quant(error)) => name(error),
        _ => {}
    }
    error
}
