//! The process that does the same in PyTorch: `benches/training/torch_worker.py`.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use zkassay_benches::INPUTS;
use zkassay_models::metrics::Metrics;
use zkassay_models::{
    Classifier as _, DenseLayer, Hyperparameters as _, Mlp, MlpParams, MlpSpec, Round, mlp,
};

use crate::data::{Data, ROWS, write_floats};

const SCRIPT: &str = "benches/training/torch_worker.py";
/// Epochs before a sample is taken.
pub(crate) const WARM_UP: usize = 10;
/// Epochs of one round in a sample of the usual way, and of all rounds in one of the batched.
pub(crate) const SAMPLE: [usize; 2] = [200, 20];
/// Rounds and epochs that are trained on both sides from the same weights. By then losses have
/// fallen to a quarter; after a hundred epochs those of the large networks are so small that
/// PyTorch's own, in float32 and in float64, differ by a thousandth.
pub(crate) const CHECK: [usize; 2] = [2, 30];
/// How far the losses of those may be apart, relative to the loss.
pub(crate) const TOLERANCE: f64 = 1e-3;

/// A running worker; dropping it ends it.
pub(crate) struct Torch {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// How a network is trained in PyTorch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// One round after the other on one thread.
    OneThread,
    /// One round after the other on all threads.
    AllThreads,
    /// All rounds as one batched computation on all threads.
    Batched,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::OneThread, Self::AllThreads, Self::Batched];

    /// The worker's name for it.
    fn stage(self) -> &'static str {
        match self {
            Self::OneThread => "one_thread",
            Self::AllThreads => "all_threads",
            Self::Batched => "batched",
        }
    }
}

/// Mean cross-entropy of the checked rounds after training.
#[derive(Deserialize)]
struct Losses {
    usual: Vec<f64>,
    batched: Vec<f64>,
}

/// One measurement.
#[derive(Deserialize)]
struct Sample {
    seconds: f64,
    /// Epochs of one round.
    epochs: usize,
}

impl Torch {
    /// Writes what the worker reads into `folder`, and starts it.
    pub(crate) fn start(
        python: &Path,
        folder: &Path,
        data: &Data,
        networks: &[MlpSpec],
    ) -> Result<Self> {
        data.write(folder)?;
        let rounds = data.rounds()?;
        let checked = &rounds[..CHECK[0].min(rounds.len())];
        for (index, spec) in networks.iter().enumerate() {
            let path = folder.join(format!("weights-{index}.f32"));
            let rounds = initial(spec, checked)?;
            let layers = rounds.iter().flatten();
            write_floats(&path, layers.flat_map(|l| l.weights.iter().chain(&l.bias)))?;
        }
        let network = |spec: &MlpSpec| {
            let rate = MlpParams::study(spec.clone(), 0).learning_rate;
            json!({ "hidden": spec.hidden, "learning_rate": rate })
        };
        let [usual, batched] = SAMPLE;
        let plan = json!({
            "rounds": rounds.len(),
            "rows": ROWS,
            "features": INPUTS,
            "threads": rayon::current_num_threads(),
            "warm_up": WARM_UP,
            "sample": { "usual": usual, "batched": batched },
            "check": { "rounds": checked.len(), "epochs": CHECK[1] },
            "networks": networks.iter().map(network).collect::<Vec<_>>(),
        });
        let path = folder.join("plan.json");
        fs::write(&path, plan.to_string())
            .with_context(|| format!("cannot write {}", path.display()))?;
        let mut process = Command::new(python)
            // Without files of compiled scripts in the source tree.
            .arg("-B")
            .arg(SCRIPT)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", python.display()))?;
        let pipes = process.stdin.take().zip(process.stdout.take());
        let (requests, answers) = pipes.context("the worker has no pipes")?;
        Ok(Self {
            process,
            requests,
            answers: BufReader::new(answers),
        })
    }

    /// What the worker runs on, for the record.
    pub(crate) fn versions(&mut self) -> Result<Value> {
        let mut versions: Value = self.ask("versions", 0)?;
        if let Some(versions) = versions.as_object_mut() {
            versions.remove("seconds");
        }
        Ok(versions)
    }

    /// Seconds, and how many epochs of one round they were.
    pub(crate) fn sample(&mut self, way: Way, network: usize) -> Result<(f64, usize)> {
        let sample: Sample = self.ask(way.stage(), network)?;
        Ok((sample.seconds, sample.epochs))
    }

