//! ONNX bytes to a small typed graph.
//!
//! [`Graph::from_onnx`] reads a model as exporters write it and returns what
//! the later stages work on: a chain of [`Op`]s over rows, with exact weights
//! and the model's own node names. A model that is outside this subset is
//! refused with a [`GraphError`] that names the node and says what would be
//! accepted; bytes from anywhere are safe to import.
//!
//! | ONNX | becomes |
//! |---|---|
//! | `Gemm` (`transA = 0`; any `transB`, `alpha`, `beta`), `MatMul` with or without a following `Add` | [`Op::Dense`] |
//! | `Add`, `Sub`, `Mul`, `Div` of the data and a constant | [`Op::Elementwise`] |
//! | `Relu`, `Sigmoid` | [`Op::Relu`], [`Op::Sigmoid`] |
//! | `Identity`, `Dropout` (inference), `Flatten` (`axis = 1`) | nothing: they leave a row as it is |
//!
//! [`Graph::evaluate`] is the float semantics of the model. Tract parses and
//! type-checks every model that is imported, and runs it as an independent
//! oracle in [`reference`](mod@reference).
//!
//! ```
//! use ndarray::array;
//! use zkassay_graph::Graph;
//! use zkassay_onnx::ModelBuilder;
//!
//! let bytes = ModelBuilder::new("tiny", 2)?
//!     .dense("layer_0", array![[1.0, 2.0], [3.0, -4.0]].view(), array![0.5, 0.5].view())?
//!     .relu("relu_0")?
//!     .encode()?;
//!
//! let graph = Graph::from_onnx(&bytes)?;
//! assert_eq!(graph.parameters(), 6);
//! assert_eq!(graph.evaluate(array![1.0, 1.0].view())?, [3.5, 0.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod external;
mod graph;
mod import;
mod op;
pub mod reference;

pub use error::GraphError;
pub use external::{inline_external, read_onnx};
pub use graph::{Graph, Node, Output, Value};
pub use import::ImportOptions;
pub use op::{
    Aggregate, Arithmetic, Binary, Branch, Conv, Dense, Function, MatMul, Op, Order, Reduction,
    Source, TreeNode, Trees,
};
