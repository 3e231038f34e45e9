//! Convolutions and their transposes, and how a kernel steps along an axis.

use ndarray::{Array1, Array4};

use super::{Builder, Family, NodeRef, Tensor};
use crate::op::Conv;
use crate::{GraphError, Op};

pub(super) const OPERATORS: Family = &[("Conv", conv), ("ConvTranspose", conv_transpose)];

/// No kernel, step or pad is larger: products of two of them and a size fit 64 bits.
const LARGEST: usize = 1 << 24;

/// How a kernel steps along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    /// Elements of what it reads.
    pub(super) input: usize,
    /// Elements of the kernel.
    pub(super) kernel: usize,
    /// Steps between its applications.
    pub(super) stride: usize,
    /// Steps between its elements.
    pub(super) dilation: usize,
    /// Padding in front.
    pub(super) before: usize,
    /// Padding behind.
    pub(super) after: usize,
    /// Elements of what it writes.
    pub(super) output: usize,
}

/// Where padding comes from.
enum Padding {
    Given(Vec<usize>),
    /// As much as gives one output per stride; whether an odd element stands in front.
    Same {
        lower: bool,
    },
}

/// `y = W * x + b`.
pub(super) fn conv(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    if x.rank() == 5 {
        return super::volume::conv(node, builder);
    }
    let (input, sizes) = image(node, x)?;
    let (weights, kernel) = kernel(node, x)?;
    let groups = groups(node, input[0])?;
    let (out, of_group) = (weights.dim().0, weights.dim().1);
    if of_group * groups != input[0] || out % groups != 0 {
        let expected = format!(
            "[n, {}, ..] with n a multiple of {groups}, for {} channels in {groups} groups",
            input[0] / groups,
            input[0],
        );
        return Err(node.mismatch("the weights", &node.input(1)?.shape, expected));
    }
    let steps = steps(node, &kernel, &sizes, false)?;
    finish(node, builder, weights, input, groups, steps, false)
}

/// The transpose of a convolution: every input adds a multiple of the kernel to the output.
fn conv_transpose(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let (input, sizes) = image(node, x)?;
    let (stored, kernel) = kernel(node, x)?;
    let groups = groups(node, input[0])?;
    let (channels, per_group, height, width) = stored.dim();
    if channels != input[0] {
        let expected = format!("[{}, n, ..] for {} channels", input[0], input[0]);
        return Err(node.mismatch("the weights", &node.input(1)?.shape, expected));
    }
    // From [in, out of a group] to [out, in of a group].
    let of_group = channels / groups;
    let out = per_group
        .checked_mul(groups)
        .filter(|out| *out <= stored.len());
    let out = out.ok_or_else(|| node.unsupported("it has more groups than weights"))?;
    let weights = Array4::from_shape_fn((out, of_group, height, width), |(o, c, y, x)| {
        stored[(o / per_group * of_group + c, o % per_group, y, x)]
    });
    let steps = transposed_steps(node, &kernel, &sizes)?;
    finish(node, builder, weights, input, groups, steps, true)
}

fn finish(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    weights: Array4<f32>,
    input: [usize; 3],
    groups: usize,
    steps: Vec<Steps>,
    transposed: bool,
) -> Result<Vec<Tensor>, GraphError> {
    let out = weights.dim().0;
    let bias = match node.weights(2)? {
        Some(bias) if bias.len() == out => Array1::from(bias.to_vec()),
        Some(_) => {
            let expected = format!("[{out}], one for each channel of the result");
            return Err(node.mismatch("the bias", &node.input(2)?.shape, expected));
        }
        None => Array1::zeros(out),
    };
    // One dimension is a height of one.
    let single = Steps {
        input: 1,
        kernel: 1,
        stride: 1,
        dilation: 1,
        before: 0,
        after: 0,
        output: 1,
    };
    let (down, right) = match steps[..] {
        [right] => (single, right),
        [down, right] => (down, right),
        _ => return Err(dimensions(node, steps.len())),
    };
    let mut shape = vec![1, out];
    shape.extend(steps.iter().map(|s| s.output));
    let op = Op::Conv(Conv {
        weights,
        bias,
        input,
        output: [out, down.output, right.output],
        strides: [down.stride, right.stride],
        dilations: [down.dilation, right.dilation],
        pads: [down.before, right.before],
        groups,
        transposed,
    });
    Ok(vec![builder.push(node, op, &[node.input(0)?], shape)?])
}

