//! The rows of a file, in EZKL's format or in ours.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

/// The largest file that is read.
const MAX_BYTES: u64 = 1 << 30;

/// A file, in either format.
#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Ours {
        calibration: Vec<Vec<f32>>,
        test: Vec<Vec<f32>>,
    },
    Ezkl {
        input_data: Vec<Vec<f32>>,
        output_data: Option<Vec<Vec<f64>>>,
    },
}

/// Rows to calibrate on and to prove, all of one length.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rows {
    calibration: Vec<Vec<f32>>,
    test: Vec<Vec<f32>>,
    /// Whether the rows that are proved are those that are calibrated on.
    pub(crate) are_shared: bool,
    /// What the model says to each of `test`, if the file has it.
    pub(crate) outputs: Option<Vec<Vec<f64>>>,
}

/// What the workers read.
#[derive(Serialize)]
pub(crate) struct ForWorkers<'a> {
    calibration: &'a [Vec<f32>],
    test: &'a [Vec<f32>],
}

impl Rows {
    /// Reads a file; rows in EZKL's format are calibrated on and proved.
    ///
    /// # Errors
    /// It cannot be read, is too large or something else, or its rows are none, or of different
    /// lengths.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let read = || {
            let bytes = fs::metadata(path)?.len();
            ensure!(
                bytes <= MAX_BYTES,
                "{bytes} bytes are more than {MAX_BYTES}"
            );
            Self::parse(&fs::read(path)?)
        };
        read().with_context(|| format!("rows of {}", path.display()))
    }

    fn parse(text: &[u8]) -> Result<Self> {
        let file = serde_json::from_slice(text).context(
            "expected JSON {\"input_data\": [[...], ...]} or {\"calibration\": [[...]], \"test\": [[...]]}",
        )?;
        let rows = match file {
            File::Ours { calibration, test } => Self {
                calibration,
                test,
                are_shared: false,
                outputs: None,
            },
            File::Ezkl {
                input_data,
                output_data,
            } => Self {
                calibration: input_data.clone(),
                test: input_data,
                are_shared: true,
                outputs: output_data,
            },
        };
        let inputs = rows.test.first().map_or(0, Vec::len);
        ensure!(inputs > 0, "there are no values to prove");
        ensure!(
            !rows.calibration.is_empty(),
            "there are no rows to calibrate on"
        );
        for row in rows.calibration.iter().chain(&rows.test) {
            let found = row.len();
            ensure!(
                found == inputs,
                "a row has {found} values, the first one {inputs}"
            );
            let finite = row.iter().all(|value| value.is_finite());
            ensure!(finite, "a value is beyond float32");
        }
        if let Some(outputs) = &rows.outputs {
            let (found, wanted) = (outputs.len(), rows.test.len());
            ensure!(
                found == wanted,
                "there are outputs of {found} rows, and {wanted} rows"
            );
        }
        Ok(rows)
    }

    /// How many there are to prove.
    pub(crate) fn count(&self) -> usize {
        self.test.len()
    }

    /// Values of a row.
    pub(crate) fn width(&self) -> usize {
        self.test.first().map_or(0, Vec::len)
    }

    pub(crate) fn for_workers(&self) -> ForWorkers<'_> {
        ForWorkers {
            calibration: &self.calibration,
            test: &self.test,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_are_read() {
        let ours = Rows::parse(br#"{"calibration": [[1, 2]], "test": [[3, 4], [5, 6]]}"#).unwrap();
        assert_eq!((ours.count(), ours.calibration.len()), (2, 1));
        assert_eq!(ours.outputs, None);
        let text = br#"{"input_data": [[1, 2], [3, 4]], "output_data": [[0.5], [1]]}"#;
        let theirs = Rows::parse(text).unwrap();
        assert_eq!(theirs.calibration, theirs.test);
        assert_eq!((ours.width(), theirs.width()), (2, 2));
        assert!(theirs.are_shared && !ours.are_shared);
        assert_eq!(theirs.outputs, Some(vec![vec![0.5], vec![1.0]]));
        let json = serde_json::to_value(theirs.for_workers()).unwrap();
        assert_eq!(json["test"][1][0], 3.0);
    }

    #[test]
    fn other_files_are_refused_with_a_reason() {
        let refused = |text: &str| format!("{:#}", Rows::parse(text.as_bytes()).unwrap_err());
        assert!(refused("[]").contains("input_data"));
        assert!(refused(r#"{"input_data": []}"#).contains("no values"));
        assert!(refused(r#"{"calibration": [], "test": [[1]]}"#).contains("calibrate"));
        let lengths = refused(r#"{"input_data": [[1, 2], [3]]}"#);
        assert_eq!(lengths, "a row has 1 values, the first one 2");
        let outputs = refused(r#"{"input_data": [[1]], "output_data": []}"#);
        assert!(outputs.contains("outputs of 0 rows"), "{outputs}");
        assert!(refused(r#"{"input_data": [[1e300]]}"#).contains("float32"));
    }
}
