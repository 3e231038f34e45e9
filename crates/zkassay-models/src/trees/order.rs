//! The rows of a tree's nodes, in the order of each feature.

use std::ops::Range;

use super::columns::Columns;
use super::rank::rank;

/// The rows that a tree grows from. Those of a node are a range of them, and
/// the range of a branch is that of its left child, then that of its right one.
pub(super) struct Order<'a> {
    columns: &'a Columns,
    /// For each feature the rows by ascending value, equal ones in their order,
    /// if the columns are sorted; otherwise the rows once, in their order.
    rows: Vec<u32>,
    /// Number of rows.
    len: usize,
    /// By row: whether it goes to the left of the branch at hand.
    goes_left: Vec<bool>,
    /// The rows of one node by one feature, below their values' ranks.
    keys: Vec<u64>,
    sorted: Vec<u32>,
}

impl<'a> Order<'a> {
    /// The rows for which `takes_part` holds.
    pub(super) fn new(columns: &'a Columns, takes_part: impl Fn(u32) -> bool) -> Self {
        let takes_part = |row: &u32| takes_part(*row);
        let (rows, lists): (Vec<u32>, usize) = match columns.order() {
            Some(order) => {
                let rows = order.iter().copied().filter(takes_part);
                (rows.collect(), columns.features())
            }
            None => ((0..columns.rows() as u32).filter(takes_part).collect(), 1),
        };
        Self {
            columns,
            len: rows.len() / lists,
            rows,
            goes_left: vec![false; columns.rows()],
            keys: Vec::new(),
            sorted: Vec::new(),
        }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The rows of a node.
    pub(super) fn rows(&self, node: &Range<usize>) -> &[u32] {
        &self.rows[node.clone()]
    }

    /// The rows of a node by ascending value of a feature, equal ones in their
    /// order; none if all are equal.
    pub(super) fn by(&mut self, feature: usize, node: &Range<usize>) -> Option<&[u32]> {
        let column = self.columns.column(feature);
        let value = |row: &u32| column[*row as usize];
        if self.columns.order().is_some() {
            let rows = &self.rows[feature * self.len..][node.clone()];
            let varies = value(rows.first()?) != value(rows.last()?);
            return varies.then_some(rows);
        }
        let rows = &self.rows[node.clone()];
        let first = value(rows.first()?);
        if rows.iter().all(|row| value(row) == first) {
            return None;
        }
        let key = |row: &u32| u64::from(rank(value(row))) << 32 | u64::from(*row);
        self.keys.clear();
        self.keys.extend(rows.iter().map(key));
        self.keys.sort_unstable();
        self.sorted.clear();
        self.sorted.extend(self.keys.iter().map(|key| *key as u32));
        Some(&self.sorted)
    }

    /// Parts a node's rows into those whose feature is at most the threshold and
    /// the others; where the others begin.
    pub(super) fn part(&mut self, node: &Range<usize>, feature: usize, threshold: f32) -> usize {
        let column = self.columns.column(feature);
        for &row in &self.rows[node.clone()] {
            self.goes_left[row as usize] = column[row as usize] <= threshold;
        }
        let mut middle = node.start;
        for rows in self.rows.chunks_exact_mut(self.len) {
            let rows = &mut rows[node.clone()];
            middle = node.start + partition(rows, |row| self.goes_left[row as usize]);
        }
        middle
    }
}

/// Moves the rows for which `first` holds to the front, all in the order they
/// are in; their number.
fn partition(rows: &mut [u32], first: impl Fn(u32) -> bool) -> usize {
    let mut rest = Vec::with_capacity(rows.len());
    let mut count = 0;
    for at in 0..rows.len() {
        let row = rows[at];
        if first(row) {
            rows[count] = row;
            count += 1;
        } else {
            rest.push(row);
        }
    }
    rows[count..].copy_from_slice(&rest);
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_stable() {
        let mut rows = [5, 2, 8, 1, 4, 7];
        assert_eq!(partition(&mut rows, |row| row % 2 == 0), 3);
        assert_eq!(rows, [2, 8, 4, 5, 1, 7]);
        assert_eq!(partition(&mut [], |_| true), 0);
    }
}
