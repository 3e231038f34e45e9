//! One model through all stages.
//!
//! Each stage starts from what the one before left on disk, as a user's would:
//! the ONNX file is imported from its bytes, proofs are verified from theirs with the
//! verifying key from its file.

use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use zkassay_circuit::{CircuitError, CompileOptions, Compiled};
use zkassay_graph::Graph;
use zkassay_models::zoo::{self, Params};
use zkassay_models::{Classifier, Export, Hyperparameters, ModelSpec, TrainingSet, Valid, metrics};
use zkassay_prover::{ProvingKey, Srs};
use zkassay_quant::{FidelityReport, IntegerCalibration, IntegerModel, QuantError};
use zkassay_report::{
    Accuracy, CircuitShape, Family, ModelRecord, Proportion, Sizes, Stage, Timings, Training,
};
use zkassay_seed::Stream;
use zkassay_verifier::artefact::{digest, hex};
use zkassay_verifier::{Digest, Proof, VerifyingKey};

use crate::Plan;
use crate::dataset::{Dataset, Rows};
use crate::folder::Folder;
use crate::integer;
use crate::progress::Progress;

/// How often keys are made, to time it.
const SETUPS: usize = 3;

/// What every stage needs.
#[derive(Clone, Copy, Debug)]
pub struct Stages<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The rows.
    pub dataset: &'a Dataset,
    /// Where files go.
    pub folder: &'a Folder,
    /// Where progress is shown.
    pub progress: &'a Progress,
}

/// A model's files in the run's folder.
struct Files<'a> {
    folder: &'a Folder,
    tag: String,
}

impl Files<'_> {
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.folder.write(&self.path(name), bytes)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        self.folder.read(&self.path(name))
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.tag)
    }
}

