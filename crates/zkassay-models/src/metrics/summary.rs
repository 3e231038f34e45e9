//! One configuration over several rounds.

use serde::{Deserialize, Serialize};

use crate::ModelError;
use crate::metrics::student::{Estimate, check_rounds, mean};
use crate::valid::require;

/// Mean of a metric over rounds, each with a split and a seed of its own.
///
/// The standard error takes the rounds for independent. Random splits of the
/// same rows overlap, so it understates how far another data set would take
/// the mean (Nadeau and Bengio 2003): [`Summary::of_splits`] allows for that. Two
/// such intervals say little about which of two models is better:
/// [`corrected_resampled_t`] is for that.
///
/// [`corrected_resampled_t`]: crate::metrics::corrected_resampled_t
///
/// ```
/// use zkassay_models::metrics::Summary;
///
/// let accuracies = [0.70, 0.72, 0.74];
/// let summary = Summary::new(&accuracies)?;
/// assert_eq!(summary.rounds, 3);
/// assert!((summary.mean - 0.72).abs() < 1e-12);
/// assert!(summary.standard_error.is_some_and(|error| (error - 0.01155).abs() < 1e-5));
/// # Ok::<(), zkassay_models::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Arithmetic mean.
    pub mean: f64,
    /// `s / sqrt(rounds)` with the sample standard deviation `s` (divisor
    /// `rounds - 1`), larger for splits that share rows ([`Summary::of_splits`]); absent for one
    /// round, as are the ends of the interval.
    pub standard_error: Option<f64>,
    /// Number of rounds.
    pub rounds: usize,
    /// Lower end of the interval of 95 % by Student's t.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
}

impl Summary {
    /// Summarises one value per round.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] if there is none; [`ModelError::RoundValue`]
    /// if one is not a number from -1e100 to 1e100.
    pub fn new(values: &[f64]) -> Result<Self, ModelError> {
        Self::with_overlap(values, 0.0)
    }

    /// Summarises one value per round of random splits into `train_rows` and `test_rows`: the
    /// variance of the mean over `J` rounds is `(1 / J + test_rows / train_rows) s^2`, which allows
    /// for the rows that splits share (Nadeau and Bengio, "Inference for the Generalization Error",
    /// Machine Learning 52, 2003).
    ///
    /// # Errors
    /// As [`Summary::new`]; [`ModelError::Parameter`] for splits without rows.
    ///
    /// ```
    /// use zkassay_models::metrics::Summary;
    ///
    /// let accuracies = [0.70, 0.72, 0.74];
    /// let independent = Summary::new(&accuracies)?;
    /// let splits = Summary::of_splits(&accuracies, 300, 100)?;
    /// // (1 / 3 + 1 / 3) instead of 1 / 3.
    /// let ratio = splits.standard_error.zip(independent.standard_error).map(|(a, b)| a / b);
    /// assert!(ratio.is_some_and(|ratio| (ratio - 2_f64.sqrt()).abs() < 1e-12));
    /// # Ok::<(), zkassay_models::ModelError>(())
    /// ```
    pub fn of_splits(
        values: &[f64],
        train_rows: usize,
        test_rows: usize,
    ) -> Result<Self, ModelError> {
        require(train_rows > 0, "train_rows", train_rows, "at least 1")?;
        require(test_rows > 0, "test_rows", test_rows, "at least 1")?;
        Self::with_overlap(values, test_rows as f64 / train_rows as f64)
    }

    fn with_overlap(values: &[f64], overlap: f64) -> Result<Self, ModelError> {
        require(!values.is_empty(), "rounds", 0, "at least 1")?;
        check_rounds(values)?;
        let estimate = Estimate::new(values, overlap).ok();
        let interval = estimate.as_ref().map(Estimate::interval);
        Ok(Self {
            mean: mean(values),
            standard_error: estimate.map(|estimate| estimate.standard_error),
            rounds: values.len(),
            low: interval.map(|(low, _)| low),
            high: interval.map(|(_, high)| high),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of NumPy and SciPy:
    /// `se = np.std(v, ddof=1) / np.sqrt(len(v))`,
    /// `t.interval(0.95, len(v) - 1, np.mean(v), se)`.
    #[test]
    fn the_interval_is_that_of_scipy() {
        let twenty: Vec<f64> = (0..20).map(|i| 0.6 + f64::from(i) / 100.0).collect();
        let five = [0.71, 0.68, 0.74, 0.70, 0.73];
        let cases: [(&[f64], [f64; 4]); 3] = [
            (
                &five,
                [
                    0.712,
                    0.010677078252031303,
                    0.6823556783493339,
                    0.7416443216506661,
                ],
            ),
            (
                &[0.5, 0.6],
                [0.55, 0.05, -0.08531023680873451, 1.1853102368087347],
            ),
            (
                &twenty,
                [
                    0.695,
                    0.013228756555322956,
                    0.6673118943197974,
                    0.7226881056802025,
                ],
            ),
        ];
        for (values, expected) in cases {
            let found = Summary::new(values).unwrap();
            assert_eq!(found.rounds, values.len());
            let spread = [found.standard_error, found.low, found.high].map(Option::unwrap);
            for (found, expected) in [found.mean].iter().chain(&spread).zip(expected) {
                assert!(
                    (found - expected).abs() < 1e-12,
                    "{found}, SciPy {expected}"
                );
            }
        }
    }

    /// The first case above with `se = sqrt((1 / 5 + 150 / 449) * var(v))`, and the same quantile,
    /// 2.7764451051977987.
    #[test]
    fn splits_that_share_rows_have_wider_intervals() {
        let five = [0.71, 0.68, 0.74, 0.70, 0.73];
        let found = Summary::of_splits(&five, 449, 150).unwrap();
        assert_eq!(found.mean, Summary::new(&five).unwrap().mean);
        let spread = [found.standard_error, found.low, found.high].map(Option::unwrap);
        let expected = [0.01744772657349715, 0.6635573449581842, 0.7604426550418157];
        for (found, expected) in spread.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        }
        let one = Summary::of_splits(&[0.7], 449, 150).unwrap();
        assert_eq!((one.mean, one.standard_error), (0.7, None));
        for (train, test, wrong) in [(0, 1, "train_rows"), (1, 0, "test_rows")] {
            let error = Summary::of_splits(&five, train, test).unwrap_err();
            assert!(matches!(error, ModelError::Parameter { name, .. } if name == wrong));
        }
    }

    #[test]
    fn one_round_has_a_mean_but_no_interval() {
        let one = Summary::new(&[0.7]).unwrap();
        assert_eq!((one.mean, one.rounds), (0.7, 1));
        assert_eq!((one.standard_error, one.low, one.high), (None, None, None));
    }

    /// Three times 0.1, added, is not 0.3.
    #[test]
    fn rounds_that_do_not_differ_have_no_error() {
        let found = Summary::new(&[0.1; 3]).unwrap();
        assert_eq!((found.mean, found.standard_error), (0.1, Some(0.0)));
        assert_eq!((found.low, found.high), (Some(0.1), Some(0.1)));
    }

    #[test]
    fn what_cannot_be_averaged_is_named() {
        assert!(matches!(
            Summary::new(&[]),
            Err(ModelError::Parameter { name: "rounds", .. })
        ));
        for bad in [f64::NAN, f64::INFINITY, -2e100] {
            assert!(matches!(
                Summary::new(&[0.5, bad]),
                Err(ModelError::RoundValue { round: 1, .. })
            ));
        }
        let wide = Summary::new(&[1e100, -1e100]).unwrap();
        assert!(wide.standard_error.is_some_and(f64::is_finite), "{wide:?}");
    }
}
