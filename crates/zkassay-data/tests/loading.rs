//! Tables that are missing, broken or of another shape are refused by name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use polars::prelude::{
    Column, DataFrame, DataType, NamedFrom, ParquetReader, ParquetWriter, SerReader, Series,
};
use zkassay_data::manifest::{FileEntry, MANIFEST};
use zkassay_data::schema::{POOLS, PRICES, VALUE_LOCKED};
use zkassay_data::{DataError, Manifest, Tables, describe, synthetic};

/// The synthetic tables without a manifest, so that changed files are decoded.
fn fixtures() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    synthetic::write(dir.path(), synthetic::DEFAULT_SEED).unwrap();
    fs::remove_file(dir.path().join(MANIFEST)).unwrap();
    dir
}

fn partition(dir: &Path, location: &str, project: &str) -> PathBuf {
    dir.join(format!("{location}/project={project}/part-0.parquet"))
}

/// Reads a parquet file, changes it, writes it back.
fn rewrite(path: &Path, change: impl FnOnce(DataFrame) -> DataFrame) {
    let table = ParquetReader::new(fs::File::open(path).unwrap())
        .finish()
        .unwrap();
    let file = fs::File::create(path).unwrap();
    ParquetWriter::new(file).finish(&mut change(table)).unwrap();
}

fn cast(table: &DataFrame, name: &str, to: &DataType) -> DataFrame {
    let mut table = table.clone();
    let column = table.column(name).unwrap().cast(to).unwrap();
    table.with_column(column).unwrap();
    table
}

fn load_error(dir: &Path) -> (DataError, String) {
    let error = Tables::load(dir).unwrap_err();
    let message = error.to_string();
    (error, message)
}

#[test]
fn the_fixtures_load_with_the_union_of_columns() {
    let dir = fixtures();
    let tables = Tables::load(dir.path()).unwrap();
    assert_eq!(tables.prices().height(), 15_732);
    assert_eq!(tables.pools().height(), 33_376);
    assert_eq!(tables.value_locked().height(), 15_146);

    let names: Vec<&str> = tables
        .value_locked()
        .get_column_names()
        .iter()
        .map(|name| name.as_str())
        .collect();
    // CAKE occurs in pancakeswap-amm alone, SAVAX in benqi-lending alone.
    assert!(names.contains(&"CAKE") && names.contains(&"SAVAX"));
    let (tokens, keys) = names.split_at(names.len() - 2);
    assert!(tokens.is_sorted());
    assert_eq!(keys, ["date", "project"]);
}

