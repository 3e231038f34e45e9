//! A pipeline with what it learned from the training rows.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::matrix::hash_names;
use crate::{FeatureError, FeatureMatrix, FeaturePipeline, RawTable, Result, exact};

/// Layout version of the stored form.
const VERSION: u32 = 1;

/// Which features there are and how each is scaled.
///
/// Serialises with its settings and a version; reading another version is an
/// error. Numbers survive the round trip exactly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub struct FittedPipeline {
    pipeline: FeaturePipeline,
    training_rows: usize,
    features: Vec<FittedFeature>,
}

/// One feature: a column of the raw table and its scaling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedFeature {
    /// Name of the column.
    pub name: String,
    /// Mean of the known training values, in the column's unit; a gap takes it.
    #[serde(with = "exact")]
    pub mean: f64,
    /// Standard deviation (`ddof` 1) of the known training values; 1 where
    /// they do not vary, so that the feature is the distance to the mean.
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
        if let Some(&row) = train.iter().find(|row| **row >= raw.rows()) {
            return Err(FeatureError::RowOutOfRange {
                row,
                rows: raw.rows(),
            });
        }
        let max_nulls = pipeline.max_null_share * train.len() as f64;
        let features = raw.columns().filter_map(|(name, column)| {
            let known: Vec<f64> = train.iter().filter_map(|&row| column[row]).collect();
            let nulls = train.len() - known.len();
            if known.is_empty() || nulls as f64 > max_nulls {
                return None;
            }
            let (mean, deviation) = moments(&known);
            Some(FittedFeature {
                name: name.to_owned(),
                mean,
                deviation,
            })
        });
        Ok(Self {
            pipeline: pipeline.clone(),
            training_rows: train.len(),
            features: features.collect(),
        })
    }

    /// Scales every row of `raw`: `(value - mean) / deviation`, 0 for a gap.
    ///
    /// # Errors
    ///
    /// A feature that `raw` does not have; a value that leaves the range of `f32`.
    pub fn transform(&self, raw: &RawTable) -> Result<FeatureMatrix> {
        let mut values = Array2::zeros((raw.rows(), self.features.len()));
        for (feature, mut scaled) in self.features.iter().zip(values.columns_mut()) {
            let column = raw
                .column(&feature.name)
                .ok_or_else(|| FeatureError::MissingFeature {
                    name: feature.name.clone(),
                })?;
            for (row, value) in column.iter().enumerate() {
                let Some(value) = *value else { continue };
                let score = (value - feature.mean) / feature.deviation;
                scaled[row] = score as f32;
                if !scaled[row].is_finite() {
                    return Err(FeatureError::NotFinite {
                        name: feature.name.clone(),
                        day: raw.days()[row],
                        value,
                        scaled: score,
                    });
                }
            }
        }
        Ok(FeatureMatrix {
            names: self
                .features
                .iter()
                .map(|feature| feature.name.clone())
                .collect(),
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

    /// How many rows the means and deviations come from.
    pub fn training_rows(&self) -> usize {
        self.training_rows
    }

    /// Hash of the ordered names, equal to [`FeatureMatrix::names_hash`] of
    /// every matrix this makes.
    pub fn names_hash(&self) -> String {
        hash_names(self.features.iter().map(|feature| feature.name.as_str()))
    }
}

/// Mean and sample standard deviation; deviation 1 where there is none.
fn moments(values: &[f64]) -> (f64, f64) {
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

/// The stored form of [`FittedPipeline`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    pipeline: FeaturePipeline,
    training_rows: usize,
    features: Vec<FittedFeature>,
}

impl From<FittedPipeline> for Stored {
    fn from(fitted: FittedPipeline) -> Self {
        Self {
            version: VERSION,
            pipeline: fitted.pipeline,
            training_rows: fitted.training_rows,
            features: fitted.features,
        }
    }
}

impl TryFrom<Stored> for FittedPipeline {
    type Error = FeatureError;

    fn try_from(stored: Stored) -> Result<Self> {
        if stored.version != VERSION {
            return Err(FeatureError::Version {
                found: stored.version,
                expected: VERSION,
            });
        }
        Ok(Self {
            pipeline: stored.pipeline,
            training_rows: stored.training_rows,
            features: stored.features,
        })
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
