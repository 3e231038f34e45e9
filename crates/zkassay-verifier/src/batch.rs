//! Many inferences: their proofs in one file.
//!
//! A key is made for a number of inferences in one proof, its *lanes*. A batch has any number of
//! rows: the first proof is about the first so many, the next about those after them, and the last
//! one is filled up with copies of the last row.

use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _,
};
use zkassay_fixed::ParamsVisibility;

use crate::artefact::{ArtefactError, Kind, Reader, open, seal, write_block};
use crate::error::What;
use crate::{Digest, Proof, PublicData, SrsOrigin, VerifyError, VerifyingKey};

/// Proofs of many rows under one key.
///
/// An accepted batch says of each of its rows what a proof says of one inference: *there is an input
/// for which the model gives this row's outputs.* Rows are those of the file, in the file's order.
///
/// It does not say that the rows are different, that they are all rows that the prover had, or that
/// he had them in this order. Whoever holds a batch can leave out proofs from it, repeat them and
/// put them in another order, as he can with single proofs; and where a proof shows
/// equal values for its last rows, or none, he can count these as copies that fill it up, and
/// the other way round. Nobody can change what is shown of a row, exchange rows between or within proofs,
/// or add a row without a proof. Where it matters which rows there are, make inputs public or hashed:
/// each row is then bound to its input.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Number of rows, those that fill up the last proof not counted.
    pub rows: u32,
    /// The proofs, in the order of the rows.
    pub proofs: Vec<Proof>,
}

/// What a batch shows of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchRow {
    /// The input.
    pub input: PublicData,
    /// The output.
    pub output: PublicData,
}

/// What an accepted batch says.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchVerdict {
    /// The rows, in order.
    pub rows: Vec<BatchRow>,
    /// Number of proofs.
    pub proofs: usize,
    /// Inferences in each of them.
    pub lanes: usize,
    /// SHA-256 of the ONNX file that the key names; `None` if parameters are private.
    pub model: Option<Digest>,
    /// Who made the parameters; [`SrsOrigin::UnsafeLocal`] proves nothing to a stranger.
    pub srs: SrsOrigin,
    /// Whether the proofs are about the model's weights, or about some weights.
    pub params: ParamsVisibility,
}

impl Batch {
    /// Proofs that so many rows take, with so many in each.
    pub fn proofs_for(rows: u32, lanes: usize) -> usize {
        (rows as usize).div_ceil(lanes.max(1))
    }

    /// Reads a batch. Memory is bounded by the length of the file.
    ///
    /// # Errors
    /// Anything that is not a batch of this version; what is wrong with a proof of it names the
    /// proof, from 0.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtefactError> {
        let mut reader = Reader::new(Kind::Batch, open(Kind::Batch, bytes)?);
        let rows = u32::from_le_bytes(reader.array()?);
        let count = u32::from_le_bytes(reader.array()?);
        let proof = |index: u32| {
            Proof::from_bytes(reader.block()?).map_err(|error| {
                ArtefactError::malformed(Kind::Batch, format!("proof {index}: {error}"))
            })
        };
        // Nothing is allocated for a count before there are as many proofs.
        let proofs = (0..count).map(proof).collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { rows, proofs })
    }

    /// The batch as a file: the number of rows and that of proofs, 4 bytes each, then each
    /// proof's file with its length.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut payload = self.rows.to_le_bytes().to_vec();
        payload.extend_from_slice(&(self.proofs.len() as u32).to_le_bytes());
        for proof in &self.proofs {
            write_block(&mut payload, &proof.to_bytes());
        }
        seal(Kind::Batch, &payload)
    }
}

