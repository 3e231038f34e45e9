//! Circular and hyperbolic functions, over narrow ranges and wide ones, and where they end.

use zkassay_graph::Function;
use zkassay_quant::{QuantError, quantize_program};

use crate::support::{at_integers, grid, of_function, scheme};

/// The greatest error over a grid, in parts of the greater of 1 and the result.
fn error(function: Function, range: f32, row: &[f32]) -> f64 {
    let graph = of_function(function, row.len());
    let mut scheme = scheme();
    scheme.range = range;
    let program = quantize_program(&graph, &scheme).unwrap().program;
    let (integer, float) = at_integers(&graph, &program, row);
    let pairs = integer.iter().zip(&float);
    pairs
        .map(|(a, b)| (a - b).abs() / b.abs().max(1.0))
        .fold(0.0, f64::max)
}

#[test]
fn tables_and_what_lies_beyond_them_are_close() {
    for (function, narrow, wide) in [
        (Function::Sin, 4e-4, 1e-3),
        (Function::Cos, 4e-4, 1e-3),
        (Function::Atan, 4e-4, 1e-3),
        (Function::Asinh, 4e-4, 4e-3),
    ] {
        for (range, most) in [(8.0, narrow), (64.0, wide)] {
            let row = grid(-0.998 * range, 0.998 * range, 1500);
            let found = error(function, range, &row);
            println!("{function:?} to {range}: {found:.2e}");
            assert!(found < most, "{function:?} to {range}: {found}");
        }
    }
}

#[test]
fn functions_with_a_domain_are_close_within() {
    for (function, range, row, most) in [
        (Function::Asin, 8.0, grid(-1.0, 1.0, 400), 1e-3),
        (Function::Acos, 8.0, grid(-1.0, 1.0, 400), 1e-3),
        (Function::Atanh, 8.0, grid(-0.99, 0.99, 400), 2e-3),
        (Function::Atanh, 0.5, grid(-0.49, 0.49, 400), 4e-4),
        (Function::Acosh, 8.0, grid(1.0, 7.9, 400), 2e-3),
    ] {
        let found = error(function, range, &row);
        println!("{function:?} to {range}: {found:.2e}");
        assert!(found < most, "{function:?} to {range}: {found}");
    }
}

#[test]
fn there_is_no_result_outside_of_a_domain() {
    for (function, inside, outside) in [
        (Function::Asin, [1.0, -1.0], [1.01, -1.01]),
        (Function::Acos, [1.0, -1.0], [7.0, -7.0]),
        (Function::Atanh, [0.999, -0.999], [1.0, -1.0]),
        (Function::Acosh, [1.0, 7.9], [0.99, -3.0]),
    ] {
        let graph = of_function(function, 2);
        let program = quantize_program(&graph, &scheme()).unwrap().program;
        assert!(program.evaluate(&inside).is_ok(), "{function:?}");
        for x in outside {
            let result = program.evaluate(&[inside[0], x]);
            let is_told = matches!(result, Err(QuantError::Violated { .. }));
            assert!(is_told, "{function:?} of {x}");
        }
    }
}

#[test]
fn whole_turns_make_no_difference() {
    let graph = of_function(Function::Sin, 2);
    let mut scheme = scheme();
    scheme.range = 1000.0;
    let program = quantize_program(&graph, &scheme).unwrap().program;
    for turns in [-150, -3, 0, 1, 150] {
        let x = 0.5 + turns as f32 * std::f32::consts::TAU;
        let trace = program.evaluate(&[x, -x]).unwrap();
        let found = program.output_reals(&trace);
        // The input's own rounding: it has less than 6 bits of fraction here.
        assert!((found[0] - 0.5f64.sin()).abs() < 2e-2, "{turns}: {found:?}");
        assert!((found[0] + found[1]).abs() < 2e-2, "{turns}: {found:?}");
    }
}
