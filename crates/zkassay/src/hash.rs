//! SHA-256 hashes as JSON files hold them and errors name them.

use serde::{Deserialize as _, Deserializer, Serializer, de};
use zkassay_verifier::Digest;
use zkassay_verifier::artefact::hex;

pub use zkassay_verifier::artefact::short;

/// Writes a digest as 64 hexadecimal digits.
pub(crate) fn serialize<S: Serializer>(digest: &Digest, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&hex(digest))
}

/// Reads a digest of 64 lower-case hexadecimal digits.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Digest, D::Error> {
    let text = String::deserialize(from)?;
    parse(&text).ok_or_else(|| {
        let shown: String = text.chars().take(80).collect();
        de::Error::custom(format!(
            "the hash '{shown}' is not 64 lower-case hexadecimal digits"
        ))
    })
}

/// A digest of 64 lower-case hexadecimal digits.
pub fn parse(text: &str) -> Option<Digest> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut digest = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? * 16 + digit(pair[1])?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_round_trip() {
        let digest: Digest = std::array::from_fn(|index| (index * 37) as u8);
        assert_eq!(parse(&hex(&digest)), Some(digest));
        assert_eq!(short(&digest), "00254a6f94b9");
    }

    #[test]
    fn anything_else_is_refused() {
        let good = hex(&[0xab; 32]);
        for text in [
            "",
            &good[1..],
            &good.to_uppercase(),
            &good.replace("ab", "xy"),
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&format!("é{}", &good[2..])), None);
    }
}
