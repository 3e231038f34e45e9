//! Dishonest witnesses are rejected: every overwritten cell, every wire that is something else,
//! every other program.
//!
//! Challenges are fixed here, so what is tested is that each equation is *present*; proofs with real
//! challenges are in `zkassay-prover`.

use std::collections::BTreeSet;

use zkassay_circuit::circuit::Overwrite;
use zkassay_circuit::program::layout::Producer;
use zkassay_circuit::{CompiledProgram, ModelCircuit, ProgramWitness, TableWitness};
use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::halo2_proofs::dev::MockProver;
use zkassay_gadgets::{Field, field};
use zkassay_quant::{Finish, Kind, Program, Sum, Wire};
use zkassay_seed::Stream;

use crate::checker::Checker;
use crate::common::{Builder, LIMBS, check, compile, every_kind, random_table, rows};
use crate::forger::{evaluate, fill, set_limb};

/// Programs with convolutions of several blocks of channels, strides, dilations, padding beyond the kernel,
/// kernels beyond the image, images with zeros; products and functions that are rescaled, rectified
/// and public; layers of several blocks.
fn programs() -> Vec<Program> {
    let mut convolutions = Builder::new(12, 8);
    let image: Vec<Wire> = (0..12).collect();
    let strided = ([2, 1], [1, 2], [1, 3]);
    let first = convolutions.conv(&image, [2, 2, 3], [3, 2, 2], strided, Finish::Relu);
    let wide = convolutions.dense(&first, 7, Finish::Relu);
    let padded = ([1, 2], [1, 1], [2, 0]);
    let second = convolutions.conv(&wide[..3], [1, 1, 3], [5, 3, 1], padded, Finish::Round);
    convolutions.dense(&[&second[..], &wide].concat(), 5, Finish::ExactRelu);

    let mut products = Builder::new(4, 9);
    let mut stream = Stream::new(10, "testing/tables");
    let functions = products.table(random_table(&mut stream), &[0, 1, 2]);
    let pairs = vec![(0, functions[0]), (functions[1], 1), (3, 3)];
    let rectified = products.step(Kind::Products(pairs.clone()), Finish::Relu, None);
    products.step(
        Kind::Products(vec![(rectified[0], 2)]),
        Finish::ExactRelu,
        None,
    );
    products.step(
        Kind::Products(vec![(3, 3)]),
        Finish::Nonnegative,
        Some(1 << 22),
    );
    products.table(random_table(&mut stream), &[3, 0]);

    let mut convolution = Builder::new(4, 11);
    let ones = ([1, 1], [1, 1], [0, 1]);
    convolution.conv(&[0, 1, 2, 3], [1, 2, 2], [3, 2, 2], ones, Finish::Round);
    [
        every_kind(),
        convolutions.finish(),
        products.finish(),
        convolution.finish(),
    ]
    .into()
}

fn compiled() -> Vec<CompiledProgram> {
    programs().into_iter().map(compile).collect()
}

fn honest(compiled: &CompiledProgram) -> ProgramWitness {
    let row = &rows(1, compiled.program().inputs)[0];
    compiled.witness(row).unwrap()
}

fn names(expected: &[&str]) -> BTreeSet<String> {
    expected.iter().map(|name| (*name).to_owned()).collect()
}

const BUS: &str = "sum = 0";
const LINEAR: &str = "end: dot = combination";

#[test]
fn honest_tables_are_those_of_another_program_that_fills_them() {
    // Controls: the checker accepts what the mock prover accepts, and a dishonest prover that does not lie
    // fills the same table as the honest one.
    for compiled in compiled() {
        let checker = Checker::new(&compiled);
        for row in rows(3, compiled.program().inputs) {
            let witness = compiled.witness(&row).unwrap();
            assert_eq!(check(&compiled, &witness), Ok(()));
            assert_eq!(checker.verdict(&witness), names(&[]));
            let forged = evaluate(compiled.program(), &witness.inputs, &[]);
            assert_eq!(fill(&compiled, &forged), witness);
        }
    }
}

/// The advice columns that are pinned in the last row, where sums end.
fn pinned_at_the_end(checker: &Checker) -> [usize; 3] {
    let columns = &checker.columns;
    [columns.dot, columns.combination, columns.lookups.sum].map(|column| column.index())
}

