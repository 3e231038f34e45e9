//! Dishonest ways through decision trees. All that can be recomputed is: scores are what the way adds up
//! to, and all that reads them follows.

use zkassay_circuit::program::trees::Trees;
use zkassay_circuit::{CompileOptions, CompiledProgram, ProgramWitness};
use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::{Field, field};
use zkassay_quant::{Child, Forest, Kind};
use zkassay_seed::Stream;

use crate::attacks::{LINEAR, LOOKUPS, names};
use crate::checker::Checker;
use crate::common::{LIMBS, check, compile};
use crate::forger::{evaluate, fill, set_limb, set_way, walk};
use crate::trees::{followed, low_degree, node, only, random_forest, three_trees};

const EDGE: &str = "an edge is 0 or as the answer";
const STEP: &str = "answers step up where thresholds begin";
const END: &str = "answers end with 0 or 1";

/// A table to lie about, with an input.
struct Case {
    compiled: CompiledProgram,
    checker: Checker,
    inputs: Vec<i64>,
}

/// Small and large trees, one and several nodes in a row, with and without something behind them.
fn cases() -> Vec<Case> {
    let mut stream = Stream::new(37, "testing/trees");
    let larger = random_forest(&mut stream, &[20, 31], (50, 4), 2);
    [
        (only(three_trees()), vec![2, 1, 1]),
        (only(three_trees()), vec![1, 0, 1]),
        (followed(), vec![2, 0, 1, 4, 1]),
        (only(larger), vec![9, 15]),
        (
            low_degree(39, &[30, 29, 28, 27], (40, 4)),
            vec![11, 20, 0, 6],
        ),
    ]
    .map(|(program, inputs)| {
        let compiled = compile(program);
        let checker = Checker::new(&compiled);
        let case = Case {
            compiled,
            checker,
            inputs,
        };
        assert_eq!(case.verdict(&case.honest()), names(&[]));
        case
    })
    .into()
}

impl Case {
    fn trees(&self) -> &Trees {
        self.compiled.trees().unwrap()
    }

    fn forest(&self) -> &Forest {
        Trees::of(self.compiled.program()).unwrap().1
    }

    fn ranks(&self) -> Vec<i128> {
        self.inputs.iter().map(|rank| i128::from(*rank)).collect()
    }

    /// The nodes that are visited in a tree, and its leaf.
    fn path(&self, tree: usize) -> (Vec<usize>, usize) {
        walk(self.forest(), self.forest().roots[tree], &self.ranks())
    }

    fn paths(&self) -> Vec<(Vec<usize>, usize)> {
        (0..self.forest().roots.len())
            .map(|t| self.path(t))
            .collect()
    }

    fn honest(&self) -> ProgramWitness {
        let paths = self.paths();
        let leaves: Vec<usize> = paths.iter().map(|(_, leaf)| *leaf).collect();
        let nodes: Vec<usize> = paths.into_iter().flat_map(|(nodes, _)| nodes).collect();
        self.forge(&leaves, &nodes)
    }

    /// What leaves add up to.
    fn scores(&self, leaves: &[usize]) -> Vec<i128> {
        let forest = self.forest();
        let score = |score: usize| {
            let weights = leaves.iter().map(|leaf| forest.leaves[*leaf][score]);
            i128::from(forest.bias[score] + weights.sum::<i64>())
        };
        (0..forest.bias.len()).map(score).collect()
    }

    /// The table with these scores; answers are honest, and there is no way.
    fn scored(&self, scores: &[i128]) -> ProgramWitness {
        let first = self.trees().first_score;
        let forced: Vec<_> = (first..).zip(scores.iter().copied()).collect();
        let program = self.compiled.program();
        let mut witness = fill(&self.compiled, &evaluate(program, &self.inputs, &forced));
        for column in &mut witness.lanes[0].edges {
            column.fill(Field::ZERO);
        }
        witness
    }

    /// The table with the scores of leaves and a way through nodes, whatever the edges.
    fn forge(&self, leaves: &[usize], nodes: &[usize]) -> ProgramWitness {
        let mut witness = self.scored(&self.scores(leaves));
        let places = nodes.iter().map(|node| self.trees().places[*node]);
        let places: Vec<usize> = [0].into_iter().chain(places).collect();
        set_way(self.trees(), &places, &mut witness.lanes[0]);
        witness
    }

