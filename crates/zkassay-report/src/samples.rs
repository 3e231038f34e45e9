//! Repeated measurements of one quantity and their summary.

use serde::{Deserialize, Serialize};

/// Repeated measurements of one quantity, in the order they were taken.
///
/// Every summary is `None` where it is not defined, never a panic or a NaN:
///
/// ```
/// use zkassay_report::Samples;
///
/// let samples: Samples = [4.0, 1.0, 2.0].into_iter().collect();
/// assert_eq!(samples.median(), Some(2.0));
/// assert_eq!(Samples::new().median(), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// No measurements yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds one measurement.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The measurements in the order they were taken.
    pub fn as_slice(&self) -> &[f64] {
        &self.0
    }

    /// How many measurements there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The middle value; the mean of the two middle ones if their number is
    /// even. `None` without measurements.
    pub fn median(&self) -> Option<f64> {
        crate::stats::median(&mut self.0.clone())
    }

    /// Two of the measurements that hold the true median between them with at least 95 %, whatever
    /// the distribution; `None` for fewer than six, which cannot.
    ///
    /// These are the order statistics `j` from below and from above, for the greatest `j` with
    /// `2 P(B < j) <= 5 %`, where `B` of the `n` measurements are below the true median: binomial, with one half
    /// (Conover, *Practical Nonparametric Statistics*, 3.2).
    pub fn median_interval(&self) -> Option<(f64, f64)> {
        let n = self.len();
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        // P(B = j), without underflow before thousands of measurements.
        let mut log_term = -(n as f64) * std::f64::consts::LN_2;
        let (mut below, mut j) = (log_term.exp(), 0);
        while 2.0 * below <= 0.05 && 2 * (j + 1) <= n {
            j += 1;
            log_term += ((n + 1 - j) as f64 / j as f64).ln();
            below += log_term.exp();
        }
        let low = *sorted.get(j.checked_sub(1)?)?;
        Some((low, *sorted.get(n.checked_sub(j)?)?))
    }

    /// The arithmetic mean; `None` without measurements.
    pub fn mean(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.0.iter().sum::<f64>() / self.len() as f64)
    }

    /// The standard error of the mean, `s / sqrt(n)` with the sample standard
    /// deviation s (divisor n - 1); `None` for fewer than two measurements.
    pub fn standard_error(&self) -> Option<f64> {
        if self.len() < 2 {
            return None;
        }
        let mean = self.mean()?;
        let squares: f64 = self.0.iter().map(|value| (value - mean).powi(2)).sum();
        let n = self.len() as f64;
        Some((squares / (n - 1.0) / n).sqrt())
    }

    /// The smallest measurement; `None` without measurements.
    pub fn min(&self) -> Option<f64> {
        self.0.iter().copied().min_by(f64::total_cmp)
    }

    /// The largest measurement; `None` without measurements.
    pub fn max(&self) -> Option<f64> {
        self.0.iter().copied().max_by(f64::total_cmp)
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples<const N: usize>(values: [f64; N]) -> Samples {
        values.into_iter().collect()
    }

    #[test]
    fn without_measurements_nothing_is_defined() {
        let none = Samples::new();
        assert_eq!(none.median(), None);
        assert_eq!(none.mean(), None);
        assert_eq!(none.standard_error(), None);
        assert_eq!(none.min(), None);
        assert_eq!(none.max(), None);
    }

    #[test]
    fn one_measurement_has_no_standard_error() {
        let one = samples([3.0]);
        assert_eq!(one.median(), Some(3.0));
        assert_eq!(one.mean(), Some(3.0));
        assert_eq!(one.standard_error(), None);
    }

    #[test]
    fn summary_of_an_unsorted_even_number() {
        // Mean 5, squared deviations 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32,
        // so s^2 = 32/7 and the standard error is sqrt(32/7/8).
        let eight = samples([9.0, 4.0, 5.0, 2.0, 4.0, 7.0, 5.0, 4.0]);
        assert_eq!(eight.median(), Some(4.5));
        assert_eq!(eight.mean(), Some(5.0));
        assert_eq!(eight.standard_error(), Some((4.0_f64 / 7.0).sqrt()));
        assert_eq!((eight.min(), eight.max()), (Some(2.0), Some(9.0)));
        assert_eq!(eight.as_slice()[0], 9.0, "the order is kept");
    }

    #[test]
    fn median_of_an_odd_number_is_one_of_them() {
        assert_eq!(samples([5.0, -1.0, 2.0]).median(), Some(2.0));
    }

    #[test]
    fn the_interval_of_the_median_is_that_of_order_statistics() {
        let to = |n: u32| (1..=n).map(f64::from).collect::<Samples>();
        assert_eq!(to(5).median_interval(), None);
        assert_eq!(to(6).median_interval(), Some((1.0, 6.0)));
        assert_eq!(to(8).median_interval(), Some((1.0, 8.0)));
        // Tables of the sign test: 2 of 9 and 6 of 20, from either side.
        assert_eq!(to(9).median_interval(), Some((2.0, 8.0)));
        assert_eq!(to(20).median_interval(), Some((6.0, 15.0)));
        assert_eq!(to(50).median_interval(), Some((18.0, 33.0)));
        let (low, high) = to(3000).median_interval().unwrap();
        assert!((1440.0..1450.0).contains(&low) && (1550.0..1560.0).contains(&high));
    }
}
