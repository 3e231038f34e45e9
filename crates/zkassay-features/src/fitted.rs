//! A pipeline with what it learned from the training rows.

use std::collections::BTreeSet;

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use zkassay_data::Tables;

use crate::manifest::{FeatureManifest, FeatureSpec, SourceTable};
use crate::raw::{RawColumn, Selection};
use crate::rules::FitScope;
use crate::stored::{self, Stored};
use crate::{FeatureError, FeatureMatrix, FeaturePipeline, RawTable, Result, exact};

/// Which features there are and how each is scaled.
///
/// Serialises with its settings, a version and its hash; reading another version
/// or a file that does not match its hash is an error. Numbers survive the
/// round trip exactly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub struct FittedPipeline {
    pub(crate) pipeline: FeaturePipeline,
    pub(crate) training_rows: usize,
    pub(crate) correlated: Vec<String>,
    pub(crate) features: Vec<FittedFeature>,
    pub(crate) hash: String,
}

/// One feature: a column of the raw table and its scaling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedFeature {
    /// What it is.
    pub spec: FeatureSpec,
    /// Mean of the known values, in the column's unit; a gap takes it.
    #[serde(with = "exact")]
    pub mean: f64,
    /// Standard deviation (`ddof` 1) of the known values; 1 where they do not
    /// vary, so that the feature is the distance to the mean.
    #[serde(with = "exact")]
    pub deviation: f64,
}

impl FittedPipeline {
    pub(crate) fn fit(pipeline: &FeaturePipeline, raw: &RawTable, train: &[usize]) -> Result<Self> {
        const NEEDED: usize = 2;
        if train.len() < NEEDED {
            return Err(FeatureError::TooFewRows {
                purpose: "fit the features",
                rows: train.len(),
                needed: NEEDED,
            });
        }
        raw.check_rows(train)?;
        check_settings(pipeline, raw)?;
        let correlated = choose_tokens(raw, train)?;
        let all: Vec<usize>;
        let rows = match pipeline.rules.statistics_scope {
            FitScope::TrainingRows => train,
            FitScope::WholeHistory => {
                all = (0..raw.rows()).collect();
                &all
            }
        };
        let is_chosen = |column: &&RawColumn| {
            let FeatureSpec { table, key, .. } = &column.spec;
            *table != SourceTable::Prices || *key == pipeline.token || correlated.contains(key)
        };
        let features = raw
            .columns()
            .iter()
            .filter(is_chosen)
            .filter_map(|column| fit_column(column, rows, pipeline.max_null_share))
            .collect();
        stored::seal(Self {
            pipeline: pipeline.clone(),
            training_rows: train.len(),
            correlated,
            features,
            hash: String::new(),
        })
    }

    /// Joins other tables into one row per day, with the columns that this
    /// pipeline was fitted on: neither tokens nor pools are chosen again.
    ///
    /// # Errors
    ///
    /// As [`FeaturePipeline::raw_table`].
    pub fn raw_table(&self, tables: &Tables) -> Result<RawTable> {
        let features = self.features.iter();
        let selection = Selection::Fitted {
            tokens: &self.correlated,
            names: features
                .map(|feature| feature.spec.name.as_str())
                .collect::<BTreeSet<_>>(),
        };
        RawTable::join(&self.pipeline, tables, &selection)
    }

