//! Proving keys: setup, proofs, files.

use std::sync::Arc;

use rand_core::OsRng;
use zkassay_circuit::circuit::Overwrite;
use zkassay_circuit::{CompiledModel, ModelCircuit, Witness};
use zkassay_fixed::Visibility;
use zkassay_gadgets::Field;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::G1Affine;
use zkassay_gadgets::halo2_proofs::plonk::{self, create_proof, keygen_pk, keygen_pk_impl};
use zkassay_gadgets::halo2_proofs::transcript::{
    Blake2bWrite, Challenge255, Transcript, TranscriptWriterBuffer,
};
use zkassay_verifier::artefact::{Kind, Reader, open, seal, write_block};
use zkassay_verifier::{
    ArtefactError, Digest, Proof, PublicData, SrsOrigin, Statement, VerifyingKey,
};

use crate::scheme::{FixedBaseKzg, Opening};
use crate::{Circuit, ProverError, Srs};

/// A circuit with everything precomputed for proving it.
#[derive(Clone, Debug)]
pub struct ProvingKey {
    circuit: Circuit,
    key: plonk::ProvingKey<G1Affine>,
    verifying_key: VerifyingKey,
}

impl ProvingKey {
    /// Makes the keys of a compiled model; `model` is the SHA-256 of its ONNX file.
    ///
    /// # Errors
    /// Parameters for fewer rows than the circuit has.
    pub fn setup(srs: &Srs, compiled: CompiledModel, model: Digest) -> Result<Self, ProverError> {
        Self::setup_circuit(
            srs,
            Circuit {
                compiled: Arc::new(compiled),
                model,
                settings: [0; 32],
            },
        )
    }

    /// Makes the keys of a circuit.
    ///
    /// # Errors
    /// Parameters for fewer rows than the circuit has.
    pub fn setup_circuit(srs: &Srs, circuit: Circuit) -> Result<Self, ProverError> {
        let params = srs.prover(circuit.compiled.shape().logrows)?;
        let gates = ModelCircuit::keys(Arc::clone(&circuit.compiled));
        let key = rayon::scope(|_| keygen_pk_impl(params, None, &gates, false))?;
        let statement = statement(&circuit, srs.origin())?;
        let verifying_key = VerifyingKey::new(statement, srs.s_g2(), key.get_vk())?;
        Ok(Self {
            circuit,
            key,
            verifying_key,
        })
    }

    /// The circuit, and what it was compiled from.
    pub fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    /// The model and its layout.
    pub fn compiled(&self) -> &CompiledModel {
        &self.circuit.compiled
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
        let needed = self.compiled().shape().logrows;
        if srs.s_g2() != self.verifying_key.s_g2() {
            return Err(ProverError::SrsMismatch);
        }
        if !witness.fits(self.compiled().shape()) {
            return Err(ProverError::WitnessShape);
        }
        let params = srs.prover(needed)?;
        let mut circuit = ModelCircuit::proof(
            Arc::clone(&self.circuit.compiled),
            Arc::new(witness.clone()),
        );
        if let Some(overwrite) = overwrite {
            circuit = circuit.unsound_overwrite(overwrite);
        }
        let mut transcript = Blake2bWrite::<_, G1Affine, Challenge255<_>>::init(Vec::new());
        transcript
            .common_scalar(self.verifying_key.domain_separator())
            .map_err(|error| ProverError::Halo2(error.to_string()))?;
        let instance: Vec<&[Field]> = witness.instance.iter().map(Vec::as_slice).collect();
        // Inside the thread pool: from outside, each of halo2's many parallel steps would
        // put this thread to sleep and wake it again.
        rayon::scope(|_| {
            create_proof::<FixedBaseKzg, Opening<'_>, _, _, _, _>(
                params,
                &self.key,
                &[circuit],
                &[&instance],
                OsRng,
                &mut transcript,
            )
        })?;
        let Statement {
            shape,
            input_scale,
            output,
            ..
        } = self.verifying_key.statement();
        let Visibility {
            input: input_visibility,
            output: output_visibility,
            ..
        } = shape.visibility;
        Ok(Proof {
            key: self.verifying_key.digest(),
            input: PublicData::new(
                input_visibility,
                &witness.inputs,
                *input_scale,
                witness.input_hash,
            ),
            output: PublicData::new(
                output_visibility,
                &witness.outputs,
                output.output_scale(),
                witness.output_hash,
            ),
            transcript: transcript.finalize(),
        })
    }

    /// The key as a file: the circuit and the verifying key. Everything else is computed
    /// from them in milliseconds, so the file is small and has nothing to disagree with.
    ///
    /// # Errors
    /// None in practice: the model is always valid JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ProverError> {
        let mut payload = Vec::new();
        write_block(&mut payload, &self.circuit.to_bytes()?);
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
        let malformed = |what: &str| ArtefactError::malformed(Kind::ProvingKey, what);
        let mut reader = Reader::new(Kind::ProvingKey, open(Kind::ProvingKey, bytes)?);
        let circuit = Circuit::from_bytes(reader.block()?)?;
        let verifying_key = VerifyingKey::from_bytes(reader.block()?)?;
        reader.finish()?;
        let origin = verifying_key.statement().srs;
        if *verifying_key.statement() != statement(&circuit, origin)? {
            return Err(malformed("its circuit does not belong to its verifying key").into());
        }
        let gates = ModelCircuit::keys(Arc::clone(&circuit.compiled));
        let halo2 = verifying_key.halo2().clone();
        let key = rayon::scope(|_| keygen_pk(verifying_key.params(), halo2, &gates))?;
        Ok(Self {
            circuit,
            key,
            verifying_key,
        })
    }
}

/// What proofs of `circuit` are about.
fn statement(circuit: &Circuit, srs: SrsOrigin) -> Result<Statement, ProverError> {
    let model = circuit.compiled.model();
    Ok(Statement {
        model: circuit.model,
        circuit: circuit.digest()?,
        srs,
        shape: circuit.compiled.shape().clone(),
        input_scale: model.input_scale(),
        output: model.output,
    })
}
