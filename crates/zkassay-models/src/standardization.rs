//! `z = (x - mean) / deviation`, feature by feature.

use serde::{Deserialize, Serialize};

use crate::ModelError;
use crate::valid::require;

/// Mean and standard deviation of each raw feature.
///
/// As part of an exported model it is computed in float32: first the
/// difference, then the quotient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardization {
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

impl Standardization {
    /// From the mean and the deviation of every feature.
    ///
    /// # Errors
    /// [`ModelError::Columns`] if there are not as many of both,
    /// [`ModelError::Parameter`] if a mean is not finite, or a deviation not
    /// finite and above 0.
    pub fn new(mean: Vec<f32>, deviation: Vec<f32>) -> Result<Self, ModelError> {
        if mean.len() != deviation.len() {
            return Err(ModelError::Columns {
                expected: mean.len(),
                found: deviation.len(),
            });
        }
        for &value in &mean {
            require(value.is_finite(), "mean", value, "a finite number")?;
        }
        for &value in &deviation {
            let holds = value.is_normal() && value > 0.0;
            require(holds, "deviation", value, "a finite number above 0")?;
        }
        Ok(Self { mean, deviation })
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.mean.len()
    }

    /// Whether there are no features.
    pub fn is_empty(&self) -> bool {
        self.mean.is_empty()
    }

    /// The mean of every feature.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The standard deviation of every feature.
    pub fn deviation(&self) -> &[f32] {
        &self.deviation
    }

    /// The standardised value of `raw`, as the exported model computes it: it
    /// never falls when `raw` grows.
    pub fn apply(&self, feature: usize, raw: f32) -> f32 {
        (raw - self.mean[feature]) / self.deviation[feature]
    }
}
