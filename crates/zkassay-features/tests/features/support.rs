//! What the tests share: tables, and changes to tables.

use std::path::{Path, PathBuf};

use polars::prelude::{
    BooleanChunked, DataFrame, DataType, IntoColumn, NamedFrom, NewChunkedArray, Series,
};
use zkassay_data::{Day, Tables};
use zkassay_features::rules::{FitScope, PoolDuplicates, PoolMatch};
use zkassay_features::{FeaturePipeline, RawTable, Rules};

/// The committed synthetic tables.
pub(crate) fn fixtures() -> Tables {
    Tables::load(&workspace().join("fixtures")).unwrap()
}

/// The notebook with three of its faults mended: statistics of training rows,
/// pools of the exact token, the deeper of two markets.
pub(crate) fn study() -> FeaturePipeline {
    FeaturePipeline {
        rules: Rules {
            statistics_scope: FitScope::TrainingRows,
            pool_match: PoolMatch::ExactToken,
            pool_duplicates: PoolDuplicates::Deepest,
            ..Rules::paper()
        },
        ..FeaturePipeline::paper()
    }
}

/// The raw table of [`study`] on the fixtures.
pub(crate) fn raw() -> RawTable {
    study().raw_table(&fixtures()).unwrap()
}

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A real table of that path under `../shared/data`, if it is there.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let path = workspace().join("../shared/data").join(path);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: no real table at {}", path.display());
    None
}

/// The dates of a table.
pub(crate) fn dates(table: &DataFrame) -> Vec<Day> {
    let dates = table
        .column("date")
        .unwrap()
        .cast(&DataType::Int32)
        .unwrap();
    let days = dates.i32().unwrap().iter().flatten();
    days.map(Day::from_epoch_days).collect()
}

/// A table with the numbers of one column changed row by row.
pub(crate) fn with_numbers(
    table: &DataFrame,
    name: &str,
    mut change: impl FnMut(usize, Option<f64>) -> Option<f64>,
) -> DataFrame {
    let column = table.column(name).unwrap();
    let numbers = column.cast(&DataType::Float64).unwrap();
    let numbers = numbers.f64().unwrap().iter().enumerate();
    let changed: Vec<Option<f64>> = numbers.map(|(row, value)| change(row, value)).collect();
    let changed = Series::new(name.into(), changed)
        .cast(column.dtype())
        .unwrap();
    let mut table = table.clone();
    table.with_column(changed.into_column()).unwrap();
    table
}

/// The rows that pass.
pub(crate) fn with_rows(table: &DataFrame, keep: impl FnMut(usize) -> bool) -> DataFrame {
    let kept: Vec<bool> = (0..table.height()).map(keep).collect();
    table
        .filter(&BooleanChunked::from_slice("kept".into(), &kept))
        .unwrap()
}
