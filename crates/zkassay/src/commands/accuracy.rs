//! `zkassay prove-accuracy`, `zkassay verify-accuracy` and `zkassay hash-data`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use zkassay::accuracy::{self, AccuracyVerdict, Expected, Salt, TestRows};
use zkassay::hash::short;
use zkassay::{
    Circuit, Count, Counting, DataVisibility, Digest, Error, Settings, SrsOrigin, VerifyingKey,
};
use zkassay_verifier::VerifyError;
use zkassay_verifier::artefact::hex;

use crate::commands::batch::{progress, time};
use crate::commands::proof::{advised, check_model, origin, statement};
use crate::commands::{files, keys, parameters, print};
use crate::progress::Spinner;

/// Where the salt of committed rows is kept.
const SALT: &str = "accuracy.salt";

/// What proofs count, if they are proofs of accuracy.
#[derive(Debug, Args)]
pub(crate) struct CountArgs {
    /// Make the circuit one for prove-accuracy: its proofs count the rows of a data set that are
    /// classified correctly, or those of each label and class. Inputs have to be public (the rows are
    /// in the proof) or hashed.
    #[arg(long, value_enum, requires = "classes")]
    count: Option<CountName>,
    /// The number of classes: labels are 0, 1, ...
    #[arg(long, value_name = "N", requires = "count")]
    classes: Option<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CountName {
    Correct,
    Confusion,
}

impl CountArgs {
    /// The same settings, for proofs of accuracy if that was asked for.
    pub(crate) fn applied(&self, settings: Settings) -> Result<Settings> {
        let (Some(count), Some(classes)) = (self.count, self.classes) else {
            return Ok(settings);
        };
        let count = match count {
            CountName::Correct => Count::Correct,
            CountName::Confusion => Count::Confusion,
        };
        Ok(settings.with_count(Counting { count, classes })?)
    }
}

/// Prove how many rows of a labelled data set a model classifies correctly.
///
/// The keys have to be those of settings made with `gen-settings --count`. If the key's inputs are
/// public, the rows are part of the proof. If they are hashed, only a hash of each row is, and a
/// salt hides the row in it: keep its file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay gen-settings --count correct --classes 2 --input-visibility public --batch 32
  zkassay calibrate-settings && zkassay compile-circuit && zkassay setup
  zkassay prove-accuracy --data test.json
  zkassay verify-accuracy --data test.json --min-correct 100

A data set is {\"input_data\": [[...], ...], \"labels\": [0, 1, ...]}, one label per row.")]
pub(crate) struct ProveAccuracy {
    /// The data set: rows and labels.
    #[arg(short = 'D', long, value_name = "FILE", default_value = "test.json")]
    data: PathBuf,
    /// The proving key, which holds the circuit.
    #[arg(long, value_name = "FILE", default_value = "pk.key")]
    pk_path: PathBuf,
    /// The proof of accuracy to write.
    #[arg(long, value_name = "FILE", default_value = "accuracy.zkp")]
    proof_path: PathBuf,
    /// The parameters that setup used [default: as for prove].
    #[arg(long, visible_alias = "srs", value_name = "FILE")]
    srs_path: Option<PathBuf>,
    /// The salt of hashed rows; made if it is not there.
    #[arg(long, value_name = "FILE", default_value = SALT)]
    salt_path: PathBuf,
}