    /// Sets an edge from one place to the number of another.
    fn lead(&self, witness: &mut ProgramWitness, from: usize, to: i64) {
        let (row, slot) = self.trees().cell(from);
        let edge = to - self.trees().number(from);
        witness.lanes[0].edges[slot][row] = field(edge.into());
    }

    /// The place of a node.
    fn place(&self, node: usize) -> usize {
        self.trees().places[node]
    }

    /// Writes answers to the places of a feature, from the first threshold on; places behind them repeat
    /// the last.
    fn answer(&self, witness: &mut ProgramWitness, feature: usize, answers: &[i64]) {
        let trees = self.trees();
        let rows = &trees.features[trees.features.len() - 1 - feature];
        let places =
            (rows.start - trees.first) * trees.slots..(rows.end - trees.first) * trees.slots;
        let last = *answers.last().unwrap();
        let answers = answers.iter().chain(std::iter::repeat(&last));
        for (place, answer) in places.zip(answers) {
            let (row, slot) = trees.cell(place);
            witness.lanes[0].below[slot][row] = field((*answer).into());
        }
    }

    /// The answers at the places of a feature's questions.
    fn answers(&self, witness: &ProgramWitness, feature: usize) -> Vec<i64> {
        let trees = self.trees();
        let of_feature = |entry: &zkassay_circuit::program::trees::Entry| {
            entry.question.is_some_and(|(of, _)| of as usize == feature)
        };
        let places = trees.entries.iter().enumerate();
        let places = places.filter(|(_, entry)| of_feature(entry));
        let answer = |(place, _)| {
            let (row, slot) = trees.cell(place);
            i64::from(witness.lanes[0].below[slot][row] == Field::ONE)
        };
        places.map(answer).collect()
    }

    /// The place in its tree where a node leads, as its answer says.
    fn child(&self, node: usize) -> Child {
        let question = self.forest().nodes[node];
        match self.inputs[question.feature as usize] <= i64::from(question.rank) {
            true => question.yes,
            false => question.no,
        }
    }

    fn verdict(&self, witness: &ProgramWitness) -> std::collections::BTreeSet<String> {
        let verdict = self.checker.verdict(witness);
        assert_eq!(check(&self.compiled, witness).is_ok(), verdict.is_empty());
        verdict
    }

    #[track_caller]
    fn rejected(&self, witness: &ProgramWitness, by: &[&str]) {
        assert_eq!(self.verdict(witness), names(by));
    }
}

#[test]
fn a_node_cannot_be_skipped() {
    let mut skipped = 0;
    for case in cases() {
        let paths = case.paths();
        for (tree, (path, _)) in paths.iter().enumerate() {
            for at in 0..path.len() {
                let (mut nodes, mut leaves) = (vec![], vec![]);
                for (other, (path, leaf)) in paths.iter().enumerate() {
                    let is_there = |(i, _): &(usize, &usize)| other != tree || *i != at;
                    nodes.extend(path.iter().enumerate().filter(is_there).map(|(_, n)| *n));
                    // A leaf is part of the edge that leads to it, which has another length now.
                    if other != tree || at + 1 < path.len() {
                        leaves.push(*leaf);
                    }
                }
                let witness = case.forge(&leaves, &nodes);
                let verdict = case.verdict(&witness);
                assert!(verdict.contains(EDGE), "{verdict:?}");
                // Questions between others add nothing: nothing else stops them from being skipped.
                if at > 0 && at + 1 < path.len() {
                    assert_eq!(verdict, names(&[EDGE]));
                    skipped += 1;
                }
            }
        }
    }
    assert!(skipped > 10, "{skipped}");
}

#[test]
fn a_way_cannot_stop_or_change_trees_within_a_tree() {
    for case in cases() {
        let paths = case.paths();
        let mut stopped = 0;
        for (tree, (path, _)) in paths.iter().enumerate() {
            if path.len() < 2 {
                continue;
            }
            // From its root straight to the next one: the tree adds nothing.
            let nodes = |other: usize| match other == tree {
                true => vec![path[0]],
                false => paths[other].0.clone(),
            };
            let all: Vec<usize> = (0..paths.len()).flat_map(nodes).collect();
            let others = (0..paths.len()).filter(|other| *other != tree);
            let leaves: Vec<usize> = others.map(|other| paths[other].1).collect();
            case.rejected(&case.forge(&leaves, &all), &[EDGE]);
            stopped += 1;
            // From its root into the midst of the next tree.
            let Some((next, leaf)) = paths.get(tree + 1) else {
                continue;
            };
            if next.len() > 1 {
                let nodes = |other: usize| match other {
                    other if other == tree => vec![path[0]],
                    other if other == tree + 1 => next[1..].to_vec(),
                    other => paths[other].0.clone(),
                };
                let all: Vec<usize> = (0..paths.len()).flat_map(nodes).collect();
                assert!(leaves.contains(leaf));
                case.rejected(&case.forge(&leaves, &all), &[EDGE]);
            }
        }
        assert!(stopped > 0);
    }
}

