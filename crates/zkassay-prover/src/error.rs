//! What can go wrong between a compiled model and a proof.

use zkassay_circuit::CircuitError;
use zkassay_verifier::ArtefactError;

use crate::srs::SrsError;

/// An error of setup or proving.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProverError {
    /// The parameters are for a smaller table.
    #[error("the parameters are for 2^{found} rows, the circuit needs 2^{needed}")]
    SrsTooSmall {
        /// log2 of the circuit's rows.
        needed: u32,
        /// log2 of the rows that the parameters support.
        found: u32,
    },
    /// The parameters are not those that the key was made with.
    #[error("the parameters are not those that this proving key was made with")]
    SrsMismatch,
    /// The witness was made for another circuit.
    #[error("the witness was made for a circuit of another shape than this key's")]
    WitnessShape,
    /// A file is not usable as parameters.
    #[error(transparent)]
    Srs(#[from] SrsError),
    /// A file is not what it should be.
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    /// The model cannot be compiled, or the input not evaluated.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// halo2 refused.
    #[error("halo2: {0}")]
    Halo2(String),
}

impl From<zkassay_gadgets::halo2_proofs::plonk::Error> for ProverError {
    fn from(error: zkassay_gadgets::halo2_proofs::plonk::Error) -> Self {
        Self::Halo2(error.to_string())
    }
}
