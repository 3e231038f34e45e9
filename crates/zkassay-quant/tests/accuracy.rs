//! Programs that count say what their outputs and the label say.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use ndarray::{Array1, Array2, Array4};
use zkassay_fixed::Scale;
use zkassay_graph::{Aggregate, Branch, Conv, Dense, Graph, Op, Order, TreeNode, Trees};
use zkassay_quant::{
    Answer, CalibrationParams, Count, Counting, Encoding, Finish, IntegerModel, Kind, Program,
    ProgramLimbs, QuantError, Step, Sum, calibrate_program,
};
use zkassay_seed::Stream;

const LIMBS: ProgramLimbs = ProgramLimbs {
    bits: 4,
    input: 3,
    shift: 2,
    table: 1,
    total: 5,
};

/// The class that integer outputs say, written without the tricks of the program.
fn class(program: &Program, answer: Answer, outputs: &[i64]) -> i64 {
    let real = |z: i64| program.output_scale.real(z);
    match (answer, outputs) {
        (Answer::Class | Answer::Labels { .. }, [z]) => real(*z) as i64,
        (_, [z]) => i64::from(real(*z) >= program.threshold()),
        (_, scores) => {
            let greatest = scores.iter().max().unwrap();
            scores.iter().position(|z| z == greatest).unwrap() as i64
        }
    }
}

/// Checks both counts on rows, with every label and some that are no class; how often each
/// class was said.
fn check(program: &Program, answer: Answer, classes: u32, rows: &[Vec<f32>]) -> Vec<usize> {
    let count = |count| {
        program
            .counted(answer, &Counting { count, classes })
            .unwrap()
    };
    let (correct, confusion) = (count(Count::Correct), count(Count::Confusion));
    assert_eq!(correct.row_length(), program.row_length() + 1);
    let mut said = vec![0; classes as usize];
    for row in rows {
        let plain = program.evaluate(row).unwrap();
        let class = class(program, answer, &plain.outputs);
        if let Some(said) = said.get_mut(class as usize) {
            *said += 1;
        }
        for label in -2..=i64::from(classes) {
            let row = [row.as_slice(), &[label as f32]].concat();
            let is_label = (0..i64::from(classes)).contains(&label);
            let hit = correct.evaluate(&row).unwrap();
            assert_eq!(hit.outputs, [i64::from(is_label && class == label)]);
            // Everything before is what it was, one wire further on.
            let own = &hit.wires[program.inputs + 1..plain.wires.len() + 1];
            assert_eq!(own, &plain.wires[program.inputs..]);
            let cells = confusion.evaluate(&row).unwrap().outputs;
            let is_cell = |at: i64| {
                let (row, column) = (at / i64::from(classes), at % i64::from(classes));
                is_label && (row, column) == (label, class)
            };
            let expected: Vec<i64> = (0..cells.len())
                .map(|at| i64::from(is_cell(at as i64)))
                .collect();
            assert_eq!(cells, expected, "label {label}, class {class}");
        }
    }
    said
}

/// One dense step with small weights, so that equal scores are common.
fn dense(stream: &mut Stream, outputs: usize, finish: Finish) -> Program {
    let mut weight = |most: usize| stream.below(2 * most + 1) as i64 - most as i64;
    let weights = Array2::from_shape_simple_fn((outputs, 2), || weight(3));
    let bias = (0..outputs).map(|_| weight(4)).collect();
    Program {
        name: "dense".into(),
        input: "input".into(),
        inputs: 2,
        input_scale: Scale(0),
        encoding: Encoding::Scaled,
        labelled: false,
        limbs: LIMBS,
        tables: vec![],
        steps: vec![Step {
            name: "dense".into(),
            kind: Kind::Dense {
                inputs: vec![1, 0],
                weights,
                bias,
            },
            finish,
            bound: None,
        }],
        outputs,
        output_scale: Scale(3),
        probability: false,
    }
}

fn integer_rows(stream: &mut Stream, count: usize, most: usize) -> Vec<Vec<f32>> {
    let mut draw = || stream.below(2 * most + 1) as f32 - most as f32;
    (0..count).map(|_| vec![draw(), draw()]).collect()
}