impl ProveAccuracy {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let test = files::test_rows(&self.data)?;
        let spinner = Spinner::new(json, "reading the proving key");
        let key = files::proving_key(&self.pk_path)?;
        let is_hashed = key.compiled().options().visibility.input == DataVisibility::Hashed;
        let is_counting = key.compiled().options().totals;
        let salt = match is_hashed && is_counting {
            true => Some(salt(&self.salt_path)?),
            false => None,
        };
        spinner.say("reading parameters");
        let srs = parameters::for_proof(self.srs_path.as_deref(), &key)?;
        let started = Instant::now();
        let proof = accuracy::prove(&srs, &key, &test, salt.as_ref(), |done, total| {
            spinner.say(&progress(done, total, started));
        });
        let proof = match proof {
            Err(error @ (Error::Row { .. } | Error::Quant(_))) => {
                Err(error).with_context(|| self.data.display().to_string())?
            }
            proof => proof.map_err(advised)?,
        };
        let seconds = started.elapsed().as_secs_f64();
        spinner.say("verifying");
        let (circuit, key) = (key.circuit(), key.verifying_key());
        // What was just made, as a verifier sees it.
        let verdict = accuracy::verify(key, &proof, &Expected::default(), Some(circuit))?;
        spinner.finish();
        let bytes = proof.to_bytes();
        files::write(&self.proof_path, &bytes)?;
        let lanes = key.statement().shape.lanes();
        let mut record = record(key, &verdict);
        record["labels"] = labels(&test);
        record["proof_path"] = json!(self.proof_path);
        record["bytes"] = json!(bytes.len());
        record["rows_per_proof"] = json!(lanes);
        record["seconds"] = json!(seconds);
        if salt.is_some() {
            record["salt_path"] = json!(self.salt_path);
        }
        print(json, &record, || {
            let mut lines = vec![format!(
                "{}: {} bytes, {} rows in {} proofs of {lanes}, for verifying key {}",
                self.proof_path.display(),
                bytes.len(),
                verdict.rows,
                verdict.proofs,
                short(&key.digest()),
            )];
            lines.extend(describe(&verdict));
            lines.push(format!("data set    {}", data_set(&verdict)));
            lines.push(format!("labels      {}", shown_labels(&test)));
            if salt.is_some() {
                let path = self.salt_path.display();
                lines.push(format!("salt        {path}: keep it, and keep it secret"));
            }
            lines.push(time(seconds, test.len()));
            lines.push(format!("parameters  {}", keys::describe(verdict.srs)));
            lines.push(format!(
                "next: zkassay verify-accuracy --data-hash {}",
                hex(&verdict.data)
            ));
            lines.join("\n")
        })
    }
}

/// Verify how many rows of a labelled data set a model classifies correctly.
///
/// The key decides what is counted: get it from somebody you trust, or make it again with --model
/// and --settings-path. Whoever proves chooses the data set, unless you say which one it has to be,
/// with --data or --data-hash.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay verify-accuracy --data test.json --min-correct 100
  zkassay verify-accuracy --data-hash 5f0c... --min-correct 100
  zkassay verify-accuracy --data test.json --model network.onnx --settings-path settings.json

The key and the proof are enough, but for a model made of decision trees with public rows: then the
circuit is needed, with --compiled-circuit, or made again with --model and --settings-path.

Exit code 5: the proof is rejected, is about another data set, or has fewer correct rows; 6: proof,
key, circuit and model do not belong together.")]
pub(crate) struct VerifyAccuracy {
    /// The verifying key.
    #[arg(long, value_name = "FILE", default_value = "vk.key")]
    vk_path: PathBuf,
    /// The proof of accuracy.
    #[arg(
        long,
        visible_alias = "proof",
        value_name = "FILE",
        default_value = "accuracy.zkp"
    )]
    proof_path: PathBuf,
    /// The data set that the proof has to be about. If it is committed, the circuit and the salt are
    /// needed to compute its hash.
    #[arg(short = 'D', long, value_name = "FILE", conflicts_with = "data_hash")]
    data: Option<PathBuf>,
    /// The hash of that data set, as hash-data prints it.
    #[arg(long, value_name = "HASH", value_parser = parse_hash)]
    data_hash: Option<Digest>,
    /// Reject the proof unless at least this many rows are classified correctly.
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    min_correct: u64,
    /// Accept only keys made with the parameters of a public ceremony.
    #[arg(long)]
    require_ceremony: bool,
    /// The ONNX file that the key has to name.
    #[arg(short = 'M', long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// The settings that the key was made with: it is made again from them and the ONNX file,
    /// and compared.
    #[arg(short = 'O', long, value_name = "FILE", requires = "model")]
    settings_path: Option<PathBuf>,
    /// Parameters to make the key again with [default: as for prove].
    #[arg(
        long,
        visible_alias = "srs",
        value_name = "FILE",
        requires = "settings_path"
    )]
    srs_path: Option<PathBuf>,
    /// The compiled circuit of the key, which knows the thresholds of decision trees.
    #[arg(long, value_name = "FILE", conflicts_with = "settings_path")]
    compiled_circuit: Option<PathBuf>,
    /// The salt of a committed data set.
    #[arg(long, value_name = "FILE", requires = "data")]
    salt_path: Option<PathBuf>,
}

