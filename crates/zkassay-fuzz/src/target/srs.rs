//! Parameters, in both formats.

use std::sync::Arc;

use zkassay::{Srs, SrsOrigin};
use zkassay_seed::Stream;
use zkassay_verifier::Kind;

use super::{HONEST, accepted, refused, wrong};
use crate::corpus::Corpus;
use crate::mutate::{count, elements, interesting, mutate, one_in, sealed::sealed};
use crate::{Case, Outcome, Target};

/// Bytes of a point of G1.
const POINT: usize = 64;

pub(super) struct SrsFile(pub(super) Arc<Corpus>);

impl Target for SrsFile {
    fn name(&self) -> &'static str {
        "srs"
    }

    /// The member is 0 for the sealed format, and 1 for the raw one.
    fn case(&self, stream: &mut Stream) -> Case {
        let all = &self.0.small_srs;
        let srs = &all[stream.below(all.len())];
        let raw: Vec<Vec<u8>> = all.iter().map(Srs::to_raw).collect();
        let donors: Vec<&[u8]> = raw.iter().map(Vec::as_slice).collect();
        let is_honest = one_in(HONEST, stream);
        if one_in(2, stream) {
            let mut bytes = srs.to_raw();
            if !is_honest {
                change(&mut bytes, &donors, stream);
            }
            return Case { bytes, member: 1 };
        }
        let file = srs.to_bytes();
        let bytes = match is_honest {
            true => file,
            false => sealed(Kind::Srs, &file, &donors, stream, |payload, stream| {
                let mut raw = payload.split_off(1);
                match one_in(4, stream) {
                    true => payload[0] = interesting(stream) as u8,
                    false => change(&mut raw, &donors, stream),
                }
                payload.extend_from_slice(&raw);
            }),
        };
        Case { bytes, member: 0 }
    }

    fn check(&self, case: &Case) -> Outcome {
        let all = &self.0.small_srs;
        let (read, is_honest) = match case.member {
            0 => (
                Srs::from_bytes(&case.bytes),
                all.iter().any(|srs| srs.to_bytes() == case.bytes),
            ),
            _ => (
                Srs::from_raw(&case.bytes),
                all.iter().any(|srs| srs.to_raw() == case.bytes),
            ),
        };
        let srs = match read {
            Ok(srs) => srs,
            Err(error) if is_honest => return wrong(format!("honest parameters: {error}")),
            Err(error) => return refused(error),
        };
        if srs.origin() == SrsOrigin::Ceremony {
            return wrong("parameters pass for the ceremony's");
        }
        let raw = srs.to_raw();
        // Only the origin can be another: no change of the points gives powers of one secret.
        if !all.iter().any(|srs| srs.to_raw() == raw) {
            return wrong("changed points are accepted");
        }
        let again = match case.member {
            0 => Srs::from_bytes(&srs.to_bytes()),
            _ => Srs::from_raw(&raw),
        };
        match again {
            Ok(again) if again.to_bytes() == srs.to_bytes() => {
                accepted(format!("parameters that say they are {}", srs.origin()))
            }
            Ok(_) => wrong("parameters that are others after writing them"),
            Err(error) => wrong(format!("parameters that were read and written: {error}")),
        }
    }
}

/// Changes parameters in the raw format: their points, or anything.
fn change(raw: &mut Vec<u8>, donors: &[&[u8]], stream: &mut Stream) {
    if one_in(3, stream) || raw.len() < 4 {
        return mutate(raw, donors, stream);
    }
    let mut points = raw.split_off(4);
    let length = points.len();
    let others: Vec<&[u8]> = donors.iter().filter_map(|donor| donor.get(4..)).collect();
    for _ in 0..count(stream) {
        // Points of G1, or halves of those, or the points of G2 at the end.
        let size = [POINT, POINT, POINT / 2, 2 * POINT][stream.below(4)];
        elements::mutate(&mut points, size, &others, stream);
    }
    if !one_in(4, stream) {
        // The header knows how many there are, and the first check is for that.
        points.resize(length, 0);
    }
    raw.extend_from_slice(&points);
}
