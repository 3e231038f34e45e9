//! Loading and features: the fixtures, the real price table where it is at
//! hand, and how the time grows with the rows.
//!
//! Memory is the peak of the process so far, so it is printed in order of size.

#![allow(clippy::expect_used, reason = "a benchmark stops at the first failure")]
#![allow(missing_docs, reason = "criterion's macros make items without docs")]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use polars::prelude::{DataFrame, DataType, IntoColumn, NamedFrom, Series};
use zkassay_data::Tables;
use zkassay_features::{FeatureMatrix, FeaturePipeline, Split};

fn features(tables: &Tables, pipeline: &FeaturePipeline) -> FeatureMatrix {
    let raw = pipeline.raw_table(tables).expect("the tables join");
    let split = Split::chronological(raw.rows()).expect("there are enough rows");
    let fitted = pipeline.fit(&raw, &split.train).expect("the rows fit");
    fitted.transform(&raw).expect("the values are in range")
}

/// The table `times` over, each copy's days after those of the one before.
fn repeated(prices: &DataFrame, times: i32) -> DataFrame {
    let dates = prices.column("date").expect("there are dates");
    let days = dates.cast(&DataType::Int32).expect("dates are days");
    let days: Vec<i32> = days
        .i32()
        .expect("days are numbers")
        .iter()
        .flatten()
        .collect();
    let (first, last) = (days.iter().min(), days.iter().max());
    let length = last.zip(first).map_or(0, |(last, first)| last - first + 1);
    let mut stacked = DataFrame::empty();
    for time in 0..times {
        let later: Vec<i32> = days.iter().map(|day| day + time * length).collect();
        let later = Series::new("date".into(), later);
        let later = later.cast(&DataType::Date).expect("days are dates");
        let mut copy = prices.clone();
        copy.with_column(later.into_column()).expect("as many rows");
        stacked.vstack_mut_owned(copy).expect("the same columns");
    }
    stacked
}

/// The most memory that the process has held, in MB; none where it is not told.
fn peak_memory() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

fn describe(what: &str, tables: &Tables, matrix: &FeatureMatrix) {
    let (rows, columns) = matrix.values.dim();
    let read = tables.prices().height();
    let peak = peak_memory().map_or(String::new(), |peak| format!(", peak memory {peak:.0} MB"));
    println!("{what}: {read} price rows give {rows} x {columns}{peak}");
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn all(criterion: &mut Criterion) {
    let fixtures = workspace().join("fixtures");
    let load = || Tables::load(&fixtures).expect("the fixtures are committed");
    let mut group = criterion.benchmark_group("features");
    group.sample_size(10);

    for (mode, pipeline) in [
        ("honest", FeaturePipeline::honest()),
        ("paper", FeaturePipeline::paper()),
    ] {
        let tables = load();
        describe(
            &format!("fixtures, {mode}"),
            &tables,
            &features(&tables, &pipeline),
        );
        group.bench_function(BenchmarkId::new("fixtures", mode), |b| {
            b.iter(|| black_box(features(&load(), &pipeline)));
        });
    }

    let csv = workspace().join("../shared/data/giza_prices/tokens_daily_prices_mcap_volume.csv");
    if !csv.is_file() {
        println!("skipped: no real price table at {}", csv.display());
        return;
    }
    let read = || Tables::load_prices_csv(&csv).expect("the table is valid");
    let honest = FeaturePipeline::honest();
    let tables = read();
    describe("real prices", &tables, &features(&tables, &honest));
    group.bench_function(BenchmarkId::new("load", "csv"), |b| {
        b.iter(|| black_box(read()))
    });
    for times in [1, 3, 10] {
        let prices = repeated(tables.prices(), times);
        let tables = Tables::prices_only(&prices).expect("the table is valid");
        describe(
            &format!("real prices x {times}"),
            &tables,
            &features(&tables, &honest),
        );
        group.bench_function(BenchmarkId::new("prices", tables.prices().height()), |b| {
            b.iter(|| black_box(features(&tables, &honest)));
        });
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
