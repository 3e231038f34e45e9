//! `zkassay prove-accuracy`, `zkassay verify-accuracy` and `zkassay hash-data`.

mod prove;
mod verify;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use zkassay::accuracy::{self, AccuracyVerdict, Salt, TestRows};
use zkassay::{Count, Counting, DataVisibility, Settings, VerifyingKey};
use zkassay_verifier::artefact::hex;

use crate::commands::proof::statement;
use crate::commands::{count, files, print};
pub(crate) use prove::ProveAccuracy;
pub(crate) use verify::VerifyAccuracy;

/// Where the circuit is.
const CIRCUIT: &str = "model.compiled";
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
    /// The number of classes: labels are the positions of the model's outputs, 0 to N-1. (A confusion
    /// matrix has at most 100.)
    #[arg(long, value_name = "N", requires = "count", value_parser = clap::value_parser!(u32).range(2..=i64::from(Counting::MAX_CLASSES)))]
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
        if settings.options().visibility.input == DataVisibility::Private {
            let result = settings.with_count(Counting { count, classes });
            return result.context("pass --input-visibility public or --input-visibility hashed");
        }
        Ok(settings.with_count(Counting { count, classes })?)
    }

    /// What is counted, as the end of a line.
    pub(crate) fn described(&self) -> String {
        match (self.count, self.classes) {
            (Some(CountName::Correct), Some(classes)) => {
                format!("\ncounts      rows that are classified correctly, {classes} classes")
            }
            (Some(CountName::Confusion), Some(classes)) => {
                format!("\ncounts      the confusion matrix of {classes} classes")
            }
            _ => String::new(),
        }
    }
}

/// Print the hash of a labelled data set, by which proofs of accuracy name it.
///
/// The hash of a public data set depends on its numbers and labels alone. With --compiled-circuit it is
/// the hash by which proofs of that circuit commit to the data set, if its inputs are hashed: it
/// depends on the circuit and the salt, too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay hash-data test.json
  zkassay hash-data test.json --compiled-circuit model.compiled --salt-path accuracy.salt")]
pub(crate) struct HashData {
    /// The data set: {"input_data": [[...], ...], "labels": [0, 1, ...]}.
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
                        let salt = KeptSalt::at(&self.salt_path)?;
                        let hash = accuracy::committed_hash(&circuit, &test, &salt.salt);
                        let hash = hash.with_context(|| self.data.display().to_string())?;
                        Some((hash, salt))
                    }
                    false => None,
                }
            }
            None => None,
        };
        let hash = committed
            .as_ref()
            .map_or_else(|| test.hash(), |(hash, _)| *hash);
        let visibility = match committed {
            Some(_) => DataVisibility::Hashed,
            None => DataVisibility::Public,
        };
        let mut record = json!({
            "data_set": hex(&hash),
            "visibility": visibility,
            "rows": test.len(),
            "features": test.features(),
            "labels": labels(&test),
        });
        let salt = committed.map(|(_, salt)| salt);
        if let Some(salt) = &salt {
            salt.record(&mut record);
        }
        print(json, &record, || {
            let mut lines = vec![
                format!("data set    {}, {}", hex(&hash), kind(visibility)),
                format!(
                    "rows        {} of {}",
                    test.len(),
                    count(test.features(), "number")
                ),
                format!("labels      {}", shown_labels(&test)),
            ];
            lines.extend(salt.map(|salt| salt.line()));
            lines.join("\n")
        })
    }
}

/// The salt of a file.
struct KeptSalt {
    salt: Salt,
    path: PathBuf,
    /// Whether it was made now.
    is_new: bool,
}

impl KeptSalt {
    /// That of a file; a new one, if there is none.
    fn at(path: &Path) -> Result<Self> {
        let is_new = !path.exists();
        let salt = match is_new {
            true => Salt::random()?,
            false => files::salt(path)?,
        };
        if is_new {
            files::write_secret(path, salt.to_text().as_bytes(), true)?;
        }
        Ok(Self {
            salt,
            path: path.to_owned(),
            is_new,
        })
    }

    /// For scripts.
    fn record(&self, record: &mut Value) {
        record["salt_path"] = json!(self.path);
        record["salt_created"] = json!(self.is_new);
    }

    /// In a line.
    fn line(&self) -> String {
        let from = if self.is_new { "made now" } else { "read" };
        format!(
            "salt        {} ({from}): keep it, and keep it secret",
            self.path.display()
        )
    }
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
