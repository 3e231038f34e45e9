//! The stages, and what they hand on to each other.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::{Map, Value, json};
use zkassay::{
    CalibrationOptions, Circuit, CompileOptions, Digest, Model, Proof, ProvingKey, Settings, Srs,
    VerifyingKey,
};
use zkassay_circuit::{CircuitError, TableWitness};
use zkassay_quant::{IntegerModel, QuantError};
use zkassay_verifier::artefact::digest;

use crate::clock::Clock;
use crate::rows::Rows;
use crate::{Arguments, chosen};

/// A row that cannot be proved, as its values are.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refusal(String);

/// What the stages hand on to each other within one process.
pub(crate) struct Stages {
    arguments: Arguments,
    rows: Rows,
    imported: Option<(Model, Settings)>,
    calibrated: Option<Settings>,
    compiled: Option<Compiled>,
    /// Read from their files when the first row comes.
    keys: Option<Keys>,
    witness: Option<(usize, TableWitness)>,
}

/// A circuit, and the integer model that it is of.
struct Compiled {
    circuit: Circuit,
    integer: IntegerModel,
}

/// What is read from files before a proof.
struct Keys {
    /// SHA-256 of the proving key's file.
    file: Digest,
    srs: Srs,
    proving: ProvingKey,
    verifying: VerifyingKey,
}

impl Stages {
    /// # Errors
    /// The rows cannot be read, or the folders not be made.
    pub(crate) fn new(arguments: Arguments) -> Result<Self> {
        let rows = Rows::read(&arguments.rows)?;
        let proofs = arguments.folder.join("proofs");
        for folder in [Some(&proofs), arguments.parameters.as_ref()]
            .into_iter()
            .flatten()
        {
            fs::create_dir_all(folder)
                .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        }
        Ok(Self {
            arguments,
            rows,
            imported: None,
            calibrated: None,
            compiled: None,
            keys: None,
            witness: None,
        })
    }

    /// The answer of `stage`, of row `row` where that matters.
    ///
    /// # Errors
    /// The stage failed; [`Refusal`] if the row is the reason.
    pub(crate) fn answer(&mut self, stage: &str, row: usize) -> Result<Value> {
        let clock = Clock::start();
        let answer = match stage {
            "settings" => {
                self.settings()?;
                clock.stop()
            }
            "calibrate" => {
                self.calibrate()?;
                let answer = clock.stop();
                self.write_settings()?;
                answer
            }
            "compile" => {
                self.compile()?;
                self.describe(clock.stop())?
            }
            "prepare" => {
                self.settings()?;
                self.calibrate()?;
                self.compile()?;
                let answer = clock.stop();
                self.write_settings()?;
                self.describe(answer)?
            }
            "parameters" => self.parameters(clock)?,
            "setup" => self.setup(clock)?,
            "witness" => self.witness(row)?,
            "prove" => self.prove(row)?,
            "verify" => self.verify(row)?,
            "evaluate" => self.evaluate(row)?,
            _ => bail!("no stage is called `{stage}`"),
        };
        Ok(answer.into())
    }

    fn settings(&mut self) -> Result<()> {
        let model = Model::from_onnx_file(&self.arguments.model)?;
        let options = CompileOptions {
            batch: self.arguments.batch,
            ..CompileOptions::default()
        };
        let settings = Settings::new(&model, &options);
        self.imported = Some((model, settings));
        (self.calibrated, self.compiled) = (None, None);
        Ok(())
    }

    fn calibrate(&mut self) -> Result<()> {
        let (model, settings) = self.imported()?;
        let rows = self.rows.calibration.view();
        let calibrated = settings.calibrate(model, rows, &CalibrationOptions::default())?;
        self.calibrated = Some(calibrated);
        self.compiled = None;
        Ok(())
    }

    fn compile(&mut self) -> Result<()> {
        let (model, _) = self.imported()?;
        let circuit = self.calibrated()?.compile(model)?;
        let integer = chosen::integer_model(&circuit.compiled);
        self.compiled = Some(Compiled { circuit, integer });
        Ok(())
    }

