//! The rows that a model is calibrated on, and those that are proved.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use ndarray::Array2;
use serde::Deserialize;

/// The largest file of rows that is read.
const MAX_BYTES: u64 = 1 << 30;

/// The file as it is written.
#[derive(Deserialize)]
struct File {
    calibration: Vec<Vec<f32>>,
    test: Vec<Vec<f32>>,
}

/// Rows of one length, and finite.
#[derive(Debug)]
pub(crate) struct Rows {
    /// `[rows, inputs]`.
    pub(crate) calibration: Array2<f32>,
    pub(crate) test: Vec<Vec<f32>>,
}

impl Rows {
    /// Reads a file of rows.
    ///
    /// # Errors
    /// It cannot be read, is too large or something else, or its rows are empty, of different lengths, or
    /// not of finite numbers.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Self::parse(path).with_context(|| format!("rows of {}", path.display()))
    }

    fn parse(path: &Path) -> Result<Self> {
        let bytes = fs::metadata(path)?.len();
        ensure!(
            bytes <= MAX_BYTES,
            "the file has {bytes} bytes, and at most {MAX_BYTES} are read"
        );
        let File { calibration, test } = serde_json::from_slice(&fs::read(path)?)?;
        let inputs = calibration.first().map_or(0, Vec::len);
        ensure!(inputs > 0, "there are no rows to calibrate on");
        for (kind, rows) in [("calibration", &calibration), ("test", &test)] {
            for (at, row) in rows.iter().enumerate() {
                ensure!(
                    row.len() == inputs,
                    "{kind} row {at} has {} values, others have {inputs}",
                    row.len()
                );
                ensure!(
                    row.iter().all(|value| value.is_finite()),
                    "{kind} row {at} has a value beyond float32"
                );
            }
        }
        let shape = (calibration.len(), inputs);
        Ok(Self {
            calibration: Array2::from_shape_vec(shape, calibration.concat())?,
            test,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_of_one_length_and_finite() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.json");
        let read = |text: &str| {
            fs::write(&path, text).unwrap();
            Rows::read(&path)
        };
        let rows = read(r#"{"calibration": [[1, 2.5], [0, -1]], "test": [[3, 4]]}"#).unwrap();
        assert_eq!(rows.calibration.dim(), (2, 2));
        assert_eq!(rows.test, [[3.0, 4.0]]);
        for (text, said) in [
            (r#"{"calibration": [], "test": []}"#, "no rows to calibrate"),
            (
                r#"{"calibration": [[1, 2]], "test": [[1, 2], [1]]}"#,
                "test row 1 has 1",
            ),
            (
                r#"{"calibration": [[1, 1e39]], "test": []}"#,
                "out of range at line 1",
            ),
            (r#"{"calibration": [[1, null]]}"#, "null"),
            ("[]", "rows.json"),
        ] {
            let error = format!("{:#}", read(text).unwrap_err());
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
