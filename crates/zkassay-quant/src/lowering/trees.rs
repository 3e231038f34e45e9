//! Ensembles of decision trees.

use zkassay_graph::{Node, Trees};

use super::form::Value;
use super::state::Lowering;
use super::unsupported;
use crate::QuantError;

impl Lowering<'_> {
    pub(super) fn trees(
        &mut self,
        node: &Node,
        trees: &Trees,
        _x: &Value,
    ) -> Result<Value, QuantError> {
        let reason = format!(
            "an ensemble of {} trees: such a model can be imported and evaluated, but there are no proofs of \
             trees yet; a linear model, a support vector machine or a network can be proved",
            trees.roots.len()
        );
        Err(unsupported(node, reason))
    }
}
