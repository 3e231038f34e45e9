//! A model in its rounds: trained, scored, and written as a file to prove.
//!
//! What a round gives depends on the round alone: not on the other rounds that are trained with
//! it, nor on the number of threads. So the model that is proved is the same bit for bit, whether
//! the other rounds were trained with it, before, or never.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use ndarray::ArrayView2;
use rayon::prelude::*;
use serde_json::json;
use zkassay_models::zoo::{self, Params};
use zkassay_models::{
    Classifier, Export, Hyperparameters as _, ModelSpec, Predictions, Round, ScoreKind,
    TrainingSet, Valid, metrics,
};
use zkassay_report::{Fidelity, Proportion};
use zkassay_seed::Stream;
use zkassay_verifier::artefact::{digest, hex};

use crate::Plan;
use crate::cell::{AccuracyRound, Expected, Exported};
use crate::dataset::{Dataset, RoundRows};
use crate::integer;

/// A trained model for each of some rounds.
pub type Models = Vec<Box<dyn Classifier>>;

/// Trains and scores a model in the given rounds, side by side; `datasets` are those of all rounds.
/// The models are in the order of `rounds`.
///
/// # Errors
/// A round without a data set; the model cannot be trained, or gives no scores.
pub fn accuracy(
    plan: &Plan,
    spec: &ModelSpec,
    datasets: &[Dataset],
    rounds: &[usize],
) -> Result<(Vec<AccuracyRound>, Models)> {
    let rows = rounds.iter().map(|round| rows(datasets, *round));
    let rows: Vec<RoundRows> = rows.collect::<Result<_>>()?;
    let named = || format!("model {spec}");
    let started = Instant::now();
    let models = fit_study(plan, spec, &rows, rounds).with_context(named)?;
    let seconds = started.elapsed().as_secs_f64() / rounds.len().max(1) as f64;
    let scored: Vec<Result<AccuracyRound>> = models
        .par_iter()
        .zip(&rows)
        .zip(rounds)
        .map(|((model, rows), round)| {
            let mut scored = score(spec, model.as_ref(), rows)?;
            (scored.round, scored.training_seconds) = (*round, seconds);
            Ok(scored)
        })
        .collect();
    let scored: Result<Vec<AccuracyRound>> = scored.into_iter().collect();
    Ok((scored.with_context(named)?, models))
}

/// Trains the model of round `round` alone, bit for bit as [`accuracy`] does.
///
/// # Errors
/// A round without a data set; the model cannot be trained.
pub fn proved(
    plan: &Plan,
    spec: &ModelSpec,
    datasets: &[Dataset],
    round: usize,
) -> Result<Box<dyn Classifier>> {
    let rows = [rows(datasets, round)?];
    let models = fit_study(plan, spec, &rows, &[round]).with_context(|| format!("model {spec}"))?;
    models.into_iter().next().context("no model was trained")
}

/// Writes the model of a round to `file` as ONNX, with what proving it needs; `dataset` is the
/// round's.
///
/// # Errors
/// The model cannot be exported, or the file not be written.
pub fn export(
    plan: &Plan,
    spec: &ModelSpec,
    model: &dyn Classifier,
    dataset: &Dataset,
    file: &Path,
) -> Result<Exported> {
    let export = Export::new(spec.tag())
        .with("seed", plan.seed)
        .with("features", dataset.feature_hash());
    let onnx = model
        .to_onnx(&export)
        .with_context(|| format!("model {spec}"))?;
    zkassay_file::write(file, &onnx)
        .with_context(|| format!("{} cannot be written", file.display()))?;
    let test = dataset.rows(&dataset.split.test);
    let mut test_rows: Vec<usize> = (0..test.labels.len()).collect();
    Stream::new(plan.seed, "experiment/proved-rows").shuffle(&mut test_rows);
    Ok(Exported {
        tag: spec.to_string(),
        onnx: file.to_path_buf(),
        sha256: hex(&digest(&onnx)),
        parameters: model.parameters(),
        test_rows,
        expected: expected(&model.predict(test.values.view())?),
    })
}

