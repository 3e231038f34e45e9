//! Decision trees.

use serde::{Deserialize, Serialize};

use super::{Encoding, Interval, Program};

/// Decision trees whose questions are about ranks: `rank <= r`.
///
/// The nodes of a tree stand together, its root first and children behind their parents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forest {
    /// How many thresholds each feature has. Feature `f` is input wire `f`, a rank from 0 to
    /// this; the forest reads the first inputs of the program.
    pub features: Vec<u32>,
    /// The questions of all trees.
    pub nodes: Vec<ForestNode>,
    /// The root of each tree, increasing from 0.
    pub roots: Vec<u32>,
    /// What is added to the scores: one number per score.
    pub leaves: Vec<Vec<i64>>,
    /// What the scores start with; as many as there are scores.
    pub bias: Vec<i64>,
}

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForestNode {
    /// About which feature.
    pub feature: u32,
    /// Whether its rank is at most this; less than the feature's number of thresholds.
    pub rank: u32,
    /// Where it goes after yes.
    pub yes: Child,
    /// Where it goes after no.
    pub no: Child,
}

/// What follows a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Child {
    /// Another question of the same tree.
    Node(u32),
    /// The end.
    Leaf(u32),
}

impl Forest {
    /// The most bits of all scores together: a proof packs them into one field element.
    pub const MAX_PACKED_BITS: u32 = 240;

    /// The questions that are asked, and the leaf that is reached, for each tree.
    pub fn paths<'a>(&'a self, ranks: &'a [i64]) -> impl Iterator<Item = (Vec<u32>, u32)> + 'a {
        self.roots.iter().map(move |root| {
            let (mut path, mut at) = (vec![], *root);
            loop {
                path.push(at);
                match self.answer(at, ranks) {
                    Child::Node(next) => at = next,
                    Child::Leaf(leaf) => return (path, leaf),
                }
            }
        })
    }

    /// Where a question leads.
    fn answer(&self, at: u32, ranks: &[i64]) -> Child {
        let node = &self.nodes[at as usize];
        match ranks[node.feature as usize] <= i64::from(node.rank) {
            true => node.yes,
            false => node.no,
        }
    }

    /// The scores.
    pub fn scores(&self, ranks: &[i64]) -> Vec<i128> {
        let mut scores: Vec<i128> = self.bias.iter().map(|bias| i128::from(*bias)).collect();
        for root in &self.roots {
            let mut at = *root;
            let leaf = loop {
                match self.answer(at, ranks) {
                    Child::Node(next) => at = next,
                    Child::Leaf(leaf) => break leaf,
                }
            };
            for (score, weight) in scores.iter_mut().zip(&self.leaves[leaf as usize]) {
                *score += i128::from(*weight);
            }
        }
        scores
    }

    /// The nodes of each tree: from, and up to but without.
    pub fn trees(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let ends = self.roots.iter().skip(1).map(|root| *root as usize);
        let ends = ends.chain([self.nodes.len()]);
        self.roots
            .iter()
            .zip(ends)
            .map(|(root, end)| *root as usize..end)
    }

    /// Whether a program can have it: otherwise what is wrong.
    pub(super) fn check(&self, program: &Program) -> Result<(), String> {
        let Encoding::Ranks { ranks, .. } = &program.encoding else {
            return Err("it has trees, but its inputs are no ranks".into());
        };
        let counts = ranks.iter().map(|ranks| ranks.thresholds.len());
        let features = self.features.iter().map(|count| *count as usize);
        let fits = self.features.len() <= ranks.len() && self.features.len() <= program.inputs;
        if !fits || !features.eq(counts.take(self.features.len())) {
            return Err("its trees do not ask about the ranks of the inputs".into());
        }
        // More than any table has room for.
        const LIMIT: usize = 1 << 21;
        if self.nodes.len() > LIMIT {
            return Err(format!("its trees have more than {LIMIT} questions"));
        }
        let is_rooted = self.roots.first() == Some(&0)
            && self.roots.windows(2).all(|pair| pair[0] < pair[1])
            && self
                .roots
                .last()
                .is_some_and(|root| (*root as usize) < self.nodes.len());
        if !is_rooted {
            return Err("its trees have no or several roots".into());
        }
        if self.leaves.iter().any(|leaf| leaf.len() != self.bias.len()) || self.bias.is_empty() {
            return Err("its leaves have too many or too few scores".into());
        }
        for tree in self.trees() {
            for at in tree.clone() {
                let node = &self.nodes[at];
                let count = self.features.get(node.feature as usize);
                if count.is_none_or(|count| node.rank >= *count) {
                    return Err(
                        "a question is about a feature or threshold that is not there".into(),
                    );
                }
                for child in [node.yes, node.no] {
                    let is_there = match child {
                        Child::Node(next) => at < next as usize && tree.contains(&(next as usize)),
                        Child::Leaf(leaf) => (leaf as usize) < self.leaves.len(),
                    };
                    if !is_there {
                        return Err("a question leads to a node that is not behind it".into());
                    }
                }
            }
        }
        let packed = self.bias.len() as u64 * u64::from(program.limbs.total_bits());
        if packed > u64::from(Self::MAX_PACKED_BITS) {
            return Err(format!(
                "its {} scores take {packed} bits, of {} that a proof packs",
                self.bias.len(),
                Self::MAX_PACKED_BITS
            ));
        }
        Ok(())
    }

    /// The interval of each score; the forest has been [checked](Self::check).
    pub(super) fn bounds(&self) -> Vec<Interval> {
        let start = self
            .bias
            .iter()
            .map(|bias| (i128::from(*bias), i128::from(*bias)));
        let mut bounds: Vec<Interval> = start.collect();
        for tree in self.trees() {
            let children = self.nodes[tree].iter().flat_map(|node| [node.yes, node.no]);
            let leaves: Vec<&Vec<i64>> = children
                .filter_map(|child| match child {
                    Child::Leaf(leaf) => Some(&self.leaves[leaf as usize]),
                    Child::Node(_) => None,
                })
                .collect();
            for (score, bound) in bounds.iter_mut().enumerate() {
                let weights = || leaves.iter().map(|leaf| i128::from(leaf[score]));
                bound.0 += weights().min().unwrap_or(0);
                bound.1 += weights().max().unwrap_or(0);
            }
        }
        bounds
    }
}
