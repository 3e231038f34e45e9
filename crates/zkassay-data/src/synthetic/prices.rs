//! Token prices: how each token follows ether, and what its rows lack.

use polars::prelude::DataFrame;
use zkassay_seed::Stream;

use super::draw::{Autoregression, significant};
use super::frame;
use super::market::Market;
use crate::{Day, Result};

/// How a token's price comes about.
#[derive(Clone, Copy)]
enum Kind {
    /// Ether under another name: a ratio that grows by `growth` a year (staking
    /// reward), with a premium or discount of standard deviation `peg`.
    Ether { ratio: f64, growth: f64, peg: f64 },
    /// A stablecoin: one dollar, give or take `peg`.
    Dollar { peg: f64 },
    /// `anchor` dollars, following ether's relative moves by `beta`, with its
    /// own slow moves of standard deviation `own` (in log price).
    Follower { anchor: f64, beta: f64, own: f64 },
}

/// A token of the price table.
struct Token {
    name: &'static str,
    kind: Kind,
    /// First day with a row; the table's first day if earlier.
    listed: Day,
    /// Whether the source knows the circulating supply; market cap is 0 if not.
    has_supply: bool,
}

const EARLY: Day = Day::from_ymd(2021, 1, 1);

const fn token(name: &'static str, kind: Kind) -> Token {
    Token {
        name,
        kind,
        listed: EARLY,
        has_supply: true,
    }
}

const fn ether(ratio: f64, growth: f64, peg: f64) -> Kind {
    Kind::Ether { ratio, growth, peg }
}

const fn follower(anchor: f64, beta: f64, own: f64) -> Kind {
    Kind::Follower { anchor, beta, own }
}

impl Token {
    const fn listed(self, year: i32, month: u32, day: u32) -> Self {
        Self {
            listed: Day::from_ymd(year, month, day),
            ..self
        }
    }

    const fn without_supply(self) -> Self {
        Self {
            has_supply: false,
            ..self
        }
    }
}

/// The tokens, in the order of the table.
const TOKENS: [Token; 18] = [
    token("WBTC", follower(27_000.0, 0.8, 0.05)),
    token("WETH", ether(1.0, 0.0, 0.0)).without_supply(),
    token("USDC", Kind::Dollar { peg: 0.001 }),
    token("USDT", Kind::Dollar { peg: 0.001 }),
    token("DAI", Kind::Dollar { peg: 0.002 }),
    token("LINK", follower(7.5, 1.1, 0.35)),
    token("AAVE", follower(80.0, 1.2, 0.35)),
    token("UNI", follower(6.0, 1.1, 0.3)),
    token("CRV", follower(0.9, 1.2, 0.5)),
    token("STETH", follower(1_790.0, 1.0, 0.15)),
    token("WSTETH", ether(1.06, 0.04, 0.004))
        .listed(2021, 10, 7)
        .without_supply(),
    token("ETH", ether(1.0, 0.0, 0.0005)),
    token("RETH", ether(1.02, 0.03, 0.008)).listed(2021, 11, 23),
    token("GNO", follower(120.0, 0.9, 0.07)),
    token("COW", follower(0.1, 0.7, 0.5)).listed(2022, 3, 28),
    token("SAVAX", follower(20.0, 0.9, 0.5))
        .listed(2022, 2, 19)
        .without_supply(),
    token("PENDLE", follower(0.6, 0.5, 0.7)).listed(2023, 3, 1),
    token("3CRV", Kind::Dollar { peg: 0.003 }).without_supply(),
];

/// Days on which a token has no row: (token, first, last).
const GAPS: [(&str, Day, Day); 3] = [
    (
        "WETH",
        Day::from_ymd(2021, 8, 10),
        Day::from_ymd(2021, 8, 13),
    ),
    (
        "WETH",
        Day::from_ymd(2021, 11, 1),
        Day::from_ymd(2021, 11, 6),
    ),
    ("RETH", Day::from_ymd(2023, 3, 1), Day::from_ymd(2023, 3, 5)),
];
/// Days on which a token's volume is null.
const NO_VOLUME: [(&str, Day); 2] = [
    ("WETH", Day::from_ymd(2022, 9, 15)),
    ("WETH", Day::from_ymd(2023, 11, 8)),
];
/// The day on which a token's market cap is null.
const NO_MARKET_CAP: (&str, Day) = ("ETH", Day::from_ymd(2022, 4, 2));
/// The row that comes twice, word for word.
const DUPLICATED: (&str, Day) = ("LINK", Day::from_ymd(2022, 10, 10));

