//! Whatever is changed, the verifier rejects, and never panics.

use zkassay_circuit::circuit::Overwrite;
use zkassay_circuit::{CompiledModel, Witness};
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::G1Affine;
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_gadgets::halo2_proofs::transcript::{
    Blake2bRead, Challenge255, Transcript as _, TranscriptRead as _, TranscriptReadBuffer as _,
};
use zkassay_gadgets::{Columns, Field};
use zkassay_prover::ProvingKey;
use zkassay_verifier::{Proof, PublicData, VerifyError};

use crate::common::{chain, compiled, key, srs};

const INPUT: [f32; 3] = [0.5, -0.75, 0.25];

fn honest() -> (Witness, Proof) {
    let witness = chain(key()).witness(&INPUT).unwrap();
    let proof = key().prove(srs(), &witness).unwrap();
    key().verifying_key().verify(&proof).unwrap();
    (witness, proof)
}

#[test]
fn every_byte_of_the_proof_counts() {
    let (_, proof) = honest();
    let bytes = proof.to_bytes();
    for (index, bit) in (0..proof.transcript.len()).flat_map(|i| [(i, i % 8), (i, 7)]) {
        let mut changed = proof.clone();
        changed.transcript[index] ^= 1 << bit;
        let verdict = key().verifying_key().verify(&changed);
        assert!(
            matches!(verdict, Err(VerifyError::Rejected { .. })),
            "byte {index}: {verdict:?}"
        );
    }
    for index in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[index] ^= 1 << (index % 8);
        assert!(Proof::from_bytes(&changed).is_err(), "byte {index}");
    }
}

#[test]
fn truncated_and_extended_proofs_are_rejected() {
    let (_, proof) = honest();
    for length in [
        0,
        1,
        31,
        32,
        proof.transcript.len() / 2,
        proof.transcript.len() - 1,
    ] {
        let mut changed = proof.clone();
        changed.transcript.truncate(length);
        assert!(
            key().verifying_key().verify(&changed).is_err(),
            "length {length}"
        );
    }
    let mut changed = proof;
    changed.transcript.push(0);
    let error = key().verifying_key().verify(&changed).unwrap_err();
    assert!(
        error.to_string().contains("1 bytes are left over"),
        "{error}"
    );
}

#[test]
fn points_and_scalars_outside_their_groups_are_rejected() {
    let (_, proof) = honest();
    // Points are replaced by the identity and by bytes beyond the modulus, scalars by 0 and the same.
    for start in (0..proof.transcript.len()).step_by(32) {
        for fill in [0x00, 0xff] {
            let mut changed = proof.clone();
            changed.transcript[start..start + 32].fill(fill);
            assert!(
                key().verifying_key().verify(&changed).is_err(),
                "element at {start}"
            );
        }
    }
}

#[test]
fn other_outputs_are_rejected() {
    let (_, proof) = honest();
    let scale = chain(key()).model().output.output_scale();
    let verify = |outputs: Vec<i64>| {
        let changed = Proof {
            output: PublicData::values(&outputs, scale),
            ..proof.clone()
        };
        key().verifying_key().verify(&changed)
    };
    let z = proof.output.integers()[0];
    for other in [z + 1, z - 1] {
        let verdict = verify(vec![other]);
        assert!(
            matches!(verdict, Err(VerifyError::Rejected { .. })),
            "{other}"
        );
    }
    // The ends of the range: out of reach for some models, not proved for the others.
    for other in [0, 1 << 16] {
        assert!(verify(vec![other]).is_err(), "{other}");
    }
    for impossible in [-1, (1 << 16) + 1, i64::MIN, i64::MAX] {
        assert!(
            matches!(verify(vec![impossible]), Err(VerifyError::Output(_))),
            "{impossible}"
        );
    }
    for count in [vec![], vec![z, z]] {
        assert!(matches!(verify(count), Err(VerifyError::Count { .. })));
    }
}

#[test]
fn the_proof_of_one_model_is_rejected_by_the_key_of_another() {
    let (witness, proof) = honest();
    // Same shape, one weight different by one unit.
    let mut model = chain(key()).model().clone();
    let weight = &mut model.layers[0].weights[[0, 0]];
    *weight -= weight.signum();
    let other = CompiledModel::new(model).unwrap();
    assert_eq!(other.shape(), chain(key()).shape());
    let other = ProvingKey::setup(srs(), other, [7; 32]).unwrap();
    let error = other.verifying_key().verify(&proof).unwrap_err();
    assert!(matches!(error, VerifyError::Key { .. }), "{error}");
    // Claiming the other key does not help, and neither does proving with it.
    let renamed = Proof {
        key: other.verifying_key().digest(),
        ..proof
    };
    assert!(other.verifying_key().verify(&renamed).is_err());
    let foreign = other.prove(srs(), &witness).unwrap();
    assert!(other.verifying_key().verify(&foreign).is_err());
}

