//! Whether an operation fits its operands: what the evaluation relies on.

use crate::Op;
use crate::op::{Conv, Dense, Source, TreeNode, Trees};

/// Checks an operation on operands of lengths `lens` that writes `len` elements.
///
/// The error says what does not fit.
pub(super) fn check(op: &Op, lens: &[usize], len: usize) -> Result<(), String> {
    let count = match op {
        Op::MatMul(_) | Op::Binary(_) => 2,
        Op::Select => 3,
        Op::Rearrange(_) => lens.len(),
        _ => 1,
    };
    if lens.len() != count {
        return Err(format!("it has {} operands, expected {count}", lens.len()));
    }
    let first = lens.first().copied().unwrap_or(0);
    let expected = match op {
        Op::Dense(dense) => check_dense(dense, first)?,
        Op::Conv(conv) => check_conv(conv, first)?,
        Op::MatMul(product) => {
            let of = |a: usize, b: usize| a.checked_mul(b)?.checked_mul(product.batch);
            let [m, k, n] = [product.rows, product.inner, product.columns];
            if of(m, k) != Some(first) || of(k, n) != Some(lens[1]) || k == 0 {
                return Err(format!(
                    "its operands are no matrices [{m}, {k}] and [{k}, {n}]"
                ));
            }
            of(m, n).ok_or_else(|| "its result is too large".to_owned())?
        }
        Op::Elementwise { constant, .. } => {
            finite(constant)?;
            same(constant.len(), first)?
        }
        Op::Binary(_) => same(first, lens[1])?,
        Op::Map(_) => first,
        Op::Select => same(same(first, lens[1])?, lens[2])?,
        Op::Rearrange(sources) => check_sources(sources, lens)?,
        Op::Reduce { groups, .. } | Op::ArgMax { groups, .. } => {
            check_groups(groups, first, 1)?;
            groups.len()
        }
        Op::Softmax { groups, .. } => {
            check_groups(groups, first, 1)?;
            let mut positions: Vec<u32> = groups.iter().flatten().copied().collect();
            positions.sort_unstable();
            if !positions.iter().map(|i| *i as usize).eq(0..first) {
                return Err("its groups do not cover every element once".to_owned());
            }
            first
        }
        Op::TopK { groups, k, .. } => {
            check_groups(groups, first, *k)?;
            groups.len() * k
        }
        Op::Trees(trees) => check_trees(trees, first)?,
    };
    same(expected, len).map(|_| ())
}

/// Numbers of 32 bits in an operation, about.
pub(super) fn size(op: &Op) -> usize {
    let of = |groups: &[Vec<u32>]| groups.iter().map(|group| group.len() + 6).sum();
    match op {
        Op::Rearrange(sources) => 3 * sources.len(),
        Op::Reduce { groups, .. }
        | Op::Softmax { groups, .. }
        | Op::ArgMax { groups, .. }
        | Op::TopK { groups, .. } => of(groups),
        Op::Trees(trees) => 12 * trees.nodes.len(),
        _ => op.parameters(),
    }
}

/// Steps that evaluating takes, about.
pub(super) fn work(op: &Op, lens: &[usize], len: usize) -> usize {
    let first = lens.first().copied().unwrap_or(0);
    match op {
        Op::Dense(dense) => len.saturating_mul(dense.inputs()),
        Op::Conv(conv) => {
            let [_, height, width] = if conv.transposed {
                conv.input
            } else {
                conv.output
            };
            conv.weights
                .len()
                .saturating_mul(height.saturating_mul(width))
        }
        Op::MatMul(product) => len.saturating_mul(product.inner),
        Op::Trees(trees) => {
            let rows = first / trees.inputs.max(1);
            rows.saturating_mul(trees.nodes.len())
        }
        _ => size(op).saturating_add(first).saturating_add(len),
    }
}

fn same(found: usize, expected: usize) -> Result<usize, String> {
    match found == expected {
        true => Ok(found),
        false => Err(format!("its operands have {found} and {expected} elements")),
    }
}

fn finite<'a>(constants: impl IntoIterator<Item = &'a f32>) -> Result<(), String> {
    match constants.into_iter().find(|x| !x.is_finite()) {
        Some(x) => Err(format!(
            "one of its constants is {x}: expected finite numbers"
        )),
        None => Ok(()),
    }
}

