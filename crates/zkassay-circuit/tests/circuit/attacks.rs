//! Attacks on hashes and secret weights, each of them a witness that is consistent but for one
//! equation; and what of a table no equation looks at.

use std::sync::Arc;

use zkassay_circuit::layout::Row;
use zkassay_circuit::{CompileOptions, CompiledModel, Plan, Witness};
use zkassay_fixed::{DataVisibility, ParamsVisibility, Visibility};
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_gadgets::poseidon::{self, WIDTH};
use zkassay_gadgets::{Columns, Field, field};
use zkassay_graph::Op;
use zkassay_quant::{CalibrationParams, calibrate};
use zkassay_testing::{mlp, rows};

use crate::common::{check, compile, failing};
use DataVisibility::{Hashed, Private, Public};
use ParamsVisibility::{Fixed, Private as Secret};

const LOGUP: &str = "end: logup sum = 0";
const MESSAGE: &str = "end: packed = absorbed";
const RATE: &str = "rate without absorption";

fn honest(compiled: &CompiledModel) -> Witness {
    let row = rows(1, compiled.model().inputs(), 5).row(0).to_vec();
    compiled.witness(&row).unwrap()
}

/// The equations that fail.
fn broken(compiled: &Arc<CompiledModel>, witness: Witness) -> Vec<String> {
    failing(&check(compiled, witness).err().unwrap_or_default())
}

/// One circuit of every kind.
fn kinds() -> Vec<Arc<CompiledModel>> {
    let mut kinds = Vec::new();
    for widths in [&[3usize, 2][..], &[3, 4, 1], &[2, 4, 8]] {
        for data in DataVisibility::ALL {
            for params in ParamsVisibility::ALL {
                kinds.push(compile(widths, data, data, params));
            }
        }
    }
    kinds
}

/// Permutations from the row after `first`, right but for what is added to the state there:
/// `added[offset]` in the `offset`-th of their rows. Returns the row of the digest.
fn permute(
    witness: &mut Witness,
    first: usize,
    permutations: usize,
    added: &dyn Fn(usize) -> [Field; WIDTH],
) -> usize {
    let mut state = [Field::zero(); WIDTH];
    let last = permutations * poseidon::ROUNDS;
    for offset in 0..=last {
        let (row, round) = (first + 1 + offset, offset % poseidon::ROUNDS);
        for (word, more) in state.iter_mut().zip(added(offset)) {
            *word += more;
        }
        for (word, value) in state.into_iter().enumerate() {
            let boxed = word == 0 || poseidon::is_full(round);
            let sum = value + poseidon::round_constants()[round][word];
            let square = if boxed { sum.square() } else { Field::zero() };
            let fourth = if boxed { square.square() } else { Field::one() };
            witness.rounds[word][row] = value;
            if offset < last {
                witness.rounds[WIDTH + word][row] = square;
                witness.rounds[2 * WIDTH + word][row] = fourth;
            }
        }
        if offset < last {
            state = poseidon::round(round, state);
        }
    }
    let digest = first + 1 + last;
    witness.instance[0][digest] = witness.rounds[1][digest];
    digest
}

/// The state with which a sponge's first permutation starts.
fn start(witness: &Witness, first: usize) -> [Field; WIDTH] {
    std::array::from_fn(|word| witness.rounds[word][first + 1])
}

fn only(offset: usize, state: [Field; WIDTH]) -> impl Fn(usize) -> [Field; WIDTH] {
    move |at| {
        if at == offset {
            state
        } else {
            [Field::zero(); WIDTH]
        }
    }
}

#[test]
fn a_recomputed_sponge_is_the_honest_one() {
    // What the forgeries below are made with.
    let compiled = compile(&[3, 4, 1], Hashed, Private, Fixed);
    let mut witness = honest(&compiled);
    let state = start(&witness, 0);
    permute(&mut witness, 0, 1, &only(0, state));
    assert_eq!(witness, honest(&compiled));
    assert_eq!(check(&compiled, witness), Ok(()));
}

#[test]
fn an_odd_message_has_no_room_in_front() {
    // One element: word 1, where two would begin, has to stay what it was.
    let compiled = compile(&[3, 4, 1], Hashed, Private, Fixed);
    assert_eq!(compiled.shape().input_sponge().unwrap().elements(), 1);
    let mut witness = honest(&compiled);
    let mut state = start(&witness, 0);
    assert_eq!(state[1], Field::zero());
    state[1] = Field::from(7);
    permute(&mut witness, 0, 1, &only(0, state));
    assert_eq!(broken(&compiled, witness), [RATE]);
}

