//! From scores to labels and probabilities.

use super::super::normalization::{groups, reduce};
use super::super::{Builder, NodeRef, Tensor};
use super::encoders::lookup;
use super::exact;
use crate::import::tensor::DataType;
use crate::op::{Arithmetic, Binary, Function, Order, Reduction};
use crate::{GraphError, Op};

/// What becomes of the scores of a row at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transform {
    None,
    Logistic,
    Softmax,
    /// Softmax, but zeros stay zeros.
    SoftmaxZero,
    /// The quantile of the normal distribution.
    Probit,
}

impl Transform {
    /// The attribute `post_transform`.
    pub(super) fn of(node: &NodeRef<'_>) -> Result<Self, GraphError> {
        match node.string("post_transform", "NONE")?.as_str() {
            "NONE" => Ok(Self::None),
            "LOGISTIC" => Ok(Self::Logistic),
            "SOFTMAX" => Ok(Self::Softmax),
            "SOFTMAX_ZERO" => Ok(Self::SoftmaxZero),
            "PROBIT" => Ok(Self::Probit),
            other => Err(node.unsupported(format!(
                "post_transform is {other:?}, expected NONE, LOGISTIC, SOFTMAX, SOFTMAX_ZERO or \
                 PROBIT"
            ))),
        }
    }

    /// The transformed scores `[rows, n]`.
    pub(super) fn apply(
        self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        scores: Tensor,
    ) -> Result<Tensor, GraphError> {
        match self {
            Self::None => Ok(scores),
            Self::Logistic => builder.map(node, Function::Sigmoid, &scores),
            Self::Softmax => {
                let groups = groups(node, builder, &scores, &[1])?;
                let op = Op::Softmax { groups, log: false };
                builder.push(node, op, &[&scores], scores.shape.clone())
            }
            Self::SoftmaxZero => softmax_zero(node, builder, &scores),
            Self::Probit => probit(node, builder, &scores),
        }
    }

    /// The transformed score `[rows, 1]` of one class or target: only the probit changes it.
    pub(super) fn apply_to_one(
        self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        score: Tensor,
    ) -> Result<Tensor, GraphError> {
        match self {
            Self::Probit => probit(node, builder, &score),
            _ => Ok(score),
        }
    }
}

fn softmax_zero(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    scores: &Tensor,
) -> Result<Tensor, GraphError> {
    let greatest = reduce(node, builder, Reduction::Max, scores, &[1])?;
    let exponents = builder.binary(node, Binary::Subtract, scores, &greatest)?;
    let powers = builder.map(node, Function::Exp, &exponents)?;
    let nonzero = builder.map(node, Function::IsNonzero, scores)?;
    let kept = builder.binary(node, Binary::Multiply, &powers, &nonzero)?;
    let sums = reduce(node, builder, Reduction::Sum, &kept, &[1])?;
    builder.binary(node, Binary::Divide, &kept, &sums)
}

/// `sqrt(2) erfinv(2 p - 1)`, by the approximation of Winitzki, as onnxruntime.
fn probit(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    scores: &Tensor,
) -> Result<Tensor, GraphError> {
    const A: f32 = 0.147;
    let mut scalar = |arithmetic, x: &Tensor, c| builder.with_scalar(node, arithmetic, x, c);
    let doubled = scalar(Arithmetic::Multiply, scores, 2.0)?;
    let x = scalar(Arithmetic::Subtract, &doubled, 1.0)?;
    let sign = builder.map(node, Function::Sign, &x)?;
    let square = builder.map(node, Function::Power(2), &x)?;
    let negative = builder.with_scalar(node, Arithmetic::Multiply, &square, -1.0)?;
    let rest = builder.with_scalar(node, Arithmetic::Add, &negative, 1.0)?;
    let log = builder.map(node, Function::Log, &rest)?;
    let half = builder.with_scalar(node, Arithmetic::Multiply, &log, 0.5)?;
    let constant = 2.0 / (std::f32::consts::PI * A);
    let v = builder.with_scalar(node, Arithmetic::Add, &half, constant)?;
    let v2 = builder.with_scalar(node, Arithmetic::Multiply, &log, 1.0 / A)?;
    let v_squared = builder.map(node, Function::Power(2), &v)?;
    let inner = builder.binary(node, Binary::Subtract, &v_squared, &v2)?;
    let root = builder.map(node, Function::Sqrt, &inner)?;
    let difference = builder.binary(node, Binary::Subtract, &root, &v)?;
    let magnitude = builder.map(node, Function::Sqrt, &difference)?;
    let signed = builder.binary(node, Binary::Multiply, &magnitude, &sign)?;
    builder.with_scalar(
        node,
        Arithmetic::Multiply,
        &signed,
        std::f32::consts::SQRT_2,
    )
}

