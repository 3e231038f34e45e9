//! What stands before trees becomes part of their thresholds; what cannot, keeps the old lowering.

use ndarray::{Array1, ArrayView1};
use zkassay_graph::{Aggregate, Arithmetic, Function, Graph, Op, Source, TreeNode, Trees};
use zkassay_quant::{
    CalibrationParams, Encoding, IntegerModel, IntegerScheme, Kind, Program, calibrate_model,
    quantize_model, quantize_program,
};
use zkassay_seed::Stream;

use crate::forests::{BRANCHES, Kinds, around, ensemble, forest, ranked, scheme};
use crate::support::{Builder, rows};

fn elementwise(arithmetic: Arithmetic, constant: Vec<f32>) -> Op {
    Op::Elementwise {
        arithmetic,
        constant: Array1::from_vec(constant),
    }
}

/// The thresholds of each feature, in raw numbers.
fn thresholds(program: &Program) -> Vec<(usize, Vec<f32>)> {
    match &program.encoding {
        Encoding::Ranks { ranks, .. } => ranks
            .iter()
            .map(|ranks| (ranks.feature, ranks.thresholds.clone()))
            .collect(),
        Encoding::Scaled | Encoding::Shifted { .. } => Vec::new(),
    }
}

/// The scores of rows at the thresholds and beside them are those of the graph, to the bit.
fn assert_exact(graph: &Graph, program: &Program, stream: &mut Stream) {
    let thresholds = thresholds(program);
    let mut numbers = vec![around(&[0.0, 1.0]); graph.inputs()];
    for (feature, own) in &thresholds {
        numbers[*feature].extend(around(own));
        numbers[*feature].extend([f32::MAX, f32::MIN]);
    }
    for _ in 0..400 {
        let row: Vec<f32> = numbers
            .iter()
            .map(|numbers| numbers[stream.below(numbers.len())])
            .collect();
        let expected = graph.evaluate(ArrayView1::from(&row)).unwrap();
        let trace = program.evaluate(&row).unwrap();
        let found = program.output_reals(&trace);
        let expected: Vec<f64> = expected.into_iter().map(f64::from).collect();
        assert_eq!(found, expected, "{row:?}");
    }
}

#[test]
fn scalers_and_moves_become_thresholds() {
    for seed in 0..30 {
        let mut stream = Stream::new(seed, "prefixes");
        let mut draw = |scale: f64| -> Vec<f32> {
            let mut number = || (stream.normal() * scale) as f32;
            (0..5).map(|_| number()).collect()
        };
        let mut b = Builder::new(&[1, 5], 1);
        let mut x = b.same(elementwise(Arithmetic::Subtract, draw(1e4)), 0);
        // Negative factors turn the order around.
        let by = match seed % 3 {
            0 => elementwise(Arithmetic::Divide, draw(100.0)),
            1 => elementwise(Arithmetic::Multiply, draw(1e-3)),
            _ => elementwise(Arithmetic::Multiply, vec![0.0, -1.0, 1e30, -1e-30, 0.1]),
        };
        x = b.same(by, x);
        let element = |index| Source::Element { operand: 0, index };
        let sources = vec![
            element(4),
            element(2),
            Source::Constant(0.25),
            element(0),
            element(2),
            element(1),
        ];
        x = b.node(Op::Rearrange(sources), &[x], &[1, 6]);
        if seed % 2 == 0 {
            x = b.same(Op::Map(Function::Clip(-3.0, 5.0)), x);
            x = b.same(elementwise(Arithmetic::Add, vec![0.1; 6]), x);
        }
        let own: Vec<f32> = (0..12).map(|_| (stream.normal() * 2.0) as f32).collect();
        let trees = ensemble(
            &mut stream,
            &Kinds {
                inputs: 6,
                trees: 6,
                depth: 6,
                thresholds: &own,
                branches: &BRANCHES,
            },
        );
        b.node(Op::Trees(trees), &[x], &[1, 1]);
        // 1e30 x 1e9 is beyond float32, but not beyond its infinity.
        let lowered = quantize_program(&b.graph, &scheme()).unwrap();
        assert_eq!(lowered.folded.len(), 1, "{:?}", lowered.folded);
        assert!(lowered.folded[0].nodes.len() >= 3);
        let program = lowered.program;
        assert!(thresholds(&program).iter().all(|(at, _)| *at != 3));
        assert_exact(&b.graph, &program, &mut stream);
    }
}

