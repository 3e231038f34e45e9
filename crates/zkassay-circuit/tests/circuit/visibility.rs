//! Public and hashed inputs, private and hashed outputs, secret weights: accepted when honest,
//! rejected when they are not what the table computes with.

use zkassay_circuit::layout::Row;
use zkassay_circuit::{CompiledModel, Witness};
use zkassay_fixed::{DataVisibility, ParamsVisibility};
use zkassay_gadgets::poseidon::Sponge;
use zkassay_gadgets::{Field, field};
use zkassay_testing::rows;

use crate::common::{check, compile, failing};
use DataVisibility::{Hashed, Private, Public};
use ParamsVisibility::{Fixed, Private as Secret};

fn witness(compiled: &CompiledModel, seed: u64) -> Witness {
    let row = rows(1, compiled.model().inputs(), seed).row(0).to_vec();
    compiled.witness(&row).unwrap()
}

#[test]
fn every_visibility_is_accepted() {
    let shapes: [&[usize]; 5] = [&[3, 1], &[5, 3], &[40, 4, 1], &[6, 5, 3, 2], &[2, 4, 8]];
    for widths in shapes {
        for input in DataVisibility::ALL {
            for output in DataVisibility::ALL {
                for params in ParamsVisibility::ALL {
                    let compiled = compile(widths, input, output, params);
                    for seed in [1, 2] {
                        let verdict = check(&compiled, witness(&compiled, seed));
                        assert_eq!(verdict, Ok(()), "{widths:?} {:?}", compiled.options());
                    }
                }
            }
        }
    }
}

#[test]
fn hashes_are_those_of_the_integers() {
    let compiled = compile(&[40, 4, 3], Hashed, Hashed, Fixed);
    let (shape, model) = (compiled.shape(), compiled.model());
    let row = rows(1, 40, 5).row(0).to_vec();
    let (trace, witness) = (
        model.evaluate(&row).unwrap(),
        compiled.witness(&row).unwrap(),
    );
    let hash = |integers: &[i64], offset: i64, bits: u32| {
        let integers: Vec<Field> = integers
            .iter()
            .map(|i| field((i + offset).into()))
            .collect();
        Sponge::new(0, integers.len(), bits).hash(&integers)
    };
    let half = 1i64 << (shape.input_bits() - 1);
    let inputs = hash(&trace.values[0], half, shape.input_bits());
    let bound = model.output.bound();
    let outputs = hash(&trace.accumulators[1], bound, shape.output_bits());
    assert_eq!(witness.input_hash, Some(inputs));
    assert_eq!(witness.output_hash, Some(outputs));
}

#[test]
fn the_hash_of_another_input_is_rejected() {
    // All of the hash is honest, but for an input that the model was not applied to.
    for (input, output) in [(Hashed, Public), (Public, Hashed), (Hashed, Hashed)] {
        let compiled = compile(&[40, 4, 1], input, output, Fixed);
        let (mut forged, other) = (witness(&compiled, 1), witness(&compiled, 2));
        forged.rounds = other.rounds;
        forged.instance[0] = other.instance[0].clone();
        let names = failing(&check(&compiled, forged).unwrap_err());
        assert_eq!(names, ["end: packed = absorbed"]);
    }
}

#[test]
fn integers_cannot_move_between_elements_of_a_message() {
    // Two elements exchanged, the hash recomputed: the sum that ignores order would agree.
    let compiled = compile(&[60, 4, 1], Hashed, Public, Fixed);
    let shape = compiled.shape();
    let sponge = shape.input_sponge().unwrap();
    let per_element = sponge.per_element();
    assert!(2 * per_element <= 60);
    let row = rows(1, 60, 3).row(0).to_vec();
    let mut swapped = row.clone();
    for index in 0..per_element {
        swapped.swap(index, per_element + index);
    }
    let mut forged = compiled.witness(&row).unwrap();
    let other = compiled.witness(&swapped).unwrap();
    forged.rounds = other.rounds;
    forged.instance[0] = other.instance[0].clone();
    let names = failing(&check(&compiled, forged).unwrap_err());
    assert_eq!(names, ["end: packed = absorbed"]);
}

