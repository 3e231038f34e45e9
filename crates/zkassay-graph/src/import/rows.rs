//! Models that are made for a fixed batch: the graph of one row, where rows are independent.
//!
//! PyTorch's exporters write the batch of the rows that they are given, unless they are told that
//! it is dynamic. Such a file says what becomes of all its rows at once; shapes and constants are
//! of that many rows. So the whole batch is imported, and then cut: the part of the graph that
//! writes row `r` of the output is what it needs, element by element. If it reads nothing but row
//! `r` of the inputs, for every `r`, and the parts of all rows are the same, then rows do not mix,
//! whatever the operators were, and one part is the model of one row.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

use crate::op::Source;
use crate::{Node, Op};

/// A node of a part: what it does, what it reads of the part's values, how many elements it
/// writes, and which node it comes from (none for a choice of elements).
type Cut<'a> = (Cow<'a, Op>, Vec<usize>, usize, usize);

/// What a cut of a batch into rows gives.
pub(super) enum Split {
    /// The nodes for one row, and which of their values is the row's output.
    Rows(Vec<Node>, usize),
    /// Rows are not independent of each other, or not treated alike.
    Mixed,
    /// It takes too long to find out.
    TooLarge,
}

/// The most elements and nodes, about, that are looked at.
const MAX_WORK: usize = 1 << 27;

/// Cuts a batch into rows. `inputs` are the elements of each of the model's inputs, all rows;
/// `output` is the value of the whole batch.
pub(super) fn split(nodes: &[Node], inputs: &[Range<usize>], output: usize, batch: usize) -> Split {
    let work = Cell::new(MAX_WORK);
    match one_row(nodes, inputs, output, batch, &work) {
        Some((nodes, value)) => Split::Rows(nodes, value),
        None if work.get() == 0 => Split::TooLarge,
        None => Split::Mixed,
    }
}

fn one_row(
    nodes: &[Node],
    inputs: &[Range<usize>],
    output: usize,
    batch: usize,
    work: &Cell<usize>,
) -> Option<(Vec<Node>, usize)> {
    let written = nodes.get(output.checked_sub(1)?)?;
    let fits = inputs.iter().all(|input| input.len().is_multiple_of(batch));
    if batch < 2 || !fits || written.shape.first() != Some(&batch) {
        return None;
    }
    let groups = nodes.iter().map(groups_of).collect::<Vec<_>>();
    let parts = Parts {
        nodes,
        groups: &groups,
        output,
        work,
    };
    let of_row = |row: usize| -> Vec<u32> {
        let own = |input: &Range<usize>| {
            let len = input.len() / batch;
            let start = input.start + row * len;
            start as u32..(start + len) as u32
        };
        inputs.iter().flat_map(own).collect()
    };
    let len = written.len() / batch;
    let cut = |row: usize| {
        let wanted = (row * len) as u32..((row + 1) * len) as u32;
        parts.cut(&of_row(row), wanted.collect())
    };
    let (first, value) = cut(0)?;
    for row in 1..batch {
        let (part, other) = cut(row)?;
        let is_same = |(a, b): (&Cut<'_>, &Cut<'_>)| {
            let is_same_op = std::ptr::eq::<Op>(&*a.0, &*b.0) || a.0 == b.0;
            is_same_op && (&a.1, a.2) == (&b.1, b.2)
        };
        if value != other || part.len() != first.len() || !first.iter().zip(&part).all(is_same) {
            return None;
        }
    }
    let node = |(op, inputs, len, from): Cut<'_>| {
        let node = &nodes[from];
        let rest = node.shape.get(1..).unwrap_or_default();
        let keeps = node.shape.first() == Some(&batch) && rest.iter().product::<usize>() == len;
        Node {
            name: node.name.clone(),
            operator: node.operator.clone(),
            op: op.into_owned(),
            inputs,
            shape: match keeps {
                true => [&[1], rest].concat(),
                false => vec![1, len],
            },
        }
    };
    Some((first.into_iter().map(node).collect(), value))
}

