//! Greatest and least elements of groups.

use std::cmp::Ordering;

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The greatest.
    Greatest,
    /// The least.
    Least,
}

impl Order {
    fn compare(self, a: f32, b: f32) -> Ordering {
        match self {
            Self::Greatest => b.total_cmp(&a),
            Self::Least => a.total_cmp(&b),
        }
    }

    pub(super) fn positions_of_extremes(
        self,
        x: &[f32],
        groups: &[Vec<u32>],
        last: bool,
    ) -> Vec<f32> {
        let of = |group: &Vec<u32>| {
            let by_value = |a: &usize, b: &usize| {
                let tie = if last { b.cmp(a) } else { a.cmp(b) };
                let [a, b] = [a, b].map(|i| x[group[*i] as usize] + 0.0);
                self.compare(a, b).then(tie)
            };
            (0..group.len()).min_by(by_value).unwrap_or(0) as f32
        };
        groups.iter().map(of).collect()
    }

    pub(super) fn top(self, x: &[f32], groups: &[Vec<u32>], k: usize, positions: bool) -> Vec<f32> {
        let of = |group: &Vec<u32>| -> Vec<f32> {
            let mut order: Vec<usize> = (0..group.len()).collect();
            let at = |i: &usize| x[group[*i] as usize] + 0.0;
            order.sort_by(|a, b| self.compare(at(a), at(b)).then(a.cmp(b)));
            let first = order.iter().take(k);
            match positions {
                true => first.map(|i| *i as f32).collect(),
                false => first.map(at).collect(),
            }
        };
        groups.iter().flat_map(of).collect()
    }
}