impl VerifyingKey {
    /// Checks a batch: the number of its proofs, each of them, and that what fills up the last one
    /// repeats the last row, as far as it is shown.
    ///
    /// # Errors
    /// Why it is not accepted; an error of a proof names the proof and its rows, from 0. A key whose
    /// proofs show totals has no batches.
    pub fn verify_batch(&self, batch: &Batch) -> Result<BatchVerdict, VerifyError> {
        let rows = self.batch_rows(batch)?;
        let proofs = batch.proofs.par_iter().enumerate();
        // The first error, whatever the order in which they are found.
        let error = proofs.find_map_first(|(index, proof)| {
            let error = self.verify(proof).err()?;
            Some(self.of_proof(batch, index, error))
        });
        if let Some(error) = error {
            return Err(error);
        }
        let statement = self.statement();
        let params = statement.shape.visibility().params;
        Ok(BatchVerdict {
            rows,
            proofs: batch.proofs.len(),
            lanes: statement.shape.lanes(),
            model: match params {
                ParamsVisibility::Fixed => Some(statement.model),
                ParamsVisibility::Private => None,
            },
            srs: statement.srs,
            params,
        })
    }

    /// What a batch says of its rows, *before its proofs are checked*: only that they belong to this
    /// key, and that there are as many of them, of values and of bytes as there should be.
    ///
    /// # Errors
    /// As [`verify_batch`](Self::verify_batch), except for proofs that are not valid.
    pub fn batch_rows(&self, batch: &Batch) -> Result<Vec<BatchRow>, VerifyError> {
        // First: under another key nothing else fits either.
        let other = |proof: &Proof| proof.key != self.digest();
        if let Some((index, proof)) = (batch.proofs.iter().enumerate()).find(|(_, p)| other(p)) {
            let error = VerifyError::Key {
                expected: self.digest(),
                found: proof.key,
            };
            return Err(self.of_proof(batch, index, error));
        }
        let shape = &self.statement().shape;
        if shape.totals() {
            return Err(VerifyError::Totals);
        }
        let lanes = shape.lanes();
        let expected = Batch::proofs_for(batch.rows, lanes);
        let found = batch.proofs.len();
        if expected != found || batch.rows == 0 {
            let rows = batch.rows;
            return Err(VerifyError::BatchCount {
                rows,
                lanes,
                expected,
                found,
            });
        }
        // Before anything is allocated for the rows of a proof.
        for (index, proof) in batch.proofs.iter().enumerate() {
            self.check_length(&proof.transcript)
                .map_err(|error| self.of_proof(batch, index, error))?;
        }
        let mut rows = Vec::with_capacity(lanes * found);
        for (index, proof) in batch.proofs.iter().enumerate() {
            let of_proof = |error| self.of_proof(batch, index, error);
            // Visibility, and numbers of values.
            self.instance(&proof.input, &proof.output)
                .map_err(of_proof)?;
            rows.extend((0..lanes).map(|lane| BatchRow {
                input: of_lane(&proof.input, lane, lanes),
                output: of_lane(&proof.output, lane, lanes),
            }));
        }
        let copies = rows.split_off((batch.rows as usize).min(rows.len()));
        let differs = |get: fn(&BatchRow) -> &PublicData| {
            let last = rows.last().map(get);
            copies.iter().any(|copy| Some(get(copy)) != last)
        };
        if differs(|row| &row.input) {
            return Err(VerifyError::Padding { what: What::Input });
        }
        if differs(|row| &row.output) {
            return Err(VerifyError::Padding { what: What::Output });
        }
        Ok(rows)
    }

    /// An error of a proof in a batch.
    fn of_proof(&self, batch: &Batch, proof: usize, error: VerifyError) -> VerifyError {
        let lanes = self.statement().shape.lanes();
        let first = proof * lanes;
        VerifyError::InBatch {
            proof,
            first,
            last: (first + lanes - 1).min((batch.rows as usize).saturating_sub(1)),
            error: Box::new(error),
        }
    }
}

/// What is shown of one of several inferences.
fn of_lane(data: &PublicData, lane: usize, lanes: usize) -> PublicData {
    match data {
        PublicData::Values(values) => {
            let each = values.len() / lanes.max(1);
            let values = values.iter().skip(lane * each).take(each);
            PublicData::Values(values.copied().collect())
        }
        PublicData::Hashes(hashes) => {
            PublicData::Hashes(hashes.iter().skip(lane).take(1).copied().collect())
        }
        PublicData::Private => PublicData::Private,
    }
}

