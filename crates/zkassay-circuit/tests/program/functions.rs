//! Functions: segments, coefficients, places and remainders that are not those of the argument.

use zkassay_circuit::program::layout::Producer;
use zkassay_circuit::{CompiledProgram, ProgramWitness};
use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::{Field, field, power_of_two};
use zkassay_quant::{Finish, Kind, Sum, Table, Wire};
use zkassay_seed::Stream;

use crate::attacks::{LOOKUPS, inputs, names, wire_rows};
use crate::checker::Checker;
use crate::common::{Builder, LIMBS, compile, every_kind, random_table};
use crate::forger::{Forged, evaluate, fill, locate, set_limb};

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
        witness.lanes[0].segment[column][row] = cell;
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
                witness.function[entry] -= Field::ONE;
                witness.function[coefficients_entry] += Field::ONE;
            } else if claimed.0 == other {
                let (_, there, ..) = locate(program, other, argument);
                witness.function[entry] -= Field::ONE;
                witness.function[there] += Field::ONE;
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
        let fraction = witness.lanes[0].value[row + 1] + unit * field(change);
        let old = std::mem::replace(&mut witness.lanes[0].value[row + 1], fraction);
        for cell in witness.lanes[0]
            .operand
            .iter_mut()
            .filter(|cell| **cell == old && old != field(77))
        {
            *cell = fraction;
        }
        let limb = witness.lanes[0].limbs[1][row] - field(change);
        set_limb(&mut witness, 1, row, limb);
        assert_eq!(checker.verdict(&witness), names(&["exact"]));
        // The fraction in a limb.
        let limb = witness.lanes[0].limbs[0][row + 1] + unit * field(change);
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
            base.function[entry] -= Field::ONE;
            // Balanced by an entry of either table, or by none.
            for multiplicity in [None, Some(0), Some(1)] {
                let mut witness = base.clone();
                match multiplicity {
                    None => {}
                    Some(0) => witness.multiplicity[0] += Field::ONE,
                    Some(_) => witness.function[entry] += Field::ONE,
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
    let segment: Cell = |witness, at| &mut witness.function[at];
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
