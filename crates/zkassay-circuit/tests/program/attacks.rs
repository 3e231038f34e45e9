//! Consistent forgeries, each stopped by one equation alone, which is named.

use std::collections::BTreeSet;
use std::time::Instant;

use ndarray::Array4;
use zkassay_circuit::program::grid::Grid;
use zkassay_circuit::program::layout::Producer;
use zkassay_circuit::{CompileOptions, CompiledProgram, ProgramWitness};
use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::{Field, field, power_of_two};
use zkassay_quant::{Finish, IntegerConv, Kind, Program, Sum, Table, Wire};
use zkassay_seed::Stream;

use crate::checker::Checker;
use crate::common::{Builder, LIMBS, compile, every_kind, random_table, rows};
use crate::forger::{Forged, evaluate, fill, locate, set_limb};

const LOOKUPS: &str = "sum = 0";
const LINEAR: &str = "end: dot = combination";

fn names(expected: &[&str]) -> BTreeSet<String> {
    expected.iter().map(|name| (*name).to_owned()).collect()
}

fn inputs(compiled: &CompiledProgram) -> Vec<i64> {
    let row = &rows(1, compiled.program().inputs)[0];
    compiled.program().quantize(row).unwrap()
}

/// The row of a wire, its step's kind and finish.
fn wire_rows(compiled: &CompiledProgram) -> Vec<(usize, Wire, Kind, Finish)> {
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

fn is_linear(kind: &Kind) -> bool {
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
            let limb = witness.limbs[top][row] - field(change << LIMBS.bits);
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

/// A function's row, and what is looked up and read in it.
struct Function {
    row: usize,
    table: usize,
    wire: Wire,
    argument: i128,
}

fn functions(compiled: &CompiledProgram, forged: &Forged) -> Vec<Function> {
    let rows = wire_rows(compiled).into_iter();
    let program = compiled.program();
    rows.filter_map(|(row, wire, kind, _)| {
        let Kind::Table { table, .. } = kind else {
            return None;
        };
        let Some(Producer::Function { step, index }) = compiled.producers().get(row - 1) else {
            panic!("the limbs of a function are above its value");
        };
        let Kind::Table { inputs, .. } = &program.steps[*step].kind else {
            panic!("functions are of tables");
        };
        Some(Function {
            row: row - 1,
            table,
            wire,
            argument: forged.wires[inputs[*index]],
        })
    })
    .collect()
}

/// Makes a function's row one of some segment, at some place of it, with some coefficients.
fn set_function(
    witness: &mut ProgramWitness,
    row: usize,
    segment: Field,
    (c0, c1): (i128, i128),
    place: i128,
    value: i128,
) {
    for (column, cell) in [segment, field(c0), field(c1)].into_iter().enumerate() {
        witness.function[column][row] = cell;
    }
    let e = LIMBS.table_bits();
    let rest = c0 + c1 * place + (1 << (e - 1)) - (value << e);
    assert!((0..1 << e).contains(&rest));
    set_limb(witness, 0, row, field(place));
    for limb in 0..LIMBS.table {
        let cell = rest >> (limb * LIMBS.bits) & ((1 << LIMBS.bits) - 1);
        set_limb(witness, 1 + limb as usize, row, field(cell));
    }
}

fn rounded(c0: i128, c1: i128, place: i128) -> i128 {
    let e = LIMBS.table_bits();
    (c0 + c1 * place + (1 << (e - 1))) >> e
}

#[test]
fn a_segment_has_its_own_coefficients_and_place() {
    let compiled = compile(every_kind());
    let checker = Checker::new(&compiled);
    let program = compiled.program();
    let inputs = inputs(&compiled);
    let honest = evaluate(program, &inputs, &[]);
    let number = |table: usize, segment: usize| {
        power_of_two(64) * Field::from(table as u64) + Field::from(segment as u64)
    };
    let all = functions(&compiled, &honest);
    assert_eq!(all.len(), 4);
    for Function {
        row,
        table,
        wire,
        argument,
    } in all
    {
        let (segment, entry, _, place) = locate(program, table, argument);
        let width = 1 << LIMBS.bits;
        // (the function and segment that are claimed, whose coefficients, at which place)
        let other = 1 - table;
        for (claimed, coefficients, place, expected) in [
            // The neighbour's coefficients.
            ((table, segment), (table, segment + 1), place, vec![LOOKUPS]),
            // The neighbour, at a place beyond its end.
            (
                (table, segment - 1),
                (table, segment - 1),
                place + width,
                vec![LOOKUPS],
            ),
            (
                (table, segment + 1),
                (table, segment + 1),
                place - width,
                vec![LOOKUPS],
            ),
            // The other function.
            ((table, segment), (other, segment), place, vec![LOOKUPS]),
            ((other, segment), (other, segment), place, vec!["argument"]),
            (
                (table, segment + 1),
                (table, segment + 1),
                place,
                vec!["argument"],
            ),
        ] {
            let (c0, c1) = program.tables[coefficients.0].segments[coefficients.1];
            let coefficients_entry = entry + coefficients.1 - segment;
            let (c0, c1) = (i128::from(c0), i128::from(c1));
            let value = rounded(c0, c1, place);
            let mut witness = fill(&compiled, &evaluate(program, &inputs, &[(wire, value)]));
            set_function(
                &mut witness,
                row,
                number(claimed.0, claimed.1),
                (c0, c1),
                place,
                value,
            );
            if coefficients.0 == table {
                // As if it had been looked up.
                witness.function[3][entry] -= Field::ONE;
                witness.function[3][coefficients_entry] += Field::ONE;
            } else if claimed.0 == other {
                let (_, there, ..) = locate(program, other, argument);
                witness.function[3][entry] -= Field::ONE;
                witness.function[3][there] += Field::ONE;
            }
            assert_eq!(checker.verdict(&witness), names(&expected), "{claimed:?}");
        }
    }
}

#[test]
fn a_functions_value_is_an_integer() {
    // With a free remainder, the value would be (c0 + c1 place - remainder) / 2^e for any remainder: a
    // fraction modulo p, which weights divisible by 2^e make an integer again.
    let mut builder = Builder::new(1, 3);
    let mut stream = Stream::new(4, "testing/tables");
    let value = builder.table(random_table(&mut stream), &[0])[0];
    let sum = Sum {
        terms: vec![(value, 1 << LIMBS.table_bits())],
        bias: 0,
    };
    builder.sums(vec![sum], Finish::Exact);
    let compiled = compile(builder.finish());
    let checker = Checker::new(&compiled);
    let honest = evaluate(compiled.program(), &[77], &[]);
    let row = functions(&compiled, &honest)[0].row;
    let unit = power_of_two(LIMBS.table_bits()).invert().unwrap();
    for change in [1, -1] {
        // The sum is wrong by one; the table is that of the wrong sum.
        let mut witness = fill(
            &compiled,
            &evaluate(compiled.program(), &[77], &[(2, honest.wires[2] + change)]),
        );
        let fraction = witness.value[row + 1] + unit * field(change);
        let old = std::mem::replace(&mut witness.value[row + 1], fraction);
        for cell in witness
            .operand
            .iter_mut()
            .filter(|cell| **cell == old && old != field(77))
        {
            *cell = fraction;
        }
        let limb = witness.limbs[1][row] - field(change);
        set_limb(&mut witness, 1, row, limb);
        assert_eq!(checker.verdict(&witness), names(&["exact"]));
        // The fraction in a limb.
        let limb = witness.limbs[0][row + 1] + unit * field(change);
        set_limb(&mut witness, 0, row + 1, limb);
        assert_eq!(checker.verdict(&witness), names(&[LOOKUPS]));
    }
}

#[test]
fn an_argument_outside_of_the_domain_has_no_proof() {
    // The domain rests on a promise that this input breaks. No entry of the table of functions fits, and
    // that of the range table does not stand in: segment -1 without coefficients is not a limb of zero.
    let mut builder = Builder::new(1, 3);
    let argument = builder.step(Kind::Sums(vec![Sum::of(0)]), Finish::Exact, Some(200));
    let table = Table {
        name: "narrow".into(),
        first: -256,
        segments: vec![(1 << 14, 3); 8],
    };
    let value = builder.table(table, &argument)[0];
    builder.sums(vec![Sum::of(value)], Finish::Exact);
    let compiled = compile(builder.finish());
    let checker = Checker::new(&compiled);
    let program = compiled.program();
    let width = 1i128 << LIMBS.bits;
    for (x, segment, entry) in [(-300, -1, 0), (-257, -1, 0), (256, 8, 7), (2047, 35, 7)] {
        let (argument, first) = (i128::from(x), -256);
        let place = argument - first - segment * width;
        for (c0, c1) in [(0, 0), (1 << 14, 3)] {
            let honest = evaluate(program, &[x], &[]);
            let row = functions(&compiled, &honest)[0].row;
            let claimed = rounded(c0, c1, place);
            let mut base = fill(&compiled, &evaluate(program, &[x], &[(value, claimed)]));
            set_function(&mut base, row, field(segment), (c0, c1), place, claimed);
            base.function[3][entry] -= Field::ONE;
            // Balanced by an entry of either table, or by none.
            for multiplicity in [None, Some(0), Some(1)] {
                let mut witness = base.clone();
                match multiplicity {
                    None => {}
                    Some(0) => witness.multiplicity[0] += Field::ONE,
                    Some(_) => witness.function[3][entry] += Field::ONE,
                }
                assert_eq!(
                    checker.verdict(&witness),
                    names(&[LOOKUPS]),
                    "{x}, {multiplicity:?}"
                );
            }
        }
    }
}

#[test]
fn multiplicities_have_to_match() {
    // [5, 5, 5] does not pass for [5, 6, 7], nor an entry of one table for one of the other.
    let compiled = compile(every_kind());
    let checker = Checker::new(&compiled);
    let base = fill(
        &compiled,
        &evaluate(compiled.program(), &inputs(&compiled), &[]),
    );
    type Cell = fn(&mut ProgramWitness, usize) -> &mut Field;
    let range: Cell = |witness, at| &mut witness.multiplicity[at];
    let segment: Cell = |witness, at| &mut witness.function[3][at];
    for (from, to) in [
        (range, range),
        (segment, segment),
        (range, segment),
        (segment, range),
    ] {
        for (a, b) in [(0, 1), (1, 0), (2, 5), (40, 3)] {
            let mut witness = base.clone();
            *from(&mut witness, a) -= Field::ONE;
            *to(&mut witness, b) += Field::ONE;
            assert_eq!(checker.verdict(&witness), names(&[LOOKUPS]));
        }
    }
    // Where both tables say the same again, in their last rows, it does not matter where it is counted.
    let mut witness = base.clone();
    witness.multiplicity[0] -= Field::ONE;
    witness.multiplicity[checker.last_row() - 1] += Field::ONE;
    assert_eq!(checker.verdict(&witness), names(&[]));
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
        let step = if row < free { r } else { r.invert().unwrap() };
        witness.value[free] -= power_of_two(LIMBS.shift_bits()) * step;
        assert_eq!(other.verdict(&witness), names(&[LINEAR]));
        forged += usize::from(known.verdict(&witness).is_empty());
    }
    assert!(forged > 0, "{forged}");
}

#[test]
fn steps_do_not_make_up_for_each_other() {
    // Without a challenge of their own, the last accumulator of one step and the first of the next
    // could be off by opposite amounts.
    let compiled = compile(rescales());
    let checker = Checker::new(&compiled);
    let inputs = inputs(&compiled);
    let base = fill(&compiled, &evaluate(compiled.program(), &inputs, &[]));
    let r = checker.challenge(checker.columns.r);
    let one = Field::ONE;
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
            witness.limbs[0][last] += one;
            witness.limbs[0][first] += change * sign;
            assert!(checker.verdict(&witness).contains(LINEAR));
        }
    }
}

