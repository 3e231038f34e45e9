//! Proving keys: setup, proofs, files.

use std::sync::Arc;

use rand_core::OsRng;
use zkassay_circuit::circuit::Overwrite;
use zkassay_circuit::{CompiledModel, ModelCircuit, Witness};
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::G1Affine;
use zkassay_gadgets::halo2_proofs::plonk::{self, create_proof, keygen_pk, keygen_pk_impl};
use zkassay_gadgets::halo2_proofs::transcript::{
    Blake2bWrite, Challenge255, Transcript, TranscriptWriterBuffer,
};
use zkassay_verifier::artefact::{Kind, Reader, open, seal, write_block};
use zkassay_verifier::{ArtefactError, Digest, Proof, Statement, VerifyingKey};

use crate::scheme::{FixedBaseKzg, Opening};
use crate::{ProverError, Srs};

/// A compiled model with everything precomputed for proving it.
#[derive(Clone, Debug)]
pub struct ProvingKey {
    compiled: Arc<CompiledModel>,
    key: plonk::ProvingKey<G1Affine>,
    verifying_key: VerifyingKey,
}

impl ProvingKey {
    /// Makes the keys of a compiled model; `model` is the SHA-256 of its ONNX file.
    ///
    /// # Errors
    /// Parameters for fewer rows than the circuit has.
    pub fn setup(srs: &Srs, compiled: CompiledModel, model: Digest) -> Result<Self, ProverError> {
        let compiled = Arc::new(compiled);
        let shape = compiled.shape();
        let params = srs.prover(shape.logrows)?;
        let circuit = ModelCircuit::keys(Arc::clone(&compiled));
        let key = rayon::scope(|_| keygen_pk_impl(params, None, &circuit, false))?;
        let statement = Statement {
            model,
            srs: srs.origin(),
            shape: shape.clone(),
            output: compiled.model().output,
        };
        let verifying_key = VerifyingKey::new(statement, srs.s_g2(), key.get_vk())?;
        Ok(Self {
            compiled,
            key,
            verifying_key,
        })
    }

    /// The model and its layout.
    pub fn compiled(&self) -> &CompiledModel {
        &self.compiled
    }

    /// What a verifier needs.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying_key
    }

    /// Proves one inference.
    ///
    /// # Errors
    /// Parameters other than those of the setup, or a witness of another circuit.
    pub fn prove(&self, srs: &Srs, witness: &Witness) -> Result<Proof, ProverError> {
        self.prove_circuit(srs, witness, None)
    }

    /// The proof of a prover that overwrites one advice cell; for soundness tests.
    ///
    /// # Errors
    /// As [`prove`](Self::prove).
    #[doc(hidden)]
    pub fn unsound_prove(
        &self,
        srs: &Srs,
        witness: &Witness,
        overwrite: Overwrite,
    ) -> Result<Proof, ProverError> {
        self.prove_circuit(srs, witness, Some(overwrite))
    }

    fn prove_circuit(
        &self,
        srs: &Srs,
        witness: &Witness,
        overwrite: Option<Overwrite>,
    ) -> Result<Proof, ProverError> {
        let needed = self.compiled.shape().logrows;
        if srs.s_g2() != self.verifying_key.s_g2() {
            return Err(ProverError::SrsMismatch);
        }
        if !witness.fits(self.compiled.shape()) {
            return Err(ProverError::WitnessShape);
        }
        let params = srs.prover(needed)?;
        let mut circuit =
            ModelCircuit::proof(Arc::clone(&self.compiled), Arc::new(witness.clone()));
        if let Some(overwrite) = overwrite {
            circuit = circuit.unsound_overwrite(overwrite);
        }
        let mut transcript = Blake2bWrite::<_, G1Affine, Challenge255<_>>::init(Vec::new());
        transcript
            .common_scalar(self.verifying_key.domain_separator())
            .map_err(|error| ProverError::Halo2(error.to_string()))?;
        // Inside the thread pool: from outside, each of halo2's many parallel steps would
        // put this thread to sleep and wake it again.
        rayon::scope(|_| {
            create_proof::<FixedBaseKzg, Opening<'_>, _, _, _, _>(
                params,
                &self.key,
                &[circuit],
                &[&[&witness.instance]],
                OsRng,
                &mut transcript,
            )
        })?;
        Ok(Proof {
            key: self.verifying_key.digest(),
            outputs: witness.outputs.clone(),
            transcript: transcript.finalize(),
        })
    }

    /// The key as a file: the integer model and the verifying key. Everything else is computed
    /// from them in milliseconds, so the file is small and has nothing to disagree with.
    ///
    /// # Errors
    /// None in practice: the model is always valid JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ProverError> {
        let model = serde_json::to_vec(self.compiled.model())
            .map_err(|error| ArtefactError::malformed(Kind::ProvingKey, error))?;
        let mut payload = Vec::new();
        write_block(&mut payload, &model);
        write_block(&mut payload, &self.verifying_key.to_bytes());
        Ok(seal(Kind::ProvingKey, &payload))
    }

    /// Reads a key that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// A file whose weights are not those of its verifying key can be made on purpose; its
    /// proofs are then rejected.
    ///
    /// # Errors
    /// Anything that is not a proving key of this version, or whose parts do not belong together.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProverError> {
        let malformed = |what: String| ArtefactError::malformed(Kind::ProvingKey, what);
        let mut reader = Reader::new(Kind::ProvingKey, open(Kind::ProvingKey, bytes)?);
        let model =
            serde_json::from_slice(reader.block()?).map_err(|e| malformed(e.to_string()))?;
        let verifying_key = VerifyingKey::from_bytes(reader.block()?)?;
        reader.finish()?;
        let compiled = Arc::new(CompiledModel::new(model)?);
        let statement = verifying_key.statement();
        if *compiled.shape() != statement.shape || compiled.model().output != statement.output {
            return Err(malformed("its model does not belong to its verifying key".into()).into());
        }
        let circuit = ModelCircuit::keys(Arc::clone(&compiled));
        let halo2 = verifying_key.halo2().clone();
        let key = rayon::scope(|_| keygen_pk(verifying_key.params(), halo2, &circuit))?;
        Ok(Self {
            compiled,
            key,
            verifying_key,
        })
    }
}
