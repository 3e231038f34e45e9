//! Convolutions, sums, data movement, rectifiers and extremes.

use ndarray::Array1;
use zkassay_graph::{Arithmetic, Binary, Function, Graph, Op, Reduction, Source};
use zkassay_quant::Kind;

use crate::support::{Builder, ConvSpec, error, lenet, lowered, rows, small_cnn};

#[test]
fn small_networks_for_images_become_programs() {
    for (graph, most) in [(small_cnn(), 2e-3), (lenet(), 1e-2)] {
        let lowered = lowered(&graph);
        let worst = error(&graph, &lowered.program, &rows(10, 784, 0.5, 1));
        let program = lowered.program;
        println!(
            "{} wires, {} steps, error {worst:.2e}",
            program.wires(),
            program.steps.len()
        );
        assert!(worst < most, "{worst}");
        program.validate().unwrap();
    }
}

/// The error on random rows.
fn worst(graph: &Graph) -> f64 {
    let program = lowered(graph).program;
    program.validate().unwrap();
    error(graph, &program, &rows(10, graph.inputs(), 1.0, 3))
}

#[test]
fn convolutions_of_all_kinds() {
    let plain = ConvSpec::new(4, 3, 1, 0);
    let cases = [
        plain,
        ConvSpec::new(3, 3, 2, 1),
        ConvSpec::new(3, 1, 1, 0),
        ConvSpec {
            dilations: [2, 2],
            pads: [2, 2],
            ..plain
        },
        ConvSpec {
            kernel: [1, 3],
            pads: [0, 1],
            ..plain
        },
        ConvSpec { groups: 2, ..plain },
        ConvSpec { groups: 4, ..plain },
        ConvSpec {
            transposed: true,
            ..plain
        },
        ConvSpec {
            transposed: true,
            strides: [2, 2],
            pads: [1, 1],
            ..plain
        },
        ConvSpec {
            transposed: true,
            strides: [3, 2],
            groups: 2,
            ..plain
        },
        ConvSpec {
            transposed: true,
            dilations: [2, 1],
            strides: [2, 2],
            ..plain
        },
        ConvSpec {
            transposed: true,
            kernel: [1, 1],
            strides: [2, 2],
            ..plain
        },
        ConvSpec {
            transposed: true,
            pads: [2, 2],
            ..plain
        },
    ];
    for (index, spec) in cases.into_iter().enumerate() {
        let mut b = Builder::new(&[1, 4, 7, 8], index as u64);
        b.conv(0, spec);
        let worst = worst(&b.graph);
        assert!(worst < 2e-3, "{index}: {worst}");
    }
}

#[test]
fn normalised_images_stay_wires() {
    // (x - mean) / deviation before a padded convolution: one constant wire for each channel.
    let mut b = Builder::new(&[1, 2, 6, 6], 1);
    let each =
        |values: [f32; 2]| -> Array1<f32> { values.into_iter().flat_map(|x| [x; 36]).collect() };
    let elementwise = |arithmetic, constant| Op::Elementwise {
        arithmetic,
        constant,
    };
    let x = b.same(elementwise(Arithmetic::Subtract, each([0.45, 0.4])), 0);
    let x = b.same(elementwise(Arithmetic::Divide, each([0.22, 0.25])), x);
    let x = b.conv(x, ConvSpec::new(3, 3, 1, 1));
    b.same(Op::RELU, x);
    let program = lowered(&b.graph).program;
    // The outputs are copied, so that they are one after the other.
    assert_eq!(program.wires(), 72 + 2 + 3 * 36 + 3 * 36);
    assert!(worst(&b.graph) < 1e-2);
}

#[test]
fn long_chains_are_listed_once() {
    const LONG: usize = 3000;
    // With each sum read by a rectifier, too; and added to itself, which doubles what it is made of.
    for is_read in [false, true] {
        let mut b = Builder::new(&[1, 1], 1);
        let (mut x, mut read) = (0, Vec::new());
        for at in 0..LONG {
            x = b.same(
                Op::Elementwise {
                    arithmetic: Arithmetic::Add,
                    constant: Array1::from_elem(1, 1.0 / LONG as f32),
                },
                x,
            );
            if is_read && at % 10 == 0 {
                read.push(b.same(Op::RELU, x));
                let twice = b.node(Op::Binary(Binary::Add), &[x, x], &[1, 1]);
                x = b.same(
                    Op::Elementwise {
                        arithmetic: Arithmetic::Multiply,
                        constant: Array1::from_elem(1, 0.5),
                    },
                    twice,
                );
            }
        }
        read.push(b.same(Op::RELU, x));
        let element = |operand| Source::Element { operand, index: 0 };
        let all = (0..read.len() as u32).map(element).collect();
        b.node(Op::Rearrange(all), &read, &[1, read.len()]);
        let nodes = b.graph.nodes.len();
        let lowered = lowered(&b.graph);
        let named: usize = lowered.program.steps.iter().map(|s| s.name.len()).sum();
        let listed = lowered.folded.iter().map(|folded| folded.nodes.len());
        let (listed, longest) = (listed.clone().sum::<usize>(), listed.max().unwrap());
        assert!(named < 1000 * lowered.program.steps.len(), "{named}");
        assert!(listed <= 100 * nodes, "{listed} of {nodes}");
        if !is_read {
            assert_eq!(longest, LONG);
        }
    }
}