/// The group of every element, of a node that normalises in groups.
fn groups_of(node: &Node) -> Vec<u32> {
    let Op::Softmax { groups, .. } = &node.op else {
        return Vec::new();
    };
    let mut of = vec![0; node.len()];
    for (index, group) in (0..).zip(groups) {
        for element in group {
            if let Some(of) = of.get_mut(*element as usize) {
                *of = index;
            }
        }
    }
    of
}

/// What parts are cut from.
struct Parts<'a> {
    nodes: &'a [Node],
    /// For each node what [`groups_of`] says.
    groups: &'a [Vec<u32>],
    output: usize,
    /// What is left of [`MAX_WORK`].
    work: &'a Cell<usize>,
}

impl<'a> Parts<'a> {
    /// The part that writes the elements `wanted` of the output from the elements `row` of the
    /// input, both in order; `None` if it needs others.
    fn cut(&self, row: &[u32], wanted: Vec<u32>) -> Option<(Vec<Cut<'a>>, usize)> {
        // Elements that are needed of each value, backwards; then those that are kept.
        let mut kept: Vec<Vec<u32>> = vec![Vec::new(); self.nodes.len() + 1];
        kept[self.output].clone_from(&wanted);
        for (index, node) in self.nodes.iter().enumerate().rev() {
            let mut needed = std::mem::take(&mut kept[index + 1]);
            needed.sort_unstable();
            needed.dedup();
            let needed = self.whole(index, needed)?;
            self.charge(1 + needed.len().saturating_mul(1 + node.inputs.len()))?;
            for (operand, value) in node.inputs.iter().enumerate() {
                let read = self.reads(index, operand, &needed)?;
                self.charge(read.len())?;
                kept[*value].extend(read);
            }
            kept[index + 1] = needed;
        }
        let reads_others = |element: &u32| row.binary_search(element).is_err();
        if kept[0].iter().any(reads_others) {
            return None;
        }
        kept[0] = row.to_vec();

        let mut cuts: Vec<Cut<'a>> = Vec::new();
        let mut places = vec![0; kept.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            let own = &kept[index + 1];
            if own.is_empty() {
                continue;
            }
            let mut operands = Vec::with_capacity(node.inputs.len());
            let mut held = Vec::with_capacity(node.inputs.len());
            for (operand, value) in node.inputs.iter().enumerate() {
                let all = &kept[*value];
                let read = self.reads(index, operand, own)?;
                if read.is_empty() {
                    held.push(Cow::Borrowed(all.as_slice()));
                    continue;
                }
                if self.picks(index) || read == *all {
                    operands.push(places[*value]);
                    held.push(Cow::Borrowed(all.as_slice()));
                    continue;
                }
                let choice = choice(all, &read)?;
                cuts.push((Cow::Owned(choice), vec![places[*value]], read.len(), index));
                operands.push(cuts.len());
                held.push(Cow::Owned(read));
            }
            let op = self.restricted(index, own, &held)?;
            cuts.push((op, operands, own.len(), index));
            places[index + 1] = cuts.len();
        }
        if kept[self.output] != wanted {
            let choice = choice(&kept[self.output], &wanted)?;
            let from = self.output.checked_sub(1)?;
            let place = vec![places[self.output]];
            cuts.push((Cow::Owned(choice), place, wanted.len(), from));
            let value = cuts.len();
            return Some((cuts, value));
        }
        Some((cuts, places[self.output]))
    }

    fn charge(&self, work: usize) -> Option<()> {
        let left = self.work.get().saturating_sub(work);
        self.work.set(left);
        (left > 0).then_some(())
    }

