//! Convolutions: blocks over wires, one for each group of channels.

use std::rc::Rc;

use ndarray::{Array4, Axis};
use zkassay_graph::{Conv, Node};

use super::form::{Block, Element, FloatConv, Form, Value};
use super::names::Names;
use super::state::Lowering;
use super::unsupported;
use crate::QuantError;
use crate::program::{Finish, IntegerConv, Kind, Step, Sum, Wire};

/// The most elements of a padded input.
const MOST_INPUTS: usize = 1 << 22;

/// `factor x + offset` for every element of a channel, with `x` the sum of a few wires; none of elements that
/// are zero.
struct Channel {
    factor: f64,
    offset: f64,
    scale: i32,
    has_zeros: bool,
}

impl Lowering<'_> {
    pub(super) fn conv(
        &mut self,
        node: &Node,
        conv: &Conv,
        x: &Value,
    ) -> Result<Value, QuantError> {
        let per_group = conv.output[0] / conv.groups;
        let channels = conv.input[0] / conv.groups;
        let area = conv.input[1] * conv.input[2];
        let mut value = Value {
            elements: Vec::new(),
            nodes: x.nodes.and(&node.name),
        };
        for group in 0..conv.groups {
            let from = group * channels * area;
            let part = Value {
                elements: x.elements[from..from + channels * area].to_vec(),
                nodes: x.nodes.clone(),
            };
            let own = group * per_group..(group + 1) * per_group;
            let indices: Vec<usize> = own.clone().collect();
            let weights = conv.weights.select(Axis(0), &indices).mapv(f64::from);
            let mut float = FloatConv {
                inputs: Vec::new(),
                input: [channels, conv.input[1], conv.input[2]],
                weights,
                bias: own.map(|o| f64::from(conv.bias[o])).collect(),
                output: [conv.output[1], conv.output[2]],
                strides: conv.strides,
                dilations: conv.dilations,
                pads: conv.pads,
            };
            let part = match conv.transposed {
                false => part,
                true => transpose(node, &mut float, &part)?,
            };
            let (rows, nodes) = self.convolve(node, float, &part)?;
            value.elements.extend(rows);
            value.nodes = nodes;
        }
        Ok(value)
    }

    /// The rows of a convolution of `x`, and the nodes that they come from. `conv.inputs` is not
    /// read.
    pub(super) fn convolve(
        &mut self,
        node: &Node,
        mut conv: FloatConv,
        x: &Value,
    ) -> Result<(Vec<Element>, Names), QuantError> {
        if let Some((before, nodes)) = self.pointwise(&conv, x) {
            let elements = self.block(Block::Conv(Rc::new(before)));
            return Ok((elements, nodes.and(&node.name)));
        }
        let mut nodes = x.nodes.and(&node.name);
        let mut elements = x.elements.clone();
        let channels = match self.channels(&conv, &elements) {
            Some(channels) => channels,
            None => {
                let wires = self.wires(x, &node.name)?;
                elements = self.one_scale(node, wires, conv.input[0])?;
                nodes = Names::of(&node.name);
                let channels = self.channels(&conv, &elements);
                channels.ok_or_else(|| unsupported(node, "its channels have several scales"))?
            }
        };
        let wires = |element: &Element| match element {
            Element::Form(form) => form.terms.iter().map(|(wire, _)| *wire).collect(),
            Element::Row { .. } => vec![],
        };
        conv.inputs = elements.iter().map(wires).collect();
        if channels
            .iter()
            .any(|c| c.offset != 0.0 && (c.has_zeros || conv.is_padded()))
        {
            self.pad(node, &mut conv, &channels)?;
        }
        for (mut weights, channel) in conv.weights.axis_iter_mut(Axis(1)).zip(&channels) {
            for (mut weights, bias) in weights.outer_iter_mut().zip(&mut conv.bias) {
                *bias += weights.sum() * channel.offset;
                weights.mapv_inplace(|w| w * channel.factor);
            }
        }
        let elements = self.block(Block::Conv(Rc::new(conv)));
        Ok((elements, nodes))
    }

    /// What each channel's elements have in common, if they are wires, or averages of a few, but for
    /// a factor and an offset of the channel.
    fn channels(&self, conv: &FloatConv, elements: &[Element]) -> Option<Vec<Channel>> {
        let area = conv.input[1] * conv.input[2];
        let channel = |elements: &[Element]| {
            let mut found: Option<Channel> = None;
            let mut zeros = false;
            for element in elements {
                let Element::Form(form) = element else {
                    return None;
                };
                let Some((wire, factor)) = form.terms.first() else {
                    match form.bias == 0.0 {
                        true => zeros = true,
                        false => return None,
                    }
                    continue;
                };
                let channel = found.get_or_insert(Channel {
                    factor: *factor,
                    offset: form.bias,
                    scale: self.scales[*wire],
                    has_zeros: false,
                });
                let is_same = |(wire, factor): &(Wire, f64)| {
                    *factor == channel.factor && self.scales[*wire] == channel.scale
                };
                let fits = form.bias == channel.offset
                    && form.terms.len() <= IntegerConv::MOST_TERMS
                    && form.terms.iter().all(is_same);
                if !fits {
                    return None;
                }
            }
            let channel = found.unwrap_or(Channel {
                factor: 1.0,
                offset: 0.0,
                scale: 0,
                has_zeros: true,
            });
            Some(Channel {
                has_zeros: channel.has_zeros || zeros,
                ..channel
            })
        };
        elements.chunks(area.max(1)).map(channel).collect()
    }

    /// Wires of the same scale in each channel: coarser ones are multiplied by a power of two.
    fn one_scale(
        &mut self,
        node: &Node,
        mut wires: Vec<Wire>,
        channels: usize,
    ) -> Result<Vec<Element>, QuantError> {
        let area = wires.len() / channels.max(1);
        for from in (0..wires.len()).step_by(area.max(1)) {
            let finest = wires[from..from + area]
                .iter()
                .map(|w| self.scales[*w])
                .max();
            let finest = finest.unwrap_or(0);
            let others: Vec<usize> = (from..from + area)
                .filter(|at| self.scales[wires[*at]] < finest)
                .collect();
            if others.is_empty() {
                continue;
            }
            let sums = others.iter().map(|at| Sum {
                terms: vec![(wires[*at], 1 << (finest - self.scales[wires[*at]]).min(43))],
                bias: 0,
            });
            let step = Step {
                name: node.name.clone(),
                kind: Kind::Sums(sums.collect()),
                finish: Finish::Exact,
                bound: None,
            };
            let first = self.push(step, finest)?;
            for (offset, at) in others.into_iter().enumerate() {
                wires[at] = first + offset;
            }
        }
        Ok(wires.into_iter().map(Element::of).collect())
    }

    /// Writes the padding out: a wire for each channel with an offset, so that factor and offset
    /// make zero of it.
    fn pad(
        &mut self,
        node: &Node,
        conv: &mut FloatConv,
        channels: &[Channel],
    ) -> Result<(), QuantError> {
        let [height, width] = conv.extent();
        let constant = |channel: &Channel| match channel.offset == 0.0 {
            true => None,
            false => Some(-channel.offset / channel.factor),
        };
        let len = channels.len().saturating_mul(height).saturating_mul(width);
        if len > MOST_INPUTS {
            return Err(unsupported(
                node,
                format!("its padded input has {len} elements"),
            ));
        }
        let mut inputs = Vec::with_capacity(len);
        for (c, channel) in channels.iter().enumerate() {
            let fill = match constant(channel) {
                None => None,
                Some(real) => {
                    let scale = zkassay_fixed::Scale(channel.scale);
                    let Some(bias) = scale.quantize(real) else {
                        return Err(unsupported(
                            node,
                            "its input has an offset that is too large",
                        ));
                    };
                    let step = Step {
                        name: node.name.clone(),
                        kind: Kind::Sums(vec![Sum {
                            terms: Vec::new(),
                            bias,
                        }]),
                        finish: Finish::Exact,
                        bound: None,
                    };
                    Some(self.push(step, channel.scale)?)
                }
            };
            for y in 0..height {
                for x in 0..width {
                    let inside = y.checked_sub(conv.pads[0]).filter(|y| *y < conv.input[1]);
                    let inside = inside.zip(x.checked_sub(conv.pads[1]));
                    let inside = inside.filter(|(_, x)| *x < conv.input[2]);
                    let wires = inside.map(|(y, x)| {
                        conv.inputs[(c * conv.input[1] + y) * conv.input[2] + x].clone()
                    });
                    let wires = wires.filter(|wires: &Vec<Wire>| !wires.is_empty());
                    inputs.push(wires.unwrap_or_else(|| fill.into_iter().collect()));
                }
            }
        }
        conv.inputs = inputs;
        conv.input = [channels.len(), height, width];
        conv.pads = [0, 0];
        Ok(())
    }

    /// A convolution with a kernel of one merged into the one before it.
    fn pointwise(&self, conv: &FloatConv, x: &Value) -> Option<(FloatConv, Names)> {
        let is_pointwise = conv.weights.dim().2 == 1
            && conv.weights.dim().3 == 1
            && conv.strides == [1, 1]
            && conv.pads == [0, 0]
            && conv.output == [conv.input[1], conv.input[2]];
        let Some(Element::Row { block, .. }) = x.elements.first() else {
            return None;
        };
        let Block::Conv(before) = &self.blocks[*block].0 else {
            return None;
        };
        let plane = before.plane();
        if !is_pointwise || plane != conv.plane() || x.elements.len() != before.bias.len() * plane {
            return None;
        }
        let mut channels = vec![None; before.bias.len()];
        for (at, element) in x.elements.iter().enumerate() {
            let Element::Row {
                block: own,
                row,
                factor,
                offset,
            } = element
            else {
                return None;
            };
            let channel = &mut channels[at / plane];
            let same = *channel.get_or_insert((*factor, *offset)) == (*factor, *offset);
            if own != block || *row != at || !same {
                return None;
            }
        }
        let (_, inner, height, width) = before.weights.dim();
        let outputs = conv.bias.len();
        let mut weights = Array4::zeros((outputs, inner, height, width));
        let mut bias = conv.bias.clone();
        for (o, bias) in bias.iter_mut().enumerate() {
            for (c, channel) in channels.iter().enumerate() {
                let (factor, offset) = (*channel)?;
                let weight = conv.weights[[o, c, 0, 0]];
                *bias += weight * (factor * before.bias[c] + offset);
                let mut row = weights.index_axis_mut(Axis(0), o);
                row.scaled_add(weight * factor, &before.weights.index_axis(Axis(0), c));
            }
        }
        let merged = FloatConv {
            weights,
            bias,
            ..before.as_ref().clone()
        };
        Some((merged, x.nodes.clone()))
    }
}

