//! `z = (x - mean) / deviation`, feature by feature.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::ModelError;
use crate::valid::require;

/// Mean and standard deviation of each raw feature.
///
/// As part of an exported model it is computed in float32: first the
/// difference, then the quotient. Where that is beyond float32 it is infinite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Standardization {
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

impl TryFrom<Unchecked> for Standardization {
    type Error = ModelError;

    fn try_from(Unchecked { mean, deviation }: Unchecked) -> Result<Self, ModelError> {
        Self::new(mean, deviation)
    }
}

impl Standardization {
    /// From the mean and the deviation of every feature.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] if there are not as many of both, a mean is not
    /// finite, or a deviation not finite and at least 2^-126 (smaller ones have
    /// lost precision).
    pub fn new(mean: Vec<f32>, deviation: Vec<f32>) -> Result<Self, ModelError> {
        let (means, deviations) = (mean.len(), deviation.len());
        let expected = "as many as means";
        require(
            means == deviations,
            "number of deviations",
            deviations,
            expected,
        )?;
        for &value in &mean {
            require(value.is_finite(), "mean", value, "a finite number")?;
        }
        for &value in &deviation {
            let holds = value.is_normal() && value > 0.0;
            let range = "a finite number, at least 2^-126";
            require(holds, "deviation", value, range)?;
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

    /// The standardised values of raw rows `[rows, features]`, bit for bit as an
    /// exported model computes them.
    ///
    /// # Errors
    /// [`ModelError::Columns`] if the rows have another length.
    pub fn apply(&self, raw: ArrayView2<'_, f32>) -> Result<Array2<f32>, ModelError> {
        self.check(raw.ncols())?;
        let value = |(row, feature)| self.value(feature, raw[[row, feature]]);
        Ok(Array2::from_shape_fn(raw.dim(), value))
    }

    /// The standardised value of one feature. It never falls when `raw` grows.
    pub(crate) fn value(&self, feature: usize, raw: f32) -> f32 {
        (raw - self.mean[feature]) / self.deviation[feature]
    }

    /// An error unless it is of so many features.
    pub(crate) fn check(&self, inputs: usize) -> Result<(), ModelError> {
        if self.len() == inputs {
            return Ok(());
        }
        Err(ModelError::Columns {
            expected: inputs,
            found: self.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn rows_are_standardised_feature_by_feature() {
        let standardization = Standardization::new(vec![1.0, -2.0], vec![0.5, 4.0]).unwrap();
        let rows = array![[1.0, 2.0], [2.0, f32::MAX], [f32::MAX, -2.0]];
        let expected = array![[0.0, 1.0], [2.0, f32::MAX / 4.0], [f32::INFINITY, 0.0]];
        assert_eq!(standardization.apply(rows.view()).unwrap(), expected);
        let error = standardization.apply(array![[1.0]].view()).unwrap_err();
        assert!(matches!(error, ModelError::Columns { .. }), "{error}");
    }

    /// Stored ones are checked as new ones are: dividing by what is missing, or 0, is no model.
    #[test]
    fn what_cannot_standardise_is_refused_also_when_read() {
        let read = |json: &str| serde_json::from_str::<Standardization>(json);
        for (json, expected) in [
            (
                r#"{"mean":[0,1],"deviation":[1]}"#,
                "number of deviations is 1",
            ),
            (r#"{"mean":[0],"deviation":[0]}"#, "deviation is 0"),
            (r#"{"mean":[0],"deviation":[-1]}"#, "deviation is -1"),
            (r#"{"mean":[0],"deviation":[1e-39]}"#, "at least 2^-126"),
            (r#"{"mean":[1e39],"deviation":[1]}"#, "out of range"),
            (r#"{"mean":[null],"deviation":[1]}"#, "null"),
            (r#"{"mean":[0],"deviation":[1],"scale":[1]}"#, "scale"),
        ] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains(expected), "{json}: {error}");
        }
        let stored = Standardization::new(vec![0.1], vec![f32::MIN_POSITIVE]).unwrap();
        let json = serde_json::to_string(&stored).unwrap();
        assert_eq!(read(&json).unwrap(), stored);
    }
}
