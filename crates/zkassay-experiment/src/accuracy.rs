//! Many models over many rounds: how accurate they are, in floating point and
//! as integers, and whether the differences mean anything. No proofs.
//!
//! Every model sees the same rounds. Rows in time are walked forward; others
//! are split at random, and as in the study a model is then trained on the
//! calibration rows, too.

use std::time::Instant;

use anyhow::{Context as _, Result};
use rayon::prelude::*;
use serde::Serialize;
use zkassay_features::Splitter;
use zkassay_graph::{Graph, GraphError};
use zkassay_models::metrics::{self, Metrics, PairedT, Summary, corrected_resampled_t};
use zkassay_models::zoo::{self, Params};
use zkassay_models::{Classifier, Export, Hyperparameters, ModelSpec, Round, TrainingSet};
use zkassay_quant::Fidelity;
use zkassay_report::Host;

use crate::dataset::{Dataset, Rows, Source};
use crate::host;
use crate::integer;
use crate::progress::Progress;

mod table;

/// What to train, on what, how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccuracyPlan {
    /// Models; the first is what the others are compared with.
    pub models: Vec<ModelSpec>,
    /// Where the rows come from.
    pub source: Source,
    /// How often the rows are split.
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
    /// SHA-256 of the feature manifest of the first round, hex.
    pub feature_hash: String,
    /// How rows are split.
    pub splitter: Splitter,
    /// Rows trained on, of each round.
    pub train_rows: Vec<usize>,
    /// Rows tested on, of each round.
    pub test_rows: Vec<usize>,
    /// Number of features.
    pub features: usize,
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
    /// Accuracy less that of the first model, corrected for overlapping rounds;
    /// absent for that model itself, and for a single round.
    pub against_first: Option<PairedT>,
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
    /// The circuit does not cover the model.
    Unsupported(String),
}

/// One model in one round.
struct Scored {
    metrics: Metrics,
    integer: Result<Quantized, String>,
}

struct Quantized {
    accuracy: f64,
    out_of_range: usize,
    fidelity: Fidelity,
}

/// One round's rows.
struct RoundRows {
    train: Rows,
    calibration: Rows,
    test: Rows,
}

/// Trains and scores every model in every round.
///
/// # Errors
/// What failed, and for which model.
pub fn run(plan: &AccuracyPlan, progress: &Progress) -> Result<AccuracyRecord> {
    progress.update("data", "loading tables, making features");
    let (splitter, datasets) = Dataset::rounds(&plan.source, plan.rounds, plan.seed)?;
    let first = datasets.first().context("there are no rounds")?;
    let (data, feature_hash) = (first.name().to_owned(), first.feature_hash());
    let features = first.matrix.values.ncols();
    let is_random = matches!(splitter, Splitter::Random { .. });
    let rounds: Vec<RoundRows> = datasets
        .iter()
        .map(|dataset| RoundRows::new(dataset, is_random))
        .collect();
    drop(datasets);

    let majority: Vec<f64> = rounds
        .iter()
        .map(|rows| Ok(metrics::majority(&rows.train.labels, &rows.test.labels)?.value))
        .collect::<Result<_>>()?;
    let mut record = AccuracyRecord {
        command: plan.command(),
        host: host::host(plan.threads),
        data,
        feature_hash,
        splitter,
        train_rows: rounds.iter().map(|rows| rows.train.labels.len()).collect(),
        test_rows: rounds.iter().map(|rows| rows.test.labels.len()).collect(),
        features,
        majority: Summary::new(&majority)?,
        models: Vec::with_capacity(plan.models.len()),
    };
    for (index, spec) in plan.models.iter().enumerate() {
        let count = plan.models.len();
        progress.update(&spec.to_string(), format!("model {} of {count}", index + 1));
        let mut model = model(plan, spec, &rounds).with_context(|| format!("model {spec}"))?;
        model.against_first = against_first(&record, &model)?;
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
            self.source
        );
        if let Some(threads) = self.threads {
            command += &format!(" --threads {threads}");
        }
        command
    }
}

impl RoundRows {
    fn new(dataset: &Dataset, trains_on_calibration: bool) -> Self {
        let split = &dataset.split;
        let mut train = split.train.clone();
        if trains_on_calibration {
            train.extend(&split.calibration);
        }
        Self {
            train: dataset.rows(&train),
            calibration: dataset.rows(&split.calibration),
            test: dataset.rows(&split.test),
        }
    }
}

