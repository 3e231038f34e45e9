//! Proofs of every visibility, and what of them cannot be changed.

use zkassay_circuit::circuit::Overwrite;
use zkassay_fixed::{DataVisibility, ParamsVisibility, Scale, Visibility};
use zkassay_gadgets::Field;
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_prover::ProvingKey;
use zkassay_testing::rows;
use zkassay_verifier::{Proof, PublicData, VerifyError, VerifyingKey};

use crate::common::{chain, compiled_with, srs};

fn keys(widths: &[usize], visibility: Visibility) -> ProvingKey {
    ProvingKey::setup(srs(), compiled_with(widths, visibility, 7), [3; 32]).unwrap()
}

fn prove(key: &ProvingKey, seed: u64) -> Proof {
    let row = rows(1, chain(key).model().inputs(), seed).row(0).to_vec();
    key.prove(srs(), chain(key).witness(&row).unwrap()).unwrap()
}

#[test]
fn verdicts_say_what_is_shown_and_no_more() {
    for visibility in Visibility::all() {
        let key = keys(&[5, 4, 2], visibility);
        let row = rows(1, 5, 3).row(0).to_vec();
        let model = chain(&key).model();
        let trace = model.evaluate(&row).unwrap();
        let proof = prove(&key, 3);
        let verdict = key.verifying_key().verify(&proof).unwrap();
        let is = |shown, data: DataVisibility| data == shown;
        let scale = model.input_scale();
        let inputs: Vec<f64> = trace.values[0].iter().map(|x| scale.real(*x)).collect();
        let expected = if is(DataVisibility::Public, visibility.input) {
            inputs
        } else {
            vec![]
        };
        assert_eq!(verdict.inputs, expected, "{visibility}");
        let outputs = model.output_reals(&trace);
        let expected = if is(DataVisibility::Public, visibility.output) {
            outputs
        } else {
            vec![]
        };
        assert_eq!(verdict.outputs, expected, "{visibility}");
        let hashed = [visibility.input, visibility.output].map(|v| is(DataVisibility::Hashed, v));
        let all = [&verdict.input_hashes, &verdict.output_hashes];
        assert_eq!(all.map(Vec::len), hashed.map(usize::from), "{visibility}");
        let hashes = all.map(|hashes| hashes.first().copied());
        assert_eq!(verdict.params, visibility.params);
        // What a verifier computes when the values are revealed to it later.
        let public = key.verifying_key();
        let opened = [
            public.hash_of_input(&trace.values[0]),
            public.hash_of_output(&trace.accumulators[1]),
        ];
        assert_eq!(opened, hashes, "{visibility}");
        let mut other = trace.values[0].clone();
        other[1] += 1;
        assert!(public.hash_of_input(&other) != opened[0] || opened[0].is_none());
        assert_eq!(public.hash_of_input(&other[1..]), None);
        assert_eq!(public.hash_of_output(&[i64::MAX, i64::MIN]), None);
        // And through files.
        let read = VerifyingKey::from_bytes(&key.verifying_key().to_bytes()).unwrap();
        assert_eq!(
            read.verify(&Proof::from_bytes(&proof.to_bytes()).unwrap()),
            Ok(verdict)
        );
        let read = ProvingKey::from_bytes(&key.to_bytes().unwrap()).unwrap();
        key.verifying_key().verify(&prove(&read, 4)).unwrap();
    }
}

#[test]
fn what_is_shown_cannot_be_changed() {
    let hash = Field::from(5);
    for visibility in Visibility::all() {
        let key = keys(&[3, 2], visibility);
        let proof = prove(&key, 3);
        let other = prove(&key, 4);
        let verify = |input: &PublicData, output: &PublicData| {
            let changed = Proof {
                input: input.clone(),
                output: output.clone(),
                ..proof.clone()
            };
            key.verifying_key().verify(&changed)
        };
        assert!(verify(&proof.input, &proof.output).is_ok());
        for input in [&proof.input, &other.input] {
            for output in [&proof.output, &other.output] {
                if (input, output) == (&proof.input, &proof.output) {
                    continue;
                }
                let verdict = verify(input, output);
                assert!(
                    matches!(verdict, Err(VerifyError::Rejected { .. })),
                    "{visibility}: {verdict:?}"
                );
            }
        }
        let shown = [
            PublicData::Private,
            PublicData::values(&[0, 0, 0], Scale(1)),
            PublicData::Hashes(vec![hash]),
        ];
        for data in shown {
            if data.visibility() != visibility.input {
                let verdict = verify(&data, &proof.output);
                assert!(
                    matches!(verdict, Err(VerifyError::Visibility { .. })),
                    "{verdict:?}"
                );
            }
            if data.visibility() != visibility.output {
                let verdict = verify(&proof.input, &data);
                assert!(
                    matches!(verdict, Err(VerifyError::Visibility { .. })),
                    "{verdict:?}"
                );
            }
        }
    }
}

#[test]
fn real_numbers_have_to_be_those_of_the_integers() {
    let visibility = Visibility {
        input: DataVisibility::Public,
        ..Visibility::default()
    };
    let key = keys(&[3, 2], visibility);
    let proof = prove(&key, 3);
    for is_input in [true, false] {
        let mut changed = proof.clone();
        let data = match is_input {
            true => &mut changed.input,
            false => &mut changed.output,
        };
        let PublicData::Values(values) = data else {
            panic!("{data:?}");
        };
        values[1].real += 0.5;
        let verdict = key.verifying_key().verify(&changed);
        assert!(
            matches!(verdict, Err(VerifyError::Real { .. })),
            "{verdict:?}"
        );
        let Err(error) = verdict else { return };
        assert!(error.to_string().contains("stands for"), "{error}");
    }
}

#[test]
fn every_overwritten_cell_is_rejected_with_real_challenges() {
    // Hashes and secret weights in one circuit, each column in rows of every kind.
    let visibility = Visibility {
        input: DataVisibility::Hashed,
        output: DataVisibility::Hashed,
        params: ParamsVisibility::Private,
    };
    let key = keys(&[3, 2], visibility);
    let shape = chain(&key).shape();
    let mut system = ConstraintSystem::default();
    zkassay_gadgets::Columns::configure(&mut system, shape);
    let row = rows(1, 3, 3).row(0).to_vec();
    let witness = chain(&key).witness(&row).unwrap();
    let used = chain(&key).rows().len();
    let mut overwritten = 0;
    for column in 0..system.num_advice_columns() {
        for row in (0..used + 1).chain([40, 100, shape.needed_rows() - 1, shape.needed_rows()]) {
            let overwrite = Overwrite {
                column,
                row,
                delta: Field::one(),
            };
            let proof = key.unsound_prove(srs(), &witness, overwrite).unwrap();
            let verdict = key.verifying_key().verify(&proof);
            assert!(verdict.is_err(), "column {column}, row {row} is free");
            overwritten += 1;
        }
    }
    println!("{overwritten} cells overwritten, 0 accepted");
}
