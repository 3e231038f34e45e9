//! What operations take of their operands.

use std::collections::{HashMap, HashSet};

use super::FINER;
use super::form::{Block, Element, Form, Value};
use super::state::{Commit, Lowering, Promise};
use crate::QuantError;
use crate::program::Wire;

/// Rows with up to so many inputs are written out as forms.
const SHORT: usize = 16;

impl Lowering<'_> {
    /// The value with rows committed unless they have few terms: forms only.
    pub(crate) fn forms(&mut self, value: &Value, node: &str) -> Result<Vec<Form>, QuantError> {
        let short: Vec<Option<Form>> = value.elements.iter().map(|e| self.short(e)).collect();
        if short.iter().all(Option::is_some) {
            return Ok(short.into_iter().flatten().collect());
        }
        let rule = self.rule();
        self.committed(value, node, rule)
    }

    /// The form of an element, if it has few terms.
    fn short(&self, element: &Element) -> Option<Form> {
        match element {
            Element::Form(form) => Some(form.clone()),
            Element::Row {
                block,
                row,
                factor,
                offset,
            } => match &self.blocks[*block].0 {
                Block::Dense {
                    inputs,
                    weights,
                    bias,
                } if inputs.len() <= SHORT => {
                    let terms = inputs.iter().zip(weights.row(*row));
                    let forms: Vec<(Form, f64)> = terms
                        .map(|(wire, w)| (Form::of(*wire), factor * w))
                        .collect();
                    let sum = Form::sum(forms.iter().map(|(form, w)| (form, *w)));
                    Some(sum.shifted(factor * bias[*row] + offset))
                }
                _ => None,
            },
        }
    }

    /// The value, with the convolutions committed whose channels have several factors or offsets:
    /// the others can take them into their weights.
    pub(super) fn even(&mut self, value: &Value, node: &str) -> Result<Value, QuantError> {
        let mut seen: HashMap<(usize, usize), (f64, f64)> = HashMap::new();
        let mut uneven = HashSet::new();
        for element in &value.elements {
            if let Element::Row {
                block,
                row,
                factor,
                offset,
            } = element
                && let Block::Conv(conv) = &self.blocks[*block].0
            {
                let channel = (*block, row / conv.plane());
                if *seen.entry(channel).or_insert((*factor, *offset)) != (*factor, *offset) {
                    uneven.insert(*block);
                }
            }
        }
        if uneven.is_empty() {
            return Ok(value.clone());
        }
        let is_uneven =
            |e: &Element| matches!(e, Element::Row { block, .. } if uneven.contains(block));
        let plain = |element: &Element| match element {
            Element::Row { block, row, .. } => Element::Row {
                block: *block,
                row: *row,
                factor: 1.0,
                offset: 0.0,
            },
            form => form.clone(),
        };
        let rows = Value {
            elements: value
                .elements
                .iter()
                .filter(|e| is_uneven(e))
                .map(plain)
                .collect(),
            nodes: value.nodes.clone(),
        };
        let rule = self.rule();
        let mut wires = self.commit(&rows, node, rule)?.into_iter();
        let replace = |element: &Element| match element {
            Element::Row { factor, offset, .. } if is_uneven(element) => {
                let wire = wires.next().map_or_else(|| element.clone(), Element::of);
                wire.affine(*factor, *offset)
            }
            other => other.clone(),
        };
        Ok(Value {
            elements: value.elements.iter().map(replace).collect(),
            nodes: value.nodes.clone(),
        })
    }

    /// Forms of few terms that are exact at a scale near the usual one, or that of the trees' scores
    /// in them; other elements committed.
    pub(crate) fn settle(&mut self, value: &Value, node: &str) -> Result<Vec<Form>, QuantError> {
        let keeps = |this: &Self, element: &Element| match element {
            Element::Form(form) => {
                let score = |(wire, _): &(Wire, f64)| {
                    let is_score = this.scores.contains(wire);
                    is_score.then(|| this.scales[*wire])
                };
                let scales: Option<Vec<i32>> = form.terms.iter().map(score).collect();
                let finest = scales.and_then(|scales| scales.into_iter().max());
                let usual = this.fraction() + FINER;
                let most = finest.map_or(usual, |finest| finest.max(usual));
                form.terms.len() <= 4 && this.exact_scale(form).is_some_and(|s| s <= most)
            }
            Element::Row { .. } => false,
        };
        let others = Value {
            elements: value
                .elements
                .iter()
                .filter(|e| !keeps(self, e))
                .cloned()
                .collect(),
            nodes: value.nodes.clone(),
        };
        let rule = self.rule();
        let mut wires = self.commit(&others, node, rule)?.into_iter();
        let settle = |element: &Element| match element {
            Element::Form(form) if keeps(self, element) => form.clone(),
            _ => wires.next().map(Form::of).unwrap_or_default(),
        };
        Ok(value.elements.iter().map(settle).collect())
    }

    /// `max(0, x)` of each element: one wire, or none where the sign is known.
    pub(crate) fn relu(
        &mut self,
        value: &Value,
        node: &str,
        how: Commit,
    ) -> Result<Vec<Element>, QuantError> {
        let is_open = |this: &Self, element: &Element| {
            let (low, high) = this.range(element);
            low < 0.0 && high > 0.0
        };
        let open = Value {
            elements: value
                .elements
                .iter()
                .filter(|e| is_open(self, e))
                .cloned()
                .collect(),
            nodes: value.nodes.clone(),
        };
        let decided: Vec<bool> = value.elements.iter().map(|e| !is_open(self, e)).collect();
        let how = Commit { relu: true, ..how };
        let mut wires = self.commit(&open, node, how)?.into_iter();
        let finish = |(element, is_decided): (&Element, bool)| match is_decided {
            true if self.range(element).0 >= 0.0 => element.clone(),
            true => Element::constant(0.0),
            false => wires.next().map_or(Element::constant(0.0), Element::of),
        };
        Ok(value.elements.iter().zip(decided).map(finish).collect())
    }

    /// The same for forms, without rounding.
    pub(crate) fn relu_exactly(
        &mut self,
        forms: Vec<Form>,
        node: &str,
        promise: Promise,
    ) -> Result<Vec<Form>, QuantError> {
        let how = Commit {
            exact: i32::MAX,
            promise,
            ..self.rule()
        };
        let elements = self.relu(&Value::settled(forms), node, how)?;
        let form = |element| match element {
            Element::Form(form) => form,
            Element::Row { .. } => Form::default(),
        };
        Ok(elements.into_iter().map(form).collect())
    }
}
