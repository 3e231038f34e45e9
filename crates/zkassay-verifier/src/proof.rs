//! Proofs and their verification.

use std::ops::Range;

use zkassay_fixed::{DataVisibility, InputScales, ParamsVisibility};
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Bn256, G1Affine};
use zkassay_gadgets::halo2_proofs::halo2curves::ff::FromUniformBytes as _;
use zkassay_gadgets::halo2_proofs::plonk::verify_proof;
use zkassay_gadgets::halo2_proofs::poly::kzg::commitment::KZGCommitmentScheme;
use zkassay_gadgets::halo2_proofs::poly::kzg::multiopen::VerifierSHPLONK;
use zkassay_gadgets::halo2_proofs::poly::kzg::strategy::SingleStrategy;
use zkassay_gadgets::halo2_proofs::transcript::{
    Blake2bRead, Challenge255, Transcript, TranscriptReadBuffer,
};
use zkassay_gadgets::instance::Public;
use zkassay_gadgets::poseidon::Sponge;
use zkassay_gadgets::{Field, TableShape, field, program};

use crate::artefact::{ArtefactError, Kind, Reader, open, seal};
use crate::error::What;
use crate::{Digest, PublicData, PublicValue, SrsOrigin, Statement, VerifyError, VerifyingKey};

/// A proof and what it shows of input and output.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// The [digest](VerifyingKey::digest) of the key it was made for.
    pub key: Digest,
    /// The input.
    pub input: PublicData,
    /// The output.
    pub output: PublicData,
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
        Ok(Self {
            key: reader.array()?,
            input: PublicData::read(&mut reader)?,
            output: PublicData::read(&mut reader)?,
            transcript: reader.rest().to_vec(),
        })
    }

    /// The proof as a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut payload = self.key.to_vec();
        self.input.write(&mut payload);
        self.output.write(&mut payload);
        payload.extend_from_slice(&self.transcript);
        seal(Kind::Proof, &payload)
    }
}

/// What an accepted proof says.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The model's outputs; empty unless they are public.
    pub outputs: Vec<f64>,
    /// The model's inputs; empty unless they are public.
    pub inputs: Vec<f64>,
    /// The hash of each inference's inputs, if they are hashed.
    pub input_hashes: Vec<Field>,
    /// The hash of each inference's outputs, if they are hashed; for a chain of dense layers, of their
    /// accumulators.
    pub output_hashes: Vec<Field>,
    /// SHA-256 of the ONNX file that the key names; `None` if parameters are private, for then
    /// the proof is about no particular model.
    pub model: Option<Digest>,
    /// Who made the parameters; [`SrsOrigin::UnsafeLocal`] proves nothing to a stranger.
    pub srs: SrsOrigin,
    /// Whether the proof is about the model's weights, or about some weights
    /// ([`ParamsVisibility::Private`], unbound).
    pub params: ParamsVisibility,
}

impl VerifyingKey {
    /// Checks a proof of inferences.
    ///
    /// # Errors
    /// Why it is not accepted. [`VerifyError::Totals`] under a key for proofs of accuracy, whose
    /// outputs are counts and not a model's.
    pub fn verify(&self, proof: &Proof) -> Result<Verdict, VerifyError> {
        self.check_key(&proof.key)?;
        if self.statement().shape.totals() {
            return Err(VerifyError::Totals);
        }
        self.verify_any(proof)
    }

    /// That something was made for this key.
    pub(crate) fn check_key(&self, found: &Digest) -> Result<(), VerifyError> {
        match *found == self.digest() {
            true => Ok(()),
            false => Err(VerifyError::Key {
                expected: self.digest(),
                found: *found,
            }),
        }
    }

    /// That a transcript has at least the commitments to the columns that the prover fills. Whatever
    /// is allocated for each inference of a proof is less than these: where it is checked
    /// first, memory is bounded by the length of a file.
    pub(crate) fn check_length(&self, transcript: &[u8]) -> Result<(), VerifyError> {
        let least = ELEMENT_BYTES * self.halo2().cs().num_advice_columns();
        match transcript.len() {
            found if found < least => Err(VerifyError::Rejected {
                reason: format!("it has {found} bytes, fewer than {least}"),
            }),
            _ => Ok(()),
        }
    }

