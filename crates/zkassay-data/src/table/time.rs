//! A column of times, to order rows by.

use super::TableError;
use super::raw::{Cell, RawTable};
use crate::Day;

/// When a row was: comparable within one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Time {
    /// Seconds since 1970-01-01 00:00 UTC, from a date or a date with a time of day.
    Seconds(i64),
    /// A number that the user counts in.
    Index(i64),
}

impl Time {
    /// The calendar date; none for an index.
    pub fn day(self) -> Option<Day> {
        match self {
            Self::Seconds(seconds) => i32::try_from(seconds.div_euclid(SECONDS_PER_DAY))
                .ok()
                .map(Day::from_epoch_days),
            Self::Index(_) => None,
        }
    }

    /// Reads `YYYY-MM-DD`, optionally with `Thh:mm` or `Thh:mm:ss`, a space for the `T`, and `Z`.
    fn parse(text: &str) -> Option<Self> {
        let (date, clock) = match text.split_once(['T', ' ']) {
            Some((date, clock)) => (date, clock.strip_suffix('Z').unwrap_or(clock)),
            None => (text, "00:00"),
        };
        let midnight = i64::from(Day::parse(date)?.epoch_days()) * SECONDS_PER_DAY;
        let mut seconds = 0;
        let mut parts = clock.split(':');
        for (unit, limit) in [(3600, 24), (60, 60), (1, 60)] {
            let Some(part) = parts.next() else {
                // Seconds alone may be left out.
                return (unit == 1).then_some(Self::Seconds(midnight + seconds));
            };
            let two_digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            let value: i64 = part
                .parse()
                .ok()
                .filter(|value| two_digits && *value < limit)?;
            seconds += unit * value;
        }
        parts
            .next()
            .is_none()
            .then_some(Self::Seconds(midnight + seconds))
    }
}

const SECONDS_PER_DAY: i64 = 86_400;

/// The time of every row; all of one kind.
pub(super) fn read(raw: &RawTable, position: usize, file: &str) -> Result<Vec<Time>, TableError> {
    let column = &raw.columns[position];
    let mut times: Vec<Time> = Vec::with_capacity(raw.rows);
    for row in 0..raw.rows {
        let cell = column.cell(row);
        let time = match &cell {
            Cell::Integer(index) => Some(Time::Index(*index)),
            Cell::Days(days) => Some(Time::Seconds(i64::from(*days) * SECONDS_PER_DAY)),
            Cell::Text(text) => Time::parse(text),
            _ => None,
        };
        let same_kind = |time: &Time| {
            times
                .first()
                .is_none_or(|first| std::mem::discriminant(first) == std::mem::discriminant(time))
        };
        match time.filter(same_kind) {
            Some(time) => times.push(time),
            None => {
                return Err(TableError::NotTime {
                    file: file.to_owned(),
                    column: raw.names[position].clone(),
                    place: raw.place(row),
                    found: cell.describe(),
                });
            }
        }
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_of_day() {
        let seconds = |text| Time::parse(text);
        assert_eq!(seconds("1970-01-02"), Some(Time::Seconds(86_400)));
        assert_eq!(seconds("1970-01-01T01:02:03Z"), Some(Time::Seconds(3723)));
        assert_eq!(seconds("1970-01-01 01:02"), Some(Time::Seconds(3720)));
        for text in [
            "1970-01-01T24:00",
            "1970-01-01T1:00",
            "1970-01-01T01",
            "01.02.1970",
            "1970-01-01T01:02:03:04",
            "1970-01-01T",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert_eq!(Time::Seconds(-1).day(), Some(Day::from_ymd(1969, 12, 31)));
    }
}