#[test]
fn a_digest_is_not_the_tag_or_another_word() {
    let compiled = compile(&[3, 4, 1], Hashed, Public, Fixed);
    let honest = witness(&compiled, 1);
    let row = compiled.shape().input_sponge().unwrap().digest_row();
    for word in [0, 2] {
        let mut forged = honest.clone();
        forged.instance[0][row] = honest.rounds[word][row];
        let names = failing(&check(&compiled, forged).unwrap_err());
        assert_eq!(names, ["digest"]);
    }
}

#[test]
fn public_inputs_are_the_values() {
    for widths in [&[3usize, 1][..], &[3, 4, 1], &[2, 4, 8]] {
        let compiled = compile(widths, Public, Private, Fixed);
        let honest = witness(&compiled, 1);
        for index in 0..widths[0] {
            let mut forged = honest.clone();
            forged.instance[1][compiled.shape().input_row(index)] += Field::one();
            let names = failing(&check(&compiled, forged).unwrap_err());
            assert_eq!(names, ["input: value is public"]);
        }
    }
}

#[test]
fn secret_weights_are_range_checked() {
    // A weight just outside its range, everything that follows recomputed.
    let compiled = compile(&[3, 4, 1], Private, Public, Secret);
    let half = 1i128 << (compiled.shape().limb_bits - 1);
    for weight in [half, -half - 1, 1 << 60] {
        for row in 0..compiled.rows().len() {
            let mut forged = witness(&compiled, 1);
            forged.weights[0][row] = field(weight);
            let names = failing(&check(&compiled, forged).unwrap_err());
            let name = "end: logup sum = 0".to_string();
            assert!(names.contains(&name), "{weight} in row {row}: {names:?}");
        }
    }
}

#[test]
fn other_weights_prove_with_the_same_gates_which_is_why_they_are_called_unbound() {
    let compiled = compile(&[3, 4, 1], Private, Public, Secret);
    let mut model = compiled.model().clone();
    let weight = &mut model.layers[0].weights[[2, 1]];
    *weight -= weight.signum();
    let other = CompiledModel::with_options(model, compiled.options()).unwrap();
    assert_eq!(other.shape(), compiled.shape());
    assert_eq!(check(&compiled, witness(&other, 1)), Ok(()));
    // With fixed weights they do not.
    let compiled = compile(&[3, 4, 1], Private, Public, Fixed);
    let mut model = compiled.model().clone();
    let weight = &mut model.layers[0].weights[[2, 1]];
    *weight -= weight.signum();
    let other = CompiledModel::with_options(model, compiled.options()).unwrap();
    assert!(check(&compiled, witness(&other, 1)).is_err());
}

#[test]
fn a_secret_bias_is_that_of_the_model() {
    // The rows of the bias multiply constants that the key fixes.
    let compiled = compile(&[3, 4, 1], Private, Public, Secret);
    let is_bias = |row: &Row| matches!(row, Row::Bias { .. });
    let bias_rows: Vec<usize> = (0..compiled.rows().len())
        .filter(|row| is_bias(&compiled.rows()[*row]))
        .collect();
    assert!(bias_rows.len() >= 2, "{:?}", compiled.rows());
    for row in bias_rows {
        let mut forged = witness(&compiled, 1);
        forged.value[row] += Field::one();
        let names = failing(&check(&compiled, forged).unwrap_err());
        assert!(
            names.contains(&"unused: value is zero".to_string()),
            "{names:?}"
        );
    }
}

#[test]
fn weights_of_too_many_bits_are_refused_by_name() {
    let compiled = compile(&[3, 4, 1], Private, Public, Secret);
    let mut model = compiled.model().clone();
    model.layers[1].weights[[0, 0]] = 1 << compiled.shape().limb_bits;
    let error = CompiledModel::with_options(model, compiled.options()).unwrap_err();
    let (name, error) = (&compiled.model().layers[1].name, error.to_string());
    assert!(
        error.contains(name) && error.contains("secret weights have"),
        "{error}"
    );
}
