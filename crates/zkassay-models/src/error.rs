//! What can be wrong with a specification, with data, or with training.

/// A model that cannot be specified, trained, scored or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A model name that cannot be read.
    #[error(
        "unknown model `{name}`: {reason}; expected `logistic`, hidden widths such as `64-32`, \
         or a tag such as `MLP_2_layers_64_32`"
    )]
    UnknownModel {
        /// The name given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A training parameter out of range.
    #[error("parameter {name} is {found}, expected {expected}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// The value given.
        found: String,
        /// The values allowed.
        expected: &'static str,
    },
    /// There is nothing to train on or to score.
    #[error("no rows or no columns: found {rows} x {columns}")]
    Empty {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
    },
    /// Rows and labels are not paired.
    #[error("{labels} labels for {rows} rows: expected one label per row")]
    LabelCount {
        /// Number of rows, or of probabilities.
        rows: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A label other than 0 or 1.
    #[error("label of row {row} is {label}: expected 0 or 1")]
    Label {
        /// The row.
        row: usize,
        /// Its label.
        label: u8,
    },
    /// All labels are equal.
    #[error("every label is {label}: expected rows of both classes")]
    OneClass {
        /// The only label.
        label: u8,
    },
    /// A class below the highest has no row.
    #[error(
        "no label is {class}, but the highest is {highest}: expected rows of every class from 0"
    )]
    MissingClass {
        /// The class without rows.
        class: u8,
        /// The highest label.
        highest: u8,
    },
    /// An input is NaN or infinite.
    #[error("row {row}, column {column} is {value}: expected finite numbers")]
    NonFinite {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// The value found.
        value: f32,
    },
    /// A probability outside of 0 to 1.
    #[error("probability of row {row} is {value}: expected a number from 0 to 1")]
    Probability {
        /// The row.
        row: usize,
        /// The value found.
        value: f32,
    },
    /// Rows of another length than the model takes.
    #[error("rows have {found} columns, the model takes {expected}")]
    Columns {
        /// Columns the model takes.
        expected: usize,
        /// Columns found.
        found: usize,
    },
    /// The loss is no longer a finite number.
    #[error(
        "training {model} diverged in epoch {epoch}: lower the learning rate ({learning_rate}) or scale the inputs"
    )]
    Diverged {
        /// Tag of the model.
        model: String,
        /// The epoch, from 1.
        epoch: usize,
        /// The learning rate it was trained with.
        learning_rate: f64,
    },
    /// Candle cannot compute.
    #[error("candle: {0}")]
    Candle(#[from] candle_core::Error),
    /// The model cannot be written.
    #[error(transparent)]
    Onnx(#[from] zkassay_onnx::OnnxError),
}
