//! Trees over the input: every tree's leaf is that of the float graph, for any float32.

use std::collections::BTreeSet;

use zkassay_graph::{Aggregate, Branch, Graph, Op, TreeNode, Trees};
use zkassay_quant::{
    Child, Encoding, Exponents, Forest, Kind, Program, ProgramLimbs, ProgramScheme, QuantError,
    quantize_program,
};
use zkassay_seed::Stream;

use crate::support::Builder;

pub(crate) const BRANCHES: [Branch; 6] = [
    Branch::LessOrEqual,
    Branch::Less,
    Branch::GreaterOrEqual,
    Branch::Greater,
    Branch::Equal,
    Branch::NotEqual,
];

/// What a random ensemble is like.
pub(crate) struct Kinds<'a> {
    pub(crate) inputs: usize,
    pub(crate) trees: usize,
    pub(crate) depth: u32,
    pub(crate) thresholds: &'a [f32],
    pub(crate) branches: &'a [Branch],
}

/// Trees of random shapes, whose leaves weigh 1, 2, 3 and so on.
pub(crate) fn ensemble(stream: &mut Stream, kinds: &Kinds<'_>) -> Trees {
    let mut nodes = Vec::new();
    let mut roots = Vec::new();
    let mut leaves = 0u32;
    for _ in 0..kinds.trees {
        roots.push(nodes.len() as u32);
        let mut level = vec![(nodes.len(), 0)];
        nodes.push(TreeNode::Leaf(Vec::new()));
        while let Some((at, depth)) = level.pop() {
            if depth == kinds.depth || stream.below(5) == 0 {
                leaves += 1;
                nodes[at] = TreeNode::Leaf(vec![(0, leaves as f32)]);
                continue;
            }
            let next = nodes.len();
            nodes[at] = TreeNode::Inner {
                feature: stream.below(kinds.inputs) as u32,
                threshold: kinds.thresholds[stream.below(kinds.thresholds.len())],
                branch: kinds.branches[stream.below(kinds.branches.len())],
                yes: next as u32,
                no: next as u32 + 1,
            };
            nodes.resize(next + 2, TreeNode::Leaf(Vec::new()));
            level.extend([(next, depth + 1), (next + 1, depth + 1)]);
        }
    }
    Trees {
        inputs: kinds.inputs,
        nodes,
        roots,
        base: vec![0.0],
        aggregate: Aggregate::Sum,
    }
}

/// A graph of nothing but trees.
pub(crate) fn graph(trees: &Trees) -> Graph {
    let mut b = Builder::new(&[1, trees.inputs], 1);
    let scores = trees.base.len();
    b.node(Op::Trees(trees.clone()), &[0], &[1, scores]);
    b.graph
}

pub(crate) fn scheme() -> ProgramScheme {
    ProgramScheme {
        limbs: ProgramLimbs {
            bits: 8,
            input: 2,
            shift: 2,
            table: 1,
            total: 5,
        },
        range: 0.0,
        exponents: Exponents::default(),
        ranks: true,
        fraction_bits: 16,
        fold: true,
        limits: Vec::new(),
    }
}

pub(crate) fn ranked(graph: &Graph) -> Program {
    let program = quantize_program(graph, &scheme()).unwrap().program;
    program.validate().unwrap();
    assert!(matches!(program.encoding, Encoding::Ranks { .. }));
    assert_eq!(program.row_length(), graph.inputs());
    program
}

pub(crate) fn forest(program: &Program) -> &Forest {
    let forests = program.steps.iter().filter_map(|step| match &step.kind {
        Kind::Forest(forest) => Some(forest),
        _ => None,
    });
    let forests: Vec<&Forest> = forests.collect();
    assert_eq!(forests.len(), 1);
    forests[0]
}

/// The numbers that thresholds are about, and those beside them.
pub(crate) fn around(thresholds: &[f32]) -> Vec<f32> {
    let beside = thresholds
        .iter()
        .flat_map(|t| [t.next_down(), *t, t.next_up(), -t]);
    let others = [0.0, -0.0, 1e-45, -1e-45, 1e-40, 1.0, -1.0, 1e30, -1e30];
    beside.chain(others).filter(|x| x.is_finite()).collect()
}

