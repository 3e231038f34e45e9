//! Products of two values.

use std::collections::BTreeMap;

use zkassay_graph::Node;

use super::form::{Element, Form, Value};
use super::state::{Commit, Lowering};
use crate::QuantError;
use crate::calibrate::ceil_log2;
use crate::program::{Finish, Kind, Step, Wire};

/// Products are at least this fine.
const COARSEST: i32 = 4;
/// Operands below this in magnitude are finer than other values,
const SMALL: f64 = 0.125;
/// by at most so many bits.
const FINER: i32 = 12;

impl Lowering<'_> {
    /// `a b`, element by element: one wire each, of the wires that the elements are but for a
    /// factor and an offset.
    pub(super) fn products(
        &mut self,
        node: &Node,
        a: &Value,
        b: &Value,
    ) -> Result<Vec<Form>, QuantError> {
        let a = self.singles(a, &node.name)?;
        let b = self.singles(b, &node.name)?;
        self.products_of_singles(&node.name, a.iter().zip(&b))
    }

    /// The same for pairs of forms with at most one term each.
    pub(super) fn products_of_singles<'b>(
        &mut self,
        node: &str,
        pairs: impl Iterator<Item = (&'b Form, &'b Form)> + Clone,
    ) -> Result<Vec<Form>, QuantError> {
        let wire = |form: &Form| form.terms.first().copied();
        let wires: Vec<(Wire, Wire)> = pairs
            .clone()
            .filter_map(|(a, b)| Some((wire(a)?.0, wire(b)?.0)))
            .collect();
        let mut products = self.product_wires(node, &wires)?.into_iter();
        let form = |(a, b): (&Form, &Form)| match (wire(a), wire(b)) {
            (Some((_, factor)), Some((_, other))) => {
                let product = products.next().map(Form::of).unwrap_or_default();
                let (x, y) = (a.shifted(-a.bias), b.shifted(-b.bias));
                let parts = [(&product, factor * other), (&x, b.bias), (&y, a.bias)];
                Form::sum(parts).shifted(a.bias * b.bias)
            }
            (None, _) => b.scaled(a.bias),
            (_, None) => a.scaled(b.bias),
        };
        Ok(pairs.map(form).collect())
    }

    /// Elements with at most one term each; others are committed.
    pub(super) fn singles(&mut self, x: &Value, node: &str) -> Result<Vec<Form>, QuantError> {
        let is_single = |e: &Element| matches!(e, Element::Form(form) if form.terms.len() <= 1);
        let others = Value {
            elements: x
                .elements
                .iter()
                .filter(|e| !is_single(e))
                .cloned()
                .collect(),
            nodes: x.nodes.clone(),
        };
        // Small numbers, as a scale that is computed, have as many bits as others.
        let (low, high) = self.hull(&others.elements);
        let most = high.max(-low);
        let finer = match most > 0.0 && most < SMALL {
            true => (-ceil_log2(most)).clamp(0, FINER),
            false => 0,
        };
        let rule = self.rule();
        let how = Commit {
            scale: rule.scale + finer,
            exact: rule.exact + finer,
            ..rule
        };
        let mut wires = self.commit(&others, node, how)?.into_iter();
        let single = |element: &Element| match element {
            Element::Form(form) if is_single(element) => form.clone(),
            _ => wires.next().map(Form::of).unwrap_or_default(),
        };
        Ok(x.elements.iter().map(single).collect())
    }

    /// A wire for each product; of coarser copies where there is no room for the finer ones.
    fn product_wires(
        &mut self,
        node: &str,
        pairs: &[(Wire, Wire)],
    ) -> Result<Vec<Wire>, QuantError> {
        let mut by_scale: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
        for (at, (a, b)) in pairs.iter().enumerate() {
            by_scale
                .entry(self.scales[*a] + self.scales[*b])
                .or_default()
                .push(at);
        }
        let mut wires = vec![0; pairs.len()];
        for (scale, places) in by_scale {
            let chosen: Vec<(Wire, Wire)> = places.iter().map(|at| pairs[*at]).collect();
            let first = self.product_step(node, chosen, scale)?;
            for (offset, at) in places.into_iter().enumerate() {
                wires[at] = first + offset;
            }
        }
        Ok(wires)
    }

    fn product_step(
        &mut self,
        node: &str,
        pairs: Vec<(Wire, Wire)>,
        scale: i32,
    ) -> Result<Wire, QuantError> {
        let step = |pairs: &[(Wire, Wire)], finish| Step {
            name: node.to_owned(),
            kind: Kind::Products(pairs.to_vec()),
            finish,
            bound: None,
        };
        let error = match self.push(step(&pairs, Finish::Exact), scale) {
            Err(error @ QuantError::Overflow { .. }) => error,
            done => return done,
        };
        let fraction = self.fraction();
        if scale > 2 * fraction {
            let flat: Vec<Wire> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
            let coarse = self.coarse(node, &flat)?;
            let coarse: Vec<(Wire, Wire)> =
                coarse.chunks(2).map(|pair| (pair[0], pair[1])).collect();
            let scales: Vec<i32> = coarse
                .iter()
                .map(|(a, b)| self.scales[*a] + self.scales[*b])
                .collect();
            if scales.iter().all(|own| *own == scales[0] && *own < scale) {
                return self.product_step(node, coarse, scales[0]);
            }
        }
        let rounded = scale - self.program.limbs.shift_bits() as i32;
        match rounded >= COARSEST {
            true => self.push(step(&pairs, Finish::Round), rounded),
            false => Err(error),
        }
    }
}
