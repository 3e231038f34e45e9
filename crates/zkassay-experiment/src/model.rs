//! One model through all stages.
//!
//! Each stage starts from what the one before left on disk, as a user's would:
//! the ONNX file is imported from its bytes, proofs are verified from theirs with the
//! verifying key from its file.

use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use ndarray::Axis;
use serde_json::json;
use zkassay_circuit::{CircuitError, CompiledModel, Plan as TablePlan};
use zkassay_graph::Graph;
use zkassay_models::{Mlp, MlpSpec, Params, fit, metrics};
use zkassay_prover::{ProvingKey, Srs};
use zkassay_quant::{Calibration, CalibrationParams, Fidelity, QuantError, calibrate};
use zkassay_report::{
    Accuracy, CircuitShape, ModelRecord, Proportion, Sizes, Stage, Timings, Training,
};
use zkassay_seed::Stream;
use zkassay_verifier::artefact::{digest, hex};
use zkassay_verifier::{Digest, Proof, VerifyingKey};

use crate::Plan;
use crate::dataset::{Dataset, Rows};
use crate::folder::Folder;
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
    pub fn run(&self, spec: &MlpSpec) -> Result<ModelRecord> {
        let tag = spec.to_string();
        let files = Files {
            folder: self.folder,
            tag: tag.clone(),
        };
        let test = self.dataset.rows(&self.dataset.split.test);
        let mut timings = Timings::default();

        let (mlp, training) = self.train(spec, &tag)?;
        let float_probabilities = mlp.predict_proba(test.values.view())?;
        let model_digest = self.export(&mlp, &files)?;
        let graph = Graph::from_onnx(&files.read("model.onnx")?)?;

        let (calibration, compiled) = self.compile(&graph, &tag, &mut timings)?;
        let (quantized, out_of_range) = self.score(&compiled, &test)?;
        let fidelity = Fidelity::measure(&graph, compiled.model(), test.values.view())?;
        let settings = settings(&compiled, &calibration.fidelity, out_of_range);
        self.folder
            .write_json(&files.path("calibration.json"), &calibration.trials)?;
        self.folder
            .write_json(&files.path("settings.json"), &settings)?;

        let (srs, key, mut sizes) = self.keys(compiled, model_digest, &files, &mut timings)?;
        let proved = self.prove(&srs, &key, &files, &mut timings)?;
        sizes.proof_bytes = proved.proof_bytes;

        let train = self.dataset.rows(&self.dataset.split.train);
        let record = ModelRecord {
            tag,
            hidden: spec.hidden.clone(),
            activation: format!("{:?}", spec.activation).to_lowercase(),
            parameters: graph.parameters(),
            training,
            accuracy: Accuracy {
                float: proportion(metrics::accuracy(&float_probabilities, &test.labels)?),
                quantized: proportion(quantized),
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

    fn train(&self, spec: &MlpSpec, tag: &str) -> Result<(Mlp, Training)> {
        let Rows { values, labels } = self.dataset.rows(&self.dataset.split.train);
        let params = Params::study(spec, self.plan.seed).check()?;
        let started = Instant::now();
        let mut show = |epoch: usize, epochs: usize| {
            if epoch.is_multiple_of(50) {
                self.progress
                    .update(tag, format!("training, epoch {epoch} of {epochs}"));
            }
        };
        let mlp = fit(values.view(), &labels, spec, &params, Some(&mut show))?;
        let training = Training {
            epochs: params.epochs,
            learning_rate: params.learning_rate,
            weight_decay: params.weight_decay,
            seed: params.seed,
            seconds: started.elapsed().as_secs_f64(),
        };
        Ok((mlp, training))
    }

    /// Writes the ONNX file; returns its hash.
    fn export(&self, mlp: &Mlp, files: &Files<'_>) -> Result<Digest> {
        let (seed, features) = (self.plan.seed.to_string(), self.dataset.feature_hash());
        let onnx = mlp.to_onnx([("seed", seed.as_str()), ("features", features.as_str())])?;
        files.write("model.onnx", &onnx)?;
        Ok(digest(&onnx))
    }

    fn compile(
        &self,
        graph: &Graph,
        tag: &str,
        timings: &mut Timings,
    ) -> Result<(Calibration, CompiledModel)> {
        self.progress.update(tag, "calibrating");
        let rows = self.dataset.rows(&self.dataset.split.calibration);
        let calibration = timed(timings, Stage::Calibrate, || -> Result<Calibration> {
            let plan = TablePlan::for_graph(graph)?;
            let params = CalibrationParams::new(plan.limb_bits)?;
            Ok(calibrate(graph, rows.values.view(), &params)?)
        })?;
        let model = calibration.model.clone();
        let compiled = timed(timings, Stage::Compile, || CompiledModel::new(model))?;
        Ok((calibration, compiled))
    }

    /// Accuracy of the integer model on the test rows, and how many of those lie
    /// outside its input range: they count as wrong.
    fn score(&self, compiled: &CompiledModel, test: &Rows) -> Result<(metrics::Proportion, usize)> {
        let (mut correct, mut out_of_range) = (0, 0);
        for (row, label) in test.values.axis_iter(Axis(0)).zip(&test.labels) {
            match compiled.model().evaluate(&row.to_vec()) {
                Ok(trace) => {
                    let outputs = compiled.model().output_reals(&trace);
                    correct += usize::from(
                        zkassay_quant::fidelity::class(&outputs) == usize::from(*label),
                    );
                }
                Err(QuantError::OutOfRange { .. }) => out_of_range += 1,
                Err(error) => return Err(error.into()),
            }
        }
        Ok((
            metrics::Proportion::new(correct, test.labels.len())?,
            out_of_range,
        ))
    }

    fn keys(
        &self,
        compiled: CompiledModel,
        model: Digest,
        files: &Files<'_>,
        timings: &mut Timings,
    ) -> Result<(Srs, ProvingKey, Sizes)> {
        self.progress.update(&files.tag, "making keys");
        let logrows = compiled.shape().logrows;
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
            let trace = key.compiled().model().evaluate(&values)?;
            if verdict.outputs != key.compiled().model().output_reals(&trace) {
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
        let CircuitError::Quant(QuantError::OutOfRange { index, .. }) = &error else {
            return Err(error.into());
        };
        let feature = &self.dataset.matrix.names[*index];
        self.progress.done(
            "",
            &format!("row {row} is left out (feature '{feature}'): {error}"),
        );
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
        logrows: key.compiled().shape().logrows,
        rows: key.compiled().rows().len(),
        advice_columns: system.num_advice_columns(),
        fixed_columns: system.num_fixed_columns(),
        instance_columns: system.num_instance_columns(),
    }
}

/// What calibration and compilation chose.
fn settings(
    compiled: &CompiledModel,
    calibration: &Fidelity,
    out_of_range: usize,
) -> serde_json::Value {
    let model = compiled.model();
    let (low, high) = model.input_range();
    let layers = model.layers.iter().map(|layer| {
        json!({
            "node": layer.name,
            "input_scale": layer.input_scale,
            "weight_scale": layer.weight_scale,
        })
    });
    let shape = compiled.shape();
    json!({
        "input_range": [model.input_scale().real(low), model.input_scale().real(high)],
        "limbs": model.limbs,
        "layers": layers.collect::<Vec<_>>(),
        "output": model.output,
        "block_width": shape.block_width,
        "gate_degree": shape.degree,
        "calibration": calibration,
        "test_rows_out_of_range": out_of_range,
    })
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
