//! A column of labels to two classes.

use std::collections::BTreeMap;

use super::TableError;
use super::raw::{Cell, RawTable};

/// What a class is called; ordered so that the smaller is class 0.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Bool(bool),
    Integer(i64),
    Text(String),
}

impl Class {
    fn name(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// The class of every row, and the names of classes 0 and 1.
pub(super) fn classes(
    raw: &RawTable,
    position: usize,
    file: &str,
) -> Result<(Vec<u8>, [String; 2]), TableError> {
    let column = raw.names[position].clone();
    let not_classes = |found: String| TableError::NotClasses {
        file: file.to_owned(),
        column: column.clone(),
        found,
    };
    let mut rows = Vec::with_capacity(raw.rows);
    let mut counts: BTreeMap<Class, usize> = BTreeMap::new();
    for row in 0..raw.rows {
        let class = match raw.columns[position].cell(row) {
            Cell::Missing => {
                return Err(TableError::MissingLabel {
                    file: file.to_owned(),
                    column: column.clone(),
                    place: raw.place(row),
                });
            }
            Cell::Bool(value) => Class::Bool(value),
            Cell::Integer(value) => Class::Integer(value),
            // 0.0 and 1.0, as tables with missing labels often have been written.
            Cell::Float(value) if value == 0.0 || value == 1.0 => Class::Integer(value as i64),
            Cell::Text(text) => Class::Text(text),
            other => {
                return Err(not_classes(format!(
                    "{} holds {}",
                    raw.place(row),
                    other.describe()
                )));
            }
        };
        *counts.entry(class.clone()).or_default() += 1;
        rows.push(class);
    }
    let found: Vec<&Class> = counts.keys().collect();
    let [zero, one] = found[..] else {
        return Err(not_classes(describe(&counts)));
    };
    if std::mem::discriminant(zero) != std::mem::discriminant(one) {
        return Err(not_classes(format!(
            "`{}` and `{}` are of different kinds",
            zero.name(),
            one.name()
        )));
    }
    let labels = rows.iter().map(|class| u8::from(class == one)).collect();
    Ok((labels, [zero.name(), one.name()]))
}

/// How many values there are instead of two, with a few of them.
fn describe(counts: &BTreeMap<Class, usize>) -> String {
    const SHOWN: usize = 5;
    let shown = counts
        .keys()
        .take(SHOWN)
        .map(|class| format!("`{}`", class.name()));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match counts.len() {
        1 => format!("every row is {shown}"),
        number if number > SHOWN => format!("it has {number} different values ({shown}, ...)"),
        number => format!("it has {number} different values ({shown})"),
    }
}
