//! Proofs and their verification.

use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Bn256, G1Affine};
use zkassay_gadgets::halo2_proofs::halo2curves::ff::FromUniformBytes as _;
use zkassay_gadgets::halo2_proofs::plonk::verify_proof;
use zkassay_gadgets::halo2_proofs::poly::kzg::commitment::KZGCommitmentScheme;
use zkassay_gadgets::halo2_proofs::poly::kzg::multiopen::VerifierSHPLONK;
use zkassay_gadgets::halo2_proofs::poly::kzg::strategy::SingleStrategy;
use zkassay_gadgets::halo2_proofs::transcript::{
    Blake2bRead, Challenge255, Transcript, TranscriptReadBuffer,
};
use zkassay_gadgets::{Field, field};

use crate::artefact::{ArtefactError, Kind, Reader, open, seal};
use crate::{Digest, SrsOrigin, VerifyError, VerifyingKey};

/// A proof and its public outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The [digest](VerifyingKey::digest) of the key it was made for.
    pub key: Digest,
    /// The public outputs, integers at the output map's scale.
    pub outputs: Vec<i64>,
    /// halo2's transcript.
    pub transcript: Vec<u8>,
}

impl Proof {
    /// Reads a proof.
    ///
    /// # Errors
    /// Anything that is not a proof of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtefactError> {
        let mut reader = Reader::new(Kind::Proof, open(Kind::Proof, bytes)?);
        let key = reader.array()?;
        let count = u32::from_le_bytes(reader.array()?) as usize;
        let outputs = reader
            .take(count.saturating_mul(8))?
            .chunks_exact(8)
            .map(|chunk| {
                Reader::new(Kind::Proof, chunk)
                    .array()
                    .map(i64::from_le_bytes)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            key,
            outputs,
            transcript: reader.rest().to_vec(),
        })
    }

    /// The proof as a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut payload = self.key.to_vec();
        payload.extend_from_slice(&(self.outputs.len() as u32).to_le_bytes());
        for output in &self.outputs {
            payload.extend_from_slice(&output.to_le_bytes());
        }
        payload.extend_from_slice(&self.transcript);
        seal(Kind::Proof, &payload)
    }
}

/// What an accepted proof says.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The model's outputs.
    pub outputs: Vec<f64>,
    /// SHA-256 of the model's ONNX file.
    pub model: Digest,
    /// Who made the parameters; [`SrsOrigin::UnsafeLocal`] proves nothing to a stranger.
    pub srs: SrsOrigin,
}

impl VerifyingKey {
    /// Checks a proof.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub fn verify(&self, proof: &Proof) -> Result<Verdict, VerifyError> {
        let rejected = |reason: &dyn ToString| VerifyError::Rejected {
            reason: reason.to_string(),
        };
        if proof.key != self.digest() {
            return Err(VerifyError::Key {
                expected: self.digest(),
                found: proof.key,
            });
        }
        let instance = self.instance(&proof.outputs)?;
        if !is_canonical(&proof.transcript) {
            return Err(rejected(&"a point is not encoded as it should be"));
        }
        let mut rest = proof.transcript.as_slice();
        let mut transcript = Blake2bRead::<_, G1Affine, Challenge255<_>>::init(&mut rest);
        transcript
            .common_scalar(self.domain_separator())
            .map_err(|error| rejected(&error))?;
        verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
            self.params(),
            self.halo2(),
            SingleStrategy::new(self.params()),
            &[&[&instance]],
            &mut transcript,
        )
        .map_err(|error| rejected(&error))?;
        if !rest.is_empty() {
            return Err(rejected(&format!("{} bytes are left over", rest.len())));
        }
        let statement = self.statement();
        let scale = statement.output.output_scale();
        Ok(Verdict {
            outputs: proof.outputs.iter().map(|z| scale.real(*z)).collect(),
            model: statement.model,
            srs: statement.srs,
        })
    }

    /// The instance column for the given public outputs: the ends of the
    /// intervals of accumulators that give them.
    ///
    /// # Errors
    /// The wrong number of outputs, or an output that no accumulator gives.
    pub fn instance(&self, outputs: &[i64]) -> Result<Vec<Field>, VerifyError> {
        let statement = self.statement();
        let expected = statement.shape.outputs as usize;
        if outputs.len() != expected {
            return Err(VerifyError::Outputs {
                expected,
                found: outputs.len(),
            });
        }
        let mut instance = vec![Field::ZERO; statement.shape.output_block()];
        for (index, output) in outputs.iter().enumerate() {
            let interval = statement.output.preimage(*output)?;
            for (side, end) in [interval.hi, interval.lo].into_iter().enumerate() {
                if let Some(cell) = instance.get_mut(statement.shape.output_row(side, index)) {
                    *cell = field(end.into());
                }
            }
        }
        Ok(instance)
    }

    /// What every transcript under this key starts with: the whole key, also the
    /// parts of the statement that halo2's own key does not know.
    pub fn domain_separator(&self) -> Field {
        let mut wide = [0; 64];
        for (byte, source) in wide.iter_mut().zip(self.digest()) {
            *byte = source;
        }
        Field::from_uniform_bytes(&wide)
    }
}

/// Whether the encodings of points have the flag of the identity only if they are it.
///
/// halo2curves ignores that flag on other points, so that a proof would have several
/// encodings. Scalars never have the bit.
fn is_canonical(transcript: &[u8]) -> bool {
    const IDENTITY: u8 = 0x80;
    transcript
        .chunks(32)
        .all(|element| match element.split_last() {
            Some((flags, rest)) if flags & IDENTITY != 0 => {
                *flags == IDENTITY && rest.iter().all(|byte| *byte == 0)
            }
            _ => true,
        })
}
