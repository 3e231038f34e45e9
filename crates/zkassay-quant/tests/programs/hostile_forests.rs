//! Programs with trees from files that no calibration makes.

use zkassay_graph::Aggregate;
use zkassay_quant::{Child, Encoding, Finish, Forest, Kind, Program, QuantError, Ranks, Step, Sum};
use zkassay_seed::Stream;

use crate::forests::{BRANCHES, Kinds, ensemble, forest, graph, ranked};

fn program() -> Program {
    let mut stream = Stream::new(9, "hostile");
    let mut trees = ensemble(
        &mut stream,
        &Kinds {
            inputs: 3,
            trees: 4,
            depth: 4,
            thresholds: &[-1.0, 0.0, 0.5, 2.0],
            branches: &BRANCHES,
        },
    );
    trees.aggregate = Aggregate::Sum;
    ranked(&graph(&trees))
}

fn trees(program: &mut Program) -> &mut Forest {
    match &mut program.steps[0].kind {
        Kind::Forest(forest) => forest,
        other => unreachable!("{other:?}"),
    }
}

fn ranks(program: &mut Program) -> &mut Vec<Ranks> {
    match &mut program.encoding {
        Encoding::Ranks { ranks, .. } => ranks,
        Encoding::Scaled | Encoding::Shifted { .. } => unreachable!(),
    }
}

/// The message with which a changed program is refused.
fn refused(change: impl FnOnce(&mut Program)) -> String {
    let mut program = program();
    change(&mut program);
    // Refused before and after its file.
    let error = program.validate().unwrap_err();
    let is_known = matches!(
        error,
        QuantError::Invalid { .. } | QuantError::Overflow { .. }
    );
    assert!(is_known, "{error}");
    if let Ok(json) = serde_json::to_string(&program)
        && let Ok(again) = serde_json::from_str::<Program>(&json)
    {
        assert!(again.validate().is_err());
    }
    error.to_string()
}

fn with(words: &str, change: impl FnOnce(&mut Program)) {
    let message = refused(change);
    assert!(message.contains(words), "no {words:?} in: {message}");
}

#[test]
fn programs_with_trees_survive_json() {
    let program = program();
    program.validate().unwrap();
    assert!(forest(&program).roots.len() > 1 && forest(&program).features.len() == 3);
    let json = serde_json::to_string(&program).unwrap();
    assert_eq!(serde_json::from_str::<Program>(&json).unwrap(), program);
    // Fields that nobody knows.
    let odd = json.replacen("\"roots\":", "\"more\":1,\"roots\":", 1);
    assert!(serde_json::from_str::<Program>(&odd).is_err());
}

#[test]
fn questions_lead_to_nodes_behind_them_in_their_tree() {
    let behind = "not behind it";
    with(behind, |p| trees(p).nodes[0].yes = Child::Node(0));
    with(behind, |p| trees(p).nodes[2].no = Child::Node(1));
    with(behind, |p| trees(p).nodes[0].yes = Child::Node(u32::MAX));
    with(behind, |p| {
        let forest = trees(p);
        forest.nodes[0].no = Child::Node(forest.roots[1]);
    });
    with(behind, |p| {
        let forest = trees(p);
        let root = forest.roots[1] as usize;
        forest.nodes[root].no = Child::Node(1);
    });
    with(behind, |p| {
        let forest = trees(p);
        forest.nodes[0].no = Child::Node(forest.nodes.len() as u32);
    });
    with(behind, |p| trees(p).nodes[0].no = Child::Leaf(u32::MAX));
    with(behind, |p| {
        let forest = trees(p);
        forest.nodes[0].no = Child::Leaf(forest.leaves.len() as u32);
    });
    with(behind, |p| trees(p).leaves.clear());
}

#[test]
fn roots_increase_from_the_first_node() {
    let roots = "no or several roots";
    with(roots, |p| trees(p).roots.clear());
    with(roots, |p| trees(p).roots[0] = 1);
    with(roots, |p| trees(p).roots[1] = 0);
    with(roots, |p| {
        let last = trees(p).roots.len() - 1;
        trees(p).roots.swap(1, last);
    });
    with(roots, |p| {
        let count = trees(p).nodes.len() as u32;
        trees(p).roots.push(count);
    });
    with(roots, |p| trees(p).roots.push(u32::MAX));
    with(roots, |p| trees(p).nodes.clear());
}

