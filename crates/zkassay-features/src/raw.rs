//! The joined sources: one row per day, features with nulls, labels.

use std::collections::BTreeSet;

use zkassay_data::{Day, Tables};

use crate::block::{Block, DailyColumn};
use crate::prices::Prices;
use crate::{FeatureError, FeaturePipeline, Result, pools, value_locked};

/// Features before anything is learned from them.
///
/// Columns have one entry per row, null where the source has none; rows are
/// sorted by day and all have a label.
#[derive(Clone, Debug, PartialEq)]
pub struct RawTable {
    days: Vec<Day>,
    labels: Vec<u8>,
    names: Vec<String>,
    columns: Vec<Vec<Option<f64>>>,
    correlated: Vec<String>,
    duplicates: Duplicates,
}

/// Rows of the sources that repeated an earlier key and were merged into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duplicates {
    /// Repeated (date, token); the first row stays.
    pub prices: usize,
    /// Repeated (date, pool) of the target token; the larger market stays.
    pub pools: usize,
    /// Repeated (date, project) after the start date; the first row stays.
    pub value_locked: usize,
}

impl RawTable {
    /// Makes the blocks of each source and joins them on the days they share.
    pub(crate) fn join(pipeline: &FeaturePipeline, tables: &Tables) -> Result<Self> {
        let prices = Prices::read(tables.prices())?;
        let labels = prices.labels(pipeline)?;
        let correlated: Vec<String> = prices
            .ranking(pipeline)?
            .into_iter()
            .take(pipeline.correlated_tokens)
            .map(|(token, _)| token)
            .collect();

        let delay = i32::from(pipeline.availability_lag);
        let target = prices.target_block(pipeline)?;
        let others =
            prices.correlated_columns(correlated.iter().map(String::as_str), &pipeline.horizons)?;
        let locked = value_locked::block(tables.value_locked(), pipeline)?.delayed(delay);
        let pools = pools::block(tables.pools(), pipeline)?.delayed(delay);

        let mut days: Vec<Day> = shared_days([&target, &locked, &pools]);
        // The study drops the last joined row, then knows every label.
        days.pop();
        days.retain(|day| labels.contains_key(day));
        if days.is_empty() {
            return Err(FeatureError::NoRows {
                prices: target.days.len(),
                value_locked: locked.days.len(),
                pools: pools.days.len(),
                start: pipeline.start,
            });
        }

        let duplicates = Duplicates {
            prices: target.duplicates,
            pools: pools.duplicates,
            value_locked: locked.duplicates,
        };
        let sources = [target.columns, others, locked.columns, pools.columns];
        let columns: Vec<DailyColumn> = sources.into_iter().flatten().collect();
        check_unique(&columns)?;
        let on_days = |column: &DailyColumn| {
            let value = |day| column.values.get(day).copied();
            days.iter().map(value).collect()
        };
        Ok(Self {
            labels: days
                .iter()
                .filter_map(|day| labels.get(day).copied())
                .collect(),
            columns: columns.iter().map(on_days).collect(),
            names: columns.into_iter().map(|column| column.name).collect(),
            days,
            correlated,
            duplicates,
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.days.len()
    }

    /// The day of each row, ascending.
    pub fn days(&self) -> &[Day] {
        &self.days
    }

    /// The label of each row: 1 if the target's price rises, else 0.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Column names in the study's order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The values of a column, one per row; none if there is no such column.
    pub fn column(&self, name: &str) -> Option<&[Option<f64>]> {
        let index = self.names.iter().position(|candidate| candidate == name)?;
        Some(&self.columns[index])
    }

    /// Names and values of all columns, in the study's order.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &[Option<f64>])> {
        let names = self.names.iter().map(String::as_str);
        names.zip(self.columns.iter().map(Vec::as_slice))
    }

    /// The tokens whose prices were joined, most correlated first.
    pub fn correlated(&self) -> &[String] {
        &self.correlated
    }

    /// How many rows of the sources were merged away.
    pub fn duplicates(&self) -> Duplicates {
        self.duplicates
    }
}

/// The days that every block has a row on, ascending.
fn shared_days(blocks: [&Block; 3]) -> Vec<Day> {
    let [first, rest @ ..] = blocks;
    let in_all = |day: &&Day| rest.iter().all(|block| block.days.contains(day));
    first.days.iter().filter(in_all).copied().collect()
}

fn check_unique(columns: &[DailyColumn]) -> Result<()> {
    let mut seen = BTreeSet::new();
    match columns.iter().find(|column| !seen.insert(&column.name)) {
        None => Ok(()),
        Some(column) => Err(FeatureError::DuplicateFeature {
            name: column.name.clone(),
        }),
    }
}
