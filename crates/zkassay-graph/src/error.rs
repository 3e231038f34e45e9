//! Why a model cannot be imported, or a row not evaluated.

use std::path::PathBuf;

/// A model that cannot be imported, or a row that cannot be evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The file cannot be read.
    #[error("cannot read the model {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The bytes are not an ONNX model.
    #[error("not an ONNX model: {reason}")]
    Decode {
        /// What the decoder objects to.
        reason: String,
    },
    /// Weights that the model keeps in another file cannot be had.
    #[error("tensor `{tensor}` is kept in the file `{file}`: {reason}")]
    External {
        /// Name of the tensor.
        tensor: String,
        /// The file, as the model names it.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The operator set is missing or too old.
    #[error(
        "the model is written in ai.onnx operator set {found}, expected 7 or later: \
         convert it with onnx.version_converter"
    )]
    Opset {
        /// The version found; 0 if the model names none.
        found: i64,
    },
    /// The model has no input or no output, or several inputs where one is expected.
    #[error("the model has {found} {what}s ({names}), expected one")]
    Arity {
        /// `input` or `output`.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// Their names.
        names: String,
    },
    /// The model has several outputs, and not exactly one of floats.
    #[error("the model has several outputs ({outputs}): choose one of them with --output NAME")]
    SeveralOutputs {
        /// Their names.
        outputs: String,
    },
    /// The chosen output does not exist.
    #[error("the model has no output `{output}`, but {outputs}")]
    NoSuchOutput {
        /// The chosen one.
        output: String,
        /// Those that it has.
        outputs: String,
    },
    /// A size is given for a dimension that no input has.
    #[error("no input has a symbolic dimension `{variable}`; {variables}")]
    NoSuchVariable {
        /// The name given.
        variable: String,
        /// Those that there are, in words.
        variables: String,
    },
    /// An input is not a tensor of numbers or of some strings, of a known shape.
    #[error(
        "input `{input}` is {found}, expected a tensor of numbers, or of at most 65536 strings, of shape \
         [batch, n, ...] with a symbolic, dynamic or unit batch and the other dimensions fixed"
    )]
    InputType {
        /// Name of the input.
        input: String,
        /// The type found.
        found: String,
    },
    /// Dimensions of an input have names but no sizes.
    #[error("input `{input}` is {shape}: say how large its dimensions are with {variables}")]
    OpenDimensions {
        /// Name of the input.
        input: String,
        /// Its shape.
        shape: String,
        /// The options to give.
        variables: String,
    },
    /// The model is made for a batch of several rows.
    #[error(
        "input `{input}` is {shape}, a fixed batch of {batch} rows: export the model with a \
         dynamic batch dimension or a batch of 1"
    )]
    FixedBatch {
        /// Name of the input.
        input: String,
        /// Its shape.
        shape: String,
        /// Rows of the batch.
        batch: usize,
    },
    /// An operator is not known.
    #[error("node `{node}` ({op}): this operator is not supported{also}; {hint}")]
    UnknownOp {
        /// Name of the node, or its operator and position.
        node: String,
        /// Its operator.
        op: String,
        /// Other operators of the model that are not known either; may be empty.
        also: String,
        /// Those that are, of similar names, and where all are listed.
        hint: String,
    },
    /// A node does something that this crate does not do.
    #[error("node `{node}` ({op}): {reason}")]
    UnsupportedOp {
        /// Name of the node, or its operator and position.
        node: String,
        /// Its operator.
        op: String,
        /// What is not supported about it, and what would be.
        reason: String,
    },
    /// Nodes read each other in a circle.
    #[error("node `{node}` reads what is made of its own output: expected a graph without cycles")]
    Cycle {
        /// Name of one of the nodes.
        node: String,
    },
    /// There is nothing to prove about the output.
    #[error("the output `{output}` {reason}: expected a model that computes something")]
    NoComputation {
        /// Name of the output.
        output: String,
        /// What it is instead.
        reason: String,
    },
    /// Two inputs, constants or node outputs have the same name.
    #[error("value `{value}` is defined twice: names must be unique")]
    DuplicateValue {
        /// The name.
        value: String,
    },
    /// A value is read that is nowhere defined.
    #[error("{place} reads `{value}`, which is neither an input, a constant nor a node's output")]
    UndefinedValue {
        /// The reading node, or the model's output.
        place: String,
        /// The name read.
        value: String,
    },
    /// A constant cannot be read.
    #[error("constant `{tensor}`: {reason}")]
    Constant {
        /// Name of the constant.
        tensor: String,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// A weight or bias is NaN or infinite.
    #[error(
        "constant `{tensor}` holds {value} at position {index} (row-major): expected finite numbers"
    )]
    NonFiniteConstant {
        /// Name of the constant.
        tensor: String,
        /// Row-major position.
        index: usize,
        /// The value found.
        value: f32,
    },
    /// Shapes of a node's operands do not fit.
    #[error("node `{node}`: {operand} has shape {found:?}, expected {expected}")]
    ShapeMismatch {
        /// Name of the node, or its operator and position.
        node: String,
        /// Which operand.
        operand: &'static str,
        /// The shape found.
        found: Vec<usize>,
        /// The shape that fits.
        expected: String,
    },
    /// Tract refuses a model that this crate would accept.
    #[error("the model does not type-check: {reason}")]
    TypeCheck {
        /// Tract's reason.
        reason: String,
    },
    /// A row has the wrong number of elements.
    #[error("a row has {found} elements, the model takes {expected}")]
    RowLength {
        /// Elements that the model takes.
        expected: usize,
        /// Elements found.
        found: usize,
    },
    /// A row holds NaN or infinity.
    #[error("element {index} of a row is {value}: expected finite numbers")]
    NonFiniteRow {
        /// Position in the row.
        index: usize,
        /// The value found.
        value: f32,
    },
}
