//! The frame of every file: magic, kind, version, length, checksum.
//!
//! ```text
//! "zkassay\0"   8 bytes
//! kind          1 byte
//! version       1 byte
//! length        8 bytes, little endian
//! payload       length bytes
//! checksum      32 bytes, SHA-256 of everything before it
//! ```
//!
//! The checksum catches damage, not malice: whoever can change the payload can
//! recompute it.

use sha2::{Digest as _, Sha256};

use crate::Digest;

const MAGIC: &[u8; 8] = b"zkassay\0";
const HEADER: usize = 18;
const CHECKSUM: usize = 32;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Parameters of the commitment scheme.
    Srs = 1,
    /// A proving key.
    ProvingKey = 2,
    /// A verifying key.
    VerifyingKey = 3,
    /// A proof.
    Proof = 4,
    /// A compiled circuit.
    Circuit = 5,
    /// The proofs of many rows.
    Batch = 6,
    /// A proof of accuracy.
    Accuracy = 7,
}

impl Kind {
    /// The format version that this crate writes and reads.
    pub const VERSION: u8 = 3;

    /// The kind that the first bytes of a file say it is; `None` for files that are not this
    /// project's.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        Self::from_byte(*rest.first()?)
    }

    fn from_byte(byte: u8) -> Option<Self> {
        let all = [
            Self::Srs,
            Self::ProvingKey,
            Self::VerifyingKey,
            Self::Proof,
            Self::Circuit,
            Self::Batch,
            Self::Accuracy,
        ];
        all.into_iter().find(|kind| *kind as u8 == byte)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Srs => "an SRS",
            Self::ProvingKey => "a proving key",
            Self::VerifyingKey => "a verifying key",
            Self::Proof => "a proof",
            Self::Circuit => "a compiled circuit",
            Self::Batch => "a batch of proofs",
            Self::Accuracy => "a proof of accuracy",
        })
    }
}

/// Why bytes are not the expected file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArtefactError {
    /// Not a file of this project.
    #[error("not a zkassay file")]
    Foreign,
    /// A file of another kind.
    #[error("expected {expected}, found {found}")]
    Kind {
        /// What the caller asked for.
        expected: Kind,
        /// What the file is.
        found: String,
    },
    /// A file of another format version.
    #[error(
        "{kind} of format version {found}, expected {expected}: make it again with this release"
    )]
    Version {
        /// The kind of file.
        kind: Kind,
        /// The version that is understood.
        expected: u8,
        /// The file's version.
        found: u8,
    },
    /// The file is shorter or longer than it says.
    #[error("{kind} of {found} bytes, expected {expected}: the file is not complete")]
    Length {
        /// The kind of file.
        kind: Kind,
        /// The length that the header promises.
        expected: u64,
        /// The length found.
        found: u64,
    },
    /// The checksum does not match.
    #[error("{kind} is damaged: its checksum does not match")]
    Checksum {
        /// The kind of file.
        kind: Kind,
    },
    /// The payload cannot be understood.
    #[error("{kind} is malformed: {what}")]
    Malformed {
        /// The kind of file.
        kind: Kind,
        /// What is wrong.
        what: String,
    },
}

impl ArtefactError {
    /// A payload of `kind` that is malformed in the way that `what` says.
    pub fn malformed(kind: Kind, what: impl ToString) -> Self {
        Self::Malformed {
            kind,
            what: what.to_string(),
        }
    }
}

/// Puts a frame around `payload`.
pub fn seal(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + payload.len() + CHECKSUM);
    bytes.extend_from_slice(MAGIC);
    bytes.push(kind as u8);
    bytes.push(Kind::VERSION);
    bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes.extend_from_slice(payload);
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}