    /// Scales every row of `raw`: `(value - mean) / deviation`, 0 for a gap.
    ///
    /// # Errors
    ///
    /// A table made with other settings or without one of the features; a
    /// value that leaves the range of `f32`.
    pub fn transform(&self, raw: &RawTable) -> Result<FeatureMatrix> {
        check_settings(&self.pipeline, raw)?;
        let mut values = Array2::zeros((raw.rows(), self.features.len()));
        for (feature, mut scaled) in self.features.iter().zip(values.columns_mut()) {
            let name = &feature.spec.name;
            let column = raw
                .column(name)
                .ok_or_else(|| FeatureError::MissingFeature { name: name.clone() })?;
            for (row, value) in column.iter().enumerate() {
                let Some(value) = *value else { continue };
                let score = (value - feature.mean) / feature.deviation;
                scaled[row] = score as f32;
                if !scaled[row].is_finite() {
                    return Err(FeatureError::NotFinite {
                        name: name.clone(),
                        day: raw.days()[row],
                        value,
                        scaled: score,
                    });
                }
            }
        }
        let names = self.features.iter();
        Ok(FeatureMatrix {
            names: names.map(|feature| feature.spec.name.clone()).collect(),
            dates: raw.days().iter().map(ToString::to_string).collect(),
            values,
            labels: raw.labels().to_vec(),
        })
    }

    /// The settings that the features were made with.
    pub fn pipeline(&self) -> &FeaturePipeline {
        &self.pipeline
    }

    /// The features in the order of the matrix's columns.
    pub fn features(&self) -> &[FittedFeature] {
        &self.features
    }

    /// The tokens whose prices give features, most correlated first.
    pub fn correlated(&self) -> &[String] {
        &self.correlated
    }

    /// How many training rows it was fitted on.
    pub fn training_rows(&self) -> usize {
        self.training_rows
    }

    /// What each input of the model is.
    pub fn manifest(&self) -> FeatureManifest {
        let features = self.features.iter();
        FeatureManifest {
            features: features.map(|feature| feature.spec.clone()).collect(),
        }
    }

    /// Hash of the [manifest](Self::manifest): what the inputs mean.
    pub fn manifest_hash(&self) -> String {
        self.manifest().hash()
    }

    /// SHA-256 of everything that determines the transform: layout version,
    /// settings, tokens, features, means and deviations.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// The tokens that give features, most correlated first.
fn choose_tokens(raw: &RawTable, train: &[usize]) -> Result<Vec<String>> {
    let pipeline = raw.pipeline();
    match pipeline.rules.correlation_scope {
        FitScope::WholeHistory => Ok(raw.tokens().to_vec()),
        FitScope::TrainingRows => Ok(raw
            .rank_tokens(train)?
            .into_iter()
            .take(pipeline.correlated_tokens)
            .map(|(token, _)| token)
            .collect()),
    }
}

/// Mean and deviation of a column over `rows`; none if it is too empty.
fn fit_column(column: &RawColumn, rows: &[usize], max_null_share: f64) -> Option<FittedFeature> {
    let known: Vec<f64> = rows.iter().filter_map(|&row| column.values[row]).collect();
    let nulls = rows.len() - known.len();
    if known.is_empty() || nulls as f64 > max_null_share * rows.len() as f64 {
        return None;
    }
    let (mean, deviation) = moments(&known);
    Some(FittedFeature {
        spec: column.spec.clone(),
        mean,
        deviation,
    })
}

fn check_settings(pipeline: &FeaturePipeline, raw: &RawTable) -> Result<()> {
    if pipeline == raw.pipeline() {
        Ok(())
    } else {
        Err(FeatureError::OtherSettings)
    }
}

/// Mean and sample standard deviation; deviation 1 where there is none.
pub(crate) fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    let deviation = (squares / (count - 1.0)).sqrt();
    // The rounding error of the mean alone makes a constant column vary.
    let noise = 1e-12 * mean.abs();
    if deviation.is_finite() && deviation > noise {
        (mean, deviation)
    } else {
        (mean, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_known_values() {
        let (mean, deviation) = moments(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(mean, 2.5);
        assert!((deviation - (5.0_f64 / 3.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn a_constant_has_deviation_one() {
        assert_eq!(moments(&[7.0]), (7.0, 1.0));
        assert_eq!(moments(&[0.0; 5]), (0.0, 1.0));
        let (mean, deviation) = moments(&[0.1; 1_000]);
        assert!((mean - 0.1).abs() < 1e-12);
        assert_eq!(deviation, 1.0);
    }
}
