//! Products, quotients, square roots, and what is made of them.

use ndarray::{Array1, Array2};
use zkassay_graph::{Arithmetic, Binary, Function, MatMul, Op, Reduction, Source};
use zkassay_quant::{Finish, Kind, QuantError, quantize_program};

use crate::support::{Builder, at_integers, error, grid, lowered, of_function, rows, scheme};

/// `a / (b^2 + 1)` for both halves of the row.
fn quotient(len: usize) -> Builder {
    let mut b = Builder::new(&[1, 2 * len], 1);
    let part = |from: usize| -> Vec<Source> {
        let source = |index: usize| Source::Element {
            operand: 0,
            index: index as u32,
        };
        (from * len..(from + 1) * len).map(source).collect()
    };
    let x = b.node(Op::Rearrange(part(0)), &[0], &[1, len]);
    let y = b.node(Op::Rearrange(part(1)), &[0], &[1, len]);
    let square = b.same(Op::Map(Function::Power(2)), y);
    let constant = Array1::ones(len);
    let arithmetic = Arithmetic::Add;
    let divisor = b.same(
        Op::Elementwise {
            arithmetic,
            constant,
        },
        square,
    );
    b.node(Op::Binary(Binary::Divide), &[x, divisor], &[1, len]);
    b
}

#[test]
fn quotients_are_rounded_to_nearest() {
    let b = quotient(40);
    let program = lowered(&b.graph).program;
    for row in rows(20, 80, 2.0, 1).outer_iter() {
        let trace = program.evaluate(&row.to_vec()).unwrap();
        for i in 0..40 {
            // The divisor, y^2 + 1 at 2^24, is rounded to 2^15; the quotient is at 2^12.
            let (x, y) = (i128::from(trace.wires[i]), i128::from(trace.wires[40 + i]));
            let (n, d) = (x << 15, (y * y + (1 << 24) + (1 << 8)) >> 9);
            let expected = (2 * n + d).div_euclid(2 * d);
            assert_eq!(i128::from(trace.outputs[i]), expected, "{x} {y}");
        }
        let (integer, float) = at_integers(&b.graph, &program, &row.to_vec());
        assert!(
            integer
                .iter()
                .zip(&float)
                .all(|(a, b)| (a - b).abs() < 3e-4)
        );
    }
    // x / (1 + |x|), nothing rounded but the quotient.
    let row = grid(-7.9, 7.9, 900);
    let graph = of_function(Function::Softsign, row.len());
    let program = lowered(&graph).program;
    let trace = program.evaluate(&row).unwrap();
    for (x, found) in trace.wires.iter().zip(&trace.outputs) {
        let (n, d) = (x << 12, x.abs() + (1 << 12));
        assert_eq!(*found, (2 * n + d).div_euclid(2 * d), "{x}");
    }
}

#[test]
fn every_hint_is_read_by_checks() {
    let program = lowered(&quotient(3).graph).program;
    let mut first = program.inputs;
    let mut hinted = 0;
    for (at, step) in program.steps.iter().enumerate() {
        if let Kind::Hints(hints) = &step.kind {
            for wire in first..first + hints.len() {
                let reads = |kind: &Kind| match kind {
                    Kind::Sums(sums) => {
                        let reads = |t: &(usize, i64)| t.0 == wire;
                        sums.iter()
                            .filter(|sum| sum.terms.iter().any(reads))
                            .count()
                    }
                    _ => 0,
                };
                let products = program.steps[at + 1..].iter().any(|step| match &step.kind {
                    Kind::Products(pairs) => pairs.iter().any(|(a, b)| *a == wire || *b == wire),
                    _ => false,
                });
                let checks: usize = program.steps[at + 1..]
                    .iter()
                    .filter(|step| step.finish == Finish::Nonnegative)
                    .map(|step| reads(&step.kind))
                    .sum();
                // The divisor's constant is why the checks read the quotient itself, too.
                assert!(products && (checks == 0 || checks == 2), "{wire}: {checks}");
                hinted += 1;
            }
        }
        first += step.len();
    }
    assert_eq!(hinted, 3);
}

#[test]
fn roots_are_rounded_down() {
    let row = grid(0.0, 7.9, 300);
    let mut b = Builder::new(&[1, row.len()], 1);
    let x = b.same(Op::Map(Function::Abs), 0);
    b.same(Op::Map(Function::Sqrt), x);
    let program = lowered(&b.graph).program;
    let trace = program.evaluate(&row).unwrap();
    for (x, root) in trace.wires.iter().zip(&trace.outputs) {
        let expected = (u128::from(x.unsigned_abs()) << 12).isqrt();
        assert_eq!(*root as u128, expected);
    }
    // Of what is negative: zero.
    let graph = of_function(Function::Sqrt, 2);
    let program = lowered(&graph).program;
    assert_eq!(
        program.evaluate(&[-2.0, 4.0]).unwrap().outputs,
        [0, 2 << 12]
    );
}