impl Stages<'_> {
    /// Trains, exports, imports, calibrates, compiles, makes keys, proves, verifies.
    ///
    /// # Errors
    /// What failed.
    pub fn run(&self, spec: &ModelSpec) -> Result<ModelRecord> {
        let tag = spec.to_string();
        let files = Files {
            folder: self.folder,
            tag: tag.clone(),
        };
        let test = self.dataset.rows(&self.dataset.split.test);
        let mut timings = Timings::default();

        let (trained, training) = self.train(spec, &tag)?;
        let float = trained.predict(test.values.view())?;
        let model_digest = self.export(spec, trained.as_ref(), &files)?;
        let graph = Graph::from_onnx(&files.read("model.onnx")?)?;

        let (calibration, compiled) = self.compile(&graph, &tag, &mut timings)?;
        let quantized = integer::score(&calibration.model, &test)?;
        let measured = FidelityReport::measure(&graph, &calibration.model, test.values.view())?;
        let fidelity = measured.overall;
        let settings = settings(&compiled, &calibration, quantized.out_of_range);
        self.folder
            .write_json(&files.path("calibration.json"), &calibration.trials)?;
        self.folder
            .write_json(&files.path("settings.json"), &settings)?;

        let (srs, key, mut sizes) = self.keys(compiled, model_digest, &files, &mut timings)?;
        let proved = self.prove(&srs, &key, &calibration.model, &files, &mut timings)?;
        sizes.proof_bytes = proved.proof_bytes;

        let train = self.dataset.rows(&self.dataset.split.train);
        let record = ModelRecord {
            tag,
            family: match spec {
                ModelSpec::SvmRbf => Family::Kernel,
                ModelSpec::Tree | ModelSpec::Forest | ModelSpec::Boosted => Family::Trees,
                _ => Family::Network,
            },
            hidden: match spec {
                ModelSpec::Mlp(spec) => spec.hidden.clone(),
                _ => Vec::new(),
            },
            activation: match spec {
                ModelSpec::Mlp(spec) => format!("{:?}", spec.activation).to_lowercase(),
                _ => "none".into(),
            },
            parameters: graph.parameters(),
            training,
            accuracy: Accuracy {
                float: proportion(metrics::accuracy(&float, &test.labels)?),
                quantized: proportion(quantized.accuracy()?),
                majority: proportion(metrics::majority(&train.labels, &test.labels)?),
            },
            fidelity: zkassay_report::Fidelity {
                label_agreement: fidelity.agreement,
                mean_abs_error: fidelity.mean,
                max_abs_error: fidelity.max,
            },
            circuit: circuit_shape(&key),
            timings,
            sizes,
            proved_rows: proved.rows,
            onnx_sha256: hex(&model_digest),
            settings,
        };
        self.progress.done(&record.tag, &summary(&record));
        Ok(record)
    }

    fn train(&self, spec: &ModelSpec, tag: &str) -> Result<(Box<dyn Classifier>, Training)> {
        self.progress.update(tag, "training");
        let Rows { values, labels } = self.dataset.rows(&self.dataset.split.train);
        let params: Valid<Params> = Params::study(spec, self.plan.seed).check()?;
        let started = Instant::now();
        let trained = zoo::fit(&TrainingSet::new(values.view(), &labels)?, &params)?;
        let training = Training {
            params: serde_json::to_value(&params)?,
            seed: self.plan.seed,
            seconds: started.elapsed().as_secs_f64(),
        };
        Ok((trained, training))
    }

    /// Writes the ONNX file; returns its hash.
    fn export(
        &self,
        spec: &ModelSpec,
        trained: &dyn Classifier,
        files: &Files<'_>,
    ) -> Result<Digest> {
        let export = Export::new(spec.tag())
            .with("seed", self.plan.seed)
            .with("features", self.dataset.feature_hash());
        let onnx = trained.to_onnx(&export)?;
        files.write("model.onnx", &onnx)?;
        Ok(digest(&onnx))
    }

    fn compile(
        &self,
        graph: &Graph,
        tag: &str,
        timings: &mut Timings,
    ) -> Result<(IntegerCalibration, Compiled)> {
        self.progress.update(tag, "calibrating");
        let rows = self.dataset.rows(&self.dataset.split.calibration);
        let calibration = timed(timings, Stage::Calibrate, || {
            integer::calibrated(graph, rows.values.view())
        })?;
        let model = calibration.model.clone();
        let compiled = timed(timings, Stage::Compile, || {
            Compiled::new(model, &CompileOptions::default())
        })?;
        Ok((calibration, compiled))
    }

    fn keys(
        &self,
        compiled: Compiled,
        model: Digest,
        files: &Files<'_>,
        timings: &mut Timings,
    ) -> Result<(Srs, ProvingKey, Sizes)> {
        self.progress.update(&files.tag, "making keys");
        let logrows = compiled.logrows();
        let srs = self.srs(logrows)?;
        let mut key = ProvingKey::setup(&srs, compiled.clone(), model)?;
        for _ in 0..SETUPS {
            let compiled = compiled.clone();
            key = timed(timings, Stage::Setup, || {
                ProvingKey::setup(&srs, compiled, model)
            })?;
        }
        let (proving, verifying) = (key.to_bytes()?, key.verifying_key().to_bytes());
        files.write("model.pk", &proving)?;
        files.write("model.vk", &verifying)?;
        let sizes = Sizes {
            proof_bytes: 0,
            pk_bytes: proving.len() as u64,
            vk_bytes: verifying.len() as u64,
            srs_bytes: srs.to_bytes().len() as u64,
        };
        Ok((srs, key, sizes))
    }

    /// Parameters for `2^logrows` rows: those of an earlier model of this run, or new ones.
    fn srs(&self, logrows: u32) -> Result<Srs> {
        let name = format!("unsafe-local-k{logrows}.srs");
        if self.folder.path().join(&name).exists() {
            return Ok(Srs::from_bytes(&self.folder.read(&name)?)?);
        }
        let srs = Srs::unsafe_local(logrows);
        self.folder.write(&name, &srs.to_bytes())?;
        Ok(srs)
    }

    /// Proves and verifies rows of the test set, drawn at random.
    fn prove(
        &self,
        srs: &Srs,
        key: &ProvingKey,
        model: &IntegerModel,
        files: &Files<'_>,
        timings: &mut Timings,
    ) -> Result<Proved> {
        let verifying = VerifyingKey::from_bytes(&files.read("model.vk")?)?;
        let mut candidates = self.dataset.split.test.clone();
        Stream::new(self.plan.seed, "experiment/proved-rows").shuffle(&mut candidates);
        ensure!(
            self.plan.proofs <= candidates.len(),
            "{} proofs are asked for, but there are {} test rows",
            self.plan.proofs,
            candidates.len()
        );
        let mut proved = Proved::default();
        let mut is_warm = false;
        for row in candidates {
            if proved.rows.len() == self.plan.proofs {
                break;
            }
            let done = proved.rows.len() + 1;
            self.progress
                .update(&files.tag, format!("proof {done} of {}", self.plan.proofs));
            let values = self.dataset.matrix.values.row(row).to_vec();
            let started = Instant::now();
            let witness = match key.compiled().witness(&values) {
                Ok(witness) => witness,
                Err(error) => {
                    self.refuse(row, error)?;
                    continue;
                }
            };
            let witness_ms = milliseconds(started);
            if !is_warm {
                // The first proof fills caches and wakes threads; it is not counted.
                key.prove(srs, &witness)?;
                is_warm = true;
            }
            timings.push(Stage::Witness, witness_ms);
            let proof = timed(timings, Stage::Prove, || key.prove(srs, &witness))?;
            let name = format!("proofs/row-{row}.proof");
            files.write(&name, &proof.to_bytes())?;
            let proof = Proof::from_bytes(&files.read(&name)?)?;
            proved.proof_bytes = proof.transcript.len() as u64;
            let verdict = timed(timings, Stage::Verify, || verifying.verify(&proof))
                .with_context(|| format!("the proof of row {row}"))?;
            if verdict.outputs != model.evaluate(&values)?.reals {
                bail!(
                    "row {row}: the proof says {:?}, integer evaluation does not",
                    verdict.outputs
                );
            }
            proved.rows.push(row);
        }
        ensure!(
            proved.rows.len() == self.plan.proofs,
            "only {} of {} test rows lie in the calibrated range",
            proved.rows.len(),
            self.dataset.split.test.len()
        );
        Ok(proved)
    }

    /// A row outside the calibrated range is left out, with a line that says why.
    fn refuse(&self, row: usize, error: CircuitError) -> Result<()> {
        let feature = match &error {
            CircuitError::Quant(QuantError::OutOfRange { index, .. }) => {
                format!(" (feature '{}')", self.dataset.matrix.names[*index])
            }
            CircuitError::Quant(QuantError::Violated { .. }) => String::new(),
            _ => return Err(error.into()),
        };
        self.progress
            .done("", &format!("row {row} is left out{feature}: {error}"));
        Ok(())
    }
}

