//! Data movement: elements are named in another order.

use std::collections::HashMap;
use std::rc::Rc;

use zkassay_graph::{Node, Source};

use super::form::{Element, Form, Value};
use super::names::Names;
use super::state::Lowering;
use crate::QuantError;

/// Forms with more terms are committed before they are copied.
const FEW: usize = 4;

impl Lowering<'_> {
    pub(super) fn rearrange(
        &mut self,
        node: &Node,
        sources: &[Source],
        operands: &[Rc<Value>],
    ) -> Result<Value, QuantError> {
        let mut count: HashMap<(u32, u32), usize> = HashMap::new();
        for source in sources {
            if let Source::Element { operand, index } = source {
                *count.entry((*operand, *index)).or_default() += 1;
            }
        }
        let at =
            |(operand, index): &(u32, u32)| &operands[*operand as usize].elements[*index as usize];
        let is_long = |element: &Element| match element {
            Element::Form(form) => form.terms.len() > FEW,
            Element::Row { .. } => true,
        };
        let mut copied: Vec<(u32, u32)> = count
            .iter()
            .filter(|(place, count)| **count > 1 && is_long(at(place)))
            .map(|(place, _)| *place)
            .collect();
        copied.sort_unstable();
        let mut nodes = Names::joined(
            &operands
                .iter()
                .map(|value| &value.nodes)
                .collect::<Vec<_>>(),
        );
        let long = Value {
            elements: copied.iter().map(|place| at(place).clone()).collect(),
            nodes: nodes.clone(),
        };
        let wires = self.wires(&long, &node.name)?;
        let wires: HashMap<(u32, u32), Form> = copied
            .into_iter()
            .zip(wires.into_iter().map(Form::of))
            .collect();
        let element = |source: &Source| match source {
            Source::Constant(value) => Element::constant(f64::from(*value)),
            Source::Element { operand, index } => match wires.get(&(*operand, *index)) {
                Some(form) => Element::Form(form.clone()),
                None => at(&(*operand, *index)).clone(),
            },
        };
        let elements: Vec<Element> = sources.iter().map(element).collect();
        if elements.iter().all(|element| element.wire().is_some()) {
            nodes = Names::default();
        }
        Ok(Value { elements, nodes })
    }
}
