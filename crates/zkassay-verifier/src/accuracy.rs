//! Proofs of accuracy: so many rows of a data set get their label from the model.
//!
//! A key for proofs of accuracy is that of a program that takes a row and its label, and whose proofs
//! show *totals*: the number of their rows for which the model's class is the label, or the
//! confusion matrix. An [`AccuracyProof`] has any number of rows: the first proof is about the
//! first so many, the next about those after them.
//!
//! # Which data set
//!
//! Inputs of such a key are public or hashed, and so every proof is bound to its rows, in their order:
//!
//! - **Public**: the file holds the rows as [`TestRows`]. Their integers are computed from them by
//!   whoever verifies. The [hash](TestRows::hash) of the data set depends on nothing but its numbers
//!   and labels; anybody who has the data can compute it.
//! - **Committed**: the file holds one Poseidon hash per row, of the integers that the model makes of
//!   it, its salt and its label. The [hash](commitment) of the data set is that of the list. It
//!   depends on how the model's integers are scaled (or ranked), so it is the commitment to a data
//!   set for *one* key's encoding. A salt is some inputs that nothing reads, at least 128 random
//!   bits: without them, whoever can guess a row could find it by its hash.
//!
//! # What fills up the last proof
//!
//! Its lanes beyond the last row have the label [`PADDING`], which is no class and so counts nowhere,
//! whatever the model says. Their features are those of the last row if rows are public; if they
//! are committed, their integers are all zero, so that anybody can compute the hash. Verification
//! checks both.
//!
//! # What it says
//!
//! *Of the `rows` rows of this data set, for exactly `correct` the class that the quantised model
//! of this key predicts is the label.* Rows count as often as the data set has them. Nobody can
//! leave out a proof or a row, repeat one, or exchange the totals of proofs: every proof is about the
//! rows at its place. It does not say that the data set is a good one, that its rows differ from each
//! other, or that the model was not trained on it.

use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _,
};
use sha2::{Digest as _, Sha256};
use zkassay_fixed::{DataVisibility, ParamsVisibility};
use zkassay_gadgets::halo2_proofs::halo2curves::ff::PrimeField as _;
use zkassay_gadgets::{Field, TableShape};

use crate::artefact::{ArtefactError, Kind, Reader, open, seal, write_block};
use crate::{Batch, Digest, Proof, PublicData, SrsOrigin, VerifyError, VerifyingKey};

/// The label of lanes that are no row.
pub const PADDING: i64 = -1;

/// What every hash of public rows starts with.
const ROWS_DOMAIN: &[u8] = b"zkassay data set: rows of float32 with labels, version 1\0";
/// What every hash of a list of rows' hashes starts with.
const HASHES_DOMAIN: &[u8] = b"zkassay data set: hashes of rows, version 1\0";

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

    fn write(&self, payload: &mut Vec<u8>) {
        payload.extend_from_slice(&(self.features as u32).to_le_bytes());
        payload.extend(self.values.iter().flat_map(|value| value.to_le_bytes()));
        payload.extend(self.labels.iter().flat_map(|label| label.to_le_bytes()));
    }

    fn read(reader: &mut Reader<'_>, rows: usize) -> Result<Self, ArtefactError> {
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

fn malformed(what: &str) -> ArtefactError {
    ArtefactError::malformed(Kind::Accuracy, what)
}

/// The hash of a committed data set, from those of its rows.
///
/// SHA-256 of: the text `zkassay data set: hashes of rows, version 1` and a zero byte; the number of
/// rows, 8 bytes; and the hash of each row, a field element of 32 bytes. All little endian.
pub fn commitment(rows: &[Field]) -> Digest {
    let mut hasher = Sha256::new_with_prefix(HASHES_DOMAIN);
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

    /// The hash of the data set: of other things for rows than for hashes.
    pub fn hash(&self) -> Digest {
        match self {
            Self::Rows(rows) => rows.hash(),
            Self::Hashes(hashes) => commitment(hashes),
        }
    }
}

/// What one proof counts in its rows, and its transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The sums of the outputs over its rows.
    pub totals: Vec<i64>,
    /// halo2's transcript.
    pub transcript: Vec<u8>,
}

/// A proof that a model classifies rows of a data set correctly.
#[derive(Clone, Debug, PartialEq)]
pub struct AccuracyProof {
    /// The [digest](VerifyingKey::digest) of the key it was made for.
    pub key: Digest,
    /// The data set.
    pub data: TestData,
    /// The proofs, in the order of the rows.
    pub proofs: Vec<Counted>,
}

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

const PUBLIC: u8 = DataVisibility::Public as u8;
const HASHED: u8 = DataVisibility::Hashed as u8;

