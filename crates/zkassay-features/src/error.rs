//! Why features could not be made, and what to do about it.

use polars::error::PolarsError;
use zkassay_data::Day;

/// A pipeline, table or row set that does not give features.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// A setting of the pipeline makes no sense.
    #[error("pipeline setting `{setting}` is {found}; it must be {expected}")]
    Setting {
        /// Field of `FeaturePipeline`.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: &'static str,
    },

    /// The target token does not occur in a table.
    #[error("the {table} table has no token `{token}`; it has {}", available.join(", "))]
    UnknownToken {
        /// The table.
        table: &'static str,
        /// The target token.
        token: String,
        /// The tokens that are there.
        available: Vec<String>,
    },

    /// Joining the sources leaves nothing to learn from.
    #[error(
        "no day is left after joining the sources: {prices} days of prices, {value_locked} of \
         value locked after {start}, {pools} of pools listed by then; check the start date and \
         that the tables cover the same years"
    )]
    NoRows {
        /// Days with a price of the target.
        prices: usize,
        /// Days of the value-locked table after the start date.
        value_locked: usize,
        /// Days of the pool table.
        pools: usize,
        /// The start date.
        start: Day,
    },

    /// Two columns of the raw table have one name.
    #[error("two features are called `{name}`; rename a project, pool or token")]
    DuplicateFeature {
        /// The name.
        name: String,
    },

    /// A row index past the end of the table.
    #[error("row {row} is not in the table, which has {rows} rows")]
    RowOutOfRange {
        /// The index.
        row: usize,
        /// Rows of the table.
        rows: usize,
    },

    /// Too few rows to split or to fit.
    #[error("{rows} rows are too few to {purpose}; at least {needed} are needed")]
    TooFewRows {
        /// What the rows were for.
        purpose: &'static str,
        /// Rows there are.
        rows: usize,
        /// Rows it takes.
        needed: usize,
    },

    /// A fitted feature does not occur in the raw table.
    #[error(
        "the raw table has no column `{name}`, which the pipeline was fitted on; make both from \
         the same tables and settings"
    )]
    MissingFeature {
        /// The feature.
        name: String,
    },

    /// A scaled value does not fit into `f32`.
    #[error("feature `{name}` is {value} on {day}, {scaled} after scaling; correct the source row")]
    NotFinite {
        /// The feature.
        name: String,
        /// Day of the row.
        day: Day,
        /// The raw value.
        value: f64,
        /// The scaled value.
        scaled: f64,
    },

    /// A stored pipeline of another layout.
    #[error(
        "the fitted pipeline has format version {found}, this build reads {expected}; fit it again"
    )]
    Version {
        /// Version in the file.
        found: u32,
        /// Version of this build.
        expected: u32,
    },

    /// A column could not be read.
    #[error("failed to read column `{column}`: {source}")]
    Column {
        /// The column.
        column: String,
        /// The cause.
        source: PolarsError,
    },
}