#[test]
fn keys_that_differ_only_in_what_outputs_mean_do_not_share_proofs() {
    let (_, proof) = honest();
    // Same circuit, another claimed ONNX file.
    let other = ProvingKey::setup(srs(), key().compiled().clone(), [8; 32]).unwrap();
    let renamed = Proof {
        key: other.verifying_key().digest(),
        ..proof
    };
    let verdict = other.verifying_key().verify(&renamed);
    assert!(
        matches!(verdict, Err(VerifyError::Rejected { .. })),
        "{verdict:?}"
    );
}

#[test]
fn every_overwritten_cell_is_rejected_with_real_challenges() {
    // The mock prover's sweep with the challenges of the transcript: also phase 2.
    let (witness, _) = honest();
    let shape = chain(key()).shape();
    let mut system = ConstraintSystem::default();
    let columns = Columns::configure(&mut system, shape);
    let sums = [columns.dot, columns.combination, columns.logup.sum].map(|sum| sum.index());
    for column in 0..system.num_advice_columns() {
        for row in (0..chain(key()).rows().len() + 1).chain([shape.last_row()]) {
            // The last row is not an active one: only running sums are pinned there.
            let is_sum = sums.contains(&column);
            if row == shape.last_row() && !is_sum {
                continue;
            }
            let delta = Field::one();
            let overwrite = Overwrite { column, row, delta };
            let proof = key().unsound_prove(srs(), &witness, overwrite).unwrap();
            let verdict = key().verifying_key().verify(&proof);
            assert!(verdict.is_err(), "column {column}, row {row} is free");
        }
    }
    // A cell that is not there is no attack.
    let overwrite = Overwrite {
        column: system.num_advice_columns(),
        row: 0,
        delta: Field::one(),
    };
    assert!(key().unsound_prove(srs(), &witness, overwrite).is_err());
}

/// The first challenge of a proof's transcript, as the verifier computes it.
fn first_challenge(proof: &Proof, separator: Field) -> Field {
    let key = key().verifying_key();
    let mut bytes = proof.transcript.as_slice();
    let mut transcript = Blake2bRead::<_, G1Affine, Challenge255<_>>::init(&mut bytes);
    transcript.common_scalar(separator).unwrap();
    key.halo2().hash_into(&mut transcript).unwrap();
    let instance = key.instance(&proof.input, &proof.output).unwrap();
    for value in instance.into_iter().flatten() {
        transcript.common_scalar(value).unwrap();
    }
    let phases = key.halo2().cs().advice_column_phase();
    for _ in phases.iter().filter(|phase| **phase == 0) {
        transcript.read_point().unwrap();
    }
    *transcript.squeeze_challenge_scalar::<()>()
}

#[test]
fn the_challenge_depends_on_everything_it_tests() {
    // Whoever changes a value after seeing r gets another r.
    let (_, proof) = honest();
    let separator = key().verifying_key().domain_separator();
    let r = first_challenge(&proof, separator);
    assert_eq!(first_challenge(&proof, separator), r);
    assert_ne!(first_challenge(&proof, separator + Field::one()), r);
    let other_output = Proof {
        output: PublicData::values(
            &[proof.output.integers()[0] + 1],
            chain(key()).model().output.output_scale(),
        ),
        ..proof.clone()
    };
    assert_ne!(first_challenge(&other_output, separator), r);
    let shape = chain(key()).shape();
    let first_phase = 1 + shape.limbs() as usize + 1;
    let point = |index: usize| 32 * index..32 * (index + 1);
    for index in 0..first_phase {
        // Another valid point in its place: the commitment of the first column of phase 2.
        let mut changed = proof.clone();
        let replacement = proof.transcript[point(first_phase)].to_vec();
        changed.transcript[point(index)].copy_from_slice(&replacement);
        assert_ne!(
            first_challenge(&changed, separator),
            r,
            "commitment {index}"
        );
    }
}

#[test]
fn proofs_of_two_inputs_do_not_mix() {
    let (_, first) = honest();
    let witness = chain(key()).witness(&[-2.0, 1.5, 0.125]).unwrap();
    let second = key().prove(srs(), &witness).unwrap();
    assert_ne!(first.output, second.output);
    let verify = |proof: &Proof| key().verifying_key().verify(proof);
    for (outputs, transcript) in [(&first, &second), (&second, &first)] {
        let swapped = Proof {
            output: outputs.output.clone(),
            ..transcript.clone()
        };
        assert!(verify(&swapped).is_err());
        // The beginning of one and the end of the other, at every element.
        for cut in (32..first.transcript.len()).step_by(32) {
            let mut spliced = outputs.clone();
            spliced.transcript[cut..].copy_from_slice(&transcript.transcript[cut..]);
            assert!(verify(&spliced).is_err(), "cut at {cut}");
        }
    }
}

#[test]
fn witnesses_of_other_circuits_are_refused() {
    let other = compiled(&[2, 3, 3, 1], true, 1);
    let witness = other.witness(&[0.0, 0.0]).unwrap();
    let mut longer = chain(key()).witness(&INPUT).unwrap();
    longer.instance[0].push(Field::zero());
    for witness in [witness, longer] {
        let fits = witness.fits(chain(key()).shape());
        let result = key().prove(srs(), &witness);
        assert_eq!(fits, result.is_ok());
        if let Ok(proof) = result {
            assert!(key().verifying_key().verify(&proof).is_err());
        }
    }
}