/// Writes the rows that provers get: those to calibrate on, and the test rows, in the order of the
/// split.
///
/// # Errors
/// A value is not finite, or the file cannot be written.
pub fn write_rows(dataset: &Dataset, file: &Path) -> Result<()> {
    let lists = |indices: &[usize]| {
        let rows = dataset.rows(indices).values;
        ensure!(
            rows.iter().all(|value| value.is_finite()),
            "a feature has a value beyond float32"
        );
        Ok(lists(rows.view()))
    };
    let mut json = serde_json::to_vec(&json!({
        "calibration": lists(&dataset.split.calibration)?,
        "test": lists(&dataset.split.test)?,
    }))?;
    json.push(b'\n');
    zkassay_file::write(file, &json)
        .with_context(|| format!("{} cannot be written", file.display()))
}

/// Trains one model for each round with the seed of that round, which is `seed` in round 0; each
/// is what it would be alone.
///
/// # Errors
/// As [`zoo::fit_rounds`].
pub(crate) fn fit(
    params: &Valid<Params>,
    seed: u64,
    rounds: &[(&RoundRows, u64)],
) -> Result<Models> {
    let sets = rounds.iter().map(|(rows, round)| {
        Ok(Round {
            set: TrainingSet::new(rows.train.values.view(), &rows.train.labels)?,
            seed: seed.wrapping_add(*round),
        })
    });
    let sets: Vec<Round<'_>> = sets.collect::<Result<_>>()?;
    Ok(zoo::fit_rounds(&sets, params)?)
}

fn fit_study(
    plan: &Plan,
    spec: &ModelSpec,
    rows: &[RoundRows],
    rounds: &[usize],
) -> Result<Models> {
    let params = Params::study(spec, plan.seed).check()?;
    let rounds = rounds.iter().map(|round| *round as u64);
    let rounds: Vec<(&RoundRows, u64)> = rows.iter().zip(rounds).collect();
    fit(&params, plan.seed, &rounds)
}

fn rows(datasets: &[Dataset], round: usize) -> Result<RoundRows> {
    let dataset = datasets
        .get(round)
        .with_context(|| format!("round {round} of {}", datasets.len()))?;
    Ok(dataset.round_rows())
}

/// How often a model is right on the test rows, in floating point and as integers.
fn score(spec: &ModelSpec, model: &dyn Classifier, rows: &RoundRows) -> Result<AccuracyRound> {
    let predictions = model.predict(rows.test.values.view())?;
    let onnx = model.to_onnx(&Export::new(spec.tag()))?;
    let quantized = integer::quantized(&onnx, rows);
    let test = &rows.test.labels;
    let measured = quantized.as_ref().ok();
    Ok(AccuracyRound {
        round: 0,
        parameters: model.parameters(),
        float: proportion(metrics::accuracy(&predictions, test)?),
        quantized: measured.map(|quantized| proportion(quantized.accuracy)),
        majority: proportion(metrics::majority(&rows.train.labels, test)?),
        fidelity: measured.map(|quantized| Fidelity {
            rows: quantized.fidelity.rows,
            label_agreement: quantized.fidelity.agreement,
            mean_abs_error: quantized.fidelity.mean,
            max_abs_error: quantized.fidelity.max,
        }),
        out_of_range: measured.map_or(0, |quantized| quantized.fidelity.out_of_range),
        training_seconds: 0.0,
        failure: quantized.as_ref().err().map(|error| format!("{error:#}")),
    })
}

fn proportion(from: metrics::Proportion) -> Proportion {
    Proportion {
        correct: from.correct,
        total: from.total,
    }
}

fn expected(predictions: &Predictions) -> Expected {
    Expected {
        outputs: lists(predictions.scores.view())
            .into_iter()
            .map(|row| row.into_iter().map(f64::from).collect())
            .collect(),
        threshold: match predictions.kind {
            ScoreKind::Probability => 0.5,
            _ => 0.0,
        },
    }
}

/// Rows as lists.
fn lists(rows: ArrayView2<'_, f32>) -> Vec<Vec<f32>> {
    rows.outer_iter().map(|row| row.to_vec()).collect()
}
