//! Columns by day: the common form of all sources before they are joined.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::{Column, DataFrame, DataType, PolarsResult};
use zkassay_data::Day;

use crate::{FeatureError, Result};

/// A named column with a value on some days; the others are null.
pub(crate) struct DailyColumn {
    pub(crate) name: String,
    pub(crate) values: BTreeMap<Day, f64>,
}

impl DailyColumn {
    /// A column of `name` from pairs of day and value.
    pub(crate) fn new(name: String, values: impl IntoIterator<Item = (Day, Option<f64>)>) -> Self {
        let values = values.into_iter();
        Self {
            name,
            values: values
                .filter_map(|(day, value)| Some((day, value?)))
                .collect(),
        }
    }
}

/// Columns of one source and the days on which it has a row.
pub(crate) struct Block {
    pub(crate) days: BTreeSet<Day>,
    pub(crate) columns: Vec<DailyColumn>,
    /// Rows of the source that repeated an earlier key and were merged into it.
    pub(crate) duplicates: usize,
}

impl Block {
    /// The same rows, stamped `days` later: when they can be used, not when
    /// they were measured.
    pub(crate) fn delayed(self, days: i32) -> Self {
        let columns = self.columns.into_iter().map(|column| DailyColumn {
            name: column.name,
            values: column
                .values
                .into_iter()
                .map(|(day, value)| (day + days, value))
                .collect(),
        });
        Self {
            days: self.days.into_iter().map(|day| day + days).collect(),
            columns: columns.collect(),
            duplicates: self.duplicates,
        }
    }
}

/// A date column as days.
pub(crate) fn days(table: &DataFrame, name: &str) -> Result<Vec<Day>> {
    let days = read(table, name, |column| {
        let epoch_days = column.cast(&DataType::Int32)?;
        Ok(epoch_days.i32()?.iter().flatten().collect::<Vec<_>>())
    })?;
    Ok(days.into_iter().map(Day::from_epoch_days).collect())
}

/// A numeric column; what is null, NaN or infinite in the table is none.
pub(crate) fn numbers(table: &DataFrame, name: &str) -> Result<Vec<Option<f64>>> {
    read(table, name, |column| {
        let numbers = column.cast(&DataType::Float64)?;
        let finite = |value: Option<f64>| value.filter(|number| number.is_finite());
        Ok(numbers.f64()?.iter().map(finite).collect())
    })
}

/// A text column without nulls.
pub(crate) fn texts<'a>(table: &'a DataFrame, name: &str) -> Result<Vec<&'a str>> {
    read(table, name, |column| {
        Ok(column.str()?.iter().flatten().collect())
    })
}

fn read<'a, T>(
    table: &'a DataFrame,
    name: &str,
    get: impl FnOnce(&'a Column) -> PolarsResult<T>,
) -> Result<T> {
    table
        .column(name)
        .and_then(get)
        .map_err(|source| FeatureError::Column {
            column: name.to_owned(),
            source,
        })
}
