//! Ensembles of trees, exactly on the integers of their features.

use zkassay_graph::{Aggregate, Branch, Op, TreeNode, Trees};
use zkassay_seed::Stream;

use crate::support::{Builder, at_integers, lowered, rows};

const BRANCHES: [Branch; 6] = [
    Branch::LessOrEqual,
    Branch::Less,
    Branch::GreaterOrEqual,
    Branch::Greater,
    Branch::Equal,
    Branch::NotEqual,
];

/// Trees of a depth with random questions; thresholds are multiples of a quarter, so that rows of such
/// numbers meet them.
fn ensemble(count: usize, depth: u32, aggregate: Aggregate, scores: u32) -> Trees {
    let mut stream = Stream::new(u64::from(depth), "trees");
    let mut trees = Trees {
        inputs: 3,
        nodes: Vec::new(),
        roots: Vec::new(),
        base: (0..scores).map(|i| i as f32 * 0.5).collect(),
        aggregate,
    };
    for _ in 0..count {
        let root = trees.nodes.len() as u32;
        trees.roots.push(root);
        let inner = (1u32 << depth) - 1;
        for at in 0..inner {
            trees.nodes.push(TreeNode::Inner {
                feature: (stream.normal().abs() * 10.0) as u32 % 3,
                threshold: ((stream.normal() * 4.0).round() / 4.0) as f32,
                branch: BRANCHES[(stream.normal().abs() * 100.0) as usize % 6],
                yes: root + 2 * at + 1,
                no: root + 2 * at + 2,
            });
        }
        for _ in 0..=inner {
            let leaf =
                (0..scores).map(|score| (score, (stream.normal() * 8.0).round() as f32 / 8.0));
            trees.nodes.push(TreeNode::Leaf(leaf.collect()));
        }
    }
    trees
}

#[test]
fn every_question_and_every_aggregate_is_exact() {
    for (aggregate, count) in [
        (Aggregate::Sum, 3),
        (Aggregate::Average, 4),
        (Aggregate::Min, 3),
        (Aggregate::Max, 3),
    ] {
        for depth in [0, 1, 2, 6] {
            let trees = ensemble(count, depth, aggregate, 2);
            let mut b = Builder::new(&[1, 3], 1);
            b.node(Op::Trees(trees), &[0], &[1, 2]);
            let program = lowered(&b.graph).program;
            for row in rows(30, 3, 1.5, 1).outer_iter() {
                let quarters: Vec<f32> = row.iter().map(|x| (x * 4.0).round() / 4.0).collect();
                for row in [row.to_vec(), quarters] {
                    let (integer, float) = at_integers(&b.graph, &program, &row);
                    let worst = integer.iter().zip(&float).map(|(a, b)| (a - b).abs());
                    let worst = worst.fold(0.0, f64::max);
                    assert!(worst < 2e-4, "{aggregate:?} {depth}: {integer:?} {float:?}");
                }
            }
        }
    }
}

#[test]
fn thresholds_beyond_everything_are_decided() {
    for threshold in [f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, f32::NAN] {
        for branch in BRANCHES {
            let trees = Trees {
                inputs: 1,
                nodes: vec![
                    TreeNode::Inner {
                        feature: 0,
                        threshold,
                        branch,
                        yes: 1,
                        no: 2,
                    },
                    TreeNode::Leaf(vec![(0, 1.0)]),
                    TreeNode::Leaf(vec![(0, -1.0)]),
                ],
                roots: vec![0],
                base: vec![0.0],
                aggregate: Aggregate::Sum,
            };
            let mut b = Builder::new(&[1, 1], 1);
            b.node(Op::Trees(trees), &[0], &[1, 1]);
            let program = lowered(&b.graph).program;
            for x in [-3.0, 0.0, 7.9] {
                let (integer, float) = at_integers(&b.graph, &program, &[x]);
                assert_eq!(integer, float, "{branch:?} {threshold} {x}");
            }
        }
    }
}