fn model(plan: &AccuracyPlan, spec: &ModelSpec, rounds: &[RoundRows]) -> Result<ModelAccuracy> {
    let params = Params::study(spec, plan.seed);
    let valid = params.clone().check()?;
    let sets = rounds.iter().zip(0..).map(|(rows, round)| {
        Ok(Round {
            set: TrainingSet::new(rows.train.values.view(), &rows.train.labels)?,
            seed: plan.seed.wrapping_add(round),
        })
    });
    let sets: Vec<Round<'_>> = sets.collect::<Result<_>>()?;
    let started = Instant::now();
    let trained = zoo::fit_rounds(&sets, &valid)?;
    let training_seconds = started.elapsed().as_secs_f64();

    let scored: Vec<Scored> = trained
        .par_iter()
        .zip(rounds)
        .map(|(model, rows)| score(spec, model.as_ref(), rows))
        .collect::<Result<_>>()?;
    let metric = |value: fn(&Metrics) -> Option<f64>| -> Result<Option<Summary>> {
        let values: Option<Vec<f64>> = scored.iter().map(|s| value(&s.metrics)).collect();
        Ok(values.map(|values| Summary::new(&values)).transpose()?)
    };
    let accuracies: Vec<f64> = scored.iter().map(|s| s.metrics.accuracy.value).collect();
    Ok(ModelAccuracy {
        model: spec.clone(),
        params,
        parameters: trained.first().map_or(0, |model| model.parameters()),
        training_seconds,
        accuracy: Summary::new(&accuracies)?,
        rounds: accuracies,
        roc_auc: metric(|m| m.roc_auc)?,
        log_loss: metric(|m| m.log_loss)?,
        brier: metric(|m| m.brier)?,
        integer: integer_accuracy(&scored)?,
        against_first: None,
    })
}

/// Scores a trained model, and its integer model if there is one.
fn score(spec: &ModelSpec, model: &dyn Classifier, rows: &RoundRows) -> Result<Scored> {
    let predictions = model.predict(rows.test.values.view())?;
    let metrics = Metrics::new(&predictions, &rows.test.labels, &rows.train.labels)?;
    let onnx = model.to_onnx(&Export::new(spec.tag()))?;
    let integer = match Graph::from_onnx(&onnx) {
        Ok(graph) => Ok(quantized(&graph, rows)?),
        Err(error) => Err(unsupported(&error)),
    };
    Ok(Scored { metrics, integer })
}

fn unsupported(error: &GraphError) -> String {
    error.to_string()
}

fn quantized(graph: &Graph, rows: &RoundRows) -> Result<Quantized> {
    let model = integer::calibrated(graph, &rows.calibration)?.model;
    let score = integer::score(&model, &rows.test)?;
    Ok(Quantized {
        accuracy: score.accuracy()?.value,
        out_of_range: score.out_of_range,
        fidelity: Fidelity::measure(graph, &model, rows.test.values.view())?,
    })
}

fn integer_accuracy(scored: &[Scored]) -> Result<IntegerAccuracy> {
    let mut rounds = Vec::with_capacity(scored.len());
    for round in scored {
        match &round.integer {
            Ok(quantized) => rounds.push(quantized),
            Err(reason) => return Ok(IntegerAccuracy::Unsupported(reason.clone())),
        }
    }
    let accuracies: Vec<f64> = rounds.iter().map(|round| round.accuracy).collect();
    let fidelities = || rounds.iter().map(|round| round.fidelity);
    Ok(IntegerAccuracy::Scored {
        accuracy: Summary::new(&accuracies)?,
        out_of_range: rounds.iter().map(|round| round.out_of_range).sum(),
        max_abs_error: fidelities().map(|f| f.max).fold(0.0, f64::max),
        label_agreement: fidelities().map(|f| f.agreement).fold(1.0, f64::min),
    })
}

fn against_first(record: &AccuracyRecord, model: &ModelAccuracy) -> Result<Option<PairedT>> {
    let Some(first) = record.models.first() else {
        return Ok(None);
    };
    if model.rounds.len() < 2 {
        return Ok(None);
    }
    let mean = |rows: &[usize]| rows.iter().sum::<usize>() / rows.len().max(1);
    let (train, test) = (mean(&record.train_rows), mean(&record.test_rows));
    let test = corrected_resampled_t(&model.rounds, &first.rounds, train, test)?;
    Ok(Some(test))
}