#[test]
fn the_first_of_the_greatest_scores_is_the_class() {
    let mut stream = Stream::new(1, "accuracy");
    for outputs in [2, 3, 4, 7] {
        let mut said = vec![0; outputs];
        for finish in [Finish::Exact, Finish::ExactRelu] {
            for _ in 0..12 {
                let program = dense(&mut stream, outputs, finish);
                let rows = integer_rows(&mut stream, 12, 5);
                let of_program = check(&program, Answer::Scores, outputs as u32, &rows);
                for (said, more) in said.iter_mut().zip(of_program) {
                    *said += more;
                }
            }
        }
        assert!(said.iter().all(|count| *count > 0), "{said:?}");
    }
}

#[test]
fn equal_scores_are_resolved_as_the_first() {
    let mut stream = Stream::new(2, "accuracy");
    let mut program = dense(&mut stream, 3, Finish::Exact);
    let Kind::Dense { weights, bias, .. } = &mut program.steps[0].kind else {
        panic!("not a dense step");
    };
    // a, b, a: ties of the first and the last everywhere, of all where a = b.
    *weights = ndarray::array![[0, 1], [1, 0], [0, 1]];
    *bias = vec![0; 3];
    let rows: Vec<Vec<f32>> = [[0, 0], [3, 3], [-3, -3], [1, 2], [2, 1], [-2, -1]]
        .map(|row| row.map(|x| x as f32).to_vec())
        .to_vec();
    assert_eq!(check(&program, Answer::Scores, 3, &rows), [4, 2, 0]);
}

#[test]
fn a_single_score_has_to_reach_its_threshold() {
    let mut stream = Stream::new(3, "accuracy");
    for (probability, scale) in [(false, 3), (true, 3), (true, 1), (true, 0), (false, 0)] {
        for _ in 0..6 {
            let mut program = dense(&mut stream, 1, Finish::Exact);
            program.probability = probability;
            program.output_scale = Scale(scale);
            // Every score around the threshold.
            let Kind::Dense { weights, bias, .. } = &mut program.steps[0].kind else {
                panic!("not a dense step");
            };
            *weights = ndarray::array![[1, 0]];
            *bias = vec![stream.below(5) as i64 - 2];
            let rows: Vec<Vec<f32>> = (-12..=12).map(|x| vec![0.0, x as f32]).collect();
            let said = check(&program, Answer::Scores, 2, &rows);
            assert!(said.iter().all(|count| *count > 5), "{said:?}");
        }
    }
}

#[test]
fn an_output_that_is_a_class_is_taken_as_it_is() {
    let mut stream = Stream::new(4, "accuracy");
    for scale in [0, 2] {
        let mut program = dense(&mut stream, 1, Finish::Exact);
        program.output_scale = Scale(scale);
        let Kind::Dense { weights, bias, .. } = &mut program.steps[0].kind else {
            panic!("not a dense step");
        };
        *weights = ndarray::array![[1 << scale, 0]];
        *bias = vec![0];
        // Also numbers that are no class: they are never right.
        let rows: Vec<Vec<f32>> = (-3..8).map(|x| vec![0.0, x as f32]).collect();
        let said = check(&program, Answer::Class, 5, &rows);
        assert_eq!(said, [1; 5]);
    }
}

#[test]
fn scores_of_any_size_are_compared() {
    // As large as an exact value can be, of both signs.
    let (low, high) = LIMBS.range(Finish::Exact);
    let (_, most) = LIMBS.input_range();
    let mut stream = Stream::new(5, "accuracy");
    let mut program = dense(&mut stream, 2, Finish::Exact);
    let Kind::Dense { weights, bias, .. } = &mut program.steps[0].kind else {
        panic!("not a dense step");
    };
    let factor = (high + 1) / (most + 1);
    *weights = ndarray::array![[factor, 0], [0, factor]];
    *bias = vec![0, 0];
    let ends = [-most - 1, -most, -1, 0, 1, most];
    let rows: Vec<Vec<f32>> = ends
        .iter()
        .flat_map(|a| ends.map(|b| vec![*a as f32, b as f32]))
        .collect();
    assert_eq!(factor * -(most + 1), low);
    check(&program, Answer::Scores, 2, &rows);
}

