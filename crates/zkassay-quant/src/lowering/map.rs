//! Functions of one number.

use zkassay_graph::{Function, Node};

use super::form::Value;
use super::state::Lowering;
use super::unsupported;
use crate::QuantError;

impl Lowering<'_> {
    pub(super) fn map(
        &mut self,
        node: &Node,
        function: Function,
        x: &Value,
    ) -> Result<Value, QuantError> {
        match function {
            Function::Relu => {
                let rule = self.rule();
                let elements = self.relu(x, &node.name, rule)?;
                let all_known = elements.iter().all(|e| e.wire().is_some());
                let nodes = if all_known { Vec::new() } else { x.nodes.clone() };
                Ok(Value { elements, nodes })
            }
            _ => Err(unsupported(node, "it has no integer form")),
        }
    }
}