#[test]
fn rows_of_features_in_one_input_are_one_forest() {
    // Two rows, and an ensemble for each of two nodes.
    let mut stream = Stream::new(1, "runs");
    let own = [-1.0, 0.0, 0.5, 2.0];
    let mut kinds = |trees| {
        ensemble(
            &mut stream,
            &Kinds {
                inputs: 3,
                trees,
                depth: 4,
                thresholds: &own,
                branches: &BRANCHES,
            },
        )
    };
    let (first, mut second) = (kinds(3), kinds(4));
    second.aggregate = Aggregate::Average;
    second.base = vec![7.25];
    let mut b = Builder::new(&[2, 3], 1);
    let x = b.node(Op::Trees(first), &[0], &[2, 1]);
    let y = b.node(Op::Trees(second), &[0], &[2, 1]);
    let element = |operand, index| Source::Element { operand, index };
    let sources = vec![element(0, 0), element(1, 1), element(1, 0), element(0, 1)];
    b.node(Op::Rearrange(sources), &[x, y], &[4]);
    let program = quantize_program(&b.graph, &scheme()).unwrap().program;
    assert_eq!(forest(&program).bias.len(), 4);
    let mut worst = 0f64;
    for row in rows(300, 6, 1.0, 3).outer_iter() {
        let halves: Vec<f32> = row.iter().map(|x| (x * 2.0).round() / 2.0).collect();
        let expected = b.graph.evaluate(ArrayView1::from(&halves)).unwrap();
        let found = program.output_reals(&program.evaluate(&halves).unwrap());
        for (a, b) in found.iter().zip(expected) {
            worst = worst.max((a - f64::from(b)).abs());
        }
    }
    assert!(worst < 1e-4, "{worst}");
}

/// Graphs whose input is read by something else than trees, or in another way.
fn others() -> Vec<(&'static str, Graph)> {
    let trees = || {
        let mut stream = Stream::new(3, "others");
        ensemble(
            &mut stream,
            &Kinds {
                inputs: 2,
                trees: 3,
                depth: 3,
                thresholds: &[-1.0, 0.0, 0.5],
                branches: &BRANCHES,
            },
        )
    };
    let mut found = Vec::new();
    let mut b = Builder::new(&[1, 2], 1);
    let x = b.dense(0, 2, 2);
    b.node(Op::Trees(trees()), &[x], &[1, 1]);
    found.push(("computed", b.graph));
    let mut b = Builder::new(&[1, 2], 1);
    let x = b.node(Op::Trees(trees()), &[0], &[1, 1]);
    let y = b.dense(0, 2, 1);
    b.node(Op::Binary(zkassay_graph::Binary::Add), &[x, y], &[1, 1]);
    found.push(("read twice", b.graph));
    let mut b = Builder::new(&[1, 2], 1);
    let x = b.same(Op::Map(Function::Abs), 0);
    b.node(Op::Trees(trees()), &[x], &[1, 1]);
    found.push(("not monotone", b.graph));
    let mut b = Builder::new(&[1, 2], 1);
    // Infinity times zero.
    let x = b.same(elementwise(Arithmetic::Multiply, vec![1e30; 2]), 0);
    let x = b.same(elementwise(Arithmetic::Multiply, vec![0.0; 2]), x);
    b.node(Op::Trees(trees()), &[x], &[1, 1]);
    found.push(("no number", b.graph));
    let mut b = Builder::new(&[1, 2], 1);
    let mut extreme = trees();
    extreme.aggregate = Aggregate::Max;
    b.node(Op::Trees(extreme), &[0], &[1, 1]);
    found.push(("maximum", b.graph));
    let mut b = Builder::new(&[1, 2], 1);
    let constant = Trees {
        nodes: vec![TreeNode::Leaf(vec![(0, 1.5)])],
        roots: vec![0],
        ..trees()
    };
    b.node(Op::Trees(constant), &[0], &[1, 1]);
    found.push(("constant", b.graph));
    found
}

