//! One model through all stages.

use std::time::{Duration, Instant};

use ndarray::ArrayView2;
use zkassay::{
    CalibrationOptions, CompileOptions, ImportOptions, Model, Proof, PublicData, Settings, Srs,
    VerifyingKey, Witness, prove, setup, verify,
};
use zkassay_graph::GraphError;

use crate::fixture::Fixture;

/// How far a model came.
#[derive(Debug)]
pub(crate) enum Measured {
    /// It is not imported, for this reason.
    Refused(String),
    /// It is.
    Imported(Imported),
}

/// What became of an imported model.
#[derive(Debug)]
pub(crate) struct Imported {
    /// The greatest difference from onnxruntime, in parts of the greater of 1 and its result; or
    /// why a row could not be evaluated.
    pub float: Result<f64, String>,
    /// The greatest error of the integer model on the rows, in parts of the output's magnitude; or why
    /// there is none.
    pub integer: Option<Result<f64, String>>,
    /// A proof of the first row; or why there is none.
    pub proof: Option<Result<Proved, String>>,
}

/// A proof that was accepted, and changed ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proved {
    pub prove: Duration,
    pub verify: Duration,
    /// log2 of the table's rows.
    pub logrows: u32,
    /// Changed proofs that were tried, and those of them that were refused.
    pub forged: usize,
    pub caught: usize,
}

impl Measured {
    /// The result in a line.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Refused(reason) => format!("refused: {reason:.90}"),
            Self::Imported(imported) => {
                let number = |result: &Result<f64, String>| match result {
                    Ok(number) => format!("{number:.1e}"),
                    Err(reason) => reason.clone(),
                };
                let integer = imported.integer.as_ref().map_or(String::new(), number);
                let proof = match &imported.proof {
                    None => String::new(),
                    Some(Ok(proved)) => format!("{:.1?}", proved.prove),
                    Some(Err(reason)) => reason.clone(),
                };
                format!("{} {integer} {proof}", number(&imported.float))
            }
        }
    }
}

/// Takes a model as far as it goes.
pub(crate) fn measure(fixture: &Fixture, proofs: bool) -> Measured {
    let model = match imported(fixture) {
        Ok(model) => model,
        Err(error) => return Measured::Refused(error.to_string()),
    };
    let interface = &model.graph().interface;
    let (rows, expected) = match (fixture.numbers(interface), fixture.results(interface)) {
        (Ok(rows), Ok(expected)) => (rows, expected),
        (Err(error), _) | (_, Err(error)) => {
            return Measured::Imported(Imported {
                float: Err(error.to_string()),
                integer: None,
                proof: None,
            });
        }
    };
    let float = float_difference(&model, rows.view(), &expected);
    let (integer, proof) = match calibrated(&model, rows.view()) {
        Err(error) => (Err(error.to_string()), None),
        Ok((settings, error)) => {
            let row = rows.row(0).to_vec();
            let proof = proofs.then(|| proved(&model, &settings, &row).map_err(|e| e.to_string()));
            (Ok(error), proof)
        }
    };
    Measured::Imported(Imported {
        float,
        integer: Some(integer),
        proof,
    })
}

/// The model as it is; of several outputs, the one that is compared.
fn imported(fixture: &Fixture) -> Result<Model, zkassay::Error> {
    match Model::from_onnx(&fixture.bytes) {
        Err(zkassay::Error::Graph(GraphError::SeveralOutputs { .. })) => {
            let options = ImportOptions {
                output: Some(fixture.output.clone()),
                ..ImportOptions::default()
            };
            Model::from_onnx_with(&fixture.bytes, &options)
        }
        other => other,
    }
}

fn float_difference(
    model: &Model,
    rows: ArrayView2<'_, f32>,
    expected: &[Vec<f64>],
) -> Result<f64, String> {
    let mut greatest = 0f64;
    for (row, expected) in rows.outer_iter().zip(expected) {
        let found = model.graph().evaluate(row).map_err(|e| e.to_string())?;
        if found.len() != expected.len() {
            let (found, expected) = (found.len(), expected.len());
            return Err(format!("{found} results, expected {expected}"));
        }
        for (found, expected) in found.into_iter().zip(expected) {
            let difference = (f64::from(found) - expected).abs() / expected.abs().max(1.0);
            if !difference.is_finite() {
                return Err(format!("a result is {found}, expected {expected}"));
            }
            greatest = greatest.max(difference);
        }
    }
    Ok(greatest)
}

/// Settings for the rows, and their greatest error.
fn calibrated(model: &Model, rows: ArrayView2<'_, f32>) -> Result<(Settings, f64), zkassay::Error> {
    let settings = Settings::new(model, &CompileOptions::default());
    let settings = settings.calibrate(model, rows, &CalibrationOptions::default())?;
    let error = settings.calibration().map_or(0.0, |c| c.fidelity.max_parts);
    Ok((settings, error))
}

/// Proves a row, verifies it from bytes, and tries changed proofs.
fn proved(model: &Model, settings: &Settings, row: &[f32]) -> Result<Proved, zkassay::Error> {
    let circuit = settings.compile(model)?;
    let witness = Witness::new(&circuit, row)?;
    let logrows = circuit.compiled.shape().logrows();
    let srs = Srs::unsafe_local(logrows);
    let key = setup(&srs, &circuit)?;
    let start = Instant::now();
    let proof = prove(&srs, &key, &witness)?;
    let proving = start.elapsed();

    let verifying = VerifyingKey::from_bytes(&key.verifying_key().to_bytes())?;
    let proof = Proof::from_bytes(&proof.to_bytes())?;
    let start = Instant::now();
    verify(&verifying, &proof)?;
    let verified = start.elapsed();

    let forged = forgeries(&proof, &verifying);
    let caught = forged.iter().filter(|f| verify(&verifying, f).is_err());
    Ok(Proved {
        prove: proving,
        verify: verified,
        logrows,
        caught: caught.count(),
        forged: forged.len(),
    })
}

/// The proof with its first and its last output one greater and one less, and with changed bytes.
fn forgeries(proof: &Proof, key: &VerifyingKey) -> Vec<Proof> {
    let integers = proof.output.integers();
    let scale = key.statement().output.output_scale();
    let mut forged = Vec::new();
    let ends = [Some(0), integers.len().checked_sub(1)];
    for index in ends.into_iter().flatten() {
        for step in [-1, 1] {
            let mut changed = integers.clone();
            if let Some(value) = changed.get_mut(index) {
                *value += step;
                let output = PublicData::values(&changed, scale);
                forged.push(Proof {
                    output,
                    ..proof.clone()
                });
            }
        }
    }
    for part in 0..4 {
        let mut changed = proof.clone();
        let place = changed.transcript.len() * (2 * part + 1) / 8;
        if let Some(byte) = changed.transcript.get_mut(place) {
            *byte ^= 1;
            forged.push(changed);
        }
    }
    forged
}
