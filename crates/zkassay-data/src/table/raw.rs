//! Columns as the file has them, before anything is asked of them.

use std::path::Path;

use csv::StringRecord;
use polars::prelude::{AnyValue, Column, DataFrame};

use super::TableError;
use crate::csv::CsvFile;
use crate::number::{self, Number};
use crate::parquet;

/// A table as read.
pub(super) struct RawTable {
    pub(super) names: Vec<String>,
    pub(super) columns: Vec<RawColumn>,
    pub(super) rows: usize,
    /// Line of each row in a CSV file; empty for parquet.
    lines: Vec<u64>,
}

/// One column as read.
pub(super) enum RawColumn {
    /// From a CSV file, where everything is text.
    Fields(Vec<String>),
    /// From a parquet file.
    Typed(Column),
}

/// One value as read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Missing,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Days(i32),
    Text(String),
    /// Another type of parquet, by name.
    Other(String),
}

impl RawTable {
    /// Reads a file by the ending of its name.
    pub(super) fn read(path: &Path) -> Result<Self, TableError> {
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        match ending.to_ascii_lowercase().as_str() {
            "csv" => Self::read_csv(path),
            "parquet" => Ok(Self::of_frame(&parquet::read(path)?)),
            _ => Err(TableError::UnknownFormat {
                file: path.display().to_string(),
            }),
        }
    }

    fn read_csv(path: &Path) -> Result<Self, TableError> {
        let mut file = CsvFile::open(path)?;
        let mut columns = vec![Vec::new(); file.names.len()];
        let mut lines = Vec::new();
        let mut row = StringRecord::new();
        while file.next(&mut row)? {
            lines.push(row.position().map_or(0, csv::Position::line));
            for (column, field) in columns.iter_mut().zip(&row) {
                column.push(field.trim().to_owned());
            }
        }
        Ok(Self {
            names: file.names,
            columns: columns.into_iter().map(RawColumn::Fields).collect(),
            rows: lines.len(),
            lines,
        })
    }

    fn of_frame(table: &DataFrame) -> Self {
        let names = table.get_column_names();
        Self {
            names: names.iter().map(|name| name.to_string()).collect(),
            columns: table
                .columns()
                .iter()
                .cloned()
                .map(RawColumn::Typed)
                .collect(),
            rows: table.height(),
            lines: Vec::new(),
        }
    }

    /// Index of a column.
    pub(super) fn position(&self, column: &str, file: &str) -> Result<usize, TableError> {
        let position = self.names.iter().position(|name| name == column);
        position.ok_or_else(|| TableError::MissingColumn {
            file: file.to_owned(),
            column: column.to_owned(),
            found: self.names.clone(),
        })
    }

    /// Where a row is, for people.
    pub(super) fn place(&self, row: usize) -> String {
        match self.lines.get(row) {
            Some(line) => format!("line {line}"),
            None => format!("row {}", row + 1),
        }
    }
}

impl RawColumn {
    /// The value of a row.
    pub(super) fn cell(&self, row: usize) -> Cell {
        match self {
            Self::Fields(fields) => Cell::of_field(&fields[row]),
            Self::Typed(column) => column
                .get(row)
                .map_or(Cell::Missing, |value| Cell::of_value(&value)),
        }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Fields(fields) => fields.len(),
            Self::Typed(column) => column.len(),
        }
    }

    /// The column as numbers; row and value of the first that is none.
    pub(super) fn numbers(&self) -> Result<Vec<Option<f64>>, (usize, String)> {
        let rows = 0..self.len();
        rows.map(|row| match self.cell(row) {
            Cell::Missing => Ok(None),
            Cell::Bool(value) => Ok(Some(f64::from(u8::from(value)))),
            Cell::Integer(value) => Ok(Some(value as f64)),
            Cell::Float(value) if value.is_finite() => Ok(Some(value)),
            other => Err((row, other.describe())),
        })
        .collect()
    }
}

impl Cell {
    fn of_field(field: &str) -> Self {
        match (number::parse(field), field.parse(), field) {
            (Some(Number::Missing), ..) => Self::Missing,
            (Some(Number::Value(_)), Ok(integer), _) => Self::Integer(integer),
            (Some(Number::Value(value)), ..) => Self::Float(value),
            (None, _, "true" | "True" | "TRUE") => Self::Bool(true),
            (None, _, "false" | "False" | "FALSE") => Self::Bool(false),
            _ => Self::Text(field.to_owned()),
        }
    }

    fn of_value(value: &AnyValue<'_>) -> Self {
        match value {
            AnyValue::Null => Self::Missing,
            AnyValue::Boolean(value) => Self::Bool(*value),
            AnyValue::Date(days) => Self::Days(*days),
            AnyValue::String(text) => Self::Text((*text).to_owned()),
            AnyValue::StringOwned(text) => Self::Text(text.to_string()),
            AnyValue::Float32(_) | AnyValue::Float64(_) => match value.extract::<f64>() {
                Some(value) if value.is_nan() => Self::Missing,
                Some(value) => Self::Float(value),
                None => Self::Missing,
            },
            // A number beyond 64 bits, or a type that is no number.
            other => match other.is_integer().then(|| other.extract()).flatten() {
                Some(value) => Self::Integer(value),
                None => Self::Other(other.dtype().to_string()),
            },
        }
    }

    /// The value for people.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Missing => "nothing".to_owned(),
            Self::Bool(value) => format!("`{value}`"),
            Self::Integer(value) => format!("`{value}`"),
            Self::Float(value) => format!("`{value}`"),
            Self::Days(days) => format!("the date {}", crate::Day::from_epoch_days(*days)),
            Self::Text(text) => format!("`{text}`"),
            Self::Other(kind) => format!("a value of type {kind}"),
        }
    }
}
