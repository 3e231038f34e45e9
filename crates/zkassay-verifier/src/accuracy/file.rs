//! Proofs of accuracy as files.

use zkassay_fixed::DataVisibility;
use zkassay_gadgets::Field;
use zkassay_gadgets::halo2_proofs::halo2curves::ff::PrimeField as _;

use super::data::malformed;
use super::{AccuracyProof, Counted, TestData, TestRows};
use crate::artefact::{ArtefactError, Kind, Reader, open, seal, write_block};

impl AccuracyProof {
    /// Reads a proof of accuracy. Memory is bounded by the length of the file.
    ///
    /// # Errors
    /// Anything that is not a proof of accuracy of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtefactError> {
        let mut reader = Reader::new(Kind::Accuracy, open(Kind::Accuracy, bytes)?);
        let key = reader.array()?;
        let rows = u32::from_le_bytes(reader.array()?) as usize;
        let data = match reader.array()? {
            [PUBLIC] => TestData::Rows(TestRows::read(&mut reader, rows)?),
            [HASHED] => {
                let bytes = reader.take(rows.saturating_mul(32))?;
                let hash = |bytes: &[u8]| {
                    let bytes: [u8; 32] = bytes.try_into().unwrap_or_default();
                    Option::from(Field::from_repr(bytes))
                        .ok_or_else(|| malformed("the hash of a row is no element of the field"))
                };
                TestData::Hashes(bytes.chunks_exact(32).map(hash).collect::<Result<_, _>>()?)
            }
            [other] => return Err(malformed(&format!("unknown visibility {other}"))),
        };
        let count = u32::from_le_bytes(reader.array()?);
        let proof = |_| {
            let totals = u32::from_le_bytes(reader.array()?) as usize;
            let totals = reader.take(totals.saturating_mul(8))?.chunks_exact(8);
            let number = |bytes: &[u8]| i64::from_le_bytes(bytes.try_into().unwrap_or_default());
            Ok(Counted {
                totals: totals.map(number).collect(),
                transcript: reader.block()?.to_vec(),
            })
        };
        // Nothing is allocated for a count before there are as many proofs.
        let proofs = (0..count)
            .map(proof)
            .collect::<Result<_, ArtefactError>>()?;
        reader.finish()?;
        Ok(Self { key, data, proofs })
    }

    /// The proof of accuracy as a file: key; number of rows, visibility and data set; number of
    /// proofs, and of each its totals and its transcript.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut payload = self.key.to_vec();
        payload.extend_from_slice(&(self.data.len() as u32).to_le_bytes());
        match &self.data {
            TestData::Rows(rows) => {
                payload.push(PUBLIC);
                rows.write(&mut payload);
            }
            TestData::Hashes(hashes) => {
                payload.push(HASHED);
                payload.extend(hashes.iter().flat_map(Field::to_repr));
            }
        }
        payload.extend_from_slice(&(self.proofs.len() as u32).to_le_bytes());
        for proof in &self.proofs {
            payload.extend_from_slice(&(proof.totals.len() as u32).to_le_bytes());
            payload.extend(proof.totals.iter().flat_map(|total| total.to_le_bytes()));
            write_block(&mut payload, &proof.transcript);
        }
        seal(Kind::Accuracy, &payload)
    }
}

pub(super) const PUBLIC: u8 = DataVisibility::Public as u8;
pub(super) const HASHED: u8 = DataVisibility::Hashed as u8;
