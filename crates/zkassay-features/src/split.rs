//! Which rows to fit on, to calibrate on, to test on.
//!
//! An *embargo* of `n` days keeps the sets of a split in time apart: the rows
//! of the last `n` days before a set's first day are in no set. Without one the
//! last training label is known on the first test day, and features that reach
//! back 30 days share most of those days with the training rows.

use serde::{Deserialize, Serialize};
use zkassay_data::Day;
use zkassay_seed::Stream;

use crate::{FeatureError, Result};

/// A way to split rows; the same for every model of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Splitter {
    /// One split in time: the last quarter of the rows is for testing.
    Chronological {
        /// Days between two sets.
        embargo: u16,
    },
    /// The rows are cut in time into `folds + 1` blocks of equal size (to one
    /// row); fold `i` learns from the first `i` blocks and is tested on the next.
    WalkForward {
        /// How many splits.
        folds: usize,
        /// Days between two sets.
        embargo: u16,
    },
    /// Splits at random, as the study does: a model sees the days around each
    /// test day. For comparison with the study only.
    Random {
        /// How many splits.
        rounds: usize,
        /// Seed of the first; each round adds one.
        seed: u64,
    },
}

impl Splitter {
    /// The splits of rows of the given days.
    ///
    /// # Errors
    ///
    /// Days that do not ascend, no fold or round, a set that would be empty.
    ///
    /// ```
    /// use zkassay_data::Day;
    /// use zkassay_features::Splitter;
    ///
    /// let first = Day::from_ymd(2022, 6, 2);
    /// let days: Vec<Day> = first.through(first + 599).collect();
    /// let splits = Splitter::WalkForward { folds: 5, embargo: 30 }.split(&days)?;
    /// assert_eq!(splits.len(), 5);
    /// assert_eq!(splits[0].test, (100..200).collect::<Vec<_>>());
    /// assert_eq!(splits[0].calibration.last(), Some(&69));
    /// # Ok::<(), zkassay_features::FeatureError>(())
    /// ```
    pub fn split(&self, days: &[Day]) -> Result<Vec<Split>> {
        if let Some(row) = (1..days.len()).find(|&row| days[row] <= days[row - 1]) {
            return Err(FeatureError::UnorderedDays {
                row,
                day: days[row],
            });
        }
        let rows = days.len();
        match *self {
            Self::Chronological { embargo } => {
                Ok(vec![Split::in_time(days, test_start(rows), rows, embargo)?])
            }
            Self::WalkForward { folds, embargo } => {
                some(folds, "folds")?;
                let edge = |block: usize| block * rows / (folds + 1);
                (1..=folds)
                    .map(|fold| Split::in_time(days, edge(fold), edge(fold + 1), embargo))
                    .collect()
            }
            Self::Random { rounds, seed } => {
                some(rounds, "rounds")?;
                let seeds = (0..rounds as u64).map(|round| seed.wrapping_add(round));
                seeds.map(|seed| Split::random(rows, seed)).collect()
            }
        }
    }
}

/// Refuses 0 of what a splitter counts.
fn some(count: usize, setting: &'static str) -> Result<()> {
    if count > 0 {
        return Ok(());
    }
    Err(FeatureError::Setting {
        setting,
        found: "0".to_owned(),
        expected: "at least 1",
    })
}

/// Three disjoint, ascending sets of row indices.
///
/// As in the study a quarter of the rows (rounded up) is for testing. Of the rest a
/// tenth (rounded to the nearest) is held out of the fit, to calibrate number formats on
/// rows that the model did not see. 599 rows give 404, 45 and 150. Without an
/// embargo the sets together are all rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Rows that features and models are fitted on.
    pub train: Vec<usize>,
    /// Rows that choose scales and ranges, never weights.
    pub calibration: Vec<usize>,
    /// Rows that results are reported on.
    pub test: Vec<usize>,
}