impl VerifyAccuracy {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let key = files::verifying_key(&self.vk_path)?;
        let proof = files::accuracy(&self.proof_path)?;
        let made = match &self.model {
            Some(path) => {
                let settings = self.settings_path.as_deref();
                check_model(&key, path, settings, self.srs_path.as_deref())?
            }
            None => None,
        };
        let circuit = match (made, &self.compiled_circuit) {
            (Some(circuit), _) => Some(circuit),
            (None, Some(path)) => Some(files::circuit(path)?),
            (None, None) => None,
        };
        if self.require_ceremony && key.statement().srs != SrsOrigin::Ceremony {
            let origin = key.statement().srs;
            return Err(Error::NotCeremony { origin })
                .with_context(|| self.vk_path.display().to_string());
        }
        let expected = Expected {
            data: match &self.data {
                Some(path) => Some(self.hash_of(path, &key, circuit.as_ref())?),
                None => self.data_hash,
            },
            correct: self.min_correct,
        };
        let started = Instant::now();
        let verdict = accuracy::verify(&key, &proof, &expected, circuit.as_ref());
        let verdict = verdict.map_err(|error| {
            let needs_circuit = matches!(error, Error::Verify(VerifyError::Encoding));
            let error = anyhow::Error::from(error);
            match needs_circuit {
                true => error.context(
                    "pass it with --compiled-circuit, or make it again with --model and \
                     --settings-path",
                ),
                false => error,
            }
        });
        let verdict = verdict.with_context(|| self.proof_path.display().to_string())?;
        let seconds = started.elapsed().as_secs_f64();
        let mut record = record(&key, &verdict);
        record["data_set_checked"] = json!(expected.data.is_some());
        record["min_correct"] = json!(self.min_correct);
        record["seconds"] = json!(seconds);
        print(json, &record, || {
            let mut lines = vec![format!("{}: accepted", self.proof_path.display())];
            lines.extend(describe(&verdict));
            let checked = match expected.data {
                Some(_) => "the one asked for",
                None => "chosen by whoever made the proof: compare the hash, or pass --data-hash",
            };
            lines.push(format!("data set    {}; {checked}", data_set(&verdict)));
            lines.extend(origin(&key));
            lines.push(time(seconds, verdict.rows as usize));
            lines.join("\n")
        })
    }

    /// The hash of a data set, as proofs under a key have it.
    fn hash_of(
        &self,
        path: &Path,
        key: &VerifyingKey,
        circuit: Option<&Circuit>,
    ) -> Result<Digest> {
        let test = files::test_rows(path)?;
        if key.statement().shape.visibility().input != DataVisibility::Hashed {
            return Ok(test.hash());
        }
        let (Some(circuit), Some(salt_path)) = (circuit, &self.salt_path) else {
            anyhow::bail!(
                "the key's data set is committed: its hash depends on the circuit and the salt; pass \
                 --salt-path and --compiled-circuit, or compare the hash with --data-hash"
            );
        };
        let salt = files::salt(salt_path)?;
        accuracy::committed_hash(circuit, &test, &salt).with_context(|| path.display().to_string())
    }
}

/// Print the hash of a labelled data set, by which proofs of accuracy name it.
///
/// The hash of a public data set depends on its numbers and labels alone. With --compiled-circuit it is
/// the hash by which proofs of that circuit commit to the data set, if its inputs are hashed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay hash-data test.json
  zkassay hash-data test.json --compiled-circuit model.compiled --salt-path accuracy.salt")]
pub(crate) struct HashData {
    /// The data set: {\"input_data\": [[...], ...], \"labels\": [0, 1, ...]}.
    #[arg(value_name = "FILE", default_value = "test.json")]
    data: PathBuf,
    /// A circuit with hashed inputs that commits to the data set.
    #[arg(long, value_name = "FILE")]
    compiled_circuit: Option<PathBuf>,
    /// The salt of hashed rows; made if it is not there.
    #[arg(long, value_name = "FILE", default_value = SALT)]
    salt_path: PathBuf,
}

