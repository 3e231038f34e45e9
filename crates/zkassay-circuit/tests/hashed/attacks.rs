//! A prover that hashes something else than what the table computes with.

use std::collections::BTreeSet;

use DataVisibility::{Hashed, Private, Public};
use zkassay_circuit::{CompiledProgram, ProgramWitness};
use zkassay_fixed::DataVisibility;
use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::poseidon::{self, Sponge, WIDTH};
use zkassay_gadgets::{Field, field, power_of_two};

use crate::checker::Checker;
use crate::common::{check, every_kind};
use crate::models::{compile, native, network, options, programs, trees, witness, witness_from};

const MESSAGE: &str = "end: packed = absorbed";

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The rows of a hash as an honest prover has them, for a message of any elements.
fn rounds(
    compiled: &CompiledProgram,
    sponge: Sponge,
    tag: Field,
    blocks: &[[Field; 2]],
) -> Vec<Vec<Field>> {
    let length = compiled.shape().last_row() + 1;
    let mut columns = vec![vec![Field::ZERO; length]; 3 * WIDTH];
    let constants = poseidon::round_constants();
    let mut row = sponge.first_row + 1;
    let mut state = [tag, Field::ZERO, Field::ZERO];
    for block in blocks {
        state[1] += block[0];
        state[2] += block[1];
        for (round, words) in constants.iter().enumerate() {
            for word in 0..WIDTH {
                columns[word][row] = state[word];
                let square = (state[word] + words[word]).square();
                let is_boxed = word == 0 || poseidon::is_full(round);
                let (square, fourth) = match is_boxed {
                    true => (square, square.square()),
                    false => (Field::ZERO, Field::ONE),
                };
                columns[WIDTH + word][row] = square;
                columns[2 * WIDTH + word][row] = fourth;
            }
            state = poseidon::round(round, state);
            row += 1;
        }
    }
    for (column, word) in columns.iter_mut().zip(state) {
        column[row] = word;
    }
    columns
}

/// The elements that a message is packed into, with a zero in front of an odd number.
fn blocks(sponge: Sponge, integers: &[i64]) -> Vec<[Field; 2]> {
    let half = 1i128 << (sponge.bits - 1);
    let mut elements = vec![Field::ZERO; sponge.elements() % 2];
    elements.extend(integers.chunks(sponge.per_element()).map(|chunk| {
        chunk.iter().rev().fold(Field::ZERO, |sum, integer| {
            sum * power_of_two(sponge.bits) + field(i128::from(*integer) + half)
        })
    }));
    elements.chunks(2).map(|pair| [pair[0], pair[1]]).collect()
}

/// Gives a lane other rounds, and shows the digest that they end with.
fn replace(
    compiled: &CompiledProgram,
    forged: &mut ProgramWitness,
    lane: usize,
    to: Vec<Vec<Field>>,
) {
    let row = compiled.shape().input_sponge().unwrap().digest_row();
    forged.instance[lane][row] = to[1][row];
    forged.lanes[lane].rounds = to;
}

/// The integers of a lane's input.
fn inputs<'a>(compiled: &CompiledProgram, witness: &'a ProgramWitness, lane: usize) -> &'a [i64] {
    let count = compiled.program().inputs;
    &witness.inputs[lane * count..(lane + 1) * count]
}

#[test]
fn a_dishonest_prover_that_does_not_lie_fills_the_same_rounds() {
    // A control: the forger of these tests is right about what is hashed.
    for program in programs() {
        let compiled = compile(program, 2);
        let sponge = compiled.shape().input_sponge().unwrap();
        let honest = witness(&compiled);
        for lane in 0..2 {
            let integers = inputs(&compiled, &honest, lane);
            let message = blocks(sponge, integers);
            let found = rounds(&compiled, sponge, sponge.tag(), &message);
            assert_eq!(found, honest.lanes[lane].rounds);
            let digest = found[1][sponge.digest_row()];
            assert_eq!(digest, native(integers, sponge.bits));
        }
    }
}

#[test]
fn the_hash_of_another_input_is_rejected() {
    // All of the hash is honest, but for an input that the model was not applied to.
    for program in programs() {
        for batch in [1, 3] {
            let compiled = compile(program.clone(), batch);
            let checker = Checker::new(&compiled);
            let (honest, other) = (witness(&compiled), witness_from(&compiled, 5));
            let of = |witness: &ProgramWitness| inputs(&compiled, witness, 0).to_vec();
            assert_ne!(of(&honest), of(&other));
            for lane in 0..batch as usize {
                if inputs(&compiled, &honest, lane) == inputs(&compiled, &other, lane) {
                    continue;
                }
                let mut forged = honest.clone();
                let rounds = other.lanes[lane].rounds.clone();
                replace(&compiled, &mut forged, lane, rounds);
                assert_eq!(checker.verdict(&forged), names(&[MESSAGE]));
                assert!(check(&compiled, &forged).is_err());
            }
        }
    }
}