/// `[channels, height, width]` of the operand, and the sizes that the kernel steps along.
fn image(node: &NodeRef<'_>, x: &Tensor) -> Result<([usize; 3], Vec<usize>), GraphError> {
    match x.shape[..] {
        [1, channels, width] => Ok(([channels, 1, width], vec![width])),
        [1, channels, height, width] => Ok(([channels, height, width], vec![height, width])),
        [batch, _, _] | [batch, _, _, _] => Err(node.unsupported(format!(
            "it is applied to a batch of {batch}: one image is expected, bind the batch to 1"
        ))),
        _ => Err(dimensions(node, x.rank().saturating_sub(2))),
    }
}

fn dimensions(node: &NodeRef<'_>, found: usize) -> GraphError {
    node.unsupported(format!(
        "it is a convolution in {found} dimensions: those in one or two dimensions are supported"
    ))
}

/// The weights with two dimensions, and the sizes of the kernel.
fn kernel(node: &NodeRef<'_>, x: &Tensor) -> Result<(Array4<f32>, Vec<usize>), GraphError> {
    let tensor = node.input(1)?;
    if !tensor.is_constant() {
        return Err(node.unsupported(
            "its weights are computed from the input: constant weights are supported",
        ));
    }
    let elements = node.weights(1)?.unwrap_or_default().to_vec();
    let expected = || format!("as many axes as the operand, {}, and no zero", x.rank());
    let refuse = || node.mismatch("the weights", &tensor.shape, expected());
    if tensor.rank() != x.rank() || elements.is_empty() {
        return Err(refuse());
    }
    let shape = match tensor.shape[..] {
        [o, c, width] => (o, c, 1, width),
        [o, c, height, width] => (o, c, height, width),
        _ => return Err(refuse()),
    };
    let kernel = tensor.shape[2..].to_vec();
    if let Some(stated) = sizes(node, "kernel_shape", kernel.len())?
        && stated != kernel
    {
        return Err(node.unsupported(format!(
            "kernel_shape is {stated:?}, but its weights have the shape {:?}",
            tensor.shape
        )));
    }
    let weights = Array4::from_shape_vec(shape, elements).map_err(|_| refuse())?;
    Ok((weights, kernel))
}

pub(super) fn groups(node: &NodeRef<'_>, channels: usize) -> Result<usize, GraphError> {
    let found = node.int("group", 1)?;
    let groups = usize::try_from(found).ok();
    let fits = groups.filter(|g| *g > 0 && channels.is_multiple_of(*g));
    fits.ok_or_else(|| {
        node.unsupported(format!(
            "group is {found}, expected a divisor of {channels} channels"
        ))
    })
}

/// An attribute of `count` sizes.
fn sizes(node: &NodeRef<'_>, name: &str, count: usize) -> Result<Option<Vec<usize>>, GraphError> {
    let Some(found) = node.ints(name)?.filter(|found| !found.is_empty()) else {
        return Ok(None);
    };
    let size = |x: &i64| usize::try_from(*x).ok().filter(|x| *x <= LARGEST);
    let sizes: Option<Vec<usize>> = found.iter().map(size).collect();
    match sizes.filter(|sizes| sizes.len() == count) {
        Some(sizes) => Ok(Some(sizes)),
        None => {
            let shown = &found[..found.len().min(8)];
            Err(node.unsupported(format!(
                "{name} is {shown:?}, expected {count} numbers from 0 to {LARGEST}"
            )))
        }
    }
}

/// An attribute of `count` positive sizes, 1 by default.
fn positive(node: &NodeRef<'_>, name: &str, count: usize) -> Result<Vec<usize>, GraphError> {
    let found = sizes(node, name, count)?.unwrap_or_else(|| vec![1; count]);
    match found.contains(&0) {
        true => Err(node.unsupported(format!("{name} is {found:?}, expected positive numbers"))),
        false => Ok(found),
    }
}

/// The attribute `kernel_shape` of an operator without weights.
pub(super) fn kernel_shape(node: &NodeRef<'_>, count: usize) -> Result<Vec<usize>, GraphError> {
    match node.has("kernel_shape") {
        true => positive(node, "kernel_shape", count),
        false => Err(node.unsupported("it has no kernel_shape")),
    }
}

fn padding(node: &NodeRef<'_>, count: usize) -> Result<Padding, GraphError> {
    match node.string("auto_pad", "NOTSET")?.as_str() {
        "NOTSET" | "" => {
            let pads = sizes(node, "pads", 2 * count)?;
            Ok(Padding::Given(pads.unwrap_or_else(|| vec![0; 2 * count])))
        }
        "VALID" => Ok(Padding::Given(vec![0; 2 * count])),
        "SAME_UPPER" => Ok(Padding::Same { lower: false }),
        "SAME_LOWER" => Ok(Padding::Same { lower: true }),
        other => Err(node.unsupported(format!(
            "auto_pad is {other:?}, expected NOTSET, VALID, SAME_UPPER or SAME_LOWER"
        ))),
    }
}

