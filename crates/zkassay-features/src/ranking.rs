//! Which tokens move with the target.

use std::collections::BTreeSet;

use zkassay_data::Day;

use crate::FeaturePipeline;
use crate::rules::{CorrelationBasis, Shift};
use crate::series::TokenSeries;

/// A token that may give features: what its rank is computed from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) token: String,
    /// Target's value and the token's earlier value, by the day of the former.
    pairs: Vec<(Day, f64, f64)>,
}

impl Candidate {
    /// Pairs the target with `token`, `correlation_lag` before.
    pub(crate) fn new(
        token: &str,
        target: &TokenSeries,
        other: &TokenSeries,
        pipeline: &FeaturePipeline,
    ) -> Self {
        let rules = pipeline.rules;
        let values = |series: &TokenSeries| match rules.correlation_basis {
            CorrelationBasis::Levels => {
                let days = series.days.iter().copied();
                days.zip(series.prices.iter().copied()).collect()
            }
            CorrelationBasis::Returns => series.returns(rules.shift),
        };
        let (target, other) = (values(target), values(other));
        Self {
            token: token.to_owned(),
            pairs: pairs(&target, &other, pipeline.correlation_lag, rules.shift),
        }
    }

    /// Pearson's correlation over the given days (all days if none); none
    /// where it is undefined or has fewer than `needed` pairs.
    fn correlation(&self, days: Option<&BTreeSet<Day>>, needed: f64) -> Option<f64> {
        let included = |day: &Day| days.is_none_or(|days| days.contains(day));
        let pairs: Vec<(f64, f64)> = self
            .pairs
            .iter()
            .filter(|(day, ..)| included(day))
            .map(|&(_, target, other)| (target, other))
            .collect();
        let enough = pairs.len() as f64 >= needed;
        enough.then(|| pearson(&pairs)).flatten()
    }
}

/// Every candidate whose correlation is defined, highest first; ties go to the
/// name that sorts first.
pub(crate) fn rank(
    candidates: &[Candidate],
    days: Option<&BTreeSet<Day>>,
    needed: f64,
) -> Vec<(String, f64)> {
    let ranked = candidates.iter().filter_map(|candidate| {
        let correlation = candidate.correlation(days, needed)?;
        Some((candidate.token.clone(), correlation))
    });
    let mut ranking: Vec<(String, f64)> = ranked.collect();
    ranking.sort_by(|(a, left), (b, right)| right.total_cmp(left).then_with(|| a.cmp(b)));
    ranking
}

/// One entry per day that the target and, `lag` before, the other token know.
///
/// By rows, the lag counts the days that both series have.
fn pairs(
    target: &[(Day, Option<f64>)],
    other: &[(Day, Option<f64>)],
    lag: usize,
    shift: Shift,
) -> Vec<(Day, f64, f64)> {
    let find = |series: &[(Day, Option<f64>)], day: Day| {
        let index = series.binary_search_by_key(&day, |(day, _)| *day).ok()?;
        Some(series[index].1)
    };
    match shift {
        Shift::Rows => {
            let shared: Vec<(Day, Option<f64>, Option<f64>)> = other
                .iter()
                .filter_map(|&(day, other)| Some((day, find(target, day)?, other)))
                .collect();
            let later = shared.iter().skip(lag);
            later
                .zip(&shared)
                .filter_map(|((day, target, _), (_, _, other))| Some((*day, (*target)?, (*other)?)))
                .collect()
        }
        Shift::CalendarDays => {
            // Longer than any table: no pair.
            let lag = i32::try_from(lag).unwrap_or(i32::MAX / 2);
            target
                .iter()
                .filter_map(|&(day, target)| Some((day, target?, find(other, day + -lag)??)))
                .collect()
        }
    }
}

/// Pearson's correlation; none where it is undefined.
pub(crate) fn pearson(pairs: &[(f64, f64)]) -> Option<f64> {
    if pairs.len() < 2 {
        return None;
    }
    let count = pairs.len() as f64;
    let mean_x = pairs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = pairs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        xx += (x - mean_x) * (x - mean_x);
        yy += (y - mean_y) * (y - mean_y);
        xy += (x - mean_x) * (y - mean_y);
    }
    let correlation = xy / (xx.sqrt() * yy.sqrt());
    correlation.is_finite().then_some(correlation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(index: i32) -> Day {
        Day::from_epoch_days(index)
    }

    #[test]
    fn correlation_is_undefined_for_a_constant() {
        assert_eq!(pearson(&[(1.0, 2.0), (2.0, 2.0)]), None);
        assert_eq!(pearson(&[(1.0, 2.0)]), None);
        let exact = pearson(&[(1.0, -2.0), (2.0, -4.0), (3.0, -6.0)]);
        assert!(exact.is_some_and(|r| (r + 1.0).abs() < 1e-12));
    }

    #[test]
    fn the_lag_counts_shared_rows_or_calendar_days() {
        let target: Vec<_> = (0..6).map(|i| (day(i), Some(f64::from(i)))).collect();
        let other: Vec<_> = [0, 1, 4, 5]
            .map(|i| (day(i), Some(f64::from(10 * i))))
            .into();
        let by_rows = pairs(&target, &other, 1, Shift::Rows);
        assert_eq!(
            by_rows,
            [(day(1), 1.0, 0.0), (day(4), 4.0, 10.0), (day(5), 5.0, 40.0)]
        );
        let by_days = pairs(&target, &other, 1, Shift::CalendarDays);
        assert_eq!(
            by_days,
            [(day(1), 1.0, 0.0), (day(2), 2.0, 10.0), (day(5), 5.0, 40.0)]
        );
    }

    #[test]
    fn a_short_history_is_not_ranked() {
        let candidate = |token: &str, count: i32| Candidate {
            token: token.to_owned(),
            pairs: (0..count)
                .map(|i| (day(i), f64::from(i), f64::from(i * i)))
                .collect(),
        };
        let candidates = [candidate("long", 10), candidate("short", 3)];
        let names = |days: Option<&BTreeSet<Day>>, needed| -> Vec<String> {
            let ranking = rank(&candidates, days, needed).into_iter();
            ranking.map(|(token, _)| token).collect()
        };
        assert_eq!(names(None, 2.0), ["long", "short"]);
        assert_eq!(names(None, 8.0), ["long"]);
        let early: BTreeSet<Day> = (0..5).map(day).collect();
        assert_eq!(names(Some(&early), 4.0), ["long"]);
        assert!(names(Some(&early), 6.0).is_empty());
    }
}
