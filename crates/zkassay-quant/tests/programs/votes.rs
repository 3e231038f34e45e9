//! Scores of classes: exact sums, ties, what follows them.

use ndarray::{Array2, ArrayView1};
use zkassay_graph::{Aggregate, Branch, Graph, Op, Order, TreeNode, Trees};
use zkassay_quant::{
    CalibrationParams, Encoding, IntegerModel, IntegerScheme, Program, QuantError, Target,
    calibrate_model,
};
use zkassay_seed::Stream;

use crate::forests::{forest, scheme};
use crate::support::Builder;

/// Trees that vote for classes: each leaf has the weights that `leaf` gives.
fn classifier(
    classes: u32,
    count: usize,
    depth: u32,
    seed: u64,
    mut leaf: impl FnMut(&mut Stream) -> Vec<f32>,
) -> Trees {
    let mut stream = Stream::new(seed, "votes");
    let (mut nodes, mut roots) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let root = nodes.len() as u32;
        roots.push(root);
        let inner = (1u32 << depth) - 1;
        for at in 0..inner {
            nodes.push(TreeNode::Inner {
                feature: stream.below(4) as u32,
                threshold: stream.normal() as f32,
                branch: Branch::LessOrEqual,
                yes: root + 2 * at + 1,
                no: root + 2 * at + 2,
            });
        }
        for _ in 0..=inner {
            let weights = leaf(&mut stream);
            nodes.push(TreeNode::Leaf((0..classes).zip(weights).collect()));
        }
    }
    Trees {
        inputs: 4,
        nodes,
        roots,
        base: vec![0.0; classes as usize],
        aggregate: Aggregate::Sum,
    }
}

/// A vote of `size` for one of the classes.
fn pure(classes: usize, size: f32) -> impl FnMut(&mut Stream) -> Vec<f32> {
    move |stream| {
        let mut weights = vec![0.0; classes];
        weights[stream.below(classes)] = size;
        weights
    }
}

/// Scores, and the position of the greatest.
fn graphs(trees: &Trees) -> (Graph, Graph) {
    let classes = trees.base.len();
    let mut b = Builder::new(&[1, 4], 1);
    let x = b.node(Op::Trees(trees.clone()), &[0], &[1, classes]);
    let scores = b.graph.clone();
    let op = Op::ArgMax {
        groups: vec![(0..classes as u32).collect()],
        order: Order::Greatest,
        last: false,
    };
    b.node(op, &[x], &[1]);
    (scores, b.graph)
}

fn inputs(count: usize, seed: u64) -> Array2<f32> {
    let mut stream = Stream::new(seed, "inputs");
    Array2::from_shape_simple_fn((count, 4), || stream.normal() as f32)
}

fn program(model: &IntegerModel) -> &Program {
    match model {
        IntegerModel::Program(program) => program,
        IntegerModel::Chain(_) => unreachable!(),
    }
}

/// Labels are right on every row; how many of them are ties of the highest scores.
fn assert_labels(trees: &Trees, limb_bits: u32) -> usize {
    let (scores, labels) = graphs(trees);
    let params = CalibrationParams::new(limb_bits).unwrap();
    let calibration = calibrate_model(&labels, inputs(100, 1).view(), &params).unwrap();
    let found = program(&calibration.model);
    assert!(!matches!(found.encoding, Encoding::Scaled));
    let mut ties = 0;
    for row in inputs(1000, 2).outer_iter() {
        let mut expected = scores.evaluate(row).unwrap();
        let label = labels.evaluate(row).unwrap()[0];
        expected.sort_by(f32::total_cmp);
        ties += usize::from(expected[expected.len() - 1] == expected[expected.len() - 2]);
        let trace = found.evaluate(&row.to_vec()).unwrap();
        assert_eq!(
            found.output_reals(&trace),
            [f64::from(label)],
            "{expected:?}"
        );
    }
    ties
}