fn check_dense(dense: &Dense, first: usize) -> Result<usize, String> {
    finite(dense.weights.iter().chain(&dense.bias))?;
    let (inputs, outputs) = (dense.inputs(), dense.outputs());
    if inputs == 0 || !first.is_multiple_of(inputs) || dense.bias.len() != outputs {
        let bias = dense.bias.len();
        return Err(format!(
            "its weights [{outputs}, {inputs}] and {bias} biases do not fit {first} elements"
        ));
    }
    (first / inputs)
        .checked_mul(outputs)
        .ok_or_else(|| "its result is too large".to_owned())
}

fn check_conv(conv: &Conv, first: usize) -> Result<usize, String> {
    finite(conv.weights.iter().chain(&conv.bias))?;
    let (out, of_group, kernel_height, kernel_width) = conv.weights.dim();
    let product = |shape: [usize; 3]| {
        let len = crate::import::shape::len(&shape);
        len.ok_or_else(|| "it is too large".to_owned())
    };
    same(product(conv.input)?, first)?;
    let groups = conv.groups;
    let fits = groups > 0
        && conv.output[0] == out
        && conv.bias.len() == out
        && out.is_multiple_of(groups)
        && of_group.checked_mul(groups) == Some(conv.input[0])
        && conv.strides.iter().chain(&conv.dilations).all(|x| *x > 0);
    // Nor may the positions that the kernel reaches overflow.
    let largest = [conv.input, conv.output]
        .concat()
        .into_iter()
        .max()
        .unwrap_or(0);
    let reach = |axis: usize, kernel: usize| {
        let far = conv.strides[axis].checked_mul(largest)?;
        far.checked_add(conv.dilations[axis].checked_mul(kernel)?)
    };
    if !fits || reach(0, kernel_height).is_none() || reach(1, kernel_width).is_none() {
        return Err("its weights do not fit its input".to_owned());
    }
    product(conv.output)
}

fn check_sources(sources: &[Source], lens: &[usize]) -> Result<usize, String> {
    for source in sources {
        match source {
            Source::Constant(x) => finite([x])?,
            Source::Element { operand, index } => {
                if lens
                    .get(*operand as usize)
                    .is_none_or(|len| *index as usize >= *len)
                {
                    return Err("it reads elements that do not exist".to_owned());
                }
            }
        }
    }
    Ok(sources.len())
}

fn check_groups(groups: &[Vec<u32>], first: usize, least: usize) -> Result<(), String> {
    if groups.iter().any(|group| group.len() < least.max(1)) {
        return Err(format!(
            "it works on groups of fewer than {} elements",
            least.max(1)
        ));
    }
    if groups.iter().flatten().any(|i| *i as usize >= first) {
        return Err("it reads elements that do not exist".to_owned());
    }
    Ok(())
}

fn check_trees(trees: &Trees, first: usize) -> Result<usize, String> {
    let (nodes, scores) = (trees.nodes.len(), trees.base.len());
    let behind = |at: usize, next: u32| (at + 1..nodes).contains(&(next as usize));
    for (at, node) in trees.nodes.iter().enumerate() {
        let fits = match node {
            TreeNode::Leaf(weights) => {
                finite(weights.iter().map(|(_, weight)| weight))?;
                weights.iter().all(|(score, _)| (*score as usize) < scores)
            }
            TreeNode::Inner {
                feature,
                threshold,
                yes,
                no,
                ..
            } => {
                finite([threshold])?;
                (*feature as usize) < trees.inputs && behind(at, *yes) && behind(at, *no)
            }
        };
        if !fits {
            return Err(format!(
                "node {at} of its trees refers to what does not exist"
            ));
        }
    }
    finite(&trees.base)?;
    let roots_exist = trees.roots.iter().all(|root| (*root as usize) < nodes);
    if !roots_exist || trees.inputs == 0 || !first.is_multiple_of(trees.inputs) {
        return Err(format!(
            "its trees over {} features do not fit",
            trees.inputs
        ));
    }
    (first / trees.inputs)
        .checked_mul(scores)
        .ok_or_else(|| "its result is too large".to_owned())
}
