//! `h' = f(W x + R h + b)`.

use super::parameters::{Gates, Part};
use super::{Builder, NodeRef, Tensor};
use crate::GraphError;

pub(super) struct Cell {
    part: Part,
    gates: Gates,
}

impl Cell {
    pub(super) fn of(part: Part) -> Self {
        Self {
            gates: part.gates(&[(0, true, true)]),
            part,
        }
    }
}

impl super::Cell for Cell {
    fn step(
        &self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        x: &Tensor,
        states: &[Tensor],
    ) -> Result<Vec<Tensor>, GraphError> {
        let sums = self.gates.sums(node, builder, x, &states[0])?;
        Ok(vec![self.part.activate(node, builder, 0, &sums[0])?])
    }
}
