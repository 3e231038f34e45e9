//! Files: what is written reads back, what is damaged or mixed up is refused.

use zkassay_prover::{Circuit, ProvingKey, Srs};
use zkassay_verifier::{Proof, SrsOrigin, VerifyingKey};

use crate::common::{chain, compiled, key, srs};

#[test]
fn everything_reads_back() {
    let params = Srs::from_bytes(&srs().to_bytes()).unwrap();
    let proving = ProvingKey::from_bytes(&key().to_bytes().unwrap()).unwrap();
    let verifying = VerifyingKey::from_bytes(&key().verifying_key().to_bytes()).unwrap();
    assert_eq!(verifying.digest(), key().verifying_key().digest());
    let witness = chain(&proving).witness(&[0.1, 0.2, 0.3]).unwrap();
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
    let witness = chain(key()).witness(&[0.1, 0.2, 0.3]).unwrap();
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
fn a_key_cannot_claim_the_ceremony() {
    // The origin follows two digests. The ceremony's secret is known by its point of G2.
    let bytes = key().verifying_key().to_bytes();
    let origin = |byte: u8| {
        let changed = reseal(&bytes, |payload| payload[64] = byte);
        VerifyingKey::from_bytes(&changed)
    };
    let read = origin(SrsOrigin::Imported.to_byte()).unwrap();
    assert_eq!(read.statement().srs, SrsOrigin::Imported);
    let error = origin(SrsOrigin::Ceremony.to_byte()).unwrap_err();
    assert!(error.to_string().contains("another secret"), "{error}");
}

#[test]
fn hostile_sizes_are_refused_before_they_cost_anything() {
    // logrows, then block width and blocks at their largest, in a key of a few hundred bytes.
    let bytes = key().verifying_key().to_bytes();
    // After two digests and the origin.
    let shape_at = 65;
    let field = |payload: &mut Vec<u8>, index: usize, value: u32| {
        let at = shape_at + 4 * index;
        payload[at..at + 4].copy_from_slice(&value.to_le_bytes());
    };
    let started = std::time::Instant::now();
    for logrows in [20, 21, 24, 31, u32::MAX] {
        let changed = reseal(&bytes, |payload| field(payload, 0, logrows));
        assert!(
            VerifyingKey::from_bytes(&changed).is_err(),
            "logrows {logrows}"
        );
    }
    for (width, blocks) in [(1024, 64), (4096, 256), (u32::MAX, u32::MAX)] {
        let changed = reseal(&bytes, |payload| {
            field(payload, 5, width);
            field(payload, 6, blocks);
        });
        // Also on the small stacks of worker threads.
        let refused = std::thread::Builder::new()
            .stack_size(2 << 20)
            .spawn(move || VerifyingKey::from_bytes(&changed).is_err());
        assert!(refused.unwrap().join().unwrap(), "width {width}");
    }
    // Generous: what this guards against took 20 seconds and 4 GB.
    assert!(started.elapsed().as_secs() < 10);
}

#[test]
fn a_key_has_one_encoding() {
    // The flag of the identity on a point that is not, which halo2curves ignores.
    let bytes = key().verifying_key().to_bytes();
    let length = bytes.len() - 50;
    for end in (0..14).map(|point| length - 32 * point) {
        let changed = reseal(&bytes, |payload| payload[end - 1] ^= 0x80);
        assert!(
            VerifyingKey::from_bytes(&changed).is_err(),
            "byte {}",
            end - 1
        );
    }
    assert_eq!(VerifyingKey::from_bytes(&bytes).unwrap().to_bytes(), bytes);
}

/// The points of a file of parameters, exchanged or replaced, with a right checksum.
fn parameters(change: impl Fn(&mut [u8])) -> Result<Srs, zkassay_prover::ProverError> {
    use zkassay_verifier::artefact::{Kind, open, seal};
    let bytes = Srs::unsafe_local(4).to_bytes();
    let mut payload = open(Kind::Srs, &bytes).unwrap().to_vec();
    change(&mut payload);
    Srs::from_bytes(&seal(Kind::Srs, &payload))
}

#[test]
fn parameters_have_to_be_powers_of_one_secret() {
    // Origin, logrows, 16 powers and 16 Lagrange points of 64 bytes, two points of 128.
    let power = |i: usize| 5 + 64 * i..5 + 64 * (i + 1);
    let lagrange = |i: usize| power(16 + i);
    let g2 = 5 + 64 * 32;
    assert!(parameters(|_| ()).is_ok());
    let swap = |a: std::ops::Range<usize>, b: std::ops::Range<usize>| {
        parameters(move |payload| {
            let (first, second) = (payload[a.clone()].to_vec(), payload[b.clone()].to_vec());
            payload[a.clone()].copy_from_slice(&second);
            payload[b.clone()].copy_from_slice(&first);
        })
    };
    for (a, b) in [
        (lagrange(6), lagrange(7)),
        (power(3), power(4)),
        (power(0), power(1)),
        (power(15), lagrange(15)),
        (g2..g2 + 128, g2 + 128..g2 + 256),
    ] {
        let error = swap(a.clone(), b).unwrap_err().to_string();
        assert!(error.contains("its "), "{a:?}: {error}");
    }
    let identity = parameters(|payload| payload[lagrange(9)].fill(0));
    assert!(identity.is_err());
}

/// The model of a circuit, changed as JSON, with a right checksum.
fn with_model(change: impl Fn(&mut serde_json::Value)) -> Result<(), String> {
    use zkassay_verifier::artefact::{Kind, open, seal};
    let bytes = key().circuit().to_bytes().unwrap();
    let payload = open(Kind::Circuit, &bytes).unwrap();
    let (digests, contents) = payload.split_at(64);
    let mut contents: serde_json::Value = serde_json::from_slice(contents).unwrap();
    change(&mut contents["model"]);
    let payload = [digests, &serde_json::to_vec(&contents).unwrap()].concat();
    let circuit = Circuit::from_bytes(&seal(Kind::Circuit, &payload));
    circuit.map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn hostile_models_in_circuits_are_refused() {
    use serde_json::json;
    assert_eq!(with_model(|_| ()), Ok(()));
    let refused: [fn(&mut serde_json::Value); 9] = [
        |model| model["output"]["bound"] = json!(i64::MIN),
        |model| model["output"]["bound"] = json!(1),
        |model| model["output"]["accumulator_scale"] = json!(1000),
        |model| model["limbs"]["remainder"] = json!(u32::MAX),
        |model| model["limbs"] = json!({"bits": 0, "input": 0, "remainder": 0, "magnitude": 0}),
        |model| model["layers"][0]["weights"]["data"][0] = json!(i64::MAX),
        |model| model["layers"][1]["bias"] = json!([]),
        |model| model["layers"] = json!([]),
        |model| {
            let layers = model["layers"].as_array_mut().unwrap();
            layers.swap(0, 1);
        },
    ];
    for (index, change) in refused.into_iter().enumerate() {
        assert!(with_model(change).is_err(), "case {index}");
    }
}

#[test]
fn parts_of_different_keys_do_not_mix() {
    use zkassay_verifier::artefact::{Kind, Reader, open, seal, write_block};
    let other = ProvingKey::setup(srs(), compiled(&[3, 4, 1], true, 6), [7; 32]).unwrap();
    let blocks = |key: &ProvingKey| -> Vec<Vec<u8>> {
        let bytes = key.to_bytes().unwrap();
        let mut reader = Reader::new(Kind::ProvingKey, open(Kind::ProvingKey, &bytes).unwrap());
        (0..2).map(|_| reader.block().unwrap().to_vec()).collect()
    };
    let (ours, theirs) = (blocks(key()), blocks(&other));
    let mix = |parts: [&[u8]; 2]| {
        let mut payload = Vec::new();
        for part in parts {
            write_block(&mut payload, part);
        }
        ProvingKey::from_bytes(&seal(Kind::ProvingKey, &payload))
    };
    assert!(mix([&ours[0], &ours[1]]).is_ok());
    // The verifying key names its circuit.
    let error = mix([&theirs[0], &ours[1]]).unwrap_err();
    assert!(error.to_string().contains("does not belong"), "{error}");
}
