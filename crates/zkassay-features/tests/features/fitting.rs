//! What is learned comes from the training rows, and survives storage.

use zkassay_data::{Day, Tables};
use zkassay_features::{FeatureError, FeaturePipeline, FittedPipeline, RawTable, Split};

use crate::support::{dates, fixtures, raw, study, with_numbers, with_rows, workspace};

/// The fixtures with every pool's value and yield changed after `day`.
fn with_another_future(day: Day) -> Tables {
    let tables = fixtures();
    let later: Vec<bool> = dates(tables.pools())
        .iter()
        .map(|date| *date > day)
        .collect();
    let pools = with_numbers(
        tables.pools(),
        "apy",
        |row, value| {
            if later[row] { None } else { value }
        },
    );
    let pools = with_numbers(&pools, "tvlUsd", |row, value| {
        value.map(|value| if later[row] { 7.0 * value + 1.0 } else { value })
    });
    Tables::new(tables.prices(), &pools, tables.value_locked()).unwrap()
}

#[test]
fn test_rows_do_not_shape_the_fit() {
    let pipeline = study();
    let usual = raw();
    let split = Split::chronological(usual.rows()).unwrap();
    let last = usual.days()[*split.train.last().unwrap()];
    let changed = pipeline.raw_table(&with_another_future(last)).unwrap();
    assert_ne!(usual, changed);

    let fit = |raw: &RawTable, rows: &[usize]| pipeline.fit(raw, rows).unwrap();
    assert_eq!(fit(&usual, &split.train), fit(&changed, &split.train));
    // Fitted on all rows it would differ: the change is not a trifle.
    let all: Vec<usize> = (0..usual.rows()).collect();
    assert_ne!(fit(&usual, &all), fit(&changed, &all));
}

#[test]
fn training_columns_have_mean_0_and_deviation_1() {
    let raw = raw();
    let split = Split::chronological(raw.rows()).unwrap();
    let fitted = study().fit(&raw, &split.train).unwrap();
    let train = fitted
        .transform(&raw)
        .unwrap()
        .select(&split.train)
        .unwrap();
    for (name, column) in train.names.iter().zip(train.values.columns()) {
        let mean = column.iter().map(|value| f64::from(*value)).sum::<f64>() / 404.0;
        let squares: f64 = column.iter().map(|value| f64::from(*value).powi(2)).sum();
        assert!(mean.abs() < 1e-5, "{name}: mean {mean}");
        // Gaps are 0, so a column with gaps has a little less.
        assert!(
            (0.75..1.000_01).contains(&(squares / 403.0)),
            "{name}: {squares}"
        );
        assert!(column.iter().all(|value| value.is_finite()), "{name}");
    }
}

#[test]
fn a_constant_column_is_centred_not_divided_by_zero() {
    let raw = raw();
    // Rows of one year only: `year` does not vary.
    let rows: Vec<usize> = (0..200).collect();
    let fitted = study().fit(&raw, &rows).unwrap();
    let matrix = fitted.transform(&raw).unwrap();
    let year = matrix.names.iter().position(|name| name == "year").unwrap();
    assert_eq!(matrix.values[[0, year]], 0.0);
    assert_eq!(matrix.values[[598, year]], 2.0);
}

#[test]
fn a_stored_pipeline_gives_the_same_bits() {
    let raw = raw();
    let split = Split::chronological(raw.rows()).unwrap();
    let fitted = study().fit(&raw, &split.train).unwrap();
    let text = serde_json::to_string(&fitted).unwrap();
    let read: FittedPipeline = serde_json::from_str(&text).unwrap();
    assert_eq!(read, fitted);
    assert_eq!(
        read.transform(&raw).unwrap().hash(),
        fitted.transform(&raw).unwrap().hash()
    );

    let newer = text.replace("\"version\":2", "\"version\":3");
    let error = serde_json::from_str::<FittedPipeline>(&newer).unwrap_err();
    assert!(error.to_string().contains("version 3"), "{error}");
}