#[test]
fn divisors_that_can_be_zero_are_refused_or_bounded() {
    let graph = of_function(Function::Reciprocal, 2);
    let error = quantize_program(&graph, &scheme()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, QuantError::Unsupported { .. }));
    assert!(
        text.contains("'reciprocal_0'") && text.contains("can be zero"),
        "{text}"
    );
    let mut scheme = scheme();
    for (low, high, row, outside) in [
        (0.25, 8.0, [0.5f32, 4.0], [0.1f32, 1.0]),
        (-8.0, -0.25, [-0.5, -4.0], [-1.0, 0.0]),
    ] {
        scheme.limits = vec![zkassay_quant::Limit {
            value: 0,
            low,
            high,
        }];
        let program = quantize_program(&graph, &scheme).unwrap().program;
        let (integer, float) = at_integers(&graph, &program, &row);
        assert!(
            integer
                .iter()
                .zip(&float)
                .all(|(a, b)| (a - b).abs() < 2e-4),
            "{integer:?}"
        );
        let error = program.evaluate(&outside).unwrap_err();
        assert!(matches!(error, QuantError::Violated { .. }), "{error}");
    }
}

#[test]
fn products_of_matrices() {
    let mut b = Builder::new(&[1, 24], 1);
    let source = |index| Source::Element { operand: 0, index };
    let x = b.node(
        Op::Rearrange((0..12).map(source).collect()),
        &[0],
        &[2, 2, 3],
    );
    let y = b.node(
        Op::Rearrange((12..24).map(source).collect()),
        &[0],
        &[2, 3, 2],
    );
    let matmul = MatMul {
        batch: 2,
        rows: 2,
        inner: 3,
        columns: 2,
    };
    b.node(Op::MatMul(matmul), &[x, y], &[2, 2, 2]);
    let program = lowered(&b.graph).program;
    for row in rows(20, 24, 2.0, 1).outer_iter() {
        let (integer, float) = at_integers(&b.graph, &program, &row.to_vec());
        assert!(
            integer
                .iter()
                .zip(&float)
                .all(|(a, b)| (a - b).abs() < 2e-4)
        );
    }
}

#[test]
fn shares_of_exponentials() {
    for (len, log, most) in [
        (1, false, 1e-3),
        (2, false, 1e-3),
        (10, false, 1e-3),
        (10, true, 3e-3),
    ] {
        let mut b = Builder::new(&[1, 2 * len], 1);
        let groups = vec![
            (0..len as u32).collect(),
            (len as u32..2 * len as u32).collect(),
        ];
        b.same(Op::Softmax { groups, log }, 0);
        let program = lowered(&b.graph).program;
        let rows = rows(50, 2 * len, 2.5, 1);
        let worst = error(&b.graph, &program, &rows);
        println!(
            "softmax of {len}: {} wires, error {worst:.2e}",
            program.wires() - 2 * len
        );
        assert!(worst < most, "{len} {log}: {worst}");
        // All equal, and one far above the others.
        let equal = vec![1.0; 2 * len];
        let mut one = vec![-7.9; 2 * len];
        one[0] = 7.9;
        for row in [equal, one] {
            let (integer, float) = at_integers(&b.graph, &program, &row);
            let close = integer
                .iter()
                .zip(&float)
                .all(|(a, b)| (a - b).abs() < 2.0 * most);
            assert!(close || log, "{integer:?} {float:?}");
        }
    }
}

#[test]
fn norms() {
    let mut b = Builder::new(&[1, 9], 1);
    let groups = vec![(0..9).collect(), vec![0, 1]];
    b.node(
        Op::Reduce {
            reduction: Reduction::L2,
            groups,
        },
        &[0],
        &[1, 2],
    );
    let program = lowered(&b.graph).program;
    let worst = error(&b.graph, &program, &rows(50, 9, 1.5, 1));
    assert!(worst < 1e-3, "{worst}");
}

#[test]
fn normalised_rows() {
    // (x - mean) / sqrt(variance + 0.01)
    let len = 8;
    let mut b = Builder::new(&[1, len], 1);
    let all = || vec![(0..len as u32).collect::<Vec<u32>>()];
    let mean = |b: &mut Builder, x| {
        let op = Op::Reduce {
            reduction: Reduction::Mean,
            groups: all(),
        };
        b.node(op, &[x], &[1, 1])
    };
    let repeated = |b: &mut Builder, x| {
        let sources = vec![
            Source::Element {
                operand: 0,
                index: 0
            };
            len
        ];
        b.node(Op::Rearrange(sources), &[x], &[1, len])
    };
    let m = mean(&mut b, 0);
    let m = repeated(&mut b, m);
    let centred = b.node(Op::Binary(Binary::Subtract), &[0, m], &[1, len]);
    let square = b.same(Op::Map(Function::Power(2)), centred);
    let variance = mean(&mut b, square);
    let constant = Array1::from_elem(1, 0.01);
    let arithmetic = Arithmetic::Add;
    let variance = b.same(
        Op::Elementwise {
            arithmetic,
            constant,
        },
        variance,
    );
    let deviation = b.same(Op::Map(Function::Sqrt), variance);
    let deviation = repeated(&mut b, deviation);
    b.node(Op::Binary(Binary::Divide), &[centred, deviation], &[1, len]);
    let program = lowered(&b.graph).program;
    let worst = error(&b.graph, &program, &rows(50, len, 1.0, 1));
    assert!(worst < 5e-3, "{worst}");
    let flat = Array2::from_elem((1, len), 1.5f32);
    assert!(error(&b.graph, &program, &flat) < 5e-3);
}
