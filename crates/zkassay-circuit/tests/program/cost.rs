//! The sizes that are promised from a shape are those of halo2's constraint system.

use zkassay_circuit::cost::{Cost, Dimensions, Machine};
use zkassay_circuit::{CompileOptions, CompiledProgram, LayoutTarget};
use zkassay_fixed::{DataVisibility, Visibility};
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_gadgets::program::{Kinds, ProgramColumns, ProgramShape};
use zkassay_gadgets::{Field, TableShape};

use crate::common::every_kind;

/// All shapes that differ in a column: kinds on and off, degrees, limbs, weights, strides.
fn shapes() -> Vec<ProgramShape> {
    let mut shapes = Vec::new();
    // Lanes, totals and nodes are apart from the kinds.
    let several = [(1, false, 0), (2, true, 0), (5, false, 0), (1, true, 1)];
    let nodes = [
        (1, false, 2),
        (2, false, 3),
        (5, true, 7),
        (2, true, 2),
        (1, false, 7),
    ];
    let mut others = several.into_iter().chain(nodes).cycle();
    for mask in 0..512u32 {
        let has = |bit: u32| mask >> bit & 1 == 1;
        let kinds = Kinds {
            round: has(0),
            relu: has(1),
            exact_relu: has(2),
            exact: has(3),
            nonnegative: has(4),
            free: has(5),
            product: has(6),
            table: has(7),
            wide: has(8),
        };
        for (limbs, block_width, strides) in [(2, 1, 0), (3, 4, 2), (5, 16, 7), (8, 2, 1)] {
            for degree in [3, 5] {
                let (lanes, totals, slots) = others.next().unwrap();
                shapes.push(ProgramShape {
                    logrows: 8,
                    limb_bits: 6,
                    limbs,
                    input_limbs: 2,
                    shift_limbs: 1,
                    table_limbs: 1,
                    block_width,
                    strides: (1..=strides).collect(),
                    starts: (1..=strides + 1).collect(),
                    kinds,
                    degree,
                    inputs: 3,
                    first_input: 30,
                    outputs: 2,
                    first_output: 0,
                    output_stride: 1,
                    used_rows: 40,
                    lanes,
                    totals,
                    slots,
                    visibility: Visibility::default(),
                });
            }
        }
    }
    shapes
}

/// Compares with what halo2 has.
fn check(shape: &ProgramShape) {
    shape.validate().unwrap();
    let mut system = ConstraintSystem::<Field>::default();
    ProgramColumns::configure(&mut system, shape);
    let dimensions = Dimensions::of_program(shape);
    let phases = system.advice_column_phase();
    let in_phase = |phase: u8| phases.iter().filter(|of| **of == phase).count();
    let found = Dimensions {
        logrows: shape.logrows,
        rows: shape.used_rows as usize,
        first_phase: in_phase(0),
        second_phase: in_phase(1),
        fixed: system.num_fixed_columns(),
        instance: system.num_instance_columns(),
        shape_bytes: ProgramShape::BYTES,
        advice_queries: system.advice_queries().len(),
        degree: system.degree(),
    };
    assert_eq!(dimensions, found, "{shape:?}");
    assert_eq!(dimensions.fixed, system.fixed_queries().len(), "{shape:?}");
}

#[test]
fn dimensions_are_those_of_halo2() {
    for shape in shapes() {
        check(&shape);
    }
}

#[test]
fn compiled_programs_have_the_promised_dimensions() {
    for target in [LayoutTarget::Speed, LayoutTarget::Size] {
        for input in [DataVisibility::Private, DataVisibility::Public] {
            let visibility = Visibility {
                input,
                ..Visibility::default()
            };
            let options = CompileOptions {
                visibility,
                target,
                ..CompileOptions::default()
            };
            let compiled = CompiledProgram::with_options(every_kind(), &options).unwrap();
            let shape = compiled.shape();
            check(shape);
            let rows = compiled.producers().len().max(compiled.consumers().len());
            assert!(rows <= shape.used_rows as usize && rows <= shape.last_row());
            let cost = Cost::of(&TableShape::Program(shape.clone()), &Machine::default());
            assert_eq!(cost.dimensions, Dimensions::of_program(shape));
            let predicted = [cost.prove_seconds, cost.verify_seconds, cost.setup_seconds];
            assert!(
                predicted
                    .iter()
                    .all(|seconds| *seconds > 0.0 && *seconds < 10.0)
            );
        }
    }
}

#[test]
fn targets_get_what_they_ask_for() {
    let compile = |target| {
        let options = CompileOptions {
            target,
            ..CompileOptions::default()
        };
        let compiled = CompiledProgram::with_options(every_kind(), &options).unwrap();
        let shape = TableShape::Program(compiled.shape().clone());
        Cost::of(&shape, &Machine::default())
    };
    let [speed, size] = [LayoutTarget::Speed, LayoutTarget::Size].map(compile);
    assert!(size.proof_bytes <= speed.proof_bytes);
    assert!(speed.prove_seconds <= size.prove_seconds * 1.1);
}
