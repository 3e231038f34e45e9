//! Models of `fixtures/operators`, and what is known of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use ndarray::Array2;
use serde::Deserialize;
use serde_json::Value;
use zkassay_verifier::artefact::{digest, hex};

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
    /// The output that is compared.
    pub output: String,
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
    output: String,
    rows: Vec<Vec<Value>>,
    #[serde(default)]
    expected: Vec<Vec<Value>>,
}

/// What the folder holds.
#[derive(Debug, Deserialize)]
struct Manifest {
    /// The models of each exporter.
    files: BTreeMap<String, Vec<Entry>>,
}

/// A model of the manifest.
#[derive(Debug, Deserialize)]
struct Entry {
    path: String,
    sha256: String,
}

/// Every model below `folder`, by exporter and name; each is the one of the manifest.
pub(crate) fn all(folder: &Path) -> Result<Vec<Fixture>> {
    let manifest = fs::read(folder.join("MANIFEST.json"))?;
    let manifest: Manifest = serde_json::from_slice(&manifest).context("MANIFEST.json")?;
    let entries = manifest.files.into_values().flatten();
    let mut hashes: BTreeMap<String, String> = entries.map(|e| (e.path, e.sha256)).collect();
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
                let fixture = fixture.with_context(|| path.display().to_string())?;
                let hash = hashes.remove(&format!("{}.onnx", fixture.path));
                ensure!(
                    hash.is_some_and(|hash| hash == hex(&digest(&fixture.bytes))),
                    "{} is not that of MANIFEST.json: make all again with --export",
                    path.display()
                );
                found.push(fixture);
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    ensure!(hashes.is_empty(), "missing: {:?}", hashes.keys());
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
        output: record.output,
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
