//! Dishonest witnesses are rejected: every overwritten cell, consistent
//! forgeries of each gate, and other public values.
//!
//! Challenges of the mock prover are fixed, so what is tested here is that each
//! equation is *present*; that challenges come after what they test is tested on
//! real proofs in `zkassay-prover`.

use std::sync::Arc;

use crate::common::{check, check_circuit, compiled, failing};
use zkassay_circuit::circuit::Overwrite;
use zkassay_circuit::layout::{End, Row};
use zkassay_circuit::{CompileOptions, CompiledModel, ModelCircuit, Witness};
use zkassay_fixed::{DataVisibility, ParamsVisibility, Visibility};
use zkassay_gadgets::halo2_proofs::dev::{AdviceCellValue, MockProver};
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_gadgets::{Columns, Field, field};
use zkassay_graph::Op;
use zkassay_testing::{mlp, rows};

fn compile(widths: &[usize], last: Option<Op>) -> Arc<CompiledModel> {
    compile_with(widths, last, Visibility::default())
}

fn compile_with(widths: &[usize], last: Option<Op>, visibility: Visibility) -> Arc<CompiledModel> {
    let options = CompileOptions {
        visibility,
        ..CompileOptions::default()
    };
    compiled(&mlp(widths, last, 21), &options)
}

fn honest(compiled: &CompiledModel) -> Witness {
    let row = rows(1, compiled.model().inputs(), 22).row(0).to_vec();
    compiled.witness(&row).unwrap()
}

/// Hidden layers and several outputs; no hidden layer; a sigmoid; several blocks per layer.
fn models() -> [Arc<CompiledModel>; 4] {
    let blocks = compile(&[2, 4, 8], None);
    assert!(blocks.shape().blocks > 1);
    [
        blocks,
        compile(&[4, 5, 3, 2], None),
        compile(&[5, 1], Some(Op::SIGMOID)),
        compile(&[3, 4, 1], Some(Op::SIGMOID)),
    ]
}

/// Public and hashed inputs, private and hashed outputs, secret weights; with and without
/// hidden layers, several outputs, several blocks.
fn visibilities() -> Vec<Arc<CompiledModel>> {
    use DataVisibility::{Hashed, Private, Public};
    use ParamsVisibility::{Fixed, Private as Secret};
    let cases: [(&[usize], DataVisibility, DataVisibility, ParamsVisibility); 7] = [
        (&[3, 4, 1], Public, Private, Fixed),
        (&[3, 1], Public, Public, Fixed),
        (&[3, 4, 2], Hashed, Hashed, Fixed),
        (&[20, 1], Hashed, Public, Fixed),
        (&[3, 4, 1], Private, Public, Secret),
        (&[2, 3], Public, Public, Secret),
        (&[3, 6, 2], Private, Hashed, Secret),
    ];
    let compile = |(widths, input, output, params)| {
        let visibility = Visibility {
            input,
            output,
            params,
        };
        compile_with(widths, Some(Op::SIGMOID), visibility)
    };
    cases.map(compile).into()
}

/// The row of a value, and of the first limbs of an output's distance.
fn find(compiled: &CompiledModel, wanted: impl Fn(&Row) -> bool) -> usize {
    compiled.rows().iter().position(wanted).unwrap()
}

fn is_hidden(row: &Row) -> bool {
    matches!(
        row,
        Row::Value {
            layer: 1,
            block: 0,
            ..
        }
    )
}

/// Changes limbs and multiplicities together, so that the range argument stays satisfied
/// as long as the new limb is in the table.
fn set_limb(witness: &mut Witness, column: usize, row: usize, limb: Field) {
    let old = witness.limbs[column][row];
    for (entry, change) in [(old, -Field::one()), (limb, Field::one())] {
        let position = (0..witness.multiplicity.len()).find(|i| Field::from(*i as u64) == entry);
        if let Some(cell) = position.and_then(|i| witness.multiplicity.get_mut(i)) {
            *cell += change;
        }
    }
    witness.limbs[column][row] = limb;
}

/// Whether a limb has no use in its row: it is range-checked and otherwise ignored.
fn is_idle(compiled: &CompiledModel, column: usize, row: usize) -> bool {
    let shape = compiled.shape();
    let used = match compiled.rows().get(row) {
        Some(Row::Output { .. }) => shape.limbs(),
        Some(Row::Value {
            layer: 0, block: 0, ..
        }) => shape.input_limbs,
        Some(Row::Value { block: 0, .. }) => shape.remainder_limbs + shape.magnitude_limbs,
        Some(Row::Value { .. } | Row::Bias { .. }) | None => 0,
    };
    column >= used as usize
}