impl Split {
    /// Splits rows in time: the past to fit on, then the calibration rows, the
    /// latest to test on.
    ///
    /// # Errors
    ///
    /// [`FeatureError::EmptySet`] if one of the sets would be empty.
    ///
    /// ```
    /// use zkassay_features::Split;
    ///
    /// let split = Split::chronological(599)?;
    /// assert_eq!((split.train[403], split.calibration[0], split.test[0]), (403, 404, 449));
    /// # Ok::<(), zkassay_features::FeatureError>(())
    /// ```
    pub fn chronological(rows: usize) -> Result<Self> {
        Self::cut((0..rows).collect())
    }

    /// Splits rows at random, as the study does; same sizes, same seed, same split.
    ///
    /// On a time series this lets a model see the days around each test
    /// day: for comparison with the study only.
    ///
    /// # Errors
    ///
    /// As [`Self::chronological`].
    pub fn random(rows: usize, seed: u64) -> Result<Self> {
        let mut order: Vec<usize> = (0..rows).collect();
        Stream::new(seed, "features/split").shuffle(&mut order);
        Self::cut(order)
    }

    /// Tests on the rows from `test` to `end`. Of the earlier rows that the
    /// embargo leaves, the latest tenth is to calibrate on, and what the
    /// embargo leaves before those is to fit on.
    fn in_time(days: &[Day], test: usize, end: usize, embargo: u16) -> Result<Self> {
        let rows_clear_of = |row: usize| {
            let clear = |day: &Day| days[row] - *day > i32::from(embargo);
            days[..row].partition_point(clear)
        };
        let seen = rows_clear_of(test);
        let calibration = seen - held_out(seen);
        Self {
            train: (0..rows_clear_of(calibration)).collect(),
            calibration: (calibration..seen).collect(),
            test: (test..end).collect(),
        }
        .checked(days.len())
    }

    /// Cuts an order of all rows into the three sets.
    fn cut(mut order: Vec<usize>) -> Result<Self> {
        let rows = order.len();
        let seen = test_start(rows);
        let test = order.split_off(seen);
        let calibration = order.split_off(seen - held_out(seen));
        let ascending = |mut rows: Vec<usize>| {
            rows.sort_unstable();
            rows
        };
        Self {
            train: ascending(order),
            calibration: ascending(calibration),
            test: ascending(test),
        }
        .checked(rows)
    }

    /// Refuses empty sets.
    fn checked(self, rows: usize) -> Result<Self> {
        if [&self.train, &self.calibration, &self.test]
            .iter()
            .any(|set| set.is_empty())
        {
            return Err(FeatureError::EmptySet {
                rows,
                train: self.train.len(),
                calibration: self.calibration.len(),
                test: self.test.len(),
            });
        }
        Ok(self)
    }
}

/// Where the last quarter of the rows begins, rounded up in its favour.
fn test_start(rows: usize) -> usize {
    rows - rows.div_ceil(4)
}

