//! Files: what is written reads back, what is damaged or mixed up is refused.

use zkassay_prover::{ProvingKey, Srs};
use zkassay_verifier::{Proof, VerifyingKey};

use crate::common::{compiled, key, srs};

#[test]
fn everything_reads_back() {
    let params = Srs::from_bytes(&srs().to_bytes()).unwrap();
    let proving = ProvingKey::from_bytes(&key().to_bytes().unwrap()).unwrap();
    let verifying = VerifyingKey::from_bytes(&key().verifying_key().to_bytes()).unwrap();
    assert_eq!(verifying.digest(), key().verifying_key().digest());
    let witness = proving.compiled().witness(&[0.1, 0.2, 0.3]).unwrap();
    let proof = proving.prove(&params, &witness).unwrap();
    let proof = Proof::from_bytes(&proof.to_bytes()).unwrap();
    verifying.verify(&proof).unwrap();
}

#[test]
fn damaged_files_are_refused() {
    let bytes = [
        srs().to_bytes(),
        key().to_bytes().unwrap(),
        key().verifying_key().to_bytes(),
    ];
    let reads = [
        |bytes: &[u8]| Srs::from_bytes(bytes).is_ok(),
        |bytes: &[u8]| ProvingKey::from_bytes(bytes).is_ok(),
        |bytes: &[u8]| VerifyingKey::from_bytes(bytes).is_ok(),
    ];
    for (bytes, read) in bytes.iter().zip(reads) {
        assert!(read(bytes));
        let step = bytes.len() / 97 + 1;
        for index in (0..bytes.len()).step_by(step) {
            let mut changed = bytes.clone();
            changed[index] ^= 0x10;
            assert!(!read(&changed), "byte {index}");
            assert!(!read(&bytes[..index]), "length {index}");
        }
    }
    // A file of another kind.
    assert!(!reads[2](&bytes[0]) && !reads[0](&bytes[1]) && !reads[1](&bytes[2]));
}

/// The payload of a sealed file, changed and sealed again: the checksum is right.
fn reseal(bytes: &[u8], change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    use zkassay_verifier::artefact::{Kind, open, seal};
    let mut payload = open(Kind::VerifyingKey, bytes).unwrap().to_vec();
    change(&mut payload);
    seal(Kind::VerifyingKey, &payload)
}

#[test]
fn hostile_verifying_keys_give_errors() {
    // Whoever changes a key can also make its checksum right: no panic, no huge allocation,
    // and no key that accepts the old key's proofs.
    let bytes = key().verifying_key().to_bytes();
    let witness = key().compiled().witness(&[0.1, 0.2, 0.3]).unwrap();
    let proof = key().prove(srs(), &witness).unwrap();
    let length = bytes.len() - 50;
    for index in 0..length {
        for value in [0x00, 0x01, 0x7f, 0xff] {
            let changed = reseal(&bytes, |payload| payload[index] = value);
            if let Ok(other) = VerifyingKey::from_bytes(&changed)
                && changed != bytes
            {
                let renamed = Proof {
                    key: other.digest(),
                    ..proof.clone()
                };
                assert!(other.verify(&renamed).is_err(), "byte {index}");
            }
        }
    }
    for shorter in 0..length {
        let changed = reseal(&bytes, |payload| payload.truncate(shorter));
        assert!(
            VerifyingKey::from_bytes(&changed).is_err(),
            "length {shorter}"
        );
    }
    let longer = reseal(&bytes, |payload| payload.push(0));
    assert!(VerifyingKey::from_bytes(&longer).is_err());
}

#[test]
fn parts_of_different_keys_do_not_mix() {
    use zkassay_verifier::artefact::{Kind, Reader, open, seal, write_block};
    let other = ProvingKey::setup(srs(), compiled(&[3, 4, 1], true, 6), [7; 32]).unwrap();
    let blocks = |key: &ProvingKey| -> Vec<Vec<u8>> {
        let bytes = key.to_bytes().unwrap();
        let mut reader = Reader::new(Kind::ProvingKey, open(Kind::ProvingKey, &bytes).unwrap());
        (0..3).map(|_| reader.block().unwrap().to_vec()).collect()
    };
    let (ours, theirs) = (blocks(key()), blocks(&other));
    let mix = |parts: [&[u8]; 3]| {
        let mut payload = Vec::new();
        for part in parts {
            write_block(&mut payload, part);
        }
        ProvingKey::from_bytes(&seal(Kind::ProvingKey, &payload)).map(|_| ())
    };
    assert!(mix([&ours[0], &ours[1], &ours[2]]).is_ok());
    let error = mix([&ours[0], &ours[1], &theirs[2]]).unwrap_err();
    assert!(error.to_string().contains("does not belong"), "{error}");
    let error = mix([&ours[0], &theirs[1], &ours[2]]).unwrap_err();
    assert!(
        error.to_string().contains("belong") || error.to_string().contains("bytes"),
        "{error}"
    );
}
