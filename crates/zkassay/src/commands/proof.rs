//! `zkassay prove` and `zkassay verify`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use zkassay::hash::short;
use zkassay::{
    Circuit, Error, Mismatch, ParamsVisibility, Proof, PublicData, SrsOrigin, VerifyingKey,
    Witness, prove, setup, verify,
};
use zkassay_gadgets::Field;
use zkassay_gadgets::halo2_proofs::halo2curves::ff::PrimeField as _;
use zkassay_graph::ColumnKind;
use zkassay_prover::ProverError;
use zkassay_quant::Encoding;
use zkassay_verifier::artefact::{digest, hex};

use crate::commands::files::Proofs;
use crate::commands::{batch, files, keys, parameters, print, verified};
use crate::progress::Spinner;

/// Prove a witness, or a file of rows.
///
/// With --batch every row of a file is proved, as many in one proof as the key was made for (see
/// `gen-settings --batch`), and all proofs are written to one file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay prove
  zkassay prove -W witness.json --pk-path pk.key --proof-path proof.zkp --srs-path kzg.srs
  zkassay prove --batch rows.json --proof-path batch.zkp")]
pub(crate) struct Prove {
    /// The witness.
    #[arg(short = 'W', long, value_name = "FILE", default_value = "witness.json")]
    witness: PathBuf,
    /// Any number of rows, as {"input_data": [[...], ...]}. A proof that they do not fill costs as
    /// much as a full one.
    #[arg(long, value_name = "FILE", conflicts_with = "witness")]
    batch: Option<PathBuf>,
    /// The proving key, which holds the circuit.
    #[arg(long, value_name = "FILE", default_value = "pk.key")]
    pk_path: PathBuf,
    /// The proof to write, or the batch of proofs.
    #[arg(long, value_name = "FILE", default_value = "proof.zkp")]
    proof_path: PathBuf,
    /// The parameters that setup used [default: the ceremony's in the cache, or kzg.srs if the key
    /// was made with others].
    #[arg(long, visible_alias = "srs", value_name = "FILE")]
    srs_path: Option<PathBuf>,
    /// A compiled circuit that the key has to belong to.
    #[arg(short = 'M', long, value_name = "FILE")]
    compiled_circuit: Option<PathBuf>,
}

impl Prove {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let spinner = Spinner::new(json, "reading the proving key");
        let key = files::proving_key(&self.pk_path)?;
        let statement = key.verifying_key().statement();
        if let Some(path) = &self.compiled_circuit {
            let expected = files::circuit(path)?.digest()?;
            if statement.circuit != expected {
                return Err(Error::from(Mismatch {
                    what: "the proving key",
                    of: "circuit",
                    found: statement.circuit,
                    other: "the compiled circuit",
                    expected,
                    again: "run setup for this circuit",
                })
                .into());
            }
        }
        let read_parameters = || {
            spinner.say("reading parameters");
            parameters::for_proof(self.srs_path.as_deref(), &key)
        };
        if let Some(path) = &self.batch {
            let srs = read_parameters()?;
            return batch::prove(json, (&key, &srs), path, &self.proof_path, spinner);
        }
        Witness::check(key.compiled())?;
        let witness = files::witness(&self.witness)?;
        let srs = read_parameters()?;
        spinner.say("proving");
        let proof = prove(&srs, &key, &witness).map_err(advised)?;
        spinner.finish();
        let bytes = proof.to_bytes();
        files::write(&self.proof_path, &bytes)?;
        let mut record = public(&proof);
        record["proof_path"] = json!(self.proof_path);
        record["bytes"] = json!(bytes.len());
        record["verifying_key"] = json!(hex(&proof.key));
        record["srs"] = json!(statement.srs.to_string());
        print(json, &record, || {
            let mut lines = vec![format!(
                "{}: {} bytes, for verifying key {}",
                self.proof_path.display(),
                bytes.len(),
                short(&proof.key),
            )];
            lines.extend(describe(&proof));
            lines.push(format!("parameters  {}", keys::describe(statement.srs)));
            lines.push("next: zkassay verify".to_owned());
            lines.join("\n")
        })
    }
}

/// What to do about an error of proving, if something can be done.
pub(crate) fn advised(error: Error) -> anyhow::Error {
    let is_srs = matches!(error, Error::Prover(ProverError::SrsMismatch));
    match (is_srs, anyhow::Error::from(error)) {
        (true, error) => {
            error.context("pass the file that setup used with --srs-path, or run setup again")
        }
        (false, error) => error,
    }
}