/// A convolution of anything by anything.
fn random_conv(stream: &mut Stream) -> IntegerConv {
    let mut size = |most: usize| 1 + stream.below(most);
    let (kernel, input) = ([size(4), size(4)], [size(5), size(6)]);
    let (strides, dilations) = ([size(3), size(4)], [size(3), size(3)]);
    let pads = [size(5) - 1, size(6) - 1];
    // Also outputs beyond anything that the input reaches, and fewer than it reaches.
    let output = [size(5), size(6)];
    IntegerConv {
        inputs: (0..input[0] * input[1]).map(Some).collect(),
        input: [1, input[0], input[1]],
        weights: Array4::zeros((1, 1, kernel[0], kernel[1])),
        bias: vec![0],
        output,
        strides,
        dilations,
        pads,
    }
}

#[test]
fn an_output_takes_up_its_own_products_and_no_others() {
    // Each pixel and each element of the kernel has a name; what meets at an output's position is what the
    // definition of a convolution multiplies for it.
    let mut stream = Stream::new(21, "testing/grids");
    for _ in 0..20_000 {
        let mut conv = random_conv(&mut stream);
        let (_, _, kernel_height, kernel_width) = conv.weights.dim();
        conv.weights =
            Array4::from_shape_fn((1, 1, kernel_height, kernel_width), |(_, _, y, x)| {
                (y * kernel_width + x) as i64
            });
        let grid = Grid::new(&conv);
        let mut expected = BTreeSet::new();
        conv.for_each(|output, wire, weight| {
            assert!(expected.insert((output, wire, weight)));
        });
        let mut found = BTreeSet::new();
        for class in &grid.classes {
            let unique =
                |list: &[(usize, usize, usize)]| list.windows(2).all(|pair| pair[0].0 < pair[1].0);
            assert!(unique(&class.taps) && unique(&class.pixels), "{conv:?}");
            for &(v, y, x) in &class.pixels {
                assert!(v < grid.len);
                for &(m, qy, qx) in class.taps.iter().filter(|tap| tap.0 <= v) {
                    if let Some(output) = grid.output(v - m, &conv) {
                        let weight = conv.weights[[0, 0, qy, qx]];
                        assert!(found.insert((output, y * conv.input[2] + x, weight)));
                    }
                }
            }
        }
        assert_eq!(found, expected, "{conv:?}");
        let outputs: Vec<usize> = (0..grid.len)
            .filter_map(|t| grid.output(t, &conv))
            .collect();
        assert_eq!(outputs, (0..conv.outputs()).collect::<Vec<_>>(), "{conv:?}");
    }
}

