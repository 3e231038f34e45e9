//! The operations that graphs are made of, and their float semantics.
//!
//! ONNX has some two hundred operators; the importer expresses those it knows by the few here.
//! Each has a file of its own, and a file of the same name in the quantiser.
//!
//! | operation | ONNX operators that become it, among others |
//! |---|---|
//! | [`Dense`] | Gemm, MatMul with constants, LinearClassifier |
//! | [`Conv`] | Conv, ConvTranspose |
//! | [`Op::MatMul`] | MatMul of two values |
//! | [`Op::Elementwise`] | Add, Sub, Mul, Div with a constant; BatchNormalization; Scaler |
//! | [`Op::Binary`] | Add, Mul, Max, Less, And, ... of two values |
//! | [`Op::Map`] | Relu, Exp, Sigmoid, Floor, ...: one function on every element |
//! | [`Op::Select`] | Where |
//! | [`Op::Rearrange`] | Reshape, Transpose, Concat, Slice, Pad, Gather, ...: elements change their places |
//! | [`Op::Reduce`] | ReduceSum, MaxPool, AveragePool, ... |
//! | [`Op::Softmax`] | Softmax, LogSoftmax |
//! | [`Op::ArgMax`], [`Op::TopK`] | ArgMax, ArgMin, TopK |
//! | [`Op::Trees`] | TreeEnsembleClassifier, TreeEnsembleRegressor |
//!
//! Sums are taken in float64 and rounded once, so that results do not depend on their order.

mod conv;
mod dense;
mod elementwise;
mod map;
mod matmul;
mod order;
mod rearrange;
mod reduce;
mod softmax;
mod trees;

use ndarray::Array1;

pub use conv::Conv;
pub use dense::Dense;
pub use elementwise::{Arithmetic, Binary};
pub use map::Function;
pub use matmul::MatMul;
pub use order::Order;
pub use rearrange::Source;
pub use reduce::Reduction;
pub use trees::{Aggregate, Branch, TreeNode, Trees};

/// What a node does. Operands are flat, in row-major order.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// `y = weights x + bias` for every run of `inputs` consecutive elements.
    Dense(Dense),
    /// A convolution, or the transpose of one, in two dimensions.
    Conv(Conv),
    /// The products of matrices that are both values.
    MatMul(MatMul),
    /// `x + c`, `x - c`, `x c` or `x / c` on every element, each with its own constant.
    Elementwise {
        /// Which of them.
        arithmetic: Arithmetic,
        /// As long as the value; no zero to divide by.
        constant: Array1<f32>,
    },
    /// An operation on two values of the same length, element by element.
    Binary(Binary),
    /// A function of every element.
    Map(Function),
    /// `if c != 0 { a } else { b }` for the values `c`, `a`, `b`, element by element.
    Select,
    /// Each element of the result is an element of an operand, or a constant.
    Rearrange(Vec<Source>),
    /// Each element of the result is a sum, a maximum, ... of some elements of the operand.
    Reduce {
        /// Of what kind.
        reduction: Reduction,
        /// The positions of the elements, for each element of the result; none is empty.
        groups: Vec<Vec<u32>>,
    },
    /// `exp(x) / sum exp(x)` over groups of positions that cover every element once.
    Softmax {
        /// The positions of each group.
        groups: Vec<Vec<u32>>,
        /// Whether the logarithm of it is the result.
        log: bool,
    },
    /// The position within its group of each group's extreme element.
    ArgMax {
        /// The positions of each group.
        groups: Vec<Vec<u32>>,
        /// Greatest or least.
        order: Order,
        /// Of equal ones the last instead of the first.
        last: bool,
    },
    /// The `k` extreme elements of each group in order, the first of equal ones first: their
    /// values, or their positions within the group. Group by group.
    TopK {
        /// The positions of each group, each of at least `k`.
        groups: Vec<Vec<u32>>,
        /// How many.
        k: usize,
        /// Greatest first, or least first.
        order: Order,
        /// Whether the result is positions instead of values.
        positions: bool,
    },
    /// An ensemble of decision trees.
    Trees(Trees),
}

impl Op {
    /// `max(x, 0)`.
    pub const RELU: Self = Self::Map(Function::Relu);
    /// `1 / (1 + exp(-x))`.
    pub const SIGMOID: Self = Self::Map(Function::Sigmoid);

    /// Number of weights, biases and other constants.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.weights.len() + dense.bias.len(),
            Self::Conv(conv) => conv.weights.len() + conv.bias.len(),
            Self::Elementwise { constant, .. } => constant.len(),
            Self::Trees(trees) => trees.parameters(),
            _ => 0,
        }
    }

    /// The operation in a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dense(_) => "Dense",
            Self::Conv(conv) if conv.transposed => "ConvTranspose",
            Self::Conv(_) => "Conv",
            Self::MatMul(_) => "MatMul",
            Self::Elementwise { arithmetic, .. } => arithmetic.name(),
            Self::Binary(binary) => binary.name(),
            Self::Map(function) => function.name(),
            Self::Select => "Where",
            Self::Rearrange(_) => "Rearrange",
            Self::Reduce { reduction, .. } => reduction.name(),
            Self::Softmax { log: false, .. } => "Softmax",
            Self::Softmax { log: true, .. } => "LogSoftmax",
            Self::ArgMax {
                order: Order::Greatest,
                ..
            } => "ArgMax",
            Self::ArgMax { .. } => "ArgMin",
            Self::TopK { .. } => "TopK",
            Self::Trees(_) => "Trees",
        }
    }

    /// The result for operands of the lengths that the graph says.
    pub(crate) fn apply(&self, operands: &[&[f32]]) -> Vec<f32> {
        let first = operands.first().copied().unwrap_or_default();
        let second = operands.get(1).copied().unwrap_or_default();
        match self {
            Self::Dense(dense) => dense.apply(first),
            Self::Conv(conv) => conv.apply(first),
            Self::MatMul(product) => product.apply(first, second),
            Self::Elementwise {
                arithmetic,
                constant,
            } => {
                let pairs = first.iter().zip(constant);
                pairs.map(|(&x, &c)| arithmetic.apply(x, c)).collect()
            }
            Self::Binary(binary) => {
                let pairs = first.iter().zip(second);
                pairs.map(|(&a, &b)| binary.apply(a, b)).collect()
            }
            Self::Map(function) => first.iter().map(|&x| function.apply(x)).collect(),
            Self::Select => {
                let third = operands.get(2).copied().unwrap_or_default();
                let choose = |((&c, &a), &b)| if c == 0.0 { b } else { a };
                first.iter().zip(second).zip(third).map(choose).collect()
            }
            Self::Rearrange(sources) => sources.iter().map(|s| s.of(operands)).collect(),
            Self::Reduce { reduction, groups } => reduction.apply(first, groups),
            Self::Softmax { groups, log } => softmax::apply(first, groups, *log),
            Self::ArgMax {
                groups,
                order,
                last,
            } => order.positions_of_extremes(first, groups, *last),
            Self::TopK {
                groups,
                k,
                order,
                positions,
            } => order.top(first, groups, *k, *positions),
            Self::Trees(trees) => trees.apply(first),
        }
    }
}
