//! Quotients and logarithms that a condition keeps away from the result where they do not exist.

use ndarray::{Array2, ArrayView1};
use zkassay_graph::{Binary, Function, Graph, Op, Source};
use zkassay_quant::{CalibrationParams, IntegerCalibration, QuantError, calibrate_program};

use crate::support::Builder;

/// Values of each half of the row.
const LEN: usize = 6;

/// `n` and `d`: the halves of the row.
fn halves() -> (Builder, usize, usize) {
    let mut b = Builder::new(&[1, 2 * LEN], 1);
    let mut part = |from: usize| {
        let source = |index: usize| Source::Element {
            operand: 0,
            index: index as u32,
        };
        let sources = (from * LEN..(from + 1) * LEN).map(source).collect();
        b.node(Op::Rearrange(sources), &[0], &[1, LEN])
    };
    let (n, d) = (part(0), part(1));
    (b, n, d)
}

fn constant(b: &mut Builder, value: f32) -> usize {
    b.node(
        Op::Rearrange(vec![Source::Constant(value); LEN]),
        &[],
        &[1, LEN],
    )
}

fn binary(b: &mut Builder, binary: Binary, x: usize, y: usize) -> usize {
    b.node(Op::Binary(binary), &[x, y], &[1, LEN])
}

fn select(b: &mut Builder, condition: usize, x: usize, y: usize) -> usize {
    b.node(Op::Select, &[condition, x, y], &[1, LEN])
}

/// Rows whose second half has zeros, numbers below zero, and nothing that is close to zero.
fn rows() -> Array2<f32> {
    Array2::from_shape_fn((20, 2 * LEN), |(row, column)| {
        let x = ((row * 31 + column * 17) % 41) as f32 / 8.0 - 2.5;
        match column < LEN {
            true => x,
            false => (x * 2.0).round(),
        }
    })
}

fn calibrated(graph: &Graph) -> Result<IntegerCalibration, QuantError> {
    let params = CalibrationParams::new(8).unwrap();
    calibrate_program(graph, rows().view(), &params)
}

/// Calibrates the graph, and compares it with its floats on rows of both kinds.
fn works(graph: &Graph) -> IntegerCalibration {
    let calibration = calibrated(graph).unwrap();
    for row in rows().outer_iter() {
        let found = calibration.model.evaluate(&row.to_vec()).unwrap().reals;
        let expected = graph.evaluate(row).unwrap();
        for (a, b) in found.iter().zip(&expected) {
            assert!((a - f64::from(*b)).abs() < 1e-2, "{found:?} {expected:?}");
        }
    }
    calibration
}

#[test]
fn a_quotient_that_is_not_read_may_divide_by_zero() {
    let (mut b, n, d) = halves();
    let quotient = binary(&mut b, Binary::Divide, n, d);
    let zero = constant(&mut b, 0.0);
    let is_zero = binary(&mut b, Binary::Equal, d, zero);
    let seven = constant(&mut b, 7.0);
    select(&mut b, is_zero, seven, quotient);
    // The divisor has both signs, which no limit of calibration rows keeps apart.
    let error = calibrated(&b.graph).unwrap_err();
    assert!(error.to_string().contains("divisor can be zero"), "{error}");
    // Its magnitude has not.
    let (mut b, n, d) = halves();
    let d = b.same(Op::Map(Function::Abs), d);
    let quotient = binary(&mut b, Binary::Divide, n, d);
    let zero = constant(&mut b, 0.0);
    let is_zero = binary(&mut b, Binary::Equal, d, zero);
    let seven = constant(&mut b, 7.0);
    select(&mut b, is_zero, seven, quotient);
    let calibration = works(&b.graph);
    // A divisor far below those of the calibration rows, but not zero, has no result.
    let mut row = rows().row(0).to_vec();
    row[LEN] = 0.0625;
    let error = calibration.model.evaluate(&row).unwrap_err();
    assert!(error.to_string().contains("divisor near zero"), "{error}");
    row[LEN] = 0.0;
    let reals = calibration.model.evaluate(&row).unwrap().reals;
    assert_eq!(reals[0], 7.0);
}

