//! Value locked in the target token, one feature per project.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::DataFrame;
use zkassay_data::Day;

use crate::block::{self, Block, DailyColumn};
use crate::manifest::{FeatureSpec, SourceTable, Unit};
use crate::rules::Join;
use crate::{FeatureError, FeaturePipeline, Result};

/// Columns that are not tokens.
const KEYS: [&str; 2] = ["date", "project"];

/// One column per project, named and sorted by project.
///
/// Of rows with the same date and project the first stays: the later ones are
/// revisions. A same-day join takes the rows after the start date only, as the
/// notebook does. None if the table has no rows.
pub(crate) fn block(table: &DataFrame, pipeline: &FeaturePipeline) -> Result<Option<Block>> {
    if table.height() == 0 {
        return Ok(None);
    }
    let rules = pipeline.rules;
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
        if rules.join == Join::SameDay && day <= pipeline.start {
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
    let columns = histories.into_iter().map(|(project, history)| {
        let spec = FeatureSpec {
            name: project.to_owned(),
            table: SourceTable::ValueLocked,
            key: project.to_owned(),
            column: token.to_owned(),
            unit: Unit::Dollars,
            lag: rules.lags.value_locked,
            max_age: rules.join.max_age(),
        };
        DailyColumn::new(spec, history)
    });
    Ok(Some(Block {
        days,
        columns: columns.collect(),
        duplicates,
        lag: rules.lags.value_locked,
    }))
}
