//! Growing one tree, for a single tree, a forest or boosting alike.

use std::ops::Range;

use zkassay_seed::Stream;

use super::columns::Columns;
use super::node::Node;
use super::order::Order;

/// Scores that differ by no more than this part of them are equal but for rounding.
const ROUNDING: f64 = 1e-12;

/// When a node becomes a leaf.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) max_depth: usize,
    pub(super) min_samples_split: usize,
    pub(super) min_samples_leaf: usize,
}

/// What one row adds to the [`Sums`] of its node. A row with hessian 0 takes
/// no part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// The component of the gradient that is not 0.
    pub(super) component: usize,
    pub(super) gradient: f64,
    pub(super) hessian: f64,
}

/// Sums over the rows of a node.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    pub(super) gradient: Vec<f64>,
    pub(super) hessian: f64,
}

impl Sums {
    fn zero(components: usize) -> Self {
        Self {
            gradient: vec![0.0; components],
            hessian: 0.0,
        }
    }

    fn add(&mut self, sample: &Sample) {
        self.gradient[sample.component] += sample.gradient;
        self.hessian += sample.hessian;
    }

    /// `|G|^2 / (H + l2)`.
    fn score(&self, l2: f64) -> f64 {
        let squares = self.gradient.iter().map(|g| g * g);
        squares.sum::<f64>() / (self.hessian + l2)
    }

    /// The score of these rows without those of `part`.
    fn score_without(&self, part: &Self, l2: f64) -> f64 {
        let pairs = self.gradient.iter().zip(&part.gradient);
        let squares = pairs.map(|(all, part)| (all - part) * (all - part));
        squares.sum::<f64>() / (self.hessian - part.hessian + l2)
    }
}

/// What splits are for.
///
/// Both kinds take the split with the highest gain
/// `score(left) + score(right) - score(node)`, where the score of rows with
/// gradients that add up to `G` and hessians that add up to `H` is
/// `|G|^2 / (H + l2)`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal {
    /// Leaves of one class each. A row of weight `w` has gradient `w` in its
    /// class's component and hessian `w`, and `l2` is 0; the gain is then what
    /// the split takes off the node's Gini impurity, times the node's weight:
    /// `H (1 - sum_k (G_k / H)^2) = H - score`. As in scikit-learn, a node that
    /// is not pure is split even if the best gain is 0: neither feature alone
    /// gains anything on an exclusive or.
    Purity,
    /// A Newton step on a loss with these (negative) gradients and hessians:
    /// the loss falls by half of the gain, to second order (Chen and Guestrin,
    /// XGBoost, KDD 2016, equation 7). Only splits that gain are made.
    Descent {
        /// What is added to `H`.
        l2: f64,
    },
}

/// Everything that one tree grows from.
pub(super) struct Grower<'a> {
    /// Sorted if nodes look at all features: where they look at few, sorting the
    /// node's rows by these takes less than keeping the rows in every order. The
    /// tree is the same.
    pub(super) columns: &'a Columns,
    /// One per row; at least one with a hessian above 0.
    pub(super) samples: &'a [Sample],
    /// Components of a gradient.
    pub(super) components: usize,
    pub(super) goal: Goal,
    pub(super) limits: Limits,
    /// If a node is not to look at all features: at how many, not counting
    /// those that are constant in it, and what draws them.
    pub(super) draws: Option<(usize, Stream)>,
}

/// A node to be grown from the rows at a range of the [`Order`].
struct Task {
    rows: Range<usize>,
    depth: usize,
    /// The branch whose right child it is; a left child comes right after its branch.
    right_of: Option<usize>,
}

struct Split {
    feature: usize,
    /// Score of the left rows plus that of the right rows.
    score: f64,
    /// The highest value on the left, the lowest on the right.
    around: [f32; 2],
}

