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
    /// Its source, as a reader may look it up.
    ///
    /// Newcombe's takes the two for independent. Counted on the same rows they are not, so the
    /// interval is rather too wide.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PairedRounds => "paired by round, Nadeau and Bengio 2003",
            Self::Newcombe => "Newcombe 1998, method 10",
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
mod tests;
