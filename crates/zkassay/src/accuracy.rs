//! Proofs of accuracy: so many rows of a labelled data set get their label from a model.
//!
//! [`Settings::with_count`](crate::Settings::with_count) makes the circuit one that takes a row and its
//! label, and whose proofs show how many of their rows are classified correctly, or the confusion
//! matrix. Its inputs are public (the rows are part of the proof) or hashed (their hashes are, and
//! nothing else of them). A compiled batch of `B` rows in one proof makes few proofs of many rows.
//!
//! ```
//! use zkassay::accuracy::{self, Expected};
//! use zkassay::{CalibrationOptions, CompileOptions, Count, Counting, DataVisibility, Model};
//! use zkassay::{Settings, Srs, Visibility, random_rows, setup};
//! # use ndarray::array;
//! # let onnx = zkassay_onnx::ModelBuilder::new("tiny", 2)?
//! #     .dense("layer_0", array![[0.5, -0.25]].view(), array![0.1].view())?
//! #     .encode()?;
//!
//! let model = Model::from_onnx(&onnx)?;
//! let rows = random_rows(model.inputs(), 20, 7);
//! let visibility = Visibility { input: DataVisibility::Public, ..Visibility::default() };
//! let options = CompileOptions { visibility, batch: 4, ..CompileOptions::default() };
//! let settings = Settings::new(&model, &options)
//!     .with_count(Counting { count: Count::Correct, classes: 2 })?
//!     .calibrate(&model, rows.view(), &CalibrationOptions::default())?;
//! let circuit = settings.compile(&model)?;
//! let srs = Srs::unsafe_local(circuit.compiled.logrows());
//! let key = setup(&srs, &circuit)?;
//!
//! let test = br#"{ "input_data": [[1, 2], [-3, 1], [2, 1], [0, 5], [1, 0]], "labels": [1, 0, 1, 0, 0] }"#;
//! let test = accuracy::from_json(test)?;
//! let proof = accuracy::prove(&srs, &key, &test, None, |done, total| println!("{done} of {total}"))?;
//!
//! // The verifier knows the data set, or its hash, and asks for at least 4 rows.
//! let expected = Expected { data: Some(test.hash()), correct: 4 };
//! let verdict = accuracy::verify(key.verifying_key(), &proof, &expected, None)?;
//! assert_eq!((verdict.correct, verdict.rows), (4, 5));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use ndarray::Array2;
use rand_core::{OsRng, RngCore as _};
use serde::Deserialize;
use zkassay_circuit::CompiledProgram;
use zkassay_fixed::DataVisibility;
use zkassay_gadgets::{Field, field};
use zkassay_prover::{Circuit, ProvingKey, Srs};
use zkassay_quant::{Program, QuantError};
use zkassay_verifier::accuracy::{Counted, PADDING, commitment};
use zkassay_verifier::artefact::{digest, hex};
use zkassay_verifier::{Digest, VerifyingKey};

pub use zkassay_verifier::accuracy::{
    AccuracyProof, AccuracyVerdict, Expected, TestData, TestRows,
};

use crate::{Error, InputError, InputRows, Mismatch, stages};

/// What hides the rows of a committed data set in their hashes. Whoever knows it and can guess a
/// row can find the row by its hash: keep it to yourself, and keep it, for without it nobody can
/// show what was committed.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(..)")
    }
}

impl Salt {
    /// A new one, from the operating system.
    ///
    /// # Errors
    /// [`Error::NoRandomness`].
    pub fn random() -> Result<Self, Error> {
        let mut bytes = [0; 32];
        match OsRng.try_fill_bytes(&mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(error) => Err(Error::NoRandomness {
                reason: error.to_string(),
            }),
        }
    }

    /// Reads one: 64 hexadecimal digits in a line.
    pub fn from_text(text: &str) -> Option<Self> {
        crate::hash::parse(text.trim_end()).map(Self)
    }

    /// The salt as a line of text.
    pub fn to_text(&self) -> String {
        format!("{}\n", hex(&self.0))
    }

    /// The integers of a row's salt.
    fn of_row(&self, row: usize, salt: zkassay_quant::Salt) -> Vec<u32> {
        let integer = |index: usize| {
            let place = [row as u64, index as u64].map(u64::to_le_bytes);
            let [a, b, c, d, ..] = digest(&[DOMAIN, &self.0, place.as_flattened()].concat());
            u32::from_le_bytes([a, b, c, d]) & ((1 << salt.bits) - 1)
        };
        (0..salt.inputs).map(integer).collect()
    }
}

const DOMAIN: &[u8] = b"zkassay salt of a row, version 1\0";

