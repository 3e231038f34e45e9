//! Consistent forgeries, each stopped by one equation alone, which is named.

use std::collections::BTreeSet;

use zkassay_circuit::CompiledProgram;
use zkassay_circuit::program::layout::Producer;
use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::{Field, field, power_of_two};
use zkassay_quant::{Finish, Kind, Program, Sum, Wire};

use crate::checker::Checker;
use crate::common::{Builder, LIMBS, compile, every_kind, rows};
use crate::forger::{evaluate, fill, set_limb};

pub(crate) const LOOKUPS: &str = "sum = 0";
pub(crate) const LINEAR: &str = "end: dot = combination";

pub(crate) fn names(expected: &[&str]) -> BTreeSet<String> {
    expected.iter().map(|name| (*name).to_owned()).collect()
}

pub(crate) fn inputs(compiled: &CompiledProgram) -> Vec<i64> {
    let row = &rows(1, compiled.program().inputs)[0];
    compiled.program().quantize(row).unwrap()
}

/// The row of a wire, its step's kind and finish.
pub(crate) fn wire_rows(compiled: &CompiledProgram) -> Vec<(usize, Wire, Kind, Finish)> {
    let program = compiled.program();
    let first = |step: usize| {
        program.inputs
            + program.steps[..step]
                .iter()
                .map(|step| step.len())
                .sum::<usize>()
    };
    let rows = compiled.producers().iter().enumerate();
    rows.filter_map(|(row, producer)| match *producer {
        Producer::Wire { step, index } => {
            let wire = first(step) + index;
            let step = &program.steps[step];
            Some((row, wire, step.kind.clone(), step.finish))
        }
        _ => None,
    })
    .collect()
}

pub(crate) fn is_linear(kind: &Kind) -> bool {
    matches!(kind, Kind::Dense { .. } | Kind::Conv(_) | Kind::Sums(_))
}

/// A program with rescales and rectifiers of all sources.
fn rescales() -> Program {
    let mut builder = Builder::new(6, 13);
    let wires: Vec<Wire> = (0..6).collect();
    let round = builder.dense(&wires, 4, Finish::Round);
    let relu = builder.dense(&wires, 6, Finish::Relu);
    let ones = ([1, 1], [1, 1], [1, 1]);
    let conv = builder.conv(&wires[..4], [1, 2, 2], [2, 2, 2], ones, Finish::Relu);
    let pairs = vec![(0, 1), (2, 3), (4, 5)];
    let products = builder.step(Kind::Products(pairs.clone()), Finish::Relu, None);
    let others = builder.step(Kind::Products(pairs), Finish::ExactRelu, None);
    let all: Vec<Wire> = [round, relu, conv, products, others].concat();
    let sums = all.iter().map(|wire| Sum::of(*wire)).collect();
    builder.sums(sums, Finish::ExactRelu);
    builder.finish()
}

#[test]
fn the_other_branch_of_a_rectifier_is_rejected() {
    // What is negative presented as positive, and the reverse; all that follows recomputed.
    let compiled = compile(rescales());
    let checker = Checker::new(&compiled);
    let inputs = inputs(&compiled);
    let honest = evaluate(compiled.program(), &inputs, &[]);
    let mut flipped = 0;
    for (_, wire, kind, finish) in wire_rows(&compiled) {
        let y = honest.accumulators[wire];
        let shift = LIMBS.shift_bits();
        let signed = match finish {
            Finish::Relu => (y + (1 << (shift - 1))) >> shift,
            Finish::ExactRelu => y,
            _ => continue,
        };
        if signed == 0 {
            continue;
        }
        let forged = evaluate(
            compiled.program(),
            &inputs,
            &[(wire, signed.abs() - honest.wires[wire])],
        );
        let expected = if is_linear(&kind) {
            LINEAR
        } else {
            "accumulator = operand[previous] operand"
        };
        assert_eq!(
            checker.verdict(&fill(&compiled, &forged)),
            names(&[expected]),
            "wire {wire}"
        );
        flipped += 1;
    }
    assert!(flipped > 20, "{flipped}");
}

