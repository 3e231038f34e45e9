//! The record as a table in Markdown.

use std::fmt::Write as _;

use zkassay_features::Splitter;
use zkassay_models::metrics::Summary;

use super::{AccuracyRecord, Comparison, IntegerAccuracy, ModelAccuracy, Sampling};

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
            range(&self.features),
            self.data,
            self.rows_of_rounds(),
            percent(&self.majority),
        );
        let _ = writeln!(page, "| {} |", HEADINGS.join(" | "));
        let _ = writeln!(page, "|:---|{}", "---:|".repeat(HEADINGS.len() - 1));
        for model in &self.models {
            let _ = writeln!(page, "| {} |", model.cells().join(" | "));
        }
        page.push_str("\nMean and standard error over the rounds. ");
        page.push_str(self.test());
        page.push_str("As integers: what a proof proves. Training: all rounds.\n");
        page.push_str(&self.reasons());
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

    fn rows_of_rounds(&self) -> String {
        let tested = range(&self.test_rows);
        match self.sampling {
            Sampling::Splits(Splitter::Random { rounds, .. }) => {
                format!("{rounds} random splits, tested on {tested} rows each")
            }
            Sampling::Splits(Splitter::WalkForward { folds, embargo }) => format!(
                "{folds} folds of a walk forward with {embargo} days between, tested on {tested} \
                 rows each"
            ),
            Sampling::Splits(Splitter::Chronological { embargo }) => {
                format!("split once in time with {embargo} days between, tested on {tested} rows")
            }
            Sampling::Parts => format!("{}, tested on {tested} rows", self.seeds()),
            Sampling::TestPart => format!(
                "{}, tested on {tested} rows: without the files of the training part, the first \
                 four fifths of the test part train and the others test",
                self.seeds()
            ),
        }
    }

    fn seeds(&self) -> String {
        match self.train_rows.len() {
            1 => "one seed".into(),
            seeds => format!("{seeds} seeds"),
        }
    }

    /// How models are compared with the first, if there are any.
    fn test(&self) -> &'static str {
        match self.models.get(1).and_then(|model| model.against_first) {
            None => "",
            Some(Comparison::CorrectedT(_)) => {
                "Against the first model: difference of the accuracies and its p-value by the \
                 t-test corrected for overlapping rounds (Nadeau and Bengio 2003). "
            }
            Some(Comparison::McNemar { .. }) => {
                "Against the first model: difference of the first round's accuracies and its \
                 p-value by McNemar's test on that round's rows. "
            }
        }
    }

    /// Why models have no accuracy as integers: each reason once, with the models it is of.
    fn reasons(&self) -> String {
        let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
        for model in &self.models {
            let IntegerAccuracy::Missing { reason } = &model.integer else {
                continue;
            };
            let name = format!("`{}`", model.model);
            match reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, models)) => models.push(name),
                None => reasons.push((reason, vec![name])),
            }
        }
        let lines = reasons
            .iter()
            .map(|(reason, models)| format!("- {}: {reason}\n", models.join(", ")));
        match reasons.is_empty() {
            true => String::new(),
            false => format!("\nNo integer model:\n\n{}", lines.collect::<String>()),
        }
    }
}

impl Comparison {
    /// `+1.25 (p = 0.03)`, the difference in percent.
    fn cell(&self) -> String {
        let (difference, p_value) = match self {
            Self::CorrectedT(test) => (test.difference, test.p_value),
            Self::McNemar { difference, rows } => (*difference, rows.p_value),
        };
        let p_value = match p_value < 0.005 {
            true => "p < 0.005".into(),
            false => format!("p = {p_value:.2}"),
        };
        format!("{:+.2} ({p_value})", 100.0 * difference)
    }
}

impl ModelAccuracy {
    /// One line about the model.
    pub(super) fn summary(&self) -> String {
        let integer = match &self.integer {
            IntegerAccuracy::Scored { accuracy, .. } => {
                format!(", as integers {} %", percent(accuracy))
            }
            IntegerAccuracy::Missing { .. } => String::new(),
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
                IntegerAccuracy::Missing { .. } => "-".into(),
            },
            score(&self.roc_auc),
            score(&self.log_loss),
            score(&self.brier),
            match &self.against_first {
                Some(comparison) => comparison.cell(),
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