#[test]
fn every_overwritten_cell_is_rejected() {
    let mut overwritten = 0;
    for compiled in compiled() {
        let checker = Checker::new(&compiled);
        let mut filled = checker.fill(&honest(&compiled));
        let last = checker.last_row();
        let range = Field::from(1 << LIMBS.bits);
        for column in 0..checker.advice() {
            for row in 0..=last {
                // In the row after the last active one, only sums are pinned.
                if row == last && !pinned_at_the_end(&checker).contains(&column) {
                    continue;
                }
                let old = filled.advice[column][row];
                let random = (old + Field::from(77 + row as u64)).square();
                let others = [
                    old + Field::ONE,
                    -Field::ONE,
                    random,
                    Field::ZERO,
                    range,
                    range - Field::ONE,
                ];
                for other in others.into_iter().filter(|other| *other != old) {
                    filled.advice[column][row] = other;
                    let failing = checker.failing(&filled, checker.around(row));
                    assert!(
                        !failing.is_empty(),
                        "column {column}, row {row}: {other:?} is free"
                    );
                    overwritten += 1;
                }
                filled.advice[column][row] = old;
            }
        }
    }
    println!("{overwritten} cells overwritten, 0 accepted");
}

#[test]
fn the_mock_prover_rejects_overwritten_cells_too() {
    // A sample of the cells above, to know that the checker is not more severe than halo2. (It panics on
    // row 0, where equations look at cells that nobody assigns.)
    let compiled = compile(every_kind());
    let checker = Checker::new(&compiled);
    let witness = TableWitness::from(honest(&compiled));
    for column in 0..checker.advice() {
        for row in [
            3,
            17 + column,
            compiled.producers().len() - 1 - column,
            checker.last_row() - 1,
        ] {
            let overwrite = Overwrite {
                column,
                row,
                delta: Field::ONE,
            };
            let circuit =
                ModelCircuit::mock(compiled.clone(), &witness).unsound_overwrite(overwrite);
            let logrows = compiled.shape().logrows;
            let prover = MockProver::run(logrows, &circuit, witness.instance().to_vec()).unwrap();
            assert!(
                prover.verify().is_err(),
                "column {column}, row {row} is free"
            );
        }
    }
}

/// Whether a limb has no use in its row: it is range-checked and otherwise ignored.
fn is_idle(compiled: &CompiledProgram, column: usize, row: usize) -> bool {
    let used = match compiled.producers().get(row) {
        Some(Producer::Input(_)) => LIMBS.input,
        Some(Producer::Function { .. }) => 1 + LIMBS.table,
        Some(Producer::Wire { .. }) => LIMBS.total,
        Some(Producer::Idle | Producer::Free { .. }) | None => 0,
    };
    column >= used as usize
}

#[test]
fn a_changed_cell_is_rejected_even_if_all_sums_are_recomputed() {
    // A prover that repairs multiplicities and phase 2 after changing one cell of phase 1: accepted
    // exactly where a limb has no use.
    for compiled in compiled() {
        let checker = Checker::new(&compiled);
        let base = honest(&compiled);
        let fails = |witness: &ProgramWitness, row: usize| {
            !checker
                .failing(&checker.fill(witness), checker.around(row))
                .is_empty()
        };
        // Rows that nothing uses are like each other.
        let used = compiled.shape().used_rows as usize;
        for row in (0..used).chain((used..checker.last_row()).step_by(16)) {
            for column in 0..base.limbs.len() {
                let old = base.limbs[column][row];
                let others = [
                    Field::ZERO,
                    Field::ONE,
                    field((1 << LIMBS.bits) - 1),
                    old + Field::ONE,
                ];
                let limit = Field::from(1 << LIMBS.bits);
                for limb in others
                    .into_iter()
                    .filter(|limb| *limb != old && *limb != limit)
                    .take(2)
                {
                    let mut witness = base.clone();
                    set_limb(&mut witness, column, row, limb);
                    let idle = is_idle(&compiled, column, row);
                    assert_eq!(!fails(&witness, row), idle, "limb {column}, row {row}");
                }
            }
            type Cell = fn(&mut ProgramWitness, usize) -> &mut Field;
            let cells: [(&str, Cell); 3] = [
                ("value", |witness, row| &mut witness.value[row]),
                ("operand", |witness, row| &mut witness.operand[row]),
                ("multiplicity", |witness, row| {
                    &mut witness.multiplicity[row]
                }),
            ];
            for (name, cell) in cells {
                for delta in [field(1), field(-1)] {
                    let mut witness = base.clone();
                    *cell(&mut witness, row) += delta;
                    assert!(fails(&witness, row), "{name}, row {row}");
                }
            }
            for column in 0..base.function.len() {
                let mut witness = base.clone();
                witness.function[column][row] += Field::ONE;
                assert!(fails(&witness, row), "function {column}, row {row}");
            }
        }
    }
}

