//! What is done to the nodes when all are read: biases join their products, the unread go.

use ndarray::Array1;

use crate::op::Arithmetic;
use crate::{Node, Op};

/// Gives products without biases the constants that alone are added to them as their biases.
///
/// Exporters write a dense layer as `MatMul` and `Add`. The sum is rounded once instead of twice.
/// Returns the value that `output` has become.
pub(super) fn merge_biases(nodes: &mut [Node], output: usize) -> usize {
    let mut readers = vec![0usize; nodes.len() + 1];
    readers[output] += 1;
    for value in nodes.iter().flat_map(|node| &node.inputs) {
        readers[*value] += 1;
    }
    // What stands for each value after the merge.
    let mut stands: Vec<usize> = (0..=nodes.len()).collect();
    for index in 0..nodes.len() {
        let (before, rest) = nodes.split_at_mut(index);
        let Some(node) = rest.first_mut() else { break };
        for value in &mut node.inputs {
            *value = stands[*value];
        }
        let Op::Elementwise {
            arithmetic,
            constant,
        } = &node.op
        else {
            continue;
        };
        let sign = match arithmetic {
            Arithmetic::Add => 1.0,
            Arithmetic::Subtract => -1.0,
            _ => continue,
        };
        let &[value] = node.inputs.as_slice() else {
            continue;
        };
        let Some(product) = value.checked_sub(1).and_then(|i| before.get_mut(i)) else {
            continue;
        };
        if readers[value] != 1 {
            continue;
        }
        let Op::Dense(dense) = &mut product.op else {
            continue;
        };
        let (first, is_open) = (dense.outputs(), dense.bias.iter().all(|b| *b == 0.0));
        let constants: Vec<f32> = constant.to_vec();
        let repeats = constants
            .chunks(first.max(1))
            .all(|run| *run == constants[..run.len()]);
        if !is_open || !repeats || constants.len() < first {
            continue;
        }
        dense.bias = Array1::from_iter(constants[..first].iter().map(|c| sign * c));
        product.shape = node.shape.clone();
        // Now the sum's readers read the product.
        readers[value] = readers[index + 1];
        stands[index + 1] = value;
    }
    stands[output]
}

/// Drops the nodes that `output` does not need. Returns the value that it has become.
pub(super) fn drop_unread(nodes: &mut Vec<Node>, output: usize) -> usize {
    let mut is_read = vec![false; nodes.len() + 1];
    is_read[output] = true;
    for (index, node) in nodes.iter().enumerate().rev() {
        if is_read[index + 1] {
            node.inputs.iter().for_each(|value| is_read[*value] = true);
        }
    }
    let mut place = vec![0];
    for read in &is_read[1..] {
        let next = place.iter().copied().max().unwrap_or(0) + usize::from(*read);
        place.push(next);
    }
    let mut index = 0;
    nodes.retain(|_| {
        index += 1;
        is_read[index]
    });
    for value in nodes.iter_mut().flat_map(|node| &mut node.inputs) {
        *value = place[*value];
    }
    place[output]
}
