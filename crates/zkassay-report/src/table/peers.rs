//! Other provers beside ours, on the same files and rows.

use super::{NONE, bytes, logrows, median};
use crate::grid::{Grid, Heading, shortened};
use crate::record::{ModelRecord, Proving, RunRecord, Stage};
use crate::units;

/// Longest message in characters; the table of failures has more of it.
const MESSAGE: usize = 60;

/// A row per model and prover, ours first, of the models that a peer was asked to prove; empty
/// if none was. A prover that failed has its message in the last column.
pub fn peers(record: &RunRecord) -> Grid {
    let mut grid = Grid::new([
        Heading::left("Model", ""),
        Heading::left("Prover", "who proved, in which configuration"),
        Heading::right("k", "base-2 logarithm of the circuit's rows (logrows)"),
        Heading::right("Setup", "median time to make both keys"),
        Heading::right("Prove", "median time to make one proof"),
        Heading::right("Verify", "median time to verify one proof"),
        Heading::right("Proof", "size of one proof"),
        Heading::right("Proving key", "size of the proving key"),
        Heading::right("Memory", "most resident memory of the prover's process"),
        Heading::right(
            "CPU of a proof",
            "median CPU time of one proof, over all threads",
        ),
        Heading::right(
            "x CPU",
            "CPU time of a proof over ours, ratio of the medians",
        ),
        Heading::right("x time", "time of a proof over ours, ratio of the medians"),
        Heading::right(
            "Mean error",
            "mean absolute difference of the proved output from the float model's",
        ),
        Heading::left("Failed", "the stage that failed, and what was said"),
    ]);
    for model in &record.models {
        let absent = absent(record, model);
        if model.peers.is_empty() && absent.is_empty() {
            continue;
        }
        grid.rows.push(row(record, model, &model.proving, ""));
        for peer in &model.peers {
            grid.rows.push(row(record, model, peer, &model.tag));
        }
        for peer in absent {
            grid.rows.push(row(record, model, &peer, &model.tag));
        }
    }
    grid
}

/// The peers that failed on `model` before anything was measured.
fn absent(record: &RunRecord, model: &ModelRecord) -> Vec<Proving> {
    let mut absent: Vec<Proving> = Vec::new();
    for failure in &record.failures {
        let prover = &failure.prover;
        let is_known = |known: &Proving| known.prover == *prover;
        if failure.model == model.tag
            && prover != Proving::ZKASSAY
            && !model.peers.iter().chain(&absent).any(is_known)
        {
            absent.push(Proving {
                prover: prover.clone(),
                ..Proving::default()
            });
        }
    }
    absent
}

fn row(record: &RunRecord, model: &ModelRecord, proving: &Proving, below: &str) -> Vec<String> {
    let is_ours = below.is_empty();
    let failure = record.failure(&model.tag, &proving.prover);
    let cpu = proving.cpu.of(Stage::Prove).median();
    let ratio = |value: Option<f64>| match is_ours {
        true => String::new(),
        false => value.map_or_else(|| NONE.to_owned(), units::ratio),
    };
    vec![
        if is_ours {
            model.tag.clone()
        } else {
            String::new()
        },
        proving.prover.clone(),
        logrows(proving),
        median(proving, Stage::Setup),
        median(proving, Stage::Prove),
        median(proving, Stage::Verify),
        bytes(proving.sizes.proof_bytes),
        bytes(proving.sizes.pk_bytes),
        bytes(proving.memory.peak()),
        cpu.map_or_else(|| NONE.to_owned(), units::time),
        ratio(proving.cpu_ratio(&model.proving)),
        ratio(proving.time_ratio(&model.proving)),
        proving.fidelity.map_or_else(
            || NONE.to_owned(),
            |fidelity| units::error(fidelity.mean_abs_error),
        ),
        failure.map_or_else(String::new, |failure| {
            let message = shortened(&failure.message, MESSAGE);
            format!("{}: {message}", failure.stage)
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Failure;
    use crate::testing::run_record;

    #[test]
    fn ours_comes_first_then_ratios_then_the_failure() {
        let grid = peers(&run_record());
        let cells: Vec<Vec<&str>> = grid
            .rows
            .iter()
            .map(|row| row.iter().map(String::as_str).collect())
            .collect();
        assert_eq!(cells.len(), 3, "64-32 has no peers");
        assert_eq!(cells[0][..2], ["logistic", "zkassay"]);
        assert_eq!(cells[0][10..12], ["", ""]);
        assert_eq!(
            cells[1],
            [
                "",
                "EZKL fixed",
                "15",
                "2.60 s",
                "1.50 s",
                "14.5 ms",
                "3.65 kB",
                "164 MB",
                "470 MB",
                "2.35 s",
                "102",
                "100",
                "1.0e-4",
                ""
            ]
        );
        assert_eq!(cells[2][1], "EZKL tuned");
        assert_eq!(cells[2][10], NONE);
        assert_eq!(cells[2][13], "setup: took longer than 60 s");
    }

    #[test]
    fn a_peer_that_refused_the_file_has_a_row_all_the_same() {
        let mut record = run_record();
        record.failures.push(Failure {
            model: "64-32".into(),
            prover: "EZKL fixed".into(),
            stage: "settings".into(),
            message: "unsupported".into(),
        });
        let grid = peers(&record);
        assert_eq!(grid.rows.len(), 5);
        assert_eq!(grid.rows[3][..2], ["64-32", "zkassay"]);
        assert_eq!(grid.rows[4][13], "settings: unsupported");
    }

    #[test]
    fn a_failure_of_ours_is_not_a_peer() {
        let mut record = run_record();
        record.models[0].peers.clear();
        record.failures = vec![Failure {
            model: "logistic".into(),
            prover: Proving::ZKASSAY.into(),
            stage: "prove".into(),
            message: "no memory".into(),
        }];
        assert!(peers(&record).is_empty());
    }
}
