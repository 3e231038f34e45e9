//! Which rows to fit on, to calibrate on, to test on.

use serde::{Deserialize, Serialize};
use zkassay_seed::Stream;

use crate::{FeatureError, Result};

/// Three disjoint, ascending sets of row indices that together are all rows.
///
/// As in the study a quarter of the rows (rounded up) is for testing. Of the rest a
/// tenth (rounded to the nearest) is held out of the fit, to calibrate number formats on
/// rows that the model did not see. 599 rows give 404, 45 and 150.
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
    /// [`FeatureError::TooFewRows`] if one of the sets would be empty.
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

    /// Cuts an order of all rows into the three sets.
    fn cut(mut order: Vec<usize>) -> Result<Self> {
        /// The fewest rows of which each set gets one.
        const NEEDED: usize = 7;
        let rows = order.len();
        if rows < NEEDED {
            return Err(FeatureError::TooFewRows {
                purpose: "split into train, calibration and test",
                rows,
                needed: NEEDED,
            });
        }
        let seen = rows - rows.div_ceil(4);
        let held_out = (seen + 5) / 10;
        let test = order.split_off(seen);
        let calibration = order.split_off(seen - held_out);
        let ascending = |mut rows: Vec<usize>| {
            rows.sort_unstable();
            rows
        };
        Ok(Self {
            train: ascending(order),
            calibration: ascending(calibration),
            test: ascending(test),
        })
    }
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
        assert!(matches!(
            error,
            FeatureError::TooFewRows {
                rows: 6,
                needed: 7,
                ..
            }
        ));
    }
}
