//! Is one of two models better, or was it luck?

use std::f64::consts::LN_2;

use serde::{Deserialize, Serialize};
use statrs::function::factorial::ln_binomial;

use crate::ModelError;
use crate::metrics::student::{Estimate, check_rounds};
use crate::valid::require;

/// Two models on the same rows: McNemar's test (McNemar 1947), exact.
///
/// Made by [`mcnemar`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Rows that only the first model gets right.
    pub only_a: usize,
    /// Rows that only the second model gets right.
    pub only_b: usize,
    /// Probability of counts at least as unequal if neither model were better.
    pub p_value: f64,
}

/// Compares two models by the rows that only one of them gets right.
///
/// If neither is better, each such row is a toss of a coin: the p-value is the
/// two-sided one of the binomial distribution. Dietterich ("Approximate
/// Statistical Tests for Comparing Supervised Classification Learning
/// Algorithms", Neural Computation 10, 1998) advises the test for models that
/// are trained once. Rows must be independent: those of one split, not of
/// several that share rows.
///
/// # Errors
/// [`ModelError::Unpaired`] if there are more rows of one model than of the
/// other; [`ModelError::Empty`] if there are none.
///
/// ```
/// use zkassay_models::metrics::mcnemar;
///
/// let a = [true, true, true, true, true, true, false];
/// let b = [true, false, false, false, false, false, false];
/// let test = mcnemar(&a, &b)?;
/// assert_eq!((test.only_a, test.only_b), (5, 0));
/// assert!((test.p_value - 2.0 / 32.0).abs() < 1e-12);
/// # Ok::<(), zkassay_models::ModelError>(())
/// ```
pub fn mcnemar(a_correct: &[bool], b_correct: &[bool]) -> Result<McNemar, ModelError> {
    check_paired(a_correct.len(), b_correct.len())?;
    if a_correct.is_empty() {
        return Err(ModelError::Empty {
            rows: 0,
            columns: 1,
        });
    }
    let pairs = || a_correct.iter().zip(b_correct);
    let only_a = pairs().filter(|&(a, b)| *a && !b).count();
    let only_b = pairs().filter(|&(a, b)| *b && !a).count();
    let lower = lower_tail(only_a.min(only_b) as u64, (only_a + only_b) as u64);
    Ok(McNemar {
        only_a,
        only_b,
        p_value: (2.0 * lower).min(1.0),
    })
}

/// Probability of at most `heads`, which is at most half of `tosses`.
///
/// The distribution function of statrs sums a fixed number of terms of an
/// incomplete beta function: near the middle of a million tosses it is off by
/// 2e-3. Here every term is `i / (tosses - i + 1)` of the one above it.
fn lower_tail(heads: u64, tosses: u64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for i in (1..=heads).rev() {
        term *= i as f64 / (tosses - i + 1) as f64;
        sum += term;
        if term < f64::EPSILON * 1e-3 {
            break;
        }
    }
    sum * (ln_binomial(tosses, heads) - tosses as f64 * LN_2).exp()
}

/// Two models on the same splits: a t test whose variance allows for the rows
/// that the splits share.
///
/// Made by [`corrected_resampled_t`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedT {
    /// Mean over the rounds of the first model's value minus the second's.
    pub difference: f64,
    /// Corrected standard error of the difference.
    pub standard_error: f64,
    /// `difference / standard_error`; absent if the standard error is 0.
    pub statistic: Option<f64>,
    /// Degrees of freedom: one less than there are rounds.
    pub degrees: usize,
    /// Probability of a statistic at least as far from 0 if neither model were
    /// better. If every round has the same difference it is 1 if that is 0,
    /// and 0 if not.
    pub p_value: f64,
    /// Lower end of the interval of 95 % around the difference.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// Compares two models by one value per round each, such as accuracies, over
