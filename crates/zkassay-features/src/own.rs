//! Features of a table of one's own: columns that are already features.

use ndarray::Array2;
use zkassay_data::OwnTable;
use zkassay_data::table::Time;

use crate::fitted::moments;
use crate::{FeatureError, FeatureMatrix, Result};

/// The table's columns as z-scores, with gaps at the mean; mean and deviation are
/// those of the rows `train`.
///
/// # Errors
///
/// [`FeatureError::TooFewRows`] without training rows, a row index out of range,
/// [`FeatureError::NoTrainingValue`] for a column that has no value in the training rows.
pub fn standardize(table: &OwnTable, train: &[usize]) -> Result<FeatureMatrix> {
    let rows = table.rows();
    if train.is_empty() || train.iter().any(|row| *row >= rows) {
        return Err(FeatureError::TooFewRows {
            purpose: "standardise a table",
            rows: train.iter().filter(|row| **row < rows).count(),
            needed: train.len().max(1),
        });
    }
    let mut values = Array2::zeros((rows, table.names().len()));
    let columns = table.names().iter().zip(table.values());
    for ((name, column), mut scaled) in columns.zip(values.columns_mut()) {
        let known: Vec<f64> = train.iter().filter_map(|row| column[*row]).collect();
        if known.is_empty() {
            return Err(FeatureError::NoTrainingValue {
                name: name.clone(),
                rows: train.len(),
            });
        }
        let (mean, deviation) = moments(&known);
        for (cell, value) in scaled.iter_mut().zip(column) {
            *cell = value.map_or(0.0, |value| ((value - mean) / deviation) as f32);
        }
    }
    let dates = match table.times() {
        Some(times) => times.iter().map(|time| written(*time)).collect(),
        None => (0..rows).map(|row| format!("row {row}")).collect(),
    };
    Ok(FeatureMatrix {
        names: table.names().to_vec(),
        dates,
        values,
        labels: table.labels().to_vec(),
    })
}

/// A time as a date, if it is one.
fn written(time: Time) -> String {
    match (time.day(), time) {
        (Some(day), _) => day.to_string(),
        (None, Time::Seconds(count) | Time::Index(count)) => count.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> OwnTable {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table.csv");
        std::fs::write(&path, text).unwrap();
        zkassay_data::load_table(&path, "y", None).unwrap()
    }

    #[test]
    fn scales_are_those_of_the_training_rows() {
        let table = table("a,b,y\n1,5,0\n3,,1\n100,7,1\n2,9,0\n");
        let matrix = standardize(&table, &[0, 1]).unwrap();
        let half = (2.0f32).sqrt() / 2.0;
        // Column a: mean 2, deviation sqrt 2. Column b: mean 5, and it does not vary there.
        assert!((matrix.values[[0, 0]] + half).abs() < 1e-6);
        assert!((matrix.values[[2, 0]] - 98.0 * half).abs() < 1e-4);
        assert_eq!(matrix.values.column(1).to_vec(), [0.0, 0.0, 2.0, 4.0]);
        assert_eq!(matrix.labels, [0, 1, 1, 0]);
    }

    #[test]
    fn a_column_without_training_values_is_named() {
        let table = table("a,b,y\n1,,0\n3,,1\n5,7,1\n2,9,0\n");
        let error = standardize(&table, &[0, 1]).unwrap_err();
        assert!(error.to_string().contains('b'), "{error}");
        assert!(standardize(&table, &[]).is_err() && standardize(&table, &[9]).is_err());
    }
}
