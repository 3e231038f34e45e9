//! Normalisations: by statistics of the training, or of groups of the operand's own elements.

use super::pool::norm;
use super::{Builder, Family, NodeRef, Tensor};
use crate::import::shape;
use crate::op::{Arithmetic, Binary, Function, Reduction};
use crate::{GraphError, Op};

pub(super) const OPERATORS: Family = &[
    ("BatchNormalization", batch),
    ("InstanceNormalization", instance),
    ("LayerNormalization", layer),
    ("GroupNormalization", group),
    ("RMSNormalization", root_mean_square),
    ("MeanVarianceNormalization", mean_variance),
    ("LpNormalization", lp),
    ("LRN", local_response),
];

/// `scale (x - mean) / sqrt(var + epsilon) + bias` for each channel, as one product and one sum.
fn batch(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    if node.flag("training_mode", false)? {
        return Err(node.unsupported("training_mode is set: export the model for inference"));
    }
    if !node.flag("spatial", true)? {
        return Err(node.unsupported("spatial is 0: statistics of each channel are supported"));
    }
    let x = node.input(0)?;
    let channels = channels(node, x)?;
    let [scale, bias, mean, variance] = [1, 2, 3, 4].map(|index| {
        let numbers = node.weights(index)?;
        numbers.ok_or_else(|| node.unsupported(format!("it has no input {index}")))
    });
    let (scale, bias, mean, variance) = (scale?, bias?, mean?, variance?);
    let lens = [scale.len(), bias.len(), mean.len(), variance.len()];
    if lens.iter().any(|len| *len != channels) {
        return Err(node.unsupported(format!(
            "its scale, bias, mean and variance have {lens:?} elements for {channels} channels"
        )));
    }
    let epsilon = f64::from(node.float("epsilon", 1e-5)?);
    let factors: Vec<f64> = scale
        .iter()
        .zip(variance)
        .map(|(s, v)| f64::from(*s) / (f64::from(*v) + epsilon).sqrt())
        .collect();
    let offsets: Vec<f64> = (bias.iter().zip(mean).zip(&factors))
        .map(|((b, m), f)| f64::from(*b) - f64::from(*m) * f)
        .collect();
    if factors.iter().chain(&offsets).any(|x| !x.is_finite()) {
        return Err(node.unsupported("one of its variances is not positive"));
    }
    let spread = |builder: &mut Builder, of_channel: &[f64]| -> Result<Vec<f32>, GraphError> {
        builder.charge(node, x.len())?;
        let plane = (x.len() / channels.max(1) / x.shape[0].max(1)).max(1);
        let at = |i: usize| of_channel[i / plane % channels] as f32;
        Ok((0..x.len()).map(at).collect())
    };
    let factors = spread(builder, &factors)?;
    let offsets = spread(builder, &offsets)?;
    let scaled = builder.with_constants(node, Arithmetic::Multiply, x, factors)?;
    Ok(vec![builder.with_constants(
        node,
        Arithmetic::Add,
        &scaled,
        offsets,
    )?])
}

/// Size of axis 1.
fn channels(node: &NodeRef<'_>, x: &Tensor) -> Result<usize, GraphError> {
    match x.shape[..] {
        [_, channels, ..] if !x.shape.contains(&0) => Ok(channels),
        _ => Err(node.mismatch(
            "the operand",
            &x.shape,
            "[batch, channels, ..], none of them 0",
        )),
    }
}

fn instance(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    channels(node, x)?;
    let epsilon = node.float("epsilon", 1e-5)?;
    let axes: Vec<usize> = (2..x.rank()).collect();
    let normal = standardise(node, builder, x, &axes, epsilon)?.normal;
    Ok(vec![affine_of_channels(node, builder, normal)?])
}

fn layer(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let axis = node.axis("axis", -1, x.rank())?;
    let epsilon = node.float("epsilon", 1e-5)?;
    let axes: Vec<usize> = (axis..x.rank()).collect();
    let standardised = standardise(node, builder, x, &axes, epsilon)?;
    let mut result =
        builder.binary(node, Binary::Multiply, &standardised.normal, node.input(1)?)?;
    if let Some(bias) = node.optional(2) {
        result = builder.binary(node, Binary::Add, &result, bias)?;
    }
    check_shape(node, &result, x)?;
    if node.outputs() == 1 {
        return Ok(vec![result]);
    }
    let inverse = builder.map(node, Function::Reciprocal, &standardised.deviation)?;
    Ok(vec![result, standardised.mean, inverse])
}

