//! Price features: the target's own, and those of the tokens that move with it.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;
use zkassay_data::Day;

use crate::block::{self, Block, DailyColumn};
use crate::{FeatureError, FeaturePipeline, Result};

/// The rows of one token, sorted by day.
#[derive(Default)]
struct TokenSeries {
    days: Vec<Day>,
    prices: Vec<Option<f64>>,
    volumes: Vec<Option<f64>>,
}

impl TokenSeries {
    /// Price minus the price `rows` rows earlier, by day.
    fn changes(&self, rows: usize) -> Vec<(Day, Option<f64>)> {
        let change = |index: usize| {
            let earlier = self.prices[index.checked_sub(rows)?]?;
            Some(self.prices[index]? - earlier)
        };
        let days = self.days.iter().enumerate();
        days.map(|(index, &day)| (day, change(index))).collect()
    }

    /// Whether the price rose over `rows` rows, as 1 or 0.
    fn trends(&self, rows: usize) -> Vec<(Day, Option<f64>)> {
        let rises = |change: f64| f64::from(u8::from(change > 0.0));
        let changes = self.changes(rows).into_iter();
        changes
            .map(|(day, change)| (day, change.map(rises)))
            .collect()
    }

    /// Whether the price rises over the *next* `rows` rows.
    fn labels(&self, rows: usize) -> BTreeMap<Day, u8> {
        let pairs = self.prices.iter().zip(self.prices.iter().skip(rows));
        self.days
            .iter()
            .zip(pairs)
            .filter_map(|(&day, (&now, &later))| Some((day, u8::from(later? - now? > 0.0))))
            .collect()
    }
}

/// The price table by token.
pub(crate) struct Prices {
    tokens: BTreeMap<String, TokenSeries>,
    /// Rows that repeated a (date, token) and were dropped.
    duplicates: usize,
}

impl Prices {
    /// Sorts the rows by token and day; of a repeated (date, token) the first
    /// row stays.
    pub(crate) fn read(table: &DataFrame) -> Result<Self> {
        let days = block::days(table, "date")?;
        let prices = block::numbers(table, "price")?;
        let volumes = block::numbers(table, "volumes_last_24h")?;
        let names = block::texts(table, "token")?;

        let mut order: Vec<usize> = (0..days.len()).collect();
        order.sort_by_key(|&row| (names[row], days[row], row));

        let mut tokens: BTreeMap<String, TokenSeries> = BTreeMap::new();
        let mut duplicates = 0;
        for row in order {
            let series = tokens.entry(names[row].to_owned()).or_default();
            if series.days.last() == Some(&days[row]) {
                duplicates += 1;
                continue;
            }
            series.days.push(days[row]);
            series.prices.push(prices[row]);
            series.volumes.push(volumes[row]);
        }
        Ok(Self { tokens, duplicates })
    }

    fn token(&self, name: &str) -> Result<&TokenSeries> {
        self.tokens
            .get(name)
            .ok_or_else(|| FeatureError::UnknownToken {
                table: "token price",
                token: name.to_owned(),
                available: self.tokens.keys().cloned().collect(),
            })
    }

    /// The label of each day that has one: 1 if the target's price rises.
    pub(crate) fn labels(&self, pipeline: &FeaturePipeline) -> Result<BTreeMap<Day, u8>> {
        Ok(self.token(&pipeline.token)?.labels(pipeline.label_lag))
    }

    /// The target's volume, price changes, trends, day of the week and year.
    pub(crate) fn target_block(&self, pipeline: &FeaturePipeline) -> Result<Block> {
        let series = self.token(&pipeline.token)?;
        let by_day = |values: Vec<Option<f64>>| series.days.iter().copied().zip(values);
        let calendar =
            |of: fn(Day) -> f64| by_day(series.days.iter().map(|&day| Some(of(day))).collect());

        let mut columns = vec![DailyColumn::new(
            "volumes_last_24h".to_owned(),
            by_day(series.volumes.clone()),
        )];
        for &rows in &pipeline.horizons {
            let name = format!("price_diff_{rows}_days");
            columns.push(DailyColumn::new(name, series.changes(rows)));
        }
        for &rows in &pipeline.horizons {
            let name = format!("trend_{rows}_days");
            columns.push(DailyColumn::new(name, series.trends(rows)));
        }
        let weekday = calendar(|day| f64::from(day.weekday()));
        columns.push(DailyColumn::new("day".to_owned(), weekday));
        let year = calendar(|day| f64::from(day.year()));
        columns.push(DailyColumn::new("year".to_owned(), year));
        Ok(Block {
            days: series.days.iter().copied().collect(),
            columns,
            duplicates: self.duplicates,
        })
    }

