//! Trees whose values add up to scores.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::exact;
use super::export;
use super::node::{Node, Tree};
use crate::classifier::check_rows;
use crate::valid::require;
use crate::{Classifier, Export, ModelError, Predictions, ScoreKind};

/// What the sums of the leaves are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// The scores themselves: shares of votes, from 0 to 1.
    Identity,
    /// Logits, whose softmax is the scores.
    Softmax,
}

/// A decision tree, a random forest or boosted trees: the leaves that a row
/// comes to, one per tree, are added up in one column per class.
///
/// There are two columns for two classes, and the first of the highest scores
/// wins as always, so that a tie is class 0. Two classes boosted have one
/// logit, in column 1; column 0 stays 0, and the softmax of both is the sigmoid
/// of that logit.
///
/// Leaf values are rounded such that all sums are exact in float32, in any
/// order: whoever evaluates the trees gets the same sums bit for bit, and the
/// same class on a tie. All are multiples of a power of two. For shares of
/// votes it is `2^-24`, and a vote is `1 / trees` rounded down to such a
/// multiple. For logits it is `2^-20`, or what is needed for the sum of the
/// trees' largest values to be at most `2^24` multiples.
///
/// Deserialising checks all of this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct TreeEnsemble {
    inputs: usize,
    classes: usize,
    link: Link,
    trees: Vec<Tree>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    inputs: usize,
    classes: usize,
    link: Link,
    trees: Vec<Tree>,
}

impl TryFrom<Unchecked> for TreeEnsemble {
    type Error = ModelError;

    fn try_from(unchecked: Unchecked) -> Result<Self, ModelError> {
        let Unchecked {
            inputs,
            classes,
            link,
            trees,
        } = unchecked;
        Self::new(inputs, classes, link, trees)
    }
}

impl TreeEnsemble {
    /// Trees over rows of `inputs` features that tell `classes` classes apart.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] if there are no inputs or 2^32 of them, fewer
    /// than 2 or more than 256 classes, no trees, or more than one vote in all;
    /// [`ModelError::Onnx`] if nodes are not a tree over these features and
    /// classes, or a number is not finite; [`ModelError::Leaf`] if a value is
    /// not rounded as described above.
    pub fn new(
        inputs: usize,
        classes: usize,
        link: Link,
        trees: Vec<Tree>,
    ) -> Result<Self, ModelError> {
        let holds = inputs > 0 && u32::try_from(inputs).is_ok();
        require(holds, "inputs", inputs, "a number from 1 to 2^32 - 1")?;
        let range = "a number from 2 to 256";
        require((2..=256).contains(&classes), "classes", classes, range)?;
        require(!trees.is_empty(), "trees", 0, "at least 1")?;
        let ensemble = Self {
            inputs,
            classes,
            link,
            trees,
        };
        for (index, tree) in ensemble.trees.iter().enumerate() {
            export::weighted(tree, None).check(index, inputs, classes)?;
        }
        ensemble.check_values()?;
        Ok(ensemble)
    }

    /// The trees.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// What the sums of the leaves are.
    pub fn link(&self) -> Link {
        self.link
    }

    /// Number of nodes of all trees, leaves included.
    pub fn nodes(&self) -> usize {
        self.trees.iter().map(|tree| tree.nodes.len()).sum()
    }

    /// Number of leaves of all trees.
    pub fn leaves(&self) -> usize {
        self.trees.iter().map(|tree| tree.leaves().count()).sum()
    }

    /// Branches on the longest way from a root to a leaf.
    pub fn depth(&self) -> usize {
        self.trees.iter().map(Tree::depth).max().unwrap_or(0)
    }

    /// What the leaves of each row add up to, `[rows, classes]`.
    ///
    /// # Errors
    /// As [`predict`](Classifier::predict).
    pub fn sums(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, ModelError> {
        check_rows(self.inputs, rows)?;
        let mut sums = Array2::zeros((rows.nrows(), self.classes));
        for (row, mut sums) in rows.outer_iter().zip(sums.outer_iter_mut()) {
            for tree in &self.trees {
                let columns = sums.iter_mut().skip(tree.first_column());
                for (sum, value) in columns.zip(tree.leaf_of(row)) {
                    *sum += value;
                }
            }
        }
        Ok(sums)
    }

    /// Checks that the sums are exact, and shares at most 1.
    fn check_values(&self) -> Result<(), ModelError> {
        let grid = match self.link {
            Link::Identity => exact::SHARES,
            Link::Softmax => exact::grid_of_logits(self.classes, &self.trees),
        };
        let fits = |value: f32| {
            let in_range = self.link == Link::Softmax || (0.0..=1.0).contains(&value);
            in_range && exact::is_multiple(value, grid)
        };
        for (tree, nodes) in self.trees.iter().map(|tree| &tree.nodes).enumerate() {
            for (node, content) in nodes.iter().enumerate() {
                let Node::Leaf { values } = content else {
                    continue;
                };
                if let Some(value) = values.iter().find(|&&value| !fits(value)) {
                    let exponent = grid.log2();
                    return Err(ModelError::Leaf {
                        tree,
                        node,
                        value: *value,
                        expected: match self.link {
                            Link::Identity => format!("a multiple of 2^{exponent} from 0 to 1"),
                            Link::Softmax => format!("a multiple of 2^{exponent}"),
                        },
                    });
                }
            }
        }
        let bound = exact::bound(self.classes, &self.trees);
        let holds = self.link == Link::Softmax || bound <= 1.0;
        require(holds, "sum of all votes", bound, "at most 1")
    }
}

impl Classifier for TreeEnsemble {
    fn inputs(&self) -> usize {
        self.inputs
    }

    fn classes(&self) -> usize {
        self.classes
    }

    /// One threshold per branch, and the values of the leaves.
    fn parameters(&self) -> usize {
        let of_node = |node: &Node| match node {
            Node::Branch { .. } => 1,
            Node::Leaf { values } => values.len(),
        };
        let nodes = self.trees.iter().flat_map(|tree| &tree.nodes);
        nodes.map(of_node).sum()
    }

    fn predict(&self, rows: ArrayView2<'_, f32>) -> Result<Predictions, ModelError> {
        let sums = self.sums(rows)?;
        Ok(match self.link {
            Link::Identity => Predictions {
                scores: sums,
                kind: ScoreKind::Probability,
            },
            Link::Softmax => Predictions::from_logits(sums),
        })
    }

    fn to_onnx(&self, export: &Export) -> Result<Vec<u8>, ModelError> {
        export::encode(self, export)
    }
}
