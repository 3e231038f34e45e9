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
         value locked, {pools} of pools, study from {start}; check the start date, that pools were \
         listed by it, and that the tables cover the same years"
    )]
    NoRows {
        /// Days with a price of the target.
        prices: usize,
        /// Days of the value-locked table.
        value_locked: usize,
        /// Days of the pools that are listed.
        pools: usize,
        /// The start date.
        start: Day,
    },

    /// Two rows share a pool and a day, and the rules refuse that.
    #[error(
        "pool `{pool}` has more than one row on {day}; merge them, or let the deeper market count \
         (`pool_duplicates`)"
    )]
    RepeatedPool {
        /// Key of the pool.
        pool: String,
        /// The first such day.
        day: Day,
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

    /// A split that leaves a set without rows.
    #[error(
        "{rows} rows split into {train} to train, {calibration} to calibrate and {test} to test, \
         and none may be empty; use more rows, fewer folds or a shorter embargo"
    )]
    EmptySet {
        /// Rows there are.
        rows: usize,
        /// Rows left to train on.
        train: usize,
        /// Rows left to calibrate on.
        calibration: usize,
        /// Rows left to test on.
        test: usize,
    },

    /// Too few rows to fit or to audit.
    #[error("{rows} rows are too few to {purpose}; at least {needed} are needed")]
    TooFewRows {
        /// What the rows were for.
        purpose: &'static str,
        /// Rows there are.
        rows: usize,
        /// Rows it takes.
        needed: usize,
    },

    /// A column of one's own table has no value in the training rows.
    #[error("column `{name}` has no value in any of the {rows} training rows; leave it out")]
    NoTrainingValue {
        /// The column.
        name: String,
        /// How many training rows there are.
        rows: usize,
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

    /// A raw table of another pipeline.
    #[error(
        "the raw table was made with other settings than the pipeline's; make it with this pipeline"
    )]
    OtherSettings,

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

    /// A stored pipeline whose content is not what was written.
    #[error(
        "the fitted pipeline states hash {stated} but has {found}; it was changed after it was \
         written, fit it again"
    )]
    HashMismatch {
        /// Hash in the file.
        stated: String,
        /// Hash of its content.
        found: String,
    },

    /// A fitted pipeline could not be written as JSON.
    #[error("failed to encode the fitted pipeline: {0}")]
    Encode(serde_json::Error),

    /// Rows out of order.
    #[error(
        "row {row} is of {day}, not after the row before it; sort the rows by day, one row a day"
    )]
    UnorderedDays {
        /// The row.
        row: usize,
        /// Its day.
        day: Day,
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
