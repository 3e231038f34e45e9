//! What can be wrong with a table, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use polars::error::PolarsError;

/// A table, file or manifest that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A table has no file at its place.
    #[error(
        "the {table} table is missing: nothing at {}; run `cargo xtask fixtures` to generate \
         the synthetic tables, or name a directory laid out like the `datasets-giza` bucket",
        path.display()
    )]
    MissingTable {
        /// Name of the table.
        table: &'static str,
        /// Where its file or directory should be.
        path: PathBuf,
    },

    /// The file system refused.
    #[error("failed to {action} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },

    /// A file that is not whole, valid parquet.
    #[error(
        "{} is not a complete parquet file ({reason}); fetch it again, or run \
         `cargo xtask fixtures` if it is one of the synthetic tables",
        path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the reader met.
        reason: String,
    },

    /// A file that the manifest lists is not there.
    #[error(
        "{} is listed in the manifest but missing; make it again with `{command}`",
        path.display()
    )]
    MissingFile {
        /// The file.
        path: PathBuf,
        /// The command that makes it.
        command: String,
    },

    /// A file is not the one that the manifest describes.
    #[error(
        "{} is damaged or was changed: {expected} expected, {found} found; make it again with \
         `{command}`",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Size and hash in the manifest.
        expected: String,
        /// Size and hash of the file.
        found: String,
        /// The command that makes it.
        command: String,
    },

    /// A manifest that cannot be used.
    #[error(
        "{} is not a usable manifest ({reason}); run `cargo xtask fixtures`, or remove it to load \
         the tables without checking their hashes",
        path.display()
    )]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A column of the schema is absent.
    #[error(
        "{origin}: column `{column}` ({expected}) is missing; found {}",
        list(found)
    )]
    MissingColumn {
        /// File or table.
        origin: String,
        /// The absent column.
        column: &'static str,
        /// Its type in the schema.
        expected: String,
        /// The columns that are there.
        found: Vec<String>,
    },

    /// A column holds another type than the schema says.
    #[error(
        "{origin}: column `{column}` must be {expected}, found {found}; cast it before writing the file"
    )]
    ColumnType {
        /// File or table.
        origin: String,
        /// The column.
        column: String,
        /// Its type in the schema.
        expected: String,
        /// Its type in the file.
        found: String,
    },

    /// A key column (date, token, project, ...) has nulls.
    #[error("{origin}: key column `{column}` is null in {nulls} of {rows} rows; drop those rows")]
    NullKey {
        /// File or table.
        origin: String,
        /// The column.
        column: &'static str,
        /// How many nulls.
        nulls: usize,
        /// How many rows in all.
        rows: usize,
    },

    /// A table without rows.
    #[error("{origin}: the table has no rows")]
    Empty {
        /// File or table.
        origin: String,
    },

    /// A row that belongs to another partition than the one it lies in.
    #[error(
        "{}: the directory says project `{expected}`, row {row} says `{found}`; move the row \
         or the file",
        path.display()
    )]
    Partition {
        /// The file.
        path: PathBuf,
        /// The value after `project=`.
        expected: String,
        /// The value in the physical column.
        found: String,
        /// Index of the first such row.
        row: usize,
    },

    /// The fixtures on disk are not those that the generator makes.
    #[error(
        "fixtures differ from what seed {seed} generates: {}; run `cargo xtask fixtures` and \
         commit the result",
        differences.join("; ")
    )]
    FixturesDiffer {
        /// The seed of the comparison.
        seed: u64,
        /// One line per file.
        differences: Vec<String>,
    },

    /// A file that the manifest does not list lies where it would be loaded.
    #[error(
        "{} is not in the manifest but would be loaded with the files that are; move it away, \
         or use another directory",
        path.display()
    )]
    ForeignFile {
        /// The file.
        path: PathBuf,
    },

    /// A CSV file that cannot be read as a table.
    #[error("{}, line {line}: {reason}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Line of the offending row, the header being line 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },

    /// An image or label file of the MNIST format that is not whole or valid.
    #[error("{} is not a usable IDX file: {reason}; fetch it again", path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A table could not be assembled or encoded.
    #[error("failed to {action}: {source}")]
    Polars {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The cause.
        source: PolarsError,
    },
}

impl DataError {
    /// Wraps an I/O error with what was attempted, and on what.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// Wraps a polars error with what was attempted.
    pub(crate) fn polars(action: &'static str) -> impl Fn(PolarsError) -> Self {
        move |source| Self::Polars { action, source }
    }
}

/// At most a dozen names, then how many more there are.
pub(crate) fn list(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`"));
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        text.push_str("no columns");
    }
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}
