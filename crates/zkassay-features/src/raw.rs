//! The joined sources: one row per day, features with nulls, labels.

use std::collections::BTreeSet;

use zkassay_data::{Day, Tables};

use crate::block::{Block, DailyColumn};
use crate::manifest::FeatureSpec;
use crate::prices::Prices;
use crate::ranking::{self, Candidate};
use crate::rules::{FitScope, Join, LastRow};
use crate::{FeatureError, FeaturePipeline, Result, pools, value_locked};

/// Features before anything is learned from them.
///
/// Columns have one entry per row, null where the source has none; rows are
/// sorted by day and all have a label. Where the correlated tokens are to be
/// learned from training rows, the columns of every other token are there, sorted
/// by name, and a fit keeps some of them.
#[derive(Clone, Debug, PartialEq)]
pub struct RawTable {
    pipeline: FeaturePipeline,
    days: Vec<Day>,
    labels: Vec<u8>,
    columns: Vec<RawColumn>,
    tokens: Vec<String>,
    candidates: Vec<Candidate>,
    duplicates: Duplicates,
}

/// One feature before scaling.
#[derive(Clone, Debug, PartialEq)]
pub struct RawColumn {
    /// What it is.
    pub spec: FeatureSpec,
    /// Its values, one per row, in the unit of the specification.
    pub values: Vec<Option<f64>>,
}

/// Rows of the sources that repeated an earlier key and were merged into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duplicates {
    /// Repeated (date, token); the first row stays.
    pub prices: usize,
    /// Repeated (date, pool) of the target token.
    pub pools: usize,
    /// Repeated (date, project); the first row stays.
    pub value_locked: usize,
}

/// Which tokens and pools give columns.
pub(crate) enum Selection<'a> {
    /// What the tables list.
    Listed,
    /// What a pipeline was fitted on.
    Fitted {
        tokens: &'a [String],
        names: BTreeSet<&'a str>,
    },
}

impl RawTable {
    /// Makes the columns of each source and joins them by day.
    pub(crate) fn join(
        pipeline: &FeaturePipeline,
        tables: &Tables,
        selection: &Selection<'_>,
    ) -> Result<Self> {
        let prices = Prices::read(tables.prices())?;
        let candidates = prices.candidates(pipeline)?;
        let tokens = match selection {
            Selection::Fitted { tokens, .. } => tokens.to_vec(),
            Selection::Listed => listed_tokens(&candidates, pipeline),
        };
        let locked = value_locked::block(tables.value_locked(), pipeline)?;
        let pools = pools::block(tables.pools(), pipeline, selection)?;
        let (days, labels) = labelled_days(&prices, locked.as_ref(), pools.as_ref(), pipeline)?;

        let merged = |block: &Option<Block>| block.as_ref().map_or(0, |block| block.duplicates);
        let duplicates = Duplicates {
            prices: prices.duplicates,
            pools: merged(&pools),
            value_locked: merged(&locked),
        };
        let on_days = |column: DailyColumn| RawColumn {
            values: column.on_days(&days),
            spec: column.spec,
        };
        let mut columns: Vec<RawColumn> = prices
            .target_columns(pipeline)?
            .into_iter()
            .map(on_days)
            .collect();
        // Token by token: histories are far longer than the rows they end up on.
        for token in &tokens {
            let of_token = prices.token_columns(token, pipeline)?;
            columns.extend(of_token.into_iter().map(on_days));
        }
        for block in [locked, pools].into_iter().flatten() {
            columns.extend(block.columns.into_iter().map(on_days));
        }
        check_unique(&columns)?;
        Ok(Self {
            pipeline: pipeline.clone(),
            days,
            labels,
            columns,
            tokens,
            candidates,
            duplicates,
        })
    }

    /// The settings it was made with.
    pub fn pipeline(&self) -> &FeaturePipeline {
        &self.pipeline
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.days.len()
    }

    /// The day of each row, ascending.
    pub fn days(&self) -> &[Day] {
        &self.days
    }

    /// The label of each row: 1 if the target's price rises, else 0.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// All columns: target, other tokens, value locked, pools.
    pub fn columns(&self) -> &[RawColumn] {
        &self.columns
    }