/// What a verifier asks of a proof of accuracy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The hash of the data set. Without it, whoever proves chooses the data set.
    pub data: Option<Digest>,
    /// The least number of rows that the model has to classify correctly.
    pub correct: u64,
}

/// What an accepted proof of accuracy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccuracyVerdict {
    /// Rows of the data set.
    pub rows: u64,
    /// Rows whose class is their label.
    pub correct: u64,
    /// How many rows of each label get each class: label by label. `None` if the key does not
    /// count them. Rows whose label is no class of the model are in no cell.
    pub confusion: Option<Vec<Vec<u64>>>,
    /// The hash of the data set.
    pub data: Digest,
    /// Whether it is public, or hashed.
    pub visibility: DataVisibility,
    /// SHA-256 of the ONNX file that the key names.
    pub model: Digest,
    /// Who made the parameters; [`SrsOrigin::UnsafeLocal`] proves nothing to a stranger.
    pub srs: SrsOrigin,
    /// Number of proofs.
    pub proofs: usize,
}

impl AccuracyVerdict {
    /// The share of rows whose class is their label.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.rows.max(1) as f64
    }
}

impl VerifyingKey {
    /// Checks a proof of accuracy.
    ///
    /// # Errors
    /// Why it is not accepted. [`VerifyError::Encoding`] if its rows are public and the model is
    /// made of decision trees: use [`verify_accuracy_with`](Self::verify_accuracy_with).
    pub fn verify_accuracy(
        &self,
        proof: &AccuracyProof,
        expected: &Expected,
    ) -> Result<AccuracyVerdict, VerifyError> {
        let is_ranked = matches!(&self.statement().shape, TableShape::Program(s) if s.slots > 0);
        if is_ranked && matches!(proof.data, TestData::Rows(_)) {
            return Err(VerifyError::Encoding);
        }
        let scale = self.statement().input_scale;
        self.verify_accuracy_with(proof, expected, |row| {
            row.iter().map(|x| scale.quantize((*x).into())).collect()
        })
    }