#[test]
fn ties_are_those_of_the_float_scores() {
    for limb_bits in [8, 12] {
        // Whole votes, as scikit-learn and as the zoo divide them.
        let trees = classifier(3, 9, 4, 1, pure(3, 1.0 / 9.0));
        assert!(assert_labels(&trees, limb_bits) > 50);
        let vote = (f64::from(1 << 24) / 10.0).floor() / f64::from(1 << 24);
        let trees = classifier(2, 10, 4, 2, pure(2, vote as f32));
        assert!(assert_labels(&trees, limb_bits) > 50);
        // Shares on a grid of 2^-24 with no other common divisor: sums tie if trees swap them.
        let trees = classifier(3, 4, 4, 3, |stream| {
            let mut shares = [3_000_001, 1_000_000, 194_303];
            stream.shuffle(&mut shares);
            shares.map(|x| x as f32 / (1 << 24) as f32).to_vec()
        });
        assert!(assert_labels(&trees, limb_bits) > 10);
    }
}

#[test]
fn votes_are_counted_and_grids_are_kept() {
    let fine = Target::Resources { max_error: 1e-4 };
    let params = CalibrationParams::new(8).unwrap();
    let params = params.with_target(fine).unwrap();
    let integers = |trees: &Trees| {
        let (scores, _) = graphs(trees);
        let calibration = calibrate_model(&scores, inputs(60, 1).view(), &params).unwrap();
        let program = program(&calibration.model).clone();
        for row in inputs(300, 3).outer_iter() {
            let expected = scores.evaluate(row).unwrap();
            let found = program.output_reals(&program.evaluate(&row.to_vec()).unwrap());
            for (a, b) in found.iter().zip(&expected) {
                assert!((a - f64::from(*b)).abs() < 2e-4, "{found:?} {expected:?}");
            }
        }
        program
    };
    // 100 votes of a hundredth: leaves are one or nothing.
    let counted = integers(&classifier(3, 100, 3, 1, pure(3, 0.01)));
    let mut leaves: Vec<i64> = forest(&counted).leaves.concat();
    leaves.sort_unstable();
    leaves.dedup();
    assert_eq!(leaves, [0, 1]);
    // Eighths are exact without more ado.
    let eighths = integers(&classifier(2, 5, 3, 1, |stream| {
        vec![stream.below(9) as f32 / 8.0, -1.0]
    }));
    assert_eq!((eighths.steps.len(), eighths.output_scale.0), (1, 3));
    // Sums that float32 does not round are not rounded here, whatever that takes.
    let shares = integers(&classifier(2, 3, 3, 1, |stream| {
        let share = (stream.unit() / 3.0 * f64::from(1 << 24)).floor();
        let share = (share / f64::from(1 << 24)) as f32;
        vec![share, 0.333 - share]
    }));
    assert!(shares.output_scale.0 >= 20, "{:?}", shares.output_scale);
}

#[test]
fn weights_without_a_grid_are_rounded_as_finely_as_there_is_room() {
    let trees = classifier(1, 50, 4, 5, |stream| vec![stream.normal() as f32 / 50.0]);
    let mut trees = trees;
    trees.base = vec![0.4054651];
    let (scores, _) = graphs(&trees);
    let params = CalibrationParams::new(12).unwrap();
    let fine = Target::Resources { max_error: 1e-4 };
    let params = params.with_target(fine).unwrap();
    let calibration = calibrate_model(&scores, inputs(200, 1).view(), &params).unwrap();
    let found = program(&calibration.model);
    // Base values are in the bias.
    assert_eq!(found.steps.len(), 1);
    let base = found.output_scale.real(forest(found).bias[0]);
    assert!((base - 0.4054651).abs() < 1e-4, "{base}");
    assert!(calibration.fidelity.overall.max < 1e-4);
    let too_fine = Target::Resources { max_error: 1e-12 };
    let params = params.with_target(too_fine).unwrap();
    let error = calibrate_model(&scores, inputs(20, 1).view(), &params).unwrap_err();
    assert!(matches!(error, QuantError::NoSetting { .. }), "{error}");
}

#[test]
fn many_classes_have_room_or_keep_the_comparisons() {
    let params = CalibrationParams::new(8).unwrap();
    for (classes, is_ranked) in [(10, true), (30, false)] {
        let trees = classifier(classes, 3, 3, 1, |stream| {
            (0..classes).map(|_| stream.unit() as f32 / 3.0).collect()
        });
        let (scores, _) = graphs(&trees);
        let calibration = calibrate_model(&scores, inputs(60, 1).view(), &params).unwrap();
        let found = program(&calibration.model);
        assert_eq!(!found.encoding.is_scaled(), is_ranked, "{classes}");
        assert!(calibration.fidelity.overall.max < 1e-2);
    }
}

