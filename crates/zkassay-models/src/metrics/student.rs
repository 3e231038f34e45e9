//! What Student's t distribution says about a mean.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::ModelError;

/// Largest magnitude of a value, so that no square of a sum overflows.
const LARGEST: f64 = 1e100;

/// A mean over rounds whose standard error is known.
pub(super) struct Estimate {
    pub(super) mean: f64,
    pub(super) standard_error: f64,
    distribution: StudentsT,
}

impl Estimate {
    /// Mean of one value per round. Its variance is the sample variance
    /// (divisor n - 1) times `1 / n + overlap`.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] for fewer than two rounds.
    pub(super) fn new(values: &[f64], overlap: f64) -> Result<Self, ModelError> {
        let rounds = values.len() as f64;
        let degrees = rounds - 1.0;
        let distribution =
            StudentsT::new(0.0, 1.0, degrees).map_err(|_| ModelError::Parameter {
                name: "rounds",
                found: values.len().to_string(),
                expected: "at least 2",
            })?;
        let mean = mean(values);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Ok(Self {
            mean,
            standard_error: (squares / degrees * (1.0 / rounds + overlap)).sqrt(),
            distribution,
        })
    }

    /// The interval of 95 %.
    pub(super) fn interval(&self) -> (f64, f64) {
        let half = self.distribution.inverse_cdf(0.975) * self.standard_error;
        (self.mean - half, self.mean + half)
    }

    /// Probability of a `statistic` at least this far from 0.
    pub(super) fn two_sided(&self, statistic: f64) -> f64 {
        (2.0 * self.distribution.sf(statistic.abs())).min(1.0)
    }
}

/// The mean of at least one value; exact if all are equal.
pub(super) fn mean(values: &[f64]) -> f64 {
    let first = values.first().copied().unwrap_or(0.0);
    let excess: f64 = values.iter().map(|value| value - first).sum();
    first + excess / values.len() as f64
}

/// Checks that the values can be added and squared.
pub(super) fn check_rounds(values: &[f64]) -> Result<(), ModelError> {
    let beyond = |value: &f64| !(-LARGEST..=LARGEST).contains(value);
    match values.iter().enumerate().find(|(_, value)| beyond(value)) {
        Some((round, &value)) => Err(ModelError::RoundValue { round, value }),
        None => Ok(()),
    }
}