    /// Price changes and trends of other tokens, in the order of `names`.
    pub(crate) fn correlated_columns<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        horizons: &[usize],
    ) -> Result<Vec<DailyColumn>> {
        let mut columns = Vec::new();
        for token in names {
            let series = self.token(token)?;
            for &rows in horizons {
                let name = format!("price_diff_{token}_{rows}");
                columns.push(DailyColumn::new(name, series.changes(rows)));
            }
            for &rows in horizons {
                let name = format!("price_trend_{token}_{rows}");
                columns.push(DailyColumn::new(name, series.trends(rows)));
            }
        }
        Ok(columns)
    }

    /// Every other token with the correlation of the target's price and the
    /// token's price `correlation_lag` rows before, highest first.
    ///
    /// Rows are the days on which both have one. Ties go to the name that sorts
    /// first; a token whose correlation is undefined (fewer than two rows, a
    /// constant price) is left out.
    pub(crate) fn ranking(&self, pipeline: &FeaturePipeline) -> Result<Vec<(String, f64)>> {
        let target = self.token(&pipeline.token)?;
        let price_on: BTreeMap<Day, Option<f64>> = target
            .days
            .iter()
            .copied()
            .zip(target.prices.iter().copied())
            .collect();
        let others = self
            .tokens
            .iter()
            .filter(|(name, _)| **name != pipeline.token);
        let mut ranking: Vec<(String, f64)> = others
            .filter_map(|(name, series)| {
                let rows = series.days.iter().zip(&series.prices);
                let joined: Vec<(Option<f64>, Option<f64>)> = rows
                    .filter_map(|(day, other)| Some((*price_on.get(day)?, *other)))
                    .collect();
                let later = joined.iter().skip(pipeline.correlation_lag);
                let pairs: Vec<(f64, f64)> = later
                    .zip(&joined)
                    .filter_map(|((target, _), (_, other))| Some(((*target)?, (*other)?)))
                    .collect();
                Some((name.clone(), pearson(&pairs)?))
            })
            .collect();
        ranking.sort_by(|(a, left), (b, right)| right.total_cmp(left).then_with(|| a.cmp(b)));
        Ok(ranking)
    }
}

/// Pearson's correlation; none where it is undefined.
fn pearson(pairs: &[(f64, f64)]) -> Option<f64> {
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

    fn series(prices: &[Option<f64>]) -> TokenSeries {
        let first = Day::from_ymd(2022, 1, 1);
        TokenSeries {
            days: (0..prices.len() as i32).map(|day| first + day).collect(),
            prices: prices.to_vec(),
            volumes: vec![None; prices.len()],
        }
    }

    #[test]
    fn changes_trends_and_labels_of_a_short_series() {
        let series = series(&[Some(1.0), Some(3.0), None, Some(2.0), Some(2.0)]);
        let values = |pairs: Vec<(Day, Option<f64>)>| -> Vec<Option<f64>> {
            pairs.into_iter().map(|(_, value)| value).collect()
        };
        assert_eq!(
            values(series.changes(1)),
            [None, Some(2.0), None, None, Some(0.0)]
        );
        assert_eq!(
            values(series.trends(3)),
            [None, None, None, Some(1.0), Some(0.0)]
        );
        let labels: Vec<(i32, u8)> = series
            .labels(1)
            .into_iter()
            .map(|(day, label)| (day - series.days[0], label))
            .collect();
        // No label next to the gap, none on the last day; no move is no rise.
        assert_eq!(labels, [(0, 1), (3, 0)]);
    }

    #[test]
    fn correlation_is_undefined_for_a_constant() {
        assert_eq!(pearson(&[(1.0, 2.0), (2.0, 2.0)]), None);
        assert_eq!(pearson(&[(1.0, 2.0)]), None);
        let exact = pearson(&[(1.0, -2.0), (2.0, -4.0), (3.0, -6.0)]);
        assert!(exact.is_some_and(|r| (r + 1.0).abs() < 1e-12));
    }
}