fn random_dense(stream: &mut Stream, inputs: usize, outputs: usize) -> Op {
    let mut draw = || (stream.normal() * 0.7) as f32;
    Op::Dense(Dense {
        weights: Array2::from_shape_simple_fn((outputs, inputs), &mut draw),
        bias: Array1::from_shape_simple_fn(outputs, &mut draw),
    })
}

/// The calibrated program of a graph, and what its outputs say.
fn calibrated(graph: &Graph, rows: &Array2<f32>) -> (Program, Answer) {
    let params = CalibrationParams::new(8).unwrap();
    let calibration = calibrate_program(graph, rows.view(), &params).unwrap();
    let program = match calibration.model {
        IntegerModel::Program(program) => Some(program),
        IntegerModel::Chain(_) => None,
    };
    (program.unwrap(), Answer::of(graph))
}

#[test]
fn calibrated_networks_count() {
    let mut stream = Stream::new(6, "accuracy");
    let groups = vec![(0..3).collect::<Vec<u32>>()];
    let softmax = Op::Softmax {
        groups: groups.clone(),
        log: false,
    };
    let arg_max = Op::ArgMax {
        groups,
        order: Order::Greatest,
        last: false,
    };
    let ends = [
        (vec![], 3, 3),
        (vec![("softmax", softmax, 3)], 3, 3),
        (vec![("arg_max", arg_max, 1)], 3, 3),
        (vec![("sigmoid", Op::SIGMOID, 1)], 1, 2),
        (vec![], 1, 2),
    ];
    for (end, outputs, classes) in ends {
        let is_class = end.iter().any(|(name, ..)| *name == "arg_max");
        let mut nodes = vec![
            ("hidden".to_owned(), random_dense(&mut stream, 4, 5), 5),
            ("relu".to_owned(), Op::RELU, 5),
            (
                "out".to_owned(),
                random_dense(&mut stream, 5, outputs),
                outputs,
            ),
        ];
        nodes.extend(
            end.into_iter()
                .map(|(name, op, len)| (name.to_owned(), op, len)),
        );
        let graph = Graph::chain("network", 4, nodes);
        let rows = Array2::from_shape_simple_fn((40, 4), || stream.normal() as f32);
        let (program, answer) = calibrated(&graph, &rows);
        let labels = Answer::Labels {
            least: 0,
            greatest: 2,
        };
        assert_eq!(answer == labels, is_class);
        let rows: Vec<Vec<f32>> = rows.outer_iter().map(|row| row.to_vec()).collect();
        let said = check(&program, answer, classes, &rows);
        assert_eq!(said.iter().sum::<usize>(), rows.len());
    }
}

#[test]
fn images_count() {
    let mut stream = Stream::new(12, "accuracy");
    let mut draw = || (stream.normal() * 0.7) as f32;
    let conv = Op::Conv(Conv {
        weights: Array4::from_shape_simple_fn((2, 1, 2, 2), &mut draw),
        bias: Array1::from_shape_simple_fn(2, &mut draw),
        input: [1, 3, 3],
        output: [2, 2, 2],
        strides: [1, 1],
        dilations: [1, 1],
        pads: [0, 0],
        groups: 1,
        transposed: false,
    });
    let nodes = vec![
        ("conv".to_owned(), conv, 8),
        ("relu".to_owned(), Op::RELU, 8),
        ("out".to_owned(), random_dense(&mut stream, 8, 3), 3),
    ];
    let graph = Graph::chain("images", 9, nodes);
    let rows = Array2::from_shape_simple_fn((40, 9), || stream.normal() as f32);
    let (program, answer) = calibrated(&graph, &rows);
    let is_conv = |step: &Step| matches!(step.kind, Kind::Conv(_));
    assert!(program.steps.iter().any(is_conv));
    let rows: Vec<Vec<f32>> = rows.outer_iter().map(|row| row.to_vec()).collect();
    let said = check(&program, answer, 3, &rows);
    assert_eq!(said.iter().sum::<usize>(), rows.len());
}

