//! Tables of the user's own: what is read, and what is refused by name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use polars::prelude::{Column, DataFrame, DataType, NamedFrom, ParquetWriter, Series};
use tempfile::TempDir;
use zkassay_data::table::{Time, load_table_without};
use zkassay_data::{Day, TableError, load_table};

fn csv(text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("table.csv");
    fs::write(&path, text).unwrap();
    (dir, path)
}

fn refused(text: &str) -> (TableError, String) {
    let (_dir, path) = csv(text);
    let error = load_table(&path, "y", None).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("table.csv"), "{message}");
    (error, message)
}

#[test]
fn numbers_booleans_and_missing_values() {
    let (_dir, path) =
        csv("\u{feff}a,b,\"c, quoted\",y\n1,true,1e3,0\n-2.5,false,,1\nNA,true,0.5,1\n");
    let table = load_table(&path, "y", None).unwrap();
    assert_eq!(table.names(), ["a", "b", "c, quoted"]);
    assert_eq!(table.values()[0], [Some(1.0), Some(-2.5), None]);
    assert_eq!(table.values()[1], [Some(1.0), Some(0.0), Some(1.0)]);
    assert_eq!(table.values()[2], [Some(1000.0), None, Some(0.5)]);
    assert_eq!(table.labels(), [0, 1, 1]);
    assert_eq!(table.classes(), &["0", "1"]);
    assert_eq!((table.rows(), table.times()), (3, None));
}

#[test]
fn labels_are_two_classes_of_any_kind() {
    for (labels, classes) in [
        (["true", "false", "true"], ["false", "true"]),
        (["1.0", "0.0", "1.0"], ["0", "1"]),
        (["1", "-1", "1"], ["-1", "1"]),
        (["good", "bad", "good"], ["bad", "good"]),
    ] {
        let [a, b, c] = labels;
        let (_dir, path) = csv(&format!("x,y\n1,{a}\n2,{b}\n3,{c}\n"));
        let table = load_table(&path, "y", None).unwrap();
        assert_eq!(table.labels(), [1, 0, 1]);
        assert_eq!(table.classes(), &classes);
    }
}

#[test]
fn labels_that_are_no_classes_are_shown() {
    for (text, expected) in [
        ("x,y\n1,0\n2,0\n", "every row is `0`"),
        ("x,y\n1,a\n2,b\n3,c\n", "3 different values (`a`, `b`, `c`)"),
        (
            "x,y\n1,1\n2,2\n3,3\n4,4\n5,5\n6,6\n",
            "6 different values (`1`, `2`, `3`, `4`, `5`, ...)",
        ),
        ("x,y\n1,0.25\n2,1\n", "line 2 holds `0.25`"),
        ("x,y\n1,0\n2,yes\n", "different kinds"),
    ] {
        let (error, message) = refused(text);
        assert!(matches!(error, TableError::NotClasses { .. }), "{message}");
        assert!(
            message.contains("`y`") && message.contains(expected),
            "{message}"
        );
    }
    let (error, message) = refused("x,y\n1,0\n2,\n");
    assert!(
        matches!(error, TableError::MissingLabel { .. }),
        "{message}"
    );
    assert!(message.contains("line 3"), "{message}");
}

#[test]
fn columns_that_cannot_be_features_are_named() {
    for (text, expected) in [
        (
            "x,z,y\n1,red,0\n2,3,1\n",
            "column `z` is a feature and must be numeric, line 2 holds `red`",
        ),
        ("x,z,y\n1,\"1,5\",0\n2,3,1\n", "line 2 holds `1,5`"),
        ("x,z,y\n1,inf,0\n2,3,1\n", "line 2 holds `inf`"),
        ("x,z,y\n1,7,0\n2,7,1\n", "column `z` is 7 in every row"),
        (
            "x,z,y\n1,7,0\n2,,1\n",
            "column `z` is 7 wherever it has a value",
        ),
        ("x,z,y\n1,,0\n2,,1\n", "column `z` has no values at all"),
        ("y\n0\n1\n", "no column is left"),
    ] {
        let (_, message) = refused(text);
        assert!(message.contains(expected), "{message}");
    }
    let (_dir, path) = csv("x,z,y\n1,red,0\n2,red,1\n");
    let table = load_table_without(&path, "y", None, &["z"]).unwrap();
    assert_eq!(table.names(), ["x"]);
    let error = load_table_without(&path, "y", None, &["q"]).unwrap_err();
    assert!(matches!(error, TableError::MissingColumn { column, .. } if column == "q"));
}

