//! Reading ensembles from lists of numbers: which nodes there are, and who follows whom.

use std::collections::{HashMap, HashSet};
use std::mem::take;

use tract_onnx::pb;

use super::super::super::{Builder, NodeRef};
use super::super::floats;
use crate::GraphError;
use crate::import::constants::decode;
use crate::import::tensor::DataType;
use crate::op::{Branch, TreeNode};

/// The nodes of all trees, children behind their parents, tree by tree.
pub(super) struct Ensemble {
    pub(super) nodes: Vec<TreeNode>,
    /// The root of each tree: its first node.
    pub(super) roots: Vec<u32>,
    /// Whether no weight is negative.
    pub(super) all_positive: bool,
}

/// What a leaf adds to which score.
type Weights = Vec<(u32, f32)>;

/// A node of the file; children are positions among all of them.
enum Item {
    Inner {
        feature: u32,
        threshold: f32,
        branch: Branch,
        yes: usize,
        no: usize,
    },
    Leaf(Weights),
}

impl Ensemble {
    /// Trees as `TreeEnsembleClassifier` and `TreeEnsembleRegressor` list them: nodes by number of
    /// tree and node, weights in a list of their own, whose names begin with `prefix`.
    pub(super) fn of_lists(
        node: &NodeRef<'_>,
        builder: &mut Builder,
        prefix: &str,
        features: usize,
        scores: usize,
    ) -> Result<Self, GraphError> {
        let trees = node.ints("nodes_treeids")?.unwrap_or_default();
        let count = trees.len();
        if count == 0 {
            return Err(node.unsupported("it has no nodes"));
        }
        let ids = list(node, "nodes_nodeids", count)?;
        let feature_ids = list(node, "nodes_featureids", count)?;
        let yes = list(node, "nodes_truenodeids", count)?;
        let no = list(node, "nodes_falsenodeids", count)?;
        let modes = node.strings("nodes_modes")?.unwrap_or_default();
        let values = reals(node, "nodes_values", "nodes_values_as_tensor")?;
        check_len(node, "nodes_modes", modes.len(), count)?;
        check_len(node, "nodes_values", values.len(), count)?;
        builder.charge(node, 32 * count)?;

        let mut places = HashMap::with_capacity(count);
        for (place, key) in trees.iter().zip(ids).enumerate() {
            if places.insert(key, place).is_some() {
                let reason = format!("node {} of tree {} is there twice", key.1, key.0);
                return Err(node.unsupported(reason));
            }
        }
        let find = |tree: &i64, id: &i64| {
            let found = places.get(&(tree, id)).copied();
            found.ok_or_else(|| {
                node.unsupported(format!(
                    "it refers to node {id} of tree {tree}, which is not there"
                ))
            })
        };
        let (mut weights, all_positive) = leaf_weights(node, builder, prefix, scores, count, find)?;
        let mut items = Vec::with_capacity(count);
        for at in 0..count {
            let Some(branch) = branch(node, &modes[at])? else {
                items.push(Item::Leaf(take(&mut weights[at])));
                continue;
            };
            let (threshold, branch) = threshold(node, values[at], branch)?;
            items.push(Item::Inner {
                feature: feature(node, feature_ids[at], features)?,
                threshold,
                branch,
                yes: find(&trees[at], &yes[at])?,
                no: find(&trees[at], &no[at])?,
            });
        }
        // A tree's nodes stand together, the root first.
        let mut seen = HashSet::new();
        let mut roots = Vec::new();
        for (at, tree) in trees.iter().enumerate() {
            if at > 0 && trees[at - 1] == *tree {
                continue;
            }
            if !seen.insert(tree) {
                let reason = format!("the nodes of tree {tree} do not stand together");
                return Err(node.unsupported(reason));
            }
            roots.push(at);
        }
        grow(node, items, &roots, all_positive)
    }