/// Verify a proof, or a batch of proofs.
///
/// The key decides what is proved: get it from somebody you trust, or make it again from the ONNX
/// file, the settings and the ceremony's parameters.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay verify
  zkassay verify --vk-path vk.key --proof-path proof.zkp --require-ceremony
  zkassay verify --proof-path batch.zkp --json   # the outputs of every row
  zkassay verify --model network.onnx     # and check that the key names this model
  zkassay verify --model network.onnx --settings-path settings.json   # and make the key again

Exit code 5: the proof is rejected; 6: proof, key and model do not belong together.")]
pub(crate) struct Verify {
    /// The verifying key.
    #[arg(long, value_name = "FILE", default_value = "vk.key")]
    vk_path: PathBuf,
    /// The proof, or the batch of proofs.
    #[arg(long, value_name = "FILE", default_value = "proof.zkp")]
    proof_path: PathBuf,
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
}

impl Verify {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        verified(json, self.verify(json))
    }

    fn verify(self, json: bool) -> Result<()> {
        let key = files::verifying_key(&self.vk_path)?;
        let proofs = files::proofs(&self.proof_path)?;
        let statement = key.statement();
        let circuit = match &self.model {
            Some(path) => {
                let settings = self.settings_path.as_deref();
                check_model(&key, path, settings, self.srs_path.as_deref())?
            }
            None => None,
        };
        if self.require_ceremony && statement.srs != SrsOrigin::Ceremony {
            let origin = statement.srs;
            return Err(Error::NotCeremony { origin })
                .with_context(|| self.vk_path.display().to_string());
        }
        let proof = match proofs {
            Proofs::Batch(batch) => return batch::verify(json, &key, &batch, &self.proof_path),
            Proofs::One(proof) => proof,
        };
        verify(&key, &proof).with_context(|| self.proof_path.display().to_string())?;
        let words = circuit.map_or_else(Vec::new, |circuit| words(&circuit, &proof));
        let mut record = record(&key, &proof);
        if !words.is_empty() {
            record["words"] = json!(words);
        }
        print(json, &record, || {
            let mut lines = vec![format!("{}: accepted", self.proof_path.display())];
            lines.extend(summary(&key, &proof));
            lines.extend(described(&words));
            lines.join("\n")
        })
    }
}

/// A public number that stands for a string.
#[derive(Debug, Serialize)]
pub(crate) struct Word {
    /// The input, or `output`.
    name: String,
    /// Which of its numbers.
    index: usize,
    /// The string; `None` if it is none that the model knows.
    word: Option<String>,
}

/// The strings that the public numbers of a proof stand for, as its circuit says. (The key alone
/// has no strings.)
pub(crate) fn words(circuit: &Circuit, proof: &Proof) -> Vec<Word> {
    let (interface, mut words) = (&circuit.interface, Vec::new());
    let takes_ranks = circuit
        .compiled
        .program()
        .is_some_and(|compiled| matches!(compiled.program().encoding, Encoding::Ranks { .. }));
    if let PublicData::Values(values) = &proof.input
        && !takes_ranks
    {
        for (place, value) in values.iter().enumerate() {
            if let Some((column, index)) = interface.column(place)
                && matches!(column.kind, ColumnKind::Text(_))
            {
                let word = interface.word(place, value.real).map(str::to_owned);
                let name = column.name.clone();
                words.push(Word { name, index, word });
            }
        }
    }
    if let PublicData::Values(values) = &proof.output
        && !interface.labels.is_empty()
    {
        for (index, value) in values.iter().enumerate() {
            let near = value.real.round();
            let label = (near >= 0.0).then(|| interface.labels.get(near as usize));
            words.push(Word {
                name: "output".to_owned(),
                index,
                word: label.flatten().cloned(),
            });
        }
    }
    words
}

/// Strings of public numbers, in lines.
pub(crate) fn described(words: &[Word]) -> Vec<String> {
    const SHOWN: usize = 20;
    let line = |word: &Word| match &word.word {
        Some(known) => format!("{:<12}{known:.60?}", word.name),
        None => format!("{:<12}a string that the model does not know", word.name),
    };
    words.iter().take(SHOWN).map(line).collect()
}

