//! Several inferences side by side: each has its own values, bus, and public values.

use zkassay_circuit::program::layout::Producer;
use zkassay_circuit::{CompileOptions, CompiledProgram, ProgramWitness};
use zkassay_fixed::{DataVisibility, Visibility};
use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::{Field, field, power_of_two};
use zkassay_quant::{Finish, Kind, Program, Sum, Wire};
use zkassay_seed::Stream;

use crate::attacks::{LINEAR, LOOKUPS, apart, names, wire_rows};
use crate::checker::Checker;
use crate::common::{Builder, LIMBS, check, compile_lanes, random_table, rows};
use crate::forger::{Forged, evaluate, fill_lanes};
use crate::soundness::{change_all, overwrite_all};
use crate::trees::{only, three_trees};

const LANES: u32 = 3;

/// A dense layer, a convolution, products and a function; sums of them as outputs.
fn program() -> Program {
    let mut builder = Builder::new(4, 41);
    let mut stream = Stream::new(42, "testing/tables");
    let image: Vec<Wire> = (0..4).collect();
    let geometry = ([1, 1], [1, 1], [0, 0]);
    let conv = builder.conv(&image, [1, 2, 2], [2, 1, 2], geometry, Finish::Relu);
    let hidden = builder.dense(&image, 3, Finish::Relu);
    let functions = builder.table(random_table(&mut stream), &[0, 3]);
    let pairs = vec![(hidden[0], 1), (2, functions[1])];
    let products = builder.step(Kind::Products(pairs), Finish::Round, None);
    let all: Vec<Wire> = [conv, hidden, functions, products].concat();
    let halves = [&all[..4], &all[4..]].map(|wires| Sum {
        terms: wires.iter().map(|wire| (*wire, 1)).collect(),
        bias: 9,
    });
    builder.sums(halves.into(), Finish::Exact);
    builder.finish()
}

fn compiled(totals: bool) -> CompiledProgram {
    compile_lanes(program(), LANES, totals)
}

fn honest(compiled: &CompiledProgram) -> ProgramWitness {
    compiled.witness_batch(&rows(LANES as usize, 4)).unwrap()
}

/// The evaluations of all lanes, each with wires that are forced to be something else.
fn lanes(compiled: &CompiledProgram, forced: [&[(Wire, i128)]; 3]) -> Vec<Forged> {
    let program = compiled.program();
    let inputs = honest(compiled).inputs;
    let inputs = inputs.chunks(program.inputs).zip(forced);
    inputs
        .map(|(inputs, forced)| evaluate(program, inputs, forced))
        .collect()
}

#[test]
fn honest_lanes_are_accepted() {
    for totals in [false, true] {
        let compiled = compiled(totals);
        let checker = Checker::new(&compiled);
        let witness = honest(&compiled);
        assert!(witness.fits(compiled.shape()));
        assert_eq!(fill_lanes(&compiled, &lanes(&compiled, [&[]; 3])), witness);
        assert_eq!(check(&compiled, &witness), Ok(()));
        assert_eq!(checker.verdict(&witness), names(&[]));
        let each: Vec<Vec<i64>> = rows(LANES as usize, 4)
            .iter()
            .map(|row| compiled.program().evaluate(row).unwrap().outputs)
            .collect();
        let sums = (0..2)
            .map(|output| each.iter().map(|lane| lane[output]).sum())
            .collect();
        assert_eq!(witness.outputs, if totals { sums } else { each.concat() });
    }
}

#[test]
fn a_batch_has_as_many_rows_as_lanes() {
    let compiled = compiled(false);
    for count in [0, 1, 2, 4] {
        let error = compiled.witness_batch(&rows(count, 4)).unwrap_err();
        assert!(error.to_string().contains(&count.to_string()), "{error}");
    }
    assert!(compiled.witness(&rows(1, 4)[0]).is_err());
    for batch in [0, 1025, u32::MAX] {
        let options = CompileOptions {
            batch,
            ..CompileOptions::default()
        };
        assert!(CompiledProgram::with_options(program(), &options).is_err());
    }
}

