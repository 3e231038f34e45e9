//! Long short-term memory: gates `i`, `o`, `f` and a cell `c' = f c + i g(..)`, of which the
//! hidden state `o h(c')` shows a part.

use super::parameters::{Gates, Part};
use super::{Builder, NodeRef, Tensor};
use crate::GraphError;
use crate::op::{Arithmetic, Binary};

/// Where the gates stand among the weights; the first three also among the peepholes.
const INPUT: usize = 0;
const OUTPUT: usize = 1;
const FORGET: usize = 2;
const CELL: usize = 3;

/// Which of the activations: of gates, of what is new, of what is shown.
const GATE: usize = 0;
const NEW: usize = 1;
const SHOWN: usize = 2;

pub(super) struct Cell {
    part: Part,
    gates: Gates,
    /// Whether the forget gate is what the input gate leaves: `f = 1 - i`.
    coupled: bool,
}

impl Cell {
    pub(super) fn of(part: Part, coupled: bool) -> Self {
        let gates = [INPUT, OUTPUT, FORGET, CELL].map(|gate| (gate, true, true));
        Self {
            gates: part.gates(&gates),
            part,
            coupled,
        }
    }

    /// A gate, which may look at the cell's state.
    fn gate(
        &self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        (gate, sum): (usize, &Tensor),
        cell: &Tensor,
    ) -> Result<Tensor, GraphError> {
        let hidden = self.part.hidden;
        let own = self.part.peepholes.as_deref();
        let own = own.and_then(|all| all.get(gate * hidden..(gate + 1) * hidden));
        let Some(own) = own else {
            return self.part.activate(node, builder, GATE, sum);
        };
        let weights = own.repeat(cell.len() / hidden);
        let seen = builder.with_constants(node, Arithmetic::Multiply, cell, weights)?;
        let sum = builder.binary(node, Binary::Add, sum, &seen)?;
        self.part.activate(node, builder, GATE, &sum)
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
        let (hidden, cell) = (&states[0], &states[1]);
        let sums = self.gates.sums(node, builder, x, hidden)?;
        let input = self.gate(node, builder, (INPUT, &sums[INPUT]), cell)?;
        let new = self.part.activate(node, builder, NEW, &sums[CELL])?;
        let mut after = builder.binary(node, Binary::Multiply, &input, &new)?;
        // Of nothing, nothing is forgotten.
        let is_empty = |cell: &[f32]| cell.iter().all(|x| *x == 0.0);
        if !cell.numbers().is_some_and(is_empty) {
            let forget = match self.coupled {
                true => {
                    let less = builder.with_scalar(node, Arithmetic::Multiply, &input, -1.0)?;
                    builder.with_scalar(node, Arithmetic::Add, &less, 1.0)?
                }
                false => self.gate(node, builder, (FORGET, &sums[FORGET]), cell)?,
            };
            let kept = builder.binary(node, Binary::Multiply, &forget, cell)?;
            after = builder.binary(node, Binary::Add, &kept, &after)?;
        }
        let output = self.gate(node, builder, (OUTPUT, &sums[OUTPUT]), &after)?;
        let shown = self.part.function(node, builder, SHOWN, &after)?;
        let hidden = builder.binary(node, Binary::Multiply, &output, &shown)?;
        Ok(vec![hidden, after])
    }
}
