//! ONNX bytes to a small typed graph.
//!
//! [`Graph::from_onnx`] reads a model as exporters write it and returns what the later stages work
//! on: a graph of [`Op`]s over rows, with exact weights and the model's own node names. The two
//! hundred operators of ONNX become the few of [`Op`]: see its documentation for which becomes
//! what. A model that is outside of the subset is refused with a [`GraphError`] that names the
//! node, its operator, the reason, and what would be accepted; bytes from anywhere are safe to
//! import.
//!
//! | ONNX | becomes |
//! |---|---|
//! | `Gemm`, `MatMul`, `Einsum`: with constants, with a following `Add` as bias; of two values | [`Op::Dense`]; [`Op::MatMul`] |
//! | `Conv`, `ConvTranspose`, of one or two dimensions | [`Op::Conv`] |
//! | `Add`, `Sub`, `Mul`, `Div`, `Neg`, `Sum`, `Mean`, `Max`, `Min`, `Pow`, `Mod` | [`Op::Elementwise`] with constants, else [`Op::Binary`] |
//! | `Relu`, `LeakyRelu`, `PRelu`, `Clip`, `Elu`, `Celu`, `Selu`, `Gelu`, `Swish`, `Softplus`, `Softsign`, `HardSigmoid`, `HardSwish`, `Mish`, `ThresholdedRelu`, `Shrink`, `Sigmoid`, `Tanh` | [`Op::Map`] |
//! | `Abs`, `Sign`, `Floor`, `Ceil`, `Round`, `Sqrt`, `Reciprocal`, `Exp`, `Log`, `Erf` | [`Op::Map`] |
//! | `Equal`, `Less`, `LessOrEqual`, `Greater`, `GreaterOrEqual`, `And`, `Or`, `Xor`, `Not`; `Where` | [`Op::Binary`]; [`Op::Select`] |
//! | `Softmax`, `LogSoftmax`, `Hardmax` | [`Op::Softmax`], [`Op::ArgMax`] |
//! | `ReduceSum`, `ReduceMean`, `ReduceMax`, `ReduceMin`, `ReduceL1`, `ReduceL2`, `ReduceSumSquare`, `ReduceLogSum`, `ReduceLogSumExp`, `ReduceProd`, `CumSum` | [`Op::Reduce`] |
//! | `MaxPool`, `AveragePool`, `LpPool`, `GlobalAveragePool`, `GlobalMaxPool` | [`Op::Reduce`] |
//! | `BatchNormalization`, `InstanceNormalization`, `LayerNormalization` | [`Op::Elementwise`], [`Op::Reduce`] |
//! | `ArgMax`, `ArgMin`, `TopK` | [`Op::ArgMax`], [`Op::TopK`] |
//! | `Reshape`, `Flatten`, `Squeeze`, `Unsqueeze`, `Identity`, `Dropout` (inference), `Cast` to floats, `ZipMap` | nothing: the elements stay where they are |
//! | `Transpose`, `Concat`, `Split`, `Slice`, `Pad`, `Gather`, `GatherElements`, `GatherND`, `Expand`, `Tile`, `DepthToSpace`, `SpaceToDepth`, `ReverseSequence`, `Resize`, `ArrayFeatureExtractor` | [`Op::Rearrange`]; several that follow each other become one |
//! | `OneHot`; `Gather` and `GatherElements` at positions that the input decides | comparisons with every position, [`Op::Binary`], and [`Op::Dense`] |
//! | `Constant`, `ConstantOfShape`, `Shape`, `Size`, `Range`, and whatever reads only constants | constants |
//! | `QuantizeLinear`, `DequantizeLinear` | [`Op::Elementwise`], [`Op::Map`] |
//! | `LinearClassifier`, `LinearRegressor`, `SVMClassifier`, `SVMRegressor`, `Scaler`, `Normalizer`, `Imputer`, `Binarizer`, `OneHotEncoder`, `LabelEncoder`, `CategoryMapper` of ai.onnx.ml | all of the above |
//! | `TreeEnsembleClassifier`, `TreeEnsembleRegressor` of ai.onnx.ml | [`Op::Trees`] |
//! | functions of the model's own, `Scan`, `If` | their bodies, the body once for each step, the branches |
//!
//! A model has one row as its input: several inputs are parts of it, in order. The first dimension
//! is bound to 1, others that are open are bound by [`ImportOptions`], which also chooses among
//! several outputs. A string of the input is a number of the row, its position among those that the
//! model asks about; [`Interface`] has them. A file that is made for a batch of several rows becomes
//! the graph of one, if no row has to do with another; else all of them are one input. Where
//! an `Imputer` of missing numbers is all that reads a place of a row, [`Interface::imputed`] says
//! which number stands for a missing one there: the model does the same for both. Numbers that are
//! cast to float16 are not rounded to that type.
//!
//! [`Graph::evaluate`] is the float semantics of the model. Tract decodes the protobuf, and runs
//! models as an independent oracle in [`reference`](mod@reference).
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
mod interface;
mod op;
pub mod reference;

pub use error::GraphError;
pub use external::{inline_external, read_onnx};
pub use graph::{Graph, Node, Output, Value};
pub use import::ImportOptions;
pub use interface::{Column, ColumnKind, Imputed, Interface, Vocabulary};
pub use op::{
    Aggregate, Arithmetic, Binary, Branch, Conv, Dense, Function, MatMul, Op, Order, Reduction,
    Source, TreeNode, Trees,
};