#[test]
fn quotient_and_remainder_cannot_be_shifted_together() {
    // y = 2^s v + l = 2^s (v - 1) + (l + 2^s) = 2^s (v + 1) + (l - 2^s): the equations hold, in the last
    // case with l near the modulus; limbs leave their range.
    let compiled = compile(rescales());
    let checker = Checker::new(&compiled);
    let inputs = inputs(&compiled);
    let honest = evaluate(compiled.program(), &inputs, &[]);
    let mut shifted = 0;
    for (row, wire, _, finish) in wire_rows(&compiled) {
        if finish != Finish::Round && !(finish == Finish::Relu && honest.wires[wire] > 1) {
            continue;
        }
        for change in [1, -1] {
            let forced = honest.wires[wire] + change;
            let mut witness = fill(
                &compiled,
                &evaluate(compiled.program(), &inputs, &[(wire, forced)]),
            );
            let top = LIMBS.shift as usize - 1;
            let limb = witness.lanes[0].limbs[top][row] - field(change << LIMBS.bits);
            set_limb(&mut witness, top, row, limb);
            assert_eq!(checker.verdict(&witness), names(&[LOOKUPS]), "wire {wire}");
            shifted += 1;
        }
    }
    assert!(shifted > 10, "{shifted}");
}

#[test]
fn there_is_no_sign_of_zero_to_choose() {
    // Accumulators that round to zero from both sides, and their neighbours.
    let half = 1i64 << (LIMBS.shift_bits() - 1);
    for (bias, quotient) in [
        (half - 1, 0),
        (-half, 0),
        (half, 1),
        (-half - 1, -1),
        (0, 0),
    ] {
        let mut builder = Builder::new(1, 1);
        let sum = Sum {
            terms: vec![],
            bias,
        };
        let rectified = builder.sums(vec![sum], Finish::Relu);
        builder.sums(vec![Sum::of(rectified[0])], Finish::Exact);
        let compiled = compile(builder.finish());
        let checker = Checker::new(&compiled);
        let program = compiled.program();
        let honest = evaluate(program, &[0], &[]);
        assert_eq!(honest.wires[1], i128::from(quotient).max(0));
        assert_eq!(checker.verdict(&fill(&compiled, &honest)), names(&[]));
        for value in [-1, 0, 1] {
            let forged = fill(&compiled, &evaluate(program, &[0], &[(1, value)]));
            let accepted = checker.verdict(&forged).is_empty();
            assert_eq!(
                accepted,
                value == honest.wires[1],
                "bias {bias}, value {value}"
            );
        }
    }
}

#[test]
fn integers_of_the_size_of_the_modulus_are_rejected() {
    // v presented as p - v, in exact rows and inputs: the sums that read it agree, if its limb may.
    let compiled = compile(every_kind());
    let checker = Checker::new(&compiled);
    let inputs = inputs(&compiled);
    let program = compiled.program();
    let honest = evaluate(program, &inputs, &[]);
    for (row, producer) in compiled.producers().iter().enumerate() {
        let Producer::Input(wire) = *producer else {
            continue;
        };
        // An input just outside its bits: its first limb makes up for it.
        let half = 1 << (LIMBS.bits * LIMBS.input - 1);
        for x in [half, -half - 1] {
            let mut witness = fill(&compiled, &evaluate(program, &inputs, &[(wire, x)]));
            let limbs = x + half;
            for column in 0..LIMBS.input as usize {
                let limb = if column == 0 {
                    field(limbs)
                } else {
                    Field::ZERO
                };
                set_limb(&mut witness, column, row, limb);
            }
            let failing = checker.verdict(&witness);
            assert!(failing.contains(LOOKUPS), "{failing:?}");
            assert!(!failing.contains("input"), "{failing:?}");
        }
    }
    let mut tested = 0;
    for (row, wire, _, finish) in wire_rows(&compiled) {
        let v = honest.wires[wire];
        if finish == Finish::Nonnegative || v == 0 {
            // A negative remainder: its first limb alone holds it.
            let forged = evaluate(program, &inputs, &[(wire, -1)]);
            let mut witness = fill(&compiled, &forged);
            if finish != Finish::Nonnegative {
                continue;
            }
            for column in 1..LIMBS.total as usize {
                set_limb(&mut witness, column, row, Field::ZERO);
            }
            set_limb(&mut witness, 0, row, -Field::ONE);
            let failing = checker.verdict(&witness);
            assert!(
                failing.contains(LOOKUPS) && !failing.contains("nonnegative"),
                "{failing:?}"
            );
            tested += 1;
        }
    }
    assert!(tested >= 2, "{tested}");
}

