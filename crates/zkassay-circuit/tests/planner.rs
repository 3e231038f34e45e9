//! What the planner chooses, what it promises, and what it refuses.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use zkassay_circuit::cost::{CONTRACT_LIMIT, Cost, Dimensions, Machine};
use zkassay_circuit::{CircuitError, CompileOptions, CompiledModel, LayoutTarget, Plan};
use zkassay_fixed::Visibility;
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_gadgets::{Columns, Field, Shape};
use zkassay_graph::Op;
use zkassay_quant::{CalibrationParams, calibrate};
use zkassay_testing::{mlp, rows};

const MODELS: [&[usize]; 4] = [
    &[162, 1],
    &[162, 16, 1],
    &[162, 64, 32, 1],
    &[162, 128, 64, 32, 1],
];

fn options(target: LayoutTarget) -> CompileOptions {
    CompileOptions {
        target,
        ..CompileOptions::default()
    }
}

fn cost(widths: &[usize], target: LayoutTarget) -> Cost {
    let options = options(target);
    let plan = Plan::with_options(widths, &options).unwrap();
    Cost::new(&plan.shape(widths, &options), &Machine::default())
}

/// Shapes of every kind.
fn shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for (remainder_limbs, magnitude_limbs) in [(0, 0), (1, 1), (2, 3)] {
        for (block_width, blocks) in [(1, 1), (1, 3), (5, 1), (16, 2)] {
            for (outputs, degree) in [(1, 3), (1, 5), (4, 3), (4, 5)] {
                for visibility in Visibility::all() {
                    for input_limbs in [1, 2] {
                        shapes.push(Shape {
                            logrows: 8,
                            limb_bits: 7,
                            input_limbs,
                            remainder_limbs,
                            magnitude_limbs,
                            block_width,
                            blocks,
                            outputs,
                            output_rows: 2,
                            degree,
                            inputs: 3,
                            first_input: 30,
                            input_stride: blocks,
                            visibility,
                        });
                    }
                }
            }
        }
    }
    shapes.retain(|shape| shape.validate().is_ok());
    assert!(shapes.len() > 1000, "{}", shapes.len());
    shapes
}

#[test]
fn dimensions_are_those_of_the_constraint_system() {
    for shape in shapes() {
        let mut system = ConstraintSystem::<Field>::default();
        Columns::configure(&mut system, &shape);
        let phases = system.advice_column_phase();
        let second = phases.iter().filter(|phase| **phase == 1).count();
        let found = Dimensions::new(&shape);
        let expected = Dimensions {
            logrows: shape.logrows,
            rows: shape.needed_rows(),
            first_phase: system.num_advice_columns() - second,
            second_phase: second,
            fixed: system.num_fixed_columns(),
            instance: system.num_instance_columns(),
            shape_bytes: Shape::BYTES,
            advice_queries: system.advice_queries().len(),
            degree: system.degree(),
        };
        assert_eq!(found, expected, "{shape:?}");
        assert_eq!(system.fixed_queries().len(), found.fixed, "{shape:?}");
    }
}

#[test]
fn every_target_gets_what_it_asks_for() {
    for widths in MODELS {
        let [speed, size, evm] =
            [LayoutTarget::Speed, LayoutTarget::Size, LayoutTarget::Evm].map(|t| cost(widths, t));
        assert!(
            speed.prove_seconds <= size.prove_seconds * 1.2,
            "{widths:?}"
        );
        assert!(size.proof_bytes <= speed.proof_bytes, "{widths:?}");
        assert!(size.proof_bytes <= evm.proof_bytes, "{widths:?}");
        assert!(evm.contract_bytes <= CONTRACT_LIMIT, "{widths:?}");
    }
}

#[test]
fn the_studys_models_have_small_proofs() {
    let bytes: Vec<usize> = MODELS
        .map(|widths| cost(widths, LayoutTarget::Speed).proof_bytes)
        .to_vec();
    let limits = [1_200, 2_200, 4_500, 6_000];
    assert!(
        bytes
            .iter()
            .zip(limits)
            .all(|(bytes, limit)| *bytes <= limit),
        "{bytes:?}"
    );
}

#[test]
fn plans_are_valid_tables_for_every_visibility() {
    for visibility in Visibility::all() {
        for target in [LayoutTarget::Speed, LayoutTarget::Size] {
            let options = CompileOptions {
                visibility,
                target,
                ..CompileOptions::default()
            };
            for widths in [
                &[1, 1][..],
                &[3, 4, 2],
                &[162, 1],
                &[162, 64, 32, 1],
                &[20, 700, 3],
            ] {
                let plan = Plan::with_options(widths, &options).unwrap();
                let shape = plan.shape(widths, &options);
                shape.validate().unwrap();
                assert!(plan.limb_bits < plan.logrows, "{plan:?}");
                assert_eq!(Plan::with_options(widths, &options).unwrap(), plan);
            }
        }
    }
}