/// The payload of a file of the given kind.
///
/// # Errors
/// Anything else than one complete file of that kind and the current version.
pub fn open(kind: Kind, bytes: &[u8]) -> Result<&[u8], ArtefactError> {
    let mut reader = Reader::new(kind, bytes);
    if reader.array::<8>().ok().as_ref() != Some(MAGIC) {
        return Err(ArtefactError::Foreign);
    }
    let [found, version] = reader.array()?;
    if found != kind as u8 {
        return Err(ArtefactError::Kind {
            expected: kind,
            found: match Kind::from_byte(found) {
                Some(found) => found.to_string(),
                None => format!("a file of unknown kind {found}"),
            },
        });
    }
    if version != Kind::VERSION {
        return Err(ArtefactError::Version {
            kind,
            expected: Kind::VERSION,
            found: version,
        });
    }
    let length = u64::from_le_bytes(reader.array()?);
    let expected = length.saturating_add((HEADER + CHECKSUM) as u64);
    if expected != bytes.len() as u64 {
        return Err(ArtefactError::Length {
            kind,
            expected,
            found: bytes.len() as u64,
        });
    }
    let payload = reader.take(length as usize)?;
    let (sealed, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
    if Sha256::digest(sealed).as_slice() != checksum {
        return Err(ArtefactError::Checksum { kind });
    }
    Ok(payload)
}

/// Reads the parts of a payload.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    kind: Kind,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of `payload`; `kind` is for its errors.
    pub fn new(kind: Kind, payload: &'a [u8]) -> Self {
        Self {
            kind,
            rest: payload,
        }
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// Fewer bytes are left.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], ArtefactError> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            return Err(ArtefactError::malformed(self.kind, "it ends too early"));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// Fewer bytes are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], ArtefactError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// A byte string written by [`write_block`].
    ///
    /// # Errors
    /// Fewer bytes are left than its length says.
    pub fn block(&mut self) -> Result<&'a [u8], ArtefactError> {
        let length = u64::from_le_bytes(self.array()?);
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// What is left.
    pub fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// Something is.
    pub fn finish(self) -> Result<(), ArtefactError> {
        match self.rest {
            [] => Ok(()),
            rest => Err(ArtefactError::malformed(
                self.kind,
                format!("{} bytes are left over", rest.len()),
            )),
        }
    }
}

/// Appends a byte string with its length.
pub fn write_block(payload: &mut Vec<u8>, block: &[u8]) {
    payload.extend_from_slice(&(block.len() as u64).to_le_bytes());
    payload.extend_from_slice(block);
}

/// The SHA-256 hash of `bytes`.
pub fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// `bytes` in hexadecimal, as people compare them.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first twelve hexadecimal digits of a digest, which errors name.
pub fn short(digest: &Digest) -> String {
    hex(digest.split_at(6).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_open_to_what_was_sealed() {
        for payload in [&b""[..], b"payload"] {
            let bytes = seal(Kind::Proof, payload);
            assert_eq!(open(Kind::Proof, &bytes), Ok(payload));
        }
    }

    #[test]
    fn every_changed_byte_and_every_truncation_is_refused() {
        let bytes = seal(Kind::Proof, b"payload");
        for index in 0..bytes.len() {
            for change in [1, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[index] ^= change;
                assert!(open(Kind::Proof, &changed).is_err(), "byte {index}");
            }
            assert!(
                open(Kind::Proof, &bytes[..index]).is_err(),
                "length {index}"
            );
        }
        let longer = [bytes.as_slice(), b"x"].concat();
        assert!(matches!(
            open(Kind::Proof, &longer),
            Err(ArtefactError::Length { .. })
        ));
    }

    #[test]
    fn errors_name_kind_and_version() {
        let mut bytes = seal(Kind::Proof, b"payload");
        let error = open(Kind::VerifyingKey, &bytes).unwrap_err();
        assert_eq!(error.to_string(), "expected a verifying key, found a proof");
        bytes[9] = 9;
        let error = open(Kind::Proof, &bytes).unwrap_err();
        assert!(
            error.to_string().contains("format version 9, expected 3"),
            "{error}"
        );
        assert_eq!(
            open(Kind::Proof, b"PK\x03\x04 something else"),
            Err(ArtefactError::Foreign)
        );
    }

    #[test]
    fn huge_lengths_do_not_allocate() {
        let mut payload = u64::MAX.to_le_bytes().to_vec();
        payload.push(1);
        assert!(Reader::new(Kind::Proof, &payload).block().is_err());
    }
}