    /// Trees as `TreeEnsemble` lists them: nodes and leaves by position, one weight per leaf.
    pub(super) fn of_tensors(
        node: &NodeRef<'_>,
        builder: &mut Builder,
        features: usize,
        scores: usize,
    ) -> Result<Self, GraphError> {
        let feature_ids = node.ints("nodes_featureids")?.unwrap_or_default();
        let count = feature_ids.len();
        let yes = list(node, "nodes_truenodeids", count)?;
        let no = list(node, "nodes_falsenodeids", count)?;
        let yes_is_leaf = list(node, "nodes_trueleafs", count)?;
        let no_is_leaf = list(node, "nodes_falseleafs", count)?;
        let modes = reals(node, "", "nodes_modes")?;
        let splits = reals(node, "", "nodes_splits")?;
        check_len(node, "nodes_modes", modes.len(), count)?;
        check_len(node, "nodes_splits", splits.len(), count)?;
        let targets = node.ints("leaf_targetids")?.unwrap_or_default();
        let weights = reals(node, "", "leaf_weights")?;
        check_len(node, "leaf_weights", weights.len(), targets.len())?;
        let roots = node.ints("tree_roots")?.unwrap_or_default();
        builder.charge(node, 64 * count + 8 * targets.len() + 4 * roots.len())?;

        let position = |of: i64, len: usize| {
            let at = usize::try_from(of).ok().filter(|at| *at < len);
            at.ok_or_else(|| node.unsupported(format!("it refers to node or leaf {of} of {len}")))
        };
        let mut leaves = Vec::new();
        let mut child = |to: i64, is_leaf: i64| {
            if is_leaf == 0 {
                return position(to, count);
            }
            let at = position(to, targets.len())?;
            let target = position(targets[at], scores)? as u32;
            leaves.push(Item::Leaf(vec![(target, weights[at] as f32)]));
            Ok(count + leaves.len() - 1)
        };
        let mut items = Vec::with_capacity(3 * count);
        for at in 0..count {
            let branch = match modes[at] as i64 {
                0 => Branch::LessOrEqual,
                1 => Branch::Less,
                2 => Branch::GreaterOrEqual,
                3 => Branch::Greater,
                4 => Branch::Equal,
                5 => Branch::NotEqual,
                6 => return Err(member(node)),
                other => return Err(node.unsupported(format!("a node has the mode {other}"))),
            };
            let (threshold, branch) = threshold(node, splits[at], branch)?;
            items.push(Item::Inner {
                feature: feature(node, feature_ids[at], features)?,
                threshold,
                branch,
                yes: child(yes[at], yes_is_leaf[at])?,
                no: child(no[at], no_is_leaf[at])?,
            });
        }
        items.extend(leaves);
        let roots = roots.iter().map(|root| position(*root, count));
        let roots: Vec<usize> = roots.collect::<Result<_, _>>()?;
        grow(node, items, &roots, false)
    }

    /// Whether no leaf has a weight for a score.
    pub(super) fn never_weighs(&self, score: u32) -> bool {
        !self
            .nodes
            .iter()
            .any(|node| weighs(node, score) == Some(true))
    }

    /// Whether every leaf of some tree has a weight for a score, so that every row gets one.
    pub(super) fn always_weighs(&self, score: u32) -> bool {
        let ends = self.roots.iter().skip(1).map(|root| *root as usize);
        let ends = ends.chain([self.nodes.len()]);
        let mut trees = self.roots.iter().zip(ends);
        trees.any(|(root, end)| {
            let tree = &self.nodes[*root as usize..end];
            tree.iter().all(|node| weighs(node, score) != Some(false))
        })
    }
}

/// Whether a leaf has a weight for a score; `None` if it is no leaf.
fn weighs(node: &TreeNode, score: u32) -> Option<bool> {
    match node {
        TreeNode::Leaf(weights) => Some(weights.iter().any(|(of, _)| *of == score)),
        TreeNode::Inner { .. } => None,
    }
}

/// The nodes that the roots reach, each with one parent, renumbered level by level.
fn grow(
    node: &NodeRef<'_>,
    mut items: Vec<Item>,
    roots: &[usize],
    all_positive: bool,
) -> Result<Ensemble, GraphError> {
    let mut met = vec![false; items.len()];
    let mut meet = |at: usize| match std::mem::replace(&mut met[at], true) {
        false => Ok(at),
        true => Err(node.unsupported("its nodes are no trees: one of them has two parents")),
    };
    let mut nodes: Vec<TreeNode> = Vec::with_capacity(items.len());
    let mut numbers = Vec::with_capacity(roots.len());
    for &root in roots {
        let start = nodes.len();
        numbers.push(start as u32);
        let mut order = vec![meet(root)?];
        while let Some(&at) = order.get(nodes.len() - start) {
            let grown = match &mut items[at] {
                Item::Leaf(weights) => TreeNode::Leaf(take(weights)),
                &mut Item::Inner {
                    feature,
                    threshold,
                    branch,
                    yes,
                    no,
                } => {
                    let next = (start + order.len()) as u32;
                    order.push(meet(yes)?);
                    order.push(meet(no)?);
                    TreeNode::Inner {
                        feature,
                        threshold,
                        branch,
                        yes: next,
                        no: next + 1,
                    }
                }
            };
            nodes.push(grown);
        }
    }
    if numbers.is_empty() {
        return Err(node.unsupported("it has no trees"));
    }
    Ok(Ensemble {
        nodes,
        roots: numbers,
        all_positive,
    })
}