    /// Trains the first rounds here and there from the same weights; the greatest relative
    /// difference of their losses.
    ///
    /// # Errors
    /// If it is above [`TOLERANCE`].
    pub(crate) fn check(
        &mut self,
        network: usize,
        spec: &MlpSpec,
        rounds: &[Round<'_>],
    ) -> Result<f64> {
        let rounds = &rounds[..CHECK[0].min(rounds.len())];
        let ours = losses(spec, rounds)?;
        let theirs: Losses = self.ask("check", network)?;
        let mut greatest = 0.0f64;
        for (way, theirs) in [("usual", theirs.usual), ("batched", theirs.batched)] {
            ensure!(theirs.len() == ours.len(), "{way}: {} losses", theirs.len());
            for (round, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                let difference = (ours - theirs).abs() / ours;
                // Not `>`: a NaN is no agreement.
                ensure!(
                    difference <= TOLERANCE,
                    "{spec}, round {round}, {} epochs from the same weights: a training loss of \
                     {ours} here and of {theirs} in PyTorch ({way}) differ by more than {TOLERANCE}",
                    CHECK[1]
                );
                greatest = greatest.max(difference);
            }
        }
        Ok(greatest)
    }

    fn ask<A: DeserializeOwned>(&mut self, stage: &str, network: usize) -> Result<A> {
        let failed = || format!("PyTorch's worker, asked for `{stage} {network}`");
        writeln!(self.requests, "{stage} {network}").with_context(failed)?;
        let mut line = String::new();
        self.answers.read_line(&mut line).with_context(failed)?;
        ensure!(!line.is_empty(), "{} ended without an answer", failed());
        let answer: Value = serde_json::from_str(&line).with_context(failed)?;
        let error = answer["error"].as_str();
        ensure!(
            error.is_none(),
            "{}: {}",
            failed(),
            error.unwrap_or_default()
        );
        serde_json::from_value(answer).with_context(failed)
    }
}

impl Drop for Torch {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The weights that each round starts from: those after a step too small to change any.
fn initial(spec: &MlpSpec, rounds: &[Round<'_>]) -> Result<Vec<Vec<DenseLayer>>> {
    let params = MlpParams {
        epochs: 1,
        learning_rate: 1e-30,
        ..MlpParams::study(spec.clone(), 0)
    };
    let models = mlp::fit_rounds(rounds, &params.check()?)?;
    Ok(models.into_iter().map(|model| model.layers).collect())
}

/// Mean cross-entropy of each round on its own rows, once it is trained.
fn losses(spec: &MlpSpec, rounds: &[Round<'_>]) -> Result<Vec<f64>> {
    let params = MlpParams {
        epochs: CHECK[1],
        ..MlpParams::study(spec.clone(), 0)
    };
    let models = mlp::fit_rounds(rounds, &params.check()?)?;
    let loss = |(round, model): (&Round<'_>, &Mlp)| {
        let (rows, labels) = (round.set.rows(), round.set.labels());
        let metrics = Metrics::new(&model.predict(rows)?, labels, labels)?;
        metrics.log_loss.context("a network gives probabilities")
    };
    rounds.iter().zip(&models).map(loss).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_knows_every_request() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/training/torch_worker.py");
        let script = fs::read_to_string(path).unwrap();
        let ways = Way::ALL.map(Way::stage);
        for stage in ways.into_iter().chain(["check", "versions"]) {
            assert!(script.contains(&format!("\ndef {stage}(")), "{stage}");
        }
    }

    #[test]
    fn initial_weights_are_those_before_the_first_step() {
        let data = Data::new(1);
        let rounds = data.rounds().unwrap();
        let layers = &initial(&"4".parse().unwrap(), &rounds).unwrap()[0];
        // As `Linear` draws them: within one over the root of the inputs.
        let bound = 1.0 / (INPUTS as f32).sqrt();
        assert_eq!(layers[0].weights.dim(), (4, INPUTS));
        assert!(layers[0].weights.iter().all(|w| w.abs() <= bound));
        // The first step of Adam moves every weight by the learning rate.
        let params = MlpParams {
            epochs: 1,
            ..MlpParams::study("4".parse().unwrap(), rounds[0].seed)
        };
        let stepped = mlp::fit(&rounds[0].set, &params.clone().check().unwrap()).unwrap();
        let moved = (&stepped.layers[0].weights - &layers[0].weights).mapv(f32::abs);
        let rate = params.learning_rate as f32;
        assert!(moved.iter().all(|step| (step - rate).abs() < 0.01 * rate));
    }
}
