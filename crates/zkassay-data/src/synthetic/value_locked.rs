//! Value locked per project: nineteen partitions with different columns.

use polars::prelude::{Column, DataFrame};
use zkassay_seed::Stream;

use super::draw::significant;
use super::frame;
use super::prices::Quotes;
use crate::{Day, Result};

/// First day of the value-locked table.
const FIRST_DAY: Day = Day::from_ymd(2021, 12, 1);
/// When the late projects start to hold WETH.
const LATE: Day = Day::from_ymd(2023, 9, 15);
/// Days that come twice in the projects of `REVISED`, the second time revised.
const DUPLICATED: [Day; 3] = [
    Day::from_ymd(2022, 9, 1),
    Day::from_ymd(2023, 2, 2),
    Day::from_ymd(2024, 2, 5),
];
/// Projects with duplicated days.
const REVISED: [&str; 2] = ["aave-v2", "curve-dex"];
/// Days without a row in one project: (project, first, last).
const GAP: (&str, Day, Day) = ("aura", Day::from_ymd(2023, 1, 7), Day::from_ymd(2023, 1, 9));

/// A partition: its project, when its WETH starts, its other tokens.
struct Project {
    name: &'static str,
    /// First day with a value for WETH; none if it has no such column.
    weth_since: Option<Day>,
    others: &'static [&'static str],
}

const fn project(
    name: &'static str,
    weth_since: Option<Day>,
    others: &'static [&'static str],
) -> Project {
    Project {
        name,
        weth_since,
        others,
    }
}

/// The projects, sorted by name.
const PROJECTS: [Project; 19] = [
    project(
        "aave-v2",
        Some(FIRST_DAY),
        &[
            "AAVE", "AAVE.E", "BAL", "CRV", "DAI", "DAI.E", "LINK", "STETH", "UNI", "USDC", "USDT",
            "WBTC", "WBTC.E", "WETH.E", "XSUSHI",
        ],
    ),
    project(
        "aave-v3",
        Some(Day::from_ymd(2022, 3, 16)),
        &["DAI", "LINK", "USDC", "WBTC"],
    ),
    project("aura", Some(FIRST_DAY), &["BAL", "DAI"]),
    project("balancer-v2", Some(FIRST_DAY), &["BAL", "USDC", "WBTC"]),
    project("beefy", Some(FIRST_DAY), &["USDC"]),
    project(
        "benqi-lending",
        None,
        &["LINK.E", "SAVAX", "WBTC.E", "WETH.E"],
    ),
    project("coinwind", None, &["USDT"]),
    project("compound-v2", Some(LATE), &["COMP", "DAI", "ETH", "USDC"]),
    project("convex-finance", Some(FIRST_DAY), &["3CRV", "CRV"]),
    project("curve-dex", Some(FIRST_DAY), &["3CRV", "CRV", "DAI"]),
    project("flamincome", Some(LATE), &["WBTC"]),
    project("lido", None, &["ETH"]),
    project("pancakeswap-amm", Some(LATE), &["CAKE", "USDT"]),
    project("pendle", Some(Day::from_ymd(2022, 7, 1)), &["STETH"]),
    project("rocket-pool", Some(FIRST_DAY), &["RETH"]),
    project("sushiswap", Some(FIRST_DAY), &["USDC", "XSUSHI"]),
    project("uniswap-v2", Some(LATE), &["UNI", "USDC"]),
    project("uniswap-v3", Some(FIRST_DAY), &["USDC", "WBTC"]),
    project("yearn-finance", Some(LATE), &["DAI", "YFI"]),
];

/// Every partition by project.
pub(super) fn tables(quotes: &Quotes, seed: u64) -> Result<Vec<(&'static str, DataFrame)>> {
    PROJECTS
        .iter()
        .map(|project| Ok((project.name, table(project, quotes, seed)?)))
        .collect()
}

/// The partition of one project.
fn table(project: &Project, quotes: &Quotes, seed: u64) -> Result<DataFrame> {
    // (index into the market's days, revised?) of every row.
    let mut rows = Vec::new();
    for (index, day) in quotes.days.iter().enumerate() {
        let (name, first, last) = GAP;
        let in_gap = project.name == name && (first..=last).contains(day);
        if *day < FIRST_DAY || in_gap {
            continue;
        }
        rows.push((index, false));
        if REVISED.contains(&project.name) && DUPLICATED.contains(day) {
            rows.push((index, true));
        }
    }

    let mut tokens: Vec<(&str, Day)> = project
        .others
        .iter()
        .map(|name| (*name, FIRST_DAY))
        .collect();
    tokens.extend(project.weth_since.map(|since| ("WETH", since)));
    tokens.sort_unstable();
    let mut columns: Vec<Column> = tokens
        .into_iter()
        .map(|(token, since)| {
            let purpose = format!("synthetic/value-locked/{}/{token}", project.name);
            let values = holdings(
                token,
                since,
                &rows,
                quotes,
                &mut Stream::new(seed, &purpose),
            );
            frame::column(token, values)
        })
        .collect();
    let days: Vec<Day> = rows.iter().map(|(index, _)| quotes.days[*index]).collect();
    columns.push(frame::date_column("date", &days)?);
    columns.push(frame::column("project", vec![project.name; rows.len()]));
    frame::table(columns)
}

/// Dollars held in one token: a wandering quantity times the day's price.
fn holdings(
    token: &str,
    since: Day,
    rows: &[(usize, bool)],
    quotes: &Quotes,
    stream: &mut Stream,
) -> Vec<Option<f64>> {
    /// A revision moves a value by a tenth of a percent.
    const REVISION: f64 = 1.001;
    let mut quantity = libm::pow(10.0, 3.0 + 2.0 * stream.unit());
    rows.iter()
        .map(|&(index, revised)| {
            if !revised {
                quantity *= libm::exp(0.01 * stream.normal());
            }
            let value =
                quantity * quotes.price(token, index) * if revised { REVISION } else { 1.0 };
            (quotes.days[index] >= since).then(|| significant(value, 6))
        })
        .collect()
}