#[test]
fn a_tree_cannot_be_left_out() {
    for case in cases() {
        let paths = case.paths();
        for tree in 0..paths.len() {
            let others = || (0..paths.len()).filter(|other| *other != tree);
            let nodes: Vec<usize> = others().flat_map(|other| paths[other].0.clone()).collect();
            let leaves: Vec<usize> = others().map(|other| paths[other].1).collect();
            // By an edge past it, to which the leaf's scores do not belong.
            let verdict = case.verdict(&case.forge(&leaves, &nodes));
            assert!(verdict.contains(EDGE), "{verdict:?}");
            // With nothing but edges that there are.
            let mut witness = case.honest();
            for node in &paths[tree].0 {
                let place = case.place(*node);
                case.lead(&mut witness, place, case.trees().number(place));
            }
            let edges = witness.lanes[0].edges.clone();
            let mut witness = case.scored(&case.scores(&leaves));
            witness.lanes[0].edges = edges;
            case.rejected(&witness, &[LOOKUPS]);
        }
    }
}

#[test]
fn a_tree_cannot_be_visited_twice_or_instead_of_another() {
    let mut twice = 0;
    for case in cases() {
        let paths = case.paths();
        let honest: Vec<usize> = paths.iter().map(|(_, leaf)| *leaf).collect();
        for (tree, nodes) in case.forest().trees().enumerate() {
            // Other nodes of the tree that lead to a leaf, with the edge that their answer has.
            for node in nodes {
                let Child::Leaf(leaf) = case.child(node) else {
                    continue;
                };
                if paths[tree].0.contains(&node) {
                    continue;
                }
                let next = case.forest().roots.get(tree + 1);
                let next = next.map_or(0, |root| case.place(*root as usize));
                let leaves = [&honest[..], &[leaf as usize]].concat();
                let mut witness = case.honest();
                case.lead(&mut witness, case.place(node), case.trees().number(next));
                let edges = witness.lanes[0].edges.clone();
                let mut witness = case.scored(&case.scores(&leaves));
                witness.lanes[0].edges = edges;
                case.rejected(&witness, &[LOOKUPS]);
                // Instead of another tree, so that there are as many leaves as trees.
                let other = (tree + 1) % paths.len();
                let mut leaves = leaves;
                leaves.remove(other);
                for node in &paths[other].0 {
                    let place = case.place(*node);
                    case.lead(&mut witness, place, case.trees().number(place));
                }
                let edges = witness.lanes[0].edges.clone();
                let mut witness = case.scored(&case.scores(&leaves));
                witness.lanes[0].edges = edges;
                case.rejected(&witness, &[LOOKUPS]);
                twice += 1;
            }
        }
        // A tree's last question back to its own root, and then on as if it were the next.
        let (path, _) = &paths[0];
        let mut witness = case.honest();
        let (root, last) = (case.place(path[0]), case.place(path[path.len() - 1]));
        if root != last {
            case.lead(&mut witness, last, case.trees().number(root));
            let verdict = case.verdict(&witness);
            assert!(
                verdict.contains(EDGE) && verdict.contains(LOOKUPS),
                "{verdict:?}"
            );
        }
    }
    assert!(twice > 10, "{twice}");
}

#[test]
fn a_way_is_not_empty() {
    for case in cases() {
        for scores in [case.scores(&[]), vec![0; case.forest().bias.len()]] {
            // Nothing is visited: the sum of the edges is zero, and the scores are not.
            case.rejected(&case.scored(&scores), &[LINEAR]);
        }
        // The start alone, with its own edge.
        let mut witness = case.scored(&case.scores(&[]));
        let root = case.place(case.forest().roots[0] as usize);
        case.lead(&mut witness, 0, case.trees().number(root));
        case.rejected(&witness, &[LOOKUPS]);
    }
}