#[test]
fn a_changed_cell_is_rejected_even_if_all_that_follows_is_recomputed() {
    // A prover that fixes multiplicities and running sums after changing one cell: accepted
    // exactly where a limb has no use.
    // With secret weights a changed limb can be right for other weights, which come after.
    let bound = visibilities().into_iter().filter(|c| !c.shape().unbound());
    for compiled in models().into_iter().chain(bound) {
        let shape = compiled.shape();
        let base = honest(&compiled);
        for row in 0..shape.last_row() {
            for column in 0..base.limbs.len() {
                for limb in [0, 1, (1 << shape.limb_bits) - 1].map(Field::from) {
                    if base.limbs[column][row] == limb {
                        continue;
                    }
                    let mut witness = base.clone();
                    set_limb(&mut witness, column, row, limb);
                    let accepted = check(&compiled, witness).is_ok();
                    let idle = is_idle(&compiled, column, row);
                    assert_eq!(accepted, idle, "limb {column}, row {row}");
                }
            }
            for delta in [1, -1, 1 << 40].map(field) {
                let mut witness = base.clone();
                let Some(cell) = witness.value.get_mut(row) else {
                    continue;
                };
                *cell += delta;
                assert!(check(&compiled, witness).is_err(), "value, row {row}");
            }
        }
    }
}

/// The mock prover's challenge `r`, from two neighbouring cells of the combination.
fn mock_challenge(
    compiled: &Arc<CompiledModel>,
    witness: &Witness,
    row: usize,
    term: Field,
) -> Field {
    let circuit = ModelCircuit::mock(Arc::clone(compiled), Arc::new(witness.clone()));
    let mut system = ConstraintSystem::default();
    let columns = Columns::configure(&mut system, compiled.shape());
    let logrows = compiled.shape().logrows;
    let prover = MockProver::run(logrows, &circuit, witness.instance.clone()).unwrap();
    let cells = prover.advice_values(columns.combination);
    let cell = |row: usize| match &cells[row] {
        AdviceCellValue::Assigned(value) => value.evaluate(),
        AdviceCellValue::Poison(_) => panic!("row {row} is not assigned"),
    };
    (cell(row + 1) - term) * cell(row).invert().unwrap()
}

#[test]
fn who_knows_the_challenge_is_stopped_by_range_checks_alone() {
    // Two accumulators of one layer, changed so that their combination by powers of r stays
    // the same: the layer's equation cannot tell, which is why r comes after the limbs.
    let compiled = compile(&[3, 4, 1], Some(Op::SIGMOID));
    let witness = honest(&compiled);
    let trace = compiled
        .model()
        .evaluate(&rows(1, 3, 22).row(0).to_vec())
        .unwrap();
    let first = find(&compiled, is_hidden);
    // combination[first + 2] = r * combination[first + 1] + (y_1 - b_1)
    let term = trace.accumulators[0][1] - compiled.model().layers[0].bias[1];
    let r = mock_challenge(&compiled, &witness, first + 1, field(term.into()));
    for (change, expected) in [
        (r, vec!["end: logup sum = 0"]),
        (
            r + Field::one(),
            vec!["end: logup sum = 0", "meeting: dot = combination"],
        ),
    ] {
        let mut forged = witness.clone();
        forged.limbs[0][first] += Field::one();
        forged.limbs[0][first + 1] -= change;
        assert_eq!(failing(&check(&compiled, forged).unwrap_err()), expected);
    }
}

#[test]
fn quotients_and_remainders_of_the_size_of_the_modulus_are_rejected() {
    // y = 2^s q + l with q or l near p: the equations hold, the limbs leave their range.
    let compiled = compile(&[3, 4, 1], Some(Op::SIGMOID));
    let shape = compiled.shape();
    let split = shape.remainder_limbs as usize;
    let row = find(&compiled, is_hidden);
    let shift = Field::from(1 << shape.shift());
    let honest = honest(&compiled);
    // The magnitude one larger, the remainder one whole shift smaller: l - 2^s is p - something.
    let sign = if honest.value[row] == Field::zero() {
        Field::one()
    } else {
        -Field::one()
    };
    let mut witness = honest.clone();
    let (low, remainder) = (witness.limbs[split][row], witness.limbs[0][row]);
    set_limb(&mut witness, split, row, low + Field::one());
    set_limb(&mut witness, 0, row, remainder + sign * shift);
    if honest.value[row] != Field::zero() {
        witness.value[row] += Field::one();
    }
    let names = failing(&check(&compiled, witness).unwrap_err());
    assert!(
        names.contains(&"end: logup sum = 0".to_string()),
        "{names:?}"
    );
    assert!(
        !names.iter().any(|name| name.contains("magnitude")),
        "{names:?}"
    );
}