    /// An answer with what was compiled.
    fn describe(&self, mut answer: Map<String, Value>) -> Result<Map<String, Value>> {
        let Compiled { circuit, integer } = self.compiled()?;
        let compiled = &circuit.compiled;
        let calibrated = self.calibrated()?.calibration();
        answer.insert("circuit".into(), json!(chosen::circuit(compiled)));
        let settings = chosen::settings(compiled, integer, calibrated);
        answer.insert("settings".into(), settings);
        Ok(answer)
    }

    fn write_settings(&self) -> Result<()> {
        let path = self.arguments.folder.join("settings.json");
        zkassay_file::write(&path, &self.calibrated()?.to_json())
            .with_context(|| cannot_write(&path))
    }

    fn parameters(&self, clock: Clock) -> Result<Map<String, Value>> {
        let path = self.parameters_file()?;
        if !path.exists() {
            let srs = Srs::unsafe_local(self.compiled()?.circuit.compiled.logrows());
            zkassay_file::write(&path, &srs.to_bytes()).with_context(|| cannot_write(&path))?;
        }
        let mut answer = clock.stop();
        let bytes = fs::metadata(&path).with_context(|| cannot_read(&path))?;
        answer.insert("srs_bytes".into(), json!(bytes.len()));
        Ok(answer)
    }

    fn setup(&mut self, clock: Clock) -> Result<Map<String, Value>> {
        let srs = self.read_parameters()?;
        let key = zkassay::setup(&srs, &self.compiled()?.circuit)?;
        let (proving, verifying) = (key.to_bytes()?, key.verifying_key().to_bytes());
        let [pk, vk] = ["model.pk", "model.vk"].map(|name| self.arguments.folder.join(name));
        let written = [write_part(&pk, &proving)?, write_part(&vk, &verifying)?];
        let mut answer = clock.stop();
        for (part, path) in written.iter().zip([&pk, &vk]) {
            zkassay_file::promote(part, path).with_context(|| cannot_write(path))?;
        }
        // Keys are a function of circuit and parameters: those made again are the same, and are kept
        // with what was computed for them.
        let is_read = |keys: &Keys| keys.file == digest(&proving);
        self.keys = self.keys.take().filter(is_read);
        self.witness = None;
        answer.insert("pk_bytes".into(), json!(proving.len()));
        answer.insert("vk_bytes".into(), json!(verifying.len()));
        Ok(answer)
    }

    fn witness(&mut self, index: usize) -> Result<Map<String, Value>> {
        self.load()?;
        let keys = self.keys.as_ref().context("`setup` comes first")?;
        let rows = self.batch(index)?;
        let clock = Clock::start();
        let witness = keys.proving.compiled().witness_batch(rows);
        let answer = clock.stop();
        self.witness = Some((index, witness.map_err(refusal)?));
        Ok(answer)
    }

    fn prove(&self, index: usize) -> Result<Map<String, Value>> {
        let keys = self.keys.as_ref().context("`witness` comes first")?;
        let witness = self.witness_of(index)?;
        let path = self.proof_file(index);
        let clock = Clock::start();
        let proof = keys.proving.prove(&keys.srs, witness)?;
        let part = write_part(&path, &proof.to_bytes())?;
        let mut answer = clock.stop();
        zkassay_file::promote(&part, &path).with_context(|| cannot_write(&path))?;
        answer.insert("proof_bytes".into(), json!(proof.transcript.len()));
        Ok(answer)
    }

    fn verify(&mut self, index: usize) -> Result<Map<String, Value>> {
        self.load()?;
        let keys = self.keys.as_ref().context("`setup` comes first")?;
        let path = self.proof_file(index);
        let clock = Clock::start();
        let proof = Proof::from_bytes(&read(&path)?)?;
        let verdict = zkassay::verify(&keys.verifying, &proof)?;
        let mut answer = clock.stop();
        let expected = self.outputs(index)?;
        ensure!(
            same_bits(&verdict.outputs, &expected),
            "row {index}: the proof says {:?}, integer evaluation {expected:?}",
            verdict.outputs
        );
        answer.insert("outputs".into(), json!(verdict.outputs));
        Ok(answer)
    }