#[test]
fn a_wire_that_is_something_else_is_rejected_even_if_all_that_follows_is_recomputed() {
    for compiled in compiled() {
        let checker = Checker::new(&compiled);
        let program = compiled.program();
        let inputs = honest(&compiled).inputs;
        let true_wires = evaluate(program, &inputs, &[]).wires;
        for wire in 0..program.wires() {
            let modulus_like = -(1 << LIMBS.total_bits());
            for change in [1, -1, -true_wires[wire], modulus_like] {
                if change == 0 {
                    continue;
                }
                let forced = true_wires[wire] + change;
                let witness = fill(&compiled, &evaluate(program, &inputs, &[(wire, forced)]));
                let failing = checker.verdict(&witness);
                // Another input is just that; everything else follows from it.
                let accepted = wire < program.inputs && change != modulus_like;
                assert_eq!(
                    failing.is_empty(),
                    accepted,
                    "wire {wire}, {change}: {failing:?}"
                );
            }
        }
    }
}

#[test]
fn rows_of_wires_cannot_be_exchanged() {
    // Two values of a step with their limbs, with and without their readers.
    for compiled in compiled() {
        let checker = Checker::new(&compiled);
        let base = honest(&compiled);
        let is_wire = |row: &usize| matches!(compiled.producers()[*row], Producer::Wire { .. });
        let rows: Vec<usize> = (0..compiled.producers().len()).filter(is_wire).collect();
        for pair in rows.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            if base.value[a] == base.value[b] {
                continue;
            }
            let mut witness = base.clone();
            witness.value.swap(a, b);
            for column in &mut witness.limbs {
                column.swap(a, b);
            }
            assert!(!checker.verdict(&witness).is_empty(), "rows {a} and {b}");
            let (old_a, old_b) = (base.value[a], base.value[b]);
            for cell in &mut witness.operand {
                if *cell == old_a {
                    *cell = old_b;
                } else if *cell == old_b {
                    *cell = old_a;
                }
            }
            assert!(
                !checker.verdict(&witness).is_empty(),
                "rows {a} and {b}, with readers"
            );
        }
    }
}

/// The same program but for one thing, which leaves its layout as it is.
fn neighbours(program: &Program) -> Vec<(String, Program)> {
    let mut all = Vec::new();
    for (index, step) in program.steps.iter().enumerate() {
        let mut add = |what: &str, change: &dyn Fn(&mut Kind)| {
            let mut other = program.clone();
            change(&mut other.steps[index].kind);
            if other != *program {
                all.push((format!("step {index}: {what}"), other));
            }
        };
        let towards_zero = |weight: &mut i64| *weight -= weight.signum();
        match &step.kind {
            Kind::Dense { .. } => {
                add("weight", &|kind| {
                    if let Kind::Dense { weights, .. } = kind {
                        weights.iter_mut().last().into_iter().for_each(towards_zero);
                    }
                });
                add("bias", &|kind| {
                    if let Kind::Dense { bias, .. } = kind {
                        towards_zero(&mut bias[0]);
                    }
                });
                add("operands", &|kind| {
                    if let Kind::Dense { inputs, .. } = kind {
                        inputs.reverse();
                    }
                });
            }
            Kind::Conv(_) => {
                add("weight", &|kind| {
                    if let Kind::Conv(conv) = kind {
                        conv.weights
                            .iter_mut()
                            .last()
                            .into_iter()
                            .for_each(towards_zero);
                    }
                });
                add("bias", &|kind| {
                    if let Kind::Conv(conv) = kind {
                        conv.bias.iter_mut().rev().take(1).for_each(towards_zero);
                    }
                });
                add("operands", &|kind| {
                    if let Kind::Conv(conv) = kind {
                        conv.inputs.reverse();
                    }
                });
                add("a hole", &|kind| {
                    if let Kind::Conv(conv) = kind {
                        conv.inputs[1] = None;
                    }
                });
            }
            Kind::Sums(_) => {
                add("weight", &|kind| {
                    if let Kind::Sums(sums) = kind {
                        let terms = sums.iter_mut().flat_map(|sum| &mut sum.terms);
                        terms.take(1).for_each(|(_, weight)| *weight = -*weight);
                    }
                });
                add("bias", &|kind| {
                    if let Kind::Sums(sums) = kind {
                        sums[0].bias += 1;
                    }
                });
                add("operand", &|kind| {
                    if let Kind::Sums(sums) = kind {
                        let terms = sums.iter_mut().flat_map(|sum: &mut Sum| &mut sum.terms);
                        terms
                            .take(1)
                            .for_each(|(wire, _)| *wire = (*wire == 0).into());
                    }
                });
            }
            Kind::Products(_) => add("operand", &|kind| {
                if let Kind::Products(pairs) = kind {
                    pairs[0].0 = (pairs[0].0 == 0).into();
                }
            }),
            Kind::Table { .. } => add("argument", &|kind| {
                if let Kind::Table { inputs, .. } = kind {
                    inputs[0] = (inputs[0] == 0).into();
                }
            }),
            Kind::Hints(_) => {}
        }
    }
    for table in 0..program.tables.len() {
        let mut add = |what: &str, change: &dyn Fn(&mut (i64, i64))| {
            let mut other = program.clone();
            other.tables[table].segments.iter_mut().for_each(change);
            all.push((format!("table {table}: {what}"), other));
        };
        add("values", &|(c0, _)| *c0 += 1 << LIMBS.table_bits());
        add("slopes", &|(_, c1)| *c1 += 1 << LIMBS.table_bits());
    }
    all
}