#[test]
fn layers_over_positions_are_convolutions() {
    let mut b = Builder::new(&[1, 5, 6], 1);
    let x = b.dense(0, 6, 4);
    let x = b.dense(x, 4, 3);
    let x = b.same(Op::RELU, x);
    b.dense(x, 3, 2);
    let lowered = lowered(&b.graph);
    let kinds: Vec<bool> = lowered
        .program
        .steps
        .iter()
        .map(|s| matches!(s.kind, Kind::Conv(_)))
        .collect();
    assert!(kinds[0] && kinds[1], "{kinds:?}");
    // The first two are one.
    assert_eq!(lowered.folded[0].nodes, ["dense_0", "dense_1"]);
    assert!(worst(&b.graph) < 2e-3);
}

#[test]
fn convolutions_and_matrices_without_rectifiers_between() {
    let mut b = Builder::new(&[1, 2, 6, 6], 1);
    let x = b.conv(0, ConvSpec::new(3, 3, 1, 1));
    let x = b.conv(x, ConvSpec::new(4, 1, 1, 0));
    let x = b.pool(x, Reduction::Mean);
    let x = b.conv(x, ConvSpec::new(3, 3, 1, 1));
    let x = b.flat(x);
    let x = b.dense(x, 27, 5);
    b.dense(x, 5, 4);
    assert!(worst(&b.graph) < 5e-3);
}

#[test]
fn convolutions_of_other_wires_than_the_input_are_merged_with_matrices() {
    // Of wires in another order than that of their numbers, of what a rectifier gives, and of averages.
    for pooled in [false, true] {
        for rectified in [false, true] {
            let mut b = Builder::new(&[1, 2, 6, 6], 1);
            let source = |index| Source::Element { operand: 0, index };
            let sources = (0..72).rev().map(source).collect();
            let mut x = b.node(Op::Rearrange(sources), &[0], &[1, 2, 6, 6]);
            if rectified {
                x = b.same(Op::RELU, x);
            }
            let size = match pooled {
                true => {
                    x = b.pool(x, Reduction::Mean);
                    3
                }
                false => 6,
            };
            let x = b.conv(x, ConvSpec::new(3, 3, 1, 1));
            let x = b.flat(x);
            b.dense(x, 3 * size * size, 2);
            let lowered = lowered(&b.graph);
            let steps = &lowered.program.steps;
            let is_conv = |step: &zkassay_quant::Step| matches!(step.kind, Kind::Conv(_));
            assert!(!steps.iter().any(is_conv), "{pooled}, {rectified}");
            let worst = worst(&b.graph);
            assert!(worst < 5e-3, "{pooled}, {rectified}: {worst}");
        }
    }
}

#[test]
fn branches_and_sums() {
    let mut b = Builder::new(&[1, 3, 6, 6], 1);
    let x = b.conv(0, ConvSpec::new(3, 3, 1, 1));
    let x = b.same(Op::RELU, x);
    let y = b.conv(x, ConvSpec::new(3, 3, 1, 1));
    let y = b.node(Op::Binary(Binary::Add), &[x, y], &[1, 3, 6, 6]);
    let y = b.same(Op::RELU, y);
    let z = b.node(Op::Binary(Binary::Subtract), &[y, x], &[1, 3, 6, 6]);
    // Concatenation and a transpose.
    let source = |operand, index| Source::Element { operand, index };
    let sources = (0..108)
        .flat_map(|i| [source(0, i), source(1, 107 - i)])
        .collect();
    let both = b.node(Op::Rearrange(sources), &[z, x], &[1, 6, 6, 6]);
    let pooled = b.pool(both, Reduction::Max);
    let least = b.pool(both, Reduction::Min);
    let sum = b.node(Op::Binary(Binary::Max), &[pooled, least], &[1, 6, 3, 3]);
    let groups = (0..6).map(|c| (9 * c..9 * c + 9).collect()).collect();
    b.node(
        Op::Reduce {
            reduction: Reduction::Mean,
            groups,
        },
        &[sum],
        &[1, 6],
    );
    assert!(worst(&b.graph) < 5e-3);
}

#[test]
fn reductions() {
    for (reduction, most) in [
        (Reduction::Sum, 1e-3),
        (Reduction::Mean, 1e-3),
        (Reduction::MeanOf(9), 1e-3),
        (Reduction::L1, 2e-3),
    ] {
        let mut b = Builder::new(&[1, 6], 1);
        let x = b.dense(0, 6, 6);
        let groups = vec![vec![0, 1, 2], vec![3, 5], vec![0, 0, 4], vec![2]];
        b.node(Op::Reduce { reduction, groups }, &[x], &[1, 4]);
        let worst = worst(&b.graph);
        assert!(worst < most, "{reduction:?}: {worst}");
    }
}

#[test]
fn constants_padding_and_outputs_in_any_order() {
    let mut b = Builder::new(&[1, 4], 1);
    let x = b.same(Op::Map(Function::Tanh), 0);
    let source = |index| Source::Element { operand: 0, index };
    let sources = vec![
        Source::Constant(0.5),
        source(3),
        source(0),
        source(3),
        Source::Constant(-2.0),
    ];
    b.node(Op::Rearrange(sources), &[x], &[1, 5]);
    assert!(worst(&b.graph) < 1e-3);
    // The input itself.
    let b = Builder::new(&[1, 4], 1);
    let program = lowered(&b.graph).program;
    assert!(error(&b.graph, &program, &rows(5, 4, 1.0, 1)) < 2e-4);
}
