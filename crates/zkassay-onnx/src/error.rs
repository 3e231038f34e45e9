//! What can be wrong with a model that is to be written, or with ONNX bytes.

/// A model that cannot be written, or bytes that are not an ONNX model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// The model takes rows of no elements.
    #[error("model `{model}` takes rows of 0 elements: give it at least one input")]
    NoInputs {
        /// Name of the model.
        model: String,
    },
    /// The model has no node, so `output` would be undefined.
    #[error("model `{model}` has no layer: add at least one before encoding it")]
    NoLayers {
        /// Name of the model.
        model: String,
    },
    /// Two nodes have the same name, or a node has none.
    #[error("layer name `{layer}` is empty or taken: names must be unique")]
    LayerName {
        /// The name in question.
        layer: String,
    },
    /// A tensor does not fit the layer before it, or the layer's other tensor.
    #[error("layer `{layer}`: {tensor} with {found} {axis}, expected {expected}")]
    ShapeMismatch {
        /// Name of the layer.
        layer: String,
        /// `weights` or `bias`.
        tensor: &'static str,
        /// What was counted: `columns`, `rows` or `elements`.
        axis: &'static str,
        /// The number that fits.
        expected: usize,
        /// The number found.
        found: usize,
    },
    /// A weight or bias is NaN or infinite.
    #[error(
        "layer `{layer}`: {value} in the {tensor} at position {index} (row-major): has training diverged?"
    )]
    NonFinite {
        /// Name of the layer.
        layer: String,
        /// `weights` or `bias`.
        tensor: &'static str,
        /// Row-major position in the tensor.
        index: usize,
        /// The value found.
        value: f32,
    },
    /// Bytes that are not a `ModelProto`.
    #[error("not an ONNX model: {0}")]
    Decode(#[from] prost::DecodeError),
}
