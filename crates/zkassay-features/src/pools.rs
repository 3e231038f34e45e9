//! Pool features: value locked and yield of every pool of the target token.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::DataFrame;
use zkassay_data::Day;

use crate::block::{self, Block, DailyColumn};
use crate::{FeaturePipeline, Result};

/// Value locked and yield of a pool on a day, ordered by value locked first.
type Reading = (Option<f64>, Option<f64>);

/// One column `tvlUsd_project_<key>` per pool, then one `apy_project_<key>`;
/// keys are `<project>_<chain><tokens>`, sorted.
///
/// Takes the pools that hold exactly the target token and have a row on or before the
/// start date. Where several rows share key and day (two markets of one
/// project), the one with more value locked counts, then the higher yield.
pub(crate) fn block(table: &DataFrame, pipeline: &FeaturePipeline) -> Result<Block> {
    let days = block::days(table, "date")?;
    let tvl = block::numbers(table, "tvlUsd")?;
    let apy = block::numbers(table, "apy")?;
    let projects = block::texts(table, "project")?;
    let tokens = block::texts(table, "underlying_token")?;
    let chains = block::texts(table, "chain")?;

    let mut pools: BTreeMap<String, BTreeMap<Day, Reading>> = BTreeMap::new();
    let mut rows = 0;
    for row in 0..days.len() {
        if !holds(tokens[row], &pipeline.token) {
            continue;
        }
        rows += 1;
        let key = format!("{}_{}{}", projects[row], chains[row], tokens[row]);
        let reading = (tvl[row], apy[row]);
        pools
            .entry(key)
            .or_default()
            .entry(days[row])
            .and_modify(|kept| *kept = larger(*kept, reading))
            .or_insert(reading);
    }
    let duplicates = rows - pools.values().map(BTreeMap::len).sum::<usize>();
    pools.retain(|_, history| {
        let first = history.keys().next();
        first.is_some_and(|first| *first <= pipeline.start)
    });

    let column = |prefix: &str, get: fn(&Reading) -> Option<f64>| -> Vec<DailyColumn> {
        let named = pools.iter().map(|(key, history)| {
            let values = history.iter().map(|(&day, reading)| (day, get(reading)));
            DailyColumn::new(format!("{prefix}_project_{key}"), values)
        });
        named.collect()
    };
    let mut columns = column("tvlUsd", |(tvl, _)| *tvl);
    columns.extend(column("apy", |(_, apy)| *apy));
    let days: BTreeSet<Day> = pools.values().flat_map(BTreeMap::keys).copied().collect();
    Ok(Block {
        days,
        columns,
        duplicates,
    })
}

/// Whether `token` is one of the tokens of a pool, not merely a part of a name.
fn holds(tokens: &str, token: &str) -> bool {
    tokens
        .split(['-', '_', '/', ' '])
        .any(|candidate| candidate == token)
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
    fn only_the_exact_token_counts() {
        for tokens in ["WETH", "USDC-WETH", "WETH-USDC", "A_WETH", "A/WETH"] {
            assert!(holds(tokens, "WETH"), "{tokens}");
        }
        for tokens in ["WETH.E", "SWETH", "USDC-WETH.E", "WSTETH", ""] {
            assert!(!holds(tokens, "WETH"), "{tokens}");
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
