//! Pool features: value locked and yield of every pool of the target token.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::DataFrame;
use zkassay_data::Day;

use crate::block::{self, Block, DailyColumn};
use crate::manifest::{FeatureSpec, SourceTable, Unit};
use crate::raw::Selection;
use crate::rules::{PoolDuplicates, PoolMatch};
use crate::{FeatureError, FeaturePipeline, Result};

/// Value locked and yield of a pool on a day, ordered by value locked first.
type Reading = (Option<f64>, Option<f64>);

/// A pool's readings by day.
#[derive(Default)]
struct History {
    readings: BTreeMap<Day, Reading>,
    /// The first day with a second row.
    repeated: Option<Day>,
}

/// One column `tvlUsd_project_<key>` per pool, then one `apy_project_<key>`;
/// keys are `<project>_<chain><tokens>`, sorted.
///
/// Takes the pools that hold the target token and have a row on or before the
/// start date, or the ones of the selection. None if the table has no rows.
pub(crate) fn block(
    table: &DataFrame,
    pipeline: &FeaturePipeline,
    selection: &Selection<'_>,
) -> Result<Option<Block>> {
    if table.height() == 0 {
        return Ok(None);
    }
    let rules = pipeline.rules;
    let days = block::days(table, "date")?;
    let tvl = block::numbers(table, "tvlUsd")?;
    let apy = block::numbers(table, "apy")?;
    let projects = block::texts(table, "project")?;
    let tokens = block::texts(table, "underlying_token")?;
    let chains = block::texts(table, "chain")?;

    let mut pools: BTreeMap<String, History> = BTreeMap::new();
    let mut duplicates = 0;
    for row in 0..days.len() {
        if !holds(tokens[row], &pipeline.token, rules.pool_match) {
            continue;
        }
        let key = format!("{}_{}{}", projects[row], chains[row], tokens[row]);
        let reading = (tvl[row], apy[row]);
        let history = pools.entry(key).or_default();
        match history.readings.entry(days[row]) {
            Entry::Vacant(entry) => {
                entry.insert(reading);
            }
            Entry::Occupied(mut entry) => {
                duplicates += 1;
                history.repeated.get_or_insert(days[row]);
                entry.insert(larger(*entry.get(), reading));
            }
        }
    }
    pools.retain(|key, history| match selection {
        Selection::Listed => {
            let first = history.readings.keys().next();
            first.is_some_and(|first| *first <= pipeline.start)
        }
        Selection::Fitted { names, .. } => {
            names.contains(feature_name("tvlUsd", key).as_str())
                || names.contains(feature_name("apy", key).as_str())
        }
    });
    if rules.pool_duplicates == PoolDuplicates::Refuse {
        let repeated = pools
            .iter()
            .find_map(|(key, history)| Some((key, history.repeated?)));
        if let Some((key, day)) = repeated {
            return Err(FeatureError::RepeatedPool {
                pool: key.clone(),
                day,
            });
        }
    }

    let column = |column: &str, unit, get: fn(&Reading) -> Option<f64>| -> Vec<DailyColumn> {
        let named = pools.iter().map(|(key, history)| {
            let spec = FeatureSpec {
                name: feature_name(column, key),
                table: SourceTable::Pools,
                key: key.clone(),
                column: column.to_owned(),
                unit,
                lag: rules.lags.pools,
                max_age: rules.join.max_age(),
            };
            let readings = history.readings.iter();
            DailyColumn::new(spec, readings.map(|(&day, reading)| (day, get(reading))))
        });
        named.collect()
    };
    let mut columns = column("tvlUsd", Unit::Dollars, |(tvl, _)| *tvl);
    columns.extend(column("apy", Unit::PercentPerYear, |(_, apy)| *apy));
    let days: BTreeSet<Day> = pools
        .values()
        .flat_map(|history| history.readings.keys())
        .copied()
        .collect();
    Ok(Some(Block {
        days,
        columns,
        duplicates,
        lag: rules.lags.pools,
    }))
}

fn feature_name(column: &str, key: &str) -> String {
    format!("{column}_project_{key}")
}

/// Whether `tokens` are those of a pool of `token`.
fn holds(tokens: &str, token: &str, rule: PoolMatch) -> bool {
    match rule {
        PoolMatch::Substring => tokens.contains(token),
        PoolMatch::ExactToken => tokens
            .split(['-', '_', '/', ' '])
            .any(|candidate| candidate == token),
    }
}

/// The reading with more value locked, then the higher yield; null is least.
fn larger(a: Reading, b: Reading) -> Reading {
    let key = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
    let order = key(a.0)
        .total_cmp(&key(b.0))
        .then_with(|| key(a.1).total_cmp(&key(b.1)));
    if order.is_lt() { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_token_counts_unless_asked() {
        let exact = |tokens| holds(tokens, "WETH", PoolMatch::ExactToken);
        let substring = |tokens| holds(tokens, "WETH", PoolMatch::Substring);
        for tokens in ["WETH", "USDC-WETH", "WETH-USDC", "A_WETH", "A/WETH"] {
            assert!(exact(tokens) && substring(tokens), "{tokens}");
        }
        for tokens in ["WETH.E", "SWETH", "USDC-WETH.E"] {
            assert!(!exact(tokens) && substring(tokens), "{tokens}");
        }
        for tokens in ["WSTETH", ""] {
            assert!(!exact(tokens) && !substring(tokens), "{tokens}");
        }
    }

    #[test]
    fn the_deeper_market_wins_in_either_order() {
        let (deep, shallow) = ((Some(9.0), Some(1.0)), (Some(2.0), Some(5.0)));
        assert_eq!(larger(deep, shallow), deep);
        assert_eq!(larger(shallow, deep), deep);
        let (known, unknown) = ((Some(0.0), None), (None, Some(3.0)));
        assert_eq!(larger(unknown, known), known);
    }
}
