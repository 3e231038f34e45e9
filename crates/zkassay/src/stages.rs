//! The stages after compilation: mock proof, keys, proof, verdict.
//!
//! Each checks that what it is given belongs together, by the hashes that the artefacts carry.

use zkassay_circuit::{ModelCircuit, TableWitness};
use zkassay_gadgets::halo2_proofs::dev::MockProver;
use zkassay_prover::{Circuit, ProverError, ProvingKey, Srs};
use zkassay_verifier::{Proof, Verdict, VerifyError, VerifyingKey};

use crate::{Error, Mismatch, Witness};

/// Checks every gate on every row, without keys or parameters; slower than a proof.
///
/// # Errors
/// A witness of another circuit, or [`Error::Unsatisfied`] with the first failing gate.
pub fn mock(circuit: &Circuit, witness: &Witness) -> Result<(), Error> {
    let table = witness.table(&circuit.compiled, circuit.digest()?, "the compiled circuit")?;
    check(circuit, table)
}

/// Checks every gate on every row of a filled table.
fn check(circuit: &Circuit, table: TableWitness) -> Result<(), Error> {
    let instance = table.instance().to_vec();
    let logrows = circuit.compiled.logrows();
    let mocked = ModelCircuit::mock(circuit.compiled.clone(), table);
    let prover = MockProver::run(logrows, &mocked, instance).map_err(ProverError::from)?;
    prover.verify().map_err(|failures| Error::Unsatisfied {
        failures: failures.len(),
        first: failures
            .first()
            .map(ToString::to_string)
            .unwrap_or_default(),
    })
}

/// Makes the proving key of a circuit, which holds the verifying key.
///
/// # Errors
/// Parameters for fewer rows than the circuit has.
pub fn setup(srs: &Srs, circuit: &Circuit) -> Result<ProvingKey, Error> {
    Ok(ProvingKey::setup_circuit(srs, circuit.clone())?)
}

/// Proves that the circuit's model gives the witness's output.
///
/// # Errors
/// A witness of another circuit, or parameters other than those of the setup.
pub fn prove(srs: &Srs, key: &ProvingKey, witness: &Witness) -> Result<Proof, Error> {
    let circuit = key.verifying_key().statement().circuit;
    let table = witness.table(key.compiled(), circuit, "the proving key's circuit")?;
    Ok(key.prove(srs, table)?)
}

/// Checks a proof.
///
/// # Errors
/// A proof for another key, or one that is not accepted.
pub fn verify(key: &VerifyingKey, proof: &Proof) -> Result<Verdict, Error> {
    key.verify(proof)
        .map_err(|error| of_key("the proof", error))
}

/// An error of verification; where `what` belongs to another key, with advice.
pub(crate) fn of_key(what: &'static str, error: VerifyError) -> Error {
    match error {
        VerifyError::Key { expected, found } => Mismatch {
            what,
            of: "verifying key",
            found,
            other: "this verifying key",
            expected,
            again: "verify with the key that setup made together with its proving key, or prove \
                    again with this one's",
        }
        .into(),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use zkassay_circuit::CompileOptions;
    use zkassay_gadgets::Field;
    use zkassay_onnx::ModelBuilder;

    use super::*;
    use crate::{CalibrationOptions, Model, Settings};

    #[test]
    fn a_wrong_cell_is_reported_with_its_gate() {
        let onnx = ModelBuilder::new("tiny", 2)
            .and_then(|model| {
                let weights = array![[0.5, -0.25], [1.0, 2.0]];
                model.dense("first", weights.view(), array![0.1, 0.2].view())
            })
            .and_then(|model| model.relu("relu"))
            .and_then(|model| model.dense("last", array![[1.0, -1.0]].view(), array![0.0].view()))
            .and_then(ModelBuilder::encode)
            .unwrap();
        let model = Model::from_onnx(&onnx).unwrap();
        let rows = array![[1.0, 2.0], [-0.5, 0.25]];
        let settings = Settings::new(&model, &CompileOptions::default())
            .calibrate(&model, rows.view(), &CalibrationOptions::default())
            .unwrap();
        let circuit = settings.compile(&model).unwrap();
        let chain = circuit.compiled.chain().unwrap();
        let mut table = chain.witness(&[1.0, 2.0]).unwrap();
        assert!(check(&circuit, table.clone().into()).is_ok());
        let input = chain.rows().len() - 1;
        table.value[input] += Field::one();
        let error = check(&circuit, table.into()).unwrap_err();
        assert!(matches!(error, Error::Unsatisfied { .. }), "{error}");
        assert!(error.to_string().contains("first: Constraint"), "{error}");
    }
}