#[test]
fn files_that_are_no_tables_are_refused() {
    for (text, expected) in [
        ("", "the table has no rows"),
        ("x,y\n", "the table has no rows"),
        (
            "x,y\n1,0\n2\n",
            "line 3: the row has 1 fields, the header 2",
        ),
        (
            "x,y\n1,0\n2,1,3\n",
            "line 3: the row has 3 fields, the header 2",
        ),
        ("x,x,y\n1,2,0\n", "two columns are called `x`"),
        ("x,,y\n1,2,0\n", "column 2 has no name"),
        (
            "x,z\n1,0\n",
            "there is no column `y`; the columns are `x`, `z`",
        ),
    ] {
        let (_, message) = refused(text);
        assert!(message.contains(expected), "{message}");
    }
    let (dir, path) = csv("");
    fs::write(&path, b"x,y\n\xff\xfe,0\n").unwrap();
    let error = load_table(&path, "y", None).unwrap_err().to_string();
    assert!(error.contains("line 2: the text is not UTF-8"), "{error}");
    let other = dir.path().join("table.xlsx");
    fs::write(&other, "x").unwrap();
    assert!(matches!(
        load_table(&other, "y", None),
        Err(TableError::UnknownFormat { .. })
    ));
    let error = load_table(Path::new("/no/such.csv"), "y", None)
        .unwrap_err()
        .to_string();
    assert!(error.contains("/no/such.csv"), "{error}");
}

#[test]
fn rows_follow_time_and_equal_times_the_file() {
    let (_dir, path) =
        csv("t,x,y\n2024-01-03,1,0\n2024-01-01,2,1\n2024-01-03,3,1\n2024-01-02,4,0\n");
    let table = load_table(&path, "y", Some("t")).unwrap();
    let order = [Some(2.0), Some(4.0), Some(1.0), Some(3.0)];
    assert_eq!(table.column("x"), Some(&order[..]));
    assert_eq!(table.labels(), [1, 0, 0, 1]);
    assert_eq!(
        table.times().unwrap()[0].day(),
        Some(Day::from_ymd(2024, 1, 1))
    );

    for (text, expected) in [
        (
            "t,x,y\n2024-01-03,1,0\nyesterday,2,1\n",
            "line 3 holds `yesterday`",
        ),
        ("t,x,y\n2024-01-03,1,0\n,2,1\n", "line 3 holds nothing"),
        ("t,x,y\n2024-01-03,1,0\n7,2,1\n", "line 3 holds `7`"),
    ] {
        let (_dir, path) = csv(text);
        let error = load_table(&path, "y", Some("t")).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn parquet_gives_the_same_as_csv() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("table.parquet");
    let days = Series::new("t".into(), [19_001, 19_000, 19_002])
        .cast(&DataType::Date)
        .unwrap();
    let columns: Vec<Column> = vec![
        days.into(),
        Series::new("float".into(), [Some(0.5_f64), None, Some(f64::NAN)]).into(),
        Series::new("integer".into(), [1_i64, 2, 3]).into(),
        Series::new("single".into(), [1.5_f32, 2.5, 3.5]).into(),
        Series::new("flag".into(), [true, false, true]).into(),
        Series::new("y".into(), ["up", "down", "up"]).into(),
    ];
    let mut frame = DataFrame::new(3, columns).unwrap();
    let write = |frame: &mut DataFrame| {
        ParquetWriter::new(fs::File::create(&path).unwrap())
            .finish(frame)
            .unwrap();
    };
    write(&mut frame);
    let error = load_table(&path, "y", Some("t")).unwrap_err().to_string();
    assert!(
        error.contains("`float` is 0.5 wherever it has a value"),
        "{error}"
    );

    let table = load_table_without(&path, "y", Some("t"), &["float"]).unwrap();
    assert_eq!(table.names(), ["integer", "single", "flag"]);
    assert_eq!(
        table.column("single"),
        Some(&[Some(2.5), Some(1.5), Some(3.5)][..])
    );
    assert_eq!(table.labels(), [0, 1, 1]);
    assert_eq!(table.times().unwrap()[0], Time::Seconds(19_000 * 86_400));

    let text: Column = Series::new("integer".into(), ["a", "b", "c"]).into();
    frame.with_column(text).unwrap();
    write(&mut frame);
    let error = load_table_without(&path, "y", Some("t"), &["float"])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`integer` is a feature and must be numeric, row 1 holds `a`"),
        "{error}"
    );
}

#[test]
fn parquet_of_other_writers_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/defillama_pools");
    let Ok(files) = fs::read_dir(&folder) else {
        eprintln!("skipped: no {}", folder.display());
        return;
    };
    let paths = files.map(|file| file.unwrap().path());
    for path in paths.filter(|path| path.extension().is_some_and(|ending| ending == "parquet")) {
        // Far enough to know the columns, which are after all pages were read.
        let error = load_table(&path, "no such column", None).unwrap_err();
        assert!(matches!(error, TableError::MissingColumn { .. }), "{error}");
    }
}
