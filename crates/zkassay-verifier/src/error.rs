//! Why a proof is not accepted.

use zkassay_fixed::OutputMapError;

use crate::artefact::hex;
use crate::{ArtefactError, Digest};

/// Why a proof is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
    /// The proof has another number of outputs than the model.
    #[error("the proof has {found} outputs, the model {expected}")]
    Outputs {
        /// The model's outputs.
        expected: usize,
        /// The proof's outputs.
        found: usize,
    },
    /// A public output is not one that the model can produce.
    #[error(transparent)]
    Output(#[from] OutputMapError),
    /// The proof does not prove its outputs.
    #[error("the proof is not valid: {reason}")]
    Rejected {
        /// Which check failed.
        reason: String,
    },
}

/// The first bytes of a digest.
fn short(digest: &Digest) -> String {
    hex(digest.split_at(6).0)
}
