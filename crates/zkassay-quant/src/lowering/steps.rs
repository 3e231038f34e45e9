//! The steps that rows of blocks and forms become, and coarser copies of what they read.

use std::collections::{BTreeMap, HashMap, HashSet};

use ndarray::{Array2, Array4};
use zkassay_fixed::Scale;

use super::form::{Block, Element, Form};
use super::state::{Lowering, quantize};
use crate::QuantError;
use crate::program::{Finish, IntegerConv, Kind, Step, Sum, Wire};

/// Weights coarser than this are worth a step that makes their wire coarser first.
const COARSEST_WEIGHTS: i32 = 8;
/// Weights in a row of a proof, roughly: what decides between sums and a matrix.
const BLOCK: usize = 8;

/// What a step computes, and the elements that its wires are.
pub(super) type Wired = (Kind, Vec<Option<usize>>);

impl Lowering<'_> {
    pub(super) fn sums_step(
        &self,
        name: &str,
        forms: &[(usize, &Form)],
        accumulator: i32,
        coarser: &HashMap<Wire, Wire>,
    ) -> Result<Wired, QuantError> {
        let sums = forms
            .iter()
            .map(|(_, form)| self.sum(name, form, accumulator, coarser));
        let sums: Vec<Sum> = sums.collect::<Result<_, _>>()?;
        let elements = forms.iter().map(|(at, _)| Some(*at)).collect();
        let read: HashSet<Wire> = sums
            .iter()
            .flat_map(|sum| &sum.terms)
            .map(|t| t.0)
            .collect();
        let terms: usize = sums.iter().map(|sum| sum.terms.len()).sum();
        let blocks = sums.len().div_ceil(BLOCK);
        if terms <= read.len() * blocks || read.len() * sums.len() > 1 << 22 {
            return Ok((Kind::Sums(sums), elements));
        }
        let mut inputs: Vec<Wire> = read.into_iter().collect();
        inputs.sort_unstable();
        let mut weights = Array2::zeros((sums.len(), inputs.len()));
        for (row, sum) in sums.iter().enumerate() {
            for (wire, weight) in &sum.terms {
                if let Ok(column) = inputs.binary_search(wire) {
                    weights[[row, column]] = *weight;
                }
            }
        }
        let bias = sums.iter().map(|sum| sum.bias).collect();
        let kind = Kind::Dense {
            inputs,
            weights,
            bias,
        };
        Ok((kind, elements))
    }

    pub(super) fn dense_step(
        &self,
        name: &str,
        (block, inputs, weights): (usize, &[Wire], &Array2<f64>),
        rows: &[(usize, f64, f64, usize)],
        accumulator: i32,
        coarser: &HashMap<Wire, Wire>,
    ) -> Result<Wired, QuantError> {
        let inputs: Vec<Wire> = inputs
            .iter()
            .map(|w| *coarser.get(w).unwrap_or(w))
            .collect();
        let mut integers = Array2::zeros((rows.len(), inputs.len()));
        let mut biases = Vec::with_capacity(rows.len());
        for (at, (row, factor, offset, _)) in rows.iter().enumerate() {
            for (column, wire) in inputs.iter().enumerate() {
                let weight = factor * weights[[*row, column]];
                integers[[at, column]] = self.weight(name, *wire, weight, accumulator)?;
            }
            let bias = factor * self.blocks[block].0.bias(*row) + offset;
            biases.push(quantize(name, Scale(accumulator), bias)?);
        }
        let kind = Kind::Dense {
            inputs,
            weights: integers,
            bias: biases,
        };
        Ok((kind, rows.iter().map(|row| Some(row.3)).collect()))
    }

    /// One convolution for the rows of a block; rows of a channel share factor and offset, see
    /// [`uneven`](Self::uneven).
    pub(super) fn conv_step(
        &self,
        name: &str,
        block: usize,
        rows: &[(usize, f64, f64, usize)],
        accumulator: i32,
        coarser: &HashMap<Wire, Wire>,
    ) -> Result<Wired, QuantError> {
        let Block::Conv(conv) = &self.blocks[block].0 else {
            return Err(QuantError::Invalid {
                what: format!("node '{name}' is no convolution"),
            });
        };
        let plane = conv.plane();
        let mut channels: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for (row, factor, offset, _) in rows {
            channels.insert(row / plane, (*factor, *offset));
        }
        let order: Vec<usize> = channels.keys().copied().collect();
        let (_, in_channels, height, width) = conv.weights.dim();
        let mut weights = Array4::zeros((order.len(), in_channels, height, width));
        let mut bias = Vec::with_capacity(order.len());
        let area = conv.input[1] * conv.input[2];
        let read = |wire: &Wire| *coarser.get(wire).unwrap_or(wire);
        let mut inputs = conv.inputs.clone();
        for channel in inputs.chunks_mut(area.max(1)) {
            // A channel has one scale, so all of it becomes coarser, or nothing.
            if channel
                .iter()
                .flatten()
                .all(|wire| coarser.contains_key(wire))
            {
                for wire in channel.iter_mut().flatten() {
                    *wire = read(wire);
                }
            }
        }
        for (at, (channel, (factor, offset))) in channels.iter().enumerate() {
            for c in 0..in_channels {
                let wires = &inputs[c * area..(c + 1) * area];
                let Some(wire) = wires.iter().flatten().next() else {
                    continue;
                };
                for qy in 0..height {
                    for qx in 0..width {
                        let weight = factor * conv.weights[[*channel, c, qy, qx]];
                        weights[[at, c, qy, qx]] = self.weight(name, *wire, weight, accumulator)?;
                    }
                }
            }
            let real = factor * conv.bias[*channel] + offset;
            bias.push(quantize(name, Scale(accumulator), real)?);
        }
        let mut elements = vec![None; order.len() * plane];
        for (row, _, _, at) in rows {
            if let Ok(channel) = order.binary_search(&(row / plane)) {
                elements[channel * plane + row % plane] = Some(*at);
            }
        }
        let kind = Kind::Conv(IntegerConv {
            inputs,
            input: conv.input,
            weights,
            bias,
            output: conv.output,
            strides: conv.strides,
            dilations: conv.dilations,
            pads: conv.pads,
        });
        Ok((kind, elements))
    }

    /// Coarser copies of the wires that would leave no bits for their weights.
    pub(super) fn make_coarser(
        &mut self,
        name: &str,
        elements: &[&Element],
        accumulator: i32,
    ) -> Result<HashMap<Wire, Wire>, QuantError> {
        let mut wires: Vec<Wire> = Vec::new();
        let mut blocks = HashSet::new();
        let is_fine = |this: &Self, wire: Wire| {
            this.scales[wire] > this.fraction()
                && accumulator - this.scales[wire] < COARSEST_WEIGHTS
        };
        let is_lost = |this: &Self, wire: Wire, c: f64| {
            let weight = c * Scale(accumulator - this.scales[wire]).factor();
            is_fine(this, wire) && weight.fract() != 0.0
        };
        for element in elements {
            match element {
                Element::Form(form) => {
                    let lost = form.terms.iter().filter(|(w, c)| is_lost(self, *w, *c));
                    wires.extend(lost.map(|(wire, _)| *wire));
                }
                Element::Row { block, .. } => {
                    blocks.insert(*block);
                }
            }
        }
        for block in blocks {
            match &self.blocks[block].0 {
                Block::Dense { inputs, .. } => wires.extend(inputs),
                Block::Conv(conv) => wires.extend(conv.inputs.iter().flatten()),
            }
        }
        wires.retain(|wire| is_fine(self, *wire));
        wires.sort_unstable();
        wires.dedup();
        self.coarsen(name, &wires)?;
        let found = wires
            .into_iter()
            .filter_map(|w| Some((w, *self.coarser.get(&w)?)));
        Ok(found.collect())
    }

    /// Makes copies at the usual scale of wires that are finer, where there is room.
    fn coarsen(&mut self, name: &str, wires: &[Wire]) -> Result<(), QuantError> {
        let new = wires.iter().copied().filter(|wire| {
            self.scales[*wire] > self.fraction() && !self.coarser.contains_key(wire)
        });
        let shift = self.program.limbs.shift_bits() as i32;
        let scale = |this: &Self, wire: &Wire| this.fraction().max(this.scales[*wire] - shift);
        // Wires of one scale in one step.
        let mut groups: BTreeMap<(i32, i32), Vec<Wire>> = BTreeMap::new();
        for wire in new {
            let group = (self.scales[wire], scale(self, &wire));
            groups.entry(group).or_default().push(wire);
        }
        for ((from, to), wires) in groups {
            let weight = 1i64 << (shift + to - from).clamp(0, 44);
            let sum = |wire: &Wire| Sum {
                terms: vec![(*wire, weight)],
                bias: 0,
            };
            let step = Step {
                name: name.to_owned(),
                kind: Kind::Sums(wires.iter().map(sum).collect()),
                finish: Finish::Round,
                bound: None,
            };
            // Without room for it, weights stay as they are.
            if let Ok(bounds) = self.program.bounds_of(&step, &self.bounds) {
                let first = self.append(step, bounds, to)?;
                for (offset, wire) in wires.into_iter().enumerate() {
                    self.coarser.insert(wire, first + offset);
                }
            }
        }
        Ok(())
    }

    /// The wires at the usual scale, if they are finer and there is room.
    pub(crate) fn coarse(&mut self, name: &str, wires: &[Wire]) -> Result<Vec<Wire>, QuantError> {
        self.coarsen(name, wires)?;
        Ok(wires
            .iter()
            .map(|wire| *self.coarser.get(wire).unwrap_or(wire))
            .collect())
    }
}