#[test]
fn there_is_no_sign_of_zero_to_choose() {
    // One hidden value with accumulators around 0: where it rounds to 0 there is one witness,
    // and a quotient of -1 cannot pass as the value 1.
    let mut model = compile(&[1, 1, 1], None).model().clone();
    let half = 1i64 << (model.limbs.shift() - 1);
    for (bias, quotient) in [(half - 1, 0), (-half, 0), (half, 1), (-half - 1, -1)] {
        model.layers[0].weights.fill(0);
        model.layers[0].bias[0] = bias;
        let compiled = Arc::new(CompiledModel::new(model.clone()).unwrap());
        let witness = compiled.witness(&[0.5]).unwrap();
        let row = find(&compiled, is_hidden);
        let split = compiled.shape().remainder_limbs as usize;
        assert_eq!(witness.value[row], field(quotient.max(0)));
        assert_eq!(witness.limbs[split][row], field(quotient.abs()));
        assert_eq!(check(&compiled, witness.clone()), Ok(()));
        let mut forged = witness;
        forged.value[row] = field(quotient.abs()) - forged.value[row];
        let accepted = check(&compiled, forged).is_ok();
        assert_eq!(accepted, quotient == 0, "quotient {quotient}");
    }
}

#[test]
fn every_overwritten_cell_is_rejected() {
    overwrite_every_cell(&models());
}

#[test]
fn every_overwritten_cell_is_rejected_in_every_visibility() {
    overwrite_every_cell(&visibilities());
}

fn overwrite_every_cell(models: &[Arc<CompiledModel>]) {
    let mut overwritten = 0;
    for compiled in models {
        let witness = Arc::new(honest(compiled));
        let last = compiled.shape().last_row();
        let (count, pinned) = pinned_at_the_end(compiled);
        for column in 0..count {
            for row in 0..=last {
                // In the row after the last active one, only sums and states are pinned.
                if row == last && !pinned.contains(&column) {
                    continue;
                }
                let delta = if row % 2 == 0 {
                    Field::one()
                } else {
                    -Field::one()
                };
                let circuit = ModelCircuit::mock(Arc::clone(compiled), Arc::clone(&witness))
                    .unsound_overwrite(Overwrite { column, row, delta });
                let verdict = check_circuit(compiled, &circuit, witness.instance.clone());
                assert!(verdict.is_err(), "column {column}, row {row} is free");
                overwritten += 1;
            }
        }
    }
    println!("{overwritten} cells overwritten, 0 accepted");
}

/// How many advice columns there are, and which have a meaning after the last active row.
fn pinned_at_the_end(compiled: &CompiledModel) -> (usize, Vec<usize>) {
    let mut system = ConstraintSystem::default();
    let columns = Columns::configure(&mut system, compiled.shape());
    let mut pinned = vec![columns.dot, columns.combination, columns.logup.sum];
    if let Some(hash) = &columns.hash {
        pinned.extend(hash.lanes.iter().flat_map(|rounds| rounds.state));
        pinned.extend([hash.packed, hash.absorbed]);
    }
    let indices = pinned.iter().map(|column| column.index()).collect();
    (system.num_advice_columns(), indices)
}

#[test]
fn another_instance_is_rejected() {
    for compiled in models().into_iter().chain(visibilities()) {
        let witness = honest(&compiled);
        let used = used_instances(&compiled);
        for (column, row) in used {
            for delta in [Field::one(), -Field::one(), field(1 << 20)] {
                let mut other = witness.clone();
                other.instance[column][row] += delta;
                let verdict = check(&compiled, other);
                assert!(verdict.is_err(), "instance column {column}, row {row}");
            }
        }
    }
}

/// The instance cells that verifiers fill with public values: `(column, row)`.
fn used_instances(compiled: &CompiledModel) -> Vec<(usize, usize)> {
    let shape = compiled.shape();
    let mut used = Vec::new();
    if shape.hashes() {
        let sponges = [shape.output_sponge(), shape.input_sponge()];
        used.extend(
            sponges
                .iter()
                .flatten()
                .map(|sponge| (0, sponge.digest_row())),
        );
    }
    let ends = usize::from(shape.hashes());
    used.extend((0..shape.output_block()).map(|row| (ends, row)));
    if shape.reveals_inputs() {
        used.extend((0..shape.inputs as usize).map(|index| (ends + 1, shape.input_row(index))));
    }
    used
}

