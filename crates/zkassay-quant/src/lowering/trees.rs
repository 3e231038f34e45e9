//! Ensembles of decision trees over what is computed, small ones: every node is evaluated. Those over
//! the model's input are proved by their [paths](super::forest).
//!
//! Each question is a truth value `b`, exactly on integers. With `p` the truth value of the way to a
//! node, the way to its first child is `relu(p + b - 1)`, and that to the second is `p` less this. The
//! scores are then one sum over the leaves. This takes some three wires for each inner node.

use std::collections::HashMap;

use zkassay_fixed::Scale;
use zkassay_graph::{Aggregate, Branch, Node, TreeNode, Trees};

use super::form::{Element, Form, Value};
use super::names::Names;
use super::state::Lowering;
use super::unsupported;
use crate::QuantError;
use crate::program::{Finish, Sum, Wire};

/// The most inner nodes, of all trees and runs.
const MOST: usize = 1 << 14;
/// The most numbers at leaves.
const MOST_LEAVES: usize = 1 << 20;

/// A question, the same for the same answers: feature, kind, threshold as an integer.
type Question = (Wire, Kind, i64);

/// Kinds of questions; the others are their negations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// `x <= t`.
    UpTo,
    /// `x = t`.
    Equal,
}

impl Lowering<'_> {
    pub(super) fn trees(
        &mut self,
        node: &Node,
        trees: &Trees,
        x: &Value,
    ) -> Result<Value, QuantError> {
        let runs = x.elements.len() / trees.inputs;
        let inner = trees
            .nodes
            .iter()
            .filter(|n| matches!(n, TreeNode::Inner { .. }))
            .count();
        let leaves = trees.parameters().saturating_mul(runs);
        if inner.saturating_mul(runs) > MOST || leaves > MOST_LEAVES {
            let reason = format!(
                "trees of {inner} questions, each of which takes three rows of the proof; {MOST} are possible"
            );
            return Err(unsupported(node, reason));
        }
        let features = self.wires(x, &node.name)?;
        let mut elements = Vec::new();
        for features in features.chunks(trees.inputs) {
            elements.extend(self.scores(node, trees, features)?);
        }
        Ok(Value {
            elements,
            nodes: Names::of(&node.name),
        })
    }

    /// The scores of one row of features.
    fn scores(
        &mut self,
        node: &Node,
        trees: &Trees,
        features: &[Wire],
    ) -> Result<Vec<Element>, QuantError> {
        let answers = self.answers(node, trees, features)?;
        let ways = self.ways(node, trees, &answers)?;
        // The leaves of each tree; nodes that belong to several are in one of them only.
        let mut tree_of: Vec<Option<usize>> = vec![None; trees.nodes.len()];
        for (tree, root) in trees.roots.iter().enumerate() {
            let shared = tree_of[*root as usize].replace(tree).is_some();
            if shared {
                return Err(unsupported(node, "two of its trees have the same root"));
            }
        }
        for at in 0..trees.nodes.len() {
            if let (Some(tree), TreeNode::Inner { yes, no, .. }) = (tree_of[at], &trees.nodes[at]) {
                for child in [yes, no] {
                    let own = tree_of[*child as usize].get_or_insert(tree);
                    if *own != tree {
                        return Err(unsupported(node, "two of its trees share a node"));
                    }
                }
            }
        }
        let mut sums: Vec<Vec<Vec<(&Form, f64)>>> =
            vec![vec![Vec::new(); trees.base.len()]; trees.roots.len()];
        for (at, leaf) in trees.nodes.iter().enumerate() {
            if let (TreeNode::Leaf(weights), Some(tree)) = (leaf, tree_of[at]) {
                for (score, weight) in weights {
                    sums[tree][*score as usize].push((&ways[at], f64::from(*weight)));
                }
            }
        }
        let is_extreme = matches!(trees.aggregate, Aggregate::Min | Aggregate::Max);
        let mut scores = Vec::with_capacity(trees.base.len());
        for (score, base) in trees.base.iter().enumerate() {
            let parts = || {
                sums.iter()
                    .map(|tree| &tree[score])
                    .filter(|terms| !terms.is_empty())
            };
            let count = trees.roots.len().max(1) as f64;
            let total = match trees.aggregate {
                _ if parts().next().is_none() => Form::default(),
                Aggregate::Sum => Form::sum(parts().flatten().copied()),
                Aggregate::Average => Form::sum(parts().flatten().copied()).scaled(1.0 / count),
                Aggregate::Min | Aggregate::Max => {
                    let sign = if trees.aggregate == Aggregate::Max {
                        1.0
                    } else {
                        -1.0
                    };
                    let forms = parts().map(|terms| Form::sum(terms.iter().copied()).scaled(sign));
                    let forms = self.settle(&Value::settled(forms), &node.name)?;
                    let greatest = self.greatest(node, vec![forms])?;
                    greatest
                        .first()
                        .map(|form| form.scaled(sign))
                        .unwrap_or_default()
                }
            };
            scores.push(Element::Form(total.shifted(f64::from(*base))));
        }
        if is_extreme && !every_leaf_scores(trees, &tree_of) {
            return Err(unsupported(
                node,
                "some of its leaves have no weight for some scores",
            ));
        }
        Ok(scores)
    }

    /// The truth value of each node's question; constants for leaves.
    fn answers(
        &mut self,
        node: &Node,
        trees: &Trees,
        features: &[Wire],
    ) -> Result<Vec<Form>, QuantError> {
        let mut questions: Vec<Option<(Question, bool)>> = Vec::with_capacity(trees.nodes.len());
        let mut index: HashMap<Question, usize> = HashMap::new();
        let (mut below, mut equal): (Vec<Question>, Vec<Question>) = (Vec::new(), Vec::new());
        for tree_node in &trees.nodes {
            let TreeNode::Inner {
                feature,
                threshold,
                branch,
                ..
            } = tree_node
            else {
                questions.push(None);
                continue;
            };
            let (question, negated) =
                self.question(features[*feature as usize], *threshold, *branch);
            questions.push(Some((question, negated)));
            let list = if question.1 == Kind::UpTo {
                &mut below
            } else {
                &mut equal
            };
            index.entry(question).or_insert_with(|| {
                list.push(question);
                list.len() - 1
            });
        }
        // x <= t: t + 1 - x is positive.
        let real = |this: &Self, (wire, _, threshold): &Question, more: i64| {
            let unit = Scale(-this.scales[*wire]).factor();
            Form::of(*wire)
                .scaled(-1.0)
                .shifted((threshold + more) as f64 * unit)
        };
        let tests = below
            .iter()
            .map(|question| real(self, question, 1))
            .collect();
        let below = self.is_positive(&node.name, tests)?;
        let tests = equal
            .iter()
            .map(|question| real(self, question, 0))
            .collect();
        let equal = self.is_zero(&node.name, tests)?;
        let answer = |question: &Option<(Question, bool)>| match question {
            None => Form::default(),
            Some((question, negated)) => {
                let found = if question.1 == Kind::UpTo {
                    &below
                } else {
                    &equal
                };
                let form = &found[index[question]];
                match negated {
                    true => form.scaled(-1.0).shifted(1.0),
                    false => form.clone(),
                }
            }
        };
        Ok(questions.iter().map(answer).collect())
    }

    /// A question on integers, and whether it is negated.
    fn question(&self, wire: Wire, threshold: f32, branch: Branch) -> (Question, bool) {
        let (low, high) = self.bounds[wire];
        let scaled = f64::from(threshold) * Scale(self.scales[wire]).factor();
        // Beyond the interval all thresholds are the same; what is not a number is neither reached
        // nor exceeded.
        let is_above = matches!(branch, Branch::Greater | Branch::GreaterOrEqual);
        let clamp = |x: f64| match x.is_nan() {
            true if is_above => high as i64 + 1,
            true => low as i64 - 1,
            false => x.clamp(low as f64 - 1.0, high as f64 + 1.0) as i64,
        };
        let floor = clamp(libm::floor(scaled));
        match branch {
            Branch::LessOrEqual => ((wire, Kind::UpTo, floor), false),
            Branch::Greater => ((wire, Kind::UpTo, floor), true),
            Branch::Less => ((wire, Kind::UpTo, clamp(libm::ceil(scaled) - 1.0)), false),
            Branch::GreaterOrEqual => ((wire, Kind::UpTo, clamp(libm::ceil(scaled) - 1.0)), true),
            Branch::Equal | Branch::NotEqual => {
                let integer = match scaled.fract() == 0.0 {
                    true => floor,
                    false => low as i64 - 1,
                };
                ((wire, Kind::Equal, integer), branch == Branch::NotEqual)
            }
        }
    }

    /// Whether the way leads to each node. Children stand behind their parents, so that one level
    /// after the other is computed.
    fn ways(
        &mut self,
        node: &Node,
        trees: &Trees,
        answers: &[Form],
    ) -> Result<Vec<Form>, QuantError> {
        let mut ways = vec![Form::default(); trees.nodes.len()];
        let mut parents = vec![0u32; trees.nodes.len()];
        for tree_node in &trees.nodes {
            if let TreeNode::Inner { yes, no, .. } = tree_node {
                parents[*yes as usize] += 1;
                parents[*no as usize] += 1;
            }
        }
        let is_root = |at: usize| trees.roots.contains(&(at as u32));
        if parents
            .iter()
            .enumerate()
            .any(|(at, count)| *count > u32::from(!is_root(at)))
        {
            return Err(unsupported(node, "a node of its trees has several parents"));
        }
        let mut level: Vec<usize> = trees.roots.iter().map(|root| *root as usize).collect();
        for root in &level {
            ways[*root] = Form::constant(1.0);
        }
        while !level.is_empty() {
            let mut sums = Vec::new();
            let mut asked = Vec::new();
            for at in &level {
                if let TreeNode::Inner { yes, no, .. } = &trees.nodes[*at] {
                    asked.push((*at, *yes as usize, *no as usize));
                    if !ways[*at].terms.is_empty() {
                        let both = ways[*at].plus(&answers[*at]).shifted(-1.0);
                        sums.push(self.integers(&node.name, &both, 0)?);
                    }
                }
            }
            let wires = self.up_to_one(&node.name, sums)?;
            let mut wires = wires.into_iter();
            level.clear();
            for (at, yes, no) in asked {
                let way = match ways[at].terms.is_empty() {
                    true => answers[at].clone(),
                    false => wires.next().map(Form::of).unwrap_or_default(),
                };
                ways[no] = ways[at].minus(&way);
                ways[yes] = way;
                level.extend([yes, no]);
            }
            self.shorten(node, &level, &mut ways)?;
        }
        Ok(ways)
    }

    /// Ways with many terms become wires, so that sums stay short.
    fn shorten(
        &mut self,
        node: &Node,
        level: &[usize],
        ways: &mut [Form],
    ) -> Result<(), QuantError> {
        const LONG: usize = 4;
        let long: Vec<usize> = level
            .iter()
            .copied()
            .filter(|at| ways[*at].terms.len() > LONG)
            .collect();
        let sums: Vec<Sum> = long
            .iter()
            .map(|at| self.integers(&node.name, &ways[*at], 0))
            .collect::<Result<_, _>>()?;
        let wires = self.sums(&node.name, sums, Finish::Exact, (0, Some(1)))?;
        for (at, wire) in long.into_iter().zip(wires) {
            ways[at] = Form::of(wire);
        }
        Ok(())
    }
}

/// Whether every leaf of a tree has a weight for each score that one of its leaves has.
fn every_leaf_scores(trees: &Trees, tree_of: &[Option<usize>]) -> bool {
    let mut scores: HashMap<usize, Vec<u32>> = HashMap::new();
    trees
        .nodes
        .iter()
        .zip(tree_of)
        .all(|(node, tree)| match (node, tree) {
            (TreeNode::Leaf(weights), Some(tree)) => {
                let mut own: Vec<u32> = weights.iter().map(|(score, _)| *score).collect();
                own.sort_unstable();
                own.dedup();
                *scores.entry(*tree).or_insert_with(|| own.clone()) == own
            }
            _ => true,
        })
}