#[test]
fn another_input_under_the_same_hash_is_rejected() {
    for program in programs() {
        let compiled = compile(program, 2);
        let checker = Checker::new(&compiled);
        let (honest, other) = (witness(&compiled), witness_from(&compiled, 5));
        let row = compiled.shape().input_sponge().unwrap().digest_row();
        // With rounds of its own, and with those of the input that is pretended.
        let mut forged = other.clone();
        forged.instance[0][row] = honest.instance[0][row];
        assert_eq!(checker.verdict(&forged), names(&["digest"]));
        forged.lanes[0].rounds = honest.lanes[0].rounds.clone();
        assert_eq!(checker.verdict(&forged), names(&[MESSAGE]));
    }
}

#[test]
fn hashed_outputs_are_those_of_the_outputs() {
    for program in [network(5, 2), trees(), every_kind()] {
        for input in [Private, Public, Hashed] {
            let options = options(input, Hashed, 2, false);
            let compiled = CompiledProgram::with_options(program.clone(), &options).unwrap();
            let checker = Checker::new(&compiled);
            let (honest, other) = (witness(&compiled), witness_from(&compiled, 5));
            let row = compiled.shape().output_sponge().unwrap().digest_row();
            assert_ne!(honest.instance[1][row], other.instance[1][row]);
            let mut forged = honest.clone();
            forged.lanes[1].rounds = other.lanes[1].rounds.clone();
            forged.instance[1][row] = other.instance[1][row];
            if let Some(inputs) = compiled.shape().input_sponge() {
                let row = inputs.digest_row();
                forged.instance[1][row] = other.instance[1][row];
            }
            assert_eq!(checker.verdict(&forged), names(&[MESSAGE]), "{input:?}");
        }
    }
}

#[test]
fn lanes_cannot_exchange_their_hashes() {
    for program in programs() {
        let compiled = compile(program, 3);
        let checker = Checker::new(&compiled);
        let honest = witness(&compiled);
        let row = compiled.shape().input_sponge().unwrap().digest_row();
        for (a, b) in [(0, 1), (1, 2), (0, 2)] {
            assert_ne!(honest.instance[a][row], honest.instance[b][row]);
            // What is shown, and then all of the rounds with it.
            let mut forged = honest.clone();
            let (first, second) = (honest.instance[a][row], honest.instance[b][row]);
            (forged.instance[a][row], forged.instance[b][row]) = (second, first);
            assert_eq!(checker.verdict(&forged), names(&["digest"]));
            let rounds = [a, b].map(|lane| honest.lanes[lane].rounds.clone());
            let [of_a, of_b] = rounds;
            (forged.lanes[a].rounds, forged.lanes[b].rounds) = (of_b, of_a);
            assert_eq!(checker.verdict(&forged), names(&[MESSAGE]));
        }
    }
}

#[test]
fn what_one_lane_has_too_much_another_cannot_have_too_little() {
    // Messages whose sums over the lanes are those of the inputs: only their places in rho tell.
    for program in [network(5, 2), network(60, 2)] {
        let compiled = compile(program, 2);
        let checker = Checker::new(&compiled);
        let sponge = compiled.shape().input_sponge().unwrap();
        let honest = witness(&compiled);
        for (first, second) in [(1, -1), (1 << 20, -(1 << 20)), (0, 1)] {
            let mut forged = honest.clone();
            for (lane, change) in [first, second].into_iter().enumerate() {
                let mut message = blocks(sponge, inputs(&compiled, &honest, lane));
                message[0][1] += field(change);
                let rounds = rounds(&compiled, sponge, sponge.tag(), &message);
                replace(&compiled, &mut forged, lane, rounds);
            }
            assert_eq!(checker.verdict(&forged), names(&[MESSAGE]));
        }
        // With a rho that is known beforehand, such messages can be made: it has to come after them.
        let rho = checker.challenge(checker.columns.rho.unwrap());
        let mut forged = honest.clone();
        for (lane, change) in [rho, -Field::ONE].into_iter().enumerate() {
            let mut message = blocks(sponge, inputs(&compiled, &honest, lane));
            message[0][1] += change;
            let rounds = rounds(&compiled, sponge, sponge.tag(), &message);
            replace(&compiled, &mut forged, lane, rounds);
        }
        assert_eq!(checker.verdict(&forged), names(&[]));
        let others = Checker::with_challenges(&compiled, 1);
        assert_eq!(others.verdict(&forged), names(&[MESSAGE]));
    }
}

