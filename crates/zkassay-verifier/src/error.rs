//! Why a proof is not accepted.

use zkassay_fixed::{DataVisibility, OutputMapError};

use crate::artefact::short;
use crate::{ArtefactError, Digest};

/// Why a proof is not accepted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The bytes are not a key or a proof.
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    /// The proof was made with another key: another model, or other settings or parameters.
    #[error(
        "the proof belongs to key {}, not to key {}",
        short(found),
        short(expected)
    )]
    Key {
        /// The key that verifies.
        expected: Digest,
        /// The key that the proof names.
        found: Digest,
    },
    /// The proof shows more, or less, than the key asks for.
    #[error("the key asks for a {expected} {what}, the proof's is {found}")]
    Visibility {
        /// Input or output.
        what: What,
        /// What the key asks for.
        expected: DataVisibility,
        /// What the proof has.
        found: DataVisibility,
    },
    /// The proof has another number of inputs or outputs than the model.
    #[error("the proof has {found} {what}s, the model {expected}")]
    Count {
        /// Input or output.
        what: What,
        /// The model's number.
        expected: usize,
        /// The proof's number.
        found: usize,
    },
    /// The proof has another number of hashes than inferences.
    #[error(
        "the proof has {found} hash(es) of {what}s, expected {expected}: one for each inference"
    )]
    Hashes {
        /// Input or output.
        what: What,
        /// Inferences in one proof.
        expected: usize,
        /// The proof's number.
        found: usize,
    },
    /// A public value's real number is not what its integer stands for.
    #[error("the proof says that the {what} {integer} stands for {found}, but it is {expected}")]
    Real {
        /// Input or output.
        what: What,
        /// The integer.
        integer: i64,
        /// What it stands for.
        expected: f64,
        /// What the proof says.
        found: f64,
    },
    /// A public output is not one that the model can produce.
    #[error(transparent)]
    Output(#[from] OutputMapError),
    /// A batch has no rows, or too many or too few proofs for its rows.
    #[error(
        "the batch has {rows} rows, which take {expected} proof(s) of {lanes} row(s) each, and \
         {found} proof(s){}",
        if *rows == 0 { ": expected at least one row" } else { "" }
    )]
    BatchCount {
        /// Rows that the batch says it has.
        rows: u32,
        /// Rows in a proof.
        lanes: usize,
        /// Proofs that they take.
        expected: usize,
        /// Proofs in the batch.
        found: usize,
    },
    /// What fills up the last proof of a batch is not the last row.
    #[error(
        "the last proof of the batch is filled up with another {what} than that of the last row"
    )]
    Padding {
        /// Input or output.
        what: What,
    },
    /// A proof of a batch is not accepted.
    #[error("proof {proof} of the batch, rows {first} to {last}: {error}")]
    InBatch {
        /// Which proof, from 0.
        proof: usize,
        /// Its first row, from 0.
        first: usize,
        /// Its last row.
        last: usize,
        /// Why it is not accepted.
        error: Box<VerifyError>,
    },
    /// A batch under a key for proofs of accuracy.
    #[error("the key's proofs show totals over their rows, not the output of each")]
    Totals,
    /// A proof of accuracy under a key of something else.
    #[error("the key is not for proofs of accuracy: {what}")]
    NotAccuracy {
        /// Why not.
        what: &'static str,
    },
    /// A proof of accuracy about another data set.
    #[error(
        "the proof is about data set {}, not about {}",
        short(found),
        short(expected)
    )]
    Data {
        /// The hash that is asked for.
        expected: Digest,
        /// That of the proof's data set.
        found: Digest,
    },
    /// A row of a public data set that is no input of the model.
    #[error("row {row} of the data set is no input of the key's model: another length, or range")]
    Row {
        /// Which row, from 0.
        row: usize,
    },
    /// Public rows of a model that takes ranks, which the key does not know.
    #[error(
        "the model takes the ranks of numbers among its thresholds, which the key does not know: the \
         compiled circuit does"
    )]
    Encoding,
    /// Fewer rows are classified correctly than asked for.
    #[error("{found} of {rows} rows are classified correctly, fewer than {expected}")]
    TooFew {
        /// Rows that are.
        found: u64,
        /// Rows of the data set.
        rows: u64,
        /// Rows asked for.
        expected: u64,
    },
    /// The proof does not prove its outputs.
    #[error("the proof is not valid: {reason}")]
    Rejected {
        /// Which check failed.
        reason: String,
    },
}

impl VerifyError {
    /// The error itself, if it is about a proof of a batch.
    pub fn innermost(&self) -> &Self {
        match self {
            Self::InBatch { error, .. } => error.innermost(),
            error => error,
        }
    }
}

/// Which values of a proof an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The model's input.
    Input,
    /// The model's output.
    Output,
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Output => "output",
        })
    }
}
