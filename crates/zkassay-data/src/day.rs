//! A calendar date: days since 1970-01-01, without time or zone.
//!
//! The tables hold one row per day, so this is all the calendar the project
//! needs. Conversions follow Howard Hinnant's `days_from_civil`, exact over
//! the whole proleptic Gregorian range of `i32` years used here.

use std::fmt;
use std::ops::{Add, Sub};

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

/// A calendar date, ordered by time.
///
/// ```
/// use zkassay_data::Day;
///
/// let day = Day::from_ymd(2022, 6, 1);
/// assert_eq!(day.to_string(), "2022-06-01");
/// assert_eq!(Day::parse("2022-06-01"), Some(day));
/// assert_eq!((day + 30).month(), 7);
/// assert_eq!(day.weekday(), 3, "a Wednesday");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    /// The date of `year`, `month` (1 to 12) and `day` (1 to 31).
    ///
    /// Days past the end of the month run over into the next one.
    pub const fn from_ymd(year: i32, month: u32, day: u32) -> Self {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted_month = ((month + 9) % 12) as i32;
        let day_of_year = (153 * shifted_month + 2) / 5 + day as i32 - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self(era * 146_097 + day_of_era - 719_468)
    }

    /// The date `days` after 1970-01-01, which is how parquet stores it.
    pub const fn from_epoch_days(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    pub const fn epoch_days(self) -> i32 {
        self.0
    }

    /// The date of an ISO text `YYYY-MM-DD`; none if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let year = parts.next()?.parse().ok()?;
        let month = parts.next()?.parse().ok()?;
        let day = parts.next()?.parse().ok()?;
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        // 30 February and its like run over into another month, so they fail here.
        let date = Self::from_ymd(year, month, day);
        (date.to_string() == text).then_some(date)
    }

    /// Day of the week, Monday = 1 to Sunday = 7 (ISO 8601).
    pub const fn weekday(self) -> u32 {
        // 1970-01-01 was a Thursday.
        (self.0 + 3).rem_euclid(7) as u32 + 1
    }

    /// The calendar year.
    pub const fn year(self) -> i32 {
        self.civil().0
    }

    /// The month, 1 to 12.
    pub const fn month(self) -> u32 {
        self.civil().1
    }

    /// Day of the month, 1 to 31.
    pub const fn day_of_month(self) -> u32 {
        self.civil().2
    }

    /// Every date from `self` to `last`, both included.
    pub fn through(self, last: Self) -> impl DoubleEndedIterator<Item = Self> + Clone {
        (self.0..=last.0).map(Self)
    }

    const fn civil(self) -> (i32, u32, u32) {
        let days = self.0 + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
        let month = ((shifted_month + 2) % 12 + 1) as u32;
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        (year, month, day)
    }
}

impl Add<i32> for Day {
    type Output = Self;

    fn add(self, days: i32) -> Self {
        Self(self.0 + days)
    }
}

impl Sub for Day {
    type Output = i32;

    /// Days from `other` to `self`.
    fn sub(self, other: Self) -> i32 {
        self.0 - other.0
    }
}

impl fmt::Display for Day {
    /// ISO 8601: `YYYY-MM-DD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl Serialize for Day {
    /// As ISO text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("expected a date YYYY-MM-DD, found `{text}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        assert_eq!(Day::from_ymd(1970, 1, 1).epoch_days(), 0);
        assert_eq!(Day::from_ymd(2000, 2, 29).epoch_days(), 11_016);
        assert_eq!(Day::from_ymd(2024, 1, 22).weekday(), 1);
        assert_eq!(Day::from_ymd(2024, 1, 22) - Day::from_ymd(2022, 6, 2), 599);
    }

    #[test]
    fn every_day_survives_the_round_trip() {
        let (first, last) = (Day::from_ymd(1899, 12, 31), Day::from_ymd(2101, 1, 1));
        assert_eq!(last - first, 201 * 365 + 49 + 1, "49 leap days in between");
        for (index, day) in first.through(last).enumerate() {
            assert_eq!(day, first + index as i32);
            let (year, month, of_month) = (day.year(), day.month(), day.day_of_month());
            assert_eq!(Day::from_ymd(year, month, of_month), day);
            assert_eq!(Day::parse(&day.to_string()), Some(day));
        }
    }

    #[test]
    fn impossible_texts_are_refused() {
        for text in [
            "",
            "2022",
            "2022-6-1",
            "2022-02-30",
            "2022-13-01",
            "2022-00-10",
            "x-y-z",
            "2022-06-01T00:00",
            "+2022-06-01",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }
}
