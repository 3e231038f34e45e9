//! The rows and labels of every round, for both sides alike.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use ndarray::{Array2, Axis};
use zkassay_benches::{INPUTS, SEED};
use zkassay_models::{Round, TrainingSet};
use zkassay_seed::Stream;

/// Rows of the table, as many as the study's.
pub(crate) const TABLE: usize = 599;
/// Rows that a round trains on: three quarters of them.
pub(crate) const ROWS: usize = 449;

/// Rows `[ROWS, INPUTS]` and labels of each round.
pub(crate) struct Data(Vec<(Array2<f32>, Vec<u8>)>);

impl Data {
    /// Standard normal rows, labelled by the sign of a linear function of them with as much noise
    /// as signal. Each round draws its rows from the same table.
    pub(crate) fn new(rounds: usize) -> Self {
        let table = zkassay_testing::rows(TABLE, INPUTS, SEED);
        let mut stream = Stream::new(SEED, "benches/training/labels");
        let rule: Vec<f64> = (0..INPUTS).map(|_| stream.normal()).collect();
        let deviation = (INPUTS as f64).sqrt();
        let label = |row: ndarray::ArrayView1<'_, f32>| {
            let signal: f64 = row.iter().zip(&rule).map(|(x, w)| f64::from(*x) * w).sum();
            u8::from(signal + deviation * stream.normal() > 0.0)
        };
        let labels: Vec<u8> = table.rows().into_iter().map(label).collect();
        let round = |round: usize| {
            let mut positions: Vec<usize> = (0..TABLE).collect();
            Stream::new(seed(round), "benches/training/split").shuffle(&mut positions);
            positions.truncate(ROWS);
            let own = positions.iter().map(|&row| labels[row]).collect();
            (table.select(Axis(0), &positions), own)
        };
        Self((0..rounds).map(round).collect())
    }

    pub(crate) fn rounds(&self) -> Result<Vec<Round<'_>>> {
        let rounds = self.0.iter().enumerate().map(|(round, (rows, labels))| {
            Ok(Round {
                set: TrainingSet::new(rows.view(), labels)?,
                seed: seed(round),
            })
        });
        rounds.collect()
    }

    /// `rows.f32` `[rounds, ROWS, INPUTS]`, little-endian, and `labels.u8` `[rounds, ROWS]`.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let rows = self.0.iter().flat_map(|(rows, _)| rows);
        write_floats(&folder.join("rows.f32"), rows)?;
        let labels: Vec<u8> = self.0.iter().flat_map(|(_, own)| own).copied().collect();
        let path = folder.join("labels.u8");
        fs::write(&path, labels).with_context(|| format!("cannot write {}", path.display()))
    }
}

pub(crate) fn write_floats<'a>(
    path: &Path,
    values: impl IntoIterator<Item = &'a f32>,
) -> Result<()> {
    let bytes: Vec<u8> = values.into_iter().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

fn seed(round: usize) -> u64 {
    SEED + round as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_has_rows_of_its_own_and_the_same_rule() {
        let data = Data::new(3);
        let rounds = data.rounds().unwrap();
        assert_eq!(rounds.len(), 3);
        assert_eq!(rounds[0].set.rows().dim(), (449, 162));
        assert_ne!(rounds[0].set.rows(), rounds[1].set.rows());
        assert_eq!(Data::new(1).0[0], data.0[0]);
        // A row that two rounds share has one label.
        let labels = |round: usize| {
            let (rows, labels) = &data.0[round];
            rows.outer_iter().map(|row| row.to_vec()).zip(labels)
        };
        let shared = labels(0).flat_map(|(row, label)| {
            let same = labels(1).find(move |(other, _)| *other == row);
            same.map(|(_, other)| (label, other))
        });
        let shared: Vec<_> = shared.collect();
        // 449 of 599 twice leave 299 in both at least.
        assert!(shared.len() >= 299, "{}", shared.len());
        assert!(shared.iter().all(|(a, b)| a == b));
    }
}
