//! Value locked in the target token, one feature per project.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::DataFrame;
use zkassay_data::Day;

use crate::block::{self, Block, DailyColumn};
use crate::{FeatureError, FeaturePipeline, Result};

/// Columns that are not tokens.
const KEYS: [&str; 2] = ["date", "project"];

/// One column per project, named and sorted by project, of the days after the
/// start date.
///
/// Of rows with the same date and project the first stays: the later ones
/// are revisions.
pub(crate) fn block(table: &DataFrame, pipeline: &FeaturePipeline) -> Result<Block> {
    let token = pipeline.token.as_str();
    let names = table.get_column_names();
    let tokens = names.iter().map(|name| name.as_str());
    let available: Vec<&str> = tokens.filter(|name| !KEYS.contains(name)).collect();
    if !available.contains(&token) {
        return Err(FeatureError::UnknownToken {
            table: "value locked",
            token: token.to_owned(),
            available: available.into_iter().map(str::to_owned).collect(),
        });
    }
    let days = block::days(table, "date")?;
    let projects = block::texts(table, "project")?;
    let values = block::numbers(table, token)?;

    let mut histories: BTreeMap<&str, BTreeMap<Day, Option<f64>>> = BTreeMap::new();
    let mut duplicates = 0;
    for ((&day, project), value) in days.iter().zip(projects).zip(values) {
        if day <= pipeline.start {
            continue;
        }
        match histories.entry(project).or_default().entry(day) {
            Entry::Vacant(entry) => {
                entry.insert(value);
            }
            Entry::Occupied(_) => duplicates += 1,
        }
    }

    let days: BTreeSet<Day> = histories
        .values()
        .flat_map(BTreeMap::keys)
        .copied()
        .collect();
    let columns = histories
        .into_iter()
        .map(|(project, history)| DailyColumn::new(project.to_owned(), history))
        .collect();
    Ok(Block {
        days,
        columns,
        duplicates,
    })
}