#[test]
fn another_output_is_rejected() {
    // Everything recomputed for the neighbouring output's interval: distances are then negative.
    for compiled in models() {
        let row = rows(1, compiled.model().inputs(), 22).row(0).to_vec();
        let trace = compiled.model().evaluate(&row).unwrap();
        for change in [1, -1] {
            let mut forged = trace.clone();
            forged.outputs[0] += change;
            let witness = Witness::new(&compiled, &forged).unwrap();
            assert!(check(&compiled, witness).is_err());
        }
    }
}

#[test]
fn an_output_moved_inside_a_wide_range_is_rejected_by_range_checks() {
    // y - lo = -1 as a field element in one limb: the recomposition holds, the range check does not.
    let compiled = compile(&[3, 4, 1], Some(Op::SIGMOID));
    let mut witness = honest(&compiled);
    let upper = find(&compiled, |row| {
        matches!(
            row,
            Row::Output {
                end: End::Upper,
                digit: 0,
                ..
            }
        )
    });
    let lower = find(&compiled, |row| {
        matches!(
            row,
            Row::Output {
                end: End::Lower,
                digit: 0,
                ..
            }
        )
    });
    let base = Field::from(1 << compiled.shape().limb_bits);
    let distance = |witness: &Witness, row: usize| {
        witness
            .limbs
            .iter()
            .rev()
            .fold(Field::zero(), |sum, limb| sum * base + limb[row])
    };
    // Move the interval so that the honest accumulator lies just below it.
    let shift = distance(&witness, lower) + Field::one();
    for row in [upper, lower] {
        witness.instance[0][row] += shift;
    }
    let (low, high) = (
        distance(&witness, lower) - shift,
        distance(&witness, upper) + shift,
    );
    for (row, value) in [(lower, low), (upper, high)] {
        for column in 0..witness.limbs.len() {
            set_limb(
                &mut witness,
                column,
                row,
                if column == 0 { value } else { Field::zero() },
            );
        }
    }
    let failures = check(&compiled, witness).unwrap_err();
    assert_eq!(failing(&failures), ["end: logup sum = 0"]);
}

#[test]
fn the_sign_of_a_hidden_value_cannot_be_flipped() {
    let compiled = compile(&[3, 4, 1], Some(Op::SIGMOID));
    let mut witness = honest(&compiled);
    let row = find(&compiled, is_hidden);
    let split = compiled.shape().remainder_limbs as usize;
    // A hidden value that is neither 0 nor its magnitude.
    witness.value[row] += Field::one();
    let names = failing(&check(&compiled, witness.clone()).unwrap_err());
    assert!(
        names
            .iter()
            .any(|name| name.contains("value (value - magnitude)")),
        "{names:?}"
    );
    // A positive value presented as a negative one, and the reverse.
    for row in 0..compiled.rows().len() {
        if !is_hidden(&compiled.rows()[row]) {
            continue;
        }
        let mut witness = honest(&compiled);
        let base = Field::from(1 << compiled.shape().limb_bits);
        let magnitude = witness.limbs[split..]
            .iter()
            .rev()
            .fold(Field::zero(), |sum, limb| sum * base + limb[row]);
        if magnitude == Field::zero() {
            continue;
        }
        witness.value[row] = magnitude - witness.value[row];
        let names = failing(&check(&compiled, witness).unwrap_err());
        assert_eq!(names, ["meeting: dot = combination"]);
    }
}

#[test]
fn quotient_and_remainder_cannot_be_shifted_together() {
    // y = 2^s q + l is also 2^s (q - 1) + (l + 2^s): the remainder leaves its range.
    let compiled = compile(&[3, 4, 1], Some(Op::SIGMOID));
    let shape = compiled.shape();
    let split = shape.remainder_limbs as usize;
    let base = Field::from(1 << shape.limb_bits);
    let row = (0..compiled.rows().len())
        .filter(|row| is_hidden(&compiled.rows()[*row]))
        .find(|row| honest(&compiled).value[*row] != Field::zero())
        .unwrap();
    let mut witness = honest(&compiled);
    // The lowest magnitude limb down by one, value with it; the top remainder limb up by its base.
    // (The next layer is then wrong too, but the range argument must fail on its own.)
    let (low, top) = (witness.limbs[split][row], witness.limbs[split - 1][row]);
    set_limb(&mut witness, split, row, low - Field::one());
    set_limb(&mut witness, split - 1, row, top + base);
    witness.value[row] -= Field::one();
    let names = failing(&check(&compiled, witness).unwrap_err());
    assert!(
        names.contains(&"end: logup sum = 0".to_string()),
        "{names:?}"
    );
}

