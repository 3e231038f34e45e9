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

use rand_core::{OsRng, RngCore as _};
use serde::Deserialize;
use zkassay_circuit::CompiledProgram;
use zkassay_fixed::DataVisibility;
use zkassay_gadgets::{Field, field};
use zkassay_prover::{Circuit, ProvingKey, Srs};
use zkassay_quant::{Kind, Program, QuantError, Sum};
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
/// Rows are as in [`input`](crate::input), but each element is one. Any bytes are safe to pass.
///
/// # Errors
/// What is wrong, and where.
pub fn from_json(bytes: &[u8]) -> Result<TestRows, Error> {
    #[derive(Deserialize)]
    struct Labels {
        labels: Option<Vec<f64>>,
    }

    let wrong = |reason: String| Error::from(InputError::Labels { reason });
    let rows = InputRows::of_any_length(bytes).map_err(|error| match error {
        InputError::Json { reason } => InputError::Labels { reason },
        error => error,
    })?;
    let Labels { labels } =
        serde_json::from_slice(bytes).map_err(|error| wrong(format!("of `labels`: {error}")))?;
    let labels = labels.ok_or_else(|| {
        wrong("the key `labels` is missing: a data set has one label (0, 1, ...) per row".into())
    })?;
    if labels.len() != rows.len() {
        let (rows, labels) = (rows.len(), labels.len());
        return Err(wrong(format!("it has {rows} rows, but {labels} labels")));
    }
    let features = rows.first().map_or(0, Vec::len);
    if features == 0 {
        return Err(wrong("row 0 of `input_data` has no values".into()));
    }
    let other = rows.iter().position(|row| row.len() != features);
    if let Some((row, found)) = other.and_then(|row| Some((row, rows.get(row)?.len()))) {
        return Err(wrong(format!(
            "row {row} of `input_data` has {found} values, and row 0 has {features}"
        )));
    }
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
    TestRows::new(features, rows.concat(), labels)
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

/// The number of classes among which a circuit for proofs of accuracy counts; `None` for any other.
pub fn classes(compiled: &zkassay_circuit::Compiled) -> Option<usize> {
    let program = compiled.program()?.program();
    if !program.labelled {
        return None;
    }
    // Counting compares the label with every integer from -1 to the number of classes.
    let compares = |kind: &Kind| match kind {
        Kind::Sums(sums) => {
            let [(wire, 1)] = *sums.first()?.terms.as_slice() else {
                return None;
            };
            let is_mark = |(index, sum): (usize, &Sum)| {
                sum.terms == [(wire, 1)] && i64::try_from(index) == Ok(1 - sum.bias)
            };
            let is_label = wire + 1 == program.inputs && sums.iter().enumerate().all(is_mark);
            sums.len().checked_sub(2).filter(|_| is_label)
        }
        _ => None,
    };
    program.steps.iter().find_map(|step| compares(&step.kind))
}

/// How many rows have a label that is no class of a circuit for proofs of accuracy: they count as
/// wrong, whatever the model says. Labels are positions of the model's outputs, from 0.
pub fn rows_without_class(compiled: &zkassay_circuit::Compiled, test: &TestRows) -> usize {
    let is_none = |classes: usize| move |label: &&u32| **label as usize >= classes;
    classes(compiled).map_or(0, |classes| {
        test.labels().iter().filter(is_none(classes)).count()
    })
}

/// That a proof was made for a key, and that the key is one for proofs of accuracy.
///
/// # Errors
/// [`Error::is_mismatch`].
pub fn check_key(key: &VerifyingKey, proof: &AccuracyProof) -> Result<(), Error> {
    key.check_accuracy_key(proof)
        .map_err(|error| stages::of_key("the proof of accuracy", error))
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
    check_key(key, proof)?;
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

/// That a key was made for a circuit.
///
/// # Errors
/// [`Error::Mismatch`].
pub fn check_circuit(key: &VerifyingKey, circuit: &Circuit) -> Result<(), Error> {
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
    Ok(())
}

/// The program of a circuit that a key has to belong to.
fn program_of<'a>(key: &VerifyingKey, circuit: &'a Circuit) -> Result<&'a Program, Error> {
    check_circuit(key, circuit)?;
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
    Ok(commitment(&circuit.digest()?, &hashes))
}