#[test]
fn hostile_programs_are_refused_before_they_cost_anything() {
    let start = Instant::now();
    let conv = |input: [usize; 2], kernel: [usize; 2], strides, dilations, pads| {
        let mut builder = Builder::new(1, 1);
        let conv = IntegerConv {
            inputs: vec![Some(0); input[0] * input[1]],
            input: [1, input[0], input[1]],
            weights: Array4::from_elem((1, 1, kernel[0], kernel[1]), 1),
            bias: vec![0],
            output: [1, 1],
            strides,
            dilations,
            pads,
        };
        builder.step(Kind::Conv(conv), Finish::Round, None);
        builder.finish()
    };
    let most = 65_535;
    let (one, large) = ([1, 1], [most, most]);
    for program in [
        conv(one, [2, 2], one, large, one),
        conv(one, [64, 64], one, large, large),
        conv(one, [most, 1], one, large, large),
        conv(one, [1, most], one, large, large),
        conv([1, most], [most, 1], one, one, large),
        conv([1, 1000], [1, 1000], large, large, large),
        conv([most, 1], [most, 1], large, one, one),
    ] {
        // Some have a small table after all; none takes long.
        let _ = CompiledProgram::with_options(program, &CompileOptions::default());
    }
    let elapsed = start.elapsed();
    assert!(elapsed.as_secs() < 20, "{elapsed:?}");
}
