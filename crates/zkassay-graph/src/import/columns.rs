//! What the model's inputs are, once it is known which strings it asks about.

use std::ops::Range;

use super::builder::Builder;
use super::inputs::Input;
use crate::{Column, ColumnKind};

/// The model's inputs.
pub(super) struct Columns(Vec<Column>);

impl Columns {
    /// The inputs, which are the elements `ranges` of the graph's.
    pub(super) fn of(inputs: &[Input<'_>], ranges: &[Range<usize>], builder: &Builder) -> Self {
        let column = |(input, range): (&Input<'_>, &Range<usize>)| Column {
            name: input.name.to_owned(),
            len: range.len(),
            kind: match input.kind() {
                ColumnKind::Text(_) => {
                    let words = range.clone().map(|element| builder.vocabulary(element));
                    ColumnKind::Text(words.collect())
                }
                kind => kind,
            },
        };
        Self(inputs.iter().zip(ranges).map(column).collect())
    }

    /// Those of one of `batch` rows; `None` if the rows differ in what they ask about.
    pub(super) fn of_one_row(&self, batch: usize) -> Option<Self> {
        let of = |column: &Column| -> Option<Column> {
            let len = column.len / batch;
            let kind = match &column.kind {
                ColumnKind::Text(words) => {
                    let mut rows = words.chunks(len.max(1));
                    let first = rows.next()?;
                    if !rows.all(|row| row == first) {
                        return None;
                    }
                    ColumnKind::Text(first.to_vec())
                }
                kind => kind.clone(),
            };
            let name = column.name.clone();
            Some(Column { name, len, kind })
        };
        self.0.iter().map(of).collect::<Option<_>>().map(Self)
    }

    /// The columns; none if there is only one of numbers.
    pub(super) fn listed(&self) -> Vec<Column> {
        match &self.0[..] {
            [only] if only.kind == ColumnKind::Number => Vec::new(),
            columns => columns.to_vec(),
        }
    }
}
