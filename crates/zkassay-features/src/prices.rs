//! Price features: the target's own, and those of the tokens that move with it.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;
use zkassay_data::Day;

use crate::block::{self, DailyColumn};
use crate::manifest::{FeatureSpec, SourceTable, Unit};
use crate::ranking::Candidate;
use crate::series::TokenSeries;
use crate::{FeatureError, FeaturePipeline, Result};

/// The price table by token.
pub(crate) struct Prices {
    tokens: BTreeMap<String, TokenSeries>,
    /// Rows that repeated a (date, token) and were dropped.
    pub(crate) duplicates: usize,
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
        for rows in order.chunk_by(|&a, &b| names[a] == names[b]) {
            let mut series = TokenSeries::default();
            for &row in rows {
                if series.days.last() == Some(&days[row]) {
                    duplicates += 1;
                    continue;
                }
                series.days.push(days[row]);
                series.prices.push(prices[row]);
                series.volumes.push(volumes[row]);
            }
            tokens.extend(rows.first().map(|&row| (names[row].to_owned(), series)));
        }
        Ok(Self { tokens, duplicates })
    }

    pub(crate) fn token(&self, name: &str) -> Result<&TokenSeries> {
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
        let target = self.token(&pipeline.token)?;
        Ok(target.labels(pipeline.label_lag, pipeline.rules.shift))
    }

    /// Every token but the target, sorted by name, ready to be ranked.
    pub(crate) fn candidates(&self, pipeline: &FeaturePipeline) -> Result<Vec<Candidate>> {
        let target = self.token(&pipeline.token)?;
        let others = self.tokens.iter();
        Ok(others
            .filter(|(name, _)| **name != pipeline.token)
            .map(|(name, series)| Candidate::new(name, target, series, pipeline))
            .collect())
    }

    /// The target's volume, price changes, trends, day of the week and year.
    pub(crate) fn target_columns(&self, pipeline: &FeaturePipeline) -> Result<Vec<DailyColumn>> {
        let series = self.token(&pipeline.token)?;
        let shift = pipeline.rules.shift;
        let spec = |name: String, column: &str, unit| FeatureSpec {
            column: column.to_owned(),
            ..spec(name, &pipeline.token, unit, pipeline.rules.lags.prices)
        };
        let by_day = |values: Vec<Option<f64>>| series.days.iter().copied().zip(values);

        let volume = "volumes_last_24h";
        let mut columns = vec![DailyColumn::new(
            spec(volume.to_owned(), volume, Unit::Dollars),
            by_day(series.volumes.clone()),
        )];
        for &distance in &pipeline.horizons {
            let spec = spec(
                format!("price_diff_{distance}_days"),
                "price",
                Unit::Dollars,
            );
            columns.push(DailyColumn::new(spec, series.changes(distance, shift)));
        }
        for &distance in &pipeline.horizons {
            let spec = spec(format!("trend_{distance}_days"), "price", Unit::Flag);
            columns.push(DailyColumn::new(spec, series.trends(distance, shift)));
        }
        // The calendar is known in advance.
        let calendar = |name: &str, unit, of: fn(Day) -> f64| {
            let spec = FeatureSpec {
                lag: 0,
                ..spec(name.to_owned(), "date", unit)
            };
            let values = series.days.iter().map(|&day| Some(of(day))).collect();
            DailyColumn::new(spec, by_day(values))
        };
        columns.push(calendar("day", Unit::Weekday, |day| {
            f64::from(day.weekday())
        }));
        columns.push(calendar("year", Unit::Year, |day| f64::from(day.year())));
        Ok(columns)
    }

    /// Price changes, then trends, of another token.
    pub(crate) fn token_columns(
        &self,
        token: &str,
        pipeline: &FeaturePipeline,
    ) -> Result<Vec<DailyColumn>> {
        let series = self.token(token)?;
        let (shift, lag) = (pipeline.rules.shift, pipeline.rules.lags.prices);
        let changes = pipeline.horizons.iter().map(|&distance| {
            let name = format!("price_diff_{token}_{distance}");
            DailyColumn::new(
                spec(name, token, Unit::Dollars, lag),
                series.changes(distance, shift),
            )
        });
        let trends = pipeline.horizons.iter().map(|&distance| {
            let name = format!("price_trend_{token}_{distance}");
            DailyColumn::new(
                spec(name, token, Unit::Flag, lag),
                series.trends(distance, shift),
            )
        });
        Ok(changes.chain(trends).collect())
    }
}

/// A feature of the column `price`; it is used on its day or not at all.
fn spec(name: String, token: &str, unit: Unit, lag: u16) -> FeatureSpec {
    FeatureSpec {
        name,
        table: SourceTable::Prices,
        key: token.to_owned(),
        column: "price".to_owned(),
        unit,
        lag,
        max_age: 0,
    }
}