#[test]
fn a_quotient_off_by_one_is_rejected() {
    let mut builder = Builder::new(2, 3);
    let positive = builder.sums(
        vec![Sum {
            terms: vec![(1, 1)],
            bias: 1 << 12,
        }],
        Finish::Exact,
    );
    let numerator = builder.sums(
        vec![Sum {
            terms: vec![(0, 64)],
            bias: 1 << 18,
        }],
        Finish::Exact,
    );
    let quotient = builder.divide(&numerator, positive[0], 1 << 12)[0];
    builder.sums(vec![Sum::of(quotient)], Finish::Exact);
    let compiled = compile(builder.finish());
    let checker = Checker::new(&compiled);
    let program = compiled.program();
    for input in [[100, 200], [-2048, -2048], [2047, -2048], [0, 0]] {
        let honest = evaluate(program, &input, &[]);
        assert_eq!(checker.verdict(&fill(&compiled, &honest)), names(&[]));
        let q = honest.wires[quotient];
        for wrong in [q + 1, q - 1, -q, 0, q + (1 << 20)] {
            if wrong != q {
                let forged = evaluate(program, &input, &[(quotient, wrong)]);
                let failing = checker.verdict(&fill(&compiled, &forged));
                assert!(
                    failing.contains("nonnegative"),
                    "{wrong} for {q}: {failing:?}"
                );
            }
        }
    }
}

#[test]
fn who_knows_the_challenge_can_forge() {
    // Outside of its output a convolution's values have no range: with r known, one of them makes up
    // for a wrong output. So r has to come after them; with any other r the forgery fails.
    let mut builder = Builder::new(6, 15);
    let image: Vec<Wire> = (0..6).collect();
    let ones = ([1, 1], [1, 1], [0, 0]);
    builder.conv(&image, [1, 2, 3], [3, 2, 2], ones, Finish::Relu);
    let compiled = compile(builder.finish());
    let [known, other] = [0, 1].map(|salt| Checker::with_challenges(&compiled, salt));
    let inputs = inputs(&compiled);
    let honest = evaluate(compiled.program(), &inputs, &[]);
    let is_free = |row: &usize| matches!(compiled.producers()[*row], Producer::Free { .. });
    let frees: Vec<usize> = (0..compiled.producers().len()).filter(is_free).collect();
    let r = known.challenge(known.columns.r);
    let mut forged = 0;
    for (row, wire, ..) in wire_rows(&compiled) {
        // A neighbour, which may belong to the next channels.
        let neighbour = frees.iter().find(|free| free.abs_diff(row) == 1);
        let Some(free) = neighbour.copied().filter(|_| honest.wires[wire] > 0) else {
            continue;
        };
        let forced = evaluate(
            compiled.program(),
            &inputs,
            &[(wire, honest.wires[wire] + 1)],
        );
        let mut witness = fill(&compiled, &forced);
        assert_eq!(known.verdict(&witness), names(&[LINEAR]));
        witness.lanes[0].value[free] -=
            power_of_two(LIMBS.shift_bits()) * apart(&compiled, r, row, free);
        assert_eq!(other.verdict(&witness), names(&[LINEAR]));
        forged += usize::from(known.verdict(&witness).is_empty());
    }
    assert!(forged > 0, "{forged}");
}

/// The power of `r` by which a linear wire's row counts more than the first cell of a free row next to it.
pub(crate) fn apart(compiled: &CompiledProgram, r: Field, row: usize, free: usize) -> Field {
    match compiled.producers()[free] {
        _ if row < free => r,
        Producer::Free { cells, .. } => r.invert().unwrap().pow_vartime([cells as u64]),
        _ => panic!("row {free} is not free"),
    }
}