#[test]
fn averages_divide_after_the_sum() {
    let mut trees = classifier(2, 7, 3, 1, |stream| {
        vec![stream.below(64) as f32, stream.below(64) as f32 / 2.0]
    });
    trees.aggregate = Aggregate::Average;
    trees.base = vec![1.5, -0.25];
    let (scores, _) = graphs(&trees);
    let program = zkassay_quant::quantize_program(&scores, &scheme())
        .unwrap()
        .program;
    let forest = forest(&program);
    assert_eq!(forest.bias, [0, 0]);
    for row in inputs(100, 1).outer_iter() {
        let ranks = program.quantize(&row.to_vec()).unwrap();
        let sums = forest.scores(&ranks);
        let expected = scores.evaluate(row).unwrap();
        for ((sum, base), expected) in sums.iter().zip(&trees.base).zip(&expected) {
            // Halves: the scale of the sums is 1.
            let real = *sum as f32 / 2.0 / 7.0 + base;
            assert!((real - expected).abs() < 1e-5, "{real} {expected}");
        }
        let found = program.output_reals(&program.evaluate(&row.to_vec()).unwrap());
        for (a, b) in found.iter().zip(&expected) {
            assert!((a - f64::from(*b)).abs() < 1e-4);
        }
    }
}

/// The size of scikit-learn's defaults on 449 rows.
#[test]
fn large_forests_calibrate_quickly() {
    let mut stream = Stream::new(1, "large");
    let (mut nodes, mut roots) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let root = nodes.len() as u32;
        roots.push(root);
        // 54 questions, each open leaf in turn.
        let mut open = vec![root];
        nodes.push(TreeNode::Leaf(Vec::new()));
        for _ in 0..53 {
            let at = open.swap_remove(stream.below(open.len()));
            let next = nodes.len() as u32;
            nodes[at as usize] = TreeNode::Inner {
                feature: stream.below(162) as u32,
                threshold: stream.normal() as f32 * 1e6,
                branch: Branch::LessOrEqual,
                yes: next,
                no: next + 1,
            };
            open.extend([next, next + 1]);
            nodes.resize(next as usize + 2, TreeNode::Leaf(Vec::new()));
        }
        for at in open {
            let class = stream.below(2);
            let vote = |of: usize| if of == class { 0.01 } else { 0.0 };
            nodes[at as usize] = TreeNode::Leaf(vec![(0, vote(0)), (1, vote(1))]);
        }
    }
    let trees = Trees {
        inputs: 162,
        nodes,
        roots,
        base: vec![0.0; 2],
        aggregate: Aggregate::Sum,
    };
    assert!(trees.nodes.len() > 10_600);
    let mut b = Builder::new(&[1, 162], 1);
    b.node(Op::Trees(trees.clone()), &[0], &[1, 2]);
    let draw = || stream.normal() as f32 * 1e6;
    let rows = Array2::from_shape_simple_fn((449, 162), draw);
    let start = std::time::Instant::now();
    let params = CalibrationParams::new(8).unwrap();
    let calibration = calibrate_model(&b.graph, rows.view(), &params).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!("{seconds:.3} s, {} trials", calibration.trials.len());
    assert!(seconds < 5.0, "{seconds}");
    let IntegerScheme::Program(scheme) = &calibration.scheme else {
        unreachable!()
    };
    println!("{scheme:?}");
    let found = program(&calibration.model);
    let forest = forest(found);
    for row in rows.outer_iter() {
        let row: Vec<f32> = row.to_vec();
        let expected = trees.roots.iter().map(|root| {
            let weights = trees.leaf(&row, *root);
            weights.iter().map(|(_, w)| i64::from(*w > 0.0)).collect()
        });
        let expected: Vec<Vec<i64>> = expected.collect();
        let ranks = found.quantize(&row).unwrap();
        let reached = forest
            .paths(&ranks)
            .map(|(_, leaf)| forest.leaves[leaf as usize].clone());
        let reached: Vec<Vec<i64>> = reached.collect();
        assert_eq!(reached, expected);
        let float = b.graph.evaluate(ArrayView1::from(&row)).unwrap();
        let reals = found.output_reals(&found.evaluate(&row).unwrap());
        assert!((reals[0] - f64::from(float[0])).abs() < 1e-2);
    }
}