#[test]
fn integers_cannot_move_between_elements() {
    // Elements exchanged, or a difference moved from one to the next: their sum stays the same.
    let compiled = compile(network(60, 2), 2);
    let checker = Checker::new(&compiled);
    let sponge = compiled.shape().input_sponge().unwrap();
    assert_eq!((sponge.elements(), sponge.permutations()), (3, 2));
    let honest = witness(&compiled);
    type Change = fn(&mut [[Field; 2]]);
    let changes: [Change; 5] = [
        |message| message[1].swap(0, 1),
        |message| {
            let second = message[1][0];
            (message[1][0], message[0][1]) = (message[0][1], second);
        },
        |message| {
            message[1][0] += Field::ONE;
            message[1][1] -= Field::ONE;
        },
        // The zero in front is not a place for anything.
        |message| message[0].swap(0, 1),
        |message| message[0][0] += Field::ONE,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        for lane in 0..2 {
            let mut message = blocks(sponge, inputs(&compiled, &honest, lane));
            change(&mut message);
            let rounds = rounds(&compiled, sponge, sponge.tag(), &message);
            let mut forged = honest.clone();
            replace(&compiled, &mut forged, lane, rounds);
            let expected = match index {
                0..3 => names(&[MESSAGE]),
                3 => names(&[MESSAGE, "rate without absorption"]),
                _ => names(&["rate without absorption"]),
            };
            assert_eq!(checker.verdict(&forged), expected, "change {index}");
        }
    }
}

#[test]
fn messages_of_other_lengths_have_other_hashes() {
    // Five integers, and the same five with the least integer after them, which is packed as zero.
    let compiled = compile(network(5, 2), 1);
    let checker = Checker::new(&compiled);
    let sponge = compiled.shape().input_sponge().unwrap();
    let honest = witness(&compiled);
    let integers = inputs(&compiled, &honest, 0).to_vec();
    let least = -(1 << (sponge.bits - 1));
    let longer = [&integers[..], &[least]].concat();
    let wider = integers.iter().map(|x| x + (1 << (sponge.bits - 1)));
    let wider: Vec<i64> = wider.map(|x| x - (1 << sponge.bits)).collect();
    let others = [
        native(&longer, sponge.bits),
        native(&wider, sponge.bits + 1),
    ];
    for other in others {
        assert_ne!(native(&integers, sponge.bits), other);
        let mut forged = honest.clone();
        forged.instance[0][sponge.digest_row()] = other;
        assert_eq!(checker.verdict(&forged), names(&["digest"]));
    }
    // The elements are the same; what differs is what the sponge starts with.
    let longer_sponge = Sponge { count: 6, ..sponge };
    assert_eq!(blocks(longer_sponge, &longer), blocks(sponge, &integers));
    let rounds = rounds(
        &compiled,
        sponge,
        longer_sponge.tag(),
        &blocks(sponge, &integers),
    );
    let mut forged = honest.clone();
    replace(&compiled, &mut forged, 0, rounds);
    assert_eq!(forged.instance[0][sponge.digest_row()], others[0]);
    assert_eq!(checker.verdict(&forged), names(&["capacity"]));
}

#[test]
fn integers_do_not_carry_into_their_neighbours() {
    // x_0 + 2^b and x_1 - 1 have the same element: the hash holds, the range of the input does not.
    let compiled = compile(network(5, 2), 2);
    let checker = Checker::new(&compiled);
    let sponge = compiled.shape().input_sponge().unwrap();
    let honest = witness(&compiled);
    for lane in 0..2 {
        let mut forged = honest.clone();
        for (index, change) in [(0, power_of_two(sponge.bits)), (1, -Field::ONE)] {
            let row = compiled.shape().input_row(index);
            forged.lanes[lane].value[row] += change;
        }
        let failing = checker.verdict(&forged);
        assert!(failing.contains("input"), "{failing:?}");
        assert!(!failing.contains(MESSAGE), "{failing:?}");
        // The difference is not one that other elements, or other lanes, could take.
        forged.lanes[lane].value[compiled.shape().input_row(1)] += Field::ONE;
        assert!(checker.verdict(&forged).contains(MESSAGE));
    }
}

#[test]
fn what_is_hashed_is_what_the_sums_are_about() {
    // Totals that are public, of rows that are hashed: neither can be those of other rows.
    let options = options(Hashed, Public, 3, true);
    for program in [network(5, 2), trees()] {
        let compiled = CompiledProgram::with_options(program, &options).unwrap();
        let checker = Checker::new(&compiled);
        let (honest, other) = (witness(&compiled), witness_from(&compiled, 5));
        let row = compiled.shape().input_sponge().unwrap().digest_row();
        assert_ne!(honest.outputs, other.outputs);
        let mut forged = honest.clone();
        let shown = compiled.shape().output_row(0);
        forged.instance[0][shown] = other.instance[0][shown];
        forged.instance[0][shown] += Field::from(u64::from(honest.outputs[0] == other.outputs[0]));
        assert_eq!(checker.verdict(&forged), names(&["public total"]));
        // Another row in a lane, with its honest outputs, under the hash of the old one.
        let mut forged = other.clone();
        for lane in 0..3 {
            forged.instance[lane][row] = honest.instance[lane][row];
        }
        assert_eq!(checker.verdict(&forged), names(&["digest"]));
    }
}
