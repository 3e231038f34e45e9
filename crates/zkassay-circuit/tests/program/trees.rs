//! Decision trees: programs with them, and their honest tables.

use std::collections::BTreeSet;

use zkassay_circuit::program::trees::Trees;
use zkassay_circuit::{CompileOptions, CompiledProgram, LayoutTarget};
use zkassay_quant::{Child, Finish, Forest, ForestNode, Kind, Program, Sum, Wire};
use zkassay_seed::Stream;

use crate::attacks::names;
use crate::checker::Checker;
use crate::common::{Builder, FEW_LIMBS, check, compile, compile_lanes};
use crate::forger::{evaluate, fill, fill_lanes};
use crate::soundness::{change_all, overwrite_all};

/// A question: feature, rank, what follows yes and no.
pub(crate) fn node(feature: u32, rank: u32, yes: Child, no: Child) -> ForestNode {
    ForestNode {
        feature,
        rank,
        yes,
        no,
    }
}

/// Three trees, one of them a single question, with equal questions and ranks that none asks about.
pub(crate) fn three_trees() -> Forest {
    use Child::{Leaf, Node};
    Forest {
        features: vec![3, 1, 2],
        nodes: vec![
            node(0, 1, Node(1), Node(2)),
            node(1, 0, Leaf(0), Leaf(1)),
            node(0, 2, Node(3), Leaf(2)),
            node(2, 0, Leaf(3), Leaf(4)),
            node(0, 1, Leaf(5), Leaf(6)),
            node(2, 0, Leaf(7), Node(6)),
            node(1, 0, Leaf(8), Leaf(9)),
        ],
        roots: vec![0, 4, 5],
        leaves: (0..10)
            .map(|leaf| vec![10 + 7 * leaf, 3 - 5 * leaf])
            .collect(),
        bias: vec![-4, 100],
    }
}

/// Trees of up to `depth` questions, with so many scores.
pub(crate) fn random_forest(
    stream: &mut Stream,
    features: &[u32],
    (trees, depth): (usize, usize),
    scores: usize,
) -> Forest {
    let mut forest = Forest {
        features: features.to_vec(),
        nodes: vec![],
        roots: vec![],
        leaves: vec![],
        bias: (0..scores).map(|_| weight(stream)).collect(),
    };
    for _ in 0..trees {
        let root = forest.nodes.len() as u32;
        forest.roots.push(root);
        grow(stream, &mut forest, depth, scores);
    }
    forest
}

fn weight(stream: &mut Stream) -> i64 {
    (stream.normal() * 1000.0) as i64
}

/// A tree that asks at least once, its root first.
fn grow(stream: &mut Stream, forest: &mut Forest, depth: usize, scores: usize) -> Child {
    let at = forest.nodes.len();
    let feature = stream.below(forest.features.len());
    let rank = stream.below(forest.features[feature] as usize) as u32;
    let unset = Child::Leaf(0);
    forest.nodes.push(node(feature as u32, rank, unset, unset));
    let [yes, no] = [(); 2].map(|()| {
        if depth > 1 && stream.below(4) > 0 {
            return grow(stream, forest, depth - 1, scores);
        }
        forest
            .leaves
            .push((0..scores).map(|_| weight(stream)).collect());
        Child::Leaf(forest.leaves.len() as u32 - 1)
    });
    forest.nodes[at] = node(feature as u32, rank, yes, no);
    Child::Node(at as u32)
}

/// A program that is nothing but a forest.
pub(crate) fn only(forest: Forest) -> Program {
    let mut builder = Builder::ranked(&forest.features, 1);
    builder.forest(forest);
    builder.finish()
}

/// Random trees whose table has gates of degree 3.
pub(crate) fn low_degree(seed: u64, features: &[u32], size: (usize, usize)) -> Program {
    let mut stream = Stream::new(seed, "testing/trees");
    let mut forest = random_forest(&mut stream, features, size, 1);
    // A score has twelve bits.
    let weights = forest.leaves.iter_mut().flatten();
    weights.for_each(|weight| *weight %= 2000 / size.0 as i64);
    forest.bias = vec![17];
    let mut builder = Builder::ranked(&forest.features, 1);
    builder.limbs(FEW_LIMBS);
    builder.forest(forest);
    builder.finish()
}

