//! What can be wrong with a model that is to be written, or with ONNX bytes.

/// A model that cannot be written, or bytes that are not an ONNX model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// The model's name is empty, which ONNX does not allow.
    #[error("the model's name is empty: give it one")]
    NoName,
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
        /// The tensor, for instance `weights`.
        tensor: &'static str,
        /// What was counted, for instance `columns`.
        axis: &'static str,
        /// The number that fits.
        expected: usize,
        /// The number found.
        found: usize,
    },
    /// A layer takes rows of another shape than the layer before it gives.
    #[error(
        "layer `{layer}`: takes rows of shape {expected}, found {found:?}: put a {remedy} before it"
    )]
    RowShape {
        /// Name of the layer.
        layer: String,
        /// The shapes it takes.
        expected: &'static str,
        /// The shape of the rows so far, without the batch dimension.
        found: Vec<usize>,
        /// The layer that would make it fit.
        remedy: &'static str,
    },
    /// A convolution or pooling whose window fits nowhere in the image.
    #[error(
        "layer `{layer}`: a window of {} x {}, stride {stride}, padding {padding} does not fit \
         images of {} x {}",
        window[0], window[1], image[0], image[1]
    )]
    Window {
        /// Name of the layer.
        layer: String,
        /// Height and width of the window.
        window: [usize; 2],
        /// Step between two windows.
        stride: usize,
        /// Zeros added on each side.
        padding: usize,
        /// Height and width of the images.
        image: [usize; 2],
    },
    /// A constant is NaN or infinite.
    #[error(
        "layer `{layer}`: {value} in the {tensor} at position {index} (row-major): has training diverged?"
    )]
    NonFinite {
        /// Name of the layer.
        layer: String,
        /// The tensor, for instance `weights`.
        tensor: &'static str,
        /// Row-major position in the tensor.
        index: usize,
        /// The value found.
        value: f32,
    },
    /// A finite constant that the layer cannot work with.
    #[error("layer `{layer}`: {value} in the {tensor} at position {index}, expected {expected}")]
    Constant {
        /// Name of the layer.
        layer: String,
        /// The tensor, for instance `divisors`.
        tensor: &'static str,
        /// Row-major position in the tensor.
        index: usize,
        /// The value found.
        value: f32,
        /// The values allowed.
        expected: &'static str,
    },
    /// A node that does not fit its decision tree.
    #[error("tree {tree}, node {node}: the {what} is {found}, expected {expected}")]
    TreeNode {
        /// The tree, from 0.
        tree: usize,
        /// The node, from 0.
        node: usize,
        /// What does not fit, for instance its `feature`.
        what: &'static str,
        /// What was found.
        found: String,
        /// What fits.
        expected: String,
    },
    /// Bytes that are not a `ModelProto`.
    #[error("not an ONNX model: {0}")]
    Decode(#[from] prost::DecodeError),
}
