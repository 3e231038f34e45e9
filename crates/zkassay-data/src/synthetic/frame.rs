//! Rows to columns: the little of `DataFrame` building the tables need.

use polars::prelude::{Column, DataFrame, DataType, NamedFrom, Series};

use crate::{DataError, Day, Result};

/// A column of calendar dates.
pub(super) fn date_column(name: &str, days: &[Day]) -> Result<Column> {
    let epoch_days: Vec<i32> = days.iter().map(|day| day.epoch_days()).collect();
    Series::new(name.into(), epoch_days)
        .cast(&DataType::Date)
        .map(Column::from)
        .map_err(DataError::polars("make a date column"))
}

/// A column of any type that polars takes directly.
pub(super) fn column<T>(name: &str, values: T) -> Column
where
    Series: NamedFrom<T, [T::Item]>,
    T: IntoIterator,
{
    Series::new(name.into(), values).into()
}

/// A table of columns of equal length.
pub(super) fn table(columns: Vec<Column>) -> Result<DataFrame> {
    let height = columns.first().map_or(0, Column::len);
    DataFrame::new(height, columns).map_err(DataError::polars("assemble a table"))
}