/// A program that goes on with the scores, with ranks that no tree asks about, and with a label.
pub(crate) fn followed() -> Program {
    let mut builder = Builder::ranked(&[3, 1, 2, 5], 2);
    let label = builder.label();
    let first = builder.dense(&[0, 3, label], 3, Finish::Relu);
    let scores = builder.forest(three_trees());
    let pairs = vec![(scores[0], scores[1]), (scores[0], label), (2, 2)];
    let products = builder.step(Kind::Products(pairs), Finish::Exact, Some(1 << 28));
    let difference = Sum {
        terms: vec![(scores[0], 3), (scores[1], -3)],
        bias: 1,
    };
    let sums = builder.sums(vec![difference, Sum::of(scores[1])], Finish::ExactRelu);
    let all: Vec<Wire> = [first, products, sums].concat();
    builder.sums(all.into_iter().map(Sum::of).collect(), Finish::Exact);
    builder.finish()
}

/// The program for each target, and what the planner chose.
fn plans(program: &Program) -> Vec<CompiledProgram> {
    let targets = [LayoutTarget::Speed, LayoutTarget::Size, LayoutTarget::Evm];
    let compile = |target| {
        let options = CompileOptions {
            target,
            ..CompileOptions::default()
        };
        CompiledProgram::with_options(program.clone(), &options).ok()
    };
    targets.into_iter().filter_map(compile).collect()
}

/// Programs of all kinds.
fn programs() -> Vec<Program> {
    use Child::Leaf;
    let mut stream = Stream::new(31, "testing/trees");
    let mut single = three_trees();
    single.nodes = vec![node(0, 1, Leaf(0), Leaf(1))];
    (single.features, single.roots) = (vec![3], vec![0]);
    // All trees ask the same.
    let mut equal = three_trees();
    equal.nodes = vec![node(1, 0, Leaf(0), Leaf(1)); 9];
    equal.roots = (0..9).collect();
    let mut programs = vec![only(three_trees()), only(single), only(equal), followed()];
    for (features, size, scores) in [
        (&[4, 9][..], (6, 3), 1),
        (&[1, 1, 1], (3, 5), 8),
        (&[20], (20, 4), 3),
        (&[7, 2, 13, 5], (25, 4), 2),
        (&[60, 200, 3, 31], (60, 5), 3),
        (&[300, 100, 250], (150, 5), 1),
    ] {
        programs.push(only(random_forest(&mut stream, features, size, scores)));
    }
    for (features, size) in [
        (&[3, 1][..], (2, 2)),
        (&[31, 20, 9], (20, 4)),
        (&[31, 30, 29, 28], (40, 4)),
        (&[31; 20], (99, 5)),
    ] {
        programs.push(low_degree(39, features, size));
    }
    programs
}

/// Rows of inputs: some at random, ranks at both ends.
fn inputs(program: &Program, count: usize) -> Vec<Vec<f32>> {
    let mut stream = Stream::new(33, "testing/trees");
    let ranks = ranks(program);
    let row = |at: usize| -> Vec<f32> {
        let rank = |count: &u32| match at {
            0 => -1.0,
            1 => *count as f32,
            _ => stream.below(2 * *count as usize + 2) as f32 / 2.0 - 0.5,
        };
        let mut row: Vec<f32> = ranks.iter().map(rank).collect();
        row.extend(program.labelled.then_some(2.0));
        row
    };
    (0..count).map(row).collect()
}

/// How many thresholds the features have.
pub(crate) fn ranks(program: &Program) -> Vec<u32> {
    match &program.encoding {
        zkassay_quant::Encoding::Ranks { ranks, .. } => {
            ranks.iter().map(|r| r.thresholds.len() as u32).collect()
        }
        _ => panic!("these are programs of ranks"),
    }
}

#[test]
fn honest_tables_are_accepted_whatever_the_plan() {
    let mut chosen = BTreeSet::new();
    for program in programs() {
        for compiled in plans(&program) {
            let shape = compiled.shape();
            chosen.insert((shape.slots, shape.degree));
            let checker = Checker::new(&compiled);
            for row in inputs(&program, 4) {
                let witness = compiled.witness(&row).unwrap();
                assert!(witness.fits(shape));
                check(&compiled, &witness).unwrap();
                assert_eq!(checker.verdict(&witness), names(&[]));
                let trace = program.evaluate(&row).unwrap();
                assert_eq!(witness.outputs, trace.outputs);
                // And the dishonest prover that does not lie has the same table.
                let forged = evaluate(compiled.program(), &witness.inputs, &[]);
                assert_eq!(fill(&compiled, &forged), witness);
            }
        }
    }
    println!("{chosen:?}");
    assert!(chosen.iter().any(|(_, degree)| *degree == 3), "{chosen:?}");
    assert!(chosen.iter().any(|(_, degree)| *degree == 5), "{chosen:?}");
    let slots: BTreeSet<u32> = chosen.into_iter().map(|(slots, _)| slots).collect();
    assert!(slots.len() > 3, "{slots:?}");
}

