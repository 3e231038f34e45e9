//! What can go wrong between an ONNX file and a verdict.

use zkassay_circuit::CircuitError;
use zkassay_graph::GraphError;
use zkassay_prover::ProverError;
use zkassay_quant::QuantError;
use zkassay_verifier::{ArtefactError, Digest, VerifyError};

use crate::document::DocumentError;
use crate::hash::short;
use crate::input::InputError;
use crate::srs::GetError;

/// An error of a stage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two artefacts do not belong together.
    #[error(transparent)]
    Mismatch(Box<Mismatch>),
    /// Settings without the result of a calibration.
    #[error("the settings are not calibrated: run calibrate-settings with rows like the inputs")]
    NotCalibrated,
    /// A witness that does not satisfy the circuit.
    #[error("the witness does not satisfy the circuit: {failures} checks fail, first: {first}")]
    Unsatisfied {
        /// How many checks fail.
        failures: usize,
        /// The first, as halo2 describes it.
        first: String,
    },
    /// The parameters do not come from a ceremony that is asked for.
    #[error(
        "the key's parameters are {origin}, not those of a public ceremony: \
         run get-srs, then setup and prove again"
    )]
    NotCeremony {
        /// Where they come from.
        origin: zkassay_verifier::SrsOrigin,
    },
    /// A key whose parameters are private is of no model.
    #[error(
        "the key's parameters are private: its proofs are about some weights, not about those of \
         the ONNX file"
    )]
    Unbound,
    /// No parameters of a ceremony are in the cache.
    #[error(
        "no ceremony's parameters for 2^{logrows} rows are in the cache: run `zkassay get-srs --logrows \
         {logrows}`, pass a file with --srs-path, or try it out with --unsafe-local-srs"
    )]
    NoParameters {
        /// log2 of the rows.
        logrows: u32,
    },
    /// Parameters in the cache cannot be used.
    #[error(transparent)]
    Parameters(#[from] GetError),
    /// A JSON file is not what it should be.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Rows cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A row of several cannot be proved.
    #[error("row {row}: {error}")]
    Row {
        /// Which row, from 0.
        row: usize,
        /// Why not.
        error: Box<Error>,
    },
    /// A batch without rows, or with too many.
    #[error("a batch has 1 to {} rows, found {found}", u32::MAX)]
    BatchRows {
        /// Rows found.
        found: usize,
    },
    /// One row for a circuit that takes several.
    #[error(
        "the circuit is for {batch} inferences in each proof, and a witness is one: prove a file of \
         any number of rows with `zkassay prove --batch rows.json`"
    )]
    Witness {
        /// Inferences in a proof.
        batch: usize,
    },
    /// Rows for a circuit whose proofs show totals.
    #[error(
        "the circuit is for proofs of accuracy, which show counts, not the output of each row: use \
         `zkassay prove-accuracy`"
    )]
    Totals,
    /// A circuit whose proofs do not count, for a proof of accuracy.
    #[error(
        "the circuit is not for proofs of accuracy: make its settings with `zkassay gen-settings \
         --count correct --classes N --input-visibility public` (or hashed)"
    )]
    NotAccuracy,
    /// Rows to be hashed without a salt.
    #[error("the circuit's inputs are hashed: a salt has to hide the rows in their hashes")]
    NoSalt,
    /// The operating system has no random numbers.
    #[error("the operating system gives no random numbers: {reason}")]
    NoRandomness {
        /// What it says.
        reason: String,
    },
    /// The model has no value for what fills up the last proof.
    #[error(
        "{rows} rows do not fill proofs of {lanes}, and the model cannot be evaluated on what fills \
         up the last one ({error}): choose a batch that divides the number of rows"
    )]
    Padding {
        /// Rows.
        rows: usize,
        /// Rows in a proof.
        lanes: usize,
        /// Why not.
        error: Box<Error>,
    },
    /// The model cannot be imported.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The model cannot be calibrated, or an input not evaluated.
    #[error(transparent)]
    Quant(#[from] QuantError),
    /// The model cannot be compiled.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// Keys or a proof cannot be made.
    #[error(transparent)]
    Prover(#[from] ProverError),
    /// A binary file is not what it should be.
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    /// A proof is not accepted.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

impl Error {
    /// Whether artefacts that do not belong together are the reason.
    pub fn is_mismatch(&self) -> bool {
        matches!(
            self,
            Self::Mismatch(_) | Self::Unbound | Self::Prover(ProverError::SrsMismatch)
        ) || matches!(self, Self::Verify(error) if is_of_key(error.innermost()))
    }

    /// Whether the reason is a proof that is complete, belongs to the key, and is not accepted.
    pub fn is_rejection(&self) -> bool {
        match self {
            Self::NotCeremony { .. } => true,
            Self::Verify(error) => {
                let error = error.innermost();
                !is_of_key(error)
                    && !matches!(error, VerifyError::Artefact(_) | VerifyError::Encoding)
            }
            _ => false,
        }
    }
}

/// Whether the reason is the wrong key, or one for proofs of another kind.
fn is_of_key(error: &VerifyError) -> bool {
    matches!(
        error,
        VerifyError::Key { .. } | VerifyError::NotAccuracy { .. } | VerifyError::Totals
    )
}

/// Two artefacts that do not belong together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} belongs to {of} {}, but {other} is {}: {again}",
    short(found),
    short(expected)
)]
pub struct Mismatch {
    /// The artefact that names another ancestor.
    pub what: &'static str,
    /// What it names.
    pub of: &'static str,
    /// The hash that it names.
    pub found: Digest,
    /// Where the other hash comes from.
    pub other: &'static str,
    /// The other hash.
    pub expected: Digest,
    /// What to run again.
    pub again: &'static str,
}

impl From<Mismatch> for Error {
    fn from(mismatch: Mismatch) -> Self {
        Self::Mismatch(Box::new(mismatch))
    }
}
