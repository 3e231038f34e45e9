//! Many models over many rounds: how accurate they are, in floating point and
//! as integers, and whether the differences mean anything. No proofs.
//!
//! Every model sees the same rounds. Rows in time are walked forward; others
//! are split at random, and as in the study a model is then trained on the
//! calibration rows, too. Digits have parts of their own to train and to test
//! on: their rounds differ in the seed only.

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use zkassay_models::ModelSpec;
use zkassay_models::metrics::{self, McNemar, PairedT, Summary, corrected_resampled_t, mcnemar};
use zkassay_models::zoo::Params;
use zkassay_report::Host;

use crate::host;
use crate::progress::Progress;

mod data;
mod table;
mod train;

pub use data::{Data, Sampling};

use data::Rounds;
use train::Trained;

/// What to train, on what, how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccuracyPlan {
    /// Models; the first is what the others are compared with.
    pub models: Vec<ModelSpec>,
    /// Where the rows come from.
    pub data: Data,
    /// How often each model is trained.
    pub rounds: usize,
    /// Seed of the first round; each round adds one.
    pub seed: u64,
    /// Threads; all cores if absent.
    pub threads: Option<usize>,
}

/// What [`run`] found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccuracyRecord {
    /// The command that repeats it.
    pub command: String,
    /// The machine.
    pub host: Host,
    /// Name of the data set.
    pub data: String,
    /// SHA-256 of the feature manifest of the first round, hex; absent for
    /// digits, whose features are pixels.
    pub feature_hash: Option<String>,
    /// Which rows each round has.
    pub sampling: Sampling,
    /// Rows trained on, of each round.
    pub train_rows: Vec<usize>,
    /// Rows tested on, of each round.
    pub test_rows: Vec<usize>,
    /// Features of each round, chosen on its training rows.
    pub features: Vec<usize>,
    /// Accuracy of always giving the training rows' most frequent label.
    pub majority: Summary,
    /// The models, in the plan's order.
    pub models: Vec<ModelAccuracy>,
}

/// One model over all rounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelAccuracy {
    /// Its name.
    pub model: ModelSpec,
    /// How it is trained; the seed is that of the first round.
    pub params: Params,
    /// Number of parameters, in the first round.
    pub parameters: usize,
    /// Wall-clock time of all rounds' training.
    pub training_seconds: f64,
    /// Accuracy of each round.
    pub rounds: Vec<f64>,
    /// Accuracy over the rounds.
    pub accuracy: Summary,
    /// Area under the ROC curve; absent if a round lacks a class.
    pub roc_auc: Option<Summary>,
    /// Log loss; absent if the scores are no probabilities.
    pub log_loss: Option<Summary>,
    /// Brier score; absent if the scores are no probabilities.
    pub brier: Option<Summary>,
    /// The integer model, or why there is none.
    pub integer: IntegerAccuracy,
    /// Against the first model; absent for that model itself.
    pub against_first: Option<Comparison>,
}

/// The integer model over all rounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegerAccuracy {
    /// It was made of the exported ONNX file.
    Scored {
        /// Its accuracy; rows outside the input range count as wrong.
        accuracy: Summary,
        /// Rows outside the input range, of all rounds.
        out_of_range: usize,
        /// Greatest difference between an integer and a float output, of all rounds.
        max_abs_error: f64,
        /// Smallest share of rows, of all rounds, that both put into the same class.
        label_agreement: f64,
    },
    /// There is none in at least one round.
    Missing {
        /// Why, of the first such round.
        reason: String,
    },
}

/// A model against the first one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "test", rename_all = "snake_case")]
pub enum Comparison {
    /// Of rounds that differ in their rows: accuracy less that of the first
    /// model, corrected for rows that rounds share.
    CorrectedT(PairedT),
    /// Of one round, or of rounds with the same rows: the first round's test
    /// rows that only this model (`a`) or only the first (`b`) gets right.
    #[serde(rename = "mcnemar")]
    McNemar {
        /// Accuracy less that of the first model, in the first round.
        difference: f64,
        /// The rows, and the test's result.
        #[serde(flatten)]
        rows: McNemar,
    },
}

/// Trains and scores every model in every round.
///
/// # Errors
/// No models or rounds; what failed, and for which model.
pub fn run(plan: &AccuracyPlan, progress: &Progress) -> Result<AccuracyRecord> {
    ensure!(!plan.models.is_empty(), "no model is given (--models)");
    ensure!(plan.rounds > 0, "at least one round is needed (--rounds)");
    progress.update("data", "loading rows, making features");
    let rounds = Rounds::load(plan)?;
    let majority: Vec<f64> = rounds
        .rows
        .iter()
        .map(|rows| Ok(metrics::majority(&rows.train.labels, &rows.test.labels)?.value))
        .collect::<Result<_>>()?;
    let mut record = AccuracyRecord {
        command: plan.command(),
        host: host::host(plan.threads),
        data: rounds.name.clone(),
        feature_hash: rounds.feature_hash.clone(),
        sampling: rounds.sampling,
        train_rows: rounds.each(|rows| rows.train.labels.len()),
        test_rows: rounds.each(|rows| rows.test.labels.len()),
        features: rounds.each(|rows| rows.train.values.ncols()),
        majority: Summary::new(&majority)?,
        models: Vec::with_capacity(plan.models.len()),
    };
    let mut first: Option<Trained> = None;
    for (index, spec) in plan.models.iter().enumerate() {
        let count = plan.models.len();
        progress.update(&spec.to_string(), format!("model {} of {count}", index + 1));
        let trained =
            train::train(plan, spec, &rounds.rows).with_context(|| format!("model {spec}"))?;
        let mut model = trained.accuracy.clone();
        match &first {
            Some(first) => model.against_first = Some(compare(&record, &trained, first)?),
            None => first = Some(trained),
        }
        progress.done(&spec.to_string(), &model.summary());
        record.models.push(model);
    }
    progress.finish();
    Ok(record)
}

impl AccuracyPlan {
    /// The command that repeats this plan.
    pub fn command(&self) -> String {
        let models: Vec<String> = self.models.iter().map(ToString::to_string).collect();
        let mut command = format!(
            "cargo xtask accuracy --models {} --rounds {} --seed {} {}",
            models.join(","),
            self.rounds,
            self.seed,
            self.data
        );
        if let Some(threads) = self.threads {
            command += &format!(" --threads {threads}");
        }
        command
    }
}

fn compare(record: &AccuracyRecord, model: &Trained, first: &Trained) -> Result<Comparison> {
    let (ours, theirs) = (&model.accuracy.rounds, &first.accuracy.rounds);
    if ours.len() > 1 && matches!(record.sampling, Sampling::Splits(_)) {
        let mean = |rows: &[usize]| rows.iter().sum::<usize>() / rows.len().max(1);
        let (train, test) = (mean(&record.train_rows), mean(&record.test_rows));
        return Ok(Comparison::CorrectedT(corrected_resampled_t(
            ours, theirs, train, test,
        )?));
    }
    let rows = mcnemar(&model.first_round, &first.first_round)?;
    let difference = rows.only_a as f64 - rows.only_b as f64;
    Ok(Comparison::McNemar {
        difference: difference / model.first_round.len() as f64,
        rows,
    })
}