/// random splits into `train_rows` and `test_rows`.
///
/// The variance of the mean difference over `J` rounds is
/// `(1 / J + test_rows / train_rows) s^2`, `s^2` being the sample variance of
/// the differences: Nadeau and Bengio, "Inference for the Generalization
/// Error", Machine Learning 52, 2003.
///
/// # Errors
/// [`ModelError::Unpaired`] if one model has more rounds than the other;
/// [`ModelError::RoundValue`] if a value is not a number from -1e100 to 1e100;
/// [`ModelError::Parameter`] for fewer than two rounds or splits without rows.
pub fn corrected_resampled_t(
    a: &[f64],
    b: &[f64],
    train_rows: usize,
    test_rows: usize,
) -> Result<PairedT, ModelError> {
    check_paired(a.len(), b.len())?;
    check_rounds(a)?;
    check_rounds(b)?;
    require(train_rows > 0, "train_rows", train_rows, "at least 1")?;
    require(test_rows > 0, "test_rows", test_rows, "at least 1")?;
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let estimate = Estimate::new(&differences, test_rows as f64 / train_rows as f64)?;
    let (difference, standard_error) = (estimate.mean, estimate.standard_error);
    let statistic = (standard_error > 0.0).then(|| difference / standard_error);
    let (low, high) = estimate.interval();
    Ok(PairedT {
        difference,
        standard_error,
        statistic,
        degrees: differences.len() - 1,
        p_value: match statistic {
            Some(statistic) => estimate.two_sided(statistic),
            None if difference == 0.0 => 1.0,
            None => 0.0,
        },
        low,
        high,
    })
}

