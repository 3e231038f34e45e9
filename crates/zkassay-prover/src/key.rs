//! Proving keys: setup, proofs, files.

use std::sync::Arc;

use rand_core::OsRng;
use zkassay_circuit::circuit::Overwrite;
use zkassay_circuit::{CompiledModel, ModelCircuit, Witness};
use zkassay_gadgets::halo2_proofs::SerdeFormat;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::G1Affine;
use zkassay_gadgets::halo2_proofs::plonk::{self, create_proof, keygen_pk, keygen_vk};
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
        let key = keygen_vk(params, &circuit)?;
        let key = keygen_pk(params, key, &circuit)?;
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
    /// Parameters other than those of the setup.
    pub fn prove(&self, srs: &Srs, witness: &Witness) -> Result<Proof, ProverError> {
        self.prove_circuit(srs, witness, None)
    }

    /// The proof of a prover that overwrites one advice cell; for soundness tests.
    ///
    /// # Errors
    /// As [`prove`](Self::prove).
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

    /// The key as a file: the integer model, the verifying key, halo2's key.
    ///
    /// # Errors
    /// None in practice: the model is always valid JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ProverError> {
        let model = serde_json::to_vec(self.compiled.model())
            .map_err(|error| ArtefactError::malformed(Kind::ProvingKey, error))?;
        let mut payload = Vec::new();
        write_block(&mut payload, &model);
        write_block(&mut payload, &self.verifying_key.to_bytes());
        write_block(&mut payload, &self.key.to_bytes(SerdeFormat::RawBytes));
        Ok(seal(Kind::ProvingKey, &payload))
    }

    /// Reads a key that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// Anything that is not a proving key of this version, or whose parts do not belong together.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProverError> {
        let malformed = |what: String| ArtefactError::malformed(Kind::ProvingKey, what);
        let mut reader = Reader::new(Kind::ProvingKey, open(Kind::ProvingKey, bytes)?);
        let model =
            serde_json::from_slice(reader.block()?).map_err(|e| malformed(e.to_string()))?;
        let verifying_key = VerifyingKey::from_bytes(reader.block()?)?;
        let mut halo2 = reader.block()?;
        reader.finish()?;
        let compiled = CompiledModel::new(model)?;
        let statement = verifying_key.statement();
        if *compiled.shape() != statement.shape || compiled.model().output != statement.output {
            return Err(malformed("its model does not belong to its verifying key".into()).into());
        }
        let shape = statement.shape.clone();
        let expected = halo2_length(&verifying_key);
        if halo2.len() != expected {
            return Err(malformed(format!(
                "halo2's part has {} bytes, expected {expected}",
                halo2.len()
            ))
            .into());
        }
        let key =
            plonk::ProvingKey::read::<_, ModelCircuit>(&mut halo2, SerdeFormat::RawBytes, shape)
                .map_err(|error| malformed(error.to_string()))?;
        if key.get_vk().to_bytes(SerdeFormat::Processed)
            != verifying_key.halo2().to_bytes(SerdeFormat::Processed)
        {
            return Err(
                malformed("halo2's part does not belong to its verifying key".into()).into(),
            );
        }
        Ok(Self {
            compiled: Arc::new(compiled),
            key,
            verifying_key,
        })
    }
}

/// The length of halo2's proving key, which its reader takes on trust.
fn halo2_length(key: &VerifyingKey) -> usize {
    let key = key.halo2();
    let rows = 1usize << key.get_domain().k();
    let polynomial = 4 + 32 * rows;
    let columns = key.cs().num_fixed_columns();
    // The verifying key; three Lagrange polynomials; values and coefficients of the
    // fixed columns, each list with its length; an empty permutation's three lists.
    key.to_bytes(SerdeFormat::RawBytes).len()
        + 3 * polynomial
        + 2 * (4 + columns * polynomial)
        + 2 * 4
}
