//! Accuracy with and without the last day of the sources that are not prices.

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use zkassay_data::{Day, Tables};

use super::correlation::changes;
use super::{AuditSettings, Learner};
use crate::fitted::moments;
use crate::manifest::SourceTable;
use crate::{FeatureError, FeaturePipeline, RawTable, Result, Split};

/// Accuracies on the same rows and the same splits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// Rows that every variant has.
    pub rows: usize,
    /// Share of the more frequent label.
    pub majority: f64,
    /// With the features of the price table alone.
    pub prices_only: Accuracy,
    /// With all features and the daily changes of those that are not prices.
    pub as_given: Accuracy,
    /// The same with every source but prices one day later.
    pub delayed: Accuracy,
    /// As given minus delayed, split by split. Its standard error is corrected
    /// for the rows that splits share (Nadeau and Bengio 2003).
    pub cost_of_a_day: Accuracy,
}

/// A mean over splits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accuracy {
    /// Share of test rows, or a difference of two shares.
    pub mean: f64,
    /// Standard error of the mean over the splits.
    pub standard_error: f64,
}

/// A pipeline's rows as a learner sees them.
struct Variant {
    pipeline: FeaturePipeline,
    raw: RawTable,
    /// The row of each shared day.
    rows: Vec<usize>,
}

/// Scores the three variants.
pub(super) fn scores(
    pipeline: &FeaturePipeline,
    tables: &Tables,
    learner: &impl Learner,
    settings: &AuditSettings,
) -> Result<Scores> {
    let mut later = pipeline.clone();
    let lags = &mut later.rules.lags;
    lags.pools = lags.pools.saturating_add(1);
    lags.value_locked = lags.value_locked.saturating_add(1);
    let [given, delayed] = shared_rows([pipeline.clone(), later], tables)?;
    let labels: Vec<u8> = given
        .rows
        .iter()
        .map(|&row| given.raw.labels()[row])
        .collect();

    let mut accuracies = [const { Vec::new() }; 3];
    for round in 0..settings.splits as u64 {
        let split = Split::random(labels.len(), settings.seed.wrapping_add(round))?;
        let train = [split.train, split.calibration].concat();
        let (all, prices) = given.features(&train)?;
        let (late, _) = delayed.features(&train)?;
        let prices = all.select(Axis(1), &prices);
        for (values, accuracies) in [prices, all, late].iter().zip(&mut accuracies) {
            accuracies.push(accuracy(
                learner,
                values.view(),
                &labels,
                &train,
                &split.test,
            ));
        }
    }
    let [prices_only, as_given, delayed] = accuracies;
    let differences: Vec<f64> = as_given.iter().zip(&delayed).map(|(a, b)| a - b).collect();
    let tested = labels.len().div_ceil(4);
    let share = tested as f64 / (labels.len() - tested) as f64;
    let rises = labels.iter().filter(|label| **label == 1).count();
    Ok(Scores {
        rows: labels.len(),
        majority: rises.max(labels.len() - rises) as f64 / labels.len() as f64,
        prices_only: Accuracy::over(&prices_only, 0.0),
        as_given: Accuracy::over(&as_given, 0.0),
        delayed: Accuracy::over(&delayed, 0.0),
        cost_of_a_day: Accuracy::over(&differences, share),
    })
}

impl Accuracy {
    /// Mean of one value per split; `overlap` is the ratio of test to training
    /// rows where the error is to be corrected for it, else 0.
    fn over(values: &[f64], overlap: f64) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let variance = squares / (count - 1.0);
        Self {
            mean,
            standard_error: (variance * (1.0 / count + overlap)).sqrt(),
        }
    }
}

/// Share of the rows `test` that are predicted from the rows `train`.
fn accuracy(
    learner: &impl Learner,
    values: ArrayView2<'_, f32>,
    labels: &[u8],
    train: &[usize],
    test: &[usize],
) -> f64 {
    let known: Vec<u8> = train.iter().map(|&row| labels[row]).collect();
    let found = learner.predict(
        values.select(Axis(0), train).view(),
        &known,
        values.select(Axis(0), test).view(),
    );
    let right = test
        .iter()
        .zip(found)
        .filter(|(row, found)| labels[**row] == *found);
    right.count() as f64 / test.len() as f64
}