#[test]
fn the_witness_of_another_program_is_rejected() {
    for compiled in compiled() {
        let checker = Checker::new(&compiled);
        let inputs = honest(&compiled).inputs;
        let here = evaluate(compiled.program(), &inputs, &[]).wires;
        for (what, other) in neighbours(compiled.program()) {
            let there = evaluate(&other, &inputs, &[]);
            if there.wires == here {
                continue;
            }
            // Its own table, and one that fills this program's with its values.
            let failing = checker.verdict(&fill(&compiled, &there));
            assert!(
                !failing.is_empty(),
                "{what}: {}",
                compiled.program().steps.len()
            );
        }
    }
}

#[test]
fn a_reader_has_to_read_its_own_wire() {
    // Sums hold for what is read; only the bus tells that it is another wire's value.
    let mut tested = 0;
    for compiled in compiled() {
        let checker = Checker::new(&compiled);
        let inputs = honest(&compiled).inputs;
        let here = evaluate(compiled.program(), &inputs, &[]).wires;
        for (what, other) in neighbours(compiled.program()) {
            if !what.contains("operand") && !what.contains("argument") {
                continue;
            }
            let there = evaluate(&other, &inputs, &[]);
            let Ok(other) = CompiledProgram::with_options(other, compiled.options()) else {
                continue;
            };
            assert_eq!(other.producers(), compiled.producers());
            if there.wires != here {
                let mut failing = checker.verdict(&fill(&other, &there));
                // Divisors and quotients of the wrong sign have no limbs.
                failing.remove("nonnegative");
                assert_eq!(failing, names(&[BUS]), "{what}");
                tested += 1;
            }
        }
    }
    assert!(tested > 10, "{tested}");
}

#[test]
fn public_values_are_those_of_their_rows() {
    for compiled in compiled() {
        let checker = Checker::new(&compiled);
        let base = honest(&compiled);
        let count = base.outputs.len();
        for index in 0..count {
            let row = compiled.shape().output_row(index);
            for delta in [field(1), field(-1), field(1 << 62)] {
                let mut witness = base.clone();
                witness.instance[0][row] += delta;
                assert_eq!(checker.verdict(&witness), names(&["public"]));
                // The value in the table with it.
                witness.value[row] += delta;
                assert!(!checker.verdict(&witness).is_empty());
            }
            let next = compiled.shape().output_row((index + 1) % count);
            if base.instance[0][row] != base.instance[0][next] {
                let mut witness = base.clone();
                witness.instance[0].swap(row, next);
                assert_eq!(checker.verdict(&witness), names(&["public"]));
            }
        }
    }
}

#[test]
fn both_halves_have_the_same_linear_steps() {
    // What separates the equations of steps in one half does so in the other, in the same order.
    for compiled in compiled() {
        let checker = Checker::new(&compiled);
        let base = honest(&compiled);
        let is_linear = |row: &usize| match compiled.producers()[*row] {
            Producer::Free { .. } => true,
            Producer::Wire { step, .. } => matches!(
                compiled.program().steps[step].kind,
                Kind::Dense { .. } | Kind::Sums(_) | Kind::Conv(_)
            ),
            _ => false,
        };
        let rows: Vec<usize> = (0..compiled.producers().len()).filter(is_linear).collect();
        // An accumulator that is wrong, and any other that is wrong by as much or the opposite.
        for pair in rows.windows(2) {
            for (a, b) in [(1, -1), (1, 1)] {
                let mut witness = base.clone();
                for (row, change) in [(pair[0], a), (pair[1], b)] {
                    if matches!(compiled.producers()[row], Producer::Free { .. }) {
                        witness.value[row] += field(change);
                    } else {
                        witness.limbs[0][row] += field(change);
                    }
                }
                let failing = checker.verdict(&witness);
                let separate = failing.contains(LINEAR)
                    || failing.iter().any(|f| f.contains("exact"))
                    || failing.contains("nonnegative");
                assert!(separate, "rows {pair:?}: {failing:?}");
            }
        }
    }
}
