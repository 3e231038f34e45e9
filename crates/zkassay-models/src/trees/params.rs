//! What trees, forests and boosted trees are trained with.

use serde::{Deserialize, Serialize};

use super::grow::Limits;
use crate::ModelError;
use crate::valid::{Hyperparameters, require};

/// The deepest `max_depth` that can be asked for.
const MAX_DEPTH: usize = 64;
/// The most trees, or stages, that can be asked for.
const MAX_TREES: usize = 10_000;

/// How one decision tree is trained; by default as in scikit-learn.
///
/// There is no seed: every feature is looked at, and ties are decided by order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TreeParams {
    /// Most branches on a way from the root to a leaf, from 1 to 64; without
    /// it, a tree grows until its leaves are pure.
    pub max_depth: Option<usize>,
    /// Fewest rows that a node needs to be split; at least 2.
    pub min_samples_split: usize,
    /// Fewest rows of a leaf; at least 1.
    pub min_samples_leaf: usize,
}

impl Default for TreeParams {
    fn default() -> Self {
        Self {
            max_depth: None,
            min_samples_split: 2,
            min_samples_leaf: 1,
        }
    }
}

impl Hyperparameters for TreeParams {
    fn validate(&self) -> Result<(), ModelError> {
        if let Some(depth) = self.max_depth {
            require_depth(depth)?;
        }
        let split = self.min_samples_split;
        require(split >= 2, "min_samples_split", split, "at least 2")?;
        require_leaf(self.min_samples_leaf)
    }
}

impl From<TreeParams> for Limits {
    fn from(params: TreeParams) -> Self {
        Self {
            max_depth: params.max_depth.unwrap_or(usize::MAX),
            min_samples_split: params.min_samples_split,
            min_samples_leaf: params.min_samples_leaf,
        }
    }
}

/// How many features a node of a forest looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxFeatures {
    /// Every feature.
    All,
    /// The square root of their number, rounded down.
    Sqrt,
    /// So many; from 1 to the number of features.
    Count(usize),
}

impl MaxFeatures {
    /// The number for rows of `features` features.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] if there are fewer.
    pub(super) fn of(self, features: usize) -> Result<usize, ModelError> {
        let count = match self {
            Self::All => features,
            Self::Sqrt => features.isqrt(),
            Self::Count(count) => count,
        };
        let expected = "at most the number of features";
        require(count <= features, "max_features", count, expected)?;
        Ok(count)
    }
}

/// How a random forest is trained; by default as in scikit-learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForestParams {
    /// Number of trees, from 1 to 10,000.
    pub trees: usize,
    /// How each of them grows. Rows count once here, however often the
    /// bootstrap drew them.
    pub tree: TreeParams,
    /// How many features a node looks at, not counting those that are constant
    /// in it; they are drawn anew for each node.
    pub max_features: MaxFeatures,
    /// Whether each tree sees as many rows drawn with replacement, or all rows.
    pub bootstrap: bool,
    /// Seed of all draws.
    pub seed: u64,
}

impl Default for ForestParams {
    fn default() -> Self {
        Self {
            trees: 100,
            tree: TreeParams::default(),
            max_features: MaxFeatures::Sqrt,
            bootstrap: true,
            seed: 0,
        }
    }
}

impl Hyperparameters for ForestParams {
    fn validate(&self) -> Result<(), ModelError> {
        require_trees("trees", self.trees)?;
        let some = self.max_features != MaxFeatures::Count(0);
        require(some, "max_features", 0, "at least 1")?;
        self.tree.validate()
    }
}

/// How boosted trees are trained; by default as in scikit-learn, but for `l2`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BoostedParams {
    /// Number of stages, from 1 to 10,000. A stage is one tree, or one per
    /// class if there are more than two.
    pub stages: usize,
    /// What each tree's values are multiplied with, above 0 and up to 1.
    pub learning_rate: f64,
    /// Most branches on a way from a root to a leaf, from 1 to 64.
    pub max_depth: usize,
    /// Fewest rows of a leaf; at least 1.
    pub min_samples_leaf: usize,
    /// What is added to a leaf's sum of second derivatives, from 0 to 1,000,000.
    ///
    /// By default 1, as in XGBoost: a step is then at most the number of rows
    /// of its leaf. With 0, a single row that is predicted wrongly and with
    /// confidence makes a step of up to 1,000,000, and a few such steps cost
    /// all others their precision (see [`TreeEnsemble`](super::TreeEnsemble)).
    pub l2: f64,
    /// Share of the rows that each stage sees, drawn without replacement;
    /// above 0 and up to 1.
    pub subsample: f64,
    /// Seed of the draws; without effect if every stage sees all rows.
    pub seed: u64,
}

impl Default for BoostedParams {
    fn default() -> Self {
        Self {
            stages: 100,
            learning_rate: 0.1,
            max_depth: 3,
            min_samples_leaf: 1,
            l2: 1.0,
            subsample: 1.0,
            seed: 0,
        }
    }
}

impl Hyperparameters for BoostedParams {
    fn validate(&self) -> Result<(), ModelError> {
        let share = |x: f64| x > 0.0 && x <= 1.0;
        let above_0_up_to_1 = "a number above 0 and at most 1";
        require_trees("stages", self.stages)?;
        let rate = self.learning_rate;
        require(share(rate), "learning_rate", rate, above_0_up_to_1)?;
        require_depth(self.max_depth)?;
        require_leaf(self.min_samples_leaf)?;
        let l2 = self.l2;
        let range = "a number from 0 to 1000000";
        require((0.0..=1e6).contains(&l2), "l2", l2, range)?;
        let subsample = self.subsample;
        require(share(subsample), "subsample", subsample, above_0_up_to_1)
    }
}

impl BoostedParams {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            max_depth: self.max_depth,
            min_samples_split: 2,
            min_samples_leaf: self.min_samples_leaf,
        }
    }
}

fn require_depth(depth: usize) -> Result<(), ModelError> {
    let holds = (1..=MAX_DEPTH).contains(&depth);
    require(holds, "max_depth", depth, "a number from 1 to 64")
}

fn require_leaf(rows: usize) -> Result<(), ModelError> {
    require(rows >= 1, "min_samples_leaf", rows, "at least 1")
}

fn require_trees(name: &'static str, trees: usize) -> Result<(), ModelError> {
    let holds = (1..=MAX_TREES).contains(&trees);
    require(holds, name, trees, "a number from 1 to 10000")
}
