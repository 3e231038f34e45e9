//! Leaf values whose sums need no rounding.
//!
//! A float32 holds every multiple of a power of two `grid` up to `2^24 grid`.
//! If all leaf values are such multiples, and the largest absolute values of
//! the trees add up to no more than that, then every sum of one leaf per tree
//! is exact, and so is every partial sum on the way to it, in any order.

use super::node::{Node, Tree};

/// Up to here, float32 holds every integer.
const INTEGERS: f64 = (1 << 24) as f64;
/// The grid of shares, whose sums are at most 1.
pub(super) const SHARES: f64 = 1.0 / INTEGERS;
/// The finest grid of logits, for sums up to 16.
///
/// Logits that differ at all differ by `2^-20`, so their probabilities differ
/// by more than 4 units in the last place: rounding in a softmax never makes a
/// tie of them.
const LOGITS: f64 = 1.0 / (1 << 20) as f64;

/// The share `part / whole` of one vote among `trees`.
///
/// All trees have votes of the same size, a multiple of the grid, so that
/// equally many votes for two classes tie. All together are 1, or less by up
/// to `trees 2^-24`.
pub(super) fn share(part: f64, whole: f64, trees: usize) -> f32 {
    let vote = (INTEGERS / trees as f64).floor();
    ((part * vote / whole).round() * SHARES) as f32
}

/// `value` on the finest grid of logits.
pub(super) fn logit(value: f64) -> f32 {
    round_to(LOGITS, value)
}

/// Moves logits to the finest grid on which their sums are exact.
pub(super) fn align_logits(columns: usize, trees: &mut [Tree]) {
    // Rounding moves each value by up to half of the grid.
    let half = 0.5 * trees.len() as f64;
    let bound = bound(columns, trees);
    let grid = finest(|grid| bound + half * grid <= INTEGERS * grid);
    let nodes = trees.iter_mut().flat_map(|tree| &mut tree.nodes);
    for node in nodes {
        if let Node::Leaf { values } = node {
            for value in values {
                *value = round_to(grid, f64::from(*value));
            }
        }
    }
}

/// The grid that logits have to be on for exact sums.
pub(super) fn grid_of_logits(columns: usize, trees: &[Tree]) -> f64 {
    let bound = bound(columns, trees);
    finest(|grid| bound <= INTEGERS * grid)
}

/// What no sum of one leaf per tree exceeds, nor a partial one, in any column.
pub(super) fn bound(columns: usize, trees: &[Tree]) -> f64 {
    let mut bounds = vec![0.0; columns];
    for tree in trees {
        for (at, bound) in bounds.iter_mut().skip(tree.first_column()).enumerate() {
            let values = tree.leaves().filter_map(|values| values.get(at));
            *bound += values.fold(0.0, |most: f64, value| most.max(f64::from(value.abs())));
        }
    }
    bounds.into_iter().fold(0.0, f64::max)
}

/// Whether `value` is a multiple of `grid`, a power of two.
pub(super) fn is_multiple(value: f32, grid: f64) -> bool {
    (f64::from(value) / grid).fract() == 0.0
}

/// The finest grid of logits that is coarse enough.
fn finest(coarse_enough: impl Fn(f64) -> bool) -> f64 {
    let mut grid = LOGITS;
    while !coarse_enough(grid) && grid.is_finite() {
        grid *= 2.0;
    }
    grid
}

fn round_to(grid: f64, value: f64) -> f32 {
    ((value / grid).round() * grid) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(column: u32, leaves: &[f32]) -> Tree {
        let leaf = |&value: &f32| Node::Leaf {
            values: vec![value],
        };
        Tree {
            column,
            nodes: leaves.iter().map(leaf).collect(),
        }
    }

    #[test]
    fn whole_votes_are_equal_and_add_up_to_at_most_one() {
        for trees in [1, 2, 3, 7, 100, 128, 4097, 10_000] {
            let vote = share(5.0, 5.0, trees);
            let sum = f64::from(vote) * trees as f64;
            assert!(sum <= 1.0 && sum > 1.0 - trees as f64 * SHARES, "{trees}");
            assert!(is_multiple(vote, SHARES));
            assert_eq!(vote, share(1.0, 1.0, trees));
            assert!(share(1.0, 3.0, trees) < share(2.0, 3.0, trees));
        }
        // 2^24 / 3 is 5592405 and a third.
        assert_eq!(share(1.0, 3.0, 1), 5_592_405.0 * SHARES as f32);
        assert_eq!(share(2.0, 3.0, 1), 11_184_811.0 * SHARES as f32);
        assert_eq!(share(0.0, 3.0, 7), 0.0);
    }

    #[test]
    fn bounds_add_the_largest_value_of_each_tree() {
        let trees = [
            tree(0, &[0.25, -3.0]),
            tree(1, &[100.0, 0.0]),
            tree(0, &[2.0, 1.0]),
        ];
        assert_eq!(bound(2, &trees), 100.0);
        assert_eq!(bound(1, &trees), 5.0);
    }

    #[test]
    fn logits_keep_the_finest_grid_as_long_as_it_is_exact() {
        let fine = 1.0 + LOGITS as f32;
        let mut small = [tree(0, &[fine]), tree(0, &[-15.0 + 2.0 * LOGITS as f32])];
        let before = small.clone();
        align_logits(1, &mut small);
        assert_eq!(small, before);
        assert_eq!(grid_of_logits(1, &small), LOGITS);

        let mut large = [tree(0, &[fine]), tree(0, &[-16.0])];
        align_logits(1, &mut large);
        // Half a multiple rounds away from 0.
        assert_eq!(large[0], tree(0, &[1.0 + 2.0 * LOGITS as f32]));
        assert_eq!(grid_of_logits(1, &large), 2.0 * LOGITS);

        let mut huge = [tree(0, &[fine]), tree(0, &[1e30])];
        align_logits(1, &mut huge);
        assert_eq!(huge[0], tree(0, &[0.0]));
    }

    #[test]
    fn multiples_are_recognised() {
        assert!(is_multiple(0.0, LOGITS) && is_multiple(-2.5, LOGITS));
        assert!(!is_multiple(LOGITS as f32 * 1.5, LOGITS));
        assert!(!is_multiple(f32::MIN_POSITIVE, LOGITS));
    }
}
