//! What is in the files of a data set: rows, columns, duplicates.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::schema::{POOLS, PRICES, VALUE_LOCKED};
use crate::{Duplicates, Manifest, Result, idx, parquet};

/// What one file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Contents {
    /// Path relative to the data set's directory.
    pub path: String,
    /// Rows of a table, or images or labels.
    pub rows: usize,
    /// Columns of a table, or values per image.
    pub columns: usize,
    /// Rows that share their key with an earlier one, for the tables of the study.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<Duplicates>,
}

impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} x {}", self.path, self.rows, self.columns)?;
        match self.duplicates {
            None
            | Some(Duplicates {
                identical: 0,
                conflicting: 0,
            }) => Ok(()),
            Some(Duplicates {
                identical,
                conflicting,
            }) => {
                write!(
                    f,
                    ", {identical} rows twice, {conflicting} with the key of another row"
                )
            }
        }
    }
}

/// Describes the parquet and IDX files that `manifest` lists in `dir`, and validates those of the
/// study's tables; other files are left out.
///
/// # Errors
///
/// A file that cannot be read, or is not what its schema says.
pub fn contents(dir: &Path, manifest: &Manifest) -> Result<Vec<Contents>> {
    let files = manifest.files.iter();
    let described = files.map(|file| describe(&dir.join(&file.path), &file.path));
    described.filter_map(Result::transpose).collect()
}

fn describe(file: &Path, path: &str) -> Result<Option<Contents>> {
    let (rows, columns, duplicates) = if path.ends_with(".parquet") {
        let table = parquet::read(file)?;
        let schemas = [&PRICES, &POOLS, &VALUE_LOCKED];
        let duplicates = match schemas
            .iter()
            .find(|schema| path.starts_with(schema.location))
        {
            None => None,
            Some(schema) => {
                let table = schema.validate(&table, &file.display().to_string())?;
                Some(Duplicates::count(&table, schema)?)
            }
        };
        (table.height(), table.width(), duplicates)
    } else if path.ends_with("-idx3-ubyte.gz") {
        let ([images, rows, columns], _) = idx::read(file)?;
        (images, rows * columns, None)
    } else if path.ends_with("-idx1-ubyte.gz") {
        let ([labels], _) = idx::read(file)?;
        (labels, 1, None)
    } else {
        return Ok(None);
    };
    Ok(Some(Contents {
        path: path.to_owned(),
        rows,
        columns,
        duplicates,
    }))
}
