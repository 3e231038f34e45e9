//! Labelled rows, their hashes, and what names a data set.

use sha2::{Digest as _, Sha256};
use zkassay_gadgets::Field;
use zkassay_gadgets::halo2_proofs::halo2curves::ff::PrimeField as _;

use crate::Digest;
use crate::artefact::{ArtefactError, Kind, Reader};

/// What every hash of public rows starts with.
const ROWS_DOMAIN: &[u8] = b"zkassay data set: rows of float32 with labels, version 1\0";
/// What every hash of a circuit and its rows' hashes starts with.
const HASHES_DOMAIN: &[u8] = b"zkassay data set: circuit and hashes of rows, version 2\0";

/// Rows of numbers, each with a label.
#[derive(Clone, Debug, PartialEq)]
pub struct TestRows {
    features: usize,
    /// Row after row; finite, and without -0.
    values: Vec<f32>,
    labels: Vec<u32>,
}

impl TestRows {
    /// The most of a label: it is a float32 in a model's row, too.
    pub const MAX_LABEL: u32 = (1 << 24) - 1;

    /// Rows of so many `features`, one after the other in `values`.
    ///
    /// `None` without rows or features, with more or fewer values than there are labels for, with one
    /// that is not finite, with a label beyond [`MAX_LABEL`](Self::MAX_LABEL), or with more rows or
    /// features than 32 bits count.
    pub fn new(features: usize, mut values: Vec<f32>, labels: Vec<u32>) -> Option<Self> {
        let counts = [features, labels.len()];
        let fits = counts
            .iter()
            .all(|count| (1..=u32::MAX as usize).contains(count))
            && features.checked_mul(labels.len()) == Some(values.len())
            && values.iter().all(|value| value.is_finite())
            && labels.iter().all(|label| *label <= Self::MAX_LABEL);
        // One number, one form.
        values.iter_mut().for_each(|value| *value += 0.0);
        fits.then_some(Self {
            features,
            values,
            labels,
        })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none: never.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Numbers in a row, the label not counted.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The labels.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The rows and their labels.
    pub fn rows(&self) -> impl Iterator<Item = (&[f32], u32)> {
        let rows = self.values.chunks(self.features.max(1));
        rows.zip(self.labels.iter().copied())
    }

    /// The hash of the data set.
    ///
    /// SHA-256 of: the text `zkassay data set: rows of float32 with labels, version 1` and a zero
    /// byte; the numbers of rows and of features, 8 bytes each; and for each row its numbers as
    /// IEEE 754 binary32, 4 bytes each (zero is positive), and its label, 4 bytes. All little endian.
    pub fn hash(&self) -> Digest {
        let mut hasher = Sha256::new_with_prefix(ROWS_DOMAIN);
        hasher.update((self.len() as u64).to_le_bytes());
        hasher.update((self.features as u64).to_le_bytes());
        for (row, label) in self.rows() {
            for value in row {
                hasher.update(value.to_le_bytes());
            }
            hasher.update(label.to_le_bytes());
        }
        hasher.finalize().into()
    }

    pub(super) fn write(&self, payload: &mut Vec<u8>) {
        payload.extend_from_slice(&(self.features as u32).to_le_bytes());
        payload.extend(self.values.iter().flat_map(|value| value.to_le_bytes()));
        payload.extend(self.labels.iter().flat_map(|label| label.to_le_bytes()));
    }

    pub(super) fn read(reader: &mut Reader<'_>, rows: usize) -> Result<Self, ArtefactError> {
        let features = u32::from_le_bytes(reader.array()?) as usize;
        let values = words(reader, rows.saturating_mul(features))?;
        let values: Vec<f32> = values.map(f32::from_le_bytes).collect();
        let labels = words(reader, rows)?.map(u32::from_le_bytes).collect();
        let has_negative_zero = values.iter().any(|x| *x == 0.0 && x.is_sign_negative());
        Self::new(features, values, labels)
            .filter(|_| !has_negative_zero)
            .ok_or_else(|| malformed("its data set has no rows, or numbers that are none"))
    }
}

/// The next `count` words of four bytes.
fn words<'a>(
    reader: &mut Reader<'a>,
    count: usize,
) -> Result<impl Iterator<Item = [u8; 4]> + use<'a>, ArtefactError> {
    let bytes = reader.take(count.saturating_mul(4))?;
    let word = |bytes: &[u8]| bytes.try_into().unwrap_or_default();
    Ok(bytes.chunks_exact(4).map(word))
}

pub(super) fn malformed(what: &str) -> ArtefactError {
    ArtefactError::malformed(Kind::Accuracy, what)
}

/// The hash of a committed data set, from the digest of the compiled circuit that makes integers of
/// its numbers, and the hashes of its rows.
///
/// SHA-256 of: the text `zkassay data set: circuit and hashes of rows, version 2` and a zero byte;
/// the digest of the circuit, 32 bytes; the number of rows, 8 bytes; and the hash of each row, a field
/// element of 32 bytes. All little endian.
pub fn commitment(circuit: &Digest, rows: &[Field]) -> Digest {
    let mut hasher = Sha256::new_with_prefix(HASHES_DOMAIN);
    hasher.update(circuit);
    hasher.update((rows.len() as u64).to_le_bytes());
    for row in rows {
        hasher.update(row.to_repr());
    }
    hasher.finalize().into()
}

/// The rows of a proof of accuracy, as far as it shows them.
#[derive(Clone, Debug, PartialEq)]
pub enum TestData {
    /// All of them.
    Rows(TestRows),
    /// The Poseidon hash of each.
    Hashes(Vec<Field>),
}

impl TestData {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.len(),
            Self::Hashes(hashes) => hashes.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The hash of the data set: of the rows alone if they are public; of the digest of the compiled
    /// circuit, too, if they are hashed.
    pub fn hash(&self, circuit: &Digest) -> Digest {
        match self {
            Self::Rows(rows) => rows.hash(),
            Self::Hashes(hashes) => commitment(circuit, hashes),
        }
    }
}