#[test]
fn steps_do_not_make_up_for_each_other() {
    // The last accumulator of one step and the first of the next could be off by opposite amounts if they
    // counted the same. They differ by `r`, so only who knows it beforehand can forge.
    let compiled = compile(rescales());
    let [known, checker] = [1, 0].map(|salt| Checker::with_challenges(&compiled, salt));
    let inputs = inputs(&compiled);
    let base = fill(&compiled, &evaluate(compiled.program(), &inputs, &[]));
    let r = known.challenge(known.columns.r);
    let one = Field::ONE;
    let mut forged = 0;
    let linear: Vec<_> = wire_rows(&compiled)
        .into_iter()
        .filter(|(.., kind, finish)| is_linear(kind) && *finish == Finish::Round)
        .collect();
    let next: Vec<_> = wire_rows(&compiled)
        .into_iter()
        .filter(|(.., kind, finish)| is_linear(kind) && *finish == Finish::Relu)
        .collect();
    let (last, first) = (linear[linear.len() - 1].0, next[0].0);
    assert_eq!(last + 1, first);
    for change in [
        one,
        r,
        r.invert().unwrap(),
        r.pow_vartime([6]),
        r.pow_vartime([5]),
    ] {
        for sign in [one, -one] {
            let mut witness = base.clone();
            witness.lanes[0].limbs[0][last] += one;
            witness.lanes[0].limbs[0][first] += change * sign;
            assert!(checker.verdict(&witness).contains(LINEAR));
            forged += usize::from(!known.verdict(&witness).contains(LINEAR));
        }
    }
    assert_eq!(forged, 1);
}

#[test]
fn sums_and_factors_cannot_make_up_for_each_other() {
    // Phase 2 is determined equation by equation: two helpers of a row, two factors of a step, a
    // stretch of a sum, changed so that all that reads them agrees.
    let compiled = compile(rescales());
    let checker = Checker::new(&compiled);
    let columns = &checker.columns;
    let base = fill(
        &compiled,
        &evaluate(compiled.program(), &inputs(&compiled), &[]),
    );
    let filled = checker.fill(&base);
    let all = 0..checker.last_row() + 1;
    let delta = Field::from(12345);
    let verdict = |changes: &[(usize, usize, Field)]| {
        let mut forged = filled.clone();
        for (column, row, change) in changes {
            forged.advice[*column][*row] += change;
        }
        checker.failing(&forged, all.clone())
    };
    let helpers: Vec<usize> = columns.lookups.helpers.iter().map(|c| c.index()).collect();
    for pair in helpers.windows(2) {
        for row in 0..checker.last_row() {
            let failing = verdict(&[(pair[0], row, delta), (pair[1], row, -delta)]);
            assert_eq!(failing, names(&["helper"]), "row {row}");
        }
    }
    // Both factors of neighbours in a step, and the sum between them.
    let consumers = compiled.consumers();
    let reads = |row: usize| consumers[row].operand.is_some();
    let mut pairs = 0;
    for row in 1..consumers.len() - 1 {
        if !(reads(row) && reads(row + 1) && consumers[row + 1].start.is_none()) {
            continue;
        }
        let (a, b) = (base.lanes[0].operand[row], base.lanes[0].operand[row + 1]);
        let (factor, dot) = (columns.factor.unwrap().index(), columns.dot.index());
        let changes = [
            (factor, row, b * delta),
            (factor, row + 1, -a * delta),
            (dot, row + 1, a * b * delta),
        ];
        let failing = verdict(&changes);
        let expected = "active factor = steps factor[previous] + weights";
        assert!(failing.len() <= 1 && failing.iter().all(|name| name == expected));
        assert_eq!(
            failing.is_empty(),
            a == Field::ZERO && b == Field::ZERO,
            "row {row}"
        );
        pairs += 1;
    }
    assert!(pairs > 5, "{pairs}");
    // From one row up to another.
    for (column, name) in [
        (columns.dot, "dot[next] = step dot + operand factor"),
        (
            columns.combination,
            "combination[next] = step combination + accumulator - bias",
        ),
        (columns.lookups.sum, "running sum"),
    ] {
        for (from, to) in [(1, 2), (3, 9), (1, checker.last_row() - 1)] {
            let stretch: Vec<_> = (from..to).map(|row| (column.index(), row, delta)).collect();
            assert_eq!(verdict(&stretch), names(&[name]));
        }
        // The ends, each of which has its own equation.
        let whole: Vec<_> = all
            .clone()
            .map(|row| (column.index(), row, delta))
            .collect();
        assert!(verdict(&whole).iter().any(|name| name.contains("= 0")));
    }
}