#[test]
fn compiled_models_are_about_as_planned() {
    for widths in MODELS {
        let options = CompileOptions::default();
        let plan = Plan::with_options(widths, &options).unwrap();
        let graph = mlp(widths, Some(Op::SIGMOID), 4);
        let params = CalibrationParams::new(plan.limb_bits).unwrap();
        let model = calibrate(&graph, rows(20, widths[0], 4).view(), &params)
            .unwrap()
            .model;
        let compiled = CompiledModel::with_options(model, &options).unwrap();
        let (planned, found) = (plan.shape(widths, &options), compiled.shape());
        assert_eq!(planned.logrows, found.logrows, "{widths:?}");
        let [planned, found] = [&planned, found].map(Dimensions::new);
        assert_eq!(planned.fixed, found.fixed, "{widths:?}");
        assert!(
            planned.advice().abs_diff(found.advice()) <= 3,
            "{planned:?} {found:?}"
        );
        assert_eq!(found.rows, compiled.rows().len());
    }
}

#[test]
fn wide_layers_are_cut_into_blocks() {
    let widths = [100, 4000, 10];
    let plan = Plan::new(&widths).unwrap();
    assert!(plan.block_width <= Shape::MAX_BLOCK_WIDTH, "{plan:?}");
    let shape = plan.shape(&widths, &CompileOptions::default());
    assert_eq!(shape.blocks, 4000u32.div_ceil(plan.block_width));
}

#[test]
fn estimates_grow_with_the_model() {
    let costs = [32, 256, 2048].map(|h| cost(&[162, h, h, 1], LayoutTarget::Speed));
    for pair in costs.windows(2) {
        assert!(pair[0].prove_seconds < pair[1].prove_seconds);
        assert!(pair[0].setup_seconds < pair[1].setup_seconds);
        assert!(pair[0].memory_bytes < pair[1].memory_bytes);
    }
}

#[test]
fn more_threads_are_faster_but_not_faster_than_that() {
    let machine = |threads| Machine {
        threads,
        ..Machine::default()
    };
    let shape = Plan::new(MODELS[3])
        .unwrap()
        .shape(MODELS[3], &CompileOptions::default());
    let seconds = |threads| Cost::new(&shape, &machine(threads)).prove_seconds;
    assert!(seconds(2) < seconds(1) && seconds(1) < 2.0 * seconds(2));
}

#[test]
fn a_machine_measures_itself() {
    let machine = Machine::measure();
    for unit in [machine.curve, machine.multiplication] {
        assert!(unit > 1e-10 && unit < 0.1, "{machine:?}");
    }
    assert!(
        machine.pairing > machine.curve && machine.threads > 0,
        "{machine:?}"
    );
}

#[test]
fn models_that_fit_no_table_are_refused() {
    for widths in [&[5][..], &[], &[5, 0, 1], &[0, 1]] {
        assert!(matches!(Plan::new(widths), Err(CircuitError::Empty { .. })));
    }
    let refused = |widths: &[usize]| Plan::new(widths).unwrap_err().to_string();
    let error = refused(&[1 << 21, 10]);
    assert!(
        error.contains("at most 2^20") && error.contains("dense layer 1"),
        "{error}"
    );
    let error = refused(&[10, 700_000, 700_000, 1]);
    assert!(
        error.contains("dense layer 1 has 700000 outputs"),
        "{error}"
    );
    let error = refused(&[10, 60_000, 60_000, 1]);
    assert!(
        error.contains("60000 inputs and 60000 outputs of its dense layer 2"),
        "{error}"
    );
    let error = refused(&[10, 2000]);
    assert!(
        error.contains("at most 1024") && error.contains("hidden layer"),
        "{error}"
    );
    let error = refused(&[usize::MAX, usize::MAX, 1]);
    assert!(error.contains("outputs"), "{error}");
}

#[test]
fn models_whose_contract_is_too_large_are_refused() {
    let wide = [4000, 8000, 8000, 4];
    let error = Plan::with_options(&wide, &options(LayoutTarget::Evm)).unwrap_err();
    let CircuitError::Contract { needed, limit } = error else {
        panic!("{error}");
    };
    assert!(needed > limit && limit == CONTRACT_LIMIT);
}
