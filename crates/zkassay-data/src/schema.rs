//! What each table must look like: columns, types and keys.
//!
//! Columns that a schema does not name are dropped on validation, except in
//! the value-locked table, where every further column is a token.

use polars::prelude::{Column, DataFrame, DataType, Schema};

use crate::{DataError, Result};

/// Column names, types and keys of one table.
#[derive(Debug)]
pub struct TableSchema {
    /// What the table is called in messages.
    pub name: &'static str,
    /// Its file or directory, relative to the directory of all tables.
    pub location: &'static str,
    /// The columns in their canonical order.
    pub columns: &'static [(&'static str, DataType)],
    /// Type of every column not named in `columns`; none if those are dropped.
    pub others: Option<DataType>,
    /// Columns that hold no null.
    pub keys: &'static [&'static str],
}

/// Price (US dollars), market capitalisation and volume per token and day.
///
/// `price` is the quote at 00:00 UTC of `date`; `market_cap` is 0 or null
/// where the source has none.
pub static PRICES: TableSchema = TableSchema {
    name: "token price",
    location: "tokens_daily_prices_mcap_volume/tokens_daily_prices_mcap_volume.parquet",
    columns: &[
        ("date", DataType::Date),
        ("price", DataType::Float64),
        ("market_cap", DataType::Float64),
        ("volumes_last_24h", DataType::Float64),
        ("token", DataType::String),
    ],
    others: None,
    keys: &["date", "token"],
};

/// Value locked (US dollars) and yield (percent a year) per pool and day.
///
/// A pool is known by project, chain and the tokens under it, joined by `-`.
pub static POOLS: TableSchema = TableSchema {
    name: "pool yield",
    location: "top_pools_APY_per_protocol",
    columns: &[
        ("date", DataType::Date),
        ("tvlUsd", DataType::Int64),
        ("apy", DataType::Float64),
        ("project", DataType::String),
        ("underlying_token", DataType::String),
        ("chain", DataType::String),
    ],
    others: None,
    keys: &["date", "project", "underlying_token", "chain"],
};

/// Value locked (US dollars) per project and day, one column per token.
///
/// A partition holds only its project's tokens; the table is their union,
/// null where a project does not hold a token.
pub static VALUE_LOCKED: TableSchema = TableSchema {
    name: "value locked",
    location: "TVL_per_project_tokens",
    columns: &[("date", DataType::Date), ("project", DataType::String)],
    others: Some(DataType::Float64),
    keys: &["date", "project"],
};

/// Where the bucket keeps open, high, low and close prices (`date`, four f64, `token`).
pub const OHLC_LOCATION: &str = "tokens_OHCL/tokens_OHCL.parquet";

impl TableSchema {
    /// The table of this schema without rows.
    pub(crate) fn empty(&self) -> DataFrame {
        let columns = self.columns.iter();
        let fields = columns.map(|(name, kind)| ((*name).into(), kind.clone()));
        DataFrame::empty_with_schema(&fields.collect::<Schema>())
    }

    /// Checks `table` and puts its columns into canonical order.
    ///
    /// Named columns come as in [`Self::columns`]; further columns, where the
    /// schema has them, come before those, sorted by name. `origin` is the
    /// file or table that messages name.
    ///
    /// # Errors
    ///
    /// A column that is missing or of another type, a null key, no rows.
    pub fn validate(&self, table: &DataFrame, origin: &str) -> Result<DataFrame> {
        let mut columns = self.other_columns(table, origin)?;
        for (name, expected) in self.columns {
            let column = table
                .column(name)
                .map_err(|_| self.missing(name, expected, table, origin))?;
            check_type(column, expected, origin)?;
            columns.push(column.clone());
        }
        if table.height() == 0 {
            return Err(DataError::Empty {
                origin: origin.to_owned(),
            });
        }
        for key in self.keys {
            let nulls = table.column(key).map_or(0, Column::null_count);
            if nulls > 0 {
                return Err(DataError::NullKey {
                    origin: origin.to_owned(),
                    column: key,
                    nulls,
                    rows: table.height(),
                });
            }
        }
        DataFrame::new(table.height(), columns).map_err(DataError::polars("order the columns"))
    }

    /// The columns that the schema does not name, sorted; empty if it drops them.
    fn other_columns(&self, table: &DataFrame, origin: &str) -> Result<Vec<Column>> {
        let Some(expected) = &self.others else {
            return Ok(Vec::new());
        };
        let is_named = |column: &Column| {
            self.columns
                .iter()
                .any(|(name, _)| *name == column.name().as_str())
        };
        let mut others: Vec<Column> = table
            .columns()
            .iter()
            .filter(|column| !is_named(column))
            .cloned()
            .collect();
        others.sort_by(|a, b| a.name().cmp(b.name()));
        for column in &others {
            check_type(column, expected, origin)?;
        }
        Ok(others)
    }

    fn missing(
        &self,
        column: &'static str,
        expected: &DataType,
        table: &DataFrame,
        origin: &str,
    ) -> DataError {
        DataError::MissingColumn {
            origin: origin.to_owned(),
            column,
            expected: expected.to_string(),
            found: table
                .get_column_names()
                .iter()
                .map(|name| name.to_string())
                .collect(),
        }
    }
}

fn check_type(column: &Column, expected: &DataType, origin: &str) -> Result<()> {
    if column.dtype() == expected {
        return Ok(());
    }
    Err(DataError::ColumnType {
        origin: origin.to_owned(),
        column: column.name().to_string(),
        expected: expected.to_string(),
        found: column.dtype().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_table_has_the_columns_of_the_schema() {
        let table = POOLS.empty();
        assert_eq!(table.height(), 0);
        for (name, kind) in POOLS.columns {
            assert_eq!(table.column(name).unwrap().dtype(), kind);
        }
    }
}