#[test]
fn public_values_are_in_the_columns_of_their_lanes() {
    for totals in [false, true] {
        for input in [DataVisibility::Private, DataVisibility::Public] {
            let options = CompileOptions {
                batch: LANES,
                totals,
                visibility: Visibility {
                    input,
                    ..Visibility::default()
                },
                ..CompileOptions::default()
            };
            let compiled = CompiledProgram::with_options(program(), &options).unwrap();
            let shape = compiled.shape();
            let checker = Checker::new(&compiled);
            let base = honest(&compiled);
            assert_eq!(checker.verdict(&base), names(&[]));
            let (outputs, inputs) = (shape.output_row(1) + 1, shape.input_row(3) + 1);
            let shown = input == DataVisibility::Public;
            let lengths: Vec<usize> = base.instance.iter().map(Vec::len).collect();
            let of = |lane: usize| match (shown, totals && lane > 0) {
                (true, _) => inputs.max(outputs),
                (false, true) => 0,
                (false, false) => outputs,
            };
            assert_eq!(lengths, [of(0), of(1), of(2)]);
            // Each of them, alone and with the value in the table.
            let mut cells: Vec<(usize, usize, &str)> = vec![];
            for lane in 0..3 {
                if !totals || lane == 0 {
                    let name = if totals { "public total" } else { "public" };
                    cells.extend([0, 1].map(|index| (lane, shape.output_row(index), name)));
                }
                if shown {
                    cells.extend((0..4).map(|index| (lane, shape.input_row(index), "public")));
                }
            }
            for (lane, row, name) in cells {
                for delta in [field(1), field(-1), power_of_two(62)] {
                    let mut witness = base.clone();
                    witness.instance[lane][row] += delta;
                    assert_eq!(checker.verdict(&witness), names(&[name]));
                    assert!(check(&compiled, &witness).is_err());
                    witness.lanes[lane].value[row] += delta;
                    let failing = checker.verdict(&witness);
                    assert!(
                        !failing.is_empty() && !failing.contains(name),
                        "{failing:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn no_cell_of_a_lane_is_free() {
    for totals in [false, true] {
        let compiled = compiled(totals);
        let (failures, count) = overwrite_all(&compiled, &honest(&compiled));
        let mut all = Checker::new(&compiled).names();
        if totals {
            // Nothing but totals is shown.
            all.remove("public");
        }
        assert_eq!(failures, all);
        println!("{count} cells overwritten, 0 accepted");
    }
}

#[test]
fn no_cell_of_a_lane_is_free_even_if_sums_are_recomputed() {
    for totals in [false, true] {
        let compiled = compiled(totals);
        change_all(&compiled, &honest(&compiled));
    }
}

#[test]
fn a_wire_of_one_lane_that_is_something_else_is_rejected() {
    for totals in [false, true] {
        let compiled = compiled(totals);
        let checker = Checker::new(&compiled);
        let wires = lanes(&compiled, [&[]; 3])[1].wires.clone();
        for (wire, value) in wires.iter().enumerate() {
            for change in [1, -1] {
                let forced = [(wire, value + change)];
                let forged = lanes(&compiled, [&[], &forced, &[]]);
                let failing = checker.verdict(&fill_lanes(&compiled, &forged));
                let is_input = wire < compiled.program().inputs;
                assert_eq!(failing.is_empty(), is_input, "wire {wire}: {failing:?}");
            }
        }
    }
}

#[test]
fn lanes_do_not_make_up_for_each_other() {
    // A wire that is one more in a lane and one less in another; with totals the statement is even the same.
    for totals in [false, true] {
        let compiled = compiled(totals);
        let checker = Checker::new(&compiled);
        let wires: Vec<_> = lanes(&compiled, [&[]; 3])
            .into_iter()
            .map(|l| l.wires)
            .collect();
        for (_, wire, kind, finish) in wire_rows(&compiled) {
            if !crate::attacks::is_linear(&kind) {
                continue;
            }
            if finish == Finish::Relu && wires.iter().any(|of| of[wire] < 2) {
                continue;
            }
            for change in [1, -1] {
                let forced = [
                    [(wire, wires[0][wire] + change)],
                    [(wire, wires[1][wire] - change)],
                ];
                let forged = lanes(&compiled, [&forced[0], &forced[1], &[]]);
                let failing = checker.verdict(&fill_lanes(&compiled, &forged));
                assert_eq!(failing, names(&[LINEAR]), "wire {wire}");
                let forged = lanes(&compiled, [&forced[0], &[], &forced[1]]);
                let failing = checker.verdict(&fill_lanes(&compiled, &forged));
                assert_eq!(failing, names(&[LINEAR]), "wire {wire}");
            }
        }
    }
}

#[test]
fn who_knows_the_challenge_of_lanes_can_forge() {
    // What a convolution gives outside of its output has no range: one lane's makes up for another lane's
    // wrong output if rho is known. So it has to come after them.
    let mut builder = Builder::new(6, 15);
    let image: Vec<Wire> = (0..6).collect();
    let ones = ([1, 1], [1, 1], [0, 0]);
    builder.conv(&image, [1, 2, 3], [3, 2, 2], ones, Finish::Relu);
    let compiled = compile_lanes(builder.finish(), 2, false);
    let [known, other] = [0, 1].map(|salt| Checker::with_challenges(&compiled, salt));
    let challenge = |challenge| known.challenge(challenge);
    let (r, rho) = (
        challenge(known.columns.r),
        challenge(known.columns.rho.unwrap()),
    );
    let base = compiled.witness_batch(&rows(2, 6)).unwrap();
    let program = compiled.program();
    let evaluate = |lane: usize, forced: &[(Wire, i128)]| {
        evaluate(program, &base.inputs[6 * lane..6 * lane + 6], forced)
    };
    let is_free = |row: &usize| matches!(compiled.producers()[*row], Producer::Free { .. });
    let frees: Vec<usize> = (0..compiled.producers().len()).filter(is_free).collect();
    let mut forged = 0;
    for (row, wire, ..) in wire_rows(&compiled) {
        let value = evaluate(0, &[]).wires[wire];
        let neighbour = frees.iter().find(|free| free.abs_diff(row) == 1);
        let Some(free) = neighbour.copied().filter(|_| value > 0) else {
            continue;
        };
        let forced = evaluate(0, &[(wire, value + 1)]);
        let mut witness = fill_lanes(&compiled, &[forced, evaluate(1, &[])]);
        assert_eq!(known.verdict(&witness), names(&[LINEAR]));
        let step = apart(&compiled, r, row, free);
        let change = power_of_two(LIMBS.shift_bits()) * step * rho.invert().unwrap();
        witness.lanes[1].value[free] -= change;
        assert_eq!(other.verdict(&witness), names(&[LINEAR]));
        forged += usize::from(known.verdict(&witness).is_empty());
    }
    assert!(forged > 0);
}

#[test]
fn lanes_have_a_bus_each() {
    // Two lanes read each other's inputs, and compute what follows from that: as a whole all that is sent is
    // received, only not by whom.
    for totals in [false, true] {
        let compiled = compiled(totals);
        let checker = Checker::new(&compiled);
        let base = honest(&compiled);
        let (shape, program) = (compiled.shape(), compiled.program());
        let inputs = |lane: usize| base.inputs[lane * 4..lane * 4 + 4].to_vec();
        for (a, b) in [(0, 1), (1, 2), (2, 0)] {
            for wire in 0..4 {
                let (mut of_a, mut of_b) = (inputs(a), inputs(b));
                if of_a[wire] == of_b[wire] {
                    continue;
                }
                std::mem::swap(&mut of_a[wire], &mut of_b[wire]);
                let mut all = [inputs(0), inputs(1), inputs(2)];
                (all[a], all[b]) = (of_a, of_b);
                let forged = all.map(|inputs| evaluate(program, &inputs, &[]));
                let mut witness = fill_lanes(&compiled, &forged);
                assert_eq!(checker.verdict(&witness), names(&[]));
                // The inputs themselves are where they were.
                let row = shape.input_row(wire);
                for lane in [a, b] {
                    let (here, there) = (&mut witness.lanes[lane], &base.lanes[lane]);
                    here.value[row] = there.value[row];
                    for (limb, of) in here.limbs.iter_mut().zip(&there.limbs) {
                        limb[row] = of[row];
                    }
                }
                assert_eq!(checker.verdict(&witness), names(&[LOOKUPS]));
                assert!(check(&compiled, &witness).is_err());
            }
        }
    }
}

#[test]
fn lanes_cannot_be_exchanged() {
    let compiled = compiled(false);
    let checker = Checker::new(&compiled);
    let base = honest(&compiled);
    let mut witness = base.clone();
    witness.lanes.swap(0, 2);
    assert_eq!(checker.verdict(&witness), names(&["public"]));
    witness.instance.swap(0, 2);
    assert_eq!(checker.verdict(&witness), names(&[]));
    // In part: values, operands, limbs, segments.
    type Part = fn(&mut zkassay_circuit::program::witness::Lane) -> Vec<&mut Vec<Field>>;
    let parts: [(Part, &[&str]); 4] = [
        (|lane| vec![&mut lane.value], &["input", LOOKUPS, "public"]),
        (|lane| vec![&mut lane.operand], &[LINEAR, LOOKUPS]),
        (|lane| lane.limbs.iter_mut().collect(), &[LINEAR, "input"]),
        (|lane| lane.segment.iter_mut().collect(), &["interpolation"]),
    ];
    for (part, expected) in parts {
        let mut witness = base.clone();
        let [first, second, _] = &mut witness.lanes[..] else {
            panic!("there are three lanes");
        };
        for (a, b) in part(first).into_iter().zip(part(second)) {
            std::mem::swap(a, b);
        }
        let failing = checker.verdict(&witness);
        assert!(failing.is_superset(&names(expected)), "{failing:?}");
    }
    // With totals only their sum is shown: the same statement, and the same proof of it.
    let compiled = compile_lanes(program(), LANES, true);
    let mut witness = honest(&compiled);
    witness.lanes.swap(0, 2);
    assert_eq!(Checker::new(&compiled).verdict(&witness), names(&[]));
}

#[test]
fn trees_of_one_lane_are_not_those_of_another() {
    let compiled = compile_lanes(only(three_trees()), 2, false);
    let checker = Checker::new(&compiled);
    let program = compiled.program();
    let forged = [[2, 1, 1], [0, 0, 0]].map(|inputs| evaluate(program, &inputs, &[]));
    let base = fill_lanes(&compiled, &forged);
    assert_eq!(checker.verdict(&base), names(&[]));
    let swapped = |change: fn(&mut ProgramWitness)| {
        let mut witness = base.clone();
        change(&mut witness);
        check(&compiled, &witness).unwrap_err();
        checker.verdict(&witness)
    };
    // Ways alone do not belong to the answers; with the answers, not to the ranks and scores.
    let edges = swapped(|witness| {
        let edges = std::mem::take(&mut witness.lanes[0].edges);
        witness.lanes[0].edges = std::mem::replace(&mut witness.lanes[1].edges, edges);
    });
    assert!(edges.contains("an edge is 0 or as the answer"), "{edges:?}");
    assert!(!edges.contains(LOOKUPS), "{edges:?}");
    let both = swapped(|witness| {
        let [a, b] = &mut witness.lanes[..] else {
            return;
        };
        std::mem::swap(&mut a.edges, &mut b.edges);
        std::mem::swap(&mut a.below, &mut b.below);
    });
    assert_eq!(both, names(&[LINEAR]));
    // The way of a tree in the other lane's columns: as a whole nothing is missing.
    let way = swapped(|witness| {
        let (row, slot) = (0, 0);
        for column in 0..witness.lanes[0].edges.len() {
            let rows = witness.lanes[0].edges[column].len();
            for at in 0..rows {
                let [a, b] = &mut witness.lanes[..] else {
                    return;
                };
                // Where the other lane has nothing.
                if b.edges[column][at] == Field::ZERO && (at, column) != (row, slot) {
                    b.edges[column][at] = std::mem::take(&mut a.edges[column][at]);
                }
            }
        }
    });
    assert!(way.contains(LOOKUPS), "{way:?}");
}