/// The weights of each node, and whether none is negative.
fn leaf_weights(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    prefix: &str,
    scores: usize,
    count: usize,
    find: impl Fn(&i64, &i64) -> Result<usize, GraphError>,
) -> Result<(Vec<Weights>, bool), GraphError> {
    let [ids, nodes, trees, values, tensor] =
        ["ids", "nodeids", "treeids", "weights", "weights_as_tensor"]
            .map(|name| format!("{prefix}_{name}"));
    let scored = node.ints(&ids)?.unwrap_or_default();
    let nodes = list(node, &nodes, scored.len())?;
    let trees = list(node, &trees, scored.len())?;
    let numbers = reals(node, &values, &tensor)?;
    check_len(node, &values, numbers.len(), scored.len())?;
    builder.charge(node, 4 * scored.len())?;
    let mut weights: Vec<Weights> = vec![Weights::new(); count];
    for (at, score) in scored.iter().enumerate() {
        let place = find(&trees[at], &nodes[at])?;
        let score = usize::try_from(*score).ok().filter(|score| *score < scores);
        let Some(score) = score else {
            let reason = format!("{ids} holds {}, expected less than {scores}", scored[at]);
            return Err(node.unsupported(reason));
        };
        if weights[place].iter().any(|(of, _)| *of as usize == score) {
            let reason = format!("it gives a leaf several weights for {score} of {ids}");
            return Err(node.unsupported(reason));
        }
        weights[place].push((score as u32, numbers[at] as f32));
    }
    Ok((weights, numbers.iter().all(|weight| *weight >= 0.0)))
}

/// The base values of an ensemble.
pub(super) fn base(node: &NodeRef<'_>) -> Result<Vec<f32>, GraphError> {
    if !node.has("base_values_as_tensor") {
        return Ok(floats(node, "base_values")?.to_vec());
    }
    let values = reals(node, "base_values", "base_values_as_tensor")?;
    let values: Vec<f32> = values.into_iter().map(|x| x as f32).collect();
    match values.iter().all(|x| x.is_finite()) {
        true => Ok(values),
        false => Err(node.unsupported("one of its base values is not finite")),
    }
}

/// The attribute `name` of `count` integers.
fn list<'a>(node: &NodeRef<'a>, name: &str, count: usize) -> Result<&'a [i64], GraphError> {
    let found = node.ints(name)?.unwrap_or_default();
    check_len(node, name, found.len(), count).map(|()| found)
}

fn check_len(
    node: &NodeRef<'_>,
    name: &str,
    found: usize,
    expected: usize,
) -> Result<(), GraphError> {
    match found == expected {
        true => Ok(()),
        false => Err(node.unsupported(format!("{name} has {found} elements, expected {expected}"))),
    }
}

/// Numbers from an attribute of floats or from one of a tensor; those of float64 whole.
fn reals(node: &NodeRef<'_>, name: &str, tensor: &str) -> Result<Vec<f64>, GraphError> {
    let found = node.floats(name)?.unwrap_or_default();
    if !found.is_empty() {
        return Ok(found.iter().map(|x| f64::from(*x)).collect());
    }
    let Some(stored) = node.tensor(tensor)? else {
        return Ok(Vec::new());
    };
    let decoded = decode(stored)?;
    let Some(numbers) = decoded.numbers() else {
        return Err(node.unsupported(format!("{tensor} does not hold numbers")));
    };
    if decoded.element == DataType::Double {
        return Ok(doubles(stored));
    }
    Ok(numbers.iter().map(|x| f64::from(*x)).collect())
}

