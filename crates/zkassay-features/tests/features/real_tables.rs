//! The study's data, where it is at hand: real prices, and real pools.

use std::fs;

use polars::prelude::{DataFrame, DataType, NamedFrom, Series};
use zkassay_data::{Day, Tables};
use zkassay_features::audit::{self, AuditSettings, LogisticRegression};

use zkassay_features::{FeaturePipeline, Split};

use crate::support::{shared, study};

const PRICES: &str = "giza_prices/tokens_daily_prices_mcap_volume.csv";
const POOLS: &str = "defillama_uniswap_v3_pools/pool_history.csv";

#[test]
fn the_real_prices_give_the_five_tokens_of_the_study() {
    let Some(path) = shared(PRICES) else { return };
    let tables = Tables::load_prices_csv(&path).unwrap();
    let tokens_of = |pipeline: FeaturePipeline| {
        let raw = pipeline.raw_table(&tables).unwrap();
        let split = Split::chronological(raw.rows()).unwrap();
        let fitted = pipeline.fit(&raw, &split.train).unwrap();
        (
            raw.rows(),
            fitted.features().len(),
            fitted.correlated().to_vec(),
        )
    };
    for pipeline in [FeaturePipeline::paper(), study()] {
        // 1 January 2022 to 4 February 2024: no other source sets a start.
        let (rows, features, tokens) = tokens_of(pipeline);
        assert_eq!((rows, features), (765, 63));
        assert_eq!(tokens, ["ETH", "WSTETH", "RETH", "WBTC", "GNO"]);
    }
    let (rows, features, tokens) = tokens_of(FeaturePipeline::honest());
    assert_eq!((rows, features), (613, 63));
    assert_eq!(tokens, ["ETH", "RETH", "STETH", "WSTETH", "GNO"]);
}

/// The pools of a CSV file with the columns `address, token0, token1, fee_tier,
/// date, tvl_usd, apy, ...`, up to the end of the study's prices.
fn read_pools(text: &str) -> DataFrame {
    let rows: Vec<Vec<&str>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|row| Day::parse(row[4]).unwrap() < Day::from_ymd(2024, 2, 5))
        .collect();
    let days: Vec<i32> = rows
        .iter()
        .map(|row| Day::parse(row[4]).unwrap().epoch_days())
        .collect();
    let date = Series::new("date".into(), days)
        .cast(&DataType::Date)
        .unwrap();
    let locked: Vec<i64> = rows.iter().map(|row| row[5].parse().unwrap()).collect();
    let yields: Vec<Option<f64>> = rows.iter().map(|row| row[6].parse().ok()).collect();
    let projects: Vec<String> = rows
        .iter()
        .map(|row| format!("uniswap-v3-{}", row[3]))
        .collect();
    let tokens: Vec<String> = rows
        .iter()
        .map(|row| format!("{}-{}", row[1], row[2]))
        .collect();
    let columns = vec![
        date.into(),
        Series::new("tvlUsd".into(), locked).into(),
        Series::new("apy".into(), yields).into(),
        Series::new("project".into(), projects).into(),
        Series::new("underlying_token".into(), tokens).into(),
        Series::new("chain".into(), vec!["Ethereum"; rows.len()]).into(),
    ];
    DataFrame::new(rows.len(), columns).unwrap()
}

/// One project with one dollar of the target on every day that a pool has a
/// row: a value-locked table that says nothing.
fn nothing_locked(pools: &DataFrame) -> DataFrame {
    let date = pools.column("date").unwrap().clone();
    let rows = pools.height();
    let columns = vec![
        date,
        Series::new("project".into(), vec!["none"; rows]).into(),
        Series::new("WETH".into(), vec![1.0; rows]).into(),
    ];
    DataFrame::new(rows, columns).unwrap()
}

/// An independent run (scikit-learn, 20 random splits, the ten pools of the file
/// that were listed by June 2022, as they are plus their daily differences)
/// gives 0.496 on prices alone, 0.691 with pools of the same day and 0.503 with
/// pools one day late, each with a standard error of 0.008 and less. Here the
/// seven of those pools that hold WETH count, over other splits: 0.04.
const TOLERANCE: f64 = 0.04;

#[test]
fn real_pools_of_the_same_day_know_the_label() {
    let (Some(prices), Some(pools)) = (shared(PRICES), shared(POOLS)) else {
        return;
    };
    let prices = Tables::load_prices_csv(&prices).unwrap();
    let pools = read_pools(&fs::read_to_string(pools).unwrap());
    let tables = Tables::new(prices.prices(), &pools, &nothing_locked(&pools)).unwrap();
    let audit = |pipeline: &FeaturePipeline| {
        let raw = pipeline.raw_table(&tables).unwrap();
        let split = Split::chronological(raw.rows()).unwrap();
        let fitted = pipeline.fit(&raw, &split.train).unwrap();
        let learner = LogisticRegression::default();
        audit::run(&fitted, &tables, &learner, &AuditSettings::default()).unwrap()
    };
    let near = |found: f64, expected: f64| (found - expected).abs() < TOLERANCE;

    let paper = audit(&FeaturePipeline::paper());
    let scores = paper.scores;
    assert!(near(scores.prices_only.mean, 0.496), "{paper}");
    assert!(near(scores.as_given.mean, 0.691), "{paper}");
    assert!(near(scores.delayed.mean, 0.503), "{paper}");
    assert!(paper.warning.is_some(), "{paper}");
    assert!(paper.suspects().any(|finding| finding.same_day.value > 0.5));

    let honest = audit(&FeaturePipeline::honest());
    assert!(near(honest.scores.as_given.mean, 0.5), "{honest}");
    assert_eq!(honest.warning, None, "{honest}");
}
