//! The price history of one token, and what is computed from it alone.

use std::collections::BTreeMap;

use zkassay_data::Day;

use crate::rules::Shift;

/// The rows of one token, sorted by day, one per day.
#[derive(Default)]
pub(crate) struct TokenSeries {
    pub(crate) days: Vec<Day>,
    pub(crate) prices: Vec<Option<f64>>,
    pub(crate) volumes: Vec<Option<f64>>,
}

impl TokenSeries {
    /// Price minus the price `distance` before, by day.
    pub(crate) fn changes(&self, distance: usize, shift: Shift) -> Vec<(Day, Option<f64>)> {
        self.against(distance, shift, |now, earlier| now - earlier)
    }

    /// Whether the price rose over `distance`, as 1 or 0.
    pub(crate) fn trends(&self, distance: usize, shift: Shift) -> Vec<(Day, Option<f64>)> {
        self.against(distance, shift, |now, earlier| {
            f64::from(u8::from(now - earlier > 0.0))
        })
    }

    /// Relative change since the day (or row) before; null from a price of 0.
    pub(crate) fn returns(&self, shift: Shift) -> Vec<(Day, Option<f64>)> {
        let returns = self.against(1, shift, |now, earlier| now / earlier - 1.0);
        let finite = |(day, value): (Day, Option<f64>)| (day, value.filter(|v| v.is_finite()));
        returns.into_iter().map(finite).collect()
    }

    /// Whether the price rises over the *next* `distance`, on the days that know it.
    pub(crate) fn labels(&self, distance: usize, shift: Shift) -> BTreeMap<Day, u8> {
        let later = (0..self.days.len()).filter_map(|index| {
            let earlier = self.earlier(index, distance, shift)?;
            let rises = self.prices[index]? - self.prices[earlier]? > 0.0;
            Some((self.days[earlier], u8::from(rises)))
        });
        later.collect()
    }

    fn against(
        &self,
        distance: usize,
        shift: Shift,
        of: impl Fn(f64, f64) -> f64,
    ) -> Vec<(Day, Option<f64>)> {
        let value = |index: usize| {
            let earlier = self.prices[self.earlier(index, distance, shift)?]?;
            Some(of(self.prices[index]?, earlier))
        };
        let days = self.days.iter().enumerate();
        days.map(|(index, &day)| (day, value(index))).collect()
    }

    /// The row `distance` before that of `index`, if there is one.
    fn earlier(&self, index: usize, distance: usize, shift: Shift) -> Option<usize> {
        match shift {
            Shift::Rows => index.checked_sub(distance),
            Shift::CalendarDays => {
                let day = self.days[index] + -i32::try_from(distance).ok()?;
                self.days[..=index].binary_search(&day).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Shift::{CalendarDays, Rows};

    /// Rows of the given days after 1 January 2022.
    fn series(rows: &[(i32, Option<f64>)]) -> TokenSeries {
        let first = Day::from_ymd(2022, 1, 1);
        TokenSeries {
            days: rows.iter().map(|(day, _)| first + *day).collect(),
            prices: rows.iter().map(|(_, price)| *price).collect(),
            volumes: vec![None; rows.len()],
        }
    }

    fn values(pairs: Vec<(Day, Option<f64>)>) -> Vec<Option<f64>> {
        pairs.into_iter().map(|(_, value)| value).collect()
    }

    fn labels(series: &TokenSeries, shift: Shift) -> Vec<(i32, u8)> {
        let labels = series.labels(1, shift).into_iter();
        labels
            .map(|(day, label)| (day - series.days[0], label))
            .collect()
    }

    #[test]
    fn a_null_price_leaves_nulls() {
        let prices = [Some(1.0), Some(3.0), None, Some(2.0), Some(2.0)];
        let rows: Vec<_> = (0..).zip(prices).collect();
        let series = series(&rows);
        for shift in [Rows, CalendarDays] {
            assert_eq!(
                values(series.changes(1, shift)),
                [None, Some(2.0), None, None, Some(0.0)]
            );
            assert_eq!(
                values(series.trends(3, shift)),
                [None, None, None, Some(1.0), Some(0.0)]
            );
            assert_eq!(
                values(series.returns(shift)),
                [None, Some(2.0), None, None, Some(0.0)]
            );
            // No label next to the gap, none on the last day; no move is no rise.
            assert_eq!(labels(&series, shift), [(0, 1), (3, 0)]);
        }
    }

    #[test]
    fn a_missing_day_is_stepped_over_by_rows_only() {
        let series = series(&[
            (0, Some(1.0)),
            (1, Some(2.0)),
            (4, Some(5.0)),
            (5, Some(4.0)),
        ]);
        assert_eq!(
            values(series.changes(1, Rows)),
            [None, Some(1.0), Some(3.0), Some(-1.0)]
        );
        assert_eq!(
            values(series.changes(1, CalendarDays)),
            [None, Some(1.0), None, Some(-1.0)]
        );
        assert_eq!(
            values(series.changes(4, CalendarDays)),
            [None, None, Some(4.0), Some(2.0)]
        );
        assert_eq!(labels(&series, Rows), [(0, 1), (1, 1), (4, 0)]);
        assert_eq!(labels(&series, CalendarDays), [(0, 1), (4, 0)]);
    }

    #[test]
    fn a_price_of_zero_has_no_return() {
        let series = series(&[(0, Some(0.0)), (1, Some(2.0)), (2, Some(3.0))]);
        assert_eq!(
            values(series.returns(CalendarDays)),
            [None, None, Some(0.5)]
        );
    }
}
