//! Real proofs of programs whose inputs or outputs are hashed, several inferences in each.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::OnceLock;

use DataVisibility::{Hashed, Private, Public};
use zkassay_circuit::circuit::Overwrite;
use zkassay_circuit::{CompiledProgram, ProgramWitness};
use zkassay_fixed::DataVisibility;
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_gadgets::{Field, TableColumns, field};
use zkassay_prover::{ProvingKey, Srs};
use zkassay_quant::Program;
use zkassay_verifier::{Proof, PublicData, VerifyError, VerifyingKey, What};

use models::{native, network, options, products, trees, witness, witness_from};

#[path = "../../zkassay-circuit/tests/program/common.rs"]
#[allow(dead_code, reason = "the circuit's tests use all of it")]
mod common;
#[path = "../../zkassay-circuit/tests/hashed/models.rs"]
#[allow(dead_code, reason = "the circuit's tests use all of it")]
mod models;

fn srs() -> &'static Srs {
    static SRS: OnceLock<Srs> = OnceLock::new();
    SRS.get_or_init(|| Srs::unsafe_local(10))
}

fn key(
    program: Program,
    input: DataVisibility,
    output: DataVisibility,
    batch: u32,
    totals: bool,
) -> ProvingKey {
    let options = options(input, output, batch, totals);
    let compiled = CompiledProgram::with_options(program, &options).unwrap();
    ProvingKey::setup(srs(), compiled, [7; 32]).unwrap()
}

fn compiled(key: &ProvingKey) -> &CompiledProgram {
    key.compiled().program().unwrap()
}

fn prove(key: &ProvingKey, witness: &ProgramWitness) -> Proof {
    key.prove(srs(), witness).unwrap()
}

fn is_rejected(key: &ProvingKey, proof: &Proof) -> bool {
    let verdict = key.verifying_key().verify_any(proof);
    matches!(verdict, Err(VerifyError::Rejected { .. }))
}

#[test]
fn hashes_of_each_inference_are_in_the_verdict_and_can_be_opened() {
    for (program, input, output, batch, totals) in [
        (network(5, 2), Hashed, Public, 3, false),
        (network(60, 9), Hashed, Public, 2, true),
        (network(3, 70), Hashed, Public, 1, false),
        (products(40), Public, Hashed, 2, false),
        (trees(), Hashed, Hashed, 3, false),
        (trees(), Hashed, Private, 1, false),
        (network(5, 2), Private, Hashed, 1, false),
    ] {
        let key = key(program, input, output, batch, totals);
        let witness = witness(compiled(&key));
        let proof = Proof::from_bytes(&prove(&key, &witness).to_bytes()).unwrap();
        let public = VerifyingKey::from_bytes(&key.verifying_key().to_bytes()).unwrap();
        let verdict = public.verify_any(&proof).unwrap();

        let inputs = witness.inputs.chunks(compiled(&key).program().inputs);
        let shape = compiled(&key).shape();
        let opened = inputs.clone().map(|of| public.hash_of_input(of));
        let opened: Vec<Field> = opened.flatten().collect();
        assert_eq!(verdict.input_hashes, opened);
        assert_eq!(
            opened.len(),
            if input == Hashed { batch as usize } else { 0 }
        );
        let found = inputs.map(|of| native(of, shape.input_bits()));
        if input == Hashed {
            assert_eq!(opened, found.collect::<Vec<_>>());
        }
        let opened: Vec<Field> = match output {
            Hashed => {
                let outputs = witness.outputs.chunks(compiled(&key).program().outputs);
                outputs
                    .map(|of| public.hash_of_output(of).unwrap())
                    .collect()
            }
            _ => vec![],
        };
        assert_eq!(verdict.output_hashes, opened);
        assert_eq!(verdict.outputs.is_empty(), output != Public);
        assert_eq!(verdict.inputs.is_empty(), input != Public);

        // What no input of the model is has no hash.
        let some = &witness.inputs[..compiled(&key).program().inputs];
        assert_eq!(public.hash_of_input(&some[1..]), None);
        let mut beyond = some.to_vec();
        beyond[0] = 1 << (shape.input_bits() - 1);
        assert_eq!(public.hash_of_input(&beyond), None);
        beyond[0] = i64::MIN;
        assert_eq!(public.hash_of_input(&beyond), None);
        assert_eq!(public.hash_of_output(&[]), None);
        // A key from its file makes proofs as well.
        let again = ProvingKey::from_bytes(&key.to_bytes().unwrap()).unwrap();
        public.verify_any(&prove(&again, &witness)).unwrap();
    }
}

