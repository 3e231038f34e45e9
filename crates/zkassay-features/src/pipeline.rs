//! The configuration of a feature pipeline.
//!
//! The steps, in the order of the columns they give (counts for the default settings):
//!
//! 1. *Target*: volume, price changes over 1, 3, 7, 15 and 30 days, whether
//!    the price rose over them, day of the week (Monday = 1), year: 13.
//! 2. *Correlated tokens*: changes and trends of the five tokens that move
//!    most with the target: 50.
//! 3. *Value locked* in the target token, one column per project.
//! 4. *Pools* that hold the target token and were listed by the start: value
//!    locked, then yield of each.
//! 5. Join by day; columns that are too empty go; gaps become means; z-scores
//!    (`ddof` 1).
//!
//! How each step is done is said by the [`Rules`].

use serde::{Deserialize, Serialize};
use zkassay_data::{Day, Tables};

use crate::fitted::FittedPipeline;
use crate::raw::{RawTable, Selection};
use crate::{FeatureError, Result, Rules, exact};

/// What to make features of; [`Default`] is [`FeaturePipeline::honest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturePipeline {
    /// The token whose price is predicted.
    pub token: String,
    /// How many days (or rows) ahead the label looks.
    pub label_lag: usize,
    /// Over how many days (or rows) price changes and trends reach back.
    pub horizons: Vec<usize>,
    /// How many correlated tokens give features.
    pub correlated_tokens: usize,
    /// How many days (or rows) the other token precedes the target in the ranking.
    pub correlation_lag: usize,
    /// The last day before the study: rows count after it, pools must be
    /// listed by it.
    pub start: Day,
    /// A feature with a larger share of nulls is dropped.
    #[serde(with = "exact")]
    pub max_null_share: f64,
    /// How each step is done.
    pub rules: Rules,
}

impl Default for FeaturePipeline {
    fn default() -> Self {
        Self::honest()
    }
}

impl FeaturePipeline {
    /// The study's features as a model could have known them.
    ///
    /// Beyond the [rules](Rules::honest), tokens are ranked by the returns of
    /// the same day: those of 15 days before correlate with nothing (less than
    /// 0.1 on real prices), so they would choose tokens by chance.
    pub fn honest() -> Self {
        Self {
            correlation_lag: 0,
            rules: Rules::honest(),
            ..Self::paper()
        }
    }

    /// The study's notebook to the letter.
    pub fn paper() -> Self {
        Self {
            token: "WETH".to_owned(),
            label_lag: 1,
            horizons: vec![1, 3, 7, 15, 30],
            correlated_tokens: 5,
            correlation_lag: 15,
            start: Day::from_ymd(2022, 6, 1),
            max_null_share: 0.2,
            rules: Rules::paper(),
        }
    }

    /// Joins the tables into one row per day: features with nulls, and labels.
    ///
    /// A pool or value-locked table without rows counts as not there: it gives no
    /// features and keeps no day out.
    ///
    /// # Errors
    ///
    /// A setting that makes no sense, a token that a table does not have, a
    /// repeated pool where the rules refuse it, no day that all sources share.
    pub fn raw_table(&self, tables: &Tables) -> Result<RawTable> {
        self.validate()?;
        RawTable::join(self, tables, &Selection::Listed)
    }

    /// Learns from the rows `train` of `raw` what the features need: the
    /// correlated tokens, which columns to keep, mean and deviation of each.
    ///
    /// # Errors
    ///
    /// Fewer than two rows, a row index out of range, a table made with other settings.
    pub fn fit(&self, raw: &RawTable, train: &[usize]) -> Result<FittedPipeline> {
        self.validate()?;
        FittedPipeline::fit(self, raw, train)
    }

    fn validate(&self) -> Result<()> {
        let refuse = |setting, found: String, expected| {
            Err(FeatureError::Setting {
                setting,
                found,
                expected,
            })
        };
        if self.label_lag == 0 {
            return refuse("label_lag", "0".to_owned(), "at least 1");
        }
        let mut sorted = self.horizons.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != self.horizons.len() || sorted.first().is_none_or(|least| *least == 0) {
            let found = format!("{:?}", self.horizons);
            return refuse(
                "horizons",
                found,
                "distinct numbers of days, each at least 1",
            );
        }
        /// Longer than any table, and far from the end of the calendar.
        const MAX_DAYS: usize = 100_000;
        let longest = sorted.last().copied().unwrap_or(0);
        for (setting, days) in [
            ("label_lag", self.label_lag),
            ("horizons", longest),
            ("correlation_lag", self.correlation_lag),
        ] {
            if days > MAX_DAYS {
                return refuse(setting, days.to_string(), "at most 100000 days");
            }
        }
        if !(0.0..=1.0).contains(&self.max_null_share) {
            let found = self.max_null_share.to_string();
            return refuse("max_null_share", found, "between 0 and 1");
        }
        Ok(())
    }
}