    fn evaluate(&self, index: usize) -> Result<Map<String, Value>> {
        self.compiled()?;
        let clock = Clock::start();
        let outputs = self.outputs(index)?;
        let mut answer = clock.stop();
        answer.insert("outputs".into(), json!(outputs));
        Ok(answer)
    }

    /// The integer model's outputs for the rows of a proof.
    fn outputs(&self, index: usize) -> Result<Vec<f64>> {
        let integer = &self.compiled()?.integer;
        let mut outputs = Vec::new();
        for row in self.batch(index)? {
            let trace = integer.evaluate(row);
            outputs.extend(trace.map_err(|error| refusal(error.into()))?.reals);
        }
        Ok(outputs)
    }

    /// Reads the keys and their parameters, if that was not done yet.
    fn load(&mut self) -> Result<()> {
        if self.keys.is_none() {
            let proving = read(&self.arguments.folder.join("model.pk"))?;
            let verifying = read(&self.arguments.folder.join("model.vk"))?;
            self.keys = Some(Keys {
                file: digest(&proving),
                srs: self.read_parameters()?,
                proving: ProvingKey::from_bytes(&proving)?,
                verifying: VerifyingKey::from_bytes(&verifying)?,
            });
        }
        Ok(())
    }

    fn imported(&self) -> Result<&(Model, Settings)> {
        self.imported.as_ref().context("`settings` comes first")
    }

    fn calibrated(&self) -> Result<&Settings> {
        self.calibrated.as_ref().context("`calibrate` comes first")
    }

    fn compiled(&self) -> Result<&Compiled> {
        self.compiled.as_ref().context("`compile` comes first")
    }

    fn witness_of(&self, index: usize) -> Result<&TableWitness> {
        match &self.witness {
            Some((row, witness)) if *row == index => Ok(witness),
            _ => Err(anyhow!("`witness {index}` comes first")),
        }
    }

    /// The rows of a proof.
    fn batch(&self, index: usize) -> Result<&[Vec<f32>]> {
        let batch = self.arguments.batch as usize;
        let rows = self.rows.test.chunks_exact(batch).nth(index);
        rows.with_context(|| {
            let proofs = self.rows.test.len() / batch;
            format!("the test rows are for {proofs} proofs, and number {index} is asked for")
        })
    }

    fn parameters_file(&self) -> Result<PathBuf> {
        let folder = match &self.arguments.parameters {
            Some(folder) => folder,
            None => &self.arguments.folder,
        };
        let logrows = self.compiled()?.circuit.compiled.logrows();
        Ok(folder.join(format!("unsafe-local-k{logrows}.srs")))
    }

    fn read_parameters(&self) -> Result<Srs> {
        let path = self.parameters_file()?;
        Srs::from_bytes(&read(&path)?).with_context(|| path.display().to_string())
    }

    fn proof_file(&self, index: usize) -> PathBuf {
        let folder = self.arguments.folder.join("proofs");
        folder.join(format!("row-{index}.proof"))
    }
}

/// An error of a row: its values may be the reason.
fn refusal(error: CircuitError) -> anyhow::Error {
    match error {
        CircuitError::Quant(QuantError::OutOfRange { .. } | QuantError::Violated { .. }) => {
            Refusal(error.to_string()).into()
        }
        error => error.into(),
    }
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    bits(a) == bits(b)
}

/// Writes a file beside its place, from where [`zkassay_file::promote`] moves it.
fn write_part(path: &Path, bytes: &[u8]) -> Result<PathBuf> {
    let part = path.with_added_extension("part");
    fs::write(&part, bytes).with_context(|| cannot_write(&part))?;
    Ok(part)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| cannot_read(path))
}

fn cannot_read(path: &Path) -> String {
    format!("{} cannot be read", path.display())
}

fn cannot_write(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}
