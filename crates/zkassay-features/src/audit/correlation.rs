//! Rank correlation of features with the labels around their day.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::manifest::SourceTable;
use crate::ranking::pearson;
use crate::{FittedPipeline, RawTable, Result};

/// One feature in one form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Name of the feature.
    pub feature: String,
    /// The table it is from.
    pub table: SourceTable,
    /// Its value, or the change of its value.
    pub form: Form,
    /// With the label of the day before: a move that is over.
    pub day_before: Correlation,
    /// With the label of its own day: the move that is to be predicted.
    pub same_day: Correlation,
    /// With the label of the day after: what is left one day later.
    pub day_after: Correlation,
}

/// What of a feature is correlated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Its value.
    Level,
    /// Its value minus that of the calendar day before.
    Change,
}

/// A rank correlation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correlation {
    /// Spearman's coefficient; 0 where it is undefined.
    pub value: f64,
    /// Rows with both a value and a label.
    pub rows: usize,
    /// Absolute value above which it is significant among all tests.
    pub threshold: f64,
}

impl Correlation {
    /// Whether it crosses the threshold.
    pub fn is_significant(&self) -> bool {
        self.value.abs() > self.threshold
    }
}

impl Finding {
    /// Whether it knows the move of its own day and far less of those around it.
    pub fn is_suspect(&self) -> bool {
        let around = self.day_before.value.abs().max(self.day_after.value.abs());
        self.same_day.is_significant() && self.same_day.value.abs() > 2.0 * around
    }

    /// The feature in words.
    pub fn describe(&self) -> String {
        match self.form {
            Form::Level => format!("`{}`", self.feature),
            Form::Change => format!("the daily change of `{}`", self.feature),
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Level => "level",
            Self::Change => "change",
        })
    }
}

/// Every feature, largest same-day correlation first.
pub(super) fn findings(
    fitted: &FittedPipeline,
    raw: &RawTable,
    significance: f64,
) -> Result<Vec<Finding>> {
    let mut forms = Vec::new();
    for feature in fitted.features() {
        let spec = &feature.spec;
        let values = super::score::column(raw, &spec.name)?;
        forms.push((spec, Form::Level, values.to_vec()));
        if spec.table != SourceTable::Prices {
            forms.push((spec, Form::Change, changes(raw, values)));
        }
    }
    /// The label's day minus the feature's.
    const LAGS: [i32; 3] = [-1, 0, 1];
    let tests = LAGS.len() * forms.len();
    // Two sides of the normal distribution, and every test.
    let z = normal_quantile(significance / (2.0 * tests as f64));
    let correlate = |values: &[Option<f64>], lag: i32| {
        let pairs = with_labels(raw, values, lag);
        Correlation {
            value: spearman(&pairs).unwrap_or(0.0),
            rows: pairs.len(),
            threshold: threshold(z, pairs.len()),
        }
    };
    let mut findings: Vec<Finding> = forms
        .into_iter()
        .map(|(spec, form, values)| {
            let [day_before, same_day, day_after] = LAGS.map(|lag| correlate(&values, lag));
            Finding {
                feature: spec.name.clone(),
                table: spec.table,
                form,
                day_before,
                same_day,
                day_after,
            }
        })
        .collect();
    findings.sort_by(|a, b| b.same_day.value.abs().total_cmp(&a.same_day.value.abs()));
    Ok(findings)
}

/// Value minus that of the calendar day before; null if either is.
pub(super) fn changes(raw: &RawTable, values: &[Option<f64>]) -> Vec<Option<f64>> {
    let days = raw.days();
    let change = |row: usize| {
        let before = row.checked_sub(1)?;
        let is_next = days[row] - days[before] == 1;
        is_next.then_some(values[row]? - values[before]?)
    };
    (0..values.len()).map(change).collect()
}

/// Values with the label of the row `lag` calendar days later.
fn with_labels(raw: &RawTable, values: &[Option<f64>], lag: i32) -> Vec<(f64, f64)> {
    let pair = |(row, value): (usize, &Option<f64>)| {
        let labelled = raw.days().binary_search(&(raw.days()[row] + lag)).ok()?;
        Some(((*value)?, f64::from(raw.labels()[labelled])))
    };
    values.iter().enumerate().filter_map(pair).collect()
}

/// Pearson's correlation of the ranks; none where it is undefined.
fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let ranked: Vec<(f64, f64)> = ranks(&x).into_iter().zip(ranks(&y)).collect();
    pearson(&ranked)
}

/// Ranks from 1; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for ties in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = below as f64 + (ties.len() as f64 + 1.0) / 2.0;
        for &index in ties {
            ranks[index] = rank;
        }
        below += ties.len();
    }
    ranks
}

/// The coefficient whose Fisher z is `z` standard errors; the variance of a
/// rank correlation's z is 1.06 / (rows - 3) (Fieller, Hartley and Pearson 1957).
fn threshold(z: f64, rows: usize) -> f64 {
    if rows <= 3 {
        return 1.0;
    }
    libm::tanh(z * libm::sqrt(1.06 / (rows as f64 - 3.0)))
}

/// The `z` that a standard normal number exceeds with this probability (below 1/2).
fn normal_quantile(probability: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        let above = libm::erfc(middle / std::f64::consts::SQRT_2) / 2.0;
        if above > probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_share_ties() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, -2.0]), [3.5, 2.0, 3.5, 1.0]);
        assert_eq!(ranks(&[0.0, -0.0]), [1.5, 1.5]);
    }

    #[test]
    fn spearman_agrees_with_scipy() {
        // scipy.stats.spearmanr([1, 2, 3, 4, 5, 5], [0, 0, 1, 0, 1, 1])
        let pairs = [
            (1.0, 0.0),
            (2.0, 0.0),
            (3.0, 1.0),
            (4.0, 0.0),
            (5.0, 1.0),
            (5.0, 1.0),
        ];
        assert!((spearman(&pairs).unwrap() - 0.693_103_280_083_672).abs() < 1e-12);
        assert_eq!(spearman(&[(1.0, 0.0), (2.0, 0.0)]), None);
    }

    #[test]
    fn quantiles_of_the_normal_distribution() {
        for (probability, z) in [(0.025, 1.959_963_984_540), (0.005, 2.575_829_303_549)] {
            assert!((normal_quantile(probability) - z).abs() < 1e-9);
        }
        // The chance of crossing is the stated one: 1 % of 600-row noise.
        let expected = libm::tanh(2.575_829_303_549 * libm::sqrt(1.06 / 597.0));
        assert!((threshold(normal_quantile(0.005), 600) - expected).abs() < 1e-9);
        assert_eq!(threshold(3.0, 2), 1.0);
    }
}
