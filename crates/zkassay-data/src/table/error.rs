//! What can be wrong with a user's own table.

use crate::DataError;

/// A table that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file itself cannot be read.
    #[error(transparent)]
    File(#[from] DataError),

    /// The file's name ends in neither `.csv` nor `.parquet`.
    #[error("{file}: a table is read from a `.csv` or `.parquet` file; rename or convert it")]
    UnknownFormat {
        /// The file.
        file: String,
    },

    /// No rows.
    #[error("{file}: the table has no rows")]
    Empty {
        /// The file.
        file: String,
    },

    /// A column that was asked for is not there.
    #[error(
        "{file}: there is no column `{column}`; the columns are {}",
        crate::error::list(found)
    )]
    MissingColumn {
        /// The file.
        file: String,
        /// The column that was asked for.
        column: String,
        /// The columns that are there.
        found: Vec<String>,
    },

    /// Nothing is left beside label, time and ignored columns.
    #[error("{file}: no column is left to be a feature")]
    NoFeatures {
        /// The file.
        file: String,
    },

    /// A feature holds something that is not a number.
    #[error(
        "{file}: column `{column}` is a feature and must be numeric, {place} holds {found}; \
         encode it as numbers or leave the column out"
    )]
    NotNumeric {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// Line or row.
        place: String,
        /// What is there.
        found: String,
    },

    /// A feature that says nothing.
    #[error("{file}: column `{column}` {constant}; a model cannot learn from it, leave it out")]
    Constant {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// In which way.
        constant: String,
    },

    /// A row without a label.
    #[error("{file}: column `{column}` is the label, {place} has none; drop such rows")]
    MissingLabel {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// Line or row.
        place: String,
    },

    /// Labels that do not form two classes.
    #[error(
        "{file}: column `{column}` is no label of two classes (0 and 1, `true` and `false`, two \
         integers or two texts): {found}"
    )]
    NotClasses {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// What is there instead.
        found: String,
    },

    /// A time that is missing or not one.
    #[error(
        "{file}: column `{column}` is the time, {place} holds {found}; expected YYYY-MM-DD, \
         YYYY-MM-DDThh:mm:ss (UTC) or an integer"
    )]
    NotTime {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// Line or row.
        place: String,
        /// What is there.
        found: String,
    },
}
