//! Liquidity pools: value locked and yield, with the sentiment in the yields.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;
use zkassay_seed::Stream;

use super::draw::{Autoregression, decimals, significant};
use super::frame;
use super::market::Market;
use crate::{Day, Result};

/// Last day of the pool table; the other tables go on for two weeks.
const LAST_DAY: Day = Day::from_ymd(2024, 1, 22);
/// The days the provider was down, for all pools but those of `aave-v2`.
const OUTAGE: [Day; 2] = [Day::from_ymd(2022, 6, 4), Day::from_ymd(2022, 6, 5)];
/// The half year in which the Avalanche market was paused.
const PAUSE: (Day, Day) = (Day::from_ymd(2022, 7, 1), Day::from_ymd(2022, 12, 31));
/// Chance that a row is missing for no reason.
const DROP_OUT: f64 = 0.005;

/// A pool of the table.
struct Pool {
    project: &'static str,
    chain: &'static str,
    /// The underlying tokens, joined by `-`.
    tokens: String,
    listed: Day,
}

/// One row of the table.
struct Row {
    day: Day,
    tvl: i64,
    apy: f64,
}

/// What is special about a pool's rows.
impl Pool {
    fn key(&self) -> String {
        format!("{}/{}/{}", self.project, self.chain, self.tokens)
    }

    /// The one pool without a missing day: it carries the calendar.
    fn is_complete(&self) -> bool {
        self.project == "aave-v2" && self.chain == "Ethereum" && self.tokens == "WETH"
    }

    fn is_down(&self, day: Day) -> bool {
        let paused = self.tokens == "WETH.E" && (PAUSE.0..=PAUSE.1).contains(&day);
        paused || (self.project != "aave-v2" && OUTAGE.contains(&day))
    }

    /// Two markets of one project, chain and token share a name here.
    fn has_second_market(&self, day: Day) -> bool {
        self.project == "aave-v3" && self.tokens == "WETH" && day.day_of_month() == 15
    }
}

/// Every pool: forty-four of WETH since before June 2022, and decoys.
fn catalogue() -> Vec<Pool> {
    let first = Day::from_ymd(2022, 2, 11);
    let second = Day::from_ymd(2022, 3, 1);
    let mut pools = Vec::new();
    let mut add = |project, chain, tokens: &str, listed| {
        pools.push(Pool {
            project,
            chain,
            tokens: tokens.to_owned(),
            listed,
        });
    };

    for chain in ["Ethereum", "Polygon"] {
        add("aave-v2", chain, "WETH", first);
    }
    let paired = [
        (
            "uniswap-v2",
            "USDC USDT DAI WBTC LINK UNI MKR YFI COMP SUSHI BAT ZRX",
        ),
        ("uniswap-v3", "USDC USDT DAI WBTC LINK UNI MKR FRAX"),
        ("sushiswap", "USDC USDT DAI WBTC SUSHI AAVE ALCX CVX"),
        ("balancer-v2", "USDC WBTC DAI GNO COW BAL"),
    ];
    for (project, partners) in paired {
        for partner in partners.split(' ') {
            add(project, "Ethereum", &format!("{partner}-WETH"), second);
        }
    }
    for partner in ["USDC", "USDT", "WBTC", "LINK"] {
        add("uniswap-v3", "Arbitrum", &format!("WETH-{partner}"), second);
    }
    add("curve-dex", "Ethereum", "WETH-STETH", second);
    add("convex-finance", "Ethereum", "WETH-CRV", second);
    add("yearn-finance", "Ethereum", "WETH", second);
    add("beefy", "Polygon", "WETH-WMATIC", second);

    // Not WETH, though the letters are there; paused for half a year.
    add("aave-v2", "Avalanche", "WETH.E", first);
    add("pendle", "Ethereum", "SWETH", Day::from_ymd(2023, 5, 2));
    // WETH, but listed too late for the study.
    add("aave-v3", "Optimism", "WETH", Day::from_ymd(2022, 8, 1));
    add("pendle", "Arbitrum", "WETH", Day::from_ymd(2023, 3, 1));
    // Other tokens altogether.
    add("aave-v2", "Ethereum", "USDC", first);
    add("lido", "Ethereum", "STETH", Day::from_ymd(2022, 2, 28));
    pools
}

/// Every partition by project.
pub(super) fn tables(market: &Market, seed: u64) -> Result<Vec<(&'static str, DataFrame)>> {
    let mut by_project: BTreeMap<&str, Vec<(Pool, Vec<Row>)>> = BTreeMap::new();
    for pool in catalogue() {
        let purpose = format!("synthetic/pool/{}", pool.key());
        let rows = history(&pool, market, &mut Stream::new(seed, &purpose));
        by_project
            .entry(pool.project)
            .or_default()
            .push((pool, rows));
    }
    by_project
        .into_iter()
        .map(|(project, pools)| Ok((project, table(&pools)?)))
        .collect()
}

/// The rows of one pool.
///
/// The yield shows the day's sentiment with the pool's own weight, under slow
/// and fast noise; the value locked follows the day's price and nothing else.
fn history(pool: &Pool, market: &Market, stream: &mut Stream) -> Vec<Row> {
    let mut quantity = libm::pow(10.0, 3.0 + 3.0 * stream.unit());
    let base = 2.0 + 8.0 * stream.unit();
    let weight = 0.1 + 0.4 * stream.unit();
    let mut slow = Autoregression::new(0.9, 0.4, stream);

    let mut rows = Vec::new();
    for ((&day, mood), ether) in market.days.iter().zip(&market.sentiment).zip(&market.ether) {
        quantity *= libm::exp(0.015 * stream.normal());
        let apy = base + weight * mood + slow.step(stream) + 0.3 * stream.normal();
        let drops_out = stream.unit() < DROP_OUT && !pool.is_complete();
        if day < pool.listed || day > LAST_DAY || drops_out || pool.is_down(day) {
            continue;
        }
        let row = |tvl: f64, apy: f64| Row {
            day,
            tvl: significant(tvl, 5) as i64,
            apy: decimals(apy.max(0.0), 3),
        };
        rows.push(row(quantity * ether, apy));
        if pool.has_second_market(day) {
            rows.push(row(0.3 * quantity * ether, 1.5 * apy));
        }
    }
    rows
}

/// The partition of one project's pools.
fn table(pools: &[(Pool, Vec<Row>)]) -> Result<DataFrame> {
    let rows: Vec<(&Pool, &Row)> = pools
        .iter()
        .flat_map(|(pool, rows)| rows.iter().map(move |row| (pool, row)))
        .collect();
    let days: Vec<Day> = rows.iter().map(|(_, row)| row.day).collect();
    let tvl: Vec<i64> = rows.iter().map(|(_, row)| row.tvl).collect();
    let apy: Vec<f64> = rows.iter().map(|(_, row)| row.apy).collect();
    let text = |get: fn(&Pool) -> &str| -> Vec<String> {
        rows.iter().map(|(pool, _)| get(pool).to_owned()).collect()
    };
    frame::table(vec![
        frame::date_column("date", &days)?,
        frame::column("tvlUsd", tvl),
        frame::column("apy", apy),
        frame::column("project", text(|pool| pool.project)),
        frame::column("underlying_token", text(|pool| &pool.tokens)),
        frame::column("chain", text(|pool| pool.chain)),
    ])
}