/// How a kernel steps over `inputs`, by the attributes of convolutions and pools.
///
/// With `ceil`, a last step that the input does not fill is taken if it starts before its end.
pub(super) fn steps(
    node: &NodeRef<'_>,
    kernel: &[usize],
    inputs: &[usize],
    ceil: bool,
) -> Result<Vec<Steps>, GraphError> {
    let count = kernel.len();
    let strides = positive(node, "strides", count)?;
    let dilations = positive(node, "dilations", count)?;
    let padding = padding(node, count)?;
    let along = |axis: usize| {
        let (input, kernel) = (inputs[axis], kernel[axis]);
        let (stride, dilation) = (strides[axis], dilations[axis]);
        let extent = (kernel - 1).checked_mul(dilation)?.checked_add(1)?;
        let (before, after) = match &padding {
            Padding::Given(pads) => (pads[axis], pads[axis + count]),
            Padding::Same { lower } => {
                let whole = (input.div_ceil(stride).checked_sub(1)?) * stride;
                let total = whole.checked_add(extent)?.saturating_sub(input);
                halves(total, *lower)
            }
        };
        let free = (input + before + after).checked_sub(extent)?;
        let mut output = match ceil {
            true => free.div_ceil(stride) + 1,
            false => free / stride + 1,
        };
        if ceil && (output - 1) * stride >= input + before {
            output -= 1;
        }
        Some(Steps {
            input,
            kernel,
            stride,
            dilation,
            before,
            after,
            output,
        })
    };
    let steps: Option<Vec<Steps>> = (0..count).map(along).collect();
    steps.ok_or_else(|| {
        node.unsupported(format!(
            "its kernel {kernel:?} is larger than its padded input {inputs:?}"
        ))
    })
}

/// A number as two halves, the greater in front or behind.
fn halves(total: usize, greater_first: bool) -> (usize, usize) {
    let (less, more) = (total / 2, total - total / 2);
    if greater_first {
        (more, less)
    } else {
        (less, more)
    }
}

/// How the kernel of a transpose steps over its output.
fn transposed_steps(
    node: &NodeRef<'_>,
    kernel: &[usize],
    inputs: &[usize],
) -> Result<Vec<Steps>, GraphError> {
    let count = kernel.len();
    let strides = positive(node, "strides", count)?;
    let dilations = positive(node, "dilations", count)?;
    let extra = sizes(node, "output_padding", count)?.unwrap_or_else(|| vec![0; count]);
    // With or without batch and channels.
    let stated = match node.ints("output_shape")? {
        Some(shape) if shape.len() == count + 2 => {
            sizes(node, "output_shape", count + 2)?.map(|shape| shape[2..].to_vec())
        }
        _ => sizes(node, "output_shape", count)?,
    };
    let padding = padding(node, count)?;
    let along = |axis: usize| {
        let (input, kernel) = (inputs[axis], kernel[axis]);
        let (stride, dilation) = (strides[axis], dilations[axis]);
        let extent = (kernel - 1).checked_mul(dilation)?.checked_add(1)?;
        let full = (input.checked_sub(1)?).checked_mul(stride)?;
        let full = full.checked_add(extent)?.checked_add(extra[axis])?;
        let fitted = |output: usize, lower: bool| {
            // A little more than the kernel reaches is padding of the output.
            let excess = output.saturating_sub(full);
            let (before, after) = halves(full.saturating_sub(output), lower);
            (excess < stride.max(dilation)).then_some((before, after, output))
        };
        let (before, after, output) = match (&stated, &padding) {
            (Some(stated), Padding::Same { lower }) => fitted(stated[axis], *lower)?,
            (Some(stated), Padding::Given(_)) => fitted(stated[axis], true)?,
            // Less where the kernel leaves gaps.
            (None, Padding::Same { lower }) => {
                fitted(full.min(input.checked_mul(stride)?), *lower)?
            }
            (None, Padding::Given(pads)) => {
                let (before, after) = (pads[axis], pads[axis + count]);
                (before, after, full.checked_sub(before + after)?)
            }
        };
        Some(Steps {
            input,
            kernel,
            stride,
            dilation,
            before,
            after,
            output,
        })
    };
    let steps: Option<Vec<Steps>> = (0..count).map(along).collect();
    steps.ok_or_else(|| {
        node.unsupported(format!(
            "its padding leaves nothing of the input {inputs:?}, or its output_shape is too large"
        ))
    })
}
