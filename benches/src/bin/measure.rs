//! One model through the library, stage by stage, for `cargo xtask peers`.
//!
//! ```text
//! measure MODEL.onnx ROWS.json DIR [--batch B]
//! ```
//!
//! `ROWS.json` holds `{"calibration": [[...]], "test": [[...]]}`, one list per row; keys and
//! proofs are left in `DIR`. Each line of standard input asks for one stage, each line of
//! standard output is its answer, a JSON object: what was measured, or `{"error": "..."}`.
//!
//! | request | what | answer |
//! |---|---|---|
//! | `prepare` | import, calibrate, compile, all by default | `seconds`, the settings |
//! | `parameters` | make a file of parameters, unless there is one | |
//! | `setup` | parameters from their file, keys to files | `seconds`, sizes in bytes |
//! | `prove I` | proof of test row `I`, to a file; the first request reads the files of keys and parameters | `seconds`, `proof_bytes` |
//! | `verify I` | from the files of key and proof | `seconds`, `check_seconds` without reading, `outputs` |
//! | `evaluate I` | the integer model alone | `outputs` |
//!
//! With `--batch B` a proof is of `B` inferences: number `I` of the test rows from `I * B` on, and
//! outputs are those of all of them, one row after the other.
//!
//! Whoever asks takes CPU time and memory from the operating system, for every program alike.

use std::fs;
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use ndarray::Array2;
use serde_json::{Value, json};
use zkassay::{
    CalibrationOptions, Circuit, CompileOptions, Model, Proof, ProvingKey, Settings, Srs,
    VerifyingKey,
};
use zkassay_circuit::Compiled;

/// Measure one model, stage by stage, as standard input asks for them.
#[derive(Debug, Parser)]
struct Arguments {
    /// The ONNX file.
    model: PathBuf,
    /// JSON with rows for calibration and rows to prove.
    rows: PathBuf,
    /// Folder for keys and proofs.
    folder: PathBuf,
    /// Inferences in one proof.
    #[arg(long, value_name = "B", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
}

fn main() -> Result<()> {
    let mut stages = Stages::new(Arguments::parse())?;
    let mut answers = std::io::stdout().lock();
    for request in std::io::stdin().lock().lines() {
        let answer = stages
            .answer(&request?)
            .unwrap_or_else(|error| json!({ "error": format!("{error:#}") }));
        writeln!(answers, "{answer}")?;
        answers.flush()?;
    }
    Ok(())
}

/// What the stages hand on to each other within one process.
struct Stages {
    model: PathBuf,
    folder: PathBuf,
    batch: u32,
    calibration: Array2<f32>,
    test: Vec<Vec<f32>>,
    circuit: Option<Circuit>,
    /// Read from their files at the first proof.
    key: Option<(Srs, ProvingKey)>,
}

impl Stages {
    fn new(arguments: Arguments) -> Result<Self> {
        let mut rows: Value = serde_json::from_slice(&read(&arguments.rows)?)?;
        let calibration: Vec<Vec<f32>> = serde_json::from_value(rows["calibration"].take())?;
        let test = serde_json::from_value(rows["test"].take())?;
        let inputs = calibration.first().map_or(0, Vec::len);
        let calibration = Array2::from_shape_vec((calibration.len(), inputs), calibration.concat())
            .context("calibration rows of one length")?;
        Ok(Self {
            model: arguments.model,
            folder: arguments.folder,
            batch: arguments.batch,
            calibration,
            test,
            circuit: None,
            key: None,
        })
    }

    fn answer(&mut self, request: &str) -> Result<Value> {
        let (stage, row) = request.split_once(' ').unwrap_or((request, "0"));
        let row = row.parse().with_context(|| format!("row `{row}`"))?;
        match stage {
            "prepare" => self.prepare(),
            "parameters" => self.parameters(),
            "setup" => self.setup(),
            "prove" => self.prove(row),
            "verify" => self.verify(row),
            "evaluate" => self.evaluate(row),
            _ => bail!("no stage is called `{stage}`"),
        }
    }

