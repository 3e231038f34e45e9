//! What is learned comes from the training rows, and survives storage.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use polars::prelude::{IntoColumn, NamedFrom, Series};
use support::{fixtures, raw, workspace};
use zkassay_data::{Day, Tables};
use zkassay_features::{FeatureError, FeaturePipeline, FittedPipeline, RawTable, Split};

/// The fixtures with every pool's value and yield changed after `day`.
fn with_another_future(day: Day) -> Tables {
    let tables = fixtures();
    let mut pools = tables.pools().clone();
    let dates = pools
        .column("date")
        .unwrap()
        .cast(&polars::prelude::DataType::Int32)
        .unwrap();
    let later: Vec<bool> = dates
        .i32()
        .unwrap()
        .iter()
        .map(|date| date.is_some_and(|date| Day::from_epoch_days(date) > day))
        .collect();
    let yields = pools.column("apy").unwrap().f64().unwrap();
    let changed: Vec<Option<f64>> = yields
        .iter()
        .zip(&later)
        .map(|(value, later)| if *later { None } else { value })
        .collect();
    pools
        .with_column(Series::new("apy".into(), changed).into_column())
        .unwrap();
    let sizes = pools.column("tvlUsd").unwrap().i64().unwrap();
    let changed: Vec<Option<i64>> = sizes
        .iter()
        .zip(&later)
        .map(|(value, later)| value.map(|value| if *later { 7 * value + 1 } else { value }))
        .collect();
    pools
        .with_column(Series::new("tvlUsd".into(), changed).into_column())
        .unwrap();
    Tables::new(tables.prices(), &pools, tables.value_locked()).unwrap()
}

#[test]
fn test_rows_do_not_shape_the_fit() {
    let pipeline = FeaturePipeline::default();
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
    let fitted = FeaturePipeline::default().fit(&raw, &split.train).unwrap();
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
    let fitted = FeaturePipeline::default().fit(&raw, &rows).unwrap();
    let matrix = fitted.transform(&raw).unwrap();
    let year = matrix.names.iter().position(|name| name == "year").unwrap();
    assert_eq!(matrix.values[[0, year]], 0.0);
    assert_eq!(matrix.values[[598, year]], 2.0);
}

#[test]
fn a_stored_pipeline_gives_the_same_bits() {
    let raw = raw();
    let split = Split::chronological(raw.rows()).unwrap();
    let fitted = FeaturePipeline::default().fit(&raw, &split.train).unwrap();
    let text = serde_json::to_string(&fitted).unwrap();
    let read: FittedPipeline = serde_json::from_str(&text).unwrap();
    assert_eq!(read, fitted);
    assert_eq!(
        read.transform(&raw).unwrap().hash(),
        fitted.transform(&raw).unwrap().hash()
    );

    let newer = text.replace("\"version\":1", "\"version\":2");
    let error = serde_json::from_str::<FittedPipeline>(&newer).unwrap_err();
    assert!(error.to_string().contains("version 2"), "{error}");
}

#[test]
fn what_cannot_be_fitted_is_named() {
    let raw = raw();
    let pipeline = FeaturePipeline::default();
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
        let mut pipeline = FeaturePipeline::default();
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

    // Fitted with five tokens, applied to a table made with four.
    let split = Split::chronological(raw.rows()).unwrap();
    let fitted = pipeline.fit(&raw, &split.train).unwrap();
    let smaller = FeaturePipeline {
        correlated_tokens: 4,
        ..pipeline
    };
    let error = fitted
        .transform(&smaller.raw_table(&fixtures()).unwrap())
        .unwrap_err();
    assert!(
        matches!(error, FeatureError::MissingFeature { .. }),
        "{error}"
    );
}

/// Set in the child processes of `thread_counts_do_not_matter`.
const CHILD: &str = "ZKASSAY_TEST_PRINT_HASH";

#[test]
fn thread_counts_do_not_matter() {
    let hash = || {
        let tables = Tables::load(&workspace().join("fixtures")).unwrap();
        let raw = FeaturePipeline::default().raw_table(&tables).unwrap();
        let split = Split::chronological(raw.rows()).unwrap();
        let fitted = FeaturePipeline::default().fit(&raw, &split.train).unwrap();
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
            .args(["--exact", "thread_counts_do_not_matter", "--nocapture"])
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