impl FloatConv {
    /// How far the kernel reaches, from the first padded element.
    fn extent(&self) -> [usize; 2] {
        let (_, _, height, width) = self.weights.dim();
        let along = |axis: usize, kernel: usize| {
            let steps = self.output[axis]
                .saturating_sub(1)
                .saturating_mul(self.strides[axis]);
            steps.saturating_add(self.dilations[axis] * (kernel - 1) + 1)
        };
        [along(0, height), along(1, width)]
    }

    /// Whether the kernel reaches beyond the input.
    fn is_padded(&self) -> bool {
        let reach = self.extent();
        self.pads != [0, 0] || reach[0] > self.input[1] || reach[1] > self.input[2]
    }
}

/// The transpose as a convolution of stride one over elements with zeros between them, and with
/// the kernel turned round.
fn transpose(node: &Node, conv: &mut FloatConv, x: &Value) -> Result<Value, QuantError> {
    let (_, channels, kernel_height, kernel_width) = conv.weights.dim();
    let kernel = [kernel_height, kernel_width];
    let reach = |axis: usize| conv.dilations[axis] * (kernel[axis] - 1);
    let size = [0, 1].map(|axis| conv.output[axis] + reach(axis));
    let len = channels.saturating_mul(size[0]).saturating_mul(size[1]);
    if len > MOST_INPUTS {
        return Err(unsupported(
            node,
            format!("its padded input has {len} elements"),
        ));
    }
    // Padded position `j` holds input `i` where `stride i = j - reach + pad`.
    let source = |axis: usize, j: usize| {
        let at = (j + conv.pads[axis]).checked_sub(reach(axis))?;
        let stride = conv.strides[axis];
        (at % stride == 0 && at / stride < conv.input[axis + 1]).then_some(at / stride)
    };
    let mut elements = Vec::with_capacity(len);
    for c in 0..channels {
        for y in 0..size[0] {
            for x_at in 0..size[1] {
                elements.push(match source(0, y).zip(source(1, x_at)) {
                    Some((i, j)) => x.elements[(c * conv.input[1] + i) * conv.input[2] + j].clone(),
                    None => Element::Form(Form::default()),
                });
            }
        }
    }
    let weights = Array4::from_shape_fn(conv.weights.dim(), |(o, c, y, x)| {
        conv.weights[[o, c, kernel_height - 1 - y, kernel_width - 1 - x]]
    });
    conv.weights = weights;
    conv.input = [channels, size[0], size[1]];
    conv.strides = [1, 1];
    conv.pads = [0, 0];
    Ok(Value {
        elements,
        nodes: x.nodes.clone(),
    })
}
