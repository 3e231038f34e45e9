//! Rows that a table holds more than once.

use std::collections::HashMap;

use polars::prelude::DataFrame;
use serde::Serialize;

use crate::schema::TableSchema;
use crate::{DataError, Result};

/// Rows that share their key (date and names) with an earlier row of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// Rows equal to the earlier row in every column: dropping them loses nothing.
    pub identical: usize,
    /// Rows with the same key but other values: somebody has to choose.
    pub conflicting: usize,
}

impl Duplicates {
    /// Counts the duplicates of `table` by the keys of `schema`.
    ///
    /// # Errors
    ///
    /// [`DataError::Polars`] if a key column is missing or a value cannot be read.
    pub fn count(table: &DataFrame, schema: &TableSchema) -> Result<Self> {
        let keys = schema.keys.iter().map(|name| table.column(name));
        let keys: Vec<_> = keys
            .collect::<Result<_, _>>()
            .map_err(DataError::polars("find the key columns"))?;
        let mut first_rows: HashMap<String, usize> = HashMap::with_capacity(table.height());
        let mut duplicates = Self::default();
        for row in 0..table.height() {
            let mut key = String::new();
            for column in &keys {
                let value = column.get(row).map_err(DataError::polars("read a key"))?;
                // Debug quotes and escapes texts, so that keys cannot run into each other.
                key.push_str(&format!("{value:?},"));
            }
            match first_rows.get(&key) {
                None => {
                    first_rows.insert(key, row);
                }
                Some(&earlier) if rows_equal(table, earlier, row)? => duplicates.identical += 1,
                Some(_) => duplicates.conflicting += 1,
            }
        }
        Ok(duplicates)
    }
}

/// Whether two rows are equal in every column, null being equal to null.
fn rows_equal(table: &DataFrame, a: usize, b: usize) -> Result<bool> {
    for column in table.columns() {
        let read = |row| column.get(row).map_err(DataError::polars("read a value"));
        if read(a)? != read(b)? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use polars::prelude::{Column, DataType, NamedFrom, Series};

    use super::*;
    use crate::schema::PRICES;

    #[test]
    fn equal_rows_and_equal_keys_are_told_apart() {
        let days: Column = Series::new("date".into(), [1, 1, 1, 2])
            .cast(&DataType::Date)
            .unwrap()
            .into();
        let price = Series::new("price".into(), [Some(1.5), Some(1.5), None, Some(1.5)]);
        let token = Series::new("token".into(), ["A", "A", "A", "A"]);
        let table = DataFrame::new(4, vec![days, price.into(), token.into()]).unwrap();
        let found = Duplicates::count(&table, &PRICES).unwrap();
        assert_eq!((found.identical, found.conflicting), (1, 1));
    }
}