#[test]
fn shown_hashes_cannot_be_changed() {
    let key = key(network(5, 2), Hashed, Public, 3, false);
    let witness = witness(compiled(&key));
    let proof = prove(&key, &witness);
    let hashes = proof.input.hashes();
    assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2]);
    let with = |hashes: Vec<Field>| Proof {
        input: PublicData::Hashes(hashes),
        ..proof.clone()
    };
    assert!(
        key.verifying_key()
            .verify_any(&with(hashes.clone()))
            .is_ok()
    );
    // Another number, those of lanes exchanged, one twice.
    for change in 0..3 {
        let mut other = hashes.clone();
        other[change] += Field::one();
        assert!(is_rejected(&key, &with(other)));
        let mut other = hashes.clone();
        other.swap(change, (change + 1) % 3);
        assert!(is_rejected(&key, &with(other)));
        let mut other = hashes.clone();
        other[change] = hashes[(change + 1) % 3];
        assert!(is_rejected(&key, &with(other)));
    }
    for count in [0, 1, 2, 4] {
        let mut other = hashes.clone();
        other.resize(count, Field::zero());
        let error = key.verifying_key().verify_any(&with(other)).unwrap_err();
        let expected = VerifyError::Hashes {
            what: What::Input,
            expected: 3,
            found: count,
        };
        assert_eq!(error, expected);
    }
    for input in [
        PublicData::Private,
        PublicData::values(&witness.inputs, compiled(&key).program().input_scale),
    ] {
        let other = Proof {
            input,
            ..proof.clone()
        };
        let error = key.verifying_key().verify_any(&other).unwrap_err();
        assert!(matches!(error, VerifyError::Visibility { .. }), "{error}");
    }
    // Outputs belong to the inputs of their own lane.
    let scale = compiled(&key).program().output_scale;
    let mut outputs = proof.output.integers();
    outputs.rotate_left(2);
    let other = Proof {
        output: PublicData::values(&outputs, scale),
        ..proof.clone()
    };
    assert!(is_rejected(&key, &other));
}

#[test]
fn hashes_of_other_inputs_are_rejected_with_real_challenges() {
    for (program, totals) in [(network(5, 2), false), (network(60, 2), true)] {
        let key = key(program, Hashed, Public, 2, totals);
        let (honest, other) = (witness(compiled(&key)), witness_from(compiled(&key), 5));
        let row = compiled(&key).shape().input_sponge().unwrap().digest_row();
        assert!(!is_rejected(&key, &prove(&key, &honest)));
        // Honest rounds of something else.
        for lane in 0..2 {
            let mut forged = honest.clone();
            forged.lanes[lane].rounds = other.lanes[lane].rounds.clone();
            forged.lanes[lane].input_hash = other.lanes[lane].input_hash;
            forged.instance[lane][row] = other.instance[lane][row];
            assert!(is_rejected(&key, &prove(&key, &forged)));
        }
        // The rounds of two lanes exchanged, with their digests.
        let mut forged = honest.clone();
        let [first, second] = &mut forged.lanes[..] else {
            panic!("there are two lanes");
        };
        std::mem::swap(&mut first.rounds, &mut second.rounds);
        std::mem::swap(&mut first.input_hash, &mut second.input_hash);
        let digests = [0, 1].map(|lane| honest.instance[lane][row]);
        [forged.instance[0][row], forged.instance[1][row]] = [digests[1], digests[0]];
        assert!(is_rejected(&key, &prove(&key, &forged)));
        // Another word of the last state.
        for word in [0, 2] {
            let mut forged = honest.clone();
            let digest = forged.lanes[1].rounds[word][row];
            forged.instance[1][row] = digest;
            forged.lanes[1].input_hash = Some(digest);
            assert!(is_rejected(&key, &prove(&key, &forged)));
        }
    }
}

#[test]
fn overwritten_cells_of_hashes_are_rejected_with_real_challenges() {
    let key = key(trees(), Hashed, Public, 2, false);
    let witness = witness(compiled(&key));
    let mut system = ConstraintSystem::default();
    let TableColumns::Program(columns) = key.compiled().shape().configure(&mut system) else {
        panic!("a program's columns are a program's");
    };
    let hash = columns.hash.unwrap();
    let sums = [hash.packed, hash.absorbed];
    let columns: Vec<usize> = hash.rounds().chain(sums).map(|c| c.index()).collect();
    let digest = compiled(&key).shape().input_sponge().unwrap().digest_row();
    let last = compiled(&key).shape().last_row();
    for column in columns {
        for row in [0, 1, 2, 30, digest - 1, digest, digest + 1, last - 1] {
            let overwrite = Overwrite {
                column,
                row,
                delta: field(1 + row as i128),
            };
            let proof = key.unsound_prove(srs(), &witness, overwrite).unwrap();
            assert!(is_rejected(&key, &proof), "column {column}, row {row}");
        }
    }
}

#[test]
fn every_byte_of_a_proof_with_hashes_counts() {
    let key = key(network(3, 1), Hashed, Public, 2, true);
    let proof = prove(&key, &witness(compiled(&key)));
    let bytes = proof.to_bytes();
    let read = |bytes: &[u8]| {
        let proof = Proof::from_bytes(bytes).map_err(VerifyError::from)?;
        key.verifying_key().verify_any(&proof)
    };
    assert!(read(&bytes).is_ok());
    for at in (0..bytes.len()).step_by(7) {
        let mut other = bytes.clone();
        other[at] ^= 1 << (at % 8);
        assert!(read(&other).is_err(), "byte {at}");
    }
    // The transcript, under checksums that fit.
    for at in (0..proof.transcript.len()).step_by(97) {
        let mut other = proof.clone();
        other.transcript[at] ^= 1 << (at % 8);
        assert!(key.verifying_key().verify_any(&other).is_err(), "byte {at}");
    }
}