/// Every tree that asks something, beside the float graph's: its leaf is known by its weight.
fn assert_leaves(trees: &Trees, program: &Program, row: &[f32]) {
    let forest = forest(program);
    let ranks = program.quantize(row).unwrap();
    let reached: Vec<i64> = forest
        .paths(&ranks)
        .map(|(_, leaf)| forest.leaves[leaf as usize][0])
        .collect();
    let expected: Vec<i64> = trees
        .roots
        .iter()
        .map(|root| trees.leaf(row, *root)[0].1 as i64)
        .collect();
    // Trees without a question are in the bias.
    let (mut rest, mut reached) = (forest.bias[0], reached.into_iter().peekable());
    for leaf in &expected {
        if reached.next_if_eq(leaf).is_none() {
            rest -= leaf;
        }
    }
    assert_eq!((reached.next(), rest), (None, 0), "{row:?}: {expected:?}");
    let scores = forest.scores(&ranks);
    assert_eq!(scores, [i128::from(expected.iter().sum::<i64>())]);
}

#[test]
fn every_leaf_is_that_of_the_float_trees() {
    let thresholds = [
        0.0,
        -0.0,
        1e-45,
        -1e-45,
        1e-39,
        f32::MIN_POSITIVE,
        0.1,
        0.1f32.next_up(),
        -2.5,
        7e8,
        3e38,
        -3e38,
    ];
    let (mut rows, mut questions) = (0, 0);
    for seed in 0..60 {
        let mut stream = Stream::new(seed, "forests");
        // All kinds at once, and each for itself.
        let own = [BRANCHES[seed as usize % 6]];
        let trees = ensemble(
            &mut stream,
            &Kinds {
                inputs: 4,
                trees: 1 + seed as usize % 7,
                depth: 2 + seed as u32 % 7,
                thresholds: &thresholds,
                branches: if seed % 2 == 0 { &BRANCHES } else { &own },
            },
        );
        let asks = |node: &TreeNode| matches!(node, TreeNode::Inner { .. });
        if !trees.roots.iter().any(|r| asks(&trees.nodes[*r as usize])) {
            continue;
        }
        let program = ranked(&graph(&trees));
        questions += forest(&program).nodes.len();
        let mut numbers = around(&thresholds);
        numbers.extend([f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN]);
        for _ in 0..300 {
            let row: Vec<f32> = (0..4)
                .map(|_| numbers[stream.below(numbers.len())])
                .collect();
            assert_leaves(&trees, &program, &row);
            rows += 1;
        }
    }
    assert!(rows > 10_000 && questions > 2_000, "{rows} {questions}");
}

#[test]
fn thresholds_that_nothing_or_everything_meets_leave_no_question() {
    let ends = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MAX,
        f32::MIN,
        0.5,
    ];
    let mut stream = Stream::new(1, "ends");
    for _ in 0..40 {
        let mut trees = ensemble(
            &mut stream,
            &Kinds {
                inputs: 2,
                trees: 3,
                depth: 4,
                thresholds: &ends,
                branches: &BRANCHES,
            },
        );
        // One that asks something for sure.
        let root = trees.nodes.len() as u32;
        trees.roots.push(root);
        trees.nodes.extend([
            TreeNode::Inner {
                feature: 1,
                threshold: 0.5,
                branch: Branch::Less,
                yes: root + 1,
                no: root + 2,
            },
            TreeNode::Leaf(vec![(0, 1000.0)]),
            TreeNode::Leaf(vec![(0, 1001.0)]),
        ]);
        let program = ranked(&graph(&trees));
        for x in around(&ends) {
            for y in [x, -x, 0.5] {
                assert_leaves(&trees, &program, &[x, y]);
            }
        }
    }
}

#[test]
fn only_features_that_are_asked_about_are_inputs() {
    let question = |feature, threshold, branch, yes, no| TreeNode::Inner {
        feature,
        threshold,
        branch,
        yes,
        no,
    };
    let leaf = |weight| TreeNode::Leaf(vec![(0, weight)]);
    let trees = Trees {
        inputs: 9,
        nodes: vec![
            question(7, 2.0, Branch::LessOrEqual, 1, 2),
            question(2, -1.0, Branch::Less, 3, 4),
            // The same as at most 2, twice; and one that always holds, behind which nobody comes.
            question(7, 2.0f32.next_up(), Branch::GreaterOrEqual, 5, 6),
            leaf(1.0),
            leaf(2.0),
            question(3, f32::NEG_INFINITY, Branch::LessOrEqual, 7, 8),
            leaf(1.0),
            question(4, 5.0, Branch::Less, 9, 10),
            leaf(2.0),
            leaf(3.0),
            leaf(4.0),
        ],
        roots: vec![0],
        base: vec![0.0],
        aggregate: Aggregate::Sum,
    };
    let program = ranked(&graph(&trees));
    let Encoding::Ranks { features, ranks } = &program.encoding else {
        unreachable!()
    };
    assert_eq!((*features, program.inputs), (9, 2));
    let found: Vec<_> = ranks
        .iter()
        .map(|r| (r.feature, r.thresholds.clone()))
        .collect();
    assert_eq!(found, [(2, vec![(-1.0f32).next_down()]), (7, vec![2.0])]);
    let forest = forest(&program);
    // Leaves of one weight are one.
    assert_eq!((forest.nodes.len(), forest.leaves.len()), (3, 2));
    assert_eq!(forest.features, [1, 1]);
    let mut row = [9e30; 9];
    row[7] = 1.0;
    assert_eq!(program.quantize(&row).unwrap(), [1, 0]);
    row[7] = f32::NAN;
    let error = program.quantize(&row).unwrap_err();
    assert!(matches!(error, QuantError::OutOfRange { index: 7, .. }));
    let error = program.quantize(&row[..8]).unwrap_err();
    assert!(matches!(error, QuantError::RowLength { expected: 9, .. }));
    let children: BTreeSet<u32> = forest
        .nodes
        .iter()
        .flat_map(|node| [node.yes, node.no])
        .filter_map(|child| match child {
            Child::Node(next) => Some(next),
            Child::Leaf(_) => None,
        })
        .collect();
    assert_eq!(children.into_iter().collect::<Vec<_>>(), [1, 2]);
}