#[test]
fn a_way_is_one_cycle() {
    // The start and every tree but one in one cycle, that one in another: its leaf back to its root.
    for case in cases() {
        let paths = case.paths();
        for tree in 0..paths.len() {
            let others = (0..paths.len()).filter(|other| *other != tree);
            let nodes: Vec<usize> = others.flat_map(|other| paths[other].0.clone()).collect();
            let honest: Vec<usize> = paths.iter().map(|(_, leaf)| *leaf).collect();
            let mut witness = case.forge(&honest, &nodes);
            let places: Vec<usize> = paths[tree].0.iter().map(|n| case.place(*n)).collect();
            if places.len() > 1 {
                set_way(case.trees(), &places, &mut witness.lanes[0]);
                let verdict = case.verdict(&witness);
                assert!(
                    verdict.contains(EDGE) && !verdict.contains(LOOKUPS),
                    "{verdict:?}"
                );
            }
            // Two questions of a tree that lead to each other, beside an honest way.
            let unused: Vec<usize> = case
                .forest()
                .trees()
                .nth(tree)
                .unwrap()
                .filter(|node| !paths[tree].0.contains(node))
                .map(|node| case.place(node))
                .collect();
            if let [a, b, ..] = unused[..] {
                let mut witness = case.honest();
                set_way(case.trees(), &[a, b], &mut witness.lanes[0]);
                let verdict = case.verdict(&witness);
                assert!(
                    verdict.contains(EDGE) && !verdict.contains(LOOKUPS),
                    "{verdict:?}"
                );
            }
        }
    }
}

#[test]
fn a_decision_is_that_of_the_answer() {
    let mut decided = 0;
    for case in cases() {
        let paths = case.paths();
        for (tree, (path, path_leaf)) in paths.iter().enumerate() {
            for (at, node) in path.iter().enumerate() {
                // The other branch, and from there on as the answers say.
                let question = case.forest().nodes[*node];
                let other = match case.child(*node) == question.yes {
                    true => question.no,
                    false => question.yes,
                };
                let (rest, leaf) = match other {
                    Child::Leaf(leaf) => (vec![], leaf as usize),
                    Child::Node(next) => walk(case.forest(), next, &case.ranks()),
                };
                let mut paths = paths.clone();
                paths[tree] = ([&path[..=at], &rest].concat(), leaf);
                let leaves: Vec<usize> = paths.iter().map(|(_, leaf)| *leaf).collect();
                let nodes: Vec<usize> = paths.into_iter().flat_map(|(nodes, _)| nodes).collect();
                let witness = case.forge(&leaves, &nodes);
                // After both answers a leaf leads to the same root: only its scores are others.
                let both_leaves = matches!(
                    (question.yes, question.no),
                    (Child::Leaf(_), Child::Leaf(_))
                );
                // The same leaf by another name.
                let forest = case.forest();
                if both_leaves && forest.leaves[leaf] == forest.leaves[*path_leaf] {
                    continue;
                }
                let by = if both_leaves { LINEAR } else { EDGE };
                let verdict = case.verdict(&witness);
                assert!(verdict.contains(by), "{verdict:?}");
                decided += 1;
            }
        }
    }
    assert!(decided > 100, "{decided}");
}

#[test]
fn answers_are_those_of_the_inputs_ranks() {
    // Everything is as if a feature had another rank, but for the input. Among them: the wrong side of an
    // equality (rank + 1), and the rank of another feature.
    for case in cases() {
        for feature in 0..case.forest().features.len() {
            let count = i64::from(case.forest().features[feature]);
            for rank in (0..=count).filter(|rank| *rank != case.inputs[feature]) {
                let mut other = Case {
                    inputs: case.inputs.clone(),
                    ..case_of(&case)
                };
                other.inputs[feature] = rank;
                let lanes = other.honest().lanes;
                let program = case.compiled.program();
                let leaves: Vec<usize> = other.paths().iter().map(|(_, leaf)| *leaf).collect();
                let first = case.trees().first_score;
                let forced: Vec<_> = (first..).zip(case.scores(&leaves)).collect();
                let claimed = evaluate(program, &case.inputs, &forced);
                let mut witness = fill(&case.compiled, &claimed);
                witness.lanes[0].below.clone_from(&lanes[0].below);
                witness.lanes[0].edges.clone_from(&lanes[0].edges);
                case.rejected(&witness, &[LINEAR]);
            }
        }
    }
}

/// Another view of the same table.
fn case_of(case: &Case) -> Case {
    Case {
        compiled: case.compiled.clone(),
        checker: Checker::new(&case.compiled),
        inputs: case.inputs.clone(),
    }
}