impl HashData {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let test = files::test_rows(&self.data)?;
        let committed = match &self.compiled_circuit {
            Some(path) => {
                let circuit = files::circuit(path)?;
                let is_hashed =
                    circuit.compiled.options().visibility.input == DataVisibility::Hashed;
                match is_hashed {
                    true => {
                        let salt = salt(&self.salt_path)?;
                        let hash = accuracy::committed_hash(&circuit, &test, &salt);
                        Some(hash.with_context(|| self.data.display().to_string())?)
                    }
                    false => None,
                }
            }
            None => None,
        };
        let hash = committed.unwrap_or_else(|| test.hash());
        let visibility = match committed {
            Some(_) => DataVisibility::Hashed,
            None => DataVisibility::Public,
        };
        let record = json!({
            "data_set": hex(&hash),
            "visibility": visibility,
            "rows": test.len(),
            "features": test.features(),
            "labels": labels(&test),
        });
        print(json, &record, || {
            format!(
                "data set    {}, {}\nrows        {} of {} numbers\nlabels      {}",
                hex(&hash),
                kind(visibility),
                test.len(),
                test.features(),
                shown_labels(&test),
            )
        })
    }
}

/// The salt of a file; a new one, if there is none.
fn salt(path: &Path) -> Result<Salt> {
    if path.exists() {
        return files::salt(path);
    }
    let salt = Salt::random()?;
    files::write_secret(path, salt.to_text().as_bytes(), true)?;
    Ok(salt)
}

fn parse_hash(text: &str) -> Result<Digest, String> {
    zkassay::hash::parse(text).ok_or_else(|| "expected 64 lower-case hexadecimal digits".to_owned())
}

/// How often each label is there.
fn counts(test: &TestRows) -> std::collections::BTreeMap<u32, usize> {
    let mut counts = std::collections::BTreeMap::new();
    for label in test.labels() {
        *counts.entry(*label).or_default() += 1;
    }
    counts
}

/// The same, for scripts.
fn labels(test: &TestRows) -> Value {
    let counts = counts(test);
    let counts = counts
        .iter()
        .map(|(label, count)| (label.to_string(), json!(count)));
    Value::Object(counts.collect())
}

/// The same, in a line.
fn shown_labels(test: &TestRows) -> String {
    const SHOWN: usize = 20;
    let counts = counts(test);
    let shown = counts.iter().take(SHOWN);
    let mut shown: Vec<String> = shown
        .map(|(label, count)| format!("{count} of {label}"))
        .collect();
    if counts.len() > SHOWN {
        shown.push(format!("and {} other labels", counts.len() - SHOWN));
    }
    shown.join(", ")
}

/// What a proof of accuracy says, for scripts.
fn record(key: &VerifyingKey, verdict: &AccuracyVerdict) -> Value {
    let mut record = json!({
        "rows": verdict.rows,
        "correct": verdict.correct,
        "accuracy": verdict.accuracy(),
        "confusion": verdict.confusion,
        "data_set": hex(&verdict.data),
        "visibility": verdict.visibility,
        "proofs": verdict.proofs,
    });
    statement(key, &mut record);
    record
}

/// What a proof of accuracy says, in lines.
fn describe(verdict: &AccuracyVerdict) -> Vec<String> {
    let mut lines = vec![format!(
        "accuracy    {} of {} rows ({:.2} %) are classified correctly",
        verdict.correct,
        verdict.rows,
        100.0 * verdict.accuracy(),
    )];
    let Some(matrix) = &verdict.confusion else {
        return lines;
    };
    /// More classes than these are in the JSON only.
    const SHOWN: usize = 12;
    if matrix.len() > SHOWN {
        lines.push("confusion   see --json".to_owned());
        return lines;
    }
    let cells = |cells: Vec<String>| -> String {
        let cells = cells.iter().map(|cell| format!("{cell:>8}"));
        cells.collect()
    };
    let classes = (0..matrix.len()).map(|class| class.to_string());
    let header = cells(classes.collect());
    lines.push(format!("confusion   {:<10}{header}", "class"));
    for (label, row) in matrix.iter().enumerate() {
        let row = cells(row.iter().map(ToString::to_string).collect());
        lines.push(format!("{:<12}{:<10}{row}", "", format!("label {label}")));
    }
    let counted: u64 = matrix.iter().flatten().sum();
    if counted < verdict.rows {
        let others = verdict.rows - counted;
        lines.push(format!(
            "{:<12}{others} rows have a label that is no class",
            ""
        ));
    }
    lines
}

/// The data set, and how it is shown.
fn data_set(verdict: &AccuracyVerdict) -> String {
    format!("{}, {}", hex(&verdict.data), kind(verdict.visibility))
}

fn kind(visibility: DataVisibility) -> &'static str {
    match visibility {
        DataVisibility::Hashed => "committed",
        _ => "public",
    }
}