/// The elements of a tensor of float64 that can be decoded.
fn doubles(tensor: &pb::TensorProto) -> Vec<f64> {
    match tensor.raw_data.is_empty() {
        true => tensor.double_data.clone(),
        false => {
            let (words, _) = tensor.raw_data.as_chunks::<8>();
            words.iter().map(|word| f64::from_le_bytes(*word)).collect()
        }
    }
}

fn feature(node: &NodeRef<'_>, id: i64, features: usize) -> Result<u32, GraphError> {
    let fits = u32::try_from(id)
        .ok()
        .filter(|id| (*id as usize) < features);
    fits.ok_or_else(|| {
        node.unsupported(format!(
            "a node asks for feature {id}, of {features} features"
        ))
    })
}

/// What a node asks; `None` for a leaf.
fn branch(node: &NodeRef<'_>, mode: &str) -> Result<Option<Branch>, GraphError> {
    Ok(Some(match mode {
        "LEAF" => return Ok(None),
        "BRANCH_LEQ" => Branch::LessOrEqual,
        "BRANCH_LT" => Branch::Less,
        "BRANCH_GTE" => Branch::GreaterOrEqual,
        "BRANCH_GT" => Branch::Greater,
        "BRANCH_EQ" => Branch::Equal,
        "BRANCH_NEQ" => Branch::NotEqual,
        "BRANCH_MEMBER" => return Err(member(node)),
        other => return Err(node.unsupported(format!("a node has the mode {other:?}"))),
    }))
}

fn member(node: &NodeRef<'_>) -> GraphError {
    node.unsupported(
        "a node asks for membership in a set (BRANCH_MEMBER): write it as BRANCH_EQ nodes",
    )
}

/// The same question about float32 numbers, with a finite float32 threshold.
fn threshold(
    node: &NodeRef<'_>,
    threshold: f64,
    branch: Branch,
) -> Result<(f32, Branch), GraphError> {
    const ALWAYS: (f32, Branch) = (f32::MIN, Branch::GreaterOrEqual);
    const NEVER: (f32, Branch) = (f32::MIN, Branch::Less);
    if threshold.is_nan() {
        return Err(node.unsupported("one of its thresholds is NaN"));
    }
    let nearest = threshold as f32;
    if nearest.is_finite() && f64::from(nearest) == threshold {
        return Ok((nearest, branch));
    }
    // The greatest float32 below it.
    let below = match f64::from(nearest) > threshold {
        true => nearest.next_down(),
        false => nearest.min(f32::MAX),
    };
    Ok(match branch {
        Branch::LessOrEqual | Branch::Less if below < f32::MIN => NEVER,
        Branch::GreaterOrEqual | Branch::Greater if below < f32::MIN => ALWAYS,
        Branch::LessOrEqual | Branch::Less => (below, Branch::LessOrEqual),
        Branch::GreaterOrEqual | Branch::Greater => (below, Branch::Greater),
        Branch::Equal => NEVER,
        Branch::NotEqual => ALWAYS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(stored: f64, branch: Branch, x: f32) -> bool {
        let proto = pb::NodeProto::default();
        let node = NodeRef::all(std::slice::from_ref(&proto)).remove(0);
        let (threshold, branch) = threshold(&node, stored, branch).unwrap();
        assert!(threshold.is_finite());
        branch.holds(x, threshold)
    }

    /// A threshold of float64 keeps its answers on float32 numbers.
    #[test]
    fn thresholds_of_doubles_ask_the_same() {
        use Branch::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};

        let middle = f64::from(0.1f32);
        let up = f64::from(0.1f32.next_up());
        let stored = [
            middle,
            (middle + up) / 2.0,
            middle + (up - middle) * 0.9,
            middle - (up - middle) * 0.1,
            0.0,
            1e300,
            -1e300,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::from(f32::MAX),
            f64::from(f32::MIN),
        ];
        let numbers = [
            0.1f32,
            0.1f32.next_up(),
            0.1f32.next_down(),
            0.0,
            f32::MAX,
            f32::MIN,
            -1.0,
        ];
        for t in stored {
            for x in numbers {
                let wide = f64::from(x);
                let expected = [
                    (LessOrEqual, wide <= t),
                    (Less, wide < t),
                    (GreaterOrEqual, wide >= t),
                    (Greater, wide > t),
                    (Equal, wide == t),
                    (NotEqual, wide != t),
                ];
                for (branch, expected) in expected {
                    assert_eq!(asked(t, branch, x), expected, "{x} {branch:?} {t}");
                }
            }
        }
    }
}