impl Grower<'_> {
    /// The nodes in depth-first order, left before right. `leaf` gives a
    /// leaf's values.
    ///
    /// Of splits with equal gain, the one of the feature looked at first is
    /// taken, with the lowest threshold. Features are looked at in their
    /// order, or, if they are not all looked at, in the order drawn.
    pub(super) fn grow(mut self, leaf: impl Fn(&Sums) -> Vec<f32>) -> Vec<Node> {
        let takes_part = |row: u32| self.samples[row as usize].hessian > 0.0;
        let mut order = Order::new(self.columns, takes_part);
        let mut visits: Vec<usize> = (0..self.columns.features()).collect();
        let mut nodes: Vec<Node> = Vec::new();
        let mut tasks = vec![Task {
            rows: 0..order.len(),
            depth: 0,
            right_of: None,
        }];
        while let Some(task) = tasks.pop() {
            let index = nodes.len();
            if let Some(Node::Branch { right, .. }) = task.right_of.map(|at| &mut nodes[at]) {
                *right = index as u32;
            }
            let mut sums = Sums::zero(self.components);
            for &row in order.rows(&task.rows) {
                sums.add(&self.samples[row as usize]);
            }
            let Some(split) = self.split(&task, &sums, &mut order, &mut visits) else {
                let values = leaf(&sums);
                nodes.push(Node::Leaf { values });
                continue;
            };
            let threshold = between(split.around);
            let middle = order.part(&task.rows, split.feature, threshold);
            nodes.push(Node::Branch {
                feature: split.feature as u32,
                threshold,
                left: index as u32 + 1,
                right: 0,
            });
            let depth = task.depth + 1;
            tasks.push(Task {
                rows: middle..task.rows.end,
                depth,
                right_of: Some(index),
            });
            tasks.push(Task {
                rows: task.rows.start..middle,
                depth,
                right_of: None,
            });
        }
        nodes
    }

    /// The best split of a node, unless it is to be a leaf.
    fn split(
        &mut self,
        task: &Task,
        sums: &Sums,
        order: &mut Order<'_>,
        visits: &mut [usize],
    ) -> Option<Split> {
        if task.depth >= self.limits.max_depth || task.rows.len() < self.limits.min_samples_split {
            return None;
        }
        let l2 = match self.goal {
            Goal::Purity if sums.gradient.contains(&sums.hessian) => return None,
            Goal::Purity => 0.0,
            Goal::Descent { l2 } => l2,
        };
        let mut best: Option<Split> = None;
        let mut looked_at = 0;
        for visit in 0..visits.len() {
            if let Some((_, stream)) = &mut self.draws {
                let drawn = visit + stream.below(visits.len() - visit);
                visits.swap(visit, drawn);
            }
            let feature = visits[visit];
            let Some(rows) = order.by(feature, &task.rows) else {
                continue;
            };
            best = self.best_of(feature, rows, sums, l2, best);
            looked_at += 1;
            if self
                .draws
                .as_ref()
                .is_some_and(|(most, _)| looked_at == *most)
            {
                break;
            }
        }
        best.filter(|best| match self.goal {
            Goal::Purity => true,
            Goal::Descent { .. } => exceeds(best.score, sums.score(l2)),
        })
    }

    /// The best split of `rows`, in the order of `feature`, if it is better than `best`.
    fn best_of(
        &self,
        feature: usize,
        rows: &[u32],
        sums: &Sums,
        l2: f64,
        mut best: Option<Split>,
    ) -> Option<Split> {
        let column = self.columns.column(feature);
        let mut left = Sums::zero(self.components);
        let mut below = column[rows[0] as usize];
        for (count, &row) in rows.iter().enumerate() {
            let value = column[row as usize];
            let smaller_side = count.min(rows.len() - count);
            if value != below && smaller_side >= self.limits.min_samples_leaf {
                let score = left.score(l2) + sums.score_without(&left, l2);
                if best.as_ref().is_none_or(|best| exceeds(score, best.score)) {
                    best = Some(Split {
                        feature,
                        score,
                        around: [below, value],
                    });
                }
            }
            below = value;
            left.add(&self.samples[row as usize]);
        }
        best
    }
}

/// Whether a score, which is not negative, is greater than another.
fn exceeds(score: f64, other: f64) -> bool {
    score > other + ROUNDING * score
}

/// The middle of two values, the first less than the second; as `x <= middle`
/// has to tell them apart, the first if the middle rounds to the second.
fn between([below, above]: [f32; 2]) -> f32 {
    let middle = (0.5 * (f64::from(below) + f64::from(above))) as f32;
    if middle < above { middle } else { below }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn thresholds_tell_neighbours_apart() {
        let up = |x: f32| x.next_up();
        for below in [0.0, -0.0, 1.0, -1.0, 0.1, 1e-45, -1e-45, 3.0e38, f32::MIN] {
            let middle = between([below, up(below)]);
            assert!(below <= middle && middle < up(below), "{below}");
        }
        assert_eq!(between([1.0, 2.0]), 1.5);
        assert_eq!(between([-3.0, 1.0]), -1.0);
        assert_eq!(between([f32::MIN, f32::MAX]), 0.0);
        let near = f32::MAX.next_down().next_down();
        assert_eq!(between([near, f32::MAX]), f32::MAX.next_down());
    }

    #[test]
    fn trees_are_the_same_from_columns_that_are_sorted() {
        let mut stream = Stream::new(4, "columns");
        for case in 0..200u64 {
            // Few values, so that rows tie; some rows drawn several times or never.
            let rows = Array2::from_shape_fn((40, 6), |_| [-1.5, -0.0, 0.0, 2.0][stream.below(4)]);
            let samples: Vec<Sample> = (0..40)
                .map(|row| {
                    let weight = if row == 0 {
                        1.0
                    } else {
                        stream.below(4) as f64
                    };
                    Sample {
                        component: stream.below(3),
                        gradient: weight,
                        hessian: weight,
                    }
                })
                .collect();
            let grow = |columns: &Columns| {
                let grower = Grower {
                    columns,
                    samples: &samples,
                    components: 3,
                    goal: Goal::Purity,
                    limits: Limits {
                        max_depth: 20,
                        min_samples_split: 2,
                        min_samples_leaf: 1 + case as usize % 3,
                    },
                    draws: Some((2, Stream::new(case, "draws"))),
                };
                grower.grow(|sums| sums.gradient.iter().map(|g| *g as f32).collect())
            };
            let columns = Columns::new(rows.view()).unwrap();
            let nodes = grow(&columns);
            assert!(nodes.len() > 5);
            assert_eq!(nodes, grow(&columns.sorted()));
        }
    }
}
