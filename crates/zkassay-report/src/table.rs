//! The run's one table: a line per model, for the terminal and for Markdown.

use std::fmt::Write as _;

use crate::record::{ModelRecord, Proportion, RunRecord, Stage};
use crate::units;

/// A column of the table.
pub(crate) struct Column {
    /// What stands above it.
    pub(crate) heading: &'static str,
    /// What a reader is told it means.
    pub(crate) meaning: &'static str,
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

/// The table's columns from left to right.
pub(crate) const COLUMNS: [Column; 13] = [
    Column::new(
        "Model",
        |m| m.tag.clone(),
        "widths of a network's hidden layers, or the name of a model without",
    ),
    Column::new(
        "Parameters",
        |m| units::count(m.parameters),
        "trained weights and biases",
    ),
    Column::new(
        "Float accuracy",
        |m| with_interval(&m.accuracy.float),
        "share of test rows the trained model gets right, with its 95 % interval",
    ),
    Column::new(
        "Quantised accuracy",
        |m| with_interval(&m.accuracy.quantized),
        "the same for the quantised model, which is the one that is proved",
    ),
    Column::new(
        "Majority",
        |m| units::percent(m.accuracy.majority.value),
        "the same share for always giving the training rows' most frequent label",
    ),
    Column::new(
        "k",
        |m| m.circuit.logrows.to_string(),
        "base-2 logarithm of the circuit's rows (logrows)",
    ),
    Column::new(
        "Setup",
        |m| median(m, Stage::Setup),
        "median time to make the proving and the verifying key",
    ),
    Column::new(
        "Prove",
        |m| median(m, Stage::Prove),
        "median time to make one proof",
    ),
    Column::new(
        "Verify",
        |m| median(m, Stage::Verify),
        "median time to verify one proof",
    ),
    Column::new(
        "Proofs",
        |m| m.proved_rows.len().to_string(),
        "proofs made and verified, each of another test row",
    ),
    Column::new(
        "Proof",
        |m| units::bytes(m.sizes.proof_bytes),
        "size of one proof; its file adds 86 bytes and 8 for each public output",
    ),
    Column::new(
        "Proving key",
        |m| units::bytes(m.sizes.pk_bytes),
        "size of the proving key",
    ),
    Column::new(
        "Verifying key",
        |m| units::bytes(m.sizes.vk_bytes),
        "size of the verifying key",
    ),
];

/// The table as aligned plain text: the first column to the left, numbers to
/// the right, one line per model, ending in a newline.
pub fn text(record: &RunRecord) -> String {
    let mut lines = vec![COLUMNS.map(|column| column.heading.to_owned())];
    lines.extend(record.models.iter().map(cells));
    let widths: [usize; COLUMNS.len()] = std::array::from_fn(|column| {
        let lengths = lines.iter().map(|cells| cells[column].chars().count());
        lengths.max().unwrap_or(0)
    });
    let mut out = String::new();
    for (index, cells) in lines.iter().enumerate() {
        if index == 1 {
            let total = widths.iter().sum::<usize>() + 2 * (COLUMNS.len() - 1);
            let _ = writeln!(out, "{}", "─".repeat(total));
        }
        let [first, rest @ ..] = cells;
        let [first_width, rest_widths @ ..] = widths;
        let _ = write!(out, "{first:<first_width$}");
        for (cell, width) in rest.iter().zip(rest_widths) {
            let _ = write!(out, "  {cell:>width$}");
        }
        out.push('\n');
    }
    out
}

/// The table in Markdown (GitHub's pipe tables), ending in a newline.
pub fn markdown(record: &RunRecord) -> String {
    let headings = COLUMNS.map(|column| column.heading);
    let mut out = format!("| {} |\n", headings.join(" | "));
    let _ = writeln!(out, "|:---|{}", "---:|".repeat(COLUMNS.len() - 1));
    for model in &record.models {
        let cells = cells(model).map(|cell| escape(&cell));
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out
}

/// Text that stays within its Markdown cell.
pub(crate) fn escape(text: &str) -> String {
    text.replace('|', r"\|").replace(['\n', '\r'], " ")
}

fn cells(model: &ModelRecord) -> [String; COLUMNS.len()] {
    COLUMNS.map(|column| (column.cell)(model))
}

/// The median time of a stage, or a dash if it was not timed.
pub(crate) fn median(model: &ModelRecord, stage: Stage) -> String {
    let median = model.timings.of(stage).median();
    median.map_or_else(|| "-".to_owned(), units::time)
}

/// `66.7 % [58.8, 73.7]`.
pub(crate) fn with_interval(share: &Proportion) -> String {
    format!(
        "{} [{:.1}, {:.1}]",
        units::percent(share.value),
        share.low * 100.0,
        share.high * 100.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_record;

    #[test]
    fn text_is_aligned() {
        let expected = "\
Model     Parameters         Float accuracy   Quantised accuracy  Majority  k    Setup    Prove   Verify  Proofs    Proof  Proving key  Verifying key
─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
logistic         163    66.0 % [58.1, 73.1]  66.0 % [58.1, 73.1]    52.0 %  8  13.0 ms  14.9 ms  1.60 ms       3    736 B       201 kB          712 B
64-32         12,545  100.0 % [97.5, 100.0]  99.3 % [96.3, 99.9]    52.0 %  9   120 ms   1.10 s  4.20 ms       2  3.58 kB      2.50 MB        4.25 kB
";
        assert_eq!(text(&run_record()), expected);
    }

    #[test]
    fn markdown_has_the_same_cells() {
        let record = run_record();
        let markdown = markdown(&record);
        let lines: Vec<&str> = markdown.lines().collect();
        assert_eq!(lines.len(), 2 + record.models.len());
        let cells = |line: &str| line.split_whitespace().filter(|word| *word != "|").count();
        for (line, plain) in lines[2..].iter().zip(text(&record).lines().skip(2)) {
            assert_eq!(cells(line), plain.split_whitespace().count());
        }
    }

    #[test]
    fn a_pipe_in_a_tag_does_not_split_its_markdown_cell() {
        let mut record = run_record();
        record.models[0].tag = "a|b".into();
        assert!(markdown(&record).contains(r"| a\|b | 163 |"));
    }

    #[test]
    fn a_stage_without_samples_is_a_dash() {
        let mut record = run_record();
        record.models.truncate(1);
        record.models[0].timings = crate::Timings::default();
        assert_eq!(
            text(&record)
                .split_whitespace()
                .filter(|w| *w == "-")
                .count(),
            3
        );
    }
}
