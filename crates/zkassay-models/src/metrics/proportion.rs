//! A share of successes and how sure it is.

use serde::{Deserialize, Serialize};

use crate::ModelError;
use crate::valid::require;

/// A share of successes with its Wilson interval of 95 %.
///
/// ```
/// use zkassay_models::metrics::Proportion;
///
/// let share = Proportion::new(105, 150)?;
/// assert_eq!(share.value, 0.7);
/// assert!((share.low - 0.622).abs() < 1e-3 && (share.high - 0.768).abs() < 1e-3);
/// # Ok::<(), zkassay_models::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// `correct / total`.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Number of successes.
    pub correct: usize,
    /// Number of trials.
    pub total: usize,
}

impl Proportion {
    /// The share of `correct` among `total`.
    ///
    /// The interval is Wilson's score interval (Wilson 1927), which stays
    /// inside 0 to 1 and keeps its level on small samples.
    ///
    /// # Errors
    /// [`ModelError::Empty`] if `total` is 0; [`ModelError::Parameter`] if
    /// `correct` exceeds it.
    pub fn new(correct: usize, total: usize) -> Result<Self, ModelError> {
        /// The 97.5 % quantile of the normal distribution.
        const Z: f64 = 1.959_963_984_540_054;

        if total == 0 {
            return Err(ModelError::Empty {
                rows: 0,
                columns: 1,
            });
        }
        require(correct <= total, "correct", correct, "at most the total")?;
        let n = total as f64;
        let value = correct as f64 / n;
        let scale = 1.0 + Z * Z / n;
        let centre = (value + Z * Z / (2.0 * n)) / scale;
        let half = Z / scale * (value * (1.0 - value) / n + Z * Z / (4.0 * n * n)).sqrt();
        Ok(Self {
            value,
            low: (centre - half).clamp(0.0, value),
            high: (centre + half).clamp(value, 1.0),
            correct,
            total,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of SciPy's `binomtest(correct, total).proportion_ci(method="wilson")`.
    #[test]
    fn the_interval_is_that_of_scipy() {
        for (correct, total, low, high) in [
            (5, 10, 0.236593090512564, 0.7634069094874361),
            (0, 10, 0.0, 0.27753279986288926),
            (10, 10, 0.7224672001371109, 1.0),
            (105, 150, 0.6224201960400859, 0.7675917062126834),
            (1, 1, 0.20654931437723745, 1.0),
            (9876, 10_000, 0.9852361608857194, 0.9895893639031967),
        ] {
            let share = Proportion::new(correct, total).unwrap();
            assert!((share.low - low).abs() < 1e-12, "{share:?}");
            assert!((share.high - high).abs() < 1e-12, "{share:?}");
        }
    }

    #[test]
    fn impossible_counts_are_named() {
        assert!(matches!(
            Proportion::new(0, 0),
            Err(ModelError::Empty { rows: 0, .. })
        ));
        assert!(matches!(
            Proportion::new(2, 1),
            Err(ModelError::Parameter {
                name: "correct",
                ..
            })
        ));
    }
}
