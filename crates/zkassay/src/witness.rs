//! An input, and what the circuit makes of it.
//!
//! The file holds the input in reals and in the circuit's integers, and the output in both. The
//! columns of the proof's table are computed from it when they are needed, which takes
//! microseconds; a file whose integers are not those of its input is refused.

use serde::{Deserialize, Serialize};
use zkassay_circuit::{CircuitError, Compiled, TableWitness};
use zkassay_prover::Circuit;
use zkassay_verifier::Digest;

use crate::document::{self, DocumentError, DocumentKind};
use crate::{Error, Mismatch, columns};

/// One input for one circuit, a JSON file of the pipeline. It holds the input: keep it to
/// yourself if the input is a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    kind: DocumentKind,
    version: u32,
    /// The compiled circuit's hash.
    #[serde(with = "crate::hash")]
    circuit: Digest,
    input: Vec<f32>,
    input_integers: Vec<i64>,
    output: Vec<f64>,
    output_integers: Vec<i64>,
}

impl Witness {
    /// Evaluates a circuit's integer model on one row of reals.
    ///
    /// # Errors
    /// A row of the wrong length, a value outside the calibrated range, or a circuit for several
    /// rows or for totals.
    pub fn new(circuit: &Circuit, row: &[f32]) -> Result<Self, Error> {
        Self::check(&circuit.compiled)?;
        let interface = &circuit.interface;
        columns::check(interface, row)?;
        let table = circuit.compiled.witness(row);
        let table = table.map_err(|error| columns::named(interface, error))?;
        Ok(Self::of(&circuit.compiled, circuit.digest()?, row, &table)?)
    }

    /// That a circuit has witnesses: it takes one row, and shows what it gives for it.
    ///
    /// # Errors
    /// A circuit for several rows, or for totals.
    pub fn check(compiled: &Compiled) -> Result<(), Error> {
        match compiled.batch() {
            _ if compiled.options().totals => Err(Error::Totals),
            1 => Ok(()),
            batch => Err(Error::Witness { batch }),
        }
    }

    /// The witness of a filled table.
    fn of(
        compiled: &Compiled,
        circuit: Digest,
        row: &[f32],
        table: &TableWitness,
    ) -> Result<Self, CircuitError> {
        let scale = compiled.output_map()?.output_scale();
        Ok(Self {
            kind: DocumentKind::Witness,
            version: DocumentKind::VERSION,
            circuit,
            input: row.to_vec(),
            input_integers: table.inputs().to_vec(),
            output: table.outputs().iter().map(|z| scale.real(*z)).collect(),
            output_integers: table.outputs().to_vec(),
        })
    }

    /// Reads a witness.
    ///
    /// # Errors
    /// Anything that is not a witness file of this version.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        let witness: Self = document::read(DocumentKind::Witness, bytes)?;
        match witness.input.iter().find(|value| !value.is_finite()) {
            Some(_) => {
                let what = "its input has a value beyond float32";
                Err(DocumentError::invalid(DocumentKind::Witness, what).into())
            }
            None => Ok(witness),
        }
    }

    /// The witness as a file.
    pub fn to_json(&self) -> Vec<u8> {
        document::write(self)
    }

    /// The hash of the circuit that it is for.
    pub fn circuit(&self) -> Digest {
        self.circuit
    }

    /// The input, in reals.
    pub fn input(&self) -> &[f32] {
        &self.input
    }

    /// The output, in reals.
    pub fn output(&self) -> &[f64] {
        &self.output
    }

    /// The output, integers at the output's scale.
    pub fn output_integers(&self) -> &[i64] {
        &self.output_integers
    }

    /// The filled table for a circuit with the given hash.
    ///
    /// # Errors
    /// A witness of another circuit, or whose integers are not those of its input.
    pub(crate) fn table(
        &self,
        compiled: &Compiled,
        circuit: Digest,
        holder: &'static str,
    ) -> Result<TableWitness, Error> {
        if self.circuit != circuit {
            return Err(Mismatch {
                what: "the witness",
                of: "circuit",
                found: self.circuit,
                other: holder,
                expected: circuit,
                again: "run gen-witness for this circuit, or setup for the witness's",
            }
            .into());
        }
        Self::check(compiled)?;
        let table = compiled.witness(&self.input)?;
        if Self::of(compiled, circuit, &self.input, &table)? != *self {
            let what = "its integers or outputs are not those of its input: run gen-witness again";
            return Err(DocumentError::invalid(DocumentKind::Witness, what).into());
        }
        Ok(table)
    }
}
