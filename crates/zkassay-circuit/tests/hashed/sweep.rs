//! Every cell of the rounds and of their sums, overwritten.

use std::collections::BTreeSet;

use DataVisibility::{Hashed, Public};
use zkassay_circuit::{CompiledProgram, ProgramWitness};
use zkassay_fixed::DataVisibility;
use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::{Field, field};

use crate::checker::Checker;
use crate::models::{network, options, trees, witness};

fn compiled() -> Vec<CompiledProgram> {
    let cases = [
        // An odd number of elements: 3; both kinds of messages; a message below the outputs.
        (network(60, 2), Hashed, Public, 2),
        (network(5, 9), Hashed, Hashed, 1),
        (network(3, 70), Hashed, Public, 1),
        (trees(), Public, Hashed, 3),
    ];
    let compile = |(program, input, output, batch)| {
        let options = options(input, output, batch, false);
        CompiledProgram::with_options(program, &options).unwrap()
    };
    cases.map(compile).into()
}

/// The names of the equations that only hashes have.
fn names() -> BTreeSet<String> {
    let names = [
        "square of the S-box",
        "fourth power of the S-box",
        "capacity",
        "digest",
        "rate without absorption",
        "absorbed[next] = absorbed, and the message",
        "packed[next] = packed, and the values",
        "start: packed = 0",
        "start: absorbed = 0",
        "end: packed = absorbed",
        "start: state = 0",
    ];
    names.map(str::to_owned).into()
}

#[test]
fn every_overwritten_cell_of_a_hash_is_rejected() {
    let mut overwritten = 0;
    for compiled in compiled() {
        let checker = Checker::new(&compiled);
        let mut filled = checker.fill(&witness(&compiled));
        assert_eq!(
            checker.failing(&filled, 0..=checker.last_row()),
            BTreeSet::new()
        );
        let hash = checker.columns.hash.clone().unwrap();
        let states: Vec<usize> = hash
            .lanes
            .iter()
            .flat_map(|lane| lane.state)
            .map(|column| column.index())
            .collect();
        let sums = [hash.packed, hash.absorbed].map(|column| column.index());
        let columns: Vec<usize> = hash.rounds().map(|column| column.index()).collect();
        let last = checker.last_row();
        let mut failures = BTreeSet::new();
        for column in columns.into_iter().chain(sums) {
            // After the last active row there are only ends of what goes from row to row.
            let goes_on = states.contains(&column) || sums.contains(&column);
            for row in 0..last + usize::from(goes_on) {
                let old = filled.advice[column][row];
                let random = (old + Field::from(77 + row as u64)).square();
                let others = [old + Field::ONE, -old, Field::ZERO, Field::ONE, random];
                for other in others.into_iter().filter(|other| *other != old) {
                    filled.advice[column][row] = other;
                    let mut failing = checker.failing(&filled, checker.around(row));
                    assert!(!failing.is_empty(), "column {column}, row {row}: {other:?}");
                    failures.append(&mut failing);
                    overwritten += 1;
                }
                filled.advice[column][row] = old;
            }
        }
        // Each equation of the hashes is needed somewhere.
        assert_eq!(failures, names());
    }
    assert!(overwritten > 10_000);
    println!("{overwritten} cells overwritten, 0 accepted");
}

#[test]
fn a_changed_round_is_rejected_even_if_all_sums_are_recomputed() {
    for compiled in compiled() {
        let checker = Checker::new(&compiled);
        let honest = witness(&compiled);
        let last = checker.last_row();
        let fails = |witness: &ProgramWitness, row: usize| {
            let filled = checker.fill(witness);
            !checker.failing(&filled, checker.around(row)).is_empty()
        };
        assert!(!fails(&honest, 0));
        for lane in 0..honest.lanes.len() {
            for column in 0..9 {
                for row in (0..last).filter(|row| row % 7 == column % 7 || *row < 3) {
                    let mut forged = honest.clone();
                    forged.lanes[lane].rounds[column][row] += Field::ONE;
                    assert!(fails(&forged, row), "lane {lane}, {column}, row {row}");
                }
            }
        }
    }
}

#[test]
fn digests_cannot_be_changed() {
    for compiled in compiled() {
        let checker = Checker::new(&compiled);
        let honest = witness(&compiled);
        let shape = compiled.shape();
        let sponges = [shape.output_sponge(), shape.input_sponge()];
        for sponge in sponges.into_iter().flatten() {
            for lane in 0..honest.lanes.len() {
                let rounds = &honest.lanes[lane].rounds;
                let row = sponge.digest_row();
                let digest = rounds[1][row];
                // Another number, and another word of the last state, in the digest's place.
                for other in [digest + field(1), -digest, rounds[0][row], rounds[2][row]] {
                    let mut forged = honest.clone();
                    forged.instance[lane][row] = other;
                    let failing = checker.verdict(&forged);
                    assert_eq!(failing, BTreeSet::from(["digest".to_owned()]));
                }
            }
        }
    }
}