#[test]
fn everything_else_keeps_the_comparisons() {
    let params = CalibrationParams::new(8).unwrap();
    for (what, graph) in others() {
        let error = quantize_program(&graph, &scheme()).unwrap_err();
        assert!(error.to_string().contains("ranks"), "{what}: {error}");
        let calibrating = rows(50, 2, 1.0, 5);
        let calibration = calibrate_model(&graph, calibrating.view(), &params).unwrap();
        let IntegerModel::Program(program) = &calibration.model else {
            unreachable!()
        };
        assert_eq!(program.encoding, Encoding::Scaled, "{what}");
        let is_forest = |kind: &Kind| matches!(kind, Kind::Forest(_));
        assert!(!program.steps.iter().any(|step| is_forest(&step.kind)));
        assert!(calibration.fidelity.overall.agreement > 0.9, "{what}");
    }
}

#[test]
fn schemes_without_ranks_keep_the_comparisons() {
    let mut stream = Stream::new(2, "old");
    let trees = ensemble(
        &mut stream,
        &Kinds {
            inputs: 3,
            trees: 3,
            depth: 4,
            thresholds: &[-1.0, 0.0, 0.5],
            branches: &BRANCHES,
        },
    );
    let graph = crate::forests::graph(&trees);
    let old = crate::support::lowered(&graph).program;
    assert_eq!((&old.encoding, old.inputs), (&Encoding::Scaled, 3));
    let new = ranked(&graph);
    for row in rows(200, 3, 1.0, 1).outer_iter() {
        let halves: Vec<f32> = row.iter().map(|x| (x * 2.0).round() / 2.0).collect();
        let [a, b] = [&old, &new].map(|p| p.output_reals(&p.evaluate(&halves).unwrap()));
        assert!((a[0] - b[0]).abs() < 1e-3, "{a:?} {b:?}");
    }
    // Ranks have no range.
    let mut wrong = scheme();
    wrong.range = 1.0;
    let error = quantize_program(&graph, &wrong).unwrap_err();
    assert!(error.to_string().contains("0 for ranks"), "{error}");
}

#[test]
fn features_of_any_magnitude_calibrate() {
    let mut stream = Stream::new(4, "magnitudes");
    let own = [1e-30, 3e12, -7e37, 0.5];
    let trees = ensemble(
        &mut stream,
        &Kinds {
            inputs: 3,
            trees: 5,
            depth: 5,
            thresholds: &own,
            branches: &BRANCHES,
        },
    );
    let graph = crate::forests::graph(&trees);
    let numbers = around(&own);
    let rows =
        ndarray::Array2::from_shape_simple_fn((100, 3), || numbers[stream.below(numbers.len())]);
    let params = CalibrationParams::new(8).unwrap();
    let calibration = calibrate_model(&graph, rows.view(), &params).unwrap();
    let overall = calibration.fidelity.overall;
    assert_eq!((overall.max, overall.out_of_range), (0.0, 0));
    let IntegerScheme::Program(found) = &calibration.scheme else {
        unreachable!()
    };
    assert!(found.ranks && found.range == 0.0);
    // The file of a scheme gives the same program; one of before has no ranks.
    let json = serde_json::to_string(&calibration.scheme).unwrap();
    let again: IntegerScheme = serde_json::from_str(&json).unwrap();
    assert_eq!(quantize_model(&graph, &again).unwrap(), calibration.model);
    let old = serde_json::to_string(&crate::support::scheme()).unwrap();
    assert!(!old.contains("ranks"), "{old}");
    assert_eq!(calibration.model.row_length(), 3);
    // So does the file of a program.
    let json = serde_json::to_string(&calibration.model).unwrap();
    let again: IntegerModel = serde_json::from_str(&json).unwrap();
    assert_eq!(again, calibration.model);
}
