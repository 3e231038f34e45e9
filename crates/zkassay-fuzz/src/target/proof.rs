//! Proofs: reading, and verifying under the key that they were made for.

use std::sync::Arc;

use zkassay::{Proof, PublicData};
use zkassay_fixed::InputScales;
use zkassay_gadgets::Field;
use zkassay_gadgets::halo2_proofs::halo2curves::ff::PrimeField as _;
use zkassay_seed::Stream;
use zkassay_verifier::{Kind, PublicValue};

use super::{HONEST, accepted, refused, wrong};
use crate::corpus::{Corpus, Member};
use crate::mutate::{count, elements, interesting, mutate, one_in, pick, sealed::sealed};
use crate::{Case, Outcome, Target};

pub(super) struct ProofFile(pub(super) Arc<Corpus>);

impl Target for ProofFile {
    fn name(&self) -> &'static str {
        "proof"
    }

    fn case(&self, stream: &mut Stream) -> Case {
        let member = stream.below(self.0.members.len());
        let of = &self.0.members[member];
        let proof = &of.proofs[stream.below(of.proofs.len())];
        let file = proof.to_bytes();
        if one_in(HONEST, stream) {
            return Case {
                bytes: file,
                member,
            };
        }
        let others: Vec<Vec<u8>> = of.proofs.iter().map(Proof::to_bytes).collect();
        let donors: Vec<&[u8]> = others.iter().map(Vec::as_slice).collect();
        let bytes = match stream.below(3) {
            0 => sealed(Kind::Proof, &file, &donors, stream, |payload, stream| {
                mutate(payload, &donors, stream);
            }),
            _ => {
                let mut changed = proof.clone();
                for _ in 0..count(stream) {
                    self.change(&mut changed, of, stream);
                }
                changed.to_bytes()
            }
        };
        Case { bytes, member }
    }

    fn check(&self, case: &Case) -> Outcome {
        let member = &self.0.members[case.member];
        let is_honest = member
            .proofs
            .iter()
            .any(|proof| proof.to_bytes() == case.bytes);
        let proof = match Proof::from_bytes(&case.bytes) {
            Ok(proof) => proof,
            Err(error) if is_honest => return wrong(format!("an honest proof: {error}")),
            Err(error) => return refused(error),
        };
        if proof.to_bytes() != case.bytes {
            return wrong("a proof that is written otherwise than it was read");
        }
        match (member.key.verifying_key().verify(&proof), is_honest) {
            (Ok(_), true) => accepted("an honest proof"),
            (Ok(verdict), false) => wrong(format!("a changed proof is accepted: {verdict:?}")),
            (Err(error), true) => wrong(format!("an honest proof: {error}")),
            (Err(error), false) => refused(error),
        }
    }
}

impl ProofFile {
    /// Changes a part of a proof and leaves the others as they are.
    fn change(&self, proof: &mut Proof, of: &Member, stream: &mut Stream) {
        let members = &self.0.members;
        let other = &members[stream.below(members.len())];
        let statement = of.key.verifying_key().statement();
        let output_scale = statement.output.output_scale();
        let same = &of.proofs[stream.below(of.proofs.len())];
        match stream.below(12) {
            0 | 1 => data(&mut proof.output, &output_scale.into(), stream),
            2 => data(&mut proof.input, &statement.input_scales, stream),
            3 => {
                proof.input = same.input.clone();
                proof.output = same.output.clone();
            }
            4 => {
                let from = &other.proofs[stream.below(other.proofs.len())];
                match one_in(2, stream) {
                    true => proof.output = from.output.clone(),
                    false => proof.transcript.clone_from(&from.transcript),
                }
            }
            5 => proof.key = other.key.verifying_key().digest(),
            6 => {
                let donors: Vec<&[u8]> = vec![&same.transcript];
                mutate(&mut proof.transcript, &donors, stream);
            }
            _ => {
                let transcripts: Vec<&[u8]> = of.proofs.iter().map(|p| &p.transcript[..]).collect();
                let donor = pick(&transcripts, stream).unwrap_or_default();
                elements::mutate(&mut proof.transcript, elements::ELEMENT, &[donor], stream);
            }
        }
    }
}

/// Changes what is shown of an input or output; real numbers mostly remain those of their integers.
fn data(data: &mut PublicData, scales: &InputScales, stream: &mut Stream) {
    if one_in(10, stream) {
        *data = match stream.below(3) {
            0 => PublicData::Private,
            1 => PublicData::values(&vec![stream.below(9) as i64; stream.below(9)], scales),
            _ => PublicData::Hashes((0..stream.below(4)).map(|_| field(stream)).collect()),
        };
        return;
    }
    match data {
        PublicData::Private => {}
        PublicData::Hashes(hashes) => {
            let index = stream.below(hashes.len().max(1));
            match (stream.below(6), hashes.get_mut(index)) {
                (0, _) => hashes.push(field(stream)),
                (1, Some(_)) => {
                    hashes.remove(index);
                }
                (_, Some(hash)) => *hash = field(stream),
                (_, None) => {}
            }
        }
        PublicData::Values(values) => {
            let index = stream.below(values.len());
            match (stream.below(8), values.get_mut(index)) {
                (0, Some(value)) => value.real = f64::from_bits(interesting(stream)),
                (1, Some(value)) => {
                    let copy = *value;
                    values.push(copy);
                }
                (2, Some(_)) => {
                    values.remove(index);
                }
                (kind, Some(value)) => {
                    let integer = match kind {
                        3 => interesting(stream) as i64 >> 2,
                        _ => value.integer.wrapping_add(stream.below(9) as i64 - 4),
                    };
                    *value = PublicValue {
                        integer,
                        real: scales.of(index).real(integer),
                    };
                }
                (_, None) => {}
            }
        }
    }
}

fn field(stream: &mut Stream) -> Field {
    let bytes = elements::special(stream);
    Option::from(Field::from_repr(bytes)).unwrap_or_else(|| Field::from(stream.bits()))
}