    /// Checks a proof, whatever its outputs are: a model's, or, under a key for totals, sums over all
    /// inferences of the proof, whose verdict says nothing of any one of them.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub fn verify_any(&self, proof: &Proof) -> Result<Verdict, VerifyError> {
        let rejected = |reason: &dyn ToString| VerifyError::Rejected {
            reason: reason.to_string(),
        };
        self.check_key(&proof.key)?;
        self.check_length(&proof.transcript)?;
        let instance = self.instance(&proof.input, &proof.output)?;
        if !is_canonical(&proof.transcript) {
            return Err(rejected(&"a point is not encoded as it should be"));
        }
        let mut rest = proof.transcript.as_slice();
        let mut transcript = Blake2bRead::<_, G1Affine, Challenge255<_>>::init(&mut rest);
        transcript
            .common_scalar(self.domain_separator())
            .map_err(|error| rejected(&error))?;
        let columns: Vec<&[Field]> = instance.iter().map(Vec::as_slice).collect();
        // Inside the thread pool: from outside, each of halo2's many parallel steps would put
        // this thread to sleep and wake it again, a third of the time.
        rayon::scope(|_| {
            verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
                self.params(),
                self.halo2(),
                SingleStrategy::new(self.params()),
                &[&columns],
                &mut transcript,
            )
        })
        .map_err(|error| rejected(&error))?;
        if !rest.is_empty() {
            return Err(rejected(&format!("{} bytes are left over", rest.len())));
        }
        let statement = self.statement();
        Ok(Verdict {
            outputs: proof.output.reals(),
            inputs: proof.input.reals(),
            input_hashes: proof.input.hashes(),
            output_hashes: proof.output.hashes(),
            model: match statement.shape.visibility().params {
                ParamsVisibility::Fixed => Some(statement.model),
                ParamsVisibility::Private => None,
            },
            srs: statement.srs,
            params: statement.shape.visibility().params,
        })
    }

    /// The hash that a proof of this input shows, if inputs are hashed: to check values that the
    /// prover reveals later. `integers` are those of one inference, at the [statement](Statement)'s input scales;
    /// a proof of several has one hash for each.
    ///
    /// `None` if inputs are not hashed, or for integers that are not an input of the model.
    pub fn hash_of_input(&self, integers: &[i64]) -> Option<Field> {
        let shape = &self.statement().shape;
        let sponge = match shape {
            TableShape::Chain(shape) => shape.input_sponge(),
            TableShape::Program(shape) => shape.input_sponge(),
        };
        hash(sponge?, integers, half_of(shape.input_bits())?)
    }

    /// The hash that a proof of these outputs shows, if outputs are hashed. For a chain of dense layers
    /// `integers` are the accumulators of the last layer, at the output map's accumulator scale; for any other
    /// model, the outputs of one inference at their scale.
    ///
    /// `None` if outputs are not hashed, or for integers that are not outputs of the model.
    pub fn hash_of_output(&self, integers: &[i64]) -> Option<Field> {
        let Statement { shape, output, .. } = self.statement();
        match shape {
            TableShape::Chain(shape) => {
                let bound = i128::from(output.bound());
                hash(shape.output_sponge()?, integers, -bound..bound + 1)
            }
            TableShape::Program(shape) => {
                let range = half_of(shape.output_bits())?;
                hash(shape.output_sponge()?, integers, range)
            }
        }
    }

    /// The instance columns for what a proof shows.
    ///
    /// # Errors
    /// Another visibility than the key's, the wrong number of values, a real number that is not
    /// what its integer stands for, or an output that no accumulator gives.
    pub fn instance(
        &self,
        input: &PublicData,
        output: &PublicData,
    ) -> Result<Vec<Vec<Field>>, VerifyError> {
        let Statement {
            shape,
            input_scales,
            output: map,
            ..
        } = self.statement();
        check(
            What::Input,
            input,
            shape.visibility().input,
            (shape.public_inputs(), shape.lanes()),
            input_scales,
        )?;
        let scale = map.output_scale().into();
        check(
            What::Output,
            output,
            shape.visibility().output,
            (shape.public_outputs(), shape.lanes()),
            &scale,
        )?;
        let shape = match shape {
            TableShape::Program(shape) => {
                let public = program::Public {
                    inputs: input.integers(),
                    outputs: output.integers(),
                    input_hashes: input.hashes(),
                    output_hashes: output.hashes(),
                };
                return Ok(public.columns(shape));
            }
            TableShape::Chain(shape) => shape,
        };
        let intervals = match output {
            PublicData::Values(values) => values
                .iter()
                .map(|value| map.preimage(value.integer))
                .collect::<Result<_, _>>()?,
            PublicData::Private | PublicData::Hashes(_) => {
                vec![map.range(); shape.outputs as usize]
            }
        };
        let public = Public {
            intervals,
            inputs: input.integers(),
            input_hash: input.hashes().first().copied(),
            output_hash: output.hashes().first().copied(),
        };
        Ok(public.columns(shape))
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

/// The hash of integers in a range, as many as the sponge takes.
fn hash(sponge: Sponge, integers: &[i64], range: Range<i128>) -> Option<Field> {
    let in_range = |integer: &i64| range.contains(&i128::from(*integer));
    let fits = integers.len() == sponge.count && integers.iter().all(in_range);
    let shifted = |integer: &i64| field(i128::from(*integer) - range.start);
    fits.then(|| sponge.hash(&integers.iter().map(shifted).collect::<Vec<_>>()))
}

/// Signed integers of so many bits.
fn half_of(bits: u32) -> Option<Range<i128>> {
    let half = 1i128.checked_shl(bits.checked_sub(1)?)?;
    Some(-half..half)
}

/// That what a proof shows of its input or output is what the key asks for: so many values, or hashes.
fn check(
    what: What,
    data: &PublicData,
    expected: DataVisibility,
    (count, hashes): (usize, usize),
    scales: &InputScales,
) -> Result<(), VerifyError> {
    if data.visibility() != expected {
        let found = data.visibility();
        return Err(VerifyError::Visibility {
            what,
            expected,
            found,
        });
    }
    let values = match data {
        PublicData::Private => return Ok(()),
        PublicData::Hashes(found) if found.len() == hashes => return Ok(()),
        PublicData::Hashes(found) => {
            return Err(VerifyError::Hashes {
                what,
                expected: hashes,
                found: found.len(),
            });
        }
        PublicData::Values(values) => values,
    };
    if values.len() != count {
        return Err(VerifyError::Count {
            what,
            expected: count,
            found: values.len(),
        });
    }
    let real = |(index, value): (usize, &PublicValue)| scales.of(index).real(value.integer);
    let is_wrong = |value: &(usize, &PublicValue)| value.1.real.to_bits() != real(*value).to_bits();
    match values.iter().enumerate().find(is_wrong) {
        Some((index, value)) => Err(VerifyError::Real {
            what,
            integer: value.integer,
            expected: real((index, value)),
            found: value.real,
        }),
        None => Ok(()),
    }
}

/// Bytes of a point or a scalar in a transcript.
const ELEMENT_BYTES: usize = 32;

/// Whether the encodings of points have the flag of the identity only if they are it.
///
/// halo2curves ignores that flag on other points, so that a proof would have several
/// encodings. Scalars never have the bit.
fn is_canonical(transcript: &[u8]) -> bool {
    const IDENTITY: u8 = 0x80;
    transcript
        .chunks(ELEMENT_BYTES)
        .all(|element| match element.split_last() {
            Some((flags, rest)) if flags & IDENTITY != 0 => {
                *flags == IDENTITY && rest.iter().all(|byte| *byte == 0)
            }
            _ => true,
        })
}
