//! `zkassay verify-accuracy`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use zkassay::accuracy::{self, Expected};
use zkassay::{Circuit, DataVisibility, Digest, Error, SrsOrigin, VerifyingKey};
use zkassay_verifier::VerifyError;

use super::{CIRCUIT, SALT, data_set, describe, record};
use crate::commands::batch::time;
use crate::commands::proof::{check_model, origin};
use crate::commands::{files, print, verified};

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
    /// The compiled circuit of the key, which knows the thresholds of decision trees [default where
    /// it is needed: model.compiled, if it is there].
    #[arg(long, value_name = "FILE", conflicts_with = "settings_path")]
    compiled_circuit: Option<PathBuf>,
    /// The salt of a committed data set [default: accuracy.salt, if it is there].
    #[arg(long, value_name = "FILE", requires = "data")]
    salt_path: Option<PathBuf>,
}

impl VerifyAccuracy {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        verified(json, self.verify(json))
    }

    fn verify(self, json: bool) -> Result<()> {
        let key = files::verifying_key(&self.vk_path)?;
        let proof = files::accuracy(&self.proof_path)?;
        accuracy::check_key(&key, &proof).with_context(|| self.proof_path.display().to_string())?;
        let made = match &self.model {
            Some(path) => {
                let settings = self.settings_path.as_deref();
                check_model(&key, path, settings, self.srs_path.as_deref())?
            }
            None => None,
        };
        let is_hashed = key.statement().shape.visibility().input == DataVisibility::Hashed;
        let needs_circuit = match is_hashed {
            true => self.data.is_some(),
            false => key.takes_ranks(),
        };
        let circuit = match (made, &self.compiled_circuit) {
            (Some(circuit), _) => Some(circuit),
            (None, Some(path)) => Some(circuit_of(path, &key)?),
            (None, None) if needs_circuit && Path::new(CIRCUIT).exists() => {
                Some(circuit_of(Path::new(CIRCUIT), &key)?)
            }
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
            let advice = match error {
                Error::Verify(VerifyError::Encoding) => Some(
                    "pass it with --compiled-circuit, or make it again with --model and \
                     --settings-path",
                ),
                Error::Verify(VerifyError::Data { .. }) if is_hashed => Some(
                    "the data set is committed: another salt, another circuit or the hash of the public \
                     data set gives another hash",
                ),
                _ => None,
            };
            let error = anyhow::Error::from(error);
            match advice {
                Some(advice) => error.context(advice),
                None => error,
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
            lines.push(time(seconds, verdict.rows as usize, "row"));
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
        let here = Path::new(SALT).exists().then(|| PathBuf::from(SALT));
        let salt_path = self.salt_path.clone().or(here);
        let missing = match (circuit, &salt_path) {
            (Some(circuit), Some(salt_path)) => {
                let salt = files::salt(salt_path)?;
                let hash = accuracy::committed_hash(circuit, &test, &salt);
                return hash.with_context(|| path.display().to_string());
            }
            (None, None) => "--compiled-circuit and --salt-path",
            (None, Some(_)) => "--compiled-circuit",
            (Some(_), None) => "--salt-path",
        };
        anyhow::bail!(
            "the key's data set is committed: its hash depends on the circuit and the salt; pass \
             {missing}, or compare the hash with --data-hash"
        );
    }
}

/// A compiled circuit, which has to be that of the key.
fn circuit_of(path: &Path, key: &VerifyingKey) -> Result<Circuit> {
    let circuit = files::circuit(path)?;
    accuracy::check_circuit(key, &circuit).with_context(|| path.display().to_string())?;
    Ok(circuit)
}

fn parse_hash(text: &str) -> Result<Digest, String> {
    zkassay::hash::parse(text).ok_or_else(|| "expected 64 lower-case hexadecimal digits".to_owned())
}
