//! What failed, with what was said.

use crate::grid::{Grid, Heading, shortened};
use crate::record::RunRecord;

/// Longest message in characters; the record has all of it.
const MESSAGE: usize = 1_000;

/// A row per failure, in the order they happened; empty if nothing failed.
pub fn failures(record: &RunRecord) -> Grid {
    let mut grid = Grid::new([
        Heading::left("Model", ""),
        Heading::left("Prover", "who failed"),
        Heading::left("Stage", "where"),
        Heading::left("Message", "what was said"),
    ]);
    let failures = record.failures.iter();
    grid.rows = failures
        .map(|failure| {
            vec![
                failure.model.clone(),
                failure.prover.clone(),
                failure.stage.clone(),
                shortened(&failure.message, MESSAGE),
            ]
        })
        .collect();
    grid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_record;

    #[test]
    fn every_failure_has_its_message() {
        let grid = failures(&run_record());
        let expected = ["logistic", "EZKL tuned", "setup", "took longer than 60 s"];
        assert_eq!(grid.rows, [expected.map(str::to_owned).to_vec()]);
    }
}
