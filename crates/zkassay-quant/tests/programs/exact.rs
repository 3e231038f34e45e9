//! Operations that are exact on the integers of their operands.

use zkassay_graph::{Binary, Function, Op, Order, Reduction, Source};

use crate::support::{Builder, at_integers, lowered, of_function, rows};

/// Numbers with ties, zeros and integers among them; all exact at twelve bits.
const NUMBERS: [f32; 24] = [
    0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    -1.5,
    2.5,
    -2.5,
    3.5,
    0.000_244_140_63,
    -0.000_244_140_63,
    7.75,
    -7.75,
    2.0,
    -2.0,
    0.999_755_86,
    -0.999_755_86,
    5.25,
    -5.25,
    4.5,
    -4.5,
    6.0,
    1.0,
];

#[test]
fn functions_on_integers() {
    let functions = [
        Function::Relu,
        Function::Abs,
        Function::Sign,
        Function::Floor,
        Function::Ceil,
        Function::Round,
        Function::Truncate,
        Function::IsNonzero,
        Function::Not,
        Function::Clip(-1.5, 2.0),
        Function::Clip(f32::NEG_INFINITY, 1.0),
        Function::Clip(0.5, f32::INFINITY),
        Function::Clip(2.0, 1.0),
        Function::LeakyRelu(0.25),
    ];
    for function in functions {
        let graph = of_function(function, NUMBERS.len());
        let program = lowered(&graph).program;
        let (integer, float) = at_integers(&graph, &program, &NUMBERS);
        for ((x, a), b) in NUMBERS.iter().zip(&integer).zip(&float) {
            let most = if matches!(function, Function::LeakyRelu(_)) {
                1.3e-4
            } else {
                0.0
            };
            assert!((a - b).abs() <= most, "{function:?}({x}) = {b}, not {a}");
        }
    }
}

#[test]
fn operations_on_two_integers() {
    let operations = [
        Binary::Add,
        Binary::Subtract,
        Binary::Min,
        Binary::Max,
        Binary::Equal,
        Binary::Less,
        Binary::LessOrEqual,
        Binary::And,
        Binary::Or,
        Binary::Xor,
    ];
    let count = NUMBERS.len();
    let row: Vec<f32> = NUMBERS.iter().chain(&NUMBERS).copied().collect();
    for operation in operations {
        let mut b = Builder::new(&[1, 2 * count], 1);
        let source = |index: usize| Source::Element {
            operand: 0,
            index: index as u32,
        };
        let len = count * count;
        let first = (0..len).map(|at| source(at / count)).collect();
        let first = b.node(Op::Rearrange(first), &[0], &[1, len]);
        let second = (0..len).map(|at| source(count + at % count)).collect();
        let second = b.node(Op::Rearrange(second), &[0], &[1, len]);
        b.node(Op::Binary(operation), &[first, second], &[1, len]);
        let program = lowered(&b.graph).program;
        let (integer, float) = at_integers(&b.graph, &program, &row);
        assert_eq!(integer, float, "{operation:?}");
    }
}

#[test]
fn truth_values_of_truth_values() {
    let mut b = Builder::new(&[1, 8], 1);
    let half = |from: u32| -> Vec<Source> {
        (from..from + 4)
            .map(|index| Source::Element { operand: 0, index })
            .collect()
    };
    let x = b.node(Op::Rearrange(half(0)), &[0], &[1, 4]);
    let y = b.node(Op::Rearrange(half(4)), &[0], &[1, 4]);
    let less = b.node(Op::Binary(Binary::Less), &[x, y], &[1, 4]);
    let equal = b.node(Op::Binary(Binary::Equal), &[x, y], &[1, 4]);
    let not = b.same(Op::Map(Function::Not), less);
    let either = b.node(Op::Binary(Binary::Xor), &[not, equal], &[1, 4]);
    let chosen = b.node(Op::Select, &[either, x, y], &[1, 4]);
    b.node(Op::Binary(Binary::Or), &[chosen, less], &[1, 4]);
    let program = lowered(&b.graph).program;
    for row in [[1.0f32, 2.0, 0.0, -1.0, 1.0, 1.0, 0.0, 3.0], [0.0; 8]] {
        let (integer, float) = at_integers(&b.graph, &program, &row);
        assert_eq!(integer, float);
    }
}

#[test]
fn the_one_that_is_chosen_is_exact() {
    let count = NUMBERS.len();
    let mut b = Builder::new(&[1, 3 * count], 1);
    let part = |from: usize| -> Vec<Source> {
        let source = |index: usize| Source::Element {
            operand: 0,
            index: index as u32,
        };
        (from * count..(from + 1) * count).map(source).collect()
    };
    let parts: Vec<usize> = (0..3)
        .map(|i| b.node(Op::Rearrange(part(i)), &[0], &[1, count]))
        .collect();
    b.node(Op::Select, &parts, &[1, count]);
    let program = lowered(&b.graph).program;
    let row: Vec<f32> = (0..3 * count)
        .map(|i| NUMBERS[(i * 7 + i / count) % count])
        .collect();
    let (integer, float) = at_integers(&b.graph, &program, &row);
    assert_eq!(integer, float);
}

#[test]
fn extremes_and_their_positions() {
    for len in [1, 2, 3, 5, 8, 13] {
        for order in [Order::Greatest, Order::Least] {
            for last in [false, true] {
                let groups = vec![(0..len as u32).collect(), (0..len as u32).rev().collect()];
                let mut b = Builder::new(&[1, len], 1);
                b.node(
                    Op::ArgMax {
                        groups,
                        order,
                        last,
                    },
                    &[0],
                    &[1, 2],
                );
                check(&b, len);
            }
            for (k, positions) in [(1, true), (len, true), (len.div_ceil(2), false)] {
                let groups = vec![(0..len as u32).collect(), (0..len as u32).rev().collect()];
                let mut b = Builder::new(&[1, len], 1);
                let op = Op::TopK {
                    groups,
                    k,
                    order,
                    positions,
                };
                b.node(op, &[0], &[1, 2 * k]);
                check(&b, len);
            }
        }
        for reduction in [Reduction::Max, Reduction::Min, Reduction::L1] {
            let groups = vec![(0..len as u32).collect(), vec![0]];
            let mut b = Builder::new(&[1, len], 1);
            b.node(Op::Reduce { reduction, groups }, &[0], &[1, 2]);
            check(&b, len);
        }
    }
}

/// Exact on random rows, and on rows full of ties.
fn check(b: &Builder, len: usize) {
    let program = lowered(&b.graph).program;
    let name = &b.graph.nodes[0].name;
    for row in rows(6, len, 1.0, 7).outer_iter() {
        let random = row.to_vec();
        let tied: Vec<f32> = random.iter().map(|x| x.round().clamp(-1.0, 1.0)).collect();
        for row in [random, tied] {
            let (integer, float) = at_integers(&b.graph, &program, &row);
            assert_eq!(integer, float, "{name} of {row:?}");
        }
    }
}
