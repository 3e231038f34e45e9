//! Numbers to the nearest integers, and how close that is measured.

use ndarray::{Array1, Array2};
use zkassay_graph::{Arithmetic, Dense, Function, Graph, Op};
use zkassay_quant::{
    CalibrationParams, FidelityReport, IntegerModel, QuantError, Target, calibrate_program,
    quantize_program,
};

use crate::support::{Builder, at_integers, grid, lowered, rows, scheme};

/// `round(factor x + offset)`.
fn rounded(len: usize, factor: f32, offset: f32) -> Graph {
    let mut b = Builder::new(&[1, len], 1);
    let mut constant = |arithmetic, c: f32, x| {
        let constant = Array1::from_elem(len, c);
        let op = Op::Elementwise {
            arithmetic,
            constant,
        };
        b.same(op, x)
    };
    let x = constant(Arithmetic::Multiply, factor, 0);
    let x = constant(Arithmetic::Add, offset, x);
    b.same(Op::Map(Function::Round), x);
    b.graph
}

#[test]
fn nearest_integers_are_those_of_the_exact_products() {
    let row = grid(-7.99, 7.99, 1600);
    for (factor, offset) in [(31.7, 0.0), (1.0 / 0.3, 0.25), (-12.345_678, 3.1)] {
        let graph = rounded(row.len(), factor, offset);
        let program = lowered(&graph).program;
        let (integer, _) = at_integers(&graph, &program, &row);
        let trace = program.evaluate(&row).unwrap();
        for (at, found) in integer.iter().enumerate() {
            let x = program.input_scale.real(trace.wires[at]);
            let exact = x * f64::from(factor) + f64::from(offset);
            // The unit of the factor is 2^-14, and x is less than 8.
            assert!((found - exact).abs() < 0.5 + 1e-3, "{found} for {exact}");
        }
    }
}

#[test]
fn halves_go_to_the_even_integer() {
    let row: Vec<f32> = (-31..32).map(|i| i as f32 / 4.0).collect();
    for factor in [2.0, 1.0, 0.5] {
        let graph = rounded(row.len(), factor, 0.0);
        let program = lowered(&graph).program;
        let (integer, float) = at_integers(&graph, &program, &row);
        assert_eq!(integer, float);
    }
}

#[test]
fn sums_are_rounded_once() {
    let mut b = Builder::new(&[1, 40], 2);
    let weights = b
        .random(40 * 30, 1.0)
        .into_shape_with_order((30, 40))
        .unwrap();
    let bias = b.random(30, 1.0);
    let sums = b.node(
        Op::Dense(Dense {
            weights: weights.clone(),
            bias: bias.clone(),
        }),
        &[0],
        &[1, 30],
    );
    b.same(Op::Map(Function::Round), sums);
    let program = lowered(&b.graph).program;
    for row in rows(20, 40, 1.0, 3).outer_iter() {
        let trace = program.evaluate(&row.to_vec()).unwrap();
        let x = trace.wires[..40]
            .iter()
            .map(|x| program.input_scale.real(*x));
        let x: Vec<f64> = x.collect();
        let outputs = program.output_reals(&trace);
        for (at, found) in outputs.iter().enumerate() {
            let products = weights.row(at).into_iter().zip(&x);
            let exact = products.map(|(w, x)| f64::from(*w) * x).sum::<f64>() + f64::from(bias[at]);
            assert!((found - exact).abs() < 0.5 + 1e-3, "{found} for {exact}");
        }
    }
}

#[test]
fn without_room_for_integers_there_is_an_error() {
    let graph = rounded(2, 1e9, 0.0);
    let mut scheme = scheme();
    scheme.limbs.total = 3;
    scheme.fraction_bits = 4;
    let error = quantize_program(&graph, &scheme).unwrap_err();
    assert!(matches!(error, QuantError::Overflow { .. }), "{error}");
}

/// Multiples of 0.01, in steps of 0.02: every second is halfway between two.
fn ties() -> (Graph, Array2<f32>) {
    let graph = {
        let mut b = Builder::new(&[1, 8], 1);
        let of = |arithmetic| Op::Elementwise {
            arithmetic,
            constant: Array1::from_elem(8, 0.02),
        };
        let x = b.same(of(Arithmetic::Divide), 0);
        let x = b.same(Op::Map(Function::Round), x);
        b.same(of(Arithmetic::Multiply), x);
        b.graph
    };
    let rows = Array2::from_shape_fn((16, 8), |(row, column)| {
        ((row * 37 + column * 53) % 401) as f32 / 100.0 - 2.0
    });
    (graph, rows)
}

#[test]
fn a_tie_counts_on_the_side_of_the_integer() {
    let (graph, rows) = ties();
    // In parts of outputs up to 1.9, so that a step to the other side would be too much.
    let target = Target::Resources { max_error: 5e-3 };
    let params = CalibrationParams::new(8).unwrap();
    let params = params.with_target(target).unwrap();
    let calibration = calibrate_program(&graph, rows.view(), &params).unwrap();
    let overall = calibration.fidelity.overall;
    assert!(overall.max_parts <= 5e-3 && overall.max < 1e-2);
    // Results are within half a step of the input, its unit, and the error that is allowed.
    let unit = match &calibration.model {
        IntegerModel::Program(program) => program.input_scale.real(1),
        IntegerModel::Chain(_) => panic!("a program"),
    };
    let mut beside = 0;
    for row in rows.outer_iter() {
        let found = calibration.model.evaluate(&row.to_vec()).unwrap().reals;
        let floats = graph.evaluate(row).unwrap();
        let is_step = |(a, b): (&f64, &f32)| (a - f64::from(*b)).abs() > 0.015;
        beside += found
            .iter()
            .zip(&floats)
            .filter(|pair| is_step(*pair))
            .count();
        for (found, x) in found.iter().zip(row) {
            assert!(
                (found - f64::from(*x)).abs() < 0.02 + unit,
                "{found} for {x}"
            );
        }
    }
    // On either side, as the integers are.
    assert!((8..56).contains(&beside), "{beside}");
}

#[test]
fn an_integer_model_that_is_wrong_is_told_from_a_tie() {
    let (graph, rows) = ties();
    let params = CalibrationParams::new(8).unwrap();
    let calibration = calibrate_program(&graph, rows.view(), &params).unwrap();
    // The same model beside a graph of other steps.
    let mut other = graph.clone();
    if let Op::Elementwise { constant, .. } = &mut other.nodes[2].op {
        constant.fill(0.025);
    }
    let report = FidelityReport::measure(&other, &calibration.model, rows.view()).unwrap();
    assert!(report.overall.max > 0.1, "{:?}", report.overall);
}
