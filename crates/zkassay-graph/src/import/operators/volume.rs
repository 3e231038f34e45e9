//! Convolutions in three dimensions, as one in two.
//!
//! The slices that a kernel reads at one depth of the result become channels, and the depths of the
//! result stand above each other in one high image. What the kernel shows across two of them is
//! dropped. So the weights are there once, and no operation is new.

use ndarray::{Array1, Array4};

use super::conv::{Steps, groups, steps};
use super::{Builder, NodeRef, Tensor};
use crate::op::{Conv, Source};
use crate::{GraphError, Op};

/// `y = W * x + b` for `x` of shape `[1, channels, depth, height, width]`.
pub(super) fn conv(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let (x, stored) = (node.input(0)?, node.input(1)?);
    let &[1, channels, depth, height, width] = x.shape.as_slice() else {
        return Err(node.unsupported(format!(
            "it is applied to a batch of {}: one volume is expected, bind the batch to 1",
            x.shape.first().copied().unwrap_or(0)
        )));
    };
    if !stored.is_constant() {
        return Err(node.unsupported(
            "its weights are computed from the input: constant weights are supported",
        ));
    }
    let elements = node.weights(1)?.unwrap_or_default().to_vec();
    let groups = groups(node, channels)?;
    let refuse = || {
        let expected = format!(
            "[n, {}, .., .., ..], n a multiple of {groups}, and no zero",
            channels / groups
        );
        node.mismatch("the weights", &stored.shape, expected)
    };
    let &[out, of_group, deep, high, wide] = stored.shape.as_slice() else {
        return Err(refuse());
    };
    if elements.is_empty() || of_group.checked_mul(groups) != Some(channels) || out % groups != 0 {
        return Err(refuse());
    }
    let stated = node.ints("kernel_shape")?.unwrap_or_default();
    let is_other = |(stated, own): (&i64, &usize)| usize::try_from(*stated) != Ok(*own);
    if stated.iter().zip([&deep, &high, &wide]).any(is_other) {
        return Err(node.unsupported(format!(
            "kernel_shape is {:?}, but its weights have the shape {:?}",
            &stated[..stated.len().min(8)],
            stored.shape
        )));
    }
    let steps = steps(node, &[deep, high, wide], &[depth, height, width], false)?;
    let &[along, down, right] = steps.as_slice() else {
        return Err(refuse());
    };
    let weights = Array4::from_shape_vec((out, of_group * deep, high, wide), elements);
    let bias = match node.weights(2)? {
        Some(bias) if bias.len() == out => Array1::from(bias.to_vec()),
        Some(_) => {
            let expected = format!("[{out}], one for each channel of the result");
            return Err(node.mismatch("the bias", &node.input(2)?.shape, expected));
        }
        None => Array1::zeros(out),
    };
    // Each depth of the result has so many rows, its padding among them.
    let block = (down.before + height + down.after).div_ceil(down.stride) * down.stride;
    let rows = along.output * block;
    let extent = (down.kernel - 1) * down.dilation + 1;
    let written = [out, (rows - extent) / down.stride + 1, right.output];
    let slices = stacked(node, builder, x, [along, down], block)?;
    let op = Op::Conv(Conv {
        weights: weights.map_err(|_| refuse())?,
        bias,
        input: [channels * deep, rows, width],
        output: written,
        strides: [down.stride, right.stride],
        dilations: [down.dilation, right.dilation],
        pads: [0, right.before],
        groups,
        transposed: false,
    });
    let high = builder.push(
        node,
        op,
        &[&slices],
        vec![1, written[0], written[1], written[2]],
    )?;
    let shape = vec![1, out, along.output, down.output, right.output];
    let len = builder.charge_places(node, &shape)?;
    let place = |at: usize| {
        let (at, column) = (at / right.output, at % right.output);
        let (at, row) = (at / down.output, at % down.output);
        let (channel, depth) = (at / along.output, at % along.output);
        let row = depth * (block / down.stride) + row;
        (channel * written[1] + row) * right.output + column
    };
    Ok(vec![builder.select(
        node,
        &high,
        (0..len).map(place),
        shape,
    )?])
}

/// The image `[channels * deep, depths * block, width]` that the kernel steps over in two
/// dimensions; zeros where it reads beyond the operand's depth or height.
fn stacked(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    [along, down]: [Steps; 2],
    block: usize,
) -> Result<Tensor, GraphError> {
    let (channels, width) = (x.shape[1], x.shape[4]);
    let shape = vec![1, channels * along.kernel, along.output * block, width];
    let len = builder.charge_places(node, &shape)?;
    let source = |at: usize| {
        let (at, column) = (at / width, at % width);
        let (channel, row) = (at / shape[2], at % shape[2]);
        let (channel, slice) = (channel / along.kernel, channel % along.kernel);
        let depth = row / block * along.stride + slice * along.dilation;
        let depth = depth
            .checked_sub(along.before)
            .filter(|at| *at < along.input);
        let row = (row % block)
            .checked_sub(down.before)
            .filter(|at| *at < down.input);
        match (depth, row) {
            (Some(depth), Some(row)) => {
                let index = ((channel * along.input + depth) * down.input + row) * width + column;
                Source::Element {
                    operand: 0,
                    index: index as u32,
                }
            }
            _ => Source::Constant(0.0),
        }
    };
    let sources = (0..len).map(source).collect();
    builder.rearrange(node, &[x], sources, shape.clone())
}
