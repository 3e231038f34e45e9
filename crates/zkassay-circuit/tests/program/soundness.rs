//! Dishonest witnesses are rejected: every overwritten cell, every wire that is something else,
//! every other program.
//!
//! Challenges are fixed here, so what is tested is that each equation is *present*; proofs with real
//! challenges are in `zkassay-prover`.

use std::collections::BTreeSet;

use ndarray::{Array2, Array4};
use zkassay_circuit::circuit::Overwrite;
use zkassay_circuit::program::layout::Producer;
use zkassay_circuit::program::witness::Lane;
use zkassay_circuit::{CompiledProgram, ModelCircuit, ProgramWitness, TableWitness};
use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::halo2_proofs::dev::MockProver;
use zkassay_gadgets::{Field, field};
use zkassay_quant::{Finish, IntegerConv, Kind, Program, Sum, Wire};
use zkassay_seed::Stream;

use crate::attacks::{LINEAR, names};
use crate::checker::Checker;
use crate::common::{Builder, LIMBS, check, compile, every_kind, random_table, rows};
use crate::forger::{evaluate, fill, set_limb_of};

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

    // Averages of four, and so much beside the outputs that it fills rows; more numbers of outputs than have a column
    // of their own.
    let mut averages = Builder::new(16, 12);
    let image: Vec<Wire> = (0..16).collect();
    let plain = ([1, 1], [1, 1], [0, 0]);
    let same = ([1, 1], [1, 1], [1, 1]);
    let maps = averages.conv(&image, [1, 4, 4], [2, 3, 3], same, Finish::Relu);
    let window = |at: usize| {
        let first = at / 4 * 16 + at % 4 / 2 * 8 + at % 2 * 2;
        [0, 1, 4, 5].map(|offset| maps[first + offset])
    };
    let pooled = (0..8).map(|at| window(at).to_vec()).collect();
    let output = averages.conv_of(pooled, [2, 2, 2], [2, 2, 2], plain, Finish::Round);
    for outputs in 1..10 {
        averages.dense(&output, outputs, Finish::Round);
    }
    [
        every_kind(),
        averages.finish(),
        convolutions.finish(),
        products.finish(),
        convolution.finish(),
    ]
    .into()
}

pub(crate) fn compiled() -> Vec<CompiledProgram> {
    programs().into_iter().map(compile).collect()
}

pub(crate) fn honest(compiled: &CompiledProgram) -> ProgramWitness {
    let row = &rows(1, compiled.program().inputs)[0];
    compiled.witness(row).unwrap()
}

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

/// Overwrites every cell, each with several others; none may be accepted. The equations that failed, and how
/// many cells were overwritten.
pub(crate) fn overwrite_all(
    compiled: &CompiledProgram,
    witness: &ProgramWitness,
) -> (BTreeSet<String>, usize) {
    let checker = Checker::new(compiled);
    let mut filled = checker.fill(witness);
    let last = checker.last_row();
    let mut failures = BTreeSet::new();
    let mut overwritten = 0;
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
                let mut failing = checker.failing(&filled, checker.around(row));
                let is_free = failing.is_empty();
                failures.append(&mut failing);
                assert!(!is_free, "column {column}, row {row}: {other:?} is free");
                overwritten += 1;
            }
            filled.advice[column][row] = old;
        }
    }
    (failures, overwritten)
}