/// The rows proved, and the length of their proofs: the same for all.
#[derive(Default)]
struct Proved {
    rows: Vec<usize>,
    proof_bytes: u64,
}

/// Runs `work` and records how long it took.
fn timed<T>(timings: &mut Timings, stage: Stage, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    timings.push(stage, milliseconds(started));
    result
}

fn milliseconds(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}

fn proportion(from: metrics::Proportion) -> Proportion {
    Proportion {
        value: from.value,
        low: from.low,
        high: from.high,
        correct: from.correct,
        total: from.total,
    }
}

fn circuit_shape(key: &ProvingKey) -> CircuitShape {
    let system = key.verifying_key().halo2().cs();
    CircuitShape {
        logrows: key.compiled().logrows(),
        rows: match key.compiled() {
            Compiled::Chain(chain) => chain.rows().len(),
            Compiled::Program(program) => program.shape().used_rows as usize,
        },
        advice_columns: system.num_advice_columns(),
        fixed_columns: system.num_fixed_columns(),
        instance_columns: system.num_instance_columns(),
    }
}

/// What calibration and compilation chose.
fn settings(
    compiled: &Compiled,
    calibration: &IntegerCalibration,
    out_of_range: usize,
) -> serde_json::Value {
    let model = &calibration.model;
    let (low, high) = model.input_range();
    let mut settings = json!({
        "input_range": [model.input_scale().real(low), model.input_scale().real(high)],
        "block_width": compiled.shape().block_width(),
        "calibration": calibration.fidelity.overall,
        "test_rows_out_of_range": out_of_range,
    });
    let (limbs, degree, details) = match compiled {
        Compiled::Chain(chain) => {
            let layers = chain.model().layers.iter().map(|layer| {
                json!({
                    "node": layer.name,
                    "input_scale": layer.input_scale,
                    "weight_scale": layer.weight_scale,
                })
            });
            let degree = chain.shape().degree;
            settings["output"] = json!(chain.model().output);
            let layers = json!(layers.collect::<Vec<_>>());
            (json!(chain.model().limbs), degree, ("layers", layers))
        }
        Compiled::Program(program) => {
            let steps = program.program().steps.iter();
            let steps = steps.map(|step| json!({"node": step.name, "wires": step.len()}));
            let degree = program.shape().degree;
            let steps = json!(steps.collect::<Vec<_>>());
            settings["output_scale"] = json!(program.program().output_scale);
            (json!(program.program().limbs), degree, ("steps", steps))
        }
    };
    settings["limbs"] = limbs;
    settings["gate_degree"] = json!(degree);
    settings[details.0] = details.1;
    settings
}

/// One line about a finished model.
fn summary(record: &ModelRecord) -> String {
    let median = |stage| record.timings.of(stage).median().unwrap_or(0.0);
    format!(
        "{} parameters, accuracy {:.1} % (quantised {:.1} %), {} proofs of {} bytes: prove {:.0} ms, verify {:.1} ms",
        record.parameters,
        100.0 * record.accuracy.float.value,
        100.0 * record.accuracy.quantized.value,
        record.proved_rows.len(),
        record.sizes.proof_bytes,
        median(Stage::Prove),
        median(Stage::Verify),
    )
}
