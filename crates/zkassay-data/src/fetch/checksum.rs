//! What a source says about the content of a file.

use std::io;
use std::path::Path;

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::manifest::{hex, read_in_pieces};

/// A checksum in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Checksum {
    /// Pinned in the catalogue.
    Sha256(String),
    /// From the bucket's listing. Guards against accidents, not against the bucket's owner.
    Md5(String),
}

/// What was found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digests {
    pub(super) bytes: u64,
    pub(super) sha256: String,
    pub(super) md5: String,
}

impl Checksum {
    /// An MD5 as bucket listings have it: 16 bytes in base64.
    pub(super) fn md5_of_base64(text: &str) -> Option<Self> {
        let bytes = decode_base64(text)?;
        (bytes.len() == 16).then(|| Self::Md5(hex(&bytes)))
    }

    /// Name of the algorithm.
    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "sha256",
            Self::Md5(_) => "md5",
        }
    }

    /// Expected and found value, if they differ.
    pub(super) fn difference<'a>(&'a self, found: &'a Digests) -> Option<(&'a str, &'a str)> {
        let (expected, found) = match self {
            Self::Sha256(expected) => (expected, &found.sha256),
            Self::Md5(expected) => (expected, &found.md5),
        };
        (expected != found).then_some((expected, found))
    }
}

impl Digests {
    /// Hashes a file.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let (mut sha256, mut md5) = (Sha256::new(), Md5::new());
        let bytes = read_in_pieces(path, |piece| {
            sha256.update(piece);
            md5.update(piece);
        })?;
        Ok(Self {
            bytes,
            sha256: hex(&sha256.finalize()),
            md5: hex(&md5.finalize()),
        })
    }
}

/// Standard base64 with padding (RFC 4648).
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for digit in digits.bytes() {
        let value = ALPHABET.iter().position(|letter| *letter == digit)?;
        bits = (bits << 6 | value as u32) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_checksums() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"abc").unwrap();
        let found = Digests::of(file.path()).unwrap();
        assert_eq!(found.bytes, 3);
        assert_eq!(found.md5, "900150983cd24fb0d6963f7d28e17f72");
        assert!(found.sha256.starts_with("ba7816bf8f01cfea"));
        // The same MD5 as a listing writes it.
        let listed = Checksum::md5_of_base64("kAFQmDzST7DWlj99KOF/cg==").unwrap();
        assert_eq!(listed.difference(&found), None);
        assert_eq!(Checksum::md5_of_base64("kAFQmDzST7DWlj99KOF/"), None);
        assert_eq!(Checksum::md5_of_base64("kAFQmDzST7DWlj99KOF!cg=="), None);
    }
}
