//! Whether the parts of a graph fit each other. Imported graphs do; others may come from anywhere.

use zkassay_graph::{Graph, Node, Op, Source, TreeNode};

use super::unsupported;
use crate::QuantError;

/// The most elements of a value.
const MOST: usize = 1 << 22;

/// Checks every index and length that lowering relies on.
pub(super) fn graph(graph: &Graph) -> Result<(), QuantError> {
    let len = |shape: &[usize]| shape.iter().try_fold(1usize, |len, n| len.checked_mul(*n));
    let mut lens = vec![len(&graph.input.shape).filter(|len| (1..=MOST).contains(len))];
    for (index, node) in graph.nodes.iter().enumerate() {
        let own = len(&node.shape).filter(|len| *len <= MOST);
        let operands: Option<Vec<usize>> = node
            .inputs
            .iter()
            .map(|input| {
                lens.get(*input)
                    .copied()
                    .flatten()
                    .filter(|_| *input <= index)
            })
            .collect();
        let fits = own
            .zip(operands)
            .is_some_and(|(own, operands)| fits(node, own, &operands));
        if !fits {
            let reason = format!("its operands do not fit its result, {:?}", node.shape);
            return Err(unsupported(node, reason));
        }
        lens.push(own);
    }
    match lens.get(graph.output.value).copied().flatten() {
        Some(1..) if lens[0].is_some() => Ok(()),
        _ => Err(QuantError::Unsupported {
            node: graph.output.name.clone(),
            op: "output".into(),
            reason: format!("input or output is empty, larger than {MOST}, or not there"),
        }),
    }
}

fn fits(node: &Node, own: usize, operands: &[usize]) -> bool {
    let first = operands.first().copied().unwrap_or(0);
    let count = |n: usize| operands.len() == n;
    let within = |groups: &[Vec<u32>]| {
        let fits = |group: &Vec<u32>| group.iter().all(|i| (*i as usize) < first);
        groups.iter().all(|group| !group.is_empty() && fits(group))
    };
    match &node.op {
        Op::Dense(dense) => {
            let (inputs, outputs) = (dense.inputs(), dense.outputs());
            count(1)
                && inputs > 0
                && dense.bias.len() == outputs
                && first % inputs == 0
                && own == first / inputs * outputs
        }
        Op::Conv(conv) => {
            let product = |sizes: &[usize]| {
                sizes
                    .iter()
                    .try_fold(1usize, |len, n| len.checked_mul(*n))
                    .unwrap_or(0)
            };
            let (out, channels, height, width) = conv.weights.dim();
            let sizes = [
                &conv.strides[..],
                &conv.dilations,
                &[conv.groups, height, width],
            ];
            let small = |x: &usize| (1..1 << 16).contains(x);
            count(1)
                && sizes.iter().all(|s| s.iter().all(small))
                && conv.pads.iter().all(|pad| *pad < 1 << 16)
                && product(&conv.input) == first
                && product(&conv.output) == own
                && own > 0
                && conv.output[0] == out
                && conv.bias.len() == out
                && out % conv.groups == 0
                && channels * conv.groups == conv.input[0]
                && conv
                    .weights
                    .len()
                    .saturating_mul(product(&conv.output) / out.max(1))
                    < 1 << 34
        }
        Op::MatMul(product) => {
            let len = |a: usize, b: usize| {
                product
                    .batch
                    .checked_mul(a)
                    .and_then(|n| n.checked_mul(b))
                    .unwrap_or(usize::MAX)
            };
            count(2)
                && operands[0] == len(product.rows, product.inner)
                && operands[1] == len(product.inner, product.columns)
                && own == len(product.rows, product.columns)
        }
        Op::Elementwise { constant, .. } => count(1) && constant.len() == first && own == first,
        Op::Binary(_) => count(2) && operands == [own, own],
        Op::Map(_) => count(1) && own == first,
        Op::Select => count(3) && operands == [own, own, own],
        Op::Rearrange(sources) => {
            let fits = |source: &Source| match source {
                Source::Element { operand, index } => operands
                    .get(*operand as usize)
                    .is_some_and(|len| (*index as usize) < *len),
                Source::Constant(value) => value.is_finite(),
            };
            sources.len() == own && sources.iter().all(fits)
        }
        Op::Reduce { groups, .. } => count(1) && groups.len() == own && within(groups),
        Op::Softmax { groups, .. } => {
            let mut seen = vec![false; first];
            let mut once = |i: &u32| !std::mem::replace(&mut seen[*i as usize], true);
            count(1)
                && own == first
                && within(groups)
                && groups.iter().flatten().all(&mut once)
                && seen.iter().all(|seen| *seen)
        }
        Op::ArgMax { groups, .. } => count(1) && groups.len() == own && within(groups),
        Op::TopK { groups, k, .. } => {
            let enough = groups.iter().all(|group| group.len() >= *k);
            count(1) && within(groups) && enough && groups.len().checked_mul(*k) == Some(own)
        }
        Op::Trees(trees) => {
            let after = |at: usize, child: u32| {
                let child = child as usize;
                child > at && child < trees.nodes.len()
            };
            let node = |(at, node): (usize, &TreeNode)| match node {
                TreeNode::Inner {
                    feature, yes, no, ..
                } => (*feature as usize) < trees.inputs && after(at, *yes) && after(at, *no),
                TreeNode::Leaf(weights) => weights
                    .iter()
                    .all(|(score, _)| (*score as usize) < trees.base.len()),
            };
            count(1)
                && trees.inputs > 0
                && first % trees.inputs == 0
                && own == first / trees.inputs * trees.base.len()
                && trees
                    .roots
                    .iter()
                    .all(|root| (*root as usize) < trees.nodes.len())
                && trees.nodes.iter().enumerate().all(node)
        }
        _ => true,
    }
}
