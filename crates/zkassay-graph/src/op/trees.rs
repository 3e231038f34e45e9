//! Ensembles of decision trees.

/// Decision trees whose leaves add to scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Trees {
    /// Elements of the row that it reads.
    pub inputs: usize,
    /// The nodes of all trees; children stand behind their parents.
    pub nodes: Vec<TreeNode>,
    /// The root of each tree.
    pub roots: Vec<u32>,
    /// What the scores start with; as many as there are scores.
    pub base: Vec<f32>,
    /// What becomes of the trees' scores.
    pub aggregate: Aggregate,
}

/// What becomes of the scores of several trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// They are added.
    Sum,
    /// Their sum is divided by the number of trees.
    Average,
    /// The least of them.
    Min,
    /// The greatest of them.
    Max,
}

/// When the way goes to the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branch {
    /// `x <= threshold`.
    LessOrEqual,
    /// `x < threshold`.
    Less,
    /// `x >= threshold`.
    GreaterOrEqual,
    /// `x > threshold`.
    Greater,
    /// `x = threshold`.
    Equal,
    /// `x != threshold`.
    NotEqual,
}

/// A node of a tree.
#[derive(Clone, Debug, PartialEq)]
pub enum TreeNode {
    /// A question about a feature.
    Inner {
        /// Which feature.
        feature: u32,
        /// What it is compared with.
        threshold: f32,
        /// How.
        branch: Branch,
        /// The node after yes.
        yes: u32,
        /// The node after no.
        no: u32,
    },
    /// The end of a way: what is added to which score.
    Leaf(Vec<(u32, f32)>),
}

impl Branch {
    /// The answer for a feature.
    pub fn holds(self, x: f32, threshold: f32) -> bool {
        match self {
            Self::LessOrEqual => x <= threshold,
            Self::Less => x < threshold,
            Self::GreaterOrEqual => x >= threshold,
            Self::Greater => x > threshold,
            Self::Equal => x == threshold,
            Self::NotEqual => x != threshold,
        }
    }
}

impl Trees {
    /// Number of thresholds and leaf weights.
    pub fn parameters(&self) -> usize {
        let of = |node: &TreeNode| match node {
            TreeNode::Inner { .. } => 1,
            TreeNode::Leaf(weights) => weights.len(),
        };
        self.nodes.iter().map(of).sum()
    }

    /// The leaf that `row` reaches from `root`: its weights.
    pub fn leaf(&self, row: &[f32], root: u32) -> &[(u32, f32)] {
        let mut at = root;
        loop {
            match &self.nodes[at as usize] {
                TreeNode::Leaf(weights) => return weights,
                TreeNode::Inner {
                    feature,
                    threshold,
                    branch,
                    yes,
                    no,
                } => {
                    let x = row[*feature as usize];
                    at = if branch.holds(x, *threshold) {
                        *yes
                    } else {
                        *no
                    };
                }
            }
        }
    }

    pub(super) fn apply(&self, x: &[f32]) -> Vec<f32> {
        x.chunks_exact(self.inputs.max(1))
            .flat_map(|row| self.scores(row))
            .collect()
    }

    fn scores(&self, row: &[f32]) -> Vec<f32> {
        let start = match self.aggregate {
            Aggregate::Sum | Aggregate::Average => 0.0,
            Aggregate::Min => f32::INFINITY,
            Aggregate::Max => f32::NEG_INFINITY,
        };
        // In float32 and in the order of the trees, as onnxruntime adds.
        let mut scores = vec![start; self.base.len()];
        for root in &self.roots {
            for &(score, weight) in self.leaf(row, *root) {
                let score = &mut scores[score as usize];
                *score = match self.aggregate {
                    Aggregate::Sum | Aggregate::Average => *score + weight,
                    Aggregate::Min => score.min(weight),
                    Aggregate::Max => score.max(weight),
                };
            }
        }
        let count = match self.aggregate {
            Aggregate::Average => self.roots.len().max(1) as f32,
            _ => 1.0,
        };
        let finish = |(score, base): (&f32, &f32)| {
            let score = if score.is_finite() { *score } else { 0.0 };
            score / count + base
        };
        scores.iter().zip(&self.base).map(finish).collect()
    }
}
