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
//!   it, its salt and its label. The [hash](commitment) of the data set is that of the compiled circuit
//!   and the list: how numbers are scaled (or ranked) belongs to what they stand for, so under
//!   another circuit the same hashes would be those of other rows. A salt is some inputs that nothing reads, at least 128 random
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

mod data;
mod file;
#[cfg(test)]
mod tests;

use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _,
};
use zkassay_fixed::{DataVisibility, ParamsVisibility};
use zkassay_gadgets::{Field, TableShape};

use crate::{Batch, Digest, Proof, PublicData, SrsOrigin, VerifyError, VerifyingKey, What};
pub use data::{TestData, TestRows, commitment};

/// The label of lanes that are no row.
pub const PADDING: i64 = -1;

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
        self.check_key(&proof.key)?;
        if self.takes_ranks() && matches!(proof.data, TestData::Rows(_)) {
            return Err(VerifyError::Encoding);
        }
        let scales = &self.statement().input_scales;
        self.verify_accuracy_with(proof, expected, |row| {
            let integer = |(index, x): (usize, &f32)| scales.of(index).quantize((*x).into());
            row.iter().enumerate().map(integer).collect()
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
        self.check_key(&proof.key)?;
        let classes = self.check_counts()?;
        let data = proof.data.hash(&self.statement().circuit);
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
                let rows = proof.data.len().saturating_sub(index * lanes).min(lanes);
                let error = match self.verify_any(&alone) {
                    Ok(_) => is_count(&counted.totals, rows).err()?,
                    Err(error) => error,
                };
                Some(in_proof(proof, index, lanes, error))
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

    /// That a proof of accuracy was made for this key, and that the key is one for such proofs: what
    /// to look at first, for under another key nothing else fits either.
    ///
    /// # Errors
    /// [`VerifyError::Key`] or [`VerifyError::NotAccuracy`].
    pub fn check_accuracy_key(&self, proof: &AccuracyProof) -> Result<(), VerifyError> {
        self.check_key(&proof.key)?;
        self.check_counts().map(drop)
    }

    /// Whether public rows can be checked only with the compiled circuit: the model takes the ranks
    /// of numbers among the thresholds of decision trees, which the key does not know.
    pub fn takes_ranks(&self) -> bool {
        matches!(&self.statement().shape, TableShape::Program(shape) if shape.slots > 0)
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
        // Before anything is allocated for lanes without a row.
        for (index, counted) in proof.proofs.iter().enumerate() {
            self.check_length(&counted.transcript)
                .map_err(|error| in_proof(proof, index, lanes, error))?;
        }
        let found = match &proof.data {
            TestData::Rows(_) => DataVisibility::Public,
            TestData::Hashes(_) => DataVisibility::Hashed,
        };
        let expected = statement.shape.visibility().input;
        if found != expected {
            return Err(VerifyError::Visibility {
                what: What::Input,
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
                    PublicData::values(&integers, &statement.input_scales)
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

/// An error of one of the proofs.
fn in_proof(proof: &AccuracyProof, index: usize, lanes: usize, error: VerifyError) -> VerifyError {
    let first = index * lanes;
    VerifyError::InBatch {
        proof: index,
        first,
        last: (first + lanes).min(proof.data.len()).saturating_sub(1),
        error: Box::new(error),
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
