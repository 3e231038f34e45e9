//! Differences, ratios and slopes with their intervals of 95 %.
//!
//! Small samples of noisy measurements: every function gives an interval or nothing, and says
//! what it assumes.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF as _, StudentsT};
use zkassay_seed::Stream;

use crate::record::{Proportion, Rate};

/// Quantile of the normal distribution that leaves 2.5 % above it.
const NORMAL: f64 = 1.959_963_984_540_054;
/// Resamples of a bootstrap.
pub const RESAMPLES: usize = 2_000;
/// Most samples of each side that a bootstrap draws from; of more the first are taken.
const MOST_SAMPLES: usize = 1_000;
/// Fewest samples of each side that a bootstrap draws from.
const FEWEST_SAMPLES: usize = 3;

/// A figure and its two-sided 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The figure.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether `value` is between the ends, these included.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    fn finite(self) -> Option<Self> {
        let is_finite = [self.value, self.low, self.high]
            .iter()
            .all(|number| number.is_finite());
        is_finite.then_some(self)
    }
}

/// How the interval around a difference of accuracies was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Paired by round: Student's t with the variance of Nadeau and Bengio.
    PairedRounds,
    /// Newcombe's hybrid of the intervals of both, as if the rows were others.
    Newcombe,
}

impl Method {
    /// What a reader is told.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::PairedRounds => {
                "the 95 % interval of the difference, paired by round (Student's t with the \
                 variance of Nadeau and Bengio 2003), holds 0"
            }
            Self::Newcombe => {
                "the 95 % interval of the difference, made of the intervals of both (Newcombe 1998, \
                 method 10), holds 0; both were counted on the same rows, so it is rather too wide"
            }
        }
    }
}

/// A difference of accuracies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The first minus the second, in `[-1, 1]`.
    pub difference: Interval,
    /// How the interval was made.
    pub method: Method,
}

impl Difference {
    /// Whether the two can be told apart: 0 is not in the interval.
    pub fn is_clear(&self) -> bool {
        !self.difference.contains(0.0)
    }
}

/// `a` minus `b`, of two models on the same rows.
///
/// With at least two rounds of as many rows each, paired by round; the variance of the mean of
/// `J` rounds is `(1 / J + test / train) s^2`, for rounds share their training rows (Nadeau and
/// Bengio, *Inference for the Generalization Error*, 2003). Otherwise [`unpaired`]. `None` without
/// rows.
pub fn difference(a: &Rate, b: &Rate, train_rows: usize, test_rows: usize) -> Option<Difference> {
    let totals = |rate: &Rate| -> Vec<usize> {
        let rounds = rate.rounds.iter();
        rounds.map(|round| round.total).collect()
    };
    let is_paired = totals(a) == totals(b) && a.rounds.iter().all(|round| round.total > 0);
    if !(is_paired && a.rounds.len() >= 2 && train_rows > 0) {
        return unpaired(a, b);
    }
    let shares = |rate: &Rate| -> Vec<f64> {
        let rounds = rate.rounds.iter();
        rounds
            .map(|round| round.correct as f64 / round.total as f64)
            .collect()
    };
    let differences: Vec<f64> = shares(a)
        .iter()
        .zip(shares(b))
        .map(|(a, b)| a - b)
        .collect();
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let squares: f64 = differences.iter().map(|value| (value - mean).powi(2)).sum();
    let overlap = test_rows as f64 / train_rows as f64;
    let error = (squares / (n - 1.0) * (1.0 / n + overlap)).sqrt();
    let half = student(n - 1.0)? * error;
    let difference = Interval {
        value: mean,
        low: mean - half,
        high: mean + half,
    };
    Some(Difference {
        difference: difference.finite()?,
        method: Method::PairedRounds,
    })
}

/// `a` minus `b`, counted on different rows: Newcombe's interval of two proportions, from the
/// intervals of both.
///
/// That of one round is Wilson's. That of several is the rate's own, which knows whether rounds
/// share rows; counts of all rounds together would take each row for another one (Zou and Donner,
/// *Construction of confidence limits about effect measures*, 2008, allow any two intervals).
pub fn unpaired(a: &Rate, b: &Rate) -> Option<Difference> {
    let (p, p_low, p_high) = interval(a)?;
    let (q, q_low, q_high) = interval(b)?;
    let value = p - q;
    let difference = Interval {
        value,
        low: value - (p - p_low).hypot(q_high - q),
        high: value + (p_high - p).hypot(q - q_low),
    };
    Some(Difference {
        difference: difference.finite()?,
        method: Method::Newcombe,
    })
}

/// A rate, and the ends of its interval: Wilson's of one round, its own of several.
fn interval(rate: &Rate) -> Option<(f64, f64, f64)> {
    let is_counted = |round: &Proportion| round.total > 0 && round.correct <= round.total;
    match rate.rounds.as_slice() {
        [] => None,
        rounds if !rounds.iter().all(is_counted) => None,
        [round] => Some(wilson(*round)),
        _ => {
            let is_ordered = rate.low <= rate.value && rate.value <= rate.high;
            is_ordered.then_some((rate.value, rate.low, rate.high))
        }
    }
}

