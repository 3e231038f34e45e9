//! Columns by day: the common form of all sources before they are joined.

use std::collections::BTreeSet;

use polars::prelude::{Column, DataFrame, DataType, PolarsResult};
use zkassay_data::Day;

use crate::manifest::FeatureSpec;
use crate::{FeatureError, Result};

/// A feature's known values by the day that their source row is stamped with.
pub(crate) struct DailyColumn {
    pub(crate) spec: FeatureSpec,
    /// Ascending, at most one per day.
    values: Vec<(Day, f64)>,
}

impl DailyColumn {
    /// A column from ascending pairs of day and value; none is null.
    pub(crate) fn new(
        spec: FeatureSpec,
        values: impl IntoIterator<Item = (Day, Option<f64>)>,
    ) -> Self {
        let known = |(day, value): (Day, Option<f64>)| Some((day, value?));
        Self {
            spec,
            values: values.into_iter().filter_map(known).collect(),
        }
    }

    /// As-of join: on each of the ascending `days` the latest value that was
    /// available by then, null if that was more than `max_age` days before.
    pub(crate) fn on_days(&self, days: &[Day]) -> Vec<Option<f64>> {
        let (lag, max_age) = (i32::from(self.spec.lag), i32::from(self.spec.max_age));
        let mut available = 0;
        let latest = |day: &Day| {
            while self
                .values
                .get(available)
                .is_some_and(|(stamped, _)| *stamped + lag <= *day)
            {
                available += 1;
            }
            let (stamped, value) = self.values[..available].last()?;
            (*day - (*stamped + lag) <= max_age).then_some(*value)
        };
        days.iter().map(latest).collect()
    }
}

/// Columns of one source and the days on which it has a row.
pub(crate) struct Block {
    /// Days that rows are stamped with.
    pub(crate) days: BTreeSet<Day>,
    pub(crate) columns: Vec<DailyColumn>,
    /// Rows of the source that repeated an earlier key and were merged into it.
    pub(crate) duplicates: usize,
    /// Days from a row's stamp to its use.
    pub(crate) lag: u16,
}

impl Block {
    /// Whether the latest row that is available on `day` is young enough.
    pub(crate) fn is_fresh(&self, day: Day, max_age: u16) -> bool {
        let newest = day + -i32::from(self.lag);
        let oldest = newest + -i32::from(max_age);
        self.days.range(oldest..=newest).next().is_some()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{SourceTable, Unit};

    fn column(lag: u16, max_age: u16, values: &[(i32, f64)]) -> DailyColumn {
        let spec = FeatureSpec {
            name: "a".to_owned(),
            table: SourceTable::Pools,
            key: "a".to_owned(),
            column: "apy".to_owned(),
            unit: Unit::PercentPerYear,
            lag,
            max_age,
        };
        let values = values.iter();
        DailyColumn::new(
            spec,
            values.map(|&(day, value)| (Day::from_epoch_days(day), Some(value))),
        )
    }

    #[test]
    fn a_day_sees_the_latest_value_that_was_available() {
        let days: Vec<Day> = (0..10).map(Day::from_epoch_days).collect();
        let values = [(1, 1.0), (2, 2.0), (7, 7.0)];
        let on_days = |lag, max_age| column(lag, max_age, &values).on_days(&days);
        let (a, b, c) = (Some(1.0), Some(2.0), Some(7.0));
        let n = None;
        assert_eq!(on_days(0, 0), [n, a, b, n, n, n, n, c, n, n]);
        assert_eq!(on_days(1, 0), [n, n, a, b, n, n, n, n, c, n]);
        assert_eq!(on_days(1, 2), [n, n, a, b, b, b, n, n, c, c]);
        // Days may be missing from the rows as well.
        let sparse = [days[0], days[4], days[9]];
        assert_eq!(column(0, 2, &values).on_days(&sparse), [n, b, c]);
    }

    #[test]
    fn freshness_follows_the_rows() {
        let day = Day::from_epoch_days;
        let block = Block {
            days: [day(3), day(4)].into(),
            columns: Vec::new(),
            duplicates: 0,
            lag: 1,
        };
        let fresh: Vec<bool> = (3..9).map(|index| block.is_fresh(day(index), 2)).collect();
        assert_eq!(fresh, [false, true, true, true, true, false]);
    }
}