#[test]
fn trees_are_proved_in_lanes() {
    for (batch, totals) in [(2, false), (3, true)] {
        for program in [only(three_trees()), followed()] {
            let compiled = compile_lanes(program.clone(), batch, totals);
            let rows = inputs(&program, batch as usize);
            let witness = compiled.witness_batch(&rows).unwrap();
            check(&compiled, &witness).unwrap();
            let lanes = witness.inputs.chunks(program.inputs);
            let forged: Vec<_> = lanes
                .map(|l| evaluate(compiled.program(), l, &[]))
                .collect();
            assert_eq!(fill_lanes(&compiled, &forged), witness);
            assert_eq!(Checker::new(&compiled).verdict(&witness), names(&[]));
        }
    }
}

#[test]
fn scores_are_those_of_the_questions() {
    // Every threshold on both sides of every question, against the questions themselves.
    let forest = three_trees();
    let compiled = compile(only(forest.clone()));
    for a in 0..=3 {
        for b in 0..=1 {
            for c in 0..=2 {
                let row = [a, b, c].map(|rank: i64| rank as f32 - 0.5);
                let witness = compiled.witness(&row).unwrap();
                assert_eq!(witness.inputs, [a, b, c]);
                let first = if a <= 1 {
                    b.min(1)
                } else if a == 2 {
                    3 + c.min(1)
                } else {
                    2
                };
                let second = if a <= 1 { 5 } else { 6 };
                let third = if c == 0 { 7 } else { 8 + b.min(1) };
                let leaves = [first, second, third].map(|leaf| &forest.leaves[leaf as usize]);
                let score = |s: usize| forest.bias[s] + leaves.iter().map(|l| l[s]).sum::<i64>();
                assert_eq!(witness.outputs, [score(0), score(1)], "{a} {b} {c}");
                check(&compiled, &witness).unwrap();
            }
        }
    }
}

#[test]
fn no_cell_of_a_table_of_trees_is_free() {
    let mut stream = Stream::new(35, "testing/trees");
    let larger = random_forest(&mut stream, &[20, 31], (50, 4), 2);
    let low = low_degree(39, &[30, 29, 28, 27], (40, 4));
    for program in [only(three_trees()), followed(), only(larger), low] {
        let compiled = compile(program.clone());
        let witness = compiled.witness(&inputs(&program, 3)[2]).unwrap();
        let (failures, count) = overwrite_all(&compiled, &witness);
        assert_eq!(failures, Checker::new(&compiled).names());
        let (slots, degree) = (compiled.shape().slots, compiled.shape().degree);
        println!("{slots} slots, degree {degree}: {count} cells overwritten");
    }
}

#[test]
fn no_cell_of_a_table_of_trees_is_free_even_if_sums_are_recomputed() {
    // Neither answers nor edges, in no row; limbs in rows that do not use them.
    let mut stream = Stream::new(35, "testing/trees");
    let larger = random_forest(&mut stream, &[20, 31], (50, 4), 2);
    let low = low_degree(39, &[30, 29, 28, 27], (40, 4));
    for program in [only(three_trees()), only(larger), low] {
        let compiled = compile(program.clone());
        let witness = compiled.witness(&inputs(&program, 3)[2]).unwrap();
        change_all(&compiled, &witness);
    }
}

#[test]
fn every_threshold_has_one_place_that_counts() {
    for program in programs() {
        let compiled = compile(program);
        let trees = compiled.trees().unwrap();
        let (_, forest) = Trees::of(compiled.program()).unwrap();
        let counting = trees.entries.iter().filter(|entry| entry.counts);
        let counted: BTreeSet<_> = counting.clone().map(|e| e.question.unwrap()).collect();
        assert_eq!(counting.count(), counted.len());
        let all = (0..).zip(&forest.features);
        let all = all.flat_map(|(feature, count)| (0..*count).map(move |rank| (feature, rank)));
        assert_eq!(counted, all.collect());
        // Each node once, at its own question.
        for (node, place) in trees.places.iter().enumerate() {
            let entry = trees.entries[*place];
            let question = forest.nodes[node];
            assert_eq!(entry.node, Some(node as u32));
            assert_eq!(entry.question, Some((question.feature, question.rank)));
        }
        let nodes = trees.entries.iter().filter(|entry| entry.node.is_some());
        assert_eq!(nodes.count(), forest.nodes.len());
    }
}
