//! Files that exporters wrote: few, and yet with every operator that can be imported.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use zkassay_graph::Graph;

use super::read;

/// Larger files take long to change and to read.
const LARGEST: usize = 8 << 10;
/// Fewer operators than that would mean that the list was not read.
const OPERATORS: usize = 60;

/// For each operator of the folder's files, the smallest file with it that is imported.
///
/// # Errors
/// The list of files cannot be read, or has hardly any operator.
pub(super) fn models(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let mut chosen: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut covered = 0;
    for paths in by_operator(folder)?.into_values() {
        let mut files = Vec::new();
        for path in paths {
            let bytes = read(&folder.join(&path))?;
            files.push((bytes.len(), path, bytes));
        }
        files.sort_unstable();
        // Files with some operators are all there to be refused, or have no sizes.
        let smallest = files
            .into_iter()
            .find(|(size, _, bytes)| *size <= LARGEST && Graph::from_onnx(bytes).is_ok());
        if let Some((_, path, bytes)) = smallest {
            covered += 1;
            chosen.insert(path, bytes);
        }
    }
    ensure!(
        covered >= OPERATORS,
        "only {covered} operators in the files of {}",
        folder.display()
    );
    Ok(chosen.into_values().collect())
}

/// The paths of the files with each operator.
fn by_operator(folder: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let manifest = folder.join("MANIFEST.json");
    let manifest: Value = serde_json::from_slice(&read(&manifest)?)
        .with_context(|| format!("cannot read {}", manifest.display()))?;
    let exporters = manifest["files"].as_object().into_iter().flatten();
    let files = exporters.flat_map(|(_, files)| files.as_array().into_iter().flatten());
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files {
        let Some(path) = file["path"].as_str() else {
            continue;
        };
        for operator in file["operators"].as_array().into_iter().flatten() {
            let paths = found
                .entry(operator.as_str().unwrap_or_default().into())
                .or_default();
            paths.push(path.to_owned());
        }
    }
    Ok(found)
}
