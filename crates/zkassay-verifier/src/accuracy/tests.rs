//! Hashes of data sets, files, and hostile ones.

use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;

use super::file::{HASHED, PUBLIC};
use super::*;
use crate::artefact::{Kind, hex, open, seal};

fn rows() -> TestRows {
    TestRows::new(2, vec![1.0, -2.5, -0.0, 3e38], vec![1, 0]).unwrap()
}

fn proof(data: TestData) -> AccuracyProof {
    let counted = |number: i64| Counted {
        totals: vec![number, -number],
        transcript: vec![number as u8; 5],
    };
    AccuracyProof {
        key: [7; 32],
        data,
        proofs: (0..3).map(counted).collect(),
    }
}

fn proofs() -> [AccuracyProof; 2] {
    let hashes = vec![Field::from(5), Field::from(2).pow_vartime([200])];
    [TestData::Rows(rows()), TestData::Hashes(hashes)].map(proof)
}

/// As anybody computes them with any implementation of SHA-256.
#[test]
fn hashes_are_what_their_documentation_says() {
    let [public, committed] = proofs().map(|proof| hex(&proof.data.hash(&[9; 32])));
    assert_eq!(
        public,
        "6a2f401ad0652fa72a0395ceddaf75b3f54835fa60027ee418da5056260ca573"
    );
    assert_eq!(
        committed,
        "57658d2f86f80a18768c1ae5f7fbba7163ed345ffaaf8b77092969ae851f8104"
    );
}

#[test]
fn rows_that_are_no_data_set_are_refused() {
    let new = |features, values: &[f32], labels: &[u32]| {
        TestRows::new(features, values.to_vec(), labels.to_vec())
    };
    assert!(new(1, &[1.0], &[TestRows::MAX_LABEL]).is_some());
    for (features, values, labels) in [
        (0, &[][..], &[][..]),
        (0, &[], &[1]),
        (1, &[], &[]),
        (2, &[1.0], &[1]),
        (1, &[1.0, 2.0], &[1]),
        (1, &[f32::NAN], &[1]),
        (1, &[f32::INFINITY], &[1]),
        (1, &[1.0], &[TestRows::MAX_LABEL + 1]),
        (usize::MAX, &[1.0], &[1, 2]),
    ] {
        assert_eq!(new(features, values, labels), None, "{values:?} {labels:?}");
    }
}

#[test]
fn files_round_trip() {
    for proof in proofs() {
        assert_eq!(AccuracyProof::from_bytes(&proof.to_bytes()), Ok(proof));
    }
}

#[test]
fn payloads_that_say_something_else_are_refused_or_are_something_else() {
    for proof in proofs() {
        let bytes = proof.to_bytes();
        let payload = open(Kind::Accuracy, &bytes).unwrap();
        for at in 0..payload.len() {
            let cut = seal(Kind::Accuracy, &payload[..at]);
            assert!(AccuracyProof::from_bytes(&cut).is_err(), "{at}");
            for change in [1, 0x80, 0xff] {
                let mut changed = payload.to_vec();
                changed[at] ^= change;
                let changed = seal(Kind::Accuracy, &changed);
                if let Ok(read) = AccuracyProof::from_bytes(&changed) {
                    assert_ne!(read, proof, "{at}");
                    assert_eq!(read.to_bytes(), changed, "{at}");
                }
            }
        }
        let longer = [payload, &[0]].concat();
        assert!(AccuracyProof::from_bytes(&seal(Kind::Accuracy, &longer)).is_err());
    }
}

#[test]
fn counts_beyond_the_file_are_refused_without_allocating() {
    for visibility in [PUBLIC, HASHED] {
        let mut payload = vec![0; 32];
        payload.extend_from_slice(&u32::MAX.to_le_bytes());
        payload.push(visibility);
        payload.extend_from_slice(&u32::MAX.to_le_bytes());
        payload.extend_from_slice(&[0; 64]);
        assert!(AccuracyProof::from_bytes(&seal(Kind::Accuracy, &payload)).is_err());
    }
    let [_, proof] = proofs();
    let mut payload = open(Kind::Accuracy, &proof.to_bytes()).unwrap().to_vec();
    // The number of proofs.
    payload[32 + 4 + 1 + 64..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(AccuracyProof::from_bytes(&seal(Kind::Accuracy, &payload)).is_err());
}

#[test]
fn totals_are_counts_of_rows() {
    assert!(is_count(&[], 0).is_ok());
    assert!(is_count(&[2, 0, 1], 3).is_ok());
    for totals in [&[2, 2][..], &[-1], &[i64::MIN], &[i64::MAX, i64::MAX, 3]] {
        assert!(is_count(totals, 3).is_err(), "{totals:?}");
    }
}
