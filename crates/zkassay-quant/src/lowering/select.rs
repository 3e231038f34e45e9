//! `if c != 0 { a } else { b }` as `b + c (a - b)`.

use zkassay_graph::Node;

use super::form::{Element, Form, Value};
use super::names::Names;
use super::state::Lowering;
use crate::QuantError;

impl Lowering<'_> {
    pub(super) fn select(
        &mut self,
        node: &Node,
        condition: &Value,
        a: &Value,
        b: &Value,
    ) -> Result<Value, QuantError> {
        let conditions = self.truths(node, condition)?;
        let conditions = self.singles(&Value::settled(conditions), &node.name)?;
        let (a, b) = (self.settle(a, &node.name)?, self.settle(b, &node.name)?);
        let differences = a.iter().zip(&b).map(|(a, b)| a.minus(b));
        let differences = self.settle_singly(node, differences.collect())?;
        let pairs = conditions.iter().zip(&differences);
        let chosen = self.products_of_singles(&node.name, pairs)?;
        let sum = |(b, chosen): (&Form, &Form)| Element::Form(b.plus(chosen));
        Ok(Value {
            elements: b.iter().zip(&chosen).map(sum).collect(),
            nodes: Names::of(&node.name),
        })
    }

    /// Forms of one term; differences of two wires stay exact.
    fn settle_singly(&mut self, node: &Node, forms: Vec<Form>) -> Result<Vec<Form>, QuantError> {
        let finest = forms.iter().filter_map(|form| self.exact_scale(form)).max();
        let how = super::state::Commit {
            exact: finest.unwrap_or(0).min(self.fraction() + 8),
            ..self.rule()
        };
        let others: Vec<Form> = forms
            .iter()
            .filter(|f| f.terms.len() > 1)
            .cloned()
            .collect();
        let mut wires = self
            .commit(&Value::settled(others), &node.name, how)?
            .into_iter();
        let single = |form: Form| match form.terms.len() {
            0 | 1 => form,
            _ => wires.next().map(Form::of).unwrap_or_default(),
        };
        Ok(forms.into_iter().map(single).collect())
    }
}