#[test]
fn the_capacity_starts_with_length_and_width_and_nothing_else() {
    let compiled = compile(&[3, 4, 1], Hashed, Private, Fixed);
    let sponge = compiled.shape().input_sponge().unwrap();
    let longer = poseidon::Sponge::new(0, sponge.count + 1, sponge.bits);
    let wider = poseidon::Sponge::new(0, sponge.count, sponge.bits + 1);
    for tag in [Field::zero(), longer.tag(), wider.tag()] {
        let mut witness = honest(&compiled);
        let mut state = start(&witness, 0);
        assert_eq!(state[0], sponge.tag());
        state[0] = tag;
        permute(&mut witness, 0, 1, &only(0, state));
        assert_eq!(broken(&compiled, witness), ["capacity"]);
    }
}

#[test]
fn nothing_enters_a_sponge_between_its_elements() {
    // Something added to any word in any row, all rounds after it right, the digest as well.
    let compiled = compile(&[60, 4, 1], Hashed, Private, Fixed);
    let sponge = compiled.shape().input_sponge().unwrap();
    let permutations = sponge.permutations();
    assert!(permutations >= 2);
    let honest = honest(&compiled);
    let before: Vec<[Field; WIDTH]> = (0..permutations)
        .map(|index| {
            let row = index * poseidon::ROUNDS;
            let state = start(&honest, row);
            let previous = std::array::from_fn(|word| honest.rounds[word][row]);
            let out = match index {
                0 => previous,
                _ => poseidon::round(poseidon::ROUNDS - 1, previous),
            };
            std::array::from_fn(|word| state[word] - out[word])
        })
        .collect();
    for offset in 0..=permutations * poseidon::ROUNDS {
        for word in 0..WIDTH {
            let mut witness = honest.clone();
            permute(&mut witness, 0, permutations, &|at| {
                let mut added = match (at % poseidon::ROUNDS, before.get(at / poseidon::ROUNDS)) {
                    (0, Some(message)) => *message,
                    _ => [Field::zero(); WIDTH],
                };
                if at == offset {
                    added[word] += Field::one();
                }
                added
            });
            let absorbs =
                offset % poseidon::ROUNDS == 0 && offset < permutations * poseidon::ROUNDS;
            let expected = match (word, absorbs) {
                (0, _) => "capacity",
                (_, false) => RATE,
                (1, true) if offset == 0 && sponge.elements() % 2 == 1 => RATE,
                (_, true) => MESSAGE,
            };
            let names = broken(&compiled, witness);
            assert_eq!(names, [expected], "word {word}, row {offset}");
        }
    }
}

#[test]
fn a_second_hash_starts_afresh() {
    // The inputs' sponge goes on where the outputs' one ended.
    let compiled = compile(&[3, 4, 1], Hashed, Hashed, Fixed);
    let first = compiled.shape().input_sponge().unwrap().first_row;
    for word in 0..WIDTH {
        let mut witness = honest(&compiled);
        let mut state = start(&witness, first);
        state[word] += witness.rounds[word][first];
        permute(&mut witness, first, 1, &only(0, state));
        let expected = ["capacity", RATE, MESSAGE][word];
        assert_eq!(broken(&compiled, witness), [expected]);
    }
}

#[test]
fn inputs_and_outputs_cannot_change_places() {
    // One element each: the sum of both messages would be the same in another order.
    let compiled = compile(&[3, 4, 1], Hashed, Hashed, Fixed);
    let shape = compiled.shape();
    let sponges = [shape.output_sponge(), shape.input_sponge()].map(Option::unwrap);
    assert_eq!(sponges.map(|sponge| sponge.elements()), [1, 1]);
    let mut witness = honest(&compiled);
    let states = sponges.map(|sponge| start(&witness, sponge.first_row));
    for (index, sponge) in sponges.iter().enumerate() {
        let mut state = states[index];
        state[2] = states[1 - index][2];
        permute(&mut witness, sponge.first_row, 1, &only(0, state));
    }
    assert_eq!(broken(&compiled, witness), [MESSAGE]);
}

