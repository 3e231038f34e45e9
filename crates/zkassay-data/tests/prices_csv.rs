//! Prices from a CSV file, and data sets that lack the other tables.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::time::Instant;

use zkassay_data::schema::{POOLS, PRICES, VALUE_LOCKED};
use zkassay_data::{DataError, Tables, synthetic};

fn load(text: &str) -> Result<Tables, DataError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("prices.csv");
    fs::write(&path, text).unwrap();
    Tables::load_prices_csv(&path)
}

#[test]
fn columns_are_found_by_name_and_the_other_tables_are_empty() {
    let tables =
        load("token,price,extra,date,volumes_last_24h,market_cap\nWETH,1.5,x,2024-01-02,,0\n")
            .unwrap();
    assert_eq!(tables.prices().shape(), (1, 5));
    let price = tables
        .prices()
        .column("price")
        .unwrap()
        .f64()
        .unwrap()
        .get(0);
    assert_eq!(price, Some(1.5));
    assert_eq!(
        tables
            .prices()
            .column("volumes_last_24h")
            .unwrap()
            .null_count(),
        1
    );
    assert_eq!(tables.pools().shape(), (0, POOLS.columns.len()));
    assert_eq!(
        tables.value_locked().shape(),
        (0, VALUE_LOCKED.columns.len())
    );
    // An empty field is no token.
    let error =
        load("token,price,date,volumes_last_24h,market_cap\n,1,2024-01-02,,\n").unwrap_err();
    assert!(
        matches!(
            error,
            DataError::NullKey {
                column: "token",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let header = "date,price,market_cap,volumes_last_24h,token\n";
    for (row, expected) in [
        (
            "2024-02-30,1,1,1,A\n",
            "line 2: `date` must be a date YYYY-MM-DD, found `2024-02-30`",
        ),
        (
            "2024-02-03,abc,1,1,A\n",
            "line 2: `price` must be a number, found `abc`",
        ),
        ("2024-02-03,1,1,A\n", "line 2: the row has 4 fields"),
        ("", "no rows"),
    ] {
        let error = load(&format!("{header}{row}")).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = load("date,price,token\n").unwrap_err().to_string();
    assert!(error.contains("`market_cap` (f64) is missing"), "{error}");
}

#[test]
fn a_csv_of_the_table_gives_the_table() {
    let dir = tempfile::tempdir().unwrap();
    synthetic::write(dir.path(), synthetic::DEFAULT_SEED).unwrap();
    let tables = Tables::load(dir.path()).unwrap();
    let prices = tables.prices();
    let mut text = "date,price,market_cap,volumes_last_24h,token\n".to_owned();
    for row in 0..prices.height() {
        let fields = prices
            .columns()
            .iter()
            .map(|column| match column.get(row).unwrap() {
                polars::prelude::AnyValue::Null => String::new(),
                value => value.to_string().trim_matches('"').to_owned(),
            });
        // Numbers by their shortest text that reads back the same.
        let mut fields: Vec<String> = fields.collect();
        for (index, name) in ["price", "market_cap", "volumes_last_24h"]
            .iter()
            .enumerate()
        {
            let value = prices.column(name).unwrap().f64().unwrap().get(row);
            fields[index + 1] = value.map_or(String::new(), |value| value.to_string());
        }
        text.push_str(&(fields.join(",") + "\n"));
    }
    assert!(load(&text).unwrap().prices().equals_missing(prices));
    assert_eq!(
        tables.duplicates().unwrap()[0].identical,
        1,
        "one row comes twice, word for word"
    );
    assert_eq!(tables.duplicates().unwrap()[0].conflicting, 0);
}

#[test]
fn missing_tables_are_empty_if_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    synthetic::write(dir.path(), synthetic::DEFAULT_SEED).unwrap();
    fs::remove_file(dir.path().join("MANIFEST.json")).unwrap();
    fs::remove_dir_all(dir.path().join(POOLS.location)).unwrap();
    assert!(matches!(
        Tables::load(dir.path()),
        Err(DataError::MissingTable { .. })
    ));
    let tables = Tables::load_present(dir.path()).unwrap();
    assert_eq!(tables.pools().height(), 0);
    assert!(tables.value_locked().height() > 0);
    fs::remove_file(dir.path().join(PRICES.location)).unwrap();
    assert!(matches!(
        Tables::load_present(dir.path()),
        Err(DataError::MissingTable { .. })
    ));
}

#[test]
fn the_real_price_table_loads_fast() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/giza_prices");
    let path = folder.join("tokens_daily_prices_mcap_volume.csv");
    if !path.exists() {
        eprintln!("skipped: no {}", path.display());
        return;
    }
    let started = Instant::now();
    let tables = Tables::load_prices_csv(&path).unwrap();
    let elapsed = started.elapsed();
    eprintln!("{} rows in {elapsed:?}", tables.prices().height());
    assert_eq!(tables.prices().height(), 49_044);
    let tokens = tables.prices().column("token").unwrap();
    let distinct: std::collections::BTreeSet<_> = tokens.str().unwrap().iter().flatten().collect();
    assert_eq!(distinct.len(), 33);
    let started = Instant::now();
    let [duplicates, ..] = tables.duplicates().unwrap();
    eprintln!("{duplicates:?} in {:?}", started.elapsed());
    assert!(elapsed.as_secs_f64() < 1.0, "{elapsed:?}");
}