#[test]
fn a_missing_table_says_how_to_get_one() {
    for location in [PRICES.location, POOLS.location, VALUE_LOCKED.location] {
        let dir = fixtures();
        let path = dir.path().join(location);
        if path.is_dir() {
            fs::remove_dir_all(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        let (error, message) = load_error(dir.path());
        assert!(matches!(error, DataError::MissingTable { .. }), "{message}");
        assert!(message.contains(location), "{message}");
        assert!(message.contains("cargo xtask fixtures"), "{message}");
    }
}

#[test]
fn a_truncated_file_is_named_wherever_it_is_cut() {
    let dir = fixtures();
    let path = partition(dir.path(), VALUE_LOCKED.location, "coinwind");
    let whole = fs::read(&path).unwrap();
    for length in [
        0,
        3,
        4,
        8,
        11,
        whole.len() / 2,
        whole.len() - 8,
        whole.len() - 1,
    ] {
        fs::write(&path, &whole[..length]).unwrap();
        let (error, message) = load_error(dir.path());
        assert!(
            matches!(error, DataError::Malformed { .. }),
            "{length}: {message}"
        );
        assert!(message.contains("project=coinwind"), "{message}");
        assert!(message.contains("cargo xtask fixtures"), "{message}");
    }
}

#[test]
fn a_damaged_footer_is_an_error() {
    let dir = fixtures();
    let path = dir.path().join(PRICES.location);
    let whole = fs::read(&path).unwrap();
    // The footer: length (4 bytes) and magic at the end, metadata before it.
    let mut length_lies = whole.clone();
    let at = whole.len() - 8;
    length_lies[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut metadata_gone = whole.clone();
    metadata_gone[whole.len() - 208..whole.len() - 8].fill(0xff);
    let web_page = b"<html>404: the bucket is gone</html>".to_vec();
    for bytes in [length_lies, metadata_gone, web_page] {
        fs::write(&path, bytes).unwrap();
        let (error, message) = load_error(dir.path());
        assert!(matches!(error, DataError::Malformed { .. }), "{message}");
        assert!(message.contains(PRICES.location), "{message}");
    }
}

#[test]
fn a_missing_column_is_named_with_what_is_there() {
    let dir = fixtures();
    let path = partition(dir.path(), POOLS.location, "beefy");
    rewrite(&path, |table| table.drop("apy").unwrap());
    let (error, message) = load_error(dir.path());
    assert!(
        matches!(error, DataError::MissingColumn { column: "apy", .. }),
        "{message}"
    );
    assert!(message.contains("project=beefy"), "{message}");
    assert!(message.contains("`tvlUsd`"), "{message}");
}

#[test]
fn a_wrong_type_is_named_with_both_types() {
    let dir = fixtures();
    let path = dir.path().join(PRICES.location);
    rewrite(&path, |table| cast(&table, "price", &DataType::String));
    let (error, message) = load_error(dir.path());
    assert!(matches!(error, DataError::ColumnType { .. }), "{message}");
    assert!(
        message.contains("`price` must be f64, found str"),
        "{message}"
    );

    // A token column of one partition is held to the same.
    let dir = fixtures();
    let path = partition(dir.path(), VALUE_LOCKED.location, "lido");
    rewrite(&path, |table| cast(&table, "ETH", &DataType::Int64));
    let (_, message) = load_error(dir.path());
    assert!(message.contains("project=lido"), "{message}");
    assert!(
        message.contains("`ETH` must be f64, found i64"),
        "{message}"
    );
}

#[test]
fn a_row_in_the_wrong_partition_is_found() {
    let dir = fixtures();
    let path = partition(dir.path(), VALUE_LOCKED.location, "aura");
    rewrite(&path, |mut table| {
        let mut projects = vec!["aura"; table.height()];
        projects[7] = "beefy";
        let column: Column = Series::new("project".into(), projects).into();
        table.with_column(column).unwrap();
        table
    });
    let (error, message) = load_error(dir.path());
    assert!(
        matches!(error, DataError::Partition { row: 7, .. }),
        "{message}"
    );
    assert!(
        message.contains("`aura`") && message.contains("`beefy`"),
        "{message}"
    );
}

#[test]
fn null_keys_and_empty_tables_are_refused() {
    let dir = fixtures();
    let path = dir.path().join(PRICES.location);
    rewrite(&path, |mut table| {
        let mut tokens = vec![Some("WETH"); table.height()];
        tokens[3] = None;
        let column: Column = Series::new("token".into(), tokens).into();
        table.with_column(column).unwrap();
        table
    });
    let (error, message) = load_error(dir.path());
    assert!(
        matches!(
            error,
            DataError::NullKey {
                column: "token",
                nulls: 1,
                ..
            }
        ),
        "{message}"
    );

    let dir = fixtures();
    rewrite(&dir.path().join(PRICES.location), |table| {
        table.head(Some(0))
    });
    let (error, message) = load_error(dir.path());
    assert!(matches!(error, DataError::Empty { .. }), "{message}");
}

/// The decoder allocates what a page header claims; a flipped sign used to abort the process.
#[test]
fn a_flipped_bit_without_a_manifest_never_aborts() {
    let dir = tempfile::tempdir().unwrap();
    let all = synthetic::write(dir.path(), synthetic::DEFAULT_SEED).unwrap();
    let is_smallest = |file: &&FileEntry| file.path.contains("project=flamincome");
    let file = all.files.iter().find(is_smallest).unwrap().clone();
    let path = dir.path().join(&file.path);
    let listed = Manifest {
        files: vec![file],
        ..all
    };
    let whole = fs::read(&path).unwrap();
    let mut refused = 0;
    // Every byte of the first page's header, and some of everything else.
    for at in (0..48).chain((48..whole.len()).step_by(31)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        refused += usize::from(describe::contents(dir.path(), &listed).is_err());
    }
    assert!(refused > 20, "{refused}");
}