fn group(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let channels = channels(node, x)?;
    let epsilon = node.float("epsilon", 1e-5)?;
    let found = node.int("num_groups", 0)?;
    let groups = usize::try_from(found).ok();
    let fits = groups.filter(|g| *g > 0 && channels.is_multiple_of(*g));
    let groups = fits.ok_or_else(|| {
        let reason = format!("num_groups is {found}, expected a divisor of {channels} channels");
        node.unsupported(reason)
    })?;
    let batch = x.shape[0];
    let of_group = x.len() / batch / groups;
    let flat = builder.reshape(node, x, vec![batch, groups, of_group])?;
    let normal = standardise(node, builder, &flat, &[2], epsilon)?.normal;
    // Up to operator set 20 a scale and a bias for each group, then for each channel.
    let per_group = node.input(1)?.len() == groups && groups != channels;
    if per_group {
        let normal = affine_of_channels(node, builder, normal)?;
        return Ok(vec![builder.reshape(node, &normal, x.shape.clone())?]);
    }
    let normal = builder.reshape(node, &normal, x.shape.clone())?;
    Ok(vec![affine_of_channels(node, builder, normal)?])
}

/// Scale and bias, operands 1 and 2, for each position along axis 1.
fn affine_of_channels(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: Tensor,
) -> Result<Tensor, GraphError> {
    let mut result = x;
    for (index, binary) in [(1, Binary::Multiply), (2, Binary::Add)] {
        let operand = node.input(index)?;
        let channels = result.shape[1];
        if operand.shape != [channels] {
            let expected = format!("[{channels}]");
            let what = if index == 1 { "the scale" } else { "the bias" };
            return Err(node.mismatch(what, &operand.shape, expected));
        }
        let mut shape = vec![1; result.rank()];
        shape[1] = channels;
        let operand = builder.reshape(node, operand, shape)?;
        result = builder.binary(node, binary, &result, &operand)?;
    }
    Ok(result)
}

/// `x / sqrt(mean(x^2) + epsilon)`, times a scale.
fn root_mean_square(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let axis = node.axis("axis", -1, x.rank())?;
    let epsilon = node.float("epsilon", 1e-5)?;
    let axes: Vec<usize> = (axis..x.rank()).collect();
    let squares = builder.map(node, Function::Power(2), x)?;
    let mean = reduce(node, builder, Reduction::Mean, &squares, &axes)?;
    let size = root(node, builder, &mean, epsilon)?;
    let normal = builder.binary(node, Binary::Divide, x, &size)?;
    let result = builder.binary(node, Binary::Multiply, &normal, node.input(1)?)?;
    check_shape(node, &result, x)?;
    Ok(vec![result])
}

/// Scales and biases may be broadcast to the operand, not the other way.
fn check_shape(node: &NodeRef<'_>, result: &Tensor, x: &Tensor) -> Result<(), GraphError> {
    match result.shape == x.shape {
        true => Ok(()),
        false => {
            let expected = format!(
                "what scale and bias can be broadcast to, {:?}",
                result.shape
            );
            Err(node.mismatch("the operand", &x.shape, expected))
        }
    }
}

/// `(x - mean) / (sqrt(var) + 1e-9)`.
fn mean_variance(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let stated = node.ints("axes")?.unwrap_or(&[0, 2, 3]);
    let axes = stated.iter().map(|axis| node.check_axis(*axis, x.rank()));
    let axes: Vec<usize> = axes.collect::<Result<_, _>>()?;
    let (mean, squares) = moments(node, builder, x, &axes)?;
    let deviation = builder.map(node, Function::Sqrt, &squares)?;
    let deviation = builder.with_scalar(node, Arithmetic::Add, &deviation, 1e-9)?;
    let centred = builder.binary(node, Binary::Subtract, x, &mean)?;
    Ok(vec![builder.binary(
        node,
        Binary::Divide,
        &centred,
        &deviation,
    )?])
}

/// `x / |x|`, and 0 where the norm is 0.
fn lp(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let axis = node.axis("axis", -1, x.rank())?;
    let norm = reduce(node, builder, norm(node)?, x, &[axis])?;
    Ok(vec![divide_unless_zero(node, builder, x, &norm)?])
}

/// `x / divisor`, and `x` where the divisor is 0.
pub(super) fn divide_unless_zero(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    divisor: &Tensor,
) -> Result<Tensor, GraphError> {
    let is_zero = builder.map(node, Function::Not, divisor)?;
    let divisor = builder.binary(node, Binary::Add, divisor, &is_zero)?;
    builder.binary(node, Binary::Divide, x, &divisor)
}