/// Nodes with several parents in one tree stay what they are; between trees there are none.
#[test]
fn shared_nodes_are_possible_in_one_tree_only() {
    let question = |feature, yes, no| TreeNode::Inner {
        feature,
        threshold: 0.0,
        branch: Branch::Equal,
        yes,
        no,
    };
    let leaf = |weight| TreeNode::Leaf(vec![(0, weight)]);
    let mut trees = Trees {
        inputs: 3,
        nodes: vec![
            question(0, 1, 2),
            question(1, 3, 2),
            question(2, 3, 4),
            leaf(1.0),
            leaf(2.0),
        ],
        roots: vec![0],
        base: vec![0.0],
        aggregate: Aggregate::Sum,
    };
    let program = ranked(&graph(&trees));
    // Two questions for each node: at most, and below.
    assert_eq!(forest(&program).nodes.len(), 6);
    for row in 0..27 {
        let row = [row % 3, row / 3 % 3, row / 9].map(|x: i32| (x - 1) as f32 * 1e-45);
        assert_leaves(&trees, &program, &row);
    }
    trees.roots.push(1);
    let error = quantize_program(&graph(&trees), &scheme()).unwrap_err();
    assert!(
        matches!(error, QuantError::Parameter { .. }) && error.to_string().contains("ranks"),
        "{error}"
    );
}

#[test]
fn long_chains_and_many_constants_take_no_stack() {
    const LEN: u32 = 200_000;
    let node = |at: u32| TreeNode::Inner {
        feature: 0,
        threshold: if at < LEN - 1 { f32::NAN } else { 1.0 },
        branch: Branch::Less,
        yes: LEN,
        no: if at < LEN - 1 { at + 1 } else { LEN + 1 },
    };
    let mut nodes: Vec<TreeNode> = (0..LEN).map(node).collect();
    nodes.extend([1.0, 2.0].map(|weight| TreeNode::Leaf(vec![(0, weight)])));
    let trees = Trees {
        inputs: 1,
        nodes,
        roots: vec![0],
        base: vec![0.0],
        aggregate: Aggregate::Sum,
    };
    let program = ranked(&graph(&trees));
    assert_eq!(forest(&program).nodes.len(), 1);
    assert_leaves(&trees, &program, &[0.5]);
    assert_leaves(&trees, &program, &[1.0]);
}

#[test]
fn inputs_have_room_for_the_greatest_rank() {
    // 128 thresholds: ranks up to 128 take nine bits, sign included.
    for (count, needs) in [(127, 1), (128, 2)] {
        let mut nodes: Vec<TreeNode> = Vec::new();
        for at in 0..count {
            nodes.push(TreeNode::Inner {
                feature: 0,
                threshold: at as f32,
                branch: Branch::LessOrEqual,
                yes: count + at,
                no: if at + 1 == count { 2 * count } else { at + 1 },
            });
        }
        nodes.extend((0..=count).map(|at| TreeNode::Leaf(vec![(0, at as f32)])));
        let trees = Trees {
            inputs: 1,
            nodes,
            roots: vec![0],
            base: vec![0.0],
            aggregate: Aggregate::Sum,
        };
        for input in [1, 2] {
            let mut scheme = scheme();
            scheme.limbs.input = input;
            let result = quantize_program(&graph(&trees), &scheme);
            match input >= needs {
                true => {
                    let program = result.unwrap().program;
                    let highest = program.quantize(&[f32::MAX]).unwrap();
                    assert_eq!(highest, [i64::from(count)]);
                }
                false => {
                    let error = result.unwrap_err();
                    assert!(matches!(error, QuantError::Overflow { .. }), "{error}");
                }
            }
        }
    }
}
