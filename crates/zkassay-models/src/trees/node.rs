//! Trees as lists of nodes.

use ndarray::ArrayView1;
use serde::{Deserialize, Serialize};

/// A node of a [`Tree`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Node {
    /// A question about one feature.
    Branch {
        /// The feature.
        feature: u32,
        /// What it is compared with.
        threshold: f32,
        /// The node to go to if the feature is at most the threshold.
        left: u32,
        /// The node to go to otherwise.
        right: u32,
    },
    /// The end of the way.
    Leaf {
        /// What the tree adds to its columns.
        values: Vec<f32>,
    },
}

/// A decision tree that adds its values to some columns of an ensemble's sums.
///
/// Node 0 is the root, and every child comes after its parent. That holds once
/// the tree is part of a [`TreeEnsemble`](super::TreeEnsemble).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// Where the first value of a leaf is added; the others go to the columns
    /// after it.
    pub column: u32,
    /// The nodes.
    pub nodes: Vec<Node>,
}

impl Tree {
    /// Where a leaf's first value is added.
    pub(super) fn first_column(&self) -> usize {
        self.column as usize
    }

    /// The values of every leaf.
    pub(super) fn leaves(&self) -> impl Iterator<Item = &[f32]> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Leaf { values } => Some(values.as_slice()),
            Node::Branch { .. } => None,
        })
    }

    /// The values of the leaf that a row comes to.
    pub(super) fn leaf_of(&self, row: ArrayView1<'_, f32>) -> &[f32] {
        let mut at = 0;
        loop {
            match &self.nodes[at as usize] {
                Node::Leaf { values } => return values,
                Node::Branch {
                    feature,
                    threshold,
                    left,
                    right,
                } => {
                    let goes_left = row[*feature as usize] <= *threshold;
                    at = if goes_left { *left } else { *right };
                }
            }
        }
    }

    /// Branches on the longest way from the root to a leaf.
    pub(super) fn depth(&self) -> usize {
        let mut depths = vec![0; self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            if let Node::Branch { left, right, .. } = node {
                depths[*left as usize] = depths[at] + 1;
                depths[*right as usize] = depths[at] + 1;
            }
        }
        depths.into_iter().max().unwrap_or(0)
    }
}
