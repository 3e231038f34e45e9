//! The ranking on the real price table, where it is at hand.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;

use polars::prelude::{DataFrame, DataType, NamedFrom, Series};
use support::{fixtures, workspace};
use zkassay_data::{Day, Tables};
use zkassay_features::FeaturePipeline;

/// The price table of a CSV file with the columns of the schema.
fn read_csv(text: &str) -> DataFrame {
    let rows: Vec<Vec<&str>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect();
    let days: Vec<i32> = rows
        .iter()
        .map(|row| Day::parse(row[0]).unwrap().epoch_days())
        .collect();
    let number = |name: &str, index: usize| {
        let values: Vec<Option<f64>> = rows.iter().map(|row| row[index].parse().ok()).collect();
        Series::new(name.into(), values).into()
    };
    let tokens: Vec<&str> = rows.iter().map(|row| row[4]).collect();
    let date = Series::new("date".into(), days)
        .cast(&DataType::Date)
        .unwrap();
    let columns = vec![
        date.into(),
        number("price", 1),
        number("market_cap", 2),
        number("volumes_last_24h", 3),
        Series::new("token".into(), tokens).into(),
    ];
    DataFrame::new(rows.len(), columns).unwrap()
}

#[test]
fn the_real_table_gives_the_five_tokens_of_the_study() {
    let path = workspace().join("../shared/data/giza_prices/tokens_daily_prices_mcap_volume.csv");
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("skipped: no real price table at {}", path.display());
        return;
    };
    let prices = read_csv(&text);
    let fixtures = fixtures();
    let tables = Tables::new(&prices, fixtures.pools(), fixtures.value_locked()).unwrap();
    let raw = FeaturePipeline::default().raw_table(&tables).unwrap();
    assert_eq!(raw.correlated(), ["ETH", "WSTETH", "RETH", "WBTC", "GNO"]);
    assert_eq!((raw.rows(), raw.names().len()), (599, 170));
}