/// A tenth of the rows seen, to the nearest.
fn held_out(seen: usize) -> usize {
    (seen + 5) / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(split: &Split) -> [usize; 3] {
        [split.train.len(), split.calibration.len(), split.test.len()]
    }

    fn all_rows(split: &Split) -> Vec<usize> {
        let sets = [&split.train, &split.calibration, &split.test];
        let mut rows: Vec<usize> = sets.into_iter().flatten().copied().collect();
        rows.sort_unstable();
        rows
    }

    #[test]
    fn the_study_has_449_rows_to_learn_from_and_150_to_test() {
        let split = Split::chronological(599).unwrap();
        assert_eq!(sizes(&split), [404, 45, 150]);
        assert!(split.train.last() < split.calibration.first());
        assert!(split.calibration.last() < split.test.first());
    }

    #[test]
    fn every_row_is_in_one_set() {
        for rows in 7..200 {
            for split in [Split::chronological(rows), Split::random(rows, 3)] {
                let split = split.unwrap();
                assert!(sizes(&split).iter().all(|size| *size > 0), "{rows}");
                assert_eq!(all_rows(&split), (0..rows).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn random_splits_follow_the_seed() {
        let split = |seed| Split::random(599, seed).unwrap();
        assert_eq!(split(1), split(1));
        assert_ne!(split(1), split(2));
        assert_eq!(sizes(&split(1)), [404, 45, 150]);
        assert!(split(1).test.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn too_few_rows_are_refused() {
        let error = Split::chronological(6).unwrap_err();
        assert!(matches!(error, FeatureError::EmptySet { rows: 6, .. }));
    }

    /// `count` ascending days, about one in five of them missing.
    fn some_days(count: usize, seed: u64) -> Vec<Day> {
        let mut stream = Stream::new(seed, "test/days");
        let mut day = Day::from_ymd(2022, 1, 1);
        let mut next = || {
            day = day + 1 + i32::from(stream.unit() < 0.2);
            day
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn splits_in_time_are_disjoint_ordered_and_apart() {
        for seed in 0..60 {
            let mut stream = Stream::new(seed, "test/splits");
            let days = some_days(300 + stream.below(400), seed);
            let embargo = stream.below(25) as u16;
            let folds = 1 + stream.below(5);
            let walk = Splitter::WalkForward { folds, embargo }
                .split(&days)
                .unwrap();
            assert_eq!(walk.len(), folds);
            let chronological = Splitter::Chronological { embargo }.split(&days).unwrap();
            for split in walk.iter().chain(&chronological) {
                let sets = [&split.train, &split.calibration, &split.test];
                for set in sets {
                    assert!(set.windows(2).all(|pair| pair[0] + 1 == pair[1]));
                }
                for pair in sets.windows(2) {
                    let (last, first) = (*pair[0].last().unwrap(), pair[1][0]);
                    assert!(days[first] - days[last] > i32::from(embargo), "{seed}");
                    // No more rows than needed are lost.
                    let lost = days[last + 1..first].iter();
                    assert!(
                        lost.clone()
                            .all(|day| days[first] - *day <= i32::from(embargo))
                    );
                }
                assert_eq!(split.train[0], 0);
            }
            // Walking forward tests every later row once, in order.
            let tested: Vec<usize> = walk.iter().flat_map(|split| split.test.clone()).collect();
            assert_eq!(
                tested,
                (days.len() / (folds + 1)..days.len()).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn without_an_embargo_the_chronological_split_is_whole() {
        let days = some_days(599, 1);
        let splits = Splitter::Chronological { embargo: 0 }.split(&days).unwrap();
        assert_eq!(splits, [Split::chronological(599).unwrap()]);
    }

    #[test]
    fn random_rounds_follow_the_seed() {
        let days = some_days(100, 1);
        let splits = Splitter::Random { rounds: 3, seed: 5 }
            .split(&days)
            .unwrap();
        let expected: Vec<Split> = (5..8)
            .map(|seed| Split::random(100, seed).unwrap())
            .collect();
        assert_eq!(splits, expected);
    }

    #[test]
    fn impossible_splits_are_refused() {
        let days = some_days(100, 1);
        let message =
            |splitter: Splitter, days: &[Day]| splitter.split(days).unwrap_err().to_string();
        let walk = |folds, embargo| Splitter::WalkForward { folds, embargo };
        assert!(message(walk(0, 0), &days).contains("`folds` is 0"));
        assert!(message(walk(9, 30), &days).contains("shorter embargo"));
        let repeated = [days[0], days[0]];
        assert!(message(walk(1, 0), &repeated).contains("row 1"));
    }

    #[test]
    fn index_sets_survive_storage() {
        let splitter = Splitter::WalkForward {
            folds: 3,
            embargo: 7,
        };
        let text = serde_json::to_string(&splitter).unwrap();
        assert_eq!(text, r#"{"walk-forward":{"folds":3,"embargo":7}}"#);
        assert_eq!(serde_json::from_str::<Splitter>(&text).unwrap(), splitter);
        let splits = splitter.split(&some_days(200, 2)).unwrap();
        let text = serde_json::to_string(&splits).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Split>>(&text).unwrap(), splits);
    }
}
