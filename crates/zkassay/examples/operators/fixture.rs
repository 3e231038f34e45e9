//! Models of `fixtures/operators`, and what is known of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Error, Result, ensure};
use ndarray::Array2;
use serde::Deserialize;
use serde_json::Value;
use zkassay_graph::Interface;
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
    /// Rows: numbers, and texts where the model takes strings.
    pub rows: Vec<Vec<Value>>,
    /// The results of each row; none of a model that is only there to be refused.
    pub expected: Vec<Vec<Value>>,
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
    Ok(Fixture {
        path: format!("{exporter}/{name}"),
        exporter: exporter.to_owned(),
        version: record.exporter,
        operators: record.operators,
        output: record.output,
        bytes: fs::read(path)?,
        rows: record.rows,
        expected: record.expected,
    })
}

impl Fixture {
    /// The rows, `[rows, inputs]`, with the numbers that texts stand for.
    ///
    /// # Errors
    /// A text that the model has no answer for, or rows of several lengths.
    pub(crate) fn numbers(&self, interface: &Interface) -> Result<Array2<f32>> {
        let width = self.rows.first().map_or(0, Vec::len);
        let mut flat = Vec::new();
        for row in &self.rows {
            for (place, value) in row.iter().enumerate() {
                flat.push(match value {
                    Value::String(word) => interface.code(place, word).map_err(Error::msg)?,
                    other => other.as_f64().context("no number")? as f32,
                });
            }
        }
        Ok(Array2::from_shape_vec((self.rows.len(), width), flat)?)
    }

    /// The results, with the positions of texts among the labels that the model names.
    ///
    /// # Errors
    /// A text that is none of them.
    pub(crate) fn results(&self, interface: &Interface) -> Result<Vec<Vec<f64>>> {
        let number = |value: &Value| match value {
            Value::String(word) => {
                let position = interface.labels.iter().position(|label| label == word);
                position.map(|p| p as f64).context("no label of the model")
            }
            other => other.as_f64().context("no number"),
        };
        let row = |row: &Vec<Value>| row.iter().map(number).collect();
        self.expected.iter().map(row).collect()
    }
}
