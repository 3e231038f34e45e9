//! Numbers to integers: floors, nearest integers.

use std::collections::BTreeSet;

use zkassay_fixed::Scale;
use zkassay_graph::Node;

use super::FINER;
use super::form::{Block, Element, Form, Value};
use super::state::{Commit, Lowering, Promise};
use crate::QuantError;
use crate::program::{Finish, Sum, Wire};

/// Forms of so many terms are rounded as they are.
const SHORT: usize = 4;
/// The scale of accumulators that are to be rounded, at least: a sum of some hundred integers of
/// eight bits is exact to about a thousandth.
const PRECISE: i32 = 20;
/// Their scale is greater than that of what is summed by this at least: the scale of weights.
const WEIGHTS: i32 = 14;
/// Bits of coefficients that are left out.
const SPARE: u32 = 12;

impl Lowering<'_> {
    /// The greatest integer up to `x + offset`; exact for forms that are exact at some scale.
    pub(super) fn floors(
        &mut self,
        node: &str,
        x: &[Form],
        offset: f64,
    ) -> Result<Vec<Form>, QuantError> {
        let scales = x
            .iter()
            .map(|form| self.exact_scale(form).unwrap_or(0).max(1));
        let scale = scales.max().unwrap_or(1);
        let sums: Vec<Sum> = x
            .iter()
            .map(|form| self.integers(node, &form.shifted(offset), scale))
            .collect::<Result<_, _>>()?;
        let wires = self.shifted_down(node, sums, scale as u32)?;
        Ok(wires.into_iter().map(Form::of).collect())
    }

    /// `floor(x / 2^bits)` of integers, as wires of scale 0.
    pub(super) fn shifted_down(
        &mut self,
        node: &str,
        mut sums: Vec<Sum>,
        mut bits: u32,
    ) -> Result<Vec<Wire>, QuantError> {
        let shift = self.program.limbs.shift_bits();
        loop {
            // A rescale is round(y / 2^shift) = floor((y + 2^(shift - 1)) / 2^shift).
            let now = bits.min(shift);
            let factor = 1i64 << (shift - now);
            let half = 1i64 << (shift - 1);
            for sum in &mut sums {
                for (_, weight) in &mut sum.terms {
                    *weight = weight.saturating_mul(factor);
                }
                sum.bias = sum.bias.saturating_mul(factor).saturating_sub(half);
            }
            let wires = self.sums(node, sums, Finish::Round, (0, None))?;
            bits -= now;
            if bits == 0 {
                return Ok(wires);
            }
            sums = wires.into_iter().map(Sum::of).collect();
        }
    }

    /// The integer part: `floor(relu(x)) - floor(relu(-x))`.
    pub(super) fn truncated(&mut self, node: &Node, x: &Value) -> Result<Vec<Form>, QuantError> {
        let name = node.name.as_str();
        let x = self.settle(x, name)?;
        let above = self.relu_exactly(x.clone(), name, Promise::None)?;
        let below: Vec<Form> = above.iter().zip(&x).map(|(a, x)| a.minus(x)).collect();
        let above = self.floors(name, &above, 0.0)?;
        let below = self.floors(name, &below, 0.0)?;
        Ok(above.iter().zip(&below).map(|(a, b)| a.minus(b)).collect())
    }

    /// The nearest integer, halves to even.
    ///
    /// Of what is not exact at a scale near the usual one, the nearest integer of the accumulator,
    /// halves upwards: were it rounded to the usual scale first, what is close to a half would
    /// become one. Its scale is [`PRECISE`] at least, where there is room.
    pub(super) fn nearest(&mut self, node: &Node, x: &Value) -> Result<Vec<Form>, QuantError> {
        let is_exact = |this: &Self, element: &Element| match element {
            Element::Form(form) => {
                let usual = this.fraction() + FINER;
                let exact = this.exact_scale(form).is_some_and(|scale| scale <= usual);
                form.terms.len() <= SHORT && exact
            }
            Element::Row { .. } => false,
        };
        let x = &Value {
            elements: x.elements.iter().map(plain).collect(),
            nodes: x.nodes.clone(),
        };
        let is_open: Vec<bool> = x.elements.iter().map(|e| !is_exact(self, e)).collect();
        let exact = x.elements.iter().filter_map(|element| match element {
            Element::Form(form) if is_exact(self, element) => Some(form.clone()),
            _ => None,
        });
        let exact: Vec<Form> = exact.collect();
        let mut exact = self.round_to_even(&node.name, &exact)?.into_iter();
        // floor(x + 1/2) of floor((x + 1/2) 2^scale): a rescale adds half a unit, which is taken back.
        let shift = self.program.limbs.shift_bits() as i32;
        let finest = self.finest(&x.elements);
        let precise = PRECISE.max(finest.saturating_add(WEIGHTS));
        let scale = (precise - shift).clamp(0, self.fraction().max(0));
        let offset = 0.5 - Scale(-scale - 1).factor();
        let open = x
            .elements
            .iter()
            .zip(&is_open)
            .filter(|(_, is_open)| **is_open);
        let open = Value {
            elements: open
                .map(|(element, _)| element.affine(1.0, offset))
                .collect(),
            nodes: x.nodes.clone(),
        };
        let how = Commit {
            scale,
            exact: i32::MIN,
            keep: false,
            ..self.rule()
        };
        let open = self.committed(&open, &node.name, how)?;
        let is_whole = |form: &Form| form.wire().is_none_or(|wire| self.scales[wire] >= 0);
        if !open.iter().all(is_whole) {
            let available = self.program.limbs.magnitude_bits();
            return Err(QuantError::Overflow {
                node: node.name.clone(),
                needed: available + 1,
                available,
            });
        }
        let mut open = match scale {
            0 => open,
            _ => self.floors(&node.name, &open, 0.0)?,
        }
        .into_iter();
        let next = |is_open: bool| if is_open { open.next() } else { exact.next() };
        Ok(is_open.into_iter().filter_map(next).collect())
    }

    /// The finest scale of the wires that elements are computed from.
    fn finest(&self, elements: &[Element]) -> i32 {
        let mut blocks = BTreeSet::new();
        let mut finest = i32::MIN;
        let mut add = |wire: &Wire| finest = finest.max(self.scales[*wire]);
        for element in elements {
            match element {
                Element::Form(form) => form.terms.iter().for_each(|(wire, _)| add(wire)),
                Element::Row { block, .. } => {
                    blocks.insert(*block);
                }
            }
        }
        for block in blocks {
            match &self.blocks[block].0 {
                Block::Dense { inputs, .. } => inputs.iter().for_each(&mut add),
                Block::Conv(conv) => conv.inputs.iter().flatten().for_each(&mut add),
            }
        }
        finest
    }

    /// The nearest integer, halves to even: `floor(x + 1/2)`, less 1 where `x + 1/2` is an odd
    /// integer.
    fn round_to_even(&mut self, node: &str, x: &[Form]) -> Result<Vec<Form>, QuantError> {
        let rounded = self.floors(node, x, 0.5)?;
        let halves: Vec<Form> = rounded.iter().map(|form| form.scaled(0.5)).collect();
        let floors = self.floors(node, &halves, 0.0)?;
        let mut ties = Vec::with_capacity(x.len());
        for (x, rounded) in x.iter().zip(&rounded) {
            // The remainder as an integer; not negative.
            let remainder = x.shifted(0.5).minus(rounded);
            let scale = self.exact_scale(&remainder).unwrap_or(0);
            let sum = self.integers(node, &remainder.scaled(-1.0), scale)?;
            ties.push(Sum {
                bias: sum.bias + 1,
                ..sum
            });
        }
        let ties = self.up_to_one(node, ties)?;
        let mut corrections = Vec::with_capacity(x.len());
        for ((tie, rounded), floor) in ties.into_iter().zip(&rounded).zip(&floors) {
            let parity = Form::sum([(rounded, 1.0), (floor, -2.0)]);
            corrections.push(self.integers(node, &parity.plus(&Form::of(tie)).shifted(-1.0), 0)?);
        }
        let corrections = self.up_to_one(node, corrections)?;
        let results = rounded.iter().zip(corrections);
        Ok(results
            .map(|(rounded, wire)| rounded.minus(&Form::of(wire)))
            .collect())
    }
}

/// The element without the last bits of its coefficients, which come from computing them: the
/// quotient of two scales may be a half, so that ties are ties.
fn plain(element: &Element) -> Element {
    let rounded = |x: f64| {
        let half = 1u64 << (SPARE - 1);
        let bits = x.to_bits().saturating_add(half) & !(2 * half - 1);
        Some(f64::from_bits(bits))
            .filter(|x| x.is_finite())
            .unwrap_or(x)
    };
    match element {
        Element::Form(form) => Element::Form(Form {
            terms: form
                .terms
                .iter()
                .map(|(wire, c)| (*wire, rounded(*c)))
                .collect(),
            bias: rounded(form.bias),
        }),
        row => row.clone(),
    }
}