#[test]
fn questions_are_about_thresholds_that_are_there() {
    let question = "a feature or threshold that is not there";
    with(question, |p| trees(p).nodes[0].feature = 3);
    with(question, |p| trees(p).nodes[0].feature = u32::MAX);
    with(question, |p| {
        let feature = trees(p).nodes[0].feature as usize;
        trees(p).nodes[0].rank = trees(p).features[feature];
    });
    with(question, |p| trees(p).nodes[0].rank = u32::MAX);
    let ranked = "do not ask about the ranks";
    with(ranked, |p| trees(p).features[0] += 1);
    with(ranked, |p| trees(p).features[1] = 0);
    with(ranked, |p| trees(p).features.push(1));
    with(ranked, |p| {
        ranks(p)[0].thresholds.pop();
    });
    with("inputs are no ranks", |p| p.encoding = Encoding::Scaled);
}

#[test]
fn leaves_have_every_score_and_fit() {
    let leaves = "too many or too few scores";
    with(leaves, |p| trees(p).leaves[0].push(1));
    with(leaves, |p| trees(p).leaves[1].clear());
    with(leaves, |p| {
        trees(p).bias.push(0);
        p.outputs = 2;
    });
    with("not the wires of its last step", |p| trees(p).bias.push(0));
    with("without wires", |p| trees(p).bias.clear());
    refused(|p| trees(p).leaves[0][0] = i64::MAX);
    refused(|p| trees(p).leaves[0][0] = i64::MIN);
    refused(|p| trees(p).leaves.iter_mut().for_each(|l| l[0] = i64::MIN));
    refused(|p| trees(p).bias[0] = i64::MIN);
    refused(|p| trees(p).bias[0] = i64::MAX);
    with("that a proof packs", |p| {
        let forest = trees(p);
        forest.bias = vec![0; 7];
        forest.leaves.iter_mut().for_each(|leaf| *leaf = vec![0; 7]);
        p.outputs = 7;
    });
    for finish in [
        Finish::Round,
        Finish::Relu,
        Finish::ExactRelu,
        Finish::Nonnegative,
    ] {
        with("trees are exact", |p| p.steps[0].finish = finish);
    }
}

#[test]
fn ranks_are_those_of_the_inputs() {
    let inputs = "inputs are not its ranks";
    with(inputs, |p| p.inputs += 1);
    with(inputs, |p| p.labelled = true);
    with(inputs, |p| p.input_scale.0 = 1);
    with(inputs, |p| {
        ranks(p).pop();
    });
    with(inputs, |p| ranks(p).clear());
    let features = "features that are not there";
    with(features, |p| ranks(p)[2].feature = 3);
    with(features, |p| ranks(p)[2].feature = usize::MAX);
    with(features, |p| ranks(p)[1].feature = 0);
    with(features, |p| ranks(p).swap(0, 1));
    with(features, |p| {
        if let Encoding::Ranks { features, .. } = &mut p.encoding {
            *features = usize::MAX;
        }
    });
    let order = "not in order, or too many";
    with(order, |p| ranks(p)[0].thresholds.clear());
    with(order, |p| ranks(p)[0].thresholds[0] = f32::NAN);
    with(order, |p| ranks(p)[0].thresholds[0] = f32::NEG_INFINITY);
    with(order, |p| ranks(p)[0].thresholds.reverse());
    with(order, |p| ranks(p)[0].thresholds[0] = 2.0);
    with(order, |p| {
        ranks(p)[0].thresholds = (0..40_000).map(|t| t as f32).collect();
    });
    // Zero is there once.
    with(order, |p| {
        ranks(p)[0].thresholds = vec![-0.0, 0.0];
    });
}

#[test]
fn there_is_one_forest_and_later_steps_may_read_it() {
    with("more than one forest", |p| {
        let again = p.steps[0].clone();
        p.steps.push(again);
    });
    let mut program = program();
    let score = program.inputs;
    program.steps.push(Step {
        name: "twice".into(),
        kind: Kind::Sums(vec![Sum {
            terms: vec![(score, 2)],
            bias: 1,
        }]),
        finish: Finish::Exact,
        bound: None,
    });
    program.validate().unwrap();
    let trace = program.evaluate(&[0.0, 1.0, -1.0]).unwrap();
    assert_eq!(trace.outputs, [2 * trace.wires[score] + 1]);
    // A label comes after the ranks, and is no part of the trees.
    program.labelled = true;
    program.inputs += 1;
    program.steps.pop();
    program.validate().unwrap();
    assert_eq!(program.row_length(), 4);
    let labelled = program.evaluate(&[0.0, 1.0, -1.0, 2.0]).unwrap();
    assert_eq!(labelled.wires[score..], [2, trace.wires[score]]);
    assert!(program.evaluate(&[0.0, 1.0, -1.0, 0.5]).is_err());
    assert!(program.evaluate(&[0.0, 1.0, -1.0, 1e9]).is_err());
}