#[test]
fn a_changed_file_is_refused() {
    let raw = raw();
    let split = Split::chronological(raw.rows()).unwrap();
    let fitted = study().fit(&raw, &split.train).unwrap();
    let text = serde_json::to_string(&fitted).unwrap();
    for (from, to) in [
        ("\"label_lag\":1", "\"label_lag\":2"),
        ("[\"WBTC\",\"RETH\"", "[\"RETH\",\"WBTC\""),
        ("\"key\":\"aura\"", "\"key\":\"aurb\""),
        ("\"mean\":\"", "\"mean\":\"1"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        let error = serde_json::from_str::<FittedPipeline>(&changed).unwrap_err();
        assert!(error.to_string().contains(fitted.hash()), "{error}");
    }
}

#[test]
fn other_tables_do_not_choose_other_features() {
    let tables = fixtures();
    let pipeline = FeaturePipeline::honest();
    let raw = pipeline.raw_table(&tables).unwrap();
    let split = Split::chronological(raw.rows()).unwrap();
    let fitted = pipeline.fit(&raw, &split.train).unwrap();
    assert_eq!(
        fitted
            .transform(&fitted.raw_table(&tables).unwrap())
            .unwrap(),
        fitted.transform(&raw).unwrap()
    );

    // Tables of 2023 on: no pool was listed by the start, and five other tokens
    // have the target's price.
    let target: Vec<(Day, f64)> = {
        let tokens = tables.prices().column("token").unwrap().str().unwrap();
        let prices = tables.prices().column("price").unwrap().f64().unwrap();
        let rows = dates(tables.prices())
            .into_iter()
            .zip(tokens.iter().zip(prices.iter()));
        rows.filter(|(_, (token, _))| *token == Some("WETH"))
            .map(|(day, (_, price))| (day, price.unwrap()))
            .collect()
    };
    let tokens = tables.prices().column("token").unwrap().clone();
    let days = dates(tables.prices());
    let prices = with_numbers(tables.prices(), "price", |row, value| {
        let token = tokens.str().unwrap().get(row).unwrap();
        let is_twin = ["USDC", "USDT", "DAI", "LINK", "UNI"].contains(&token);
        let twin = target.binary_search_by_key(&days[row], |(day, _)| *day);
        twin.ok()
            .filter(|_| is_twin)
            .map_or(value, |index| Some(target[index].1))
    });
    let first = Day::from_ymd(2023, 1, 1);
    let recent = |table| {
        let days = dates(table);
        with_rows(table, |row| days[row] >= first)
    };
    let later = Tables::new(
        &recent(&prices),
        &recent(tables.pools()),
        &recent(tables.value_locked()),
    )
    .unwrap();
    let error = pipeline.raw_table(&later).unwrap_err();
    assert!(matches!(error, FeatureError::NoRows { .. }), "{error}");
    let raw_later = fitted.raw_table(&later).unwrap();
    assert_eq!(raw_later.tokens(), fitted.correlated());
    let ranking = raw_later.rank_tokens(&(0..raw_later.rows()).collect::<Vec<_>>());
    assert!(!fitted.correlated().contains(&ranking.unwrap()[0].0));

    let matrix = fitted.transform(&raw_later).unwrap();
    assert_eq!(matrix.names, fitted.transform(&raw).unwrap().names);
    let pool = "apy_project_aave-v2_EthereumWETH";
    let day = raw_later.days().len() - 1;
    assert!(raw_later.column(pool).unwrap()[day].is_some());
}

#[test]
fn what_cannot_be_fitted_is_named() {
    let raw = raw();
    let pipeline = study();
    let error = FeaturePipeline::honest().fit(&raw, &[0, 1]).unwrap_err();
    assert!(matches!(error, FeatureError::OtherSettings), "{error}");
    let error = pipeline.fit(&raw, &[0]).unwrap_err();
    assert!(
        matches!(error, FeatureError::TooFewRows { rows: 1, .. }),
        "{error}"
    );
    let error = pipeline.fit(&raw, &[0, 599]).unwrap_err();
    assert!(
        matches!(
            error,
            FeatureError::RowOutOfRange {
                row: 599,
                rows: 599
            }
        ),
        "{error}"
    );

    let change = |change: fn(&mut FeaturePipeline)| {
        let mut pipeline = study();
        change(&mut pipeline);
        pipeline.raw_table(&fixtures()).unwrap_err().to_string()
    };
    let message = change(|pipeline| pipeline.token = "DOGE".to_owned());
    assert!(
        message.contains("`DOGE`") && message.contains("WBTC"),
        "{message}"
    );
    let message = change(|pipeline| pipeline.token = "GNO".to_owned());
    assert!(
        message.contains("value locked") && message.contains("`GNO`"),
        "{message}"
    );
    let message = change(|pipeline| pipeline.start = Day::from_ymd(2030, 1, 1));
    assert!(message.contains("2030-01-01"), "{message}");
    let message = change(|pipeline| pipeline.horizons = vec![1, 0]);
    assert!(message.contains("`horizons` is [1, 0]"), "{message}");
    let message = change(|pipeline| pipeline.max_null_share = f64::NAN);
    assert!(message.contains("`max_null_share`"), "{message}");

    let split = Split::chronological(raw.rows()).unwrap();
    let fitted = pipeline.fit(&raw, &split.train).unwrap();
    let smaller = FeaturePipeline {
        correlated_tokens: 4,
        ..pipeline
    };
    let error = fitted
        .transform(&smaller.raw_table(&fixtures()).unwrap())
        .unwrap_err();
    assert!(matches!(error, FeatureError::OtherSettings), "{error}");

    // A project that is no longer in the table.
    let tables = fixtures();
    let projects = tables.value_locked().column("project").unwrap().clone();
    let locked = with_rows(tables.value_locked(), |row| {
        projects.str().unwrap().get(row) != Some("aura")
    });
    let without = Tables::new(tables.prices(), tables.pools(), &locked).unwrap();
    let error = fitted
        .transform(&fitted.raw_table(&without).unwrap())
        .unwrap_err();
    assert!(
        matches!(&error, FeatureError::MissingFeature { name } if name == "aura"),
        "{error}"
    );
}

/// Set in the child processes of `thread_counts_do_not_matter`.
const CHILD: &str = "ZKASSAY_TEST_PRINT_HASH";

#[test]
fn thread_counts_do_not_matter() {
    let hash = || {
        let tables = Tables::load(&workspace().join("fixtures")).unwrap();
        let pipeline = FeaturePipeline::honest();
        let raw = pipeline.raw_table(&tables).unwrap();
        let split = Split::chronological(raw.rows()).unwrap();
        let fitted = pipeline.fit(&raw, &split.train).unwrap();
        fitted.transform(&raw).unwrap().hash()
    };
    if std::env::var_os(CHILD).is_some() {
        println!("hash={}", hash());
        return;
    }
    // The size of the polars pool is fixed when a process starts, so each count
    // gets its own.
    let child = |threads: &str| {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "fitting::thread_counts_do_not_matter",
                "--nocapture",
            ])
            .env(CHILD, "1")
            .env("POLARS_MAX_THREADS", threads)
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (_, rest) = text.split_once("hash=").unwrap();
        rest[..64].to_owned()
    };
    let expected = hash();
    assert_eq!(child("1"), expected);
    assert_eq!(child("2"), expected);
    assert_eq!(hash(), expected);
}