    /// All that a node writes together with the elements `needed`: some come in groups.
    fn whole(&self, index: usize, needed: Vec<u32>) -> Option<Vec<u32>> {
        let node = &self.nodes[index];
        let runs = |len: usize| -> Option<Vec<u32>> {
            let len = u32::try_from(len).ok().filter(|len| *len > 0)?;
            let mut starts: Vec<u32> = needed.iter().map(|at| at / len).collect();
            starts.dedup();
            let run = |start: u32| start * len..(start + 1) * len;
            Some(starts.into_iter().flat_map(run).collect())
        };
        match &node.op {
            Op::Dense(dense) => runs(dense.outputs()),
            Op::Conv(_) => runs(node.len()),
            Op::MatMul(product) => runs(match product.batch {
                1 => product.columns,
                _ => product.rows * product.columns,
            }),
            Op::TopK { k, .. } => runs(*k),
            Op::Trees(trees) => runs(trees.base.len()),
            Op::Softmax { groups, .. } => {
                let of = |at: &u32| self.groups[index].get(*at as usize).copied();
                let mut touched = needed.iter().map(of).collect::<Option<Vec<u32>>>()?;
                touched.sort_unstable();
                touched.dedup();
                let members = |group: u32| groups.get(group as usize).map(Vec::as_slice);
                let all: Option<Vec<&[u32]>> = touched.into_iter().map(members).collect();
                let mut all = all?.concat();
                all.sort_unstable();
                Some(all)
            }
            Op::Elementwise { .. }
            | Op::Binary(_)
            | Op::Map(_)
            | Op::Select
            | Op::Rearrange(_)
            | Op::Reduce { .. }
            | Op::ArgMax { .. } => Some(needed),
        }
    }

    /// The elements of an operand that a node reads to write the elements `own`, in order.
    fn reads(&self, index: usize, operand: usize, own: &[u32]) -> Option<Vec<u32>> {
        let node = &self.nodes[index];
        // A run of `read` elements becomes one of `written`.
        let runs = |written: usize, read: usize| -> Option<Vec<u32>> {
            let (written, read) = (u32::try_from(written).ok()?, u32::try_from(read).ok()?);
            let first = |at: &u32| at.checked_rem(written) == Some(0);
            let starts = own.iter().filter(|at| first(at));
            let run = |at: &u32| (at / written * read)..((at / written + 1) * read);
            Some(starts.flat_map(run).collect())
        };
        let of_groups = |groups: &[Vec<u32>], size: usize| -> Option<Vec<u32>> {
            let mut read = Vec::new();
            for at in own.iter().step_by(size.max(1)) {
                read.extend(groups.get(*at as usize / size.max(1))?);
            }
            read.sort_unstable();
            read.dedup();
            Some(read)
        };
        match &node.op {
            Op::Dense(dense) => runs(dense.outputs(), dense.inputs()),
            Op::Conv(conv) => runs(node.len(), conv.input.iter().product()),
            Op::Trees(trees) => runs(trees.base.len(), trees.inputs),
            Op::MatMul(product) => match (product.batch, operand) {
                (1, 0) => runs(product.columns, product.inner),
                (1, _) => Some((0..(product.inner * product.columns) as u32).collect()),
                (_, 0) => runs(product.rows * product.columns, product.rows * product.inner),
                _ => runs(
                    product.rows * product.columns,
                    product.inner * product.columns,
                ),
            },
            Op::Reduce { groups, .. } | Op::ArgMax { groups, .. } => of_groups(groups, 1),
            Op::TopK { groups, k, .. } => of_groups(groups, *k),
            Op::Rearrange(sources) => {
                let mut read = Vec::new();
                for at in own {
                    match sources.get(*at as usize)? {
                        Source::Element { operand: of, index } if *of as usize == operand => {
                            read.push(*index);
                        }
                        _ => {}
                    }
                }
                read.sort_unstable();
                read.dedup();
                Some(read)
            }
            Op::Softmax { .. }
            | Op::Elementwise { .. }
            | Op::Binary(_)
            | Op::Map(_)
            | Op::Select => Some(own.to_vec()),
        }
    }

    /// Whether a node picks elements of its operands by their positions, so that it does not
    /// matter which others there are.
    fn picks(&self, index: usize) -> bool {
        matches!(
            self.nodes[index].op,
            Op::Rearrange(_) | Op::Reduce { .. } | Op::ArgMax { .. } | Op::TopK { .. }
        )
    }