#[test]
fn every_overwritten_cell_is_rejected() {
    let mut overwritten = 0;
    for compiled in compiled() {
        let (failures, count) = overwrite_all(&compiled, &honest(&compiled));
        // No equation holds whatever the cells are.
        assert_eq!(failures, Checker::new(&compiled).names());
        overwritten += count;
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
    let limbs = compiled.program().limbs;
    let used = match compiled.producers().get(row) {
        Some(Producer::Input(_)) => limbs.input,
        Some(Producer::Function { .. }) => 1 + limbs.table,
        Some(Producer::Wire { .. } | Producer::Free { cells: 2.., .. }) => limbs.total,
        Some(Producer::Idle | Producer::Free { .. }) | None => 0,
    };
    column >= used as usize
}

/// A prover that repairs multiplicities and phase 2 after changing one cell of phase 1: accepted exactly
/// where a limb has no use.
pub(crate) fn change_all(compiled: &CompiledProgram, base: &ProgramWitness) {
    let checker = Checker::new(compiled);
    let fails = |witness: &ProgramWitness, row: usize| {
        !checker
            .failing(&checker.fill(witness), checker.around(row))
            .is_empty()
    };
    type Columns = fn(&mut Lane) -> Vec<&mut Vec<Field>>;
    let columns: [(&str, Columns); 5] = [
        ("value", |lane| vec![&mut lane.value]),
        ("operand", |lane| vec![&mut lane.operand]),
        ("segment", |lane| lane.segment.iter_mut().collect()),
        ("answer", |lane| lane.below.iter_mut().collect()),
        ("edge", |lane| lane.edges.iter_mut().collect()),
    ];
    // Rows that nothing uses are like each other.
    let used = compiled.shape().used_rows as usize;
    for row in (0..used).chain((used..checker.last_row()).step_by(16)) {
        for lane in 0..base.lanes.len() {
            for column in 0..base.lanes[lane].limbs.len() {
                let old = base.lanes[lane].limbs[column][row];
                let limit = Field::from(1 << LIMBS.bits);
                let others = [
                    Field::ZERO,
                    Field::ONE,
                    limit - Field::ONE,
                    old + Field::ONE,
                ];
                let others = others.into_iter().filter(|l| *l != old && *l != limit);
                for limb in others.take(2) {
                    let mut witness = base.clone();
                    set_limb_of(&mut witness, lane, column, row, limb);
                    let idle = is_idle(compiled, column, row);
                    let fails = fails(&witness, row);
                    assert_eq!(!fails, idle, "lane {lane}, limb {column}, row {row}");
                }
            }
            for (name, columns) in columns {
                let count = columns(&mut base.lanes[lane].clone()).len();
                for (column, delta) in (0..count).flat_map(|c| [(c, 1), (c, -1)]) {
                    let mut witness = base.clone();
                    columns(&mut witness.lanes[lane])[column][row] += field(delta);
                    let fails = fails(&witness, row);
                    assert!(fails, "lane {lane}, {name} {column}, row {row}");
                }
            }
        }
        for delta in [field(1), field(-1)] {
            let mut witness = base.clone();
            witness.multiplicity[row] += delta;
            assert!(fails(&witness, row), "multiplicity, row {row}");
            if let Some(cell) = base.function.get(row) {
                let mut witness = base.clone();
                witness.function[row] = *cell + delta;
                assert!(fails(&witness, row), "function, row {row}");
            }
        }
    }
}

#[test]
fn a_changed_cell_is_rejected_even_if_all_sums_are_recomputed() {
    for compiled in compiled() {
        change_all(&compiled, &honest(&compiled));
    }
}

#[test]
fn a_wire_that_is_something_else_is_rejected_even_if_all_that_follows_is_recomputed() {
    for compiled in compiled() {
        let checker = Checker::new(&compiled);
        let program = compiled.program();
        let inputs = honest(&compiled).inputs;
        let true_wires = evaluate(program, &inputs, &[]).wires;
        for (wire, value) in true_wires.iter().enumerate() {
            let beyond = -(1 << LIMBS.total_bits());
            for change in [1, -1, -value, beyond] {
                if change == 0 {
                    continue;
                }
                let forced = value + change;
                let witness = fill(&compiled, &evaluate(program, &inputs, &[(wire, forced)]));
                let failing = checker.verdict(&witness);
                // Another input is just that; everything else follows from it.
                let accepted = wire < program.inputs && change != beyond;
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
            if base.lanes[0].value[a] == base.lanes[0].value[b] {
                continue;
            }
            let mut witness = base.clone();
            witness.lanes[0].value.swap(a, b);
            for column in &mut witness.lanes[0].limbs {
                column.swap(a, b);
            }
            assert!(!checker.verdict(&witness).is_empty(), "rows {a} and {b}");
            let (old_a, old_b) = (base.lanes[0].value[a], base.lanes[0].value[b]);
            for cell in &mut witness.lanes[0].operand {
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
                witness.lanes[0].value[row] += delta;
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
        assert_room(&compiled, &checker);
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
                        witness.lanes[0].value[row] += field(change);
                    } else {
                        witness.lanes[0].limbs[0][row] += field(change);
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

/// Both halves count the same accumulators: steps make room for as many as there are.
pub(crate) fn assert_room(compiled: &CompiledProgram, checker: &Checker) {
    let count = |column| {
        let cells = checker.fixed(column).iter();
        cells.filter(|cell| **cell == Field::ONE).count()
    };
    let columns = &checker.columns;
    let starts = columns.starts.iter().zip(&compiled.shape().starts);
    let room: usize = starts.map(|(column, n)| *n as usize * count(*column)).sum();
    let wide = columns.kinds.wide.map_or(0, count);
    let cells = 1 + compiled.shape().limbs as usize;
    assert_eq!(room, count(columns.linear) + wide * cells);
}

#[test]
fn steps_of_many_outputs_make_room_in_several_rows() {
    for (outputs, parts) in [(255, 1), (256, 1), (257, 2), (700, 3)] {
        let mut builder = Builder::new(2, 14);
        builder.dense(&[0, 1], outputs, Finish::Round);
        builder.dense(&[0, 1], 3, Finish::Round);
        let compiled = compile(builder.finish());
        let checker = Checker::new(&compiled);
        assert_room(&compiled, &checker);
        let starts = compiled.consumers().iter();
        assert_eq!(starts.filter(|c| c.start.is_some()).count(), parts + 1);
        let base = honest(&compiled);
        assert_eq!(checker.verdict(&base), names(&[]));
        let wires = evaluate(compiled.program(), &base.inputs, &[]).wires;
        for wire in [2, 1 + outputs, 2 + outputs] {
            let forced = evaluate(compiled.program(), &base.inputs, &[(wire, wires[wire] + 1)]);
            assert_eq!(checker.verdict(&fill(&compiled, &forced)), names(&[LINEAR]));
        }
    }
}

#[test]
fn free_rows_are_filled() {
    // Of the programs here some have rows with one cell of what a convolution gives beside its output, some with
    // as many as there are, and some with both.
    let found = compiled().into_iter().map(|compiled| {
        let kinds = compiled.shape().kinds;
        (kinds.free, kinds.wide)
    });
    let found: BTreeSet<(bool, bool)> = found.collect();
    assert!(found.contains(&(true, true)), "{found:?}");
}

#[test]
fn steps_without_anything_to_read_have_their_place() {
    // Sums of nothing, images of nothing, layers of nothing, first and in between: both halves count the
    // same steps, and an accumulator that is off by one is rejected in each of them.
    let zeros = |channels: usize| IntegerConv {
        inputs: vec![vec![]; 4],
        input: [1, 2, 2],
        weights: Array4::from_elem((channels, 1, 2, 2), 3),
        bias: vec![500; channels],
        output: [2, 2],
        strides: [1, 1],
        dilations: [1, 1],
        pads: [0, 0],
    };
    let constant = || Kind::Dense {
        inputs: vec![],
        weights: Array2::zeros((2, 0)),
        bias: vec![7, -9],
    };
    let empty = Sum {
        terms: vec![],
        bias: -3,
    };
    for conv_first in [true, false] {
        let mut builder = Builder::new(2, 17);
        if conv_first {
            builder.step(Kind::Conv(zeros(3)), Finish::Exact, None);
        }
        builder.step(constant(), Finish::Exact, None);
        builder.sums(
            vec![empty.clone(), Sum::of(0), empty.clone()],
            Finish::Exact,
        );
        builder.step(Kind::Conv(zeros(2)), Finish::ExactRelu, None);
        builder.dense(&[0, 1], 3, Finish::Exact);
        builder.sums(vec![Sum::of(1), empty.clone()], Finish::Exact);
        let compiled = compile(builder.finish());
        let checker = Checker::new(&compiled);
        assert_room(&compiled, &checker);
        let base = honest(&compiled);
        assert_eq!(checker.verdict(&base), names(&[]));
        let wires = evaluate(compiled.program(), &base.inputs, &[]).wires;
        for (wire, value) in wires.iter().enumerate().skip(compiled.program().inputs) {
            for change in [1, -1] {
                let forced = [(wire, value + change)];
                let forged = fill(
                    &compiled,
                    &evaluate(compiled.program(), &base.inputs, &forced),
                );
                assert_eq!(checker.verdict(&forged), names(&[LINEAR]), "wire {wire}");
            }
        }
    }
}