/// The prices of every token on every day, listed or not.
pub(super) struct Quotes {
    /// The market's days.
    pub(super) days: Vec<Day>,
    prices: Vec<Vec<f64>>,
}

impl Quotes {
    /// Prices that follow `market`.
    pub(super) fn simulate(market: &Market, seed: u64) -> Self {
        let prices = TOKENS
            .iter()
            .map(|token| {
                let purpose = format!("synthetic/price/{}", token.name);
                path(token.kind, market, &mut Stream::new(seed, &purpose))
            })
            .collect();
        Self {
            days: market.days.clone(),
            prices,
        }
    }

    /// Name and price on every day from the listing on, token by token.
    pub(super) fn listed(&self) -> impl Iterator<Item = (&'static str, Vec<(Day, f64)>)> {
        TOKENS.iter().zip(&self.prices).map(|(token, path)| {
            let quotes = self.days.iter().copied().zip(path.iter().copied());
            let listed = quotes.filter(|(day, _)| *day >= token.listed);
            (token.name, listed.collect())
        })
    }

    /// Price of `name` on the day of that index; 1 for a token without prices.
    pub(super) fn price(&self, name: &str, day: usize) -> f64 {
        TOKENS
            .iter()
            .position(|token| token.name == name)
            .map_or(1.0, |index| self.prices[index][day])
    }
}

/// The price path of one token.
fn path(kind: Kind, market: &Market, stream: &mut Stream) -> Vec<f64> {
    let typical = market.ether.iter().sum::<f64>() / market.ether.len() as f64;
    let (memory, deviation) = match kind {
        Kind::Ether { peg, .. } | Kind::Dollar { peg } => (0.8, peg),
        Kind::Follower { own, .. } => (0.97, own),
    };
    let mut drift = Autoregression::new(memory, deviation, stream);
    let days = market.ether.iter().enumerate();
    days.map(|(day, ether)| {
        let own = libm::exp(drift.step(stream));
        own * match kind {
            Kind::Ether { ratio, growth, .. } => ether * (ratio + growth * day as f64 / 365.0),
            Kind::Dollar { .. } => 1.0,
            Kind::Follower { anchor, beta, .. } => anchor * libm::pow(ether / typical, beta),
        }
    })
    .collect()
}

/// The price table.
pub(super) fn table(quotes: &Quotes, seed: u64) -> Result<DataFrame> {
    let mut days = Vec::new();
    let mut prices = Vec::new();
    let mut market_caps = Vec::new();
    let mut volumes = Vec::new();
    let mut names = Vec::new();
    for (token, path) in TOKENS.iter().zip(&quotes.prices) {
        let mut stream = Stream::new(seed, &format!("synthetic/volume/{}", token.name));
        let supply = libm::pow(10.0, 6.0 + 3.0 * stream.unit());
        let busy = libm::pow(10.0, 6.0 + 2.0 * stream.unit());
        for (&day, &price) in quotes.days.iter().zip(path) {
            let volume = busy * libm::exp(0.5 * stream.normal());
            if day < token.listed || in_gap(token.name, day) {
                continue;
            }
            let market_cap = if token.has_supply {
                supply * price
            } else {
                0.0
            };
            let copies = if (token.name, day) == DUPLICATED {
                2
            } else {
                1
            };
            for _ in 0..copies {
                days.push(day);
                prices.push(significant(price, 6));
                market_caps
                    .push(((token.name, day) != NO_MARKET_CAP).then(|| significant(market_cap, 5)));
                volumes.push(
                    (!NO_VOLUME.contains(&(token.name, day))).then(|| significant(volume, 4)),
                );
                names.push(token.name);
            }
        }
    }
    frame::table(vec![
        frame::date_column("date", &days)?,
        frame::column("price", prices),
        frame::column("market_cap", market_caps),
        frame::column("volumes_last_24h", volumes),
        frame::column("token", names),
    ])
}

fn in_gap(token: &str, day: Day) -> bool {
    GAPS.iter()
        .any(|(name, first, last)| *name == token && (*first..=*last).contains(&day))
}