#[test]
fn branches_by_sign_have_their_own_functions() {
    // where(x > 0, log(x), 1 / (1/2 - x)), the logarithm of the elements in the other order.
    let (mut b, _, x) = halves();
    let source = |index: usize| Source::Element {
        operand: 0,
        index: (LEN - 1 - index) as u32,
    };
    let turned: Vec<Source> = (0..LEN).map(source).collect();
    let zero = constant(&mut b, 0.0);
    let is_positive = binary(&mut b, Binary::Less, zero, x);
    let shifted = {
        let half = constant(&mut b, 0.5);
        binary(&mut b, Binary::Subtract, half, x)
    };
    let back = b.node(Op::Rearrange(turned.clone()), &[x], &[1, LEN]);
    let logarithm = b.same(Op::Map(Function::Log), back);
    let logarithm = b.node(Op::Rearrange(turned), &[logarithm], &[1, LEN]);
    let reciprocal = b.same(Op::Map(Function::Reciprocal), shifted);
    select(&mut b, is_positive, logarithm, reciprocal);
    works(&b.graph);
}

#[test]
fn what_is_no_number_is_masked() {
    // where(log(x) = log(x), log(x), 0) [x > 0], as skl2onnx writes power transformers.
    let (mut b, _, x) = halves();
    let zero = constant(&mut b, 0.0);
    let is_positive = binary(&mut b, Binary::Less, zero, x);
    let logarithm = b.same(Op::Map(Function::Log), x);
    let is_number = binary(&mut b, Binary::Equal, logarithm, logarithm);
    let number = select(&mut b, is_number, logarithm, zero);
    binary(&mut b, Binary::Multiply, number, is_positive);
    // The float logarithm of zero is infinite, which is a number, and times 0 none.
    let error = calibrated(&b.graph).unwrap_err();
    assert!(error.to_string().contains("not finite"), "{error}");
    let (mut b, _, x) = halves();
    let zero = constant(&mut b, 0.0);
    let quarter = constant(&mut b, 0.25);
    let is_positive = binary(&mut b, Binary::Less, zero, x);
    let moved = binary(&mut b, Binary::Add, x, quarter);
    let logarithm = b.same(Op::Map(Function::Log), moved);
    let is_number = binary(&mut b, Binary::Equal, logarithm, logarithm);
    let number = select(&mut b, is_number, logarithm, zero);
    binary(&mut b, Binary::Multiply, number, is_positive);
    works(&b.graph);
}

#[test]
fn quotients_that_something_else_reads_are_not_guarded() {
    let (mut b, n, d) = halves();
    let d = b.same(Op::Map(Function::Abs), d);
    let quotient = binary(&mut b, Binary::Divide, n, d);
    let zero = constant(&mut b, 0.0);
    let is_zero = binary(&mut b, Binary::Equal, d, zero);
    let chosen = select(&mut b, is_zero, zero, quotient);
    let bounded = b.same(Op::Map(Function::Clip(-1.0, 1.0)), quotient);
    binary(&mut b, Binary::Add, chosen, bounded);
    assert!(calibrated(&b.graph).is_err());
}

#[test]
fn a_condition_may_be_computed_from_what_it_chooses() {
    // where(|n / d| < 2, n / d, 2), with a divisor that is never zero.
    let (mut b, n, d) = halves();
    let one = constant(&mut b, 1.0);
    let magnitude = b.same(Op::Map(Function::Abs), d);
    let d = binary(&mut b, Binary::Add, magnitude, one);
    let quotient = binary(&mut b, Binary::Divide, n, d);
    let two = constant(&mut b, 2.0);
    let size = b.same(Op::Map(Function::Abs), quotient);
    let is_less = binary(&mut b, Binary::Less, size, two);
    select(&mut b, is_less, quotient, two);
    works(&b.graph);
}

#[test]
fn a_value_by_itself_is_one() {
    let (mut b, _, x) = halves();
    let ratio = binary(&mut b, Binary::Divide, x, x);
    binary(&mut b, Binary::Add, ratio, x);
    let apart = Array2::from_shape_fn((8, 2 * LEN), |(row, column)| {
        1.0 + (row + column) as f32 / 8.0
    });
    let params = CalibrationParams::new(8).unwrap();
    let calibration = calibrate_program(&b.graph, apart.view(), &params).unwrap();
    let row = vec![-1.5; 2 * LEN];
    let found = calibration.model.evaluate(&row).unwrap().reals;
    let expected = b.graph.evaluate(ArrayView1::from(&row)).unwrap();
    assert!(
        (found[0] - f64::from(expected[0])).abs() < 1e-2,
        "{found:?}"
    );
}
