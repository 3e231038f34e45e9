//! Products of matrices that are both values: a wire for each product of two elements, and sums.

use zkassay_graph::{MatMul, Node};

use super::form::{Element, Form, Value};
use super::names::Names;
use super::state::Lowering;
use super::unsupported;
use crate::QuantError;

/// The most products.
const MOST: usize = 1 << 20;

impl Lowering<'_> {
    pub(super) fn matmul(
        &mut self,
        node: &Node,
        matmul: &MatMul,
        a: &Value,
        b: &Value,
    ) -> Result<Value, QuantError> {
        let count = a.elements.len().saturating_mul(matmul.columns);
        if count > MOST {
            let reason = format!(
                "{count} products of two values, each of which takes a row of the proof; {MOST} are possible"
            );
            return Err(unsupported(node, reason));
        }
        let a = self.singles(a, &node.name)?;
        let b = self.singles(b, &node.name)?;
        let pairs: Vec<Vec<(usize, usize)>> = matmul.products().map(Iterator::collect).collect();
        let flat = pairs.iter().flatten().map(|(i, j)| (&a[*i], &b[*j]));
        let mut products = self.products_of_singles(&node.name, flat)?.into_iter();
        let sum = |pairs: &Vec<(usize, usize)>| {
            let terms: Vec<Form> = products.by_ref().take(pairs.len()).collect();
            Element::Form(Form::sum(terms.iter().map(|form| (form, 1.0))))
        };
        Ok(Value {
            elements: pairs.iter().map(sum).collect(),
            nodes: Names::of(&node.name),
        })
    }
}
