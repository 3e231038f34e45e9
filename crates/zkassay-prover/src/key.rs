//! Proving keys: setup, proofs, files.

use rand_chacha::ChaCha20Rng;
use rand_core::{OsRng, SeedableRng as _};
use zkassay_circuit::CircuitError;
use zkassay_circuit::circuit::Overwrite;
use zkassay_circuit::{Compiled, TableWitness};
use zkassay_fixed::Visibility;
use zkassay_gadgets::halo2_proofs::plonk::{Challenge, ConstraintSystem};
use zkassay_gadgets::halo2_proofs::transcript::{Transcript as _, TranscriptWriterBuffer as _};
use zkassay_gadgets::{Field, TableColumns};
use zkassay_verifier::artefact::{Kind, Reader, open, seal, write_block};
use zkassay_verifier::{
    ArtefactError, Digest, Proof, PublicData, SrsOrigin, Statement, VerifyingKey,
};

use crate::prove::fixed::FixedColumns;
use crate::prove::{self, Phase, Writer};
use crate::{Circuit, ProverError, Srs};

/// A circuit with everything precomputed for proving it.
#[derive(Clone, Debug)]
pub struct ProvingKey {
    circuit: Circuit,
    columns: TableColumns,
    fixed: FixedColumns,
    verifying_key: VerifyingKey,
}

impl ProvingKey {
    /// Makes the keys of a compiled model; `model` is the SHA-256 of its ONNX file.
    ///
    /// # Errors
    /// Parameters for fewer rows than the circuit has.
    pub fn setup(
        srs: &Srs,
        compiled: impl Into<Compiled>,
        model: Digest,
    ) -> Result<Self, ProverError> {
        Self::setup_circuit(
            srs,
            Circuit {
                compiled: compiled.into(),
                model,
                settings: [0; 32],
                interface: Default::default(),
            },
        )
    }

    /// Makes the keys of a circuit.
    ///
    /// # Errors
    /// Parameters for fewer rows than the circuit has.
    pub fn setup_circuit(srs: &Srs, circuit: Circuit) -> Result<Self, ProverError> {
        let committer = srs.committer(circuit.compiled.logrows())?;
        let (columns, values) = fixed_values(&circuit);
        let commitments = prove::commit(&values, |values| committer.commit_values(values));
        let statement = statement(&circuit, srs.origin())?;
        let verifying_key = VerifyingKey::new(statement, srs.s_g2(), &commitments)?;
        Ok(Self::from_parts(circuit, columns, values, verifying_key))
    }

    fn from_parts(
        circuit: Circuit,
        columns: TableColumns,
        values: Vec<Vec<Field>>,
        verifying_key: VerifyingKey,
    ) -> Self {
        let logrows = circuit.compiled.logrows();
        let fixed = FixedColumns::new(verifying_key.halo2().cs(), logrows, values);
        Self {
            circuit,
            columns,
            fixed,
            verifying_key,
        }
    }