/// Reads a data set: `{ "input_data": [[...], ...], "labels": [0, 1, ...] }`, one label per row.
/// Rows are as in [`input`](crate::input). Any bytes are safe to pass.
///
/// # Errors
/// What is wrong, and where.
pub fn from_json(bytes: &[u8]) -> Result<TestRows, Error> {
    #[derive(Deserialize)]
    struct Labels {
        labels: Option<Vec<f64>>,
    }

    let wrong = |reason: String| Error::from(InputError::Json { reason });
    // As single numbers, to know how many there are.
    let values = InputRows::from_json(bytes, 1)?.view().len();
    let Labels { labels } = serde_json::from_slice(bytes)
        .map_err(|error| wrong(format!("expected \"labels\": [0, 1, ...], {error}")))?;
    let labels = labels.ok_or_else(|| {
        wrong("the key `labels` is missing: a data set has one label (0, 1, ...) per row".into())
    })?;
    if labels.is_empty() || !values.is_multiple_of(labels.len()) {
        let rows = labels.len();
        return Err(wrong(format!(
            "there are {rows} labels for rows of {values} numbers altogether, which is no multiple of it"
        )));
    }
    let rows: Array2<f32> = InputRows::from_json(bytes, values / labels.len())?.into();
    let label = |(row, label): (usize, &f64)| {
        let is_label =
            label.fract() == 0.0 && (0.0..=f64::from(TestRows::MAX_LABEL)).contains(label);
        match is_label {
            true => Ok(*label as u32),
            false => Err(wrong(format!(
                "label {row} is {label}, which is no class: expected 0, 1, ..."
            ))),
        }
    };
    let labels = labels.iter().enumerate().map(label);
    let labels: Vec<u32> = labels.collect::<Result<_, _>>()?;
    let (features, (values, _)) = (rows.ncols(), rows.into_raw_vec_and_offset());
    TestRows::new(features, values, labels)
        .ok_or_else(|| wrong("it has more rows than can be counted".into()))
}

/// A program that counts, and what its rows consist of.
struct Counter<'a> {
    compiled: &'a CompiledProgram,
    /// Numbers of the model's own input.
    features: usize,
    /// What hides the rows, if they are hashed.
    salt: Option<(zkassay_quant::Salt, &'a Salt)>,
}

impl<'a> Counter<'a> {
    /// Of a circuit for proofs of accuracy.
    fn new(compiled: &'a zkassay_circuit::Compiled, salt: Option<&'a Salt>) -> Result<Self, Error> {
        let options = compiled.options();
        let program = compiled.program().filter(|_| options.totals);
        let compiled = program.ok_or(Error::NotAccuracy)?;
        let program = compiled.program();
        let salt = match (options.visibility.input, salt) {
            (DataVisibility::Hashed, Some(salt)) => Some((program.salt(), salt)),
            (DataVisibility::Hashed, None) => return Err(Error::NoSalt),
            _ => None,
        };
        let others = 1 + salt.map_or(0, |(salt, _)| salt.inputs);
        let features = program.row_length().checked_sub(others);
        let features = features.filter(|features| program.labelled && *features > 0);
        Ok(Self {
            compiled,
            features: features.ok_or(Error::NotAccuracy)?,
            salt,
        })
    }

    fn program(&self) -> &Program {
        self.compiled.program()
    }

    /// What the circuit takes for each row of a data set.
    ///
    /// # Errors
    /// Rows of another length, or one that cannot be evaluated, by its number.
    fn rows(&self, test: &TestRows) -> Result<Vec<Vec<f32>>, Error> {
        if test.features() != self.features {
            return Err(Error::from(QuantError::RowLength {
                input: self.program().input.clone(),
                expected: self.features,
                found: test.features(),
            }));
        }
        let row = |(index, (row, label)): (usize, (&[f32], u32))| {
            let salt = self.salt.map(|(salt, secret)| secret.of_row(index, salt));
            let salt = salt.into_iter().flatten();
            let mut numbers = row.to_vec();
            numbers.extend(salt.map(|integer| self.program().salt_real(integer)));
            numbers.push(label as f32);
            match self.program().evaluate(&numbers) {
                Ok(_) => Ok(numbers),
                Err(error) => Err(Error::Row {
                    row: index,
                    error: Box::new(error.into()),
                }),
            }
        };
        test.rows().enumerate().map(row).collect()
    }

    /// What it takes for a lane without a row, after the last of `rows`.
    fn padding(&self, rows: &[Vec<f32>]) -> Vec<f32> {
        let others = self.program().row_length() - 1;
        let mut padding = match (&self.salt, rows.last()) {
            (None, Some(last)) => last.clone(),
            _ => self.program().zeros(others),
        };
        padding.truncate(others);
        padding.push(PADDING as f32);
        padding
    }
}

