//! Verifying keys: reading, and verifying an old proof under a changed key.

use std::ops::Range;
use std::sync::Arc;

use zkassay::{Proof, PublicData, VerifyingKey};
use zkassay_fixed::InputScales;
use zkassay_gadgets::TableShape;
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_seed::Stream;
use zkassay_verifier::Kind;
use zkassay_verifier::artefact::open;

use super::{HONEST, accepted, refused, wrong};
use crate::corpus::Corpus;
use crate::mutate::{count, elements, interesting, mutate, one_in, pick, sealed::sealed};
use crate::{Case, Outcome, Target};

/// Where in the payload the shape is: after two hashes and a byte.
const SHAPE: usize = 65;

/// Where the parts of a key's payload are.
struct Parts {
    /// The shape: as long as its first word says.
    shape: Range<usize>,
    /// Scales and the output map.
    scales: Range<usize>,
    /// The point of G2.
    g2: Range<usize>,
    /// halo2's header.
    header: Range<usize>,
}

impl Parts {
    fn of(payload: &[u8]) -> Self {
        let first = payload
            .get(SHAPE..SHAPE + 4)
            .and_then(|word| word.try_into().ok());
        let shape = SHAPE..SHAPE + TableShape::byte_length(first.unwrap_or_default());
        let count = payload.get(shape.end..shape.end + 4);
        let count = count.and_then(|word| word.try_into().ok());
        let count = u32::from_le_bytes(count.unwrap_or_default()) as usize;
        // Those of the inputs as a count and a byte for each, then the output map.
        let scales = shape.end..shape.end + 4 + count + 17;
        let g2 = scales.end..scales.end + 64;
        let header = g2.end..g2.end + 10;
        Self {
            shape,
            scales,
            g2,
            header,
        }
    }
}

pub(super) struct VerifyingKeyFile(pub(super) Arc<Corpus>);

impl Target for VerifyingKeyFile {
    fn name(&self) -> &'static str {
        "verifying-key"
    }

    fn case(&self, stream: &mut Stream) -> Case {
        let member = stream.below(self.0.members.len());
        let files = self.0.files(|of| of.key.verifying_key().to_bytes());
        let file = &files[member];
        if one_in(HONEST, stream) {
            return Case {
                bytes: file.clone(),
                member,
            };
        }
        let payloads = files.iter().map(|file| open(Kind::VerifyingKey, file));
        let donors: Vec<&[u8]> = payloads.flatten().collect();
        let bytes = sealed(
            Kind::VerifyingKey,
            file,
            &donors,
            stream,
            |payload, stream| {
                for _ in 0..count(stream) {
                    change(payload, &donors, stream);
                }
            },
        );
        Case { bytes, member }
    }

    fn check(&self, case: &Case) -> Outcome {
        let of = &self.0.members[case.member];
        let is_honest = of.key.verifying_key().to_bytes() == case.bytes;
        let key = match VerifyingKey::from_bytes(&case.bytes) {
            Ok(key) => key,
            Err(error) if is_honest => return wrong(format!("the honest key: {error}")),
            Err(error) => return refused(error),
        };
        if key.to_bytes() != case.bytes {
            return wrong("a key that is written otherwise than it was read");
        }
        let Some(proof) = of.proofs.first() else {
            return wrong("no proof");
        };
        // What a forger would adapt: the key that is named, and what the integers stand for.
        let statement = key.statement();
        let adapted = |data: &PublicData, scales: &InputScales| match data {
            PublicData::Values(_) => PublicData::values(&data.integers(), scales),
            other => other.clone(),
        };
        let renamed = Proof {
            key: key.digest(),
            input: adapted(&proof.input, &statement.input_scales),
            output: adapted(&proof.output, &statement.output.output_scale().into()),
            transcript: proof.transcript.clone(),
        };
        match (key.verify(&renamed), is_honest) {
            (Ok(_), true) => accepted("the honest key"),
            (Ok(verdict), false) => wrong(format!("an old proof is accepted: {verdict:?}")),
            (Err(error), true) => wrong(format!("an honest proof: {error}")),
            (Err(error), false) => accepted(format!("read; the old proof: {error}")),
        }
    }
}

