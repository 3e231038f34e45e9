//! Proving keys: reading, and proving with what was read.

use std::sync::Arc;

use zkassay::{Circuit, ProvingKey};
use zkassay_circuit::Compiled;
use zkassay_quant::{Kind, Program, Step};
use zkassay_seed::Stream;
use zkassay_verifier::Kind as FileKind;
use zkassay_verifier::artefact::{open, seal, write_block};

use super::{HONEST, accepted, refused, sample, wrong};
use crate::corpus::{Corpus, Member};
use crate::mutate::{mutate, one_in, sealed::sealed};
use crate::{Case, Outcome, Target};

/// One of how many keys that are read is used for a proof, which takes long.
const PROVED: u64 = 4;
/// Where the hash of the circuit is in a verifying key's payload.
const CIRCUIT: std::ops::Range<usize> = 32..64;

pub(super) struct ProvingKeyFile(pub(super) Arc<Corpus>);

impl Target for ProvingKeyFile {
    fn name(&self) -> &'static str {
        "proving-key"
    }

    fn case(&self, stream: &mut Stream) -> Case {
        let member = stream.below(self.0.members.len());
        let of = &self.0.members[member];
        let file = of.key.to_bytes().unwrap_or_default();
        if one_in(HONEST, stream) {
            return Case {
                bytes: file,
                member,
            };
        }
        let circuits = self.0.files(|of| of.circuit.to_bytes().unwrap_or_default());
        let donors: Vec<&[u8]> = circuits.iter().map(Vec::as_slice).collect();
        let bytes = match stream.below(12) {
            0 => sealed(
                FileKind::ProvingKey,
                &file,
                &donors,
                stream,
                |payload, stream| {
                    mutate(payload, &donors, stream);
                },
            ),
            _ => self.other_circuit(of, &donors, stream),
        };
        Case { bytes, member }
    }

    fn check(&self, case: &Case) -> Outcome {
        let of = &self.0.members[case.member];
        let is_honest = of.key.to_bytes().is_ok_and(|bytes| bytes == case.bytes);
        let key = match ProvingKey::from_bytes(&case.bytes) {
            Ok(key) => key,
            Err(error) if is_honest => return wrong(format!("the honest key: {error}")),
            Err(error) => return refused(error),
        };
        let again = key.to_bytes().and_then(|bytes| {
            let read = ProvingKey::from_bytes(&bytes)?;
            Ok(read.to_bytes()? == bytes)
        });
        match again {
            Ok(true) => {}
            Ok(false) => return wrong("a key that is another after writing it twice"),
            Err(error) => return wrong(format!("a key that was read and written: {error}")),
        }
        if !is_honest && !sample(&case.bytes, PROVED) {
            return accepted("read");
        }
        self.prove(&key, of, is_honest)
    }
}

impl ProvingKeyFile {
    /// A file with a changed circuit, which its verifying key mostly names.
    fn other_circuit(&self, of: &Member, donors: &[&[u8]], stream: &mut Stream) -> Vec<u8> {
        let circuit = of.circuit.to_bytes().unwrap_or_default();
        let circuit = super::circuit::changed(&circuit, donors, stream);
        let mut key = of.key.verifying_key().to_bytes();
        if let (Ok(read), Ok(payload)) = (
            Circuit::from_bytes(&circuit),
            open(FileKind::VerifyingKey, &key),
        ) {
            let mut payload = payload.to_vec();
            if let (Ok(digest), Some(place)) = (read.digest(), payload.get_mut(CIRCUIT)) {
                place.copy_from_slice(&digest);
            }
            key = seal(FileKind::VerifyingKey, &payload);
        }
        if one_in(8, stream) {
            key = sealed(
                FileKind::VerifyingKey,
                &key,
                &[],
                stream,
                |payload, stream| {
                    mutate(payload, &[], stream);
                },
            );
        }
        let mut payload = Vec::new();
        write_block(&mut payload, &circuit);
        write_block(&mut payload, &key);
        seal(FileKind::ProvingKey, &payload)
    }

    /// A proof under a key whose weights are not those of its verifying key has to be rejected.
    fn prove(&self, key: &ProvingKey, of: &Member, is_honest: bool) -> Outcome {
        let row = vec![0.0; key.compiled().row_length()];
        let rows = vec![row; key.compiled().batch()];
        let proved = key
            .compiled()
            .witness_batch(&rows)
            .map_err(zkassay_prover::ProverError::from)
            .and_then(|witness| key.prove(&self.0.srs, &witness));
        let proof = match proved {
            Ok(proof) => proof,
            Err(error) if is_honest => return wrong(format!("the honest key: {error}")),
            Err(error) => return accepted(format!("read; no proof: {error}")),
        };
        let is_bound = !key.compiled().options().visibility.is_unbound();
        let same = is_same(key.compiled(), &of.circuit.compiled);
        match key.verifying_key().verify(&proof) {
            Ok(_) if is_bound && !same => wrong("a proof of other weights is accepted"),
            Ok(_) => accepted("read, and its proof accepted"),
            Err(error) if is_honest => wrong(format!("the honest key's proof: {error}")),
            Err(error) => accepted(format!("read; its proof: {error}")),
        }
    }
}

/// Whether two circuits compute the same: names and what outputs are called aside.
fn is_same(one: &Compiled, other: &Compiled) -> bool {
    match (one, other) {
        (Compiled::Chain(one), Compiled::Chain(other)) => {
            let [one, other] = [one.model(), other.model()];
            let layers = one.layers.iter().zip(&other.layers);
            let mut pairs = layers.map(|(a, b)| a.weights == b.weights && a.bias == b.bias);
            let count = one.layers.len() == other.layers.len();
            count && one.limbs == other.limbs && pairs.all(|is_same| is_same)
        }
        (Compiled::Program(one), Compiled::Program(other)) => {
            let [one, other] = [one.program(), other.program()];
            let steps = one.steps.iter().zip(&other.steps);
            // A bound is for the honest prover only, and so is what a hint is made of.
            let mut pairs = steps.map(|(a, b)| {
                let are_hints = |step: &Step| matches!(step.kind, Kind::Hints(_));
                let hints = are_hints(a) && are_hints(b) && a.len() == b.len();
                a.finish == b.finish && (hints || a.kind == b.kind)
            });
            let tables = one.tables.iter().zip(&other.tables);
            let mut functions = tables.map(|(a, b)| a.first == b.first && a.segments == b.segments);
            let counts = |of: &Program| (of.steps.len(), of.tables.len(), of.limbs, of.outputs);
            counts(one) == counts(other)
                && pairs.all(|is_same| is_same)
                && functions.all(|is_same| is_same)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_circuits_hash_is_where_it_is_said_to_be() {
        let corpus = crate::corpus::tests::corpus();
        for member in &corpus.members {
            let key = member.key.verifying_key().to_bytes();
            let payload = open(FileKind::VerifyingKey, &key).unwrap();
            assert_eq!(payload[CIRCUIT], member.circuit.digest().unwrap());
        }
    }

    #[test]
    fn keys_with_other_weights_are_read() {
        let target = ProvingKeyFile(crate::corpus::tests::corpus());
        let outcome = |seed| target.check(&target.case(&mut Stream::new(seed, "fuzz/test")));
        let rejected = "read; its proof: the proof is not valid";
        let is_rejected = |outcome: &Outcome| matches!(outcome, Outcome::Accepted(how) if how.starts_with(rejected));
        assert!((0..2000).map(outcome).any(|outcome| is_rejected(&outcome)));
    }
}
