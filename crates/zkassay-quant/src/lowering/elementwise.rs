//! Operations on two numbers.

use ndarray::Array1;
use zkassay_graph::{Arithmetic, Binary, Node};

use super::form::{Element, Form, Value};
use super::names::Names;
use super::state::Lowering;
use crate::QuantError;

/// Sums with more terms are committed before they become longer.
const LONG: usize = 64;

/// An operation of a value and a constant.
pub(super) fn with_constant(
    node: &Node,
    arithmetic: Arithmetic,
    constant: &Array1<f32>,
    x: &Value,
) -> Value {
    let apply = |(element, constant): (&Element, &f32)| {
        let c = f64::from(*constant);
        match arithmetic {
            Arithmetic::Add => element.affine(1.0, c),
            Arithmetic::Subtract => element.affine(1.0, -c),
            Arithmetic::Multiply => element.affine(c, 0.0),
            Arithmetic::Divide => element.affine(1.0 / c, 0.0),
        }
    };
    Value {
        elements: x.elements.iter().zip(constant).map(apply).collect(),
        nodes: x.nodes.and(&node.name),
    }
}

impl Lowering<'_> {
    pub(super) fn binary(
        &mut self,
        node: &Node,
        binary: Binary,
        a: &Value,
        b: &Value,
    ) -> Result<Value, QuantError> {
        match binary {
            Binary::Add => self.add(node, a, b, 1.0),
            Binary::Subtract => self.add(node, a, b, -1.0),
            Binary::Multiply => Ok(Value {
                elements: self
                    .products(node, a, b)?
                    .into_iter()
                    .map(Element::Form)
                    .collect(),
                nodes: Names::of(&node.name),
            }),
            Binary::Divide => self.divide(node, a, b),
            Binary::Min | Binary::Max => {
                let sign = if binary == Binary::Max { 1.0 } else { -1.0 };
                let (a, b) = (self.settle(a, &node.name)?, self.settle(b, &node.name)?);
                let pair = |(a, b): (&Form, &Form)| vec![a.scaled(sign), b.scaled(sign)];
                let greatest = self.greatest(node, a.iter().zip(&b).map(pair).collect())?;
                Ok(Value::settled(
                    greatest.iter().map(|form| form.scaled(sign)),
                ))
            }
            Binary::Equal | Binary::Less | Binary::LessOrEqual => {
                let (a, b) = (self.settle(a, &node.name)?, self.settle(b, &node.name)?);
                let differences = b.iter().zip(&a).map(|(b, a)| b.minus(a)).collect();
                Ok(Value::settled(match binary {
                    Binary::Equal => self.is_zero(&node.name, differences)?,
                    Binary::Less => self.is_positive(&node.name, differences)?,
                    _ => {
                        let back = differences.iter().map(|form| form.scaled(-1.0)).collect();
                        let greater = self.is_positive(&node.name, back)?;
                        greater
                            .iter()
                            .map(|form| form.scaled(-1.0).shifted(1.0))
                            .collect()
                    }
                }))
            }
            Binary::And | Binary::Or | Binary::Xor => {
                let (a, b) = (self.truths(node, a)?, self.truths(node, b)?);
                Ok(Value::settled(self.logic(&node.name, binary, &a, &b)?))
            }
        }
    }

    /// `a + factor * b`.
    fn add(&mut self, node: &Node, a: &Value, b: &Value, factor: f64) -> Result<Value, QuantError> {
        let forms_of_a = self.forms_for_sum(node, a)?;
        let forms_of_b = self.forms_for_sum(node, b)?;
        let pairs = forms_of_a.iter().zip(&forms_of_b);
        let sum = |(a, b): (&Form, &Form)| Element::Form(Form::sum([(a, 1.0), (b, factor)]));
        let nodes = Names::joined(&[&a.nodes, &b.nodes]);
        Ok(Value {
            elements: pairs.map(sum).collect(),
            nodes: nodes.and(&node.name),
        })
    }

    fn forms_for_sum(&mut self, node: &Node, x: &Value) -> Result<Vec<Form>, QuantError> {
        let is_long = |e: &Element| matches!(e, Element::Form(form) if form.terms.len() > LONG);
        match x.elements.iter().any(is_long) {
            true => Ok(self
                .wires(x, &node.name)?
                .into_iter()
                .map(Form::of)
                .collect()),
            false => self.forms(x, &node.name),
        }
    }
}
