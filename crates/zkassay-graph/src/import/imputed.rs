//! What stands for missing numbers.
//!
//! Rows have no missing numbers: all is finite. But where an imputer is all that reads a place of the
//! row, the model does the same for a missing number there and for the number that it imputes. So
//! imputers read a copy of the input, which shows whether others read it, too; when that is known,
//! the copies are taken out.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::builder::Builder;
use super::node::NodeRef;
use super::tensor::{Content, Tensor};
use crate::op::Source;
use crate::{GraphError, Imputed, Node, Op};

/// The values that are copies for imputers, and what these impute for each element.
pub(super) type Copies = HashMap<usize, Vec<f32>>;

impl Builder {
    /// Whether all elements are elements of the input, as it is or imputed, or constants beside them.
    pub(in crate::import) fn is_of_input(&self, x: &Tensor) -> bool {
        let is = |value: &usize| *value == 0 || self.copies.contains_key(value);
        match &x.content {
            Content::Value(value) => is(value),
            Content::View(view) => view.values.iter().all(is),
            Content::Constant(_) | Content::Text(_) => false,
        }
    }

    /// What an imputer gives that replaces NaN by `imputed` in elements of the input.
    ///
    /// # Errors
    /// If the model becomes too large.
    pub(in crate::import) fn impute(
        &mut self,
        node: &NodeRef<'_>,
        x: &Tensor,
        imputed: &[f32],
    ) -> Result<Tensor, GraphError> {
        let sources: Vec<Source> = match &x.content {
            Content::Value(0) => (0..x.len() as u32)
                .map(|index| Source::Element { operand: 0, index })
                .collect(),
            Content::View(view) if view.values.iter().all(|value| *value == 0) => {
                let of_input = |source: &Source| match source {
                    Source::Element { index, .. } => Source::Element {
                        operand: 0,
                        index: *index,
                    },
                    constant => *constant,
                };
                view.sources.iter().map(of_input).collect()
            }
            // Imputed before: nothing is missing any more.
            _ => return Ok(x.clone()),
        };
        self.charge(node, 4 * sources.len())?;
        let copy = Node {
            name: node.name.clone(),
            operator: node.operator().to_owned(),
            op: Op::Rearrange(sources),
            inputs: vec![0],
            shape: x.shape.clone(),
        };
        let value = self.add(node, copy)?;
        self.copies.insert(value, imputed.to_vec());
        Ok(Tensor::value(x.shape.clone(), x.element, value))
    }
}

/// Takes the copies out, as far as nothing else needs them; what stands for missing numbers, in the
/// order of places.
pub(super) fn take_out(
    nodes: &mut [Node],
    inputs: usize,
    output: usize,
    copies: &Copies,
) -> Vec<Imputed> {
    if copies.is_empty() {
        return Vec::new();
    }
    let found = stand_ins(nodes, output, copies);
    for at in 0..nodes.len() {
        let (before, rest) = nodes.split_at_mut(at);
        let Some(node) = rest.first_mut() else { break };
        for operand in 0..node.inputs.len() {
            let value = node.inputs[operand];
            if copies.contains_key(&value)
                && let Some(Op::Rearrange(sources)) = value
                    .checked_sub(1)
                    .and_then(|at| before.get(at))
                    .map(|copy| &copy.op)
                && read_past(&mut node.op, operand as u32, sources, inputs)
            {
                node.inputs[operand] = 0;
            }
        }
    }
    found
}

/// Makes an operation read the input in place of a copy of it, if it can.
fn read_past(op: &mut Op, operand: u32, copied: &[Source], inputs: usize) -> bool {
    match op {
        Op::Rearrange(sources) => {
            for source in sources.iter_mut() {
                if let Source::Element { operand: of, index } = *source
                    && of == operand
                    && let Some(origin) = copied.get(index as usize)
                {
                    *source = match origin {
                        Source::Element { index, .. } => Source::Element {
                            operand,
                            index: *index,
                        },
                        constant => *constant,
                    };
                }
            }
            true
        }
        // A copy of all as it is.
        _ => {
            let stays = |(at, source): (usize, &Source)| matches!(source, Source::Element { index, .. } if *index as usize == at);
            copied.len() == inputs && copied.iter().enumerate().all(stays)
        }
    }
}

/// The places that only imputers read, all with the same number.
fn stand_ins(nodes: &[Node], output: usize, copies: &Copies) -> Vec<Imputed> {
    let mut is_read = vec![false; nodes.len() + 1];
    is_read[output] = true;
    for (at, node) in nodes.iter().enumerate().rev() {
        if is_read[at + 1] {
            node.inputs.iter().for_each(|value| is_read[*value] = true);
        }
    }
    let mut found: BTreeMap<usize, Option<f32>> = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate().filter(|(at, _)| is_read[at + 1]) {
        if !node.inputs.contains(&0) {
            continue;
        }
        let Op::Rearrange(sources) = &node.op else {
            // It reads all of the input.
            return Vec::new();
        };
        let imputed = copies.get(&(at + 1));
        for (element, source) in sources.iter().enumerate() {
            if let Source::Element { operand, index } = source
                && node.inputs.get(*operand as usize) == Some(&0)
            {
                let own = imputed.and_then(|imputed| imputed.get(element)).copied();
                let known = found.entry(*index as usize).or_insert(own);
                if *known != own {
                    *known = None;
                }
            }
        }
    }
    let imputed = found.into_iter().filter_map(|(place, value)| {
        let value = value.filter(|value| value.is_finite())?;
        Some(Imputed { place, value })
    });
    imputed.collect()
}

/// What stands for missing numbers of each of `batch` rows, whose inputs are the elements `inputs`:
/// where it is the same in all.
pub(super) fn of_one_row(all: &[Imputed], inputs: &[Range<usize>], batch: usize) -> Vec<Imputed> {
    let of: HashMap<usize, f32> = all.iter().map(|of| (of.place, of.value)).collect();
    let mut row = Vec::new();
    for input in inputs {
        let len = input.len() / batch.max(1);
        for within in 0..len {
            let value = of.get(&(input.start + within)).copied();
            let is_same =
                |other: usize| of.get(&(input.start + other * len + within)).copied() == value;
            if let Some(value) = value
                && (1..batch).all(is_same)
            {
                let place = input.start / batch.max(1) + within;
                row.push(Imputed { place, value });
            }
        }
    }
    row
}
