//! A table of the user's own: CSV or parquet with a label column.
//!
//! Every column but the label and the time is a feature and must be numeric
//! (numbers, integers or booleans). Numbers in CSV files have a decimal point,
//! an optional exponent and no grouping; an empty field, `null`, `NA` and `NaN`
//! are missing values. Labels have two classes: 0 and 1, `true` and `false`,
//! two other integers, or two texts; the smaller is class 0.
//!
//! ```
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("loans.csv");
//! std::fs::write(&path, "day,income,age,repaid\n\
//!     2024-01-03,31.5,44,no\n2024-01-01,,37,yes\n2024-01-02,28,51,no\n")?;
//! let table = zkassay_data::load_table(&path, "repaid", Some("day"))?;
//! assert_eq!(table.names(), ["income", "age"]);
//! assert_eq!(table.classes(), &["no", "yes"]);
//! assert_eq!(table.labels(), [1, 0, 0], "rows are put into the order of time");
//! assert_eq!(table.column("income"), Some(&[None, Some(28.0), Some(31.5)][..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod label;
mod raw;
mod time;

use std::path::Path;

pub use error::TableError;
pub use time::Time;

use raw::{RawColumn, RawTable};

/// Features and labels read from a file; every column varies, every row is labelled.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnTable {
    names: Vec<String>,
    values: Vec<Vec<Option<f64>>>,
    labels: Vec<u8>,
    classes: [String; 2],
    times: Option<Vec<Time>>,
}

/// Reads a table whose other columns are all features.
///
/// Rows are put into the order of the `time` column, equal times in the order of the file;
/// without one they stay as they are.
///
/// # Errors
///
/// A file that cannot be read, that has neither the ending `.csv` nor `.parquet`, no rows, rows
/// of different lengths or two columns of one name; a column that is missing, not numeric,
/// constant or without values; labels that are missing or do not form two classes; a time that
/// is missing or not one. Each names file and column, and the line or row where there is one.
pub fn load_table(path: &Path, label: &str, time: Option<&str>) -> Result<OwnTable, TableError> {
    load_table_without(path, label, time, &[])
}

/// As [`load_table`], leaving out the columns `ignored`.
///
/// # Errors
///
/// As [`load_table`]; also if an ignored column is missing.
pub fn load_table_without(
    path: &Path,
    label: &str,
    time: Option<&str>,
    ignored: &[&str],
) -> Result<OwnTable, TableError> {
    let file = path.display().to_string();
    let raw = RawTable::read(path)?;
    for name in [label].iter().chain(time.as_slice()).chain(ignored) {
        raw.position(name, &file)?;
    }
    if raw.rows == 0 {
        return Err(TableError::Empty { file });
    }
    let (labels, classes) = label::classes(&raw, raw.position(label, &file)?, &file)?;
    let times = match time {
        Some(name) => Some(time::read(&raw, raw.position(name, &file)?, &file)?),
        None => None,
    };
    let mut names = Vec::new();
    let mut values = Vec::new();
    for (name, column) in raw.names.iter().zip(&raw.columns) {
        let is_other = name == label || time == Some(name) || ignored.contains(&name.as_str());
        if !is_other {
            values.push(feature(name, column, &raw, &file)?);
            names.push(name.clone());
        }
    }
    if names.is_empty() {
        return Err(TableError::NoFeatures { file });
    }
    let table = OwnTable {
        names,
        values,
        labels,
        classes,
        times,
    };
    Ok(table.in_order_of_time())
}

/// The values of a feature, which are numbers and differ.
fn feature(
    name: &str,
    column: &RawColumn,
    raw: &RawTable,
    file: &str,
) -> Result<Vec<Option<f64>>, TableError> {
    let values = column
        .numbers()
        .map_err(|(row, found)| TableError::NotNumeric {
            file: file.to_owned(),
            column: name.to_owned(),
            place: raw.place(row),
            found,
        })?;
    let mut present = values.iter().flatten();
    let constant = match present.next() {
        None => "has no values at all".to_owned(),
        Some(first) if present.all(|value| value == first) => match values.contains(&None) {
            true => format!("is {first} wherever it has a value"),
            false => format!("is {first} in every row"),
        },
        Some(_) => return Ok(values),
    };
    Err(TableError::Constant {
        file: file.to_owned(),
        column: name.to_owned(),
        constant,
    })
}

impl OwnTable {
    fn in_order_of_time(mut self) -> Self {
        let Some(times) = &mut self.times else {
            return self;
        };
        let mut order: Vec<usize> = (0..times.len()).collect();
        order.sort_by_key(|row| times[*row]);
        *times = order.iter().map(|row| times[*row]).collect();
        self.labels = order.iter().map(|row| self.labels[*row]).collect();
        for column in &mut self.values {
            *column = order.iter().map(|row| column[*row]).collect();
        }
        self
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// The features, in the order of the file.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// One column of `rows` values per feature; none where a value is missing.
    pub fn values(&self) -> &[Vec<Option<f64>>] {
        &self.values
    }

    /// The values of a feature.
    pub fn column(&self, name: &str) -> Option<&[Option<f64>]> {
        let position = self.names.iter().position(|found| found == name)?;
        self.values.get(position).map(Vec::as_slice)
    }

    /// Class of each row, 0 or 1.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// What the file calls classes 0 and 1.
    pub fn classes(&self) -> &[String; 2] {
        &self.classes
    }

    /// Time of each row, ascending; none without a time column.
    pub fn times(&self) -> Option<&[Time]> {
        self.times.as_deref()
    }
}
