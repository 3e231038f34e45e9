//! Gated recurrent units: an update gate `z` and a reset gate `r`.
//!
//! `n = g(W x + R (r h) + b)`, or `g(W x + b + r (R h + c))` if the matrix comes before the gate,
//! as PyTorch and Keras have it; then `h' = (1 - z) n + z h = n + z (h - n)`, which is one product.
//!
//! `h'` lies between `n` and `h`, but intervals of sums and products do not say so: they would widen
//! with every step. So it is cut off where it never goes.

use super::parameters::{Gates, Part};
use super::{Builder, NodeRef, Tensor};
use crate::GraphError;
use crate::op::{Binary, Function};

/// Where the gates stand among the weights.
const UPDATE: usize = 0;
const RESET: usize = 1;
const NEW: usize = 2;

pub(super) struct Cell {
    part: Part,
    /// Of the gates, then of the new state before it is reset.
    gates: Gates,
    /// Of the new state, from what the reset gate leaves of the old one.
    new: Option<Gates>,
    /// What no state exceeds, if that is known.
    most: Option<f32>,
}

impl Cell {
    pub(super) fn of(part: Part, linear_before_reset: bool) -> Self {
        let both = [(UPDATE, true, true), (RESET, true, true)];
        let apart = [(NEW, true, false), (NEW, false, true)];
        let (gates, new) = match linear_before_reset {
            true => (part.gates(&[both, apart].concat()), None),
            false => (part.gates(&both), Some(part.gates(&[(NEW, true, true)]))),
        };
        let most = match (part.range(0), part.range(1), part.initial) {
            (Some((0.0, 1.0)), Some((_, most)), Some(initial)) => Some(most.max(initial)),
            _ => None,
        };
        Self {
            part,
            gates,
            new,
            most: most.filter(|most| most.is_finite()),
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
        let hidden = &states[0];
        let sums = self.gates.sums(node, builder, x, hidden)?;
        let update = self.part.activate(node, builder, 0, &sums[0])?;
        let reset = self.part.activate(node, builder, 0, &sums[1])?;
        let sum = match &self.new {
            Some(new) => {
                let left = builder.binary(node, Binary::Multiply, &reset, hidden)?;
                new.sums(node, builder, x, &left)?.swap_remove(0)
            }
            None => {
                let left = builder.binary(node, Binary::Multiply, &reset, &sums[3])?;
                builder.binary(node, Binary::Add, &sums[2], &left)?
            }
        };
        let new = self.part.activate(node, builder, 1, &sum)?;
        let back = builder.binary(node, Binary::Subtract, hidden, &new)?;
        let kept = builder.binary(node, Binary::Multiply, &update, &back)?;
        let after = builder.binary(node, Binary::Add, &new, &kept)?;
        Ok(vec![match self.most {
            Some(most) => builder.map(node, Function::Clip(-most, most), &after)?,
            None => after,
        }])
    }
}
