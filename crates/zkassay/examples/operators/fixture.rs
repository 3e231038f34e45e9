//! Models of `fixtures/operators`, and what is known of them.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use ndarray::Array2;
use serde::Deserialize;
use serde_json::Value;

/// A model, rows, and what onnxruntime makes of them.
#[derive(Debug)]
pub(crate) struct Fixture {
    /// `exporter/name`.
    pub path: String,
    /// The exporter's folder.
    pub exporter: String,
    /// The exporter with its version.
    pub version: String,
    /// Operators in the file.
    pub operators: Vec<String>,
    /// The file.
    pub bytes: Vec<u8>,
    /// Rows, `[rows, inputs]`; none if they are texts.
    pub rows: Option<Array2<f32>>,
    /// The results of each row; none of a model that is only there to be refused.
    pub expected: Vec<Vec<f64>>,
}

/// As in the file.
#[derive(Debug, Deserialize)]
struct Record {
    operators: Vec<String>,
    exporter: String,
    rows: Vec<Vec<Value>>,
    #[serde(default)]
    expected: Vec<Vec<Value>>,
}

/// Every model below `folder`, by exporter and name.
pub(crate) fn all(folder: &Path) -> Result<Vec<Fixture>> {
    let mut found = Vec::new();
    for exporter in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let exporter = exporter?;
        if !exporter.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(exporter.path())? {
            let path = file?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "onnx")
            {
                let fixture = read(&path, &exporter.file_name().to_string_lossy());
                found.push(fixture.with_context(|| path.display().to_string())?);
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    ensure!(!found.is_empty(), "no models in {}", folder.display());
    Ok(found)
}

fn read(path: &Path, exporter: &str) -> Result<Fixture> {
    let record = fs::read(path.with_extension("json"))?;
    let record: Record = serde_json::from_slice(&record)?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let rows = numbers(&record.rows);
    let rows = rows.map(|rows| {
        let width = rows.first().map_or(0, Vec::len);
        let flat: Vec<f32> = rows.iter().flatten().map(|x| *x as f32).collect();
        Array2::from_shape_vec((rows.len(), width), flat)
    });
    Ok(Fixture {
        path: format!("{exporter}/{name}"),
        exporter: exporter.to_owned(),
        version: record.exporter,
        operators: record.operators,
        bytes: fs::read(path)?,
        rows: rows.transpose()?,
        expected: numbers(&record.expected).unwrap_or_default(),
    })
}

/// The rows, none if there are texts in them.
fn numbers(rows: &[Vec<Value>]) -> Option<Vec<Vec<f64>>> {
    let row = |row: &Vec<Value>| row.iter().map(Value::as_f64).collect();
    rows.iter().map(row).collect()
}
