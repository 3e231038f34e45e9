//! One model over all rounds.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use rayon::prelude::*;
use zkassay_models::metrics::{self, Metrics, Summary};
use zkassay_models::{Classifier, Export, Hyperparameters, ModelSpec};

use super::{AccuracyPlan, IntegerAccuracy, ModelAccuracy};
use crate::dataset::RoundRows;
use crate::integer::{self, Quantized};
use crate::train::fit;

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

/// Trains and scores one model in every round.
pub(super) fn train(
    plan: &AccuracyPlan,
    spec: &ModelSpec,
    rounds: &[Arc<RoundRows>],
) -> Result<Trained> {
    let params = plan.data.params(spec, plan.seed);
    let sets: Vec<(&RoundRows, u64)> = rounds.iter().map(|rows| &**rows).zip(0..).collect();
    let started = Instant::now();
    let models = fit(&params.clone().check()?, plan.seed, &sets)?;
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
        integer: integer::quantized(&onnx, rows).map_err(|error| format!("{error:#}")),
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
    let accuracies: Vec<f64> = rounds.iter().map(|round| round.accuracy.value).collect();
    let fidelities = || rounds.iter().map(|round| round.fidelity);
    Ok(IntegerAccuracy::Scored {
        accuracy: Summary::new(&accuracies)?,
        out_of_range: fidelities().map(|f| f.out_of_range).sum(),
        max_abs_error: fidelities().map(|f| f.max).fold(0.0, f64::max),
        label_agreement: fidelities().map(|f| f.agreement).fold(1.0, f64::min),
    })
}
