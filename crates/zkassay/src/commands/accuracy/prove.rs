//! `zkassay prove-accuracy`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use zkassay::accuracy::{self, Expected};
use zkassay::hash::short;
use zkassay::{DataVisibility, Error, VerifyingKey};

use super::{CIRCUIT, KeptSalt, SALT, data_set, describe, labels, record, shown_labels};
use crate::commands::batch::{progress, time};
use crate::commands::proof::advised;
use crate::commands::{count, files, keys, parameters, print};
use crate::progress::Spinner;

/// Prove how many rows of a labelled data set a model classifies correctly.
///
/// The keys have to be those of settings made with `gen-settings --count`. If the key's inputs are
/// public, the rows are part of the proof. If they are hashed, only a hash of each row is, and a
/// salt hides the row in it: keep its file. Either way the counts of each proof are disclosed: choose a
/// large --batch for committed rows.
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
            true => Some(KeptSalt::at(&self.salt_path)?),
            false => None,
        };
        let without_class = accuracy::rows_without_class(key.compiled(), &test);
        if without_class > 0 {
            let classes = accuracy::classes(key.compiled()).unwrap_or_default();
            spinner.suspend(|| {
                eprintln!(
                    "warning: {without_class} of {} have a label that is no class, and count as wrong: \
                     labels are positions of the model's outputs, 0 to {}",
                    count(test.len(), "row"),
                    classes.saturating_sub(1),
                );
            });
        }
        let secret = salt.as_ref().map(|kept| &kept.salt);
        spinner.say("reading parameters");
        let srs = parameters::for_proof(self.srs_path.as_deref(), &key)?;
        let started = Instant::now();
        let proof = accuracy::prove(&srs, &key, &test, secret, |done, total| {
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
        record["rows_without_class"] = json!(without_class);
        if let Some(salt) = &salt {
            salt.record(&mut record);
        }
        print(json, &record, || {
            let mut lines = vec![format!(
                "{}: {} bytes, {} in {} of {lanes}, for verifying key {}",
                self.proof_path.display(),
                bytes.len(),
                count(test.len(), "row"),
                count(verdict.proofs, "proof"),
                short(&key.digest()),
            )];
            lines.extend(describe(&verdict));
            lines.push(format!("data set    {}", data_set(&verdict)));
            lines.push(format!("labels      {}", shown_labels(&test)));
            lines.extend(salt.as_ref().map(KeptSalt::line));
            lines.push(time(seconds, test.len(), "row"));
            lines.push(format!("parameters  {}", keys::describe(verdict.srs)));
            lines.push(format!("next: {}", self.next(key, is_hashed)));
            lines.join("\n")
        })
    }

    /// The command that verifies what was proved, on this machine.
    fn next(&self, key: &VerifyingKey, is_hashed: bool) -> String {
        let mut command = "zkassay verify-accuracy".to_owned();
        let mut pass = |flag: &str, path: &Path| {
            command += &format!(" {flag} {}", quoted(path));
        };
        // What stages write next to each other.
        let folder = self.pk_path.parent().unwrap_or(Path::new(""));
        pass("--data", &self.data);
        let vk_path = folder.join("vk.key");
        if self.pk_path != Path::new("pk.key") && vk_path.exists() {
            pass("--vk-path", &vk_path);
        }
        if self.proof_path != Path::new("accuracy.zkp") {
            pass("--proof-path", &self.proof_path);
        }
        if is_hashed || key.takes_ranks() {
            pass("--compiled-circuit", &folder.join(CIRCUIT));
        }
        if is_hashed {
            pass("--salt-path", &self.salt_path);
        }
        command
    }
}

/// A path as a word of a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@%,=".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