    /// Checks a proof of accuracy, where `encode` gives the integers that the model makes of the
    /// numbers of a row: those of the circuit that the key names, such as the ranks of numbers
    /// among the thresholds of decision trees. It matters for public rows only.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub fn verify_accuracy_with(
        &self,
        proof: &AccuracyProof,
        expected: &Expected,
        encode: impl Fn(&[f32]) -> Option<Vec<i64>>,
    ) -> Result<AccuracyVerdict, VerifyError> {
        if proof.key != self.digest() {
            return Err(VerifyError::Key {
                expected: self.digest(),
                found: proof.key,
            });
        }
        let classes = self.check_counts()?;
        let data = proof.data.hash();
        if let Some(expected) = expected.data.filter(|expected| *expected != data) {
            return Err(VerifyError::Data {
                expected,
                found: data,
            });
        }
        let inputs = self.inputs_of(proof, encode)?;
        let lanes = self.statement().shape.lanes();
        let proofs: Vec<(&Counted, &PublicData)> = proof.proofs.iter().zip(&inputs).collect();
        let scale = self.statement().output.output_scale();
        // The first error, whatever the order in which they are found.
        let error = proofs
            .par_iter()
            .enumerate()
            .find_map_first(|(index, (counted, input))| {
                let alone = Proof {
                    key: proof.key,
                    input: PublicData::clone(input),
                    output: PublicData::values(&counted.totals, scale),
                    transcript: counted.transcript.clone(),
                };
                let first = index * lanes;
                let rows = (proof.data.len() - first).min(lanes);
                let error = match self.verify(&alone) {
                    Ok(_) => is_count(&counted.totals, rows).err()?,
                    Err(error) => error,
                };
                Some(VerifyError::InBatch {
                    proof: index,
                    first,
                    last: first + rows - 1,
                    error: Box::new(error),
                })
            });
        if let Some(error) = error {
            return Err(error);
        }
        let verdict = self.verdict_of(proof, classes, data);
        match verdict.correct >= expected.correct {
            true => Ok(verdict),
            false => Err(VerifyError::TooFew {
                found: verdict.correct,
                rows: verdict.rows,
                expected: expected.correct,
            }),
        }
    }

    /// The hash that a proof of accuracy shows of a committed row: of the integers that the model
    /// makes of its numbers, of its salt, and of its label.
    ///
    /// `None` if inputs are not hashed, or for integers that are not an input of the model.
    pub fn hash_of_row(&self, integers: &[i64], label: i64) -> Option<Field> {
        self.hash_of_input(&[integers, &[label]].concat())
    }

    /// That proofs under this key count; how many classes a confusion matrix has.
    fn check_counts(&self) -> Result<Option<usize>, VerifyError> {
        let statement = self.statement();
        let visibility = statement.shape.visibility();
        let what = if !statement.shape.totals() {
            "its proofs show the outputs of every row, not counts"
        } else if visibility.input == DataVisibility::Private {
            "its proofs show nothing of their rows"
        } else if visibility.output != DataVisibility::Public {
            "its proofs do not show what they count"
        } else if visibility.params != ParamsVisibility::Fixed {
            "its proofs are about some parameters, not about those of a model"
        } else if statement.output.output_scale().0 != 0 {
            "its outputs are no counts"
        } else {
            match statement.shape.outputs() as usize {
                1 => return Ok(None),
                cells if cells.isqrt().pow(2) == cells => return Ok(Some(cells.isqrt())),
                _ => "its outputs are no square of classes",
            }
        };
        Err(VerifyError::NotAccuracy { what })
    }

    /// What each proof has to show of its lanes.
    fn inputs_of(
        &self,
        proof: &AccuracyProof,
        encode: impl Fn(&[f32]) -> Option<Vec<i64>>,
    ) -> Result<Vec<PublicData>, VerifyError> {
        let statement = self.statement();
        let (rows, lanes) = (proof.data.len(), statement.shape.lanes());
        let counts = u32::try_from(rows).ok().filter(|rows| *rows > 0);
        let expected = counts.map_or(0, |rows| Batch::proofs_for(rows, lanes));
        let found = proof.proofs.len();
        if counts.is_none() || expected != found {
            return Err(VerifyError::BatchCount {
                rows: counts.unwrap_or_default(),
                lanes,
                expected,
                found,
            });
        }
        let found = match &proof.data {
            TestData::Rows(_) => DataVisibility::Public,
            TestData::Hashes(_) => DataVisibility::Hashed,
        };
        let expected = statement.shape.visibility().input;
        if found != expected {
            return Err(VerifyError::Visibility {
                what: crate::What::Input,
                expected,
                found,
            });
        }
        let inputs = (statement.shape.inputs() as usize).max(1);
        match &proof.data {
            TestData::Rows(rows) => {
                let mut proofs = vec![vec![]; proof.proofs.len()];
                let mut last = vec![];
                for (index, (row, label)) in rows.rows().enumerate() {
                    let integers = encode(row).filter(|integers| integers.len() + 1 == inputs);
                    last = integers.ok_or(VerifyError::Row { row: index })?;
                    if let Some(proof) = proofs.get_mut(index / lanes) {
                        proof.extend_from_slice(&last);
                        proof.push(i64::from(label));
                    }
                }
                last.push(PADDING);
                let filled = proofs.into_iter().map(|mut integers| {
                    while integers.len() < inputs * lanes {
                        integers.extend_from_slice(&last);
                    }
                    PublicData::values(&integers, statement.input_scale)
                });
                Ok(filled.collect())
            }
            TestData::Hashes(hashes) => {
                let padding = self.hash_of_row(&vec![0; inputs - 1], PADDING);
                let padding = padding.ok_or(VerifyError::NotAccuracy {
                    what: "its inputs have no room for a label",
                })?;
                let filled = hashes.chunks(lanes).map(|hashes| {
                    let mut hashes = hashes.to_vec();
                    hashes.resize(lanes, padding);
                    PublicData::Hashes(hashes)
                });
                Ok(filled.collect())
            }
        }
    }

    /// What the totals of verified proofs say.
    fn verdict_of(
        &self,
        proof: &AccuracyProof,
        classes: Option<usize>,
        data: Digest,
    ) -> AccuracyVerdict {
        let statement = self.statement();
        let mut totals = vec![0; statement.shape.outputs() as usize];
        for counted in &proof.proofs {
            for (sum, total) in totals.iter_mut().zip(&counted.totals) {
                *sum += total.unsigned_abs();
            }
        }
        let matrix: Option<Vec<Vec<u64>>> =
            classes.map(|classes| totals.chunks(classes).map(<[u64]>::to_vec).collect());
        let diagonal = |matrix: &Vec<Vec<u64>>| {
            let rows = matrix.iter().enumerate();
            rows.filter_map(|(class, row)| row.get(class)).sum()
        };
        AccuracyVerdict {
            rows: proof.data.len() as u64,
            correct: match &matrix {
                Some(matrix) => diagonal(matrix),
                None => totals.iter().sum(),
            },
            confusion: matrix,
            data,
            visibility: statement.shape.visibility().input,
            model: statement.model,
            srs: statement.srs,
            proofs: proof.proofs.len(),
        }
    }
}

/// That totals are a count of so many rows; those of an accepted proof are, unless its key is that of
/// something else.
fn is_count(totals: &[i64], rows: usize) -> Result<(), VerifyError> {
    let each = totals.iter().map(|total| u64::try_from(*total).ok());
    let sum = each
        .into_iter()
        .try_fold(0u64, |sum, total| sum.checked_add(total?));
    match sum {
        Some(sum) if sum <= rows as u64 => Ok(()),
        _ => Err(VerifyError::NotAccuracy {
            what: "its totals are no counts of rows",
        }),
    }
}

