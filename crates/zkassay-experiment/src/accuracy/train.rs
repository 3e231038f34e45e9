//! One model over all rounds.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use rayon::prelude::*;
use zkassay_graph::Graph;
use zkassay_models::metrics::{self, Metrics, Summary};
use zkassay_models::zoo;
use zkassay_models::{Classifier, Export, Hyperparameters, ModelSpec, Round, TrainingSet};
use zkassay_quant::{Fidelity, FidelityReport};

use super::data::RoundRows;
use super::{AccuracyPlan, IntegerAccuracy, ModelAccuracy};
use crate::integer;

/// A model that was trained and scored.
pub(super) struct Trained {
    pub(super) accuracy: ModelAccuracy,
    /// Which of the first round's test rows it classifies right.
    pub(super) first_round: Vec<bool>,
}

/// The model of one round.
struct Scored {
    correct: Vec<bool>,
    metrics: Metrics,
    /// The integer model, or why there is none.
    integer: Result<Quantized, String>,
}

struct Quantized {
    accuracy: f64,
    fidelity: Fidelity,
}

/// Trains and scores one model in every round.
pub(super) fn train(
    plan: &AccuracyPlan,
    spec: &ModelSpec,
    rounds: &[Arc<RoundRows>],
) -> Result<Trained> {
    let params = plan.data.params(spec, plan.seed);
    let sets = rounds.iter().zip(0..).map(|(rows, round)| {
        Ok(Round {
            set: TrainingSet::new(rows.train.values.view(), &rows.train.labels)?,
            seed: plan.seed.wrapping_add(round),
        })
    });
    let sets: Vec<Round<'_>> = sets.collect::<Result<_>>()?;
    let started = Instant::now();
    let models = zoo::fit_rounds(&sets, &params.clone().check()?)?;
    let training_seconds = started.elapsed().as_secs_f64();

    let scored: Vec<Result<Scored>> = models
        .par_iter()
        .zip(rounds)
        .map(|(model, rows)| score(spec, model.as_ref(), rows))
        .collect();
    let scored: Vec<Scored> = scored.into_iter().collect::<Result<_>>()?;
    let metric = |value: fn(&Metrics) -> Option<f64>| -> Result<Option<Summary>> {
        let values: Option<Vec<f64>> = scored.iter().map(|s| value(&s.metrics)).collect();
        Ok(values.map(|values| Summary::new(&values)).transpose()?)
    };
    let accuracies: Vec<f64> = scored.iter().map(|s| s.metrics.accuracy.value).collect();
    let accuracy = ModelAccuracy {
        model: spec.clone(),
        params,
        parameters: models.first().map_or(0, |model| model.parameters()),
        training_seconds,
        accuracy: Summary::new(&accuracies)?,
        rounds: accuracies,
        roc_auc: metric(|m| m.roc_auc)?,
        log_loss: metric(|m| m.log_loss)?,
        brier: metric(|m| m.brier)?,
        integer: integer_accuracy(&scored)?,
        against_first: None,
    };
    let first_round = scored.into_iter().next().map(|round| round.correct);
    Ok(Trained {
        accuracy,
        first_round: first_round.unwrap_or_default(),
    })
}

fn score(spec: &ModelSpec, model: &dyn Classifier, rows: &RoundRows) -> Result<Scored> {
    let predictions = model.predict(rows.test.values.view())?;
    let onnx = model.to_onnx(&Export::new(spec.tag()))?;
    Ok(Scored {
        correct: metrics::correct(&predictions, &rows.test.labels)?,
        metrics: Metrics::new(&predictions, &rows.test.labels, &rows.train.labels)?,
        integer: quantized(&onnx, rows).map_err(|error| format!("{error:#}")),
    })
}

fn quantized(onnx: &[u8], rows: &RoundRows) -> Result<Quantized> {
    let graph = Graph::from_onnx(onnx)?;
    let model = integer::calibrated(&graph, rows.calibration.values.view())?.model;
    Ok(Quantized {
        accuracy: integer::score(&model, &rows.test)?.accuracy()?.value,
        fidelity: FidelityReport::measure(&graph, &model, rows.test.values.view())?.overall,
    })
}

fn integer_accuracy(scored: &[Scored]) -> Result<IntegerAccuracy> {
    let rounds: Result<Vec<&Quantized>, &String> =
        scored.iter().map(|round| round.integer.as_ref()).collect();
    let rounds = match rounds {
        Ok(rounds) => rounds,
        Err(reason) => {
            return Ok(IntegerAccuracy::Missing {
                reason: reason.clone(),
            });
        }
    };
    let accuracies: Vec<f64> = rounds.iter().map(|round| round.accuracy).collect();
    let fidelities = || rounds.iter().map(|round| round.fidelity);
    Ok(IntegerAccuracy::Scored {
        accuracy: Summary::new(&accuracies)?,
        out_of_range: fidelities().map(|f| f.out_of_range).sum(),
        max_abs_error: fidelities().map(|f| f.max).fold(0.0, f64::max),
        label_agreement: fidelities().map(|f| f.agreement).fold(1.0, f64::min),
    })
}