/// `x / (bias + alpha / size sum x^2)^beta`, the sum over neighbouring channels.
fn local_response(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let channels = channels(node, x)?;
    let found = node.int("size", 0)?;
    let size = usize::try_from(found).ok().filter(|size| *size > 0);
    let size = size.ok_or_else(|| node.unsupported(format!("size is {found}")))?;
    let (alpha, beta) = (node.float("alpha", 1e-4)?, node.float("beta", 0.75)?);
    let bias = node.float("bias", 1.0)?;
    let (down, up) = ((size - 1) / 2, size / 2);
    let plane = x.len() / channels / x.shape[0];
    let reach = down.saturating_add(up).saturating_add(7).min(channels + 6);
    builder.charge(node, x.len().saturating_mul(reach))?;
    let group = |at: usize| -> Vec<u32> {
        let channel = at / plane % channels;
        let first = channel.saturating_sub(down);
        let last = channel.saturating_add(up).min(channels - 1);
        let start = at - channel * plane;
        (first..=last).map(|c| (start + c * plane) as u32).collect()
    };
    let groups = (0..x.len()).map(group).collect();
    let squares = builder.map(node, Function::Power(2), x)?;
    let reduction = Reduction::Sum;
    let sums = builder.push(
        node,
        Op::Reduce { reduction, groups },
        &[&squares],
        x.shape.clone(),
    )?;
    let scaled = builder.with_scalar(node, Arithmetic::Multiply, &sums, alpha / size as f32)?;
    let base = builder.with_scalar(node, Arithmetic::Add, &scaled, bias)?;
    let divisor = if beta == 1.0 {
        base
    } else if beta == 0.5 {
        builder.map(node, Function::Sqrt, &base)?
    } else if beta == 0.75 {
        let root = builder.map(node, Function::Sqrt, &base)?;
        let fourth = builder.map(node, Function::Sqrt, &root)?;
        builder.binary(node, Binary::Multiply, &root, &fourth)?
    } else {
        let log = builder.map(node, Function::Log, &base)?;
        let exponent = builder.with_scalar(node, Arithmetic::Multiply, &log, beta)?;
        builder.map(node, Function::Exp, &exponent)?
    };
    Ok(vec![builder.binary(node, Binary::Divide, x, &divisor)?])
}

/// A tensor with mean 0 and variance 1 along some axes; mean and deviation keep those as 1.
struct Standardised {
    normal: Tensor,
    mean: Tensor,
    deviation: Tensor,
}

/// `(x - mean) / sqrt(var + epsilon)` along `axes`.
fn standardise(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    axes: &[usize],
    epsilon: f32,
) -> Result<Standardised, GraphError> {
    let (mean, variance) = moments(node, builder, x, axes)?;
    let deviation = root(node, builder, &variance, epsilon)?;
    let centred = builder.binary(node, Binary::Subtract, x, &mean)?;
    let normal = builder.binary(node, Binary::Divide, &centred, &deviation)?;
    Ok(Standardised {
        normal,
        mean,
        deviation,
    })
}

/// Mean and variance along `axes`.
fn moments(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    axes: &[usize],
) -> Result<(Tensor, Tensor), GraphError> {
    let mean = reduce(node, builder, Reduction::Mean, x, axes)?;
    let centred = builder.binary(node, Binary::Subtract, x, &mean)?;
    let squares = builder.map(node, Function::Power(2), &centred)?;
    let variance = reduce(node, builder, Reduction::Mean, &squares, axes)?;
    Ok((mean, variance))
}

/// `sqrt(x + epsilon)`.
fn root(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    epsilon: f32,
) -> Result<Tensor, GraphError> {
    let sum = builder.with_scalar(node, Arithmetic::Add, x, epsilon)?;
    builder.map(node, Function::Sqrt, &sum)
}

/// A reduction along `axes`, which stay as 1.
pub(super) fn reduce(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    reduction: Reduction,
    x: &Tensor,
    axes: &[usize],
) -> Result<Tensor, GraphError> {
    let groups = groups(node, builder, x, axes)?;
    let mut shape = x.shape.clone();
    for axis in axes {
        shape[*axis] = 1;
    }
    builder.push(node, Op::Reduce { reduction, groups }, &[x], shape)
}

/// The positions that differ only along `axes`, in groups, accounted for.
pub(super) fn groups(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    axes: &[usize],
) -> Result<Vec<Vec<u32>>, GraphError> {
    let kept = (0..x.rank()).filter(|axis| !axes.contains(axis));
    let count: usize = kept.map(|axis| x.shape[axis]).product();
    builder.charge(node, x.len().saturating_add(count.saturating_mul(6)))?;
    Ok(shape::groups(&x.shape, axes))
}