fn check_paired(first: usize, second: usize) -> Result<(), ModelError> {
    if first == second {
        return Ok(());
    }
    Err(ModelError::Unpaired { first, second })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p_value(only_a: u64, only_b: u64) -> f64 {
        (2.0 * lower_tail(only_a.min(only_b), only_a + only_b)).min(1.0)
    }

    /// Values of SciPy's `binomtest(min(a, b), a + b).pvalue`.
    #[test]
    fn mcnemar_is_the_binomial_test_of_scipy() {
        for (a, b, expected) in [
            (0, 5, 0.0625),
            (3, 9, 0.14599609375),
            (25, 4, 0.00010371580719947815),
            (59, 121, 4.4344492637551645e-06),
            (400, 500, 0.0009564441369189373),
            (4900, 5100, 0.04658552770494645),
            (99_000, 101_000, 7.824328515381007e-06),
            (499_500, 500_500, 0.3177946913633297),
        ] {
            let found = p_value(a, b);
            assert!(
                (found / expected - 1.0).abs() < 1e-8,
                "{a} and {b}: {found}, SciPy {expected}"
            );
        }
    }

    /// Binomial coefficients from Pascal's triangle, in integers.
    #[test]
    fn tails_are_those_counted_in_integers() {
        let mut row = vec![1_u64];
        for tosses in 1..60 {
            let next = row.windows(2).map(|pair| pair[0] + pair[1]);
            row = [1].into_iter().chain(next).chain([1]).collect();
            let mut ways = 0;
            for heads in 0..=tosses / 2 {
                ways += row[heads as usize];
                let expected = ways as f64 / (1_u64 << tosses) as f64;
                let found = lower_tail(heads, tosses);
                assert!(
                    (found / expected - 1.0).abs() < 1e-12,
                    "{heads} of {tosses}"
                );
            }
        }
    }

    #[test]
    fn mcnemar_counts_the_rows_of_one_model_only() {
        let a = [true, true, false, true, false, false];
        let b = [true, false, true, false, false, true];
        let test = mcnemar(&a, &b).unwrap();
        assert_eq!((test.only_a, test.only_b, test.p_value), (2, 2, 1.0));
        let same = mcnemar(&a, &a).unwrap();
        assert_eq!((same.only_a, same.only_b, same.p_value), (0, 0, 1.0));
    }

    #[test]
    fn many_rows_neither_overflow_nor_slow_down() {
        assert_eq!(p_value(0, 2000), 0.0);
        // All but the even split, whose probability is about sqrt(2 / (pi n)).
        let expected = 1.0 - (2.0 / (std::f64::consts::PI * 1e8)).sqrt();
        assert!((p_value(49_999_999, 50_000_001) - expected).abs() < 1e-6);
    }

    #[test]
    fn mcnemar_is_surer_the_more_unequal_the_counts() {
        let values: Vec<f64> = (0..=50).map(|less| p_value(less, 100 - less)).collect();
        assert!(values.is_sorted_by(|less, more| less < more), "{values:?}");
    }

    const A: [f64; 10] = [0.71, 0.68, 0.74, 0.70, 0.73, 0.69, 0.72, 0.75, 0.70, 0.71];
    const B: [f64; 10] = [0.66, 0.69, 0.70, 0.65, 0.70, 0.68, 0.66, 0.71, 0.69, 0.64];

    /// Values of NumPy and SciPy: `d = A - B`,
    /// `se = np.sqrt((1 / 10 + 150 / 449) * d.var(ddof=1))`,
    /// `2 * t.sf(d.mean() / se, 9)`, `t.interval(0.95, 9, d.mean(), se)`.
    #[test]
    fn the_t_test_is_that_of_scipy_with_the_corrected_variance() {
        let found = corrected_resampled_t(&A, &B, 449, 150).unwrap();
        assert_eq!(found.degrees, 9);
        for (found, expected) in [
            (found.difference, 0.03499999999999999),
            (found.standard_error, 0.016507667712119072),
            (found.statistic.unwrap(), 2.1202268309716947),
            (found.p_value, 0.06301435939367188),
            (found.low, -0.002342938756062826),
            (found.high, 0.0723429387560628),
        ] {
            assert!(
                (found - expected).abs() < 1e-11,
                "{found}, SciPy {expected}"
            );
        }
    }

    /// SciPy's `ttest_rel(A, B)`; next to no test rows leave no correction.
    #[test]
    fn without_overlap_it_is_the_paired_t_test() {
        let found = corrected_resampled_t(&A, &B, usize::MAX, 1).unwrap();
        assert!((found.statistic.unwrap() - 4.417383200072553).abs() < 1e-11);
        assert!((found.p_value - 0.0016775362819317601).abs() < 1e-11);
    }

    #[test]
    fn exchanging_the_models_changes_the_sign_only() {
        let ab = corrected_resampled_t(&A, &B, 3, 1).unwrap();
        let ba = corrected_resampled_t(&B, &A, 3, 1).unwrap();
        assert_eq!(ab.difference, -ba.difference);
        assert_eq!((ab.low, ab.high), (-ba.high, -ba.low));
        assert_eq!(ab.p_value, ba.p_value);
    }

    #[test]
    fn a_larger_lead_is_surer_and_more_test_rows_are_less_sure() {
        let lead = |points: f64, test_rows| {
            let ahead = A.map(|value| value + points / 100.0);
            corrected_resampled_t(&ahead, &B, 300, test_rows)
                .unwrap()
                .p_value
        };
        assert!(lead(2.0, 100) < lead(1.0, 100));
        assert!(lead(1.0, 100) < lead(1.0, 200));
    }

    #[test]
    fn differences_that_do_not_vary_leave_no_doubt() {
        let same = corrected_resampled_t(&A, &A, 3, 1).unwrap();
        assert_eq!((same.statistic, same.p_value), (None, 1.0));
        assert_eq!((same.low, same.high), (0.0, 0.0));
        let always = corrected_resampled_t(&[0.75; 3], &[0.5; 3], 3, 1).unwrap();
        assert_eq!((always.difference, always.statistic), (0.25, None));
        assert_eq!((always.p_value, always.low, always.high), (0.0, 0.25, 0.25));
    }

    #[test]
    fn results_that_cannot_be_compared_are_named() {
        let unpaired = |result: Result<f64, ModelError>| {
            let found = result.unwrap_err();
            let expected = matches!(
                found,
                ModelError::Unpaired {
                    first: 2,
                    second: 1
                }
            );
            assert!(expected, "{found}");
        };
        unpaired(mcnemar(&[true, true], &[true]).map(|test| test.p_value));
        unpaired(corrected_resampled_t(&[0.5, 0.5], &[0.5], 3, 1).map(|test| test.p_value));
        assert!(matches!(mcnemar(&[], &[]), Err(ModelError::Empty { .. })));
        let named =
            |a: &[f64], b: &[f64], train_rows, test_rows, expected| match corrected_resampled_t(
                a, b, train_rows, test_rows,
            ) {
                Err(ModelError::Parameter { name, .. }) => assert_eq!(name, expected),
                other => panic!("{other:?}"),
            };
        named(&[], &[], 3, 1, "rounds");
        named(&[0.5], &[0.5], 3, 1, "rounds");
        named(&A, &B, 0, 1, "train_rows");
        named(&A, &B, 3, 0, "test_rows");
        let (good, bad) = ([0.5, 0.6], [0.5, f64::NAN]);
        for (a, b) in [(good, bad), (bad, good)] {
            assert!(matches!(
                corrected_resampled_t(&a, &b, 3, 1),
                Err(ModelError::RoundValue { round: 1, .. })
            ));
        }
    }
}