#[test]
fn forests_count_with_their_ranks() {
    let mut stream = Stream::new(7, "accuracy");
    for scores in [1, 3] {
        let mut nodes = vec![];
        let mut roots = vec![];
        for _ in 0..4 {
            let at = nodes.len() as u32;
            roots.push(at);
            let inner = |feature, threshold, yes, no| TreeNode::Inner {
                feature,
                threshold,
                branch: Branch::LessOrEqual,
                yes,
                no,
            };
            let mut threshold = || stream.normal() as f32 * 1e6;
            nodes.push(inner(at % 3, threshold(), at + 1, at + 2));
            nodes.push(inner((at + 1) % 3, threshold(), at + 3, at + 4));
            // Few values, so that sums are often equal.
            let mut leaf = || {
                TreeNode::Leaf(
                    (0..scores)
                        .map(|score| (score, stream.below(3) as f32 - 1.0))
                        .collect(),
                )
            };
            nodes.extend([leaf(), leaf(), leaf()]);
        }
        let trees = Trees {
            inputs: 3,
            nodes,
            roots,
            base: vec![0.0; scores as usize],
            aggregate: Aggregate::Sum,
        };
        let graph = Graph::chain(
            "trees",
            3,
            vec![("trees".into(), Op::Trees(trees), scores as usize)],
        );
        let rows = Array2::from_shape_simple_fn((60, 3), || stream.normal() as f32 * 1e6);
        let (program, answer) = calibrated(&graph, &rows);
        assert!(!program.encoding.is_scaled());
        let rows: Vec<Vec<f32>> = rows.outer_iter().map(|row| row.to_vec()).collect();
        check(&program, answer, scores.max(2), &rows);
        // Ranks take few limbs: labels get more if they need them.
        let counting = Counting {
            count: Count::Correct,
            classes: 2,
        };
        let counted = program.counted(answer, &counting);
        assert_eq!(counted.is_ok(), scores == 1);
    }
}

#[test]
fn every_reference_moves_with_its_wire() {
    let mut stream = Stream::new(8, "accuracy");
    let mut program = dense(&mut stream, 3, Finish::Exact);
    let step = |kind, finish, bound| Step {
        name: "step".into(),
        kind,
        finish,
        bound,
    };
    let sum = |terms: &[(usize, i64)]| Sum {
        terms: terms.to_vec(),
        bias: 1,
    };
    let quotient = zkassay_quant::Hint::Quotient {
        numerator: sum(&[(2, 1), (0, 1)]),
        denominator: sum(&[(1, 1), (3, -1)]),
    };
    let root = zkassay_quant::Hint::Root(sum(&[(4, 1), (1, 2)]));
    program.steps.extend([
        step(Kind::Hints(vec![quotient, root]), Finish::Exact, Some(200)),
        step(Kind::Products(vec![(0, 5), (1, 6)]), Finish::Exact, None),
        step(
            Kind::Sums(vec![sum(&[(7, 1)]), sum(&[(8, 1), (0, -2), (4, 1)])]),
            Finish::Exact,
            None,
        ),
    ]);
    program.outputs = 2;
    program.limbs.input = 2;
    program.validate().unwrap();
    let rows = integer_rows(&mut stream, 100, 6);
    check(&program, Answer::Scores, 2, &rows);
}

#[test]
fn what_cannot_be_counted_is_refused_by_name() {
    let mut stream = Stream::new(9, "accuracy");
    let program = dense(&mut stream, 3, Finish::Exact);
    let count = |program: &Program, answer, count, classes| {
        program
            .counted(answer, &Counting { count, classes })
            .unwrap_err()
            .to_string()
    };
    let says = |text: String, part: &str| assert!(text.contains(part), "'{part}' not in: {text}");
    says(
        count(&program, Answer::Scores, Count::Correct, 4),
        "3 score(s)",
    );
    says(
        count(&program, Answer::Scores, Count::Correct, 1),
        "2 to 1000",
    );
    says(
        count(&program, Answer::Scores, Count::Correct, 1001),
        "2 to 1000",
    );
    says(
        count(&program, Answer::Scores, Count::Confusion, 101),
        "2 to 100",
    );
    says(
        count(&program, Answer::Class, Count::Correct, 3),
        "expected one",
    );
    let counting = Counting {
        count: Count::Correct,
        classes: 3,
    };
    let counted = program.counted(Answer::Scores, &counting).unwrap();
    says(
        count(&counted, Answer::Scores, Count::Correct, 2),
        "a label already",
    );
    let mut wide = dense(&mut stream, 1, Finish::Exact);
    wide.limbs.input = 1;
    let error = wide.counted(
        Answer::Class,
        &Counting {
            count: Count::Correct,
            classes: 8,
        },
    );
    assert!(
        matches!(error, Err(QuantError::Overflow { .. })),
        "{error:?}"
    );
}