#[cfg(test)]
mod tests {
    use zkassay_fixed::Scale;
    use zkassay_gadgets::Field;

    use super::*;

    fn proof(number: i64) -> Proof {
        Proof {
            key: [7; 32],
            input: PublicData::Private,
            output: PublicData::values(&[number, -number], Scale(3)),
            transcript: vec![number as u8; 5],
        }
    }

    fn batch() -> Batch {
        Batch {
            rows: 5,
            proofs: (0..3).map(proof).collect(),
        }
    }

    #[test]
    fn batches_round_trip() {
        for batch in [
            batch(),
            Batch {
                rows: 0,
                proofs: vec![],
            },
        ] {
            assert_eq!(Batch::from_bytes(&batch.to_bytes()), Ok(batch));
        }
    }

    #[test]
    fn a_damaged_proof_is_named() {
        let mut payload = [5u32, 2].map(u32::to_le_bytes).as_flattened().to_vec();
        let mut second = proof(1).to_bytes();
        write_block(&mut payload, &proof(0).to_bytes());
        second[40] ^= 1;
        write_block(&mut payload, &second);
        let error = Batch::from_bytes(&seal(Kind::Batch, &payload)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a batch of proofs is malformed: proof 1: a proof is damaged: its checksum does not match"
        );
    }

    #[test]
    fn counts_beyond_the_file_are_refused_without_allocating() {
        for count in [4, u32::MAX] {
            let mut payload = [5u32, count].map(u32::to_le_bytes).as_flattened().to_vec();
            for number in 0..3 {
                write_block(&mut payload, &proof(number).to_bytes());
            }
            let error = Batch::from_bytes(&seal(Kind::Batch, &payload)).unwrap_err();
            assert!(error.to_string().contains("ends too early"), "{error}");
        }
        let mut payload = [5u32, 1].map(u32::to_le_bytes).as_flattened().to_vec();
        payload.extend_from_slice(&u64::MAX.to_le_bytes());
        assert!(Batch::from_bytes(&seal(Kind::Batch, &payload)).is_err());
    }

    #[test]
    fn proofs_beyond_the_count_are_refused() {
        let mut payload = [5u32, 1].map(u32::to_le_bytes).as_flattened().to_vec();
        for number in 0..2 {
            write_block(&mut payload, &proof(number).to_bytes());
        }
        let error = Batch::from_bytes(&seal(Kind::Batch, &payload)).unwrap_err();
        assert!(error.to_string().contains("left over"), "{error}");
    }

    #[test]
    fn other_kinds_are_told_apart() {
        let error = Batch::from_bytes(&proof(1).to_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected a batch of proofs, found a proof"
        );
        let error = Proof::from_bytes(&batch().to_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected a proof, found a batch of proofs"
        );
    }

    #[test]
    fn values_go_to_their_inferences() {
        let data = PublicData::values(&[1, 2, 3, 4, 5, 6], Scale(0));
        assert_eq!(of_lane(&data, 0, 3).integers(), [1, 2]);
        assert_eq!(of_lane(&data, 2, 3).integers(), [5, 6]);
        assert_eq!(of_lane(&data, 0, 1), data);
        assert_eq!(of_lane(&PublicData::Private, 1, 3), PublicData::Private);
        let hashes = PublicData::Hashes([4, 5, 6].map(Field::from).to_vec());
        let second = PublicData::Hashes(vec![Field::from(5)]);
        assert_eq!(of_lane(&hashes, 1, 3), second);
    }

    #[test]
    fn the_last_proof_need_not_be_full() {
        let counts = [
            (1, 3, 1),
            (3, 3, 1),
            (4, 3, 2),
            (7, 3, 3),
            (5, 1, 5),
            (0, 3, 0),
        ];
        for (rows, lanes, expected) in counts {
            assert_eq!(Batch::proofs_for(rows, lanes), expected);
        }
    }
}