#[test]
fn a_rank_is_at_most_the_number_of_thresholds() {
    for mut case in cases() {
        for feature in 0..case.forest().features.len() {
            let honest = case.inputs[feature];
            let count = i64::from(case.forest().features[feature]);
            for rank in [-1, count + 1, -count - 1] {
                case.inputs[feature] = rank;
                case.rejected(&case.honest(), &[LINEAR]);
            }
            case.inputs[feature] = honest;
        }
    }
}

#[test]
fn answers_go_up_once() {
    let mut tested = 0;
    for case in cases() {
        let honest = case.honest();
        for feature in 0..case.forest().features.len() {
            // The same number of answers, in another order: the rank stays what it is.
            let answers = case.answers(&honest, feature);
            if answers.len() < 2 || answers[0] == answers[answers.len() - 1] {
                continue;
            }
            let mut witness = honest.clone();
            let reversed: Vec<i64> = answers.iter().rev().copied().collect();
            case.answer(&mut witness, feature, &reversed);
            let verdict = case.verdict(&witness);
            assert!(verdict.contains(STEP), "{verdict:?}");
            tested += 1;
        }
    }
    assert!(tested > 2, "{tested}");
}

#[test]
fn answers_are_not_more_than_one() {
    // 0, 1, 2 adds up to the rank of 1, 1, 1, and its first answer is another.
    use Child::{Leaf, Node};
    let forest = Forest {
        features: vec![3],
        nodes: vec![
            node(0, 0, Leaf(0), Node(1)),
            node(0, 1, Leaf(1), Node(2)),
            node(0, 2, Leaf(2), Leaf(3)),
        ],
        roots: vec![0],
        leaves: [10, 20, 30, 40].map(|leaf| vec![leaf]).into(),
        bias: vec![3],
    };
    let compiled = compile(only(forest));
    let case = Case {
        checker: Checker::new(&compiled),
        compiled,
        inputs: vec![0],
    };
    assert_eq!(case.verdict(&case.honest()), names(&[]));
    assert_eq!(case.honest().outputs, [13]);
    let mut witness = case.forge(&[1], &[0, 1]);
    assert_eq!(witness.outputs, [23]);
    case.answer(&mut witness, 0, &[0, 1, 2]);
    case.rejected(&witness, &[END]);
    // Answers 1, 0, 2 and 0, 0, 3.
    for answers in [[1, 0, 2], [0, 0, 3]] {
        case.answer(&mut witness, 0, &answers);
        assert!(case.verdict(&witness).contains(END));
    }
}

#[test]
fn equal_questions_have_equal_answers() {
    // Two trees ask the same; only the first of the two places counts for the rank.
    use Child::Leaf;
    let forest = Forest {
        features: vec![1],
        nodes: vec![node(0, 0, Leaf(0), Leaf(1)), node(0, 0, Leaf(2), Leaf(3))],
        roots: vec![0, 1],
        leaves: [10, 20, 30, 40].map(|leaf| vec![leaf]).into(),
        bias: vec![3],
    };
    let compiled = compile(only(forest));
    for (rank, leaves, answers) in [(1, [1, 2], [0, 1]), (0, [0, 3], [1, 0])] {
        let case = Case {
            checker: Checker::new(&compiled),
            compiled: compiled.clone(),
            inputs: vec![rank],
        };
        assert_eq!(case.verdict(&case.honest()), names(&[]));
        let mut witness = case.forge(&leaves, &[0, 1]);
        case.answer(&mut witness, 0, &answers);
        case.rejected(&witness, &[STEP]);
    }
}

