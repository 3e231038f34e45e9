//! Operators on quantised tensors: those of the standard, and those of onnxruntime's quantiser in
//! its format QOperator.
//!
//! A quantised tensor is of small integers `q` that stand for `(q - zero_point) scale`. Products
//! and sums are those of the integers `q - zero_point`, which float32 holds exactly, with one factor
//! behind them, as onnxruntime has it; so that their results round the same way. All else is
//! computed on the reals.

mod conv;
mod elementwise;
mod matmul;
mod pool;

use super::quantize::rounded;
use super::{Builder, DEFAULT, Family, NodeRef, Tensor};
use crate::GraphError;
use crate::import::tensor::DataType;
use crate::op::{Arithmetic, Binary};

pub(super) const OPERATORS: Family = &[
    ("QLinearConv", conv::qlinear),
    ("QLinearMatMul", matmul::qlinear),
    ("ConvInteger", conv::integer),
    ("MatMulInteger", matmul::integer),
];

/// onnxruntime's own.
pub(super) const MICROSOFT: Family = &[
    ("QGemm", matmul::gemm),
    ("QLinearAdd", elementwise::add),
    ("QLinearAveragePool", pool::average),
    ("QLinearConcat", elementwise::concat),
    ("QLinearGlobalAveragePool", pool::global_average),
    ("QLinearLeakyRelu", |node, builder| {
        elementwise::function(node, builder, "LeakyRelu")
    }),
    ("QLinearMul", elementwise::multiply),
    ("QLinearSigmoid", |node, builder| {
        elementwise::function(node, builder, "Sigmoid")
    }),
    ("QLinearSoftmax", |node, builder| {
        elementwise::function(node, builder, "Softmax")
    }),
    ("QLinearWhere", elementwise::choose),
];

/// What the integers of one tensor stand for.
#[derive(Clone, Copy, Debug)]
struct Quantised {
    scale: f32,
    zero: f32,
    element: DataType,
}

impl Quantised {
    /// One scale, operand `scale`, and one zero point, operand `scale + 1`; without that, zero of
    /// the type `element`.
    fn at(node: &NodeRef<'_>, scale: usize, element: DataType) -> Result<Self, GraphError> {
        let zero = zero_point(node, scale + 1)?;
        Ok(Self {
            scale: one_scale(node, scale)?,
            zero,
            element: node.optional(scale + 1).map_or(element, |x| x.element),
        })
    }

    /// `(q - zero_point) scale`.
    fn reals(
        self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        q: &Tensor,
    ) -> Result<Tensor, GraphError> {
        let centred = builder.with_scalar(node, Arithmetic::Subtract, q, self.zero)?;
        let scaled = builder.with_scalar(node, Arithmetic::Multiply, &centred, self.scale)?;
        Ok(scaled.typed(DataType::Float))
    }

    /// The integers for reals.
    fn of_reals(
        self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        x: &Tensor,
    ) -> Result<Tensor, GraphError> {
        let quotient = builder.with_scalar(node, Arithmetic::Divide, x, self.scale)?;
        let zeros = vec![self.zero; x.len()];
        rounded(node, builder, &quotient, zeros, self.element)
    }

    /// The same where onnxruntime adds the zero point before it rounds: halves go to the even one
    /// of the integers that it writes.
    fn of_sums(
        self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        x: &Tensor,
    ) -> Result<Tensor, GraphError> {
        let quotient = builder.with_scalar(node, Arithmetic::Divide, x, self.scale)?;
        let shifted = builder.with_scalar(node, Arithmetic::Add, &quotient, self.zero)?;
        rounded(node, builder, &shifted, vec![0.0; x.len()], self.element)
    }

    /// The integers for reals that are integers times factors, which hold for the elements at a
    /// position of `axis`, or for all if there is one.
    fn of_integers(
        self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        x: &Tensor,
        (factors, axis): (&[f32], usize),
    ) -> Result<Tensor, GraphError> {
        let factors: Vec<f32> = factors.iter().map(|f| f / self.scale).collect();
        let scaled = scaled(node, builder, x, (&factors, axis))?;
        let zeros = vec![self.zero; x.len()];
        rounded(node, builder, &scaled, zeros, self.element)
    }
}

/// `alpha` times the scales of products of two operands: of the first, operand 1, by those of the second, operand 4.
fn product_scales(node: &NodeRef<'_>, alpha: f32) -> Result<Vec<f32>, GraphError> {
    let first = alpha * one_scale(node, 1)?;
    Ok(scales(node, 4)?.iter().map(|scale| first * scale).collect())
}

