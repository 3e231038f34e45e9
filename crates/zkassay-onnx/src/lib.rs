//! Writing trained models as ONNX.
//!
//! [`ModelBuilder`] assembles a chain of dense layers and activations over
//! rows of numbers and encodes it as an ONNX model (operator set 17): `Gemm`
//! with `transB = 1`, `Relu` and `Sigmoid`, from one tensor `input`
//! `[batch_size, n]` to one tensor `output`, the batch dimension symbolic.
//! Weights keep their bits, and the same calls give the same bytes.
//!
//! The protobuf types in [`proto`] are committed, hand-written `prost` structs
//! for the subset of `onnx.proto3` that this takes: building needs no `protoc`,
//! and tests of importers can write any model, sound or not, with them.
//!
//! ```
//! use ndarray::array;
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
//! # Ok::<(), zkassay_onnx::OnnxError>(())
//! ```

mod builder;
mod error;
pub mod proto;

pub use builder::{INPUT, ModelBuilder, OPSET, OUTPUT};
pub use error::OnnxError;