#[test]
fn scores_do_not_make_up_for_each_other() {
    // 2^n of one score are 1 of the next in the packed sum.
    for case in cases() {
        let scores = case.forest().bias.len();
        let is_last = case.compiled.program().steps.len() == 1;
        let honest = case.honest();
        let edges = honest.lanes[0].edges.clone();
        let leaves: Vec<usize> = case.paths().iter().map(|(_, leaf)| *leaf).collect();
        let bits = LIMBS.total_bits();
        for score in 0..scores {
            for change in [1, -1] {
                let mut forced = case.scores(&leaves);
                forced[score] += change;
                let mut witness = case.scored(&forced);
                witness.lanes[0].edges.clone_from(&edges);
                case.rejected(&witness, &[LINEAR]);
                // What reads them has no room for scores of that size.
                if score + 1 == scores || !is_last {
                    continue;
                }
                let mut forced = case.scores(&leaves);
                forced[score] += change << bits;
                forced[score + 1] -= change;
                let mut witness = case.scored(&forced);
                witness.lanes[0].edges.clone_from(&edges);
                assert!(!case.verdict(&witness).contains(LINEAR));
                // The limb that it needs.
                let row = honest_row(&case, score);
                let top = LIMBS.total as usize - 1;
                let limb = witness.lanes[0].limbs[top][row] + field(change << LIMBS.bits);
                set_limb(&mut witness, top, row, limb);
                let verdict = case.verdict(&witness);
                assert!(
                    verdict.contains(LOOKUPS) && !verdict.contains(LINEAR),
                    "{verdict:?}"
                );
            }
        }
    }
}

/// The row of a score's wire.
fn honest_row(case: &Case, score: usize) -> usize {
    let wire = case.trees().first_score + score;
    let rows = crate::attacks::wire_rows(&case.compiled);
    rows.iter().find(|(_, of, ..)| *of == wire).unwrap().0
}

#[test]
fn edges_lead_from_nodes_to_nodes() {
    for case in cases() {
        let honest = case.honest();
        let trees = case.trees();
        // From every place that has no node, to the first and to itself as far as that can be.
        for (place, entry) in trees.entries.iter().enumerate().skip(1) {
            if entry.node.is_none() {
                let mut witness = honest.clone();
                case.lead(&mut witness, place, trees.number(0));
                let failing = case.checker.verdict(&witness);
                assert_eq!(failing, names(&[EDGE, LOOKUPS]), "place {place}");
            }
        }
        // A cycle of two places without nodes.
        let unused: Vec<usize> = (1..trees.entries.len())
            .filter(|place| trees.entries[*place].node.is_none())
            .collect();
        if let [a, b, ..] = unused[..] {
            let mut witness = honest.clone();
            set_way(trees, &[a, b], &mut witness.lanes[0]);
            case.rejected(&witness, &[EDGE]);
        }
        // From the start to another root, to nowhere, and from a node to numbers that nothing has.
        let other = case.forest().roots.last().unwrap();
        let mut witness = honest.clone();
        case.lead(&mut witness, 0, trees.number(case.place(*other as usize)));
        assert!(case.verdict(&witness).contains(EDGE));
        let visited = case.place(case.path(0).0[0]);
        for place in [0, visited] {
            for number in [0, -trees.number(place), trees.number(trees.entries.len())] {
                let mut witness = honest.clone();
                case.lead(&mut witness, place, number);
                let verdict = case.verdict(&witness);
                assert!(
                    verdict.contains(EDGE) && verdict.contains(LOOKUPS),
                    "{verdict:?}"
                );
            }
        }
    }
}

#[test]
fn edges_in_rows_without_trees_are_zero() {
    let case = &cases()[2];
    let trees = case.trees();
    let outside =
        (0..case.checker.last_row()).filter(|row| !(trees.first..trees.end()).contains(row));
    for row in outside {
        for slot in 0..trees.slots {
            let mut witness = case.honest();
            witness.lanes[0].edges[slot][row] = Field::ONE;
            let verdict = case.checker.verdict(&witness);
            assert!(verdict.contains(EDGE), "row {row}");
            let mut witness = case.honest();
            witness.lanes[0].below[slot][row] = Field::ONE;
            assert!(case.checker.verdict(&witness).contains(STEP), "row {row}");
        }
    }
}

#[test]
fn nobody_promises_what_scores_add_up_to() {
    // A score beyond its limbs would be one less of the next.
    let mut forest = three_trees();
    forest.leaves[0][0] = 1 << 30;
    let mut program = only(forest);
    assert!(CompiledProgram::with_options(program.clone(), &CompileOptions::default()).is_err());
    program.steps[0].bound = Some(10);
    let error = CompiledProgram::with_options(program.clone(), &CompileOptions::default());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("bound"), "{error}");
    // Nor more scores than one element holds: 9 of 30 bits.
    let mut forest = three_trees();
    forest.bias = vec![0; 9];
    forest.leaves = vec![vec![1; 9]; 10];
    program.outputs = 9;
    (program.steps[0].kind, program.steps[0].bound) = (Kind::Forest(forest), None);
    assert!(CompiledProgram::with_options(program, &CompileOptions::default()).is_err());
}
