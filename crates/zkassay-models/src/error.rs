//! What can be wrong with a specification, with data, or with training.

/// A model that cannot be specified, trained, scored or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A model name that cannot be read.
    #[error(
        "unknown model `{name}`: {reason}; expected `logistic`, hidden widths such as `64-32`, \
         a tag such as `MLP_2_layers_64_32`, or `cnn`, `logistic-l2`, `ridge`, `svm`, `svm-rbf`, \
         `tree`, `forest` or `boosted`"
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
    /// A label of no class that the model knows.
    #[error("label of row {row} is {label}: the model knows {classes} classes, from 0")]
    Label {
        /// The row.
        row: usize,
        /// Its label.
        label: u8,
        /// Number of classes.
        classes: usize,
    },
    /// All labels are equal.
    #[error("every label is {label}: expected rows of two classes or more")]
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
    /// Probabilities of the classes that are not 1 together.
    #[error("probabilities of row {row} sum to {sum}: expected 1")]
    ProbabilitySum {
        /// The row.
        row: usize,
        /// The sum found.
        sum: f64,
    },
    /// Two models with different numbers of rows or rounds.
    #[error("{first} results of one model, {second} of the other: expected as many")]
    Unpaired {
        /// Results of the first model.
        first: usize,
        /// Results of the second model.
        second: usize,
    },
    /// A round's value that cannot be averaged.
    #[error("value of round {round} is {value}: expected a number from -1e100 to 1e100")]
    RoundValue {
        /// The round, from 0.
        round: usize,
        /// Its value.
        value: f64,
    },
    /// Rows of another length than the model takes.
    #[error("rows have {found} columns, the model takes {expected}")]
    Columns {
        /// Columns the model takes.
        expected: usize,
        /// Columns found.
        found: usize,
    },
    /// The loss, or the square of a gradient, is no longer a finite number.
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
    /// Training ended away from the optimum.
    #[error(
        "training {model} stopped {found:e} from its optimum, expected at most {tolerance:e}: \
         scale the inputs, or allow more steps or more tolerance"
    )]
    NotConverged {
        /// Kind of the model.
        model: &'static str,
        /// What is left of the slope or of the violation that training brings down.
        found: f64,
        /// The most that was to be left.
        tolerance: f64,
    },
    /// Training has no result.
    #[error("training {model} has no solution: {reason}")]
    Unsolved {
        /// Kind of the model.
        model: &'static str,
        /// Why there is none.
        reason: String,
    },
    /// More rows than a kind of model can be trained on.
    #[error("{found} rows, expected at most {limit} to train {model}")]
    TooManyRows {
        /// Kind of the model.
        model: &'static str,
        /// Number of rows.
        found: usize,
        /// The most rows it can be trained on.
        limit: usize,
    },
    /// A leaf value that is not rounded as the trees' sums need it.
    #[error("tree {tree}, node {node}: the value is {value}, expected {expected}")]
    Leaf {
        /// The tree, from 0.
        tree: usize,
        /// The node, from 0.
        node: usize,
        /// The value found.
        value: f32,
        /// The values allowed.
        expected: String,
    },
    /// Candle cannot compute.
    #[error("candle: {0}")]
    Candle(#[from] candle_core::Error),
    /// The model cannot be written.
    #[error(transparent)]
    Onnx(#[from] zkassay_onnx::OnnxError),
}