/// Proves how many rows of a data set a key's model classifies correctly.
///
/// Every row is evaluated before the first proof is made. `progress` is told how many proofs are
/// done, and of how many, from none on. A `salt` is needed if the key's inputs are hashed, and is
/// not used otherwise.
///
/// # Errors
/// A key of something else, rows of the wrong length, [`Error::Row`] for one outside the calibrated
/// range, a missing salt, or parameters other than those of the setup.
pub fn prove(
    srs: &Srs,
    key: &ProvingKey,
    test: &TestRows,
    salt: Option<&Salt>,
    mut progress: impl FnMut(usize, usize),
) -> Result<AccuracyProof, Error> {
    let counter = Counter::new(key.compiled(), salt)?;
    let rows = counter.rows(test)?;
    let padding = counter.padding(&rows);
    let lanes = key.compiled().batch().max(1);
    let total = rows.len().div_ceil(lanes);
    let (mut proofs, mut hashes) = (Vec::with_capacity(total), Vec::new());
    for chunk in rows.chunks(lanes) {
        progress(proofs.len(), total);
        let mut full = chunk.to_vec();
        full.resize(lanes, padding.clone());
        let witness = key.compiled().witness_batch(&full).map_err(|error| {
            match full.len() == chunk.len() {
                true => Error::from(error),
                false => Error::Padding {
                    rows: rows.len(),
                    lanes,
                    error: Box::new(error.into()),
                },
            }
        })?;
        let totals = witness.outputs().to_vec();
        hashes.extend(witness.input_hashes().into_iter().take(chunk.len()));
        let proof = key.prove(srs, witness)?;
        proofs.push(Counted {
            totals,
            transcript: proof.transcript,
        });
    }
    progress(proofs.len(), total);
    Ok(AccuracyProof {
        key: key.verifying_key().digest(),
        data: match counter.salt {
            Some(_) => TestData::Hashes(hashes),
            None => TestData::Rows(test.clone()),
        },
        proofs,
    })
}

/// Checks a proof of accuracy. A `circuit` has to be that of the key; it is needed for public
/// rows of a model made of decision trees, whose thresholds the key does not know.
///
/// # Errors
/// A proof for another key, a circuit of another key, or a proof that is not accepted.
pub fn verify(
    key: &VerifyingKey,
    proof: &AccuracyProof,
    expected: &Expected,
    circuit: Option<&Circuit>,
) -> Result<AccuracyVerdict, Error> {
    let program = match circuit {
        Some(circuit) => Some(program_of(key, circuit)?),
        None => None,
    };
    let verdict = match program {
        None => key.verify_accuracy(proof, expected),
        Some(program) => key.verify_accuracy_with(proof, expected, |row| {
            // With any label, which is left out again.
            let mut integers = program.quantize(&[row, &[0.0]].concat()).ok()?;
            integers.pop();
            Some(integers)
        }),
    };
    verdict.map_err(|error| stages::of_key("the proof of accuracy", error))
}

/// The program of a circuit that a key has to belong to.
fn program_of<'a>(key: &VerifyingKey, circuit: &'a Circuit) -> Result<&'a Program, Error> {
    let (found, expected) = (key.statement().circuit, circuit.digest()?);
    if found != expected {
        return Err(Mismatch {
            what: "the verifying key",
            of: "circuit",
            found,
            other: "the compiled circuit",
            expected,
            again: "get the circuit that the key was made for, or compile it",
        }
        .into());
    }
    let program = circuit
        .compiled
        .program()
        .map(|compiled| compiled.program());
    program
        .filter(|program| program.labelled)
        .ok_or(Error::NotAccuracy)
}

/// The hash of a data set as a circuit with hashed inputs commits to it.
///
/// # Errors
/// A circuit that does not count or does not hash, rows of the wrong length or outside the
/// calibrated range.
pub fn committed_hash(circuit: &Circuit, test: &TestRows, salt: &Salt) -> Result<Digest, Error> {
    let counter = Counter::new(&circuit.compiled, Some(salt))?;
    let shape = counter.compiled.shape();
    let sponge = shape.input_sponge().ok_or(Error::NotAccuracy)?;
    let half = 1i128 << (shape.input_bits() - 1);
    let hash = |row: &Vec<f32>| -> Result<Field, Error> {
        let integers = counter.program().quantize(row)?;
        let shifted = integers.iter().map(|x| field(i128::from(*x) + half));
        Ok(sponge.hash(&shifted.collect::<Vec<_>>()))
    };
    let rows = counter.rows(test)?;
    let hashes: Vec<Field> = rows.iter().map(hash).collect::<Result<_, _>>()?;
    Ok(commitment(&hashes))
}
