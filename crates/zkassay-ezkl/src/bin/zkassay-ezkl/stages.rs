//! A model through all stages, and what each took.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::Value;
use zkassay_ezkl::{Answer, Configuration, Environment, Worker, WorkerError, reference, worker};

use crate::rows::Rows;

/// Parameters are downloaded, usually.
const PARAMETERS_LIMIT: Duration = Duration::from_secs(1200);

/// What is measured, and with what.
pub(crate) struct Run<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) configuration: Configuration,
    pub(crate) model: &'a Path,
    pub(crate) rows: &'a Rows,
    /// The file of `rows` that the workers read.
    pub(crate) file: &'a Path,
    pub(crate) work: &'a Path,
    pub(crate) srs: &'a Path,
    pub(crate) proofs: usize,
    pub(crate) limit: Duration,
}

/// What was measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Measured {
    pub(crate) prover: String,
    pub(crate) version: String,
    pub(crate) settings: Value,
    pub(crate) circuit: Value,
    /// By stage, each time in seconds.
    pub(crate) stages: BTreeMap<&'static str, Times>,
    /// By name.
    pub(crate) bytes: BTreeMap<String, u64>,
    /// Most resident memory: until the keys were made, until the last proof was verified.
    pub(crate) setup_memory: Option<u64>,
    pub(crate) prove_memory: Option<u64>,
    /// Of the proved rows, against the float model.
    pub(crate) error: Option<Error>,
    pub(crate) proved_rows: Vec<usize>,
    /// Whether these were calibrated on, too.
    pub(crate) rows_are_shared: bool,
    /// Rows that were refused, and why.
    pub(crate) refused_rows: BTreeMap<usize, String>,
    /// Why it did not get further.
    pub(crate) failure: Option<String>,
}

/// Each time a stage ran, in seconds.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Times {
    pub(crate) wall: Vec<f64>,
    pub(crate) cpu: Vec<f64>,
}

/// Absolute differences of outputs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Error {
    pub(crate) outputs: usize,
    pub(crate) mean: f64,
    pub(crate) max: f64,
}

impl Run<'_> {
    /// Takes the model through all stages. What fails in EZKL is part of what was measured.
    ///
    /// # Errors
    /// The model takes rows of another width; a worker cannot be started, or onnxruntime does not run
    /// the model.
    pub(crate) fn measure(&self) -> Result<Measured> {
        self.check_width()?;
        let mut measured = Measured {
            prover: self.configuration.prover().into(),
            version: self.environment.version().into(),
            rows_are_shared: self.rows.are_shared,
            ..Measured::default()
        };
        let log = self.work.join("ezkl.log");
        let mut ezkl = worker(
            self.environment,
            self.configuration,
            self.model,
            self.file,
            self.work,
            self.srs,
            &log,
        )?;
        let mut outputs = Vec::new();
        let outcome = self.stages(&mut ezkl, &mut measured, &mut outputs);
        measured.failure = outcome.err().map(|error| error.to_string());
        if !outputs.is_empty() {
            measured.error = Some(self.error(&outputs)?);
        }
        Ok(measured)
    }

    fn stages(
        &self,
        ezkl: &mut Worker,
        measured: &mut Measured,
        outputs: &mut Vec<(usize, Vec<f64>)>,
    ) -> Result<(), WorkerError> {
        for stage in ["settings", "calibrate", "compile"] {
            let answer = measured.ask(ezkl, stage, 0, self.limit)?;
            measured.keep(&answer);
        }
        measured.keep(&ezkl.ask("parameters", 0, PARAMETERS_LIMIT)?);
        let answer = measured.ask(ezkl, "setup", 0, self.limit)?;
        measured.keep(&answer);
        measured.setup_memory = ezkl.peak_bytes();
        for row in 0..self.rows.count() {
            if measured.proved_rows.len() == self.proofs {
                break;
            }
            match measured.ask(ezkl, "witness", row, self.limit) {
                Err(WorkerError::Stage {
                    message,
                    refused: true,
                    ..
                }) => {
                    measured.refused_rows.insert(row, message);
                    continue;
                }
                answer => answer?,
            };
            let answer = measured.ask(ezkl, "prove", row, self.limit)?;
            measured.keep(&answer);
            let answer = measured.ask(ezkl, "verify", row, self.limit)?;
            measured.prove_memory = ezkl.peak_bytes();
            measured.proved_rows.push(row);
            outputs.push((row, numbers(answer.details.get("outputs"))));
        }
        Ok(())
    }

    /// Checks that rows are as wide as the model's input, if onnxruntime can tell.
    fn check_width(&self) -> Result<()> {
        let log = self.work.join("reference.log");
        let mut session = reference(self.environment, self.model, self.file, self.work, &log)?;
        // What it cannot read, EZKL may, or says why not.
        let Ok(answer) = session.ask("shape", 0, self.limit) else {
            return Ok(());
        };
        let found = self.rows.width();
        match answer.details.get("inputs").and_then(Value::as_u64) {
            Some(inputs) if inputs != found as u64 => bail!(
                "the rows have {found} values, and {} takes {inputs}",
                self.model.display()
            ),
            _ => Ok(()),
        }
    }

    /// How far the outputs of proofs are from those of the file, or else of onnxruntime.
    fn error(&self, outputs: &[(usize, Vec<f64>)]) -> Result<Error> {
        let mut differences = Vec::new();
        let mut session = None;
        for (row, found) in outputs {
            let given = self.rows.outputs.as_ref().and_then(|rows| rows.get(*row));
            let wanted = match (given, &mut session) {
                (Some(given), _) => given.clone(),
                (None, Some(session)) => self.expected(session, *row)?,
                (None, none) => {
                    let log = self.work.join("reference.log");
                    let started =
                        reference(self.environment, self.model, self.file, self.work, &log)?;
                    self.expected(none.insert(started), *row)?
                }
            };
            if found.len() != wanted.len() {
                bail!(
                    "EZKL has {} outputs of row {row}, the float model {}",
                    found.len(),
                    wanted.len()
                );
            }
            differences.extend(found.iter().zip(wanted).map(|(a, b)| (a - b).abs()));
        }
        Ok(Error {
            outputs: differences.len(),
            mean: differences.iter().sum::<f64>() / differences.len().max(1) as f64,
            max: differences.iter().copied().fold(0.0, f64::max),
        })
    }

    fn expected(&self, session: &mut Worker, row: usize) -> Result<Vec<f64>> {
        let answer = session.ask("test", row, self.limit)?;
        Ok(numbers(answer.details.get("outputs")))
    }
}

impl Measured {
    /// Asks for a stage and keeps what it took.
    fn ask(
        &mut self,
        worker: &mut Worker,
        stage: &'static str,
        row: usize,
        limit: Duration,
    ) -> Result<Answer, WorkerError> {
        let answer = worker.ask(stage, row, limit)?;
        let times = self.stages.entry(stage).or_default();
        times.wall.push(answer.seconds);
        times.cpu.push(answer.cpu_seconds);
        Ok(answer)
    }

    /// Keeps what a stage has to tell.
    fn keep(&mut self, answer: &Answer) {
        for (name, value) in &answer.details {
            match (name.as_str(), value.as_u64()) {
                ("settings", _) => self.settings = value.clone(),
                ("circuit", _) => self.circuit = value.clone(),
                (name, Some(bytes)) if name.ends_with("_bytes") => {
                    self.bytes
                        .insert(name.trim_end_matches("_bytes").into(), bytes);
                }
                _ => {}
            }
        }
    }
}

fn numbers(value: Option<&Value>) -> Vec<f64> {
    let values = value.and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_f64).collect()
}
