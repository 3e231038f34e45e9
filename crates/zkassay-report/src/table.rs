//! The run's tables: a line per model, a line per model and prover, the failures.

mod failures;
mod peers;

use std::fmt::Write as _;

use crate::grid::{Grid, Heading};
use crate::record::{ModelRecord, Proving, Rate, RunRecord, Stage};
use crate::units;

pub use failures::failures;
pub use peers::peers;

/// What stands for a value that was not measured.
pub(crate) const NONE: &str = "-";

/// A column of the models' table.
struct Column {
    heading: &'static str,
    meaning: &'static str,
    cell: fn(&ModelRecord) -> String,
}

impl Column {
    const fn new(
        heading: &'static str,
        cell: fn(&ModelRecord) -> String,
        meaning: &'static str,
    ) -> Self {
        Self {
            heading,
            meaning,
            cell,
        }
    }
}

const COLUMNS: [Column; 14] = [
    Column::new(
        "Model",
        |m| m.tag.clone(),
        "widths of a network's hidden layers, or the name of a model without",
    ),
    Column::new(
        "Parameters",
        |m| units::count(m.parameters),
        "trained weights and biases; of trees the nodes and leaves",
    ),
    Column::new(
        "Float",
        |m| units::percent(m.accuracy.float.value),
        "accuracy of the trained model: the share of test rows it gets right",
    ),
    Column::new(
        "Quantised accuracy",
        |m| optional_interval(m.accuracy.quantized.as_ref()),
        "the same for the quantised model, which is the one that is proved, with its 95 % interval",
    ),
    Column::new(
        "Majority",
        |m| units::percent(m.accuracy.majority.value),
        "the same share for always giving the training rows' most frequent label",
    ),
    Column::new(
        "k",
        |m| logrows(&m.proving),
        "base-2 logarithm of the circuit's rows (logrows)",
    ),
    Column::new(
        "Setup",
        |m| median(&m.proving, Stage::Setup),
        "median time to make the proving and the verifying key",
    ),
    Column::new(
        "Prove",
        |m| median(&m.proving, Stage::Prove),
        "median time to make one proof",
    ),
    Column::new(
        "Verify",
        |m| median(&m.proving, Stage::Verify),
        "median time to verify one proof",
    ),
    Column::new(
        "Proofs",
        |m| m.proving.proved_rows.len().to_string(),
        "proofs made and verified, each of another test row",
    ),
    Column::new(
        "Proof",
        |m| bytes(m.proving.sizes.proof_bytes),
        "size of one proof",
    ),
    Column::new(
        "Proving key",
        |m| bytes(m.proving.sizes.pk_bytes),
        "size of the proving key",
    ),
    Column::new(
        "Verifying key",
        |m| bytes(m.proving.sizes.vk_bytes),
        "size of the verifying key",
    ),
    Column::new(
        "Memory",
        |m| bytes(m.proving.memory.peak()),
        "most resident memory of the prover's process, from setup to the last proof",
    ),
];

/// The models and our proofs of them: a row per model.
pub fn models(record: &RunRecord) -> Grid {
    let mut grid = Grid::new(COLUMNS.iter().enumerate().map(|(index, column)| Heading {
        name: column.heading.to_owned(),
        meaning: column.meaning,
        is_left: index == 0,
    }));
    let cells = |model: &ModelRecord| COLUMNS.iter().map(|column| (column.cell)(model)).collect();
    grid.rows = record.models.iter().map(cells).collect();
    grid
}

/// All tables of a run as plain text: the models, then the peers and what failed, where there is
/// any.
pub fn text(record: &RunRecord) -> String {
    let mut out = models(record).text();
    let peers = peers(record);
    if !peers.is_empty() {
        out.push_str("\nOther provers on the same models and rows\n\n");
        out.push_str(&peers.text());
        out.push('\n');
        for heading in peers.headings.iter().filter(|of| !of.meaning.is_empty()) {
            let _ = writeln!(out, "  {:<14}  {}", heading.name, heading.meaning);
        }
    }
    let failures = failures(record);
    if !failures.is_empty() {
        out.push_str("\nFailures\n\n");
        out.push_str(&failures.text());
    }
    out
}

/// The models' table in Markdown.
pub fn markdown(record: &RunRecord) -> String {
    models(record).markdown()
}

/// The median time of a stage, or a dash if it was not timed.
pub(crate) fn median(proving: &Proving, stage: Stage) -> String {
    let median = proving.timings.of(stage).median();
    median.map_or_else(|| NONE.to_owned(), units::time)
}

/// The circuit's k, or a dash.
pub(crate) fn logrows(proving: &Proving) -> String {
    let circuit = proving.circuit;
    circuit.map_or_else(|| NONE.to_owned(), |shape| shape.logrows.to_string())
}

/// A size, or a dash.
pub(crate) fn bytes(count: Option<u64>) -> String {
    count.map_or_else(|| NONE.to_owned(), units::bytes)
}

/// `66.7 % [58.8, 73.7]`.
pub(crate) fn with_interval(rate: &Rate) -> String {
    format!(
        "{} [{:.1}, {:.1}]",
        units::percent(rate.value),
        rate.low * 100.0,
        rate.high * 100.0
    )
}

/// As [`with_interval`], or a dash.
pub(crate) fn optional_interval(rate: Option<&Rate>) -> String {
    rate.map_or_else(|| NONE.to_owned(), with_interval)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_record;

    #[test]
    fn text_is_aligned() {
        let expected = "\
Model     Parameters    Float   Quantised accuracy  Majority  k    Setup    Prove   Verify  Proofs    Proof  Proving key  Verifying key   Memory
────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
logistic         163   66.0 %  66.0 % [58.1, 73.1]    52.0 %  8  13.0 ms  14.9 ms  1.60 ms       3    736 B       201 kB          712 B  24.0 MB
64-32         12,545  100.0 %  99.3 % [96.3, 99.9]    52.0 %  9   120 ms   1.10 s  4.20 ms       2  3.58 kB      2.50 MB        4.25 kB  24.0 MB
";
        assert_eq!(models(&run_record()).text(), expected);
    }

    #[test]
    fn peers_and_failures_follow_where_there_are_any() {
        let mut record = run_record();
        let all = text(&record);
        assert!(all.starts_with(&models(&record).text()));
        assert!(all.contains("\nOther provers"), "{all}");
        assert!(
            all.contains("\n  x CPU           CPU time of a proof over ours"),
            "{all}"
        );
        assert!(all.contains("took longer than 60 s"), "{all}");
        record.failures.clear();
        record
            .models
            .iter_mut()
            .for_each(|model| model.peers.clear());
        assert_eq!(text(&record), models(&record).text());
    }

    #[test]
    fn a_pipe_in_a_tag_does_not_split_its_markdown_cell() {
        let mut record = run_record();
        record.models[0].tag = "a|b".into();
        assert!(markdown(&record).contains(r"| a\|b | 163 |"));
    }

    #[test]
    fn a_model_without_proofs_has_dashes() {
        let mut record = run_record();
        record.models.truncate(1);
        record.models[0].proving = Proving::default();
        record.models[0].accuracy.quantized = None;
        let grid = models(&record);
        let dashes = grid.rows[0].iter().filter(|cell| *cell == NONE).count();
        // Accuracy, k, three times, three sizes, memory.
        assert_eq!(dashes, 9);
        assert_eq!(grid.rows[0][2], "66.0 %");
        assert_eq!(grid.rows[0][9], "0");
    }
}
