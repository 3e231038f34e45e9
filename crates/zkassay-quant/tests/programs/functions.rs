//! Functions of one number.

use ndarray::Array1;
use zkassay_graph::{Arithmetic, Function, Op};
use zkassay_quant::quantize_program;

use crate::support::{Builder, at_integers, grid, lowered, of_function, scheme};

/// The function, the greatest error, in absolute terms or of the value where that is above 1.
const SMOOTH: [(Function, f64); 15] = [
    (Function::Sigmoid, 4e-4),
    (Function::Tanh, 4e-4),
    (Function::Erf, 4e-4),
    (Function::Gelu, 6e-4),
    (Function::GeluTanh, 6e-4),
    (Function::Silu(1.0), 6e-4),
    (Function::Silu(1.702), 6e-4),
    (Function::Silu(-1.0), 6e-4),
    (Function::Silu(0.0), 4e-4),
    (Function::Softplus, 6e-4),
    (Function::Mish, 6e-4),
    (
        Function::Elu {
            alpha: 1.0,
            beta: 1.0,
        },
        6e-4,
    ),
    (
        Function::Elu {
            alpha: 1.5,
            beta: 0.5,
        },
        1e-3,
    ),
    (Function::Softsign, 6e-4),
    (Function::LeakyRelu(0.1), 4e-4),
];

#[test]
fn smooth_functions_are_as_close_as_they_say() {
    let row = grid(-7.99, 7.99, 1600);
    for (function, most) in SMOOTH {
        let graph = of_function(function, row.len());
        let program = lowered(&graph).program;
        let (integer, float) = at_integers(&graph, &program, &row);
        let pairs = integer.iter().zip(&float);
        let worst = pairs
            .map(|(a, b)| (a - b).abs() / b.abs().max(1.0))
            .fold(0.0, f64::max);
        let segments: usize = program
            .tables
            .iter()
            .map(|table| table.segments.len())
            .sum();
        let each = (program.wires() - row.len()) / row.len();
        println!("{function:?}: error {worst:.2e}, {segments} segments, {each} wires");
        assert!(worst < most, "{function:?}: {worst}");
        assert!(segments <= 1024, "{function:?}: {segments} segments");
    }
}

#[test]
fn monotone_functions_stay_monotone() {
    let row = grid(-7.99, 7.99, 4000);
    let functions = [
        Function::Sigmoid,
        Function::Tanh,
        Function::Erf,
        Function::Softplus,
    ];
    for function in functions {
        let graph = of_function(function, row.len());
        let program = lowered(&graph).program;
        let outputs = program.evaluate(&row).unwrap().outputs;
        let falls = outputs.windows(2).find(|pair| pair[0] > pair[1]);
        assert_eq!(falls, None, "{function:?}");
    }
}

#[test]
fn arguments_far_outside_saturate() {
    for (function, low, high) in [
        (Function::Sigmoid, 0.0, Some(1.0)),
        (Function::Tanh, -1.0, Some(1.0)),
        (Function::Gelu, 0.0, None),
        (Function::Softplus, 0.0, None),
    ] {
        let graph = of_function(function, 2);
        let mut scheme = scheme();
        scheme.range = 1000.0;
        let program = quantize_program(&graph, &scheme).unwrap().program;
        let trace = program.evaluate(&[-900.0, 900.0]).unwrap();
        let outputs = program.output_reals(&trace);
        assert!((outputs[0] - low).abs() < 1e-3, "{function:?}: {outputs:?}");
        assert!(
            (outputs[1] - high.unwrap_or(900.0)).abs() < 1e-2,
            "{function:?}: {outputs:?}"
        );
    }
}

#[test]
fn exponentials_and_logarithms() {
    let mut scheme = scheme();
    scheme.range = 4.0;
    let row = grid(-3.9, 3.9, 500);
    let graph = of_function(Function::Exp, row.len());
    let program = quantize_program(&graph, &scheme).unwrap().program;
    let (integer, float) = at_integers(&graph, &program, &row);
    for (a, b) in integer.iter().zip(&float) {
        assert!((a - b).abs() < 2e-3 * b.max(1.0), "{a} {b}");
    }
    // log(x^2 + 0.01), over a range of 1600 to 1
    let mut b = Builder::new(&[1, row.len()], 1);
    let square = b.same(Op::Map(Function::Power(2)), 0);
    let constant = Array1::from_elem(row.len(), 0.01);
    let arithmetic = Arithmetic::Add;
    let sum = b.same(
        Op::Elementwise {
            arithmetic,
            constant,
        },
        square,
    );
    b.same(Op::Map(Function::Log), sum);
    let program = quantize_program(&b.graph, &scheme).unwrap().program;
    let (integer, float) = at_integers(&b.graph, &program, &row);
    for (a, b) in integer.iter().zip(&float) {
        assert!((a - b).abs() < 1.5e-2, "{a} {b}");
    }
    // Of what can be negative: refused, with what would work.
    let graph = of_function(Function::Log, 3);
    let error = quantize_program(&graph, &scheme).unwrap_err().to_string();
    assert!(
        error.contains("'log_0'") && error.contains("add a constant"),
        "{error}"
    );
}

#[test]
fn equal_functions_share_a_table() {
    let mut b = Builder::new(&[1, 6], 5);
    let x = b.dense(0, 6, 6);
    let x = b.same(Op::Map(Function::Tanh), x);
    let x = b.dense(x, 6, 6);
    let x = b.same(Op::Map(Function::Tanh), x);
    b.dense(x, 6, 2);
    let program = lowered(&b.graph).program;
    assert!(program.tables.len() <= 2, "{}", program.tables.len());
    let row = [1.0, -2.0, 0.5, 0.0, 3.0, -1.0];
    let (integer, float) = at_integers(&b.graph, &program, &row);
    assert!(
        integer
            .iter()
            .zip(&float)
            .all(|(a, b)| (a - b).abs() < 3e-3)
    );
}

#[test]
fn powers() {
    let mut scheme = scheme();
    scheme.range = 2.0;
    let row = grid(-1.9, 1.9, 200);
    for n in [2, 3, 4, 5] {
        let graph = of_function(Function::Power(n), row.len());
        let program = quantize_program(&graph, &scheme).unwrap().program;
        let (integer, float) = at_integers(&graph, &program, &row);
        for (a, b) in integer.iter().zip(&float) {
            assert!((a - b).abs() < 1e-2, "{n}: {a} {b}");
        }
    }
}

#[test]
fn sigmoids_that_are_written_out_are_recognised() {
    // 1 / (1 + exp(-8 x)), whose exponential has no bound to speak of.
    let row = grid(-7.9, 7.9, 300);
    let len = row.len();
    let elementwise = |arithmetic, c: f32| Op::Elementwise {
        arithmetic,
        constant: Array1::from_elem(len, c),
    };
    let mut b = Builder::new(&[1, len], 1);
    let x = b.same(elementwise(Arithmetic::Multiply, -8.0), 0);
    let x = b.same(Op::Map(Function::Exp), x);
    let x = b.same(elementwise(Arithmetic::Add, 1.0), x);
    b.same(Op::Map(Function::Reciprocal), x);
    let program = lowered(&b.graph).program;
    let (integer, float) = at_integers(&b.graph, &program, &row);
    assert!(
        integer
            .iter()
            .zip(&float)
            .all(|(a, b)| (a - b).abs() < 4e-4)
    );
    assert_eq!(program.tables.len(), 1);
}