/// Wilson's interval of a share of some rows.
fn wilson(round: Proportion) -> (f64, f64, f64) {
    let (correct, n) = (round.correct as f64, round.total as f64);
    let p = correct / n;
    let z2 = NORMAL * NORMAL;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = NORMAL * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    (
        p,
        (middle - half).max(0.0).min(p),
        (middle + half).min(1.0).max(p),
    )
}

/// The median of `a` over that of `b`, with the percentile interval of [`RESAMPLES`] bootstrap
/// resamples of both, drawn from the seeded stream `name`.
///
/// With fewer than ten samples such an interval is rather too narrow. `None` for fewer than three
/// on a side, or where a median is not positive.
pub fn median_ratio(a: &[f64], b: &[f64], seed: u64, name: &str) -> Option<Interval> {
    let a = a.get(..MOST_SAMPLES).unwrap_or(a);
    let b = b.get(..MOST_SAMPLES).unwrap_or(b);
    if a.len().min(b.len()) < FEWEST_SAMPLES || !a.iter().chain(b).all(|value| *value > 0.0) {
        return None;
    }
    let median = |mut values: Vec<f64>| crate::stats::median(&mut values);
    let value = median(a.to_vec())? / median(b.to_vec())?;
    let mut stream = Stream::new(seed, name);
    let mut resample = |values: &[f64]| -> Option<f64> {
        let drawn = (0..values.len()).filter_map(|_| values.get(stream.below(values.len())));
        median(drawn.copied().collect())
    };
    let mut ratios = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        ratios.push(resample(a)? / resample(b)?);
    }
    ratios.sort_by(f64::total_cmp);
    let tail = RESAMPLES / 40;
    let interval = Interval {
        value,
        low: *ratios.get(tail)?,
        high: *ratios.get(RESAMPLES - 1 - tail)?,
    };
    interval.finite()
}

/// The middle value, or the mean of the two middle ones; `None` without values.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get((values.len() / 2).checked_sub(1)?)?;
    Some(lower + (upper - lower) / 2.0)
}

/// A straight line through points, by least squares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its slope; the interval is Student's, as if the points were independent.
    pub slope: Interval,
    /// Its value at 0.
    pub intercept: f64,
    /// Pearson's correlation; the interval is Fisher's.
    pub correlation: Interval,
    /// How many points.
    pub points: usize,
}

/// The line through `points`; `None` for fewer than four, or if all have the same abscissa or the
/// same ordinate.
pub fn line(points: &[(f64, f64)]) -> Option<Line> {
    let n = points.len() as f64;
    if points.len() < 4 {
        return None;
    }
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / n;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / n;
    let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        let centred = points.iter().map(|(x, y)| of(x - mean_x, y - mean_y));
        centred.sum()
    };
    let (xx, yy, xy) = (sum(&|x, _| x * x), sum(&|_, y| y * y), sum(&|x, y| x * y));
    // Of equal values nothing but rounding is left.
    let is_flat =
        |squares: f64, mean: f64| !squares.is_finite() || squares <= n * (mean * 1e-12).powi(2);
    if is_flat(xx, mean_x) || is_flat(yy, mean_y) {
        return None;
    }
    let slope = xy / xx;
    let residuals = sum(&|x, y| (y - slope * x).powi(2));
    let half = student(n - 2.0)? * (residuals / (n - 2.0) / xx).sqrt();
    let r = (xy / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0);
    // The inverse hyperbolic tangent of 1 is infinite, its tangent 1 again.
    let (z, spread) = (r.atanh(), NORMAL / (n - 3.0).sqrt());
    Some(Line {
        slope: Interval {
            value: slope,
            low: slope - half,
            high: slope + half,
        }
        .finite()?,
        intercept: mean_y - slope * mean_x,
        correlation: Interval {
            value: r,
            low: (z - spread).tanh(),
            high: (z + spread).tanh(),
        }
        .finite()?,
        points: points.len(),
    })
}

