//! Compiled circuits: reading, and evaluating what was read.

use std::sync::Arc;

use zkassay::{Circuit, Witness, mock};
use zkassay_seed::Stream;
use zkassay_verifier::Kind;
use zkassay_verifier::artefact::open;

use super::{HONEST, accepted, refused, sample, wrong};
use crate::corpus::Corpus;
use crate::mutate::{json, mutate, one_in, sealed::sealed};
use crate::{Case, Outcome, Target};

/// Bytes of the two hashes before the JSON.
const HASHES: usize = 64;
/// One of how many circuits that are read has its gates checked, which takes long; and up to what size.
const MOCKED: u64 = 16;
const MOCKED_LOGROWS: u32 = 9;

pub(super) struct CircuitFile(pub(super) Arc<Corpus>);

impl Target for CircuitFile {
    fn name(&self) -> &'static str {
        "circuit"
    }

    fn case(&self, stream: &mut Stream) -> Case {
        let member = stream.below(self.0.members.len());
        let files = self.0.files(|of| of.circuit.to_bytes().unwrap_or_default());
        let donors: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        let bytes = match one_in(HONEST, stream) {
            true => files[member].clone(),
            false => changed(&files[member], &donors, stream),
        };
        Case { bytes, member }
    }

    fn check(&self, case: &Case) -> Outcome {
        let of = &self.0.members[case.member];
        let is_honest = of.circuit.to_bytes().is_ok_and(|bytes| bytes == case.bytes);
        let circuit = match Circuit::from_bytes(&case.bytes) {
            Ok(circuit) => circuit,
            Err(error) if is_honest => return wrong(format!("the honest circuit: {error}")),
            Err(error) => return refused(error),
        };
        if let Err(what) = is_stable(&circuit) {
            return wrong(what);
        }
        let compiled = &circuit.compiled;
        let (length, scales) = (compiled.row_length(), compiled.input_scales());
        let half = 1i64 << (compiled.shape().input_bits() - 1);
        let mut how_far = "read";
        for value in [0, -half, half - 1] {
            let real = |index| scales.of(index).real(value) as f32;
            let row: Vec<f32> = (0..length).map(real).collect();
            let Ok(witness) = Witness::new(&circuit, &row) else {
                continue;
            };
            if compiled.witness(&row).is_err() {
                return wrong("an input that is evaluated, but has no table");
            }
            how_far = "read and evaluated";
            let small = compiled.logrows() <= MOCKED_LOGROWS;
            if is_honest || (small && sample(&case.bytes, MOCKED)) {
                if let Err(error) = mock(&circuit, &witness) {
                    return wrong(format!("an evaluation that the gates refuse: {error}"));
                }
                how_far = "read, evaluated, and all gates hold";
            }
        }
        accepted(how_far)
    }
}

/// A circuit's file with its JSON or anything else changed.
pub(super) fn changed(file: &[u8], donors: &[&[u8]], stream: &mut Stream) -> Vec<u8> {
    let contents = donors.iter().filter_map(|donor| {
        let payload = open(Kind::Circuit, donor).ok()?;
        payload.get(HASHES..)
    });
    let contents: Vec<&[u8]> = contents.collect();
    sealed(Kind::Circuit, file, donors, stream, |payload, stream| {
        if one_in(20, stream) || payload.len() < HASHES {
            return mutate(payload, donors, stream);
        }
        let json = payload.split_off(HASHES);
        payload.extend(json::mutated(&json, &contents, stream));
    })
}

/// That a circuit is the same when it is written and read.
pub(super) fn is_stable(circuit: &Circuit) -> Result<(), String> {
    let again = circuit.to_bytes().and_then(|bytes| {
        let read = Circuit::from_bytes(&bytes)?;
        Ok(read.to_bytes()? == bytes)
    });
    match again {
        Ok(true) => Ok(()),
        Ok(false) => Err("a circuit that is another after writing it twice".to_owned()),
        Err(error) => Err(format!("a circuit that was read and written: {error}")),
    }
}
