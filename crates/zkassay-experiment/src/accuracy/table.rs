//! The record as a table in Markdown.

use std::fmt::Write as _;

use zkassay_features::Splitter;
use zkassay_models::metrics::Summary;

use super::{AccuracyRecord, IntegerAccuracy, ModelAccuracy};

const HEADINGS: [&str; 9] = [
    "Model",
    "Parameters",
    "Accuracy, %",
    "as integers, %",
    "ROC AUC",
    "Log loss",
    "Brier",
    "against the first, %",
    "Training",
];

impl AccuracyRecord {
    /// What was done, the table, and how to read it; ends in a newline.
    pub fn markdown(&self) -> String {
        let mut page = format!(
            "{} x {} features of `{}`, {}. Always giving the training rows' most frequent label: \
             {} %.\n\n",
            range(&self.train_rows),
            self.features,
            self.data,
            self.rounds(),
            percent(&self.majority),
        );
        let _ = writeln!(page, "| {} |", HEADINGS.join(" | "));
        let _ = writeln!(page, "|:---|{}", "---:|".repeat(HEADINGS.len() - 1));
        for model in &self.models {
            let _ = writeln!(page, "| {} |", model.cells().join(" | "));
        }
        page.push_str(
            "\nMean and standard error over the rounds. Against the first model: difference of \
             the accuracies and its p-value by the t-test corrected for overlapping rounds \
             (Nadeau and Bengio 2003). As integers: what a proof proves; a dash where no circuit \
             exists yet. Training: all rounds.\n",
        );
        let _ = writeln!(
            page,
            "\n`{}`\n\n{}, {} threads, revision {}.",
            self.command,
            self.host.cpu,
            self.host.threads,
            self.host.revision.as_deref().unwrap_or("unknown"),
        );
        page
    }

    fn rounds(&self) -> String {
        let tested = range(&self.test_rows);
        match &self.splitter {
            Splitter::Random { rounds, .. } => {
                format!("{rounds} random splits, tested on {tested} rows each")
            }
            Splitter::WalkForward { folds, embargo } => format!(
                "{folds} folds of a walk forward with {embargo} days between, tested on {tested} \
                 rows each"
            ),
            Splitter::Chronological { embargo } => {
                format!("split once in time with {embargo} days between, tested on {tested} rows")
            }
        }
    }
}

impl ModelAccuracy {
    /// One line about the model.
    pub(super) fn summary(&self) -> String {
        let integer = match &self.integer {
            IntegerAccuracy::Scored { accuracy, .. } => {
                format!(", as integers {} %", percent(accuracy))
            }
            IntegerAccuracy::Unsupported(_) => String::new(),
        };
        format!(
            "{} parameters, accuracy {} %{integer}, trained in {:.1} s",
            self.parameters,
            percent(&self.accuracy),
            self.training_seconds
        )
    }

    fn cells(&self) -> [String; HEADINGS.len()] {
        let score = |summary: &Option<Summary>| match summary {
            Some(summary) => format!("{:.3}", summary.mean),
            None => "-".into(),
        };
        [
            self.model.to_string(),
            self.parameters.to_string(),
            percent(&self.accuracy),
            match &self.integer {
                IntegerAccuracy::Scored { accuracy, .. } => percent(accuracy),
                IntegerAccuracy::Unsupported(_) => "-".into(),
            },
            score(&self.roc_auc),
            score(&self.log_loss),
            score(&self.brier),
            match &self.against_first {
                Some(test) => format!("{:+.2} (p = {:.2})", 100.0 * test.difference, test.p_value),
                None => "-".into(),
            },
            format!("{:.1} s", self.training_seconds),
        ]
    }
}

/// Mean and standard error in percent.
fn percent(summary: &Summary) -> String {
    let mean = 100.0 * summary.mean;
    match summary.standard_error {
        Some(error) => format!("{mean:.2} ± {:.2}", 100.0 * error),
        None => format!("{mean:.2}"),
    }
}

/// `449`, or `100 to 500`.
fn range(counts: &[usize]) -> String {
    let (low, high) = (counts.iter().min(), counts.iter().max());
    match (low, high) {
        (Some(low), Some(high)) if low != high => format!("{low} to {high}"),
        (Some(low), _) => low.to_string(),
        _ => "no".into(),
    }
}
