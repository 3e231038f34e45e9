//! The study's feature pipeline, and how its steps are read here.
//!
//! The steps, in the order of the columns they give (counts for the default settings):
//!
//! 1. *Target*: volume, price changes over 1, 3, 7, 15 and 30 rows, whether
//!    the price rose over them, day of the week (Monday = 1), year: 13.
//! 2. *Correlated tokens*: changes and trends of the five tokens whose price
//!    15 rows before correlates most with the target's price: 50.
//! 3. *Value locked* in the target token per project, days after the start: 19.
//! 4. *Pools* that hold the target token and were listed by the start: value
//!    locked, then yield of each.
//! 5. Inner join of 1, 3 and 4 by day; the last row goes; columns that
//!    are too empty go; gaps become means; z-scores (`ddof` 1).
//!
//! # Departures from the notebook
//!
//! | the notebook | here | why |
//! |---|---|---|
//! | null rule, means and deviations from all rows | from the training rows | test rows must not shape the features |
//! | arbitrary row of a repeated (date, project) | the first | the notebook's choice changes from run to run |
//! | projects and pools in hash order | sorted by name | same |
//! | pools whose text contains `WETH` | pools with the exact token | `WETH.E` and `SWETH` are other tokens |
//! | fails on a repeated pool | the market with more value locked | real tables have them |
//! | an undefined correlation makes the ranking unstable | such tokens are left out, ties by name | total order |
//!
//! Kept as they are, because the study's shapes and numbers rest on them: shifts
//! count rows, not calendar days; the correlation is of price levels over the
//! whole table, so the *choice* of the five tokens (not their values) knows later
//! days; pool and value-locked rows join the price of the same day unless
//! [`availability_lag`](FeaturePipeline::availability_lag) says otherwise.

use serde::{Deserialize, Serialize};
use zkassay_data::{Day, Tables};

use crate::fitted::FittedPipeline;
use crate::prices::Prices;
use crate::raw::RawTable;
use crate::{FeatureError, Result};

/// What to make features of; [`Default`] is the study's choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturePipeline {
    /// The token whose price is predicted.
    pub token: String,
    /// How many rows ahead the label looks.
    pub label_lag: usize,
    /// Over how many rows price changes and trends reach back.
    pub horizons: Vec<usize>,
    /// How many correlated tokens give features.
    pub correlated_tokens: usize,
    /// How many rows the other token's price precedes the target's in the ranking.
    pub correlation_lag: usize,
    /// Value locked counts after this day; pools must be listed by it.
    pub start: Day,
    /// A feature with a larger share of nulls in the training rows is dropped.
    pub max_null_share: f64,
    /// Days from the date of a pool or value-locked row to its use.
    ///
    /// The rows are stamped at the end of their day, the price at its start:
    /// 0, the study's choice, lets a row know some hours of the label's move;
    /// 1 does not.
    pub availability_lag: u16,
}

impl Default for FeaturePipeline {
    fn default() -> Self {
        Self {
            token: "WETH".to_owned(),
            label_lag: 1,
            horizons: vec![1, 3, 7, 15, 30],
            correlated_tokens: 5,
            correlation_lag: 15,
            start: Day::from_ymd(2022, 6, 1),
            max_null_share: 0.2,
            availability_lag: 0,
        }
    }
}

impl FeaturePipeline {
    /// Joins the tables into one row per day: features with nulls, and labels.
    ///
    /// # Errors
    ///
    /// A setting that makes no sense, a token that a table does not have, no
    /// day that all sources share.
    pub fn raw_table(&self, tables: &Tables) -> Result<RawTable> {
        self.validate()?;
        RawTable::join(self, tables)
    }

    /// Learns from the rows `train` of `raw` what the features need: which
    /// columns to keep, and mean and deviation of each.
    ///
    /// # Errors
    ///
    /// Fewer than two rows, a row index out of range.
    pub fn fit(&self, raw: &RawTable, train: &[usize]) -> Result<FittedPipeline> {
        self.validate()?;
        FittedPipeline::fit(self, raw, train)
    }

    /// All other tokens with their correlation to the target, highest first;
    /// the first [`correlated_tokens`](Self::correlated_tokens) give features.
    ///
    /// # Errors
    ///
    /// As [`Self::raw_table`].
    pub fn rank_tokens(&self, tables: &Tables) -> Result<Vec<(String, f64)>> {
        self.validate()?;
        Prices::read(tables.prices())?.ranking(self)
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
                "distinct numbers of rows, each at least 1",
            );
        }
        if !(0.0..=1.0).contains(&self.max_null_share) {
            let found = self.max_null_share.to_string();
            return refuse("max_null_share", found, "between 0 and 1");
        }
        Ok(())
    }
}