    /// The circuit, and what it was compiled from.
    pub fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    /// The model and its layout.
    pub fn compiled(&self) -> &Compiled {
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
    pub fn prove(&self, srs: &Srs, witness: impl Into<TableWitness>) -> Result<Proof, ProverError> {
        self.prove_circuit(srs, &witness.into(), None)
    }

    /// The proof of a prover that overwrites one advice cell; for soundness tests.
    ///
    /// # Errors
    /// As [`prove`](Self::prove).
    #[doc(hidden)]
    pub fn unsound_prove(
        &self,
        srs: &Srs,
        witness: impl Into<TableWitness>,
        overwrite: Overwrite,
    ) -> Result<Proof, ProverError> {
        self.prove_circuit(srs, &witness.into(), Some(overwrite))
    }

    fn prove_circuit(
        &self,
        srs: &Srs,
        witness: &TableWitness,
        overwrite: Option<Overwrite>,
    ) -> Result<Proof, ProverError> {
        let shape = self.compiled().shape();
        let needed = shape.logrows();
        if srs.s_g2() != self.verifying_key.s_g2() {
            return Err(ProverError::SrsMismatch);
        }
        if !witness.fits(&shape) {
            return Err(ProverError::WitnessShape);
        }
        let committer = srs.committer(needed)?;
        let compiled = self.compiled();
        let columns = &self.columns;
        let is_missing = |overwrite: Overwrite| {
            let system = self.verifying_key.halo2().cs();
            overwrite.column >= system.num_advice_columns() || overwrite.row > shape.last_row()
        };
        if overwrite.is_some_and(is_missing) {
            return Err(ProverError::WitnessShape);
        }
        // What a dishonest prover adds to the cells of a phase.
        let tampered = |mut phase: Phase| {
            let cell = overwrite.and_then(|overwrite| {
                let column = phase
                    .iter_mut()
                    .find(|(index, _)| *index == overwrite.column);
                Some((column?.1.get_mut(overwrite.row)?, overwrite.delta))
            });
            if let Some((cell, delta)) = cell {
                *cell += delta;
            }
            phase
        };
        let first = witness.first_phase(columns).into_iter();
        let second = |challenges: &[Field]| {
            let value = |challenge: Challenge| challenges[challenge.index()];
            let phase = witness.second_phase(compiled, columns, value);
            tampered(
                phase
                    .into_iter()
                    .map(|(column, cells)| (column.index(), cells))
                    .collect(),
            )
        };
        let proved = prove::Statement {
            instance: witness.instance(),
            first: tampered(
                first
                    .map(|(column, cells)| (column.index(), cells.to_vec()))
                    .collect(),
            ),
            second: &second,
        };
        let mut transcript = Writer::init(Vec::new());
        transcript
            .common_scalar(self.verifying_key.domain_separator())
            .map_err(|error| ProverError::Halo2(error.to_string()))?;
        let rng = ChaCha20Rng::from_rng(OsRng).map_err(|e| ProverError::Halo2(e.to_string()))?;
        let key = self.verifying_key.halo2();
        // Inside the thread pool: from outside, each of the many parallel steps would put this
        // thread to sleep and wake it again.
        let mut result = Ok(());
        rayon::scope(|_| {
            result = prove::prove(committer, key, &self.fixed, proved, rng, &mut transcript);
        });
        result?;
        let Statement {
            shape,
            input_scales,
            output,
            ..
        } = self.verifying_key.statement();
        let Visibility {
            input: input_visibility,
            output: output_visibility,
            ..
        } = shape.visibility();
        Ok(Proof {
            key: self.verifying_key.digest(),
            input: PublicData::new(
                input_visibility,
                witness.inputs(),
                input_scales,
                witness.input_hashes(),
            ),
            output: PublicData::new(
                output_visibility,
                witness.outputs(),
                output.output_scale(),
                witness.output_hashes(),
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
        let (columns, values) = fixed_values(&circuit);
        Ok(Self::from_parts(circuit, columns, values, verifying_key))
    }
}

/// The columns of a circuit's table, and the values of the fixed ones.
fn fixed_values(circuit: &Circuit) -> (TableColumns, Vec<Vec<Field>>) {
    let mut system = ConstraintSystem::default();
    let columns = circuit.compiled.shape().configure(&mut system);
    let count = system.num_fixed_columns();
    let values = circuit.compiled.fixed_columns(&columns, count);
    (columns, values)
}

/// What proofs of `circuit` are about.
fn statement(circuit: &Circuit, srs: SrsOrigin) -> Result<Statement, ProverError> {
    let compiled = &circuit.compiled;
    Ok(Statement {
        model: circuit.model,
        circuit: circuit.digest()?,
        srs,
        shape: compiled.shape(),
        input_scales: compiled.input_scales(),
        output: compiled.output_map().map_err(CircuitError::from)?,
    })
}