/// Elements times the factor of their position along `axis`, or the only one.
fn scaled(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    (factors, axis): (&[f32], usize),
) -> Result<Tensor, GraphError> {
    if factors.iter().any(|factor| !factor.is_finite()) {
        return Err(node.unsupported("the quotient of its scales is not finite"));
    }
    let len = builder.charge_shape(node, &x.shape)?;
    let run = match factors.len() {
        1 => len,
        _ => x.shape.iter().skip(axis + 1).product(),
    };
    if factors.is_empty()
        || run == 0
        || factors.len() > 1 && x.shape.get(axis) != Some(&factors.len())
    {
        let expected = format!(
            "{}, as many as it has scales, along axis {axis}",
            factors.len()
        );
        return Err(node.mismatch("the result", &x.shape, expected));
    }
    let of = |at: usize| factors[at / run % factors.len()];
    let factors = (0..len).map(of).collect();
    let scaled = builder.with_constants(node, Arithmetic::Multiply, x, factors)?;
    Ok(scaled.typed(DataType::Float))
}

/// Operand `index` less the zero point that is operand `zero`: one for all elements, which may be
/// computed, as that of DynamicQuantizeLinear.
fn centred(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    index: usize,
    zero: usize,
) -> Result<Tensor, GraphError> {
    let x = node.input(index)?;
    match node.optional(zero) {
        Some(zero) if zero.len() == 1 && !zero.is_constant() => {
            let zero = builder.reshape(node, zero, vec![])?;
            builder.binary(node, Binary::Subtract, x, &zero)
        }
        _ => {
            let zero = zero_point(node, zero)?;
            builder.with_scalar(node, Arithmetic::Subtract, x, zero)
        }
    }
}

/// Operand `index`, constant weights, less the zero points that are operand `zero`: one, or one for
/// each position along `axis`.
fn centred_weights(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    (index, zero): (usize, usize),
    axis: usize,
) -> Result<Tensor, GraphError> {
    let weights = node.input(index)?;
    let zeros = node.weights(zero)?.unwrap_or(&[0.0]);
    if let [zero] = zeros {
        return builder.with_scalar(node, Arithmetic::Subtract, weights, *zero);
    }
    let size = weights.shape.get(axis).copied();
    let run = weights
        .shape
        .iter()
        .skip(axis + 1)
        .product::<usize>()
        .max(1);
    if size != Some(zeros.len()) || zeros.is_empty() {
        let found = node.input(zero)?.shape.clone();
        let expected = format!("one, or one for each position of axis {axis} of the weights");
        return Err(node.mismatch("the zero points", &found, expected));
    }
    builder.charge(node, weights.len())?;
    let zeros = (0..weights.len())
        .map(|at| zeros[at / run % zeros.len()])
        .collect();
    builder.with_constants(node, Arithmetic::Subtract, weights, zeros)
}

/// The scales that are operand `index`: positive, finite constants, at least one.
fn scales<'a>(node: &'a NodeRef<'_>, index: usize) -> Result<&'a [f32], GraphError> {
    match node.weights(index)? {
        None | Some([]) => Err(node.unsupported(format!("it has no scale as input {index}"))),
        Some(scales) if scales.iter().all(|scale| *scale > 0.0) => Ok(scales),
        Some(_) => Err(node.unsupported("one of its scales is not positive")),
    }
}

fn one_scale(node: &NodeRef<'_>, index: usize) -> Result<f32, GraphError> {
    match scales(node, index)? {
        [scale] => Ok(*scale),
        several => {
            let (name, count) = (node.input_name(index), several.len());
            Err(node.unsupported(format!(
                "`{name}` holds {count} scales: one for the tensor is supported, and several for weights"
            )))
        }
    }
}

/// The zero point that is operand `index`, a constant; 0 if it is left out.
fn zero_point(node: &NodeRef<'_>, index: usize) -> Result<f32, GraphError> {
    match node.weights(index)? {
        None => Ok(0.0),
        Some([zero]) => Ok(*zero),
        Some(several) => {
            let (name, count) = (node.input_name(index), several.len());
            Err(node.unsupported(format!("`{name}` holds {count} zero points instead of one")))
        }
    }
}

/// The node as if it read other operands.
fn reading<'a>(node: &NodeRef<'a>, operands: impl IntoIterator<Item = Tensor>) -> NodeRef<'a> {
    NodeRef {
        proto: node.proto,
        name: node.name.clone(),
        opset: node.opset,
        operands: operands.into_iter().map(Some).collect(),
    }
}

/// What the operator `name` of the standard makes of reals, with the attributes of the node.
fn float(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    name: &str,
    operands: impl IntoIterator<Item = Tensor>,
) -> Result<Tensor, GraphError> {
    if node.flag("channels_last", false)? {
        return Err(node.unsupported("channels_last is set: channels are expected to be axis 1"));
    }
    let mut float = reading(node, operands);
    float.opset = node.int("opset", NEWEST)?;
    let read = super::find(DEFAULT, name);
    let read = read.ok_or_else(|| node.unsupported(format!("{name} is not supported")))?;
    let results = read(&float, builder)?;
    results
        .into_iter()
        .next()
        .ok_or_else(|| node.unsupported("it has no result"))
}

/// The operator set of the operators that these stand for, unless the node states it.
const NEWEST: i64 = 13;