    /// What a node does that writes only the elements `own`, and whose operands hold only the
    /// elements `held`.
    fn restricted(
        &self,
        index: usize,
        own: &[u32],
        held: &[Cow<'_, [u32]>],
    ) -> Option<Cow<'a, Op>> {
        let op = &self.nodes[index].op;
        let mapped = |groups: &[Vec<u32>], size: usize| -> Option<Vec<Vec<u32>>> {
            let held = held.first()?;
            let group = |at: &u32| -> Option<Vec<u32>> {
                let group = groups.get(*at as usize / size)?;
                group
                    .iter()
                    .map(|element| position(held, *element))
                    .collect()
            };
            own.iter().step_by(size).map(group).collect()
        };
        Some(match op {
            Op::Dense(_) | Op::Conv(_) | Op::Trees(_) | Op::Binary(_) | Op::Map(_) | Op::Select => {
                Cow::Borrowed(op)
            }
            Op::MatMul(product) => {
                let mut product = *product;
                match product.batch {
                    1 => product.rows = own.len().checked_div(product.columns)?,
                    _ => {
                        product.batch = own.len().checked_div(product.rows * product.columns)?;
                    }
                }
                Cow::Owned(Op::MatMul(product))
            }
            Op::Elementwise {
                arithmetic,
                constant,
            } => {
                let own = own.iter().map(|at| constant.get(*at as usize).copied());
                Cow::Owned(Op::Elementwise {
                    arithmetic: *arithmetic,
                    constant: own.collect::<Option<Vec<f32>>>()?.into(),
                })
            }
            Op::Rearrange(sources) => {
                // Operands that are not read are none: those behind move up.
                let mut is_read = vec![false; held.len()];
                for at in own {
                    if let Some(Source::Element { operand, .. }) = sources.get(*at as usize)
                        && let Some(is_read) = is_read.get_mut(*operand as usize)
                    {
                        *is_read = true;
                    }
                }
                let mut count = 0u32;
                let place = |is_read: &bool| {
                    count += u32::from(*is_read);
                    count.saturating_sub(1)
                };
                let places: Vec<u32> = is_read.iter().map(place).collect();
                let source = |at: &u32| -> Option<Source> {
                    Some(match *sources.get(*at as usize)? {
                        Source::Element { operand, index } => Source::Element {
                            operand: *places.get(operand as usize)?,
                            index: position(held.get(operand as usize)?, index)?,
                        },
                        constant => constant,
                    })
                };
                Cow::Owned(Op::Rearrange(
                    own.iter().map(source).collect::<Option<_>>()?,
                ))
            }
            Op::Reduce { reduction, groups } => Cow::Owned(Op::Reduce {
                reduction: *reduction,
                groups: mapped(groups, 1)?,
            }),
            Op::ArgMax {
                groups,
                order,
                last,
            } => Cow::Owned(Op::ArgMax {
                groups: mapped(groups, 1)?,
                order: *order,
                last: *last,
            }),
            Op::TopK {
                groups,
                k,
                order,
                positions,
            } => Cow::Owned(Op::TopK {
                groups: mapped(groups, (*k).max(1))?,
                k: *k,
                order: *order,
                positions: *positions,
            }),
            Op::Softmax { groups, log } => {
                let is_kept = |group: &&Vec<u32>| {
                    let first = group.first();
                    first.is_some_and(|first| own.binary_search(first).is_ok())
                };
                let moved = |group: &Vec<u32>| -> Option<Vec<u32>> {
                    group
                        .iter()
                        .map(|element| position(own, *element))
                        .collect()
                };
                let groups = groups.iter().filter(is_kept).map(moved);
                Cow::Owned(Op::Softmax {
                    groups: groups.collect::<Option<_>>()?,
                    log: *log,
                })
            }
        })
    }
}

/// Chooses some of the elements that are kept of a value.
fn choice(kept: &[u32], read: &[u32]) -> Option<Op> {
    let source = |element: &u32| {
        let index = position(kept, *element)?;
        Some(Source::Element { operand: 0, index })
    };
    read.iter()
        .map(source)
        .collect::<Option<_>>()
        .map(Op::Rearrange)
}

/// Where an element stands among those that are kept, which are in order.
fn position(kept: &[u32], element: u32) -> Option<u32> {
    kept.binary_search(&element).ok().map(|place| place as u32)
}