#[test]
fn labels_that_are_no_integers_are_refused() {
    let mut stream = Stream::new(10, "accuracy");
    let program = dense(&mut stream, 3, Finish::Exact);
    let counting = Counting {
        count: Count::Correct,
        classes: 3,
    };
    let counted = program.counted(Answer::Scores, &counting).unwrap();
    for label in [0.5, f32::NAN, f32::INFINITY, 1e9] {
        assert!(counted.evaluate(&[0.0, 0.0, label]).is_err(), "{label}");
    }
    assert!(counted.evaluate(&[0.0, 0.0]).is_err());
}

#[test]
fn a_salt_changes_nothing_but_the_inputs() {
    let mut stream = Stream::new(11, "accuracy");
    let threshold = |at: u32| TreeNode::Inner {
        feature: at,
        threshold: at as f32 - 1.0,
        branch: Branch::LessOrEqual,
        yes: 2 * at + 1,
        no: 2 * at + 2,
    };
    let leaf = |score: f32| TreeNode::Leaf(vec![(0, score)]);
    let trees = Trees {
        inputs: 2,
        nodes: vec![threshold(0), threshold(1), leaf(1.0), leaf(-1.0), leaf(2.0)],
        roots: vec![0],
        base: vec![-0.5],
        aggregate: Aggregate::Sum,
    };
    let graph = Graph::chain("trees", 2, vec![("trees".into(), Op::Trees(trees), 1)]);
    let rows = Array2::from_shape_simple_fn((30, 2), || stream.normal() as f32);
    let (forest, _) = calibrated(&graph, &rows);
    for program in [dense(&mut stream, 1, Finish::Exact), forest] {
        let counting = Counting {
            count: Count::Correct,
            classes: 2,
        };
        let counted = program.counted(Answer::Scores, &counting).unwrap();
        let salted = counted.salted().unwrap();
        let salt = counted.salt();
        assert_eq!(salted.salt(), salt);
        assert!(salt.bits as usize * salt.inputs >= 128, "{salt:?}");
        assert_eq!(salted.inputs, counted.inputs + salt.inputs);
        assert_eq!(salted.row_length(), counted.row_length() + salt.inputs);
        for row in integer_rows(&mut stream, 20, 3) {
            let label = [stream.below(2) as f32];
            let integers: Vec<u32> = (0..salt.inputs)
                .map(|_| stream.below(1 << salt.bits) as u32)
                .collect();
            let salts: Vec<f32> = integers.iter().map(|k| salted.salt_real(*k)).collect();
            let plain = counted.evaluate(&[&row[..], &label].concat()).unwrap();
            let other = salted
                .evaluate(&[&row[..], &salts, &label].concat())
                .unwrap();
            assert_eq!(plain.outputs, other.outputs);
            let at = counted.inputs - 1;
            let expected: Vec<i64> = integers.iter().map(|k| i64::from(*k)).collect();
            assert_eq!(other.wires[at..at + salt.inputs], expected);
            assert_eq!(other.wires[at + salt.inputs..], plain.wires[at..]);
        }
        let zeros = [salted.zeros(salted.row_length() - 1), vec![-1.0]].concat();
        let zero = salted.evaluate(&zeros).unwrap();
        assert!(zero.wires[..salted.inputs - 1].iter().all(|x| *x == 0));
        assert_eq!(zero.outputs, [0]);
        assert!(program.salted().is_err(), "without a label");
    }
}