/// The quantile of Student's distribution that leaves 2.5 % above it.
fn student(degrees: f64) -> Option<f64> {
    let distribution = StudentsT::new(0.0, 1.0, degrees).ok()?;
    Some(distribution.inverse_cdf(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(rounds: &[(usize, usize)]) -> Rate {
        Rate {
            value: 0.0,
            low: 0.0,
            high: 0.0,
            standard_error: None,
            rounds: rounds
                .iter()
                .map(|(correct, total)| Proportion {
                    correct: *correct,
                    total: *total,
                })
                .collect(),
        }
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 5e-5, "{found} is not {expected}");
    }

    #[test]
    fn one_round_is_compared_by_newcombe() {
        // Newcombe 1998, table II: 56/70 against 48/80 by method 10.
        let found = difference(&rate(&[(56, 70)]), &rate(&[(48, 80)]), 100, 70).unwrap();
        assert_eq!(found.method, Method::Newcombe);
        close(found.difference.value, 0.2);
        close(found.difference.low, 0.0524);
        close(found.difference.high, 0.3339);
        assert!(found.is_clear());
    }

    #[test]
    fn rounds_are_paired() {
        // Differences 0.1, 0.2, 0.3: s = 0.1, t(2) = 4.302653.
        let a = rate(&[(60, 100), (70, 100), (80, 100)]);
        let b = rate(&[(50, 100), (50, 100), (50, 100)]);
        let found = difference(&a, &b, 300, 100).unwrap();
        assert_eq!(found.method, Method::PairedRounds);
        let half = 4.302_653 * 0.1 * (1.0_f64 / 3.0 + 1.0 / 3.0).sqrt();
        close(found.difference.low, 0.2 - half);
        close(found.difference.high, 0.2 + half);
        assert!(!found.is_clear());
        // Equal in every round, they are equal.
        let same = difference(&a, &a, 300, 100).unwrap();
        assert_eq!((same.difference.low, same.difference.high), (0.0, 0.0));
        assert!(!same.is_clear());
    }

    #[test]
    fn other_rounds_are_not_paired() {
        let a = rate(&[(60, 100), (70, 100)]);
        let b = rate(&[(50, 100)]);
        assert_eq!(difference(&a, &b, 1, 1).unwrap().method, Method::Newcombe);
        assert_eq!(difference(&a, &rate(&[]), 1, 1), None);
        assert_eq!(difference(&a, &rate(&[(9, 3)]), 1, 1), None);
        let empty = rate(&[(0, 0), (0, 0)]);
        assert_eq!(difference(&empty, &empty, 1, 1), None);
        let huge = rate(&[(usize::MAX, usize::MAX)]);
        assert!(difference(&huge, &b, 0, 0).is_some());
    }

    #[test]
    fn rounds_that_share_rows_are_not_counted_as_one() {
        // 20 splits of the same rows, 65 % and 60 %, each with an interval of 5 points to either side.
        let split = |correct: usize, value: f64| Rate {
            value,
            low: value - 0.05,
            high: value + 0.05,
            ..rate(&[(correct, 100); 20])
        };
        let found = unpaired(&split(65, 0.65), &split(60, 0.60)).unwrap();
        let half = 0.05 * 2_f64.sqrt();
        close(found.difference.low, 0.05 - half);
        close(found.difference.high, 0.05 + half);
        // 1300 and 1200 of 2000 rows would differ clearly.
        assert!(!found.is_clear());
        assert!(
            unpaired(&rate(&[(1300, 2000)]), &rate(&[(1200, 2000)]))
                .unwrap()
                .is_clear()
        );
        let odd = Rate {
            low: 0.7,
            ..split(65, 0.65)
        };
        assert_eq!(unpaired(&odd, &odd), None);
    }

    #[test]
    fn the_ratio_of_medians_is_seeded() {
        let a = [10.0, 11.0, 9.0, 10.5, 9.5];
        let b = [2.0, 2.1, 1.9, 2.05, 1.95];
        let found = median_ratio(&a, &b, 1, "x").unwrap();
        assert_eq!(found.value, 5.0);
        assert!(found.low < 5.0 && found.low > 4.2, "{found:?}");
        assert!(found.high > 5.0 && found.high < 5.9, "{found:?}");
        assert_eq!(median_ratio(&a, &b, 1, "x"), Some(found));
        assert_ne!(median_ratio(&a, &[2.0, 3.0, 7.0, 1.0], 1, "x"), Some(found));
        assert_eq!(median_ratio(&a[..2], &b, 1, "x"), None);
        assert_eq!(median_ratio(&[1.0, 0.0, 1.0], &b, 1, "x"), None);
    }

    #[test]
    fn a_line_has_the_values_of_the_textbook() {
        // Anscombe's first data set: slope 0.5001 +- 2.262157 * 0.1179, r = 0.81642.
        let y = [
            8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68,
        ];
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let points: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
        let found = line(&points).unwrap();
        close(found.slope.value, 0.50009);
        close(found.slope.high, 0.50009 + 2.262_157 * 0.117_906);
        close(found.intercept, 3.00009);
        close(found.correlation.value, 0.81642);
        close(found.correlation.low, 0.42439);
        close(found.correlation.high, 0.95069);
    }

    #[test]
    fn no_line_without_spread() {
        assert_eq!(line(&[(1.0, 1.0), (2.0, 3.0), (3.0, 4.0)]), None);
        assert_eq!(
            line(&[(0.1, 1.0), (0.1, 2.0), (0.1, 3.0), (0.1, 4.0)]),
            None
        );
        assert_eq!(
            line(&[(1.0, 0.1), (2.0, 0.1), (3.0, 0.1), (4.0, 0.1)]),
            None
        );
        assert_eq!(
            line(&[(1e308, 1.0), (-1e308, 2.0), (1.0, 3.0), (2.0, 4.0)]),
            None
        );
        let exact = line(&[(1.0, 2.0), (2.0, 4.0), (3.0, 6.0), (4.0, 8.0)]).unwrap();
        close(exact.correlation.low, 1.0);
        close(exact.slope.low, 2.0);
    }
}