/// The scores of two classes from one, `[rows, 1]`: `[-s, s]` if `is_signed`, else `[1 - s, s]`.
///
/// A logistic transform takes both signs in either case, the others leave the scores as they are.
pub(super) fn of_one(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    score: &Tensor,
    is_signed: bool,
    transform: Transform,
) -> Result<Tensor, GraphError> {
    match transform {
        Transform::Probit => {
            Err(node.unsupported("post_transform is PROBIT for two classes with one score"))
        }
        Transform::Logistic => {
            let both = opposite(node, builder, score)?;
            builder.map(node, Function::Sigmoid, &both)
        }
        _ if is_signed => opposite(node, builder, score),
        _ => complement(node, builder, score),
    }
}

/// `[1 - s, s]` of scores `[rows, 1]`.
pub(super) fn complement(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    score: &Tensor,
) -> Result<Tensor, GraphError> {
    let negative = builder.with_scalar(node, Arithmetic::Multiply, score, -1.0)?;
    let other = builder.with_scalar(node, Arithmetic::Add, &negative, 1.0)?;
    beside(node, builder, &other, score)
}

/// `[-s, s]` of scores `[rows, 1]`.
fn opposite(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    score: &Tensor,
) -> Result<Tensor, GraphError> {
    let negative = builder.with_scalar(node, Arithmetic::Multiply, score, -1.0)?;
    beside(node, builder, &negative, score)
}

/// Two columns `[rows, 1]` as `[rows, 2]`.
fn beside(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    a: &Tensor,
    b: &Tensor,
) -> Result<Tensor, GraphError> {
    use crate::op::Source::Element;

    let rows = a.len() as u32;
    let of_row = |index| [0, 1].map(|operand| Element { operand, index });
    let sources = (0..rows).flat_map(of_row).collect();
    builder.rearrange(node, &[a, b], sources, vec![a.len(), 2])
}

/// The position of the first greatest score of each row: `[rows]`.
pub(super) fn arg_max(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    scores: &Tensor,
) -> Result<Tensor, GraphError> {
    let op = Op::ArgMax {
        groups: groups(node, builder, scores, &[1])?,
        order: Order::Greatest,
        last: false,
    };
    let rows = scores.shape[0];
    Ok(builder
        .push(node, op, &[scores], vec![rows])?
        .typed(DataType::Int64))
}

/// 1 where the score is above the threshold, else 0: `[rows]`.
pub(super) fn above(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    score: &Tensor,
    threshold: f32,
) -> Result<Tensor, GraphError> {
    let score = builder.reshape(node, score, vec![score.len()])?;
    let threshold = Tensor::constant(vec![], DataType::Float, vec![threshold]);
    let above = builder.binary(node, Binary::Less, &threshold, &score)?;
    Ok(above.typed(DataType::Int64))
}

/// The names of the classes.
pub(super) enum Labels<'a> {
    Integers(&'a [i64]),
    Strings(Vec<String>),
}

impl<'a> Labels<'a> {
    /// The attribute of integers, or that of strings.
    pub(super) fn of(
        node: &NodeRef<'a>,
        integers: &str,
        strings: &str,
    ) -> Result<Self, GraphError> {
        let named = node.strings(strings)?.unwrap_or_default();
        let numbered = node.ints(integers)?.unwrap_or_default();
        match (numbered.len(), named.len()) {
            (0, 0) => Err(node.unsupported(format!("it has neither {integers} nor {strings}"))),
            (_, 0) => Ok(Self::Integers(numbered)),
            _ => Ok(Self::Strings(named)),
        }
    }

    /// Number of classes.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Integers(integers) => integers.len(),
            Self::Strings(words) => words.len(),
        }
    }

    /// The labels of positions.
    ///
    /// There are no strings in a graph: positions among names stay positions.
    pub(super) fn name(
        &self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        positions: Tensor,
    ) -> Result<Tensor, GraphError> {
        let labels = match self {
            Self::Integers(labels) => labels,
            Self::Strings(words) => return Ok(builder.write_texts(positions, words.clone())),
        };
        let values = labels.iter().map(|label| exact(node, "its labels", *label));
        let values: Vec<f32> = values.collect::<Result<_, _>>()?;
        let first = values.first().copied().unwrap_or(0.0);
        let step = values.get(1).map_or(1.0, |second| second - first);
        let steady = |(i, value): (usize, &f32)| *value == first + step * i as f32;
        let named = if step != 0.0 && values.iter().enumerate().all(steady) {
            let steps = builder.with_scalar(node, Arithmetic::Multiply, &positions, step)?;
            builder.with_scalar(node, Arithmetic::Add, &steps, first)?
        } else {
            builder.charge(node, 2 * values.len())?;
            let keys: Vec<f32> = (0..values.len()).map(|i| i as f32).collect();
            lookup(node, builder, &positions, &keys, &values, 0.0)?
        };
        Ok(named.typed(DataType::Int64))
    }
}
