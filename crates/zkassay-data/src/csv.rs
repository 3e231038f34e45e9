//! CSV files with a header: rows of text, and tables of a known schema.
//!
//! Fields are separated by commas and may be quoted (RFC 4180); the text is
//! UTF-8, with or without a byte order mark.

use std::fs::File;
use std::path::Path;

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use polars::prelude::{Column, DataFrame, DataType, NamedFrom, Series};

use crate::number::{self, Number};
use crate::schema::TableSchema;
use crate::{DataError, Day, Result};

/// A CSV file that is being read row by row.
pub(crate) struct CsvFile<'a> {
    path: &'a Path,
    reader: Reader<File>,
    /// The column names of the first line.
    pub(crate) names: Vec<String>,
}

impl<'a> CsvFile<'a> {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened, is empty, or names a column twice or not at all.
    pub(crate) fn open(path: &'a Path) -> Result<Self> {
        let file = File::open(path).map_err(DataError::io("open", path))?;
        let mut reader = ReaderBuilder::new().from_reader(file);
        let header = reader.headers().map_err(|error| broken(path, &error))?;
        let mut names: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        if let Some(first) = names.first_mut() {
            *first = first.trim_start_matches('\u{feff}').to_owned();
        }
        let header_error = |reason: String| DataError::Csv {
            path: path.to_path_buf(),
            line: 1,
            reason,
        };
        if names.iter().all(String::is_empty) {
            return Err(DataError::Empty {
                origin: path.display().to_string(),
            });
        }
        for (index, name) in names.iter().enumerate() {
            if name.is_empty() {
                return Err(header_error(format!(
                    "column {} has no name; name it or remove it",
                    index + 1
                )));
            }
            if names[..index].contains(name) {
                return Err(header_error(format!(
                    "two columns are called `{name}`; rename one of them"
                )));
            }
        }
        Ok(Self {
            path,
            reader,
            names,
        })
    }

    /// Reads the next row into `row`; false at the end of the file.
    ///
    /// # Errors
    ///
    /// A row of another length than the header, or text that is not UTF-8.
    pub(crate) fn next(&mut self, row: &mut StringRecord) -> Result<bool> {
        self.reader
            .read_record(row)
            .map_err(|error| broken(self.path, &error))
    }

    /// An error about a row.
    pub(crate) fn error(&self, row: &StringRecord, reason: String) -> DataError {
        DataError::Csv {
            path: self.path.to_path_buf(),
            line: row.position().map_or(0, csv::Position::line),
            reason,
        }
    }
}

/// An error of the reader, in our words.
fn broken(path: &Path, error: &csv::Error) -> DataError {
    let reason = match error.kind() {
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!(
            "the row has {len} fields, the header {expected_len}; is a field with a comma not quoted?"
        ),
        ErrorKind::Utf8 { .. } => "the text is not UTF-8; convert the file".to_owned(),
        _ => error.to_string(),
    };
    DataError::Csv {
        path: path.to_path_buf(),
        line: error.position().map_or(1, csv::Position::line),
        reason,
    }
}

/// Values of one column of a schema.
enum Values {
    Days(Vec<Option<i32>>),
    Numbers(Vec<Option<f64>>),
    Texts(Vec<Option<String>>),
}

impl Values {
    fn of(kind: &DataType) -> Self {
        match kind {
            DataType::Date => Self::Days(Vec::new()),
            DataType::Float64 => Self::Numbers(Vec::new()),
            _ => Self::Texts(Vec::new()),
        }
    }

    /// Appends a field; what was expected if it is not of this kind.
    fn push(&mut self, field: &str) -> Result<(), &'static str> {
        match self {
            Self::Days(days) => days.push(match number::is_missing(field) {
                true => None,
                false => Some(
                    Day::parse(field.trim())
                        .ok_or("a date YYYY-MM-DD")?
                        .epoch_days(),
                ),
            }),
            Self::Numbers(numbers) => {
                numbers.push(match number::parse(field).ok_or("a number")? {
                    Number::Value(value) => Some(value),
                    Number::Missing => None,
                })
            }
            Self::Texts(texts) => texts.push((!field.is_empty()).then(|| field.to_owned())),
        }
        Ok(())
    }

    fn into_column(self, name: &str, kind: &DataType) -> Result<Column> {
        let series = match self {
            Self::Days(days) => Series::new(name.into(), days),
            Self::Numbers(numbers) => Series::new(name.into(), numbers),
            Self::Texts(texts) => Series::new(name.into(), texts),
        };
        let column = series
            .cast(kind)
            .map_err(DataError::polars("make a column"))?;
        Ok(column.into())
    }
}

/// Reads the columns of `schema` from a CSV file; others are dropped.
///
/// # Errors
///
/// As [`CsvFile`]; a missing column, a field that is not of its column's type.
pub(crate) fn read(path: &Path, schema: &TableSchema) -> Result<DataFrame> {
    let mut file = CsvFile::open(path)?;
    let mut columns = Vec::with_capacity(schema.columns.len());
    for (name, kind) in schema.columns {
        let position = file.names.iter().position(|found| found == name);
        let position = position.ok_or_else(|| DataError::MissingColumn {
            origin: path.display().to_string(),
            column: name,
            expected: kind.to_string(),
            found: file.names.clone(),
        })?;
        columns.push((*name, kind, position, Values::of(kind)));
    }
    let mut row = StringRecord::new();
    let mut rows = 0;
    while file.next(&mut row)? {
        for (name, _, position, values) in &mut columns {
            let field = row.get(*position).unwrap_or_default();
            values.push(field).map_err(|expected| {
                file.error(
                    &row,
                    format!("`{name}` must be {expected}, found `{field}`"),
                )
            })?;
        }
        rows += 1;
    }
    let columns = columns
        .into_iter()
        .map(|(name, kind, _, values)| values.into_column(name, kind))
        .collect::<Result<Vec<_>>>()?;
    DataFrame::new(rows, columns).map_err(DataError::polars("assemble a table"))
}