/// The variants' tables, and the rows of the days that all of them have.
fn shared_rows(pipelines: [FeaturePipeline; 2], tables: &Tables) -> Result<[Variant; 2]> {
    /// Ten rows to test on.
    const NEEDED: usize = 40;
    let [given, delayed] = pipelines;
    let raws = [given.raw_table(tables)?, delayed.raw_table(tables)?];
    let index =
        |raw: &RawTable| -> BTreeMap<Day, usize> { raw.days().iter().copied().zip(0..).collect() };
    let late = index(&raws[1]);
    let shared: Vec<(usize, usize)> = index(&raws[0])
        .into_iter()
        .filter_map(|(day, row)| Some((row, *late.get(&day)?)))
        .collect();
    if shared.len() < NEEDED {
        return Err(FeatureError::TooFewRows {
            purpose: "audit the features",
            rows: shared.len(),
            needed: NEEDED,
        });
    }
    let (rows, late_rows) = shared.into_iter().unzip();
    let [raw, late_raw] = raws;
    Ok([
        Variant {
            pipeline: given,
            raw,
            rows,
        },
        Variant {
            pipeline: delayed,
            raw: late_raw,
            rows: late_rows,
        },
    ])
}

impl Variant {
    /// Z-scores of the shared rows, fitted on those of `train`: every feature,
    /// then the daily change of each that is not of the price table. With the
    /// indices of the features that are.
    fn features(&self, train: &[usize]) -> Result<(Array2<f32>, Vec<usize>)> {
        let train_rows: Vec<usize> = train.iter().map(|&row| self.rows[row]).collect();
        let fitted = self.pipeline.fit(&self.raw, &train_rows)?;
        let matrix = fitted.transform(&self.raw)?;
        let mut columns: Vec<Vec<f32>> = matrix
            .values
            .columns()
            .into_iter()
            .map(|column| self.rows.iter().map(|&row| column[row]).collect())
            .collect();
        let mut prices = Vec::new();
        for (index, feature) in fitted.features().iter().enumerate() {
            if feature.spec.table == SourceTable::Prices {
                prices.push(index);
                continue;
            }
            let changes = changes(&self.raw, column(&self.raw, &feature.spec.name)?);
            columns.push(self.scaled(&changes, &train_rows));
        }
        let shape = (columns.len(), self.rows.len());
        let values = Array2::from_shape_fn(shape, |(column, row)| columns[column][row]);
        Ok((
            values.reversed_axes().as_standard_layout().into_owned(),
            prices,
        ))
    }

    /// Z-scores of the shared rows by the known values of the rows `train`; 0
    /// for a null.
    fn scaled(&self, values: &[Option<f64>], train: &[usize]) -> Vec<f32> {
        let known: Vec<f64> = train.iter().filter_map(|&row| values[row]).collect();
        let (mean, deviation) = moments(&known);
        let score =
            |row: &usize| values[*row].map_or(0.0, |value| ((value - mean) / deviation) as f32);
        self.rows.iter().map(score).collect()
    }
}

/// A column that a fit has seen.
pub(super) fn column<'a>(raw: &'a RawTable, name: &str) -> Result<&'a [Option<f64>]> {
    raw.column(name)
        .ok_or_else(|| FeatureError::MissingFeature {
            name: name.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_shrink_with_splits_unless_they_share_rows() {
        let values = [0.5, 0.7, 0.6, 0.6];
        let plain = Accuracy::over(&values, 0.0);
        assert!((plain.mean - 0.6).abs() < 1e-12);
        // Sample variance 0.02 / 3.
        assert!((plain.standard_error - (0.02_f64 / 12.0).sqrt()).abs() < 1e-12);
        let corrected = Accuracy::over(&values, 1.0 / 3.0);
        let expected = (0.02_f64 / 3.0 * (0.25 + 1.0 / 3.0)).sqrt();
        assert!((corrected.standard_error - expected).abs() < 1e-12);
    }
}
