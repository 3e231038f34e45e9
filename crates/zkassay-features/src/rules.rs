//! The choices on which the notebook and an honest study differ.
//!
//! Each fault of the notebook is one variant of one type here, so it can be
//! switched by itself: to measure what it is worth, or to explain a score.
//!
//! | rule | [`Rules::paper`] | [`Rules::honest`] |
//! |---|---|---|
//! | [`Lags`]: days from a row's date to its use | none | pools and value locked 1, prices 0 |
//! | [`Join`]: which row of a source a day sees | the one of the same date | the latest available one, at most 3 days old |
//! | [`Shift`]: what "15 days before" means | 15 rows before | 15 calendar days before, else null |
//! | [`CorrelationBasis`]: what is correlated | price levels | daily returns |
//! | `correlation_scope`: over which days | the whole history | training rows |
//! | `statistics_scope`: null rule, means, deviations | all rows | training rows |
//! | [`PoolMatch`]: whose pools count | text contains the token | the exact token |
//! | [`PoolDuplicates`]: two rows of one pool and day | refused | the deeper market |
//! | [`LastRow`]: the last joined row | dropped | kept, if it has a label |
//!
//! Where the notebook's outcome is not defined (it changes from run to run)
//! both modes share one rule: projects and pools are sorted by name; of a
//! repeated (date, project) the first row stays; a token whose correlation is
//! undefined is left out of the ranking, ties go to the name that sorts first; a
//! row without a label is never used. Both also merge a repeated (date, token)
//! into its first row, which the notebook would count as two days.

use serde::{Deserialize, Serialize};

/// One choice per fault; [`Default`] is [`Rules::honest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// When the rows of each source can be used.
    pub lags: Lags,
    /// Which row of a source a day sees.
    pub join: Join,
    /// What a distance in time means.
    pub shift: Shift,
    /// What the ranking of the other tokens correlates.
    pub correlation_basis: CorrelationBasis,
    /// Which days the ranking sees.
    pub correlation_scope: FitScope,
    /// Which rows the null rule, means and deviations see.
    pub statistics_scope: FitScope,
    /// Which pools hold the target token.
    pub pool_match: PoolMatch,
    /// What becomes of two rows of one pool and day.
    pub pool_duplicates: PoolDuplicates,
    /// What becomes of the last joined row.
    pub last_row: LastRow,
}

/// Days from the date of a row to the first day that can use it.
///
/// Prices are quoted at 00:00 UTC of their date: day `t` knows its own. Pool
/// and value-locked rows are stamped about 23:00 UTC of theirs, 23 hours into
/// the move that day `t` is to predict: they are for day `t + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lags {
    /// Of the token price table.
    pub prices: u16,
    /// Of the pool table.
    pub pools: u16,
    /// Of the value-locked table.
    pub value_locked: u16,
}

/// How pool and value-locked rows meet the days of the target's prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Join {
    /// Inner join: a day is used if every source has a row for exactly that
    /// day, and its year is not before that of the start date.
    SameDay,
    /// As-of join: a day after the start date sees the latest value that was
    /// available, and is used if every source has a row young enough.
    AsOf {
        /// Days after it became available that a value may still be used;
        /// older ones are null.
        max_age: u16,
    },
}

/// What a distance of `n` means for changes, trends, lags and labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shift {
    /// `n` rows of the token, however many days are missing in between.
    Rows,
    /// `n` calendar days; null if that day has no price.
    CalendarDays,
}

/// What is correlated to rank the other tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CorrelationBasis {
    /// Prices. Two series that merely trend correlate.
    Levels,
    /// Relative price changes over one day (or row).
    Returns,
}

/// Which rows something is learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FitScope {
    /// All there are, test rows included.
    WholeHistory,
    /// The training rows.
    TrainingRows,
}

/// How a pool's tokens are compared with the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PoolMatch {
    /// The text contains the token's name: `WETH` takes `WETH.E` and `SWETH` too.
    Substring,
    /// One of the tokens, split at `-`, `_`, `/` and spaces, is the target.
    ExactToken,
}

/// What becomes of several rows that share pool and day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PoolDuplicates {
    /// An error, as the notebook's pivot gives.
    Refuse,
    /// The row with more value locked counts, then the higher yield.
    Deepest,
}

/// What becomes of the last row of the join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LastRow {
    /// Dropped, even if it has a label.
    Drop,
    /// Kept if it has a label.
    Keep,
}

impl Rules {
    /// What a model could have known, learned from training rows alone.
    pub const fn honest() -> Self {
        Self {
            lags: Lags {
                prices: 0,
                pools: 1,
                value_locked: 1,
            },
            join: Join::AsOf { max_age: 3 },
            shift: Shift::CalendarDays,
            correlation_basis: CorrelationBasis::Returns,
            correlation_scope: FitScope::TrainingRows,
            statistics_scope: FitScope::TrainingRows,
            pool_match: PoolMatch::ExactToken,
            pool_duplicates: PoolDuplicates::Deepest,
            last_row: LastRow::Keep,
        }
    }

    /// What the notebook does.
    pub const fn paper() -> Self {
        Self {
            lags: Lags {
                prices: 0,
                pools: 0,
                value_locked: 0,
            },
            join: Join::SameDay,
            shift: Shift::Rows,
            correlation_basis: CorrelationBasis::Levels,
            correlation_scope: FitScope::WholeHistory,
            statistics_scope: FitScope::WholeHistory,
            pool_match: PoolMatch::Substring,
            pool_duplicates: PoolDuplicates::Refuse,
            last_row: LastRow::Drop,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::honest()
    }
}

impl Join {
    /// Days a value may be used after it became available.
    pub(crate) fn max_age(self) -> u16 {
        match self {
            Self::SameDay => 0,
            Self::AsOf { max_age } => max_age,
        }
    }
}
