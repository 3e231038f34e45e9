//! Writing trained models as ONNX.
//!
//! [`ModelBuilder`] assembles a chain of layers over rows of numbers and
//! encodes it as an ONNX model (operator set 17), from one tensor `input`
//! `[batch_size, n]` to one tensor `output`, the batch dimension symbolic.
//! Weights keep their bits, and the same calls give the same bytes.
//!
//! | layer | ONNX |
//! |---|---|
//! | [`dense`](ModelBuilder::dense) | `Gemm` with `transB = 1` |
//! | [`subtract`](ModelBuilder::subtract), [`divide`](ModelBuilder::divide) | `Sub`, `Div` by a constant per element, as for a standardisation |
//! | [`relu`](ModelBuilder::relu), [`sigmoid`](ModelBuilder::sigmoid), [`tanh`](ModelBuilder::tanh), [`softmax`](ModelBuilder::softmax) | `Relu`, `Sigmoid`, `Tanh`, `Softmax` |
//! | [`rbf`](ModelBuilder::rbf) | `Sub`, `Gemm`, `ReduceSumSquare`, `Add`, `Relu`, `Mul`, `Exp` |
//! | [`reshape`](ModelBuilder::reshape), [`flatten`](ModelBuilder::flatten) | `Reshape`, `Flatten`: from flat rows to images and back |
//! | [`conv2d`](ModelBuilder::conv2d), [`max_pool`](ModelBuilder::max_pool), [`average_pool`](ModelBuilder::average_pool) | `Conv`, `MaxPool`, `AveragePool` |
//! | [`tree_ensemble`](ModelBuilder::tree_ensemble) | `TreeEnsembleClassifier` of `ai.onnx.ml`, `ArgMax` |
//!
//! The protobuf types in [`proto`] are committed, hand-written `prost` structs
//! for the subset of `onnx.proto3` that this takes: building needs no `protoc`,
//! and tests of importers can write any model, sound or not, with them.
//!
//! ```
//! use ndarray::array;
//! use zkassay_graph::Graph;
//! use zkassay_onnx::{ModelBuilder, proto::ModelProto};
//!
//! let bytes = ModelBuilder::new("logistic", 2)?
//!     .dense("layer_0", array![[0.5, -1.0]].view(), array![0.25].view())?
//!     .sigmoid("probability")?
//!     .metadata("seed", "7")
//!     .encode()?;
//!
//! let model = ModelProto::from_bytes(&bytes)?;
//! assert_eq!(model.metadata("seed"), Some("7"));
//! // The sigmoid of 0.5 - 0.75 + 0.25.
//! let graph = Graph::from_onnx(&bytes)?;
//! assert_eq!(graph.evaluate(array![1.0, 0.75].view())?, [0.5]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod error;
pub mod proto;
mod trees;

pub use builder::{INPUT, ModelBuilder, OPSET, OUTPUT};
pub use error::OnnxError;
pub use trees::{LABEL, TreeNode, WeightedTree};