/// Changes a part of a key's payload.
fn change(payload: &mut Vec<u8>, donors: &[&[u8]], stream: &mut Stream) {
    match stream.below(8) {
        0 | 1 => another_shape(payload, stream),
        2 | 3 => {
            let Parts {
                shape,
                scales,
                g2,
                header,
            } = Parts::of(payload);
            let parts = [0..SHAPE, shape, scales, g2, header];
            let part = parts[stream.below(parts.len())].clone();
            let Some(place) = payload.get_mut(part.clone()) else {
                return;
            };
            let others = donors.iter().filter_map(|donor| donor.get(part.clone()));
            let others: Vec<&[u8]> = others.collect();
            let mut bytes = place.to_vec();
            mutate(&mut bytes, &others, stream);
            bytes.resize(place.len(), 0);
            place.copy_from_slice(&bytes);
        }
        4 => {
            // Another secret's point, or points that belong to nothing.
            let donor = pick(donors, stream).unwrap_or_default();
            let (own, other) = (Parts::of(payload).g2, Parts::of(donor).g2);
            if let (Some(place), Some(g2)) = (payload.get_mut(own), donor.get(other)) {
                place.copy_from_slice(g2);
                if one_in(3, stream) {
                    let half = 32 * stream.below(2);
                    place[half..half + 32].copy_from_slice(&elements::special(stream));
                }
            }
        }
        5 | 6 => {
            let from = Parts::of(payload).header.end.min(payload.len());
            let mut points = payload.split_off(from);
            let others = donors
                .iter()
                .filter_map(|donor| donor.get(Parts::of(donor).header.end..));
            let others: Vec<&[u8]> = others.collect();
            elements::mutate(&mut points, elements::ELEMENT, &others, stream);
            payload.extend_from_slice(&points);
        }
        _ => mutate(payload, donors, stream),
    }
}

/// Another shape, and as many points as it asks for, so that halo2's reader gets to see it.
fn another_shape(payload: &mut Vec<u8>, stream: &mut Stream) {
    let Parts { shape, header, .. } = Parts::of(payload);
    let Some(place) = payload.get_mut(shape) else {
        return;
    };
    let at = 4 * stream.below(place.len() / 4);
    let before = u32::from_le_bytes([place[at], place[at + 1], place[at + 2], place[at + 3]]);
    let value = match stream.below(3) {
        0 => interesting(stream) as u32,
        1 => stream.below(64) as u32,
        _ => before.wrapping_add(stream.below(5) as u32).wrapping_sub(2),
    };
    place[at..at + 4].copy_from_slice(&value.to_le_bytes());
    let Ok(shape) = TableShape::from_bytes(place) else {
        return;
    };
    if shape.validate().is_err() || payload.len() < header.end {
        return;
    }
    let mut system = ConstraintSystem::default();
    shape.configure(&mut system);
    let columns = system.num_fixed_columns();
    payload[header.start + 1..header.start + 5].copy_from_slice(&shape.logrows().to_le_bytes());
    payload[header.start + 6..header.end].copy_from_slice(&(columns as u32).to_le_bytes());
    let points = payload.split_off(header.end);
    let (points, _) = points.as_chunks::<{ elements::ELEMENT }>();
    let points = points.iter().cycle().take(columns);
    payload.extend(points.flatten());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_where_they_are_said_to_be() {
        let corpus = crate::corpus::tests::corpus();
        let mut with_own_scales = 0;
        for member in &corpus.members {
            let key = member.key.verifying_key();
            with_own_scales += usize::from(key.statement().input_scales.as_slice().len() > 1);
            let file = key.to_bytes();
            let payload = open(Kind::VerifyingKey, &file).unwrap();
            let parts = Parts::of(payload);
            assert_eq!(payload[parts.shape], key.statement().shape.to_bytes());
            let g2 = zkassay_gadgets::halo2_proofs::halo2curves::group::GroupEncoding::to_bytes(
                &key.s_g2(),
            );
            assert_eq!(payload[parts.g2], *g2.as_ref());
            let logrows = key.statement().shape.logrows().to_le_bytes();
            let header = parts.header;
            assert_eq!(payload[header.start + 1..header.start + 5], logrows);
            assert!((payload.len() - header.end).is_multiple_of(elements::ELEMENT));
        }
        // A chain and a program of raw features.
        assert_eq!(with_own_scales, 2);
    }

    #[test]
    fn other_shapes_are_read() {
        let corpus = crate::corpus::tests::corpus();
        // A chain, and the last of the programs.
        let members = [
            &corpus.members[1],
            &corpus.members[corpus.members.len() - 1],
        ];
        for member in members {
            let file = member.key.verifying_key().to_bytes();
            let read = |seed| {
                let mut stream = Stream::new(seed, "fuzz/test");
                let bytes = sealed(Kind::VerifyingKey, &file, &[], &mut stream, another_shape);
                VerifyingKey::from_bytes(&bytes).is_ok() && bytes != file
            };
            assert!((0..300).filter(|seed| read(*seed)).count() > 5);
        }
    }
}