/// That a key names the model of a file, and is the one that the settings give; then also its
/// circuit.
pub(crate) fn check_model(
    key: &VerifyingKey,
    path: &Path,
    settings: Option<&Path>,
    srs_path: Option<&Path>,
) -> Result<Option<Circuit>> {
    let statement = key.statement();
    if statement.shape.visibility().is_unbound() {
        return Err(Error::Unbound.into());
    }
    let differs = |of, found, other, expected| {
        anyhow::Error::from(Error::from(Mismatch {
            what: "the verifying key",
            of,
            found,
            other,
            expected,
            again: "get the key of this model, or make it with setup",
        }))
    };
    let expected = digest(&files::onnx_bytes(path)?);
    if statement.model != expected {
        return Err(differs("model", statement.model, "the ONNX file", expected));
    }
    let Some(settings) = settings else {
        return Ok(None);
    };
    let settings = files::settings(settings)?;
    let circuit = settings.compile(&files::model(path, settings.import())?)?;
    let expected = circuit.digest()?;
    if statement.circuit != expected {
        let other = "that of the settings";
        return Err(differs("circuit", statement.circuit, other, expected));
    }
    let logrows = statement.shape.logrows();
    let srs = parameters::of_key(srs_path, statement.srs, logrows)?;
    let again = setup(&srs, &circuit)?;
    let expected = again.verifying_key().digest();
    match key.digest() == expected {
        true => Ok(Some(circuit)),
        false => Err(differs(
            "itself",
            key.digest(),
            "the one made again",
            expected,
        )),
    }
}

/// What an accepted proof says, for scripts.
pub(crate) fn record(key: &VerifyingKey, proof: &Proof) -> Value {
    let mut record = public(proof);
    statement(key, &mut record);
    record
}

/// Adds what a key says, whose proofs are accepted.
pub(crate) fn statement(key: &VerifyingKey, record: &mut Value) {
    let statement = key.statement();
    let params = statement.shape.visibility().params;
    record["verified"] = json!(true);
    record["model"] = json!(hex(&statement.model));
    record["circuit"] = json!(hex(&statement.circuit));
    record["verifying_key"] = json!(hex(&key.digest()));
    record["srs"] = json!(statement.srs.to_string());
    record["params"] = json!({
        "visibility": params,
        "bound": params == ParamsVisibility::Fixed,
    });
}

/// What an accepted proof says, in lines.
pub(crate) fn summary(key: &VerifyingKey, proof: &Proof) -> Vec<String> {
    let mut lines = describe(proof);
    lines.extend(origin(key));
    lines
}

/// What a key says, in lines.
pub(crate) fn origin(key: &VerifyingKey) -> [String; 2] {
    let statement = key.statement();
    let model = match statement.shape.visibility().params {
        ParamsVisibility::Fixed => format!("model       {}", hex(&statement.model)),
        ParamsVisibility::Private => {
            "model       unbound: some parameters of this shape give the output, not \
             necessarily the model's"
                .to_owned()
        }
    };
    [
        model,
        format!("parameters  {}", keys::describe(statement.srs)),
    ]
}

/// The public parts of a proof, for scripts.
fn public(proof: &Proof) -> Value {
    json!({ "input": data(&proof.input), "output": data(&proof.output) })
}

pub(crate) fn data(data: &PublicData) -> Value {
    let visibility = data.visibility();
    match data {
        PublicData::Private => json!({ "visibility": visibility }),
        PublicData::Values(values) => {
            let values: Vec<Value> = values
                .iter()
                .map(|value| {
                    json!({
                        "real": value.real,
                        "integer": value.integer,
                        "field": field_hex(&value.field()),
                    })
                })
                .collect();
            json!({ "visibility": visibility, "values": values })
        }
        PublicData::Hashes(hashes) => match hashes.as_slice() {
            [hash] => json!({ "visibility": visibility, "hash": field_hex(hash) }),
            several => {
                let several: Vec<String> = several.iter().map(field_hex).collect();
                json!({ "visibility": visibility, "hashes": several })
            }
        },
    }
}

/// The public parts of a proof, in lines.
fn describe(proof: &Proof) -> Vec<String> {
    /// More values than these are in the JSON only.
    const SHOWN: usize = 10;
    let mut lines = Vec::new();
    for (name, data) in [("input", &proof.input), ("output", &proof.output)] {
        match data {
            PublicData::Private => lines.push(format!("{name:<12}private")),
            PublicData::Hashes(hashes) => {
                let hashed = |hash| format!("{name:<12}hashed, {}", field_hex(hash));
                lines.extend(hashes.iter().map(hashed));
            }
            PublicData::Values(values) => {
                lines.extend(values.iter().take(SHOWN).map(|value| {
                    format!("{name:<12}{} ({})", value.real, field_hex(&value.field()))
                }));
                if values.len() > SHOWN {
                    let more = values.len() - SHOWN;
                    lines.push(format!("{:<12}and {more} more, see --json", ""));
                }
            }
        }
    }
    lines
}

/// A field element as a number in hexadecimal.
pub(crate) fn field_hex(element: &Field) -> String {
    let mut bytes = element.to_repr().as_ref().to_vec();
    bytes.reverse();
    format!("0x{}", hex(&bytes))
}