    fn prepare(&mut self) -> Result<Value> {
        let start = Instant::now();
        let model = Model::from_onnx_file(&self.model)?;
        let (rows, calibration) = (self.calibration.view(), CalibrationOptions::default());
        let options = CompileOptions {
            batch: self.batch,
            ..CompileOptions::default()
        };
        let settings = Settings::new(&model, &options).calibrate(&model, rows, &calibration)?;
        let circuit = settings.compile(&model)?;
        let seconds = start.elapsed().as_secs_f64();
        let limbs = match &circuit.compiled {
            Compiled::Chain(chain) => json!(chain.model().limbs),
            Compiled::Program(program) => json!(program.program().limbs),
        };
        let settings = json!({ "logrows": circuit.compiled.logrows(), "limbs": limbs });
        self.circuit = Some(circuit);
        Ok(json!({ "seconds": seconds, "settings": settings }))
    }

    fn parameters(&self) -> Result<Value> {
        let file = self.file("parameters");
        if !file.exists() {
            let logrows = self.circuit()?.compiled.logrows();
            fs::write(file, Srs::unsafe_local(logrows).to_bytes())?;
        }
        Ok(json!({}))
    }

    fn setup(&self) -> Result<Value> {
        let start = Instant::now();
        let srs = Srs::from_bytes(&read(&self.file("parameters"))?)?;
        let key = zkassay::setup(&srs, self.circuit()?)?;
        let (proving, verifying) = (key.to_bytes()?, key.verifying_key().to_bytes());
        fs::write(self.file("proving.key"), &proving)?;
        fs::write(self.file("verifying.key"), &verifying)?;
        let seconds = start.elapsed().as_secs_f64();
        Ok(json!({ "seconds": seconds, "pk_bytes": proving.len(), "vk_bytes": verifying.len() }))
    }

    fn prove(&mut self, row: usize) -> Result<Value> {
        let start = Instant::now();
        let (srs, key) = match self.key.take() {
            Some(loaded) => loaded,
            None => {
                let srs = Srs::from_bytes(&read(&self.file("parameters"))?)?;
                let key = ProvingKey::from_bytes(&read(&self.file("proving.key"))?)?;
                (srs, key)
            }
        };
        let proof = key.prove(&srs, &key.compiled().witness_batch(self.rows(row)?)?)?;
        fs::write(self.file("proof"), proof.to_bytes())?;
        let seconds = start.elapsed().as_secs_f64();
        self.key = Some((srs, key));
        Ok(json!({ "seconds": seconds, "proof_bytes": proof.transcript.len() }))
    }

    fn verify(&self, _row: usize) -> Result<Value> {
        let start = Instant::now();
        let key = VerifyingKey::from_bytes(&read(&self.file("verifying.key"))?)?;
        let proof = Proof::from_bytes(&read(&self.file("proof"))?)?;
        let check = Instant::now();
        let verdict = zkassay::verify(&key, &proof)?;
        Ok(json!({
            "seconds": start.elapsed().as_secs_f64(),
            "check_seconds": check.elapsed().as_secs_f64(),
            "outputs": verdict.outputs,
        }))
    }

    fn evaluate(&self, row: usize) -> Result<Value> {
        let (_, key) = self.key.as_ref().context("prove a row first")?;
        let compiled = key.compiled();
        let scale = compiled.output_map()?.output_scale();
        let witness = compiled.witness_batch(self.rows(row)?)?;
        let outputs = witness.outputs().iter().map(|z| scale.real(*z));
        Ok(json!({ "outputs": outputs.collect::<Vec<_>>() }))
    }

    fn circuit(&self) -> Result<&Circuit> {
        self.circuit.as_ref().context("`prepare` comes first")
    }

    /// The rows of a proof.
    fn rows(&self, index: usize) -> Result<&[Vec<f32>]> {
        let batch = self.batch as usize;
        let rows = self.test.chunks_exact(batch).nth(index);
        rows.with_context(|| format!("batch {index} of {} in test rows", self.test.len() / batch))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