    /// Column names, in the order of the columns.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.columns.iter().map(|column| column.spec.name.as_str())
    }

    /// The values of a column, one per row; none if there is no such column.
    pub fn column(&self, name: &str) -> Option<&[Option<f64>]> {
        let mut columns = self.columns.iter();
        let found = columns.find(|column| column.spec.name == name)?;
        Some(&found.values)
    }

    /// The other tokens that have columns: the chosen ones, most correlated
    /// first, where the whole history chooses; else all of them, sorted.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// How many rows of the sources were merged away.
    pub fn duplicates(&self) -> Duplicates {
        self.duplicates
    }

    /// All other tokens with their correlation to the target, highest first.
    ///
    /// Where the rules rank by training rows, only the days of the rows `train`
    /// count, and a token needs a value on all but `max_null_share` of them;
    /// else `train` does not matter.
    ///
    /// # Errors
    ///
    /// [`FeatureError::RowOutOfRange`].
    pub fn rank_tokens(&self, train: &[usize]) -> Result<Vec<(String, f64)>> {
        self.check_rows(train)?;
        Ok(match self.pipeline.rules.correlation_scope {
            FitScope::WholeHistory => ranking::rank(&self.candidates, None, 0.0),
            FitScope::TrainingRows => {
                let days: BTreeSet<Day> = train.iter().map(|&row| self.days[row]).collect();
                let needed = (1.0 - self.pipeline.max_null_share) * days.len() as f64;
                ranking::rank(&self.candidates, Some(&days), needed)
            }
        })
    }

    pub(crate) fn check_rows(&self, rows: &[usize]) -> Result<()> {
        let total = self.rows();
        match rows.iter().find(|row| **row >= total) {
            None => Ok(()),
            Some(&row) => Err(FeatureError::RowOutOfRange { row, rows: total }),
        }
    }
}

/// The chosen tokens where no split is needed to choose them, else all.
fn listed_tokens(candidates: &[Candidate], pipeline: &FeaturePipeline) -> Vec<String> {
    match pipeline.rules.correlation_scope {
        FitScope::WholeHistory => ranking::rank(candidates, None, 0.0)
            .into_iter()
            .take(pipeline.correlated_tokens)
            .map(|(token, _)| token)
            .collect(),
        FitScope::TrainingRows if pipeline.correlated_tokens == 0 => Vec::new(),
        FitScope::TrainingRows => {
            let tokens = candidates.iter();
            tokens.map(|candidate| candidate.token.clone()).collect()
        }
    }
}

/// The days that give rows, with their labels.
fn labelled_days(
    prices: &Prices,
    locked: Option<&Block>,
    pools: Option<&Block>,
    pipeline: &FeaturePipeline,
) -> Result<(Vec<Day>, Vec<u8>)> {
    let labels = prices.labels(pipeline)?;
    let target = &prices.token(&pipeline.token)?.days;
    let blocks = [locked, pools];
    let join = pipeline.rules.join;
    let is_used = |day: &&Day| {
        let in_study = match join {
            Join::SameDay => day.year() >= pipeline.start.year(),
            Join::AsOf { .. } => **day > pipeline.start,
        };
        let mut blocks = blocks.into_iter().flatten();
        in_study && blocks.all(|block| block.is_fresh(**day, join.max_age()))
    };
    let mut days: Vec<Day> = target.iter().filter(is_used).copied().collect();
    if pipeline.rules.last_row == LastRow::Drop {
        days.pop();
    }
    let labelled: (Vec<Day>, Vec<u8>) = days
        .into_iter()
        .filter_map(|day| Some((day, *labels.get(&day)?)))
        .unzip();
    if labelled.0.is_empty() {
        let rows = |block: Option<&Block>| block.map_or(0, |block| block.days.len());
        return Err(FeatureError::NoRows {
            prices: target.len(),
            value_locked: rows(locked),
            pools: rows(pools),
            start: pipeline.start,
        });
    }
    Ok(labelled)
}

fn check_unique(columns: &[RawColumn]) -> Result<()> {
    let mut seen = BTreeSet::new();
    let mut names = columns.iter().map(|column| &column.spec.name);
    match names.find(|name| !seen.insert(*name)) {
        None => Ok(()),
        Some(name) => Err(FeatureError::DuplicateFeature { name: name.clone() }),
    }
}