#[test]
fn integers_cannot_carry_into_their_neighbour() {
    // x_0 + 2^b and x_1 - 1 are packed as x_0 and x_1 are: the hash cannot tell, the range can.
    for widths in [&[3usize, 1][..], &[3, 4, 1]] {
        let compiled = compile(widths, Hashed, Private, Fixed);
        let shape = compiled.shape();
        let [first, second] = [0, 1].map(|index| shape.input_row(index));
        let top = shape.input_limbs as usize - 1;
        let mut witness = honest(&compiled);
        witness.limbs[top][first] += Field::from(1 << shape.limb_bits);
        witness.limbs[0][second] -= Field::one();
        if let (true, Some(high)) = (shape.has_values(), 1i128.checked_shl(shape.input_bits())) {
            witness.value[first] += field(high);
            witness.value[second] -= Field::one();
        }
        let names = broken(&compiled, witness);
        assert!(names.iter().any(|name| name == LOGUP), "{names:?}");
        assert!(!names.iter().any(|name| name == MESSAGE), "{names:?}");
    }
}

#[test]
fn hashes_are_of_integers_whatever_they_stand_for() {
    // Two keys whose inputs have different scales: equal hashes are not equal inputs.
    let options = CompileOptions {
        visibility: Visibility {
            input: Hashed,
            ..Visibility::default()
        },
        ..CompileOptions::default()
    };
    let graph = mlp(&[3, 1], Some(Op::SIGMOID), 31);
    let plan = Plan::for_graph_with(&graph, &options).unwrap();
    let params = CalibrationParams::new(plan.limb_bits).unwrap();
    let compile = |factor: f32| {
        let rows = rows(20, 3, 1) * factor;
        let model = calibrate(&graph, rows.view(), &params).unwrap().model;
        CompiledModel::with_options(model, &options).unwrap()
    };
    let (narrow, wide) = (compile(1.0), compile(4.0));
    let scales = [&narrow, &wide].map(|compiled| compiled.model().input_scale().0);
    assert_eq!(scales[0], scales[1] + 2);
    let row = [0.5, -0.25, 1.0];
    let hash = |compiled: &CompiledModel, row: &[f32]| compiled.witness(row).unwrap().input_hash;
    assert_eq!(hash(&narrow, &row), hash(&wide, &row.map(|x| 4.0 * x)));
    assert_ne!(hash(&narrow, &row), hash(&wide, &row));
}

/// Sets a secret weight, and with it the multiplicities, if it is in range.
fn set_weight(compiled: &CompiledModel, witness: &mut Witness, at: (usize, usize), weight: i64) {
    let half = 1i64 << (compiled.shape().limb_bits - 1);
    let cell = &mut witness.weights[at.0][at.1];
    let entry = |weight: Field| {
        let shifted = weight + field(half.into());
        (0..2 * half as usize).find(|entry| Field::from(*entry as u64) == shifted)
    };
    let (old, new) = (entry(*cell), entry(field(weight.into())));
    *cell = field(weight.into());
    for (entry, change) in [(old, -Field::one()), (new, Field::one())] {
        if let Some(entry) = entry {
            witness.multiplicity[entry] += change;
        }
    }
}

#[test]
fn secret_weights_of_rows_without_a_value_count_for_nothing_but_their_range() {
    let compiled = compile(&[3, 4, 1], Private, Public, Secret);
    let half = 1i64 << (compiled.shape().limb_bits - 1);
    let used = compiled.rows().len();
    for row in (0..compiled.shape().output_block()).chain([used, compiled.shape().last_row() - 1]) {
        for column in 0..compiled.shape().block_width as usize {
            for (weight, in_range) in [(-half, true), (half - 1, true), (half, false)] {
                let mut witness = honest(&compiled);
                set_weight(&compiled, &mut witness, (column, row), weight);
                let names = broken(&compiled, witness);
                let expected: &[&str] = if in_range { &[] } else { &[LOGUP] };
                assert_eq!(names, expected, "{weight} in row {row}");
            }
        }
    }
}