#[cfg(test)]
mod tests {
    use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;

    use super::*;
    use crate::artefact::hex;

    fn rows() -> TestRows {
        TestRows::new(2, vec![1.0, -2.5, -0.0, 3e38], vec![1, 0]).unwrap()
    }

    fn proof(data: TestData) -> AccuracyProof {
        let counted = |number: i64| Counted {
            totals: vec![number, -number],
            transcript: vec![number as u8; 5],
        };
        AccuracyProof {
            key: [7; 32],
            data,
            proofs: (0..3).map(counted).collect(),
        }
    }

    fn proofs() -> [AccuracyProof; 2] {
        let hashes = vec![Field::from(5), Field::from(2).pow_vartime([200])];
        [TestData::Rows(rows()), TestData::Hashes(hashes)].map(proof)
    }

    /// As anybody computes them with any implementation of SHA-256.
    #[test]
    fn hashes_are_what_their_documentation_says() {
        let [public, committed] = proofs().map(|proof| hex(&proof.data.hash()));
        assert_eq!(
            public,
            "6a2f401ad0652fa72a0395ceddaf75b3f54835fa60027ee418da5056260ca573"
        );
        assert_eq!(
            committed,
            "d92d714170e752bc88ce4e374a6a1763349b085529c8a3fe49bd33f2ee27a2ee"
        );
    }

    #[test]
    fn rows_that_are_no_data_set_are_refused() {
        let new = |features, values: &[f32], labels: &[u32]| {
            TestRows::new(features, values.to_vec(), labels.to_vec())
        };
        assert!(new(1, &[1.0], &[TestRows::MAX_LABEL]).is_some());
        for (features, values, labels) in [
            (0, &[][..], &[][..]),
            (0, &[], &[1]),
            (1, &[], &[]),
            (2, &[1.0], &[1]),
            (1, &[1.0, 2.0], &[1]),
            (1, &[f32::NAN], &[1]),
            (1, &[f32::INFINITY], &[1]),
            (1, &[1.0], &[TestRows::MAX_LABEL + 1]),
            (usize::MAX, &[1.0], &[1, 2]),
        ] {
            assert_eq!(new(features, values, labels), None, "{values:?} {labels:?}");
        }
    }

    #[test]
    fn files_round_trip() {
        for proof in proofs() {
            assert_eq!(AccuracyProof::from_bytes(&proof.to_bytes()), Ok(proof));
        }
    }

    #[test]
    fn payloads_that_say_something_else_are_refused_or_are_something_else() {
        for proof in proofs() {
            let bytes = proof.to_bytes();
            let payload = open(Kind::Accuracy, &bytes).unwrap();
            for at in 0..payload.len() {
                let cut = seal(Kind::Accuracy, &payload[..at]);
                assert!(AccuracyProof::from_bytes(&cut).is_err(), "{at}");
                for change in [1, 0x80, 0xff] {
                    let mut changed = payload.to_vec();
                    changed[at] ^= change;
                    let changed = seal(Kind::Accuracy, &changed);
                    if let Ok(read) = AccuracyProof::from_bytes(&changed) {
                        assert_ne!(read, proof, "{at}");
                        assert_eq!(read.to_bytes(), changed, "{at}");
                    }
                }
            }
            let longer = [payload, &[0]].concat();
            assert!(AccuracyProof::from_bytes(&seal(Kind::Accuracy, &longer)).is_err());
        }
    }

    #[test]
    fn counts_beyond_the_file_are_refused_without_allocating() {
        for visibility in [PUBLIC, HASHED] {
            let mut payload = vec![0; 32];
            payload.extend_from_slice(&u32::MAX.to_le_bytes());
            payload.push(visibility);
            payload.extend_from_slice(&u32::MAX.to_le_bytes());
            payload.extend_from_slice(&[0; 64]);
            assert!(AccuracyProof::from_bytes(&seal(Kind::Accuracy, &payload)).is_err());
        }
        let [_, proof] = proofs();
        let mut payload = open(Kind::Accuracy, &proof.to_bytes()).unwrap().to_vec();
        // The number of proofs.
        payload[32 + 4 + 1 + 64..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(AccuracyProof::from_bytes(&seal(Kind::Accuracy, &payload)).is_err());
    }

    #[test]
    fn totals_are_counts_of_rows() {
        assert!(is_count(&[], 0).is_ok());
        assert!(is_count(&[2, 0, 1], 3).is_ok());
        for totals in [&[2, 2][..], &[-1], &[i64::MIN], &[i64::MAX, i64::MAX, 3]] {
            assert!(is_count(totals, 3).is_err(), "{totals:?}");
        }
    }
}
