//! Whatever is changed, the verifier rejects, and never panics.

use zkassay_circuit::circuit::Overwrite;
use zkassay_circuit::layout::Row;
use zkassay_circuit::{CompiledModel, Witness};
use zkassay_gadgets::Field;
use zkassay_prover::ProvingKey;
use zkassay_verifier::{Proof, VerifyError};

use crate::common::{key, srs};

const INPUT: [f32; 3] = [0.5, -0.75, 0.25];

fn honest() -> (Witness, Proof) {
    let witness = key().compiled().witness(&INPUT).unwrap();
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
    let verify = |outputs: Vec<i64>| {
        let changed = Proof {
            outputs,
            ..proof.clone()
        };
        key().verifying_key().verify(&changed)
    };
    let z = proof.outputs[0];
    for other in [z + 1, z - 1, 0, 1 << 16] {
        assert!(
            matches!(verify(vec![other]), Err(VerifyError::Rejected { .. })),
            "{other}"
        );
    }
    for impossible in [-1, (1 << 16) + 1, i64::MIN, i64::MAX] {
        assert!(
            matches!(verify(vec![impossible]), Err(VerifyError::Output(_))),
            "{impossible}"
        );
    }
    for count in [vec![], vec![z, z]] {
        assert!(matches!(verify(count), Err(VerifyError::Outputs { .. })));
    }
}

#[test]
fn the_proof_of_one_model_is_rejected_by_the_key_of_another() {
    let (witness, proof) = honest();
    // Same shape, one weight different by one unit.
    let mut model = key().compiled().model().clone();
    model.layers[0].weights[[0, 0]] += 1;
    let other = CompiledModel::new(model).unwrap();
    assert_eq!(other.shape(), key().compiled().shape());
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
    let shape = key().compiled().shape();
    let phase_one = 1 + shape.limbs() as usize + 1;
    let columns = phase_one + 3 + shape.limbs() as usize;
    for column in 0..columns {
        for row in (0..key().compiled().rows().len() + 1).chain([shape.last_row()]) {
            // The last row is not an active one: only running sums are pinned there.
            let is_sum = (phase_one..phase_one + 3).contains(&column);
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
}

#[test]
fn hidden_values_cannot_be_exchanged_after_the_challenge() {
    // A forger who knew r could change two hidden accumulators so that their random
    // combination stays the same. With r from the transcript it changes too.
    let (witness, _) = honest();
    let compiled = key().compiled();
    let rows: Vec<usize> = compiled
        .rows()
        .iter()
        .enumerate()
        .filter(|(_, row)| matches!(row, Row::Value { layer: 1, .. }))
        .map(|(row, _)| row)
        .collect();
    let guess = Field::from(0x5eed);
    for pair in rows.windows(2) {
        // combination = ... r * y_0 + y_1 ...: add 1 to y_0's remainder, subtract r from y_1's.
        let mut forged = witness.clone();
        forged.limbs[0][pair[0]] += Field::one();
        forged.limbs[0][pair[1]] -= guess;
        let proof = key().prove(srs(), &forged).unwrap();
        assert!(key().verifying_key().verify(&proof).is_err());
    }
}
