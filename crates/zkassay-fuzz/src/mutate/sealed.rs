//! Changes of sealed files: within the payload, with a checksum that is right again.

use zkassay_seed::Stream;
use zkassay_verifier::Kind;
use zkassay_verifier::artefact::{open, seal};

use super::{mutate, one_in};

/// The sealed file with its payload changed by `change`; in one of ten cases the file itself is
/// changed instead, checksum and all.
pub fn sealed(
    kind: Kind,
    file: &[u8],
    donors: &[&[u8]],
    stream: &mut Stream,
    change: impl FnOnce(&mut Vec<u8>, &mut Stream),
) -> Vec<u8> {
    if let (Ok(payload), false) = (open(kind, file), one_in(10, stream)) {
        let mut payload = payload.to_vec();
        change(&mut payload, stream);
        return seal(kind, &payload);
    }
    let mut bytes = file.to_vec();
    mutate(&mut bytes, donors, stream);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_changed_payloads_have_a_right_checksum() {
        let file = seal(Kind::Proof, b"payload");
        let opens = |seed| {
            let mut stream = Stream::new(seed, "fuzz/test");
            let bytes = sealed(Kind::Proof, &file, &[], &mut stream, |payload, _| {
                payload.push(1);
            });
            open(Kind::Proof, &bytes).is_ok()
        };
        let right = (0..200).filter(|seed| opens(*seed)).count();
        assert!((150..200).contains(&right), "{right}");
    }
}