#[test]
fn limbs_outside_the_table_are_rejected_wherever_they_are() {
    for compiled in models() {
        let outside = [
            Field::from(1 << compiled.shape().limb_bits),
            -Field::one(),
            field(1 << 90),
        ];
        for row in 0..compiled.rows().len() {
            for (column, limb) in
                (0..compiled.shape().limbs() as usize).flat_map(|c| outside.map(|o| (c, o)))
            {
                let mut witness = honest(&compiled);
                set_limb(&mut witness, column, row, limb);
                let names = failing(&check(&compiled, witness).unwrap_err());
                assert!(
                    names.contains(&"end: logup sum = 0".to_string()),
                    "{names:?}"
                );
            }
        }
    }
}

#[test]
fn multiplicities_have_to_match() {
    // [5, 5, 5] does not pass for [5, 6, 7]: counts moved between entries are rejected.
    for compiled in models() {
        for (from, to) in [(0, 1), (1, 0), (2, 5)] {
            let mut witness = honest(&compiled);
            witness.multiplicity[from] -= Field::one();
            witness.multiplicity[to] += Field::one();
            let names = failing(&check(&compiled, witness).unwrap_err());
            assert_eq!(names, ["end: logup sum = 0"]);
        }
    }
}

#[test]
fn inputs_outside_their_bits_are_rejected() {
    // An input of 2^(b-1), made of limbs that recompose to it.
    for compiled in models() {
        let shape = compiled.shape();
        let row = find(&compiled, |row| {
            matches!(
                row,
                Row::Value {
                    layer: 0,
                    index: 0,
                    ..
                }
            )
        });
        let mut witness = honest(&compiled);
        let top = shape.input_limbs as usize - 1;
        for column in 0..top {
            set_limb(&mut witness, column, row, Field::zero());
        }
        set_limb(&mut witness, top, row, Field::from(1 << shape.limb_bits));
        if shape.has_hidden() {
            witness.value[row] = field(1 << (shape.input_bits() - 1));
        }
        let names = failing(&check(&compiled, witness).unwrap_err());
        assert!(
            names.contains(&"end: logup sum = 0".to_string()),
            "{names:?}"
        );
        assert!(
            !names.iter().any(|name| name.contains("input:")),
            "{names:?}"
        );
    }
}

#[test]
fn a_value_repeated_for_another_block_has_to_be_the_same() {
    let compiled = compile(&[20, 400, 3], None);
    assert!(compiled.shape().blocks > 1);
    let row = find(&compiled, |row| matches!(row, Row::Value { block: 1, .. }));
    let mut witness = honest(&compiled);
    witness.value[row] += Field::one();
    let names = failing(&check(&compiled, witness).unwrap_err());
    assert!(
        names
            .iter()
            .any(|name| name.contains("value is the one above")),
        "{names:?}"
    );
}

#[test]
fn the_witness_of_another_model_is_rejected() {
    // Same shape, weights that differ in one place by one.
    let compiled = compile(&[4, 5, 3, 2], None);
    let mut model = compiled.model().clone();
    // Towards zero, so that the bounds still hold.
    let weight = &mut model.layers[0].weights[[2, 1]];
    *weight -= weight.signum();
    let other = Arc::new(CompiledModel::new(model).unwrap());
    assert_eq!(other.shape(), compiled.shape());
    assert_eq!(check(&other, honest(&other)), Ok(()));
    assert!(check(&compiled, honest(&other)).is_err());
}

#[test]
fn the_layout_does_not_depend_on_the_witness() {
    for compiled in models() {
        let mut other = honest(&compiled);
        other
            .value
            .iter_mut()
            .for_each(|cell| *cell = Field::zero());
        let columns = |witness: Witness| {
            let circuit = ModelCircuit::mock(Arc::clone(&compiled), Arc::new(witness.clone()));
            let logrows = compiled.shape().logrows;
            let prover = zkassay_gadgets::halo2_proofs::dev::MockProver::run(
                logrows,
                &circuit,
                witness.instance,
            );
            format!("{:?}", prover.unwrap().fixed())
        };
        assert_eq!(columns(honest(&compiled)), columns(other));
    }
}