#[test]
fn secret_weights_beyond_a_layers_outputs_cannot_reach_an_output() {
    // Exponents of r that no output has: their sum has to be zero by itself.
    let compiled = compile(&[2, 3, 8], Private, Public, Secret);
    let (shape, model) = (compiled.shape(), compiled.model());
    let (width, outputs) = (shape.block_width as usize, model.layers[0].outputs());
    let block = outputs / width;
    let column = outputs % width;
    assert!(column > 0, "blocks of {width} for {outputs} outputs");
    let row_of = |wanted: usize| {
        let is_wanted = |row: &Row| matches!(row, Row::Value { layer: 0, index, block: b } if *index == wanted && *b == block);
        compiled.rows().iter().position(is_wanted).unwrap()
    };
    let honest = compiled.witness(&[0.5, 0.25]).unwrap();
    let rows = [0, 1].map(row_of);
    assert_eq!(honest.value[rows[0]], honest.value[rows[1]].double());
    for (weights, accepted) in [
        ([1, 0], false),
        ([0, 1], false),
        ([1, -1], false),
        ([1, -2], true),
    ] {
        let mut witness = honest.clone();
        for (row, weight) in rows.into_iter().zip(weights) {
            set_weight(&compiled, &mut witness, (column, row), weight);
        }
        let expected: &[&str] = match accepted {
            true => &[],
            false => &["meeting: dot = combination"],
        };
        assert_eq!(broken(&compiled, witness), expected, "{weights:?}");
    }
}

#[test]
fn digits_of_a_secret_bias_do_not_carry() {
    // d_0 + 2^bits and d_1 - 1 are the same bias: the layer's equation holds, the range does not.
    let compiled = compile(&[3, 4, 1], Private, Public, Secret);
    let row_of = |wanted: usize| {
        let is_wanted =
            |row: &Row| matches!(row, Row::Bias { digit, block: 0, .. } if *digit == wanted);
        compiled.rows().iter().position(is_wanted).unwrap()
    };
    let mut witness = honest(&compiled);
    witness.weights[0][row_of(0)] += Field::from(1 << compiled.shape().limb_bits);
    witness.weights[0][row_of(1)] -= Field::one();
    assert_eq!(broken(&compiled, witness), [LOGUP]);
}

#[test]
fn no_equation_looks_at_blinding_rows() {
    // Every fixed cell after the last active row is zero, but for the end of the running sums;
    // nothing reads the row above the first; no public value stands beyond.
    for compiled in kinds() {
        let shape = compiled.shape();
        let mut system = ConstraintSystem::default();
        let columns = Columns::configure(&mut system, shape);
        let fixed = compiled.fixed_columns(&columns, system.num_fixed_columns());
        let last = shape.last_row();
        for (index, column) in fixed.iter().enumerate() {
            let is_end = index == columns.boundary.index();
            for (row, cell) in column.iter().enumerate().skip(last) {
                let expected = u64::from(is_end && row == last);
                assert_eq!(*cell, Field::from(expected), "column {index}, row {row}");
            }
        }
        if let Some(repeat) = columns.repeat {
            assert_eq!(fixed[repeat.index()][0], Field::zero());
        }
        assert!(
            fixed[columns.active.index()][..last]
                .iter()
                .all(|cell| *cell == Field::one())
        );
        let witness = honest(&compiled);
        assert!(witness.instance.iter().all(|column| column.len() <= last));
        // And rotations reach one row, so that active rows end at the last pinned one.
        let queries = system.advice_queries().iter();
        assert!(
            queries
                .clone()
                .all(|(_, rotation)| (-1..=1).contains(&rotation.0))
        );
        let above = queries.filter(|(_, rotation)| rotation.0 < 0);
        assert!(
            above
                .clone()
                .all(|(column, _)| Some(*column) == columns.value)
        );
    }
}

#[test]
fn every_advice_column_is_known_to_be_of_its_phase() {
    // Phase 1 is what challenges test, phase 2 what follows from it: no column is of neither kind.
    for compiled in kinds() {
        let mut system = ConstraintSystem::default();
        let columns = Columns::configure(&mut system, compiled.shape());
        let witness = honest(&compiled);
        let first = witness.first_phase(&columns);
        let second = witness.second_phase(&compiled, &columns, Field::from(3), Field::from(5));
        let mut indices: Vec<(usize, u8)> = first.iter().map(|(c, _)| (c.index(), 0)).collect();
        indices.extend(second.iter().map(|(c, _)| (c.index(), 1)));
        indices.sort_unstable();
        let phases = system.advice_column_phase().into_iter().enumerate();
        assert_eq!(indices, phases.collect::<Vec<_>>());
    }
}
