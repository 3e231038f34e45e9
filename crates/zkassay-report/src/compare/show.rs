//! A comparison in tables.

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::{Change, Comparison, Pair};
use crate::grid::{Grid, Heading, escape, visible};
use crate::stats::RESAMPLES;
use crate::table::NONE;
use crate::units;

impl Comparison {
    /// The models side by side: each figure as first, second and ratio.
    pub fn table(&self) -> Grid {
        let mut grid = Grid::new([
            Heading::left("Model", ""),
            Heading::left("Prover", ""),
            Heading::right(
                "Accuracy",
                "quantised; first, second, difference with its interval",
            ),
            Heading::right("Prove", "medians; first, second, ratio with its interval"),
            Heading::right("CPU of a proof", "the same, over all threads"),
            Heading::right("Verify", "the same"),
            Heading::right("Setup", "the same"),
            Heading::right("Proof", "first, second, ratio"),
            Heading::right("Proving key", "the same"),
            Heading::right("Memory", "the same"),
        ]);
        let bytes = |value: f64| units::bytes(value as u64);
        grid.rows = self
            .models
            .iter()
            .map(|pair| {
                vec![
                    pair.tag.clone(),
                    pair.prover.clone(),
                    accuracy(pair),
                    change(pair.prove, units::time),
                    change(pair.cpu, units::time),
                    change(pair.verify, units::time),
                    change(pair.setup, units::time),
                    change(pair.proof, bytes),
                    change(pair.key, bytes),
                    change(pair.memory, bytes),
                ]
            })
            .collect();
        grid
    }

    /// What differs before anything is measured.
    pub fn deviations_table(&self) -> Grid {
        let mut grid = Grid::new([
            Heading::left("What", ""),
            Heading::left(self.first.clone(), ""),
            Heading::left(self.second.clone(), ""),
        ]);
        let rows = self.deviations.iter();
        grid.rows = rows
            .map(|deviation| {
                vec![
                    deviation.what.clone(),
                    deviation.first.clone(),
                    deviation.second.clone(),
                ]
            })
            .collect();
        grid
    }

    /// What came out, in sentences: how many are clearly quicker or slower.
    fn summary(&self) -> Vec<String> {
        let proofs = self.models.iter().filter(|pair| pair.prove.is_some());
        let clear = |side: Ordering| {
            let is_clear = |pair: &&Pair| pair.clear_change() == Some(side);
            let count = self.models.iter().filter(is_clear).count();
            format!("{count} {}", if count == 1 { "takes" } else { "take" })
        };
        let accuracies = self
            .models
            .iter()
            .filter_map(|pair| pair.accuracy_difference);
        let other = self
            .models
            .iter()
            .filter(|pair| !pair.is_same_model)
            .count();
        let mut lines = vec![format!(
            "Times of a proof, of {} of a model and a prover: {} clearly longer in the second run, {} \
             clearly less. Clearly: the intervals of wall and CPU time both exclude 1, on the same side.",
            units::counted(proofs.count(), "pair"),
            clear(Ordering::Greater),
            clear(Ordering::Less)
        )];
        lines.push(
            "These intervals do not hold what changes from run to run, such as another load or another \
             clock, so that two runs of the same program can differ clearly. A verdict needs proofs of \
             both sides in turns, as `cargo xtask bench-compare` makes them of zkassay and EZKL."
                .to_owned(),
        );
        lines.push(format!(
            "Accuracies that differ clearly: {}.",
            accuracies.filter(super::Difference::is_clear).count()
        ));
        if other > 0 {
            lines.push(match other {
                1 => "1 of the pairs is of another ONNX file.".to_owned(),
                some => format!("{some} of the pairs are of other ONNX files."),
            });
        }
        lines
    }

    /// The comparison as plain text, ending in a newline.
    pub fn text(&self) -> String {
        self.page(
            visible,
            |title| format!("\n{title}\n\n"),
            Grid::text,
            "!!! ",
        )
    }

    /// The comparison as a Markdown page.
    pub fn markdown(&self) -> String {
        self.page(
            escape,
            |title| format!("\n## {title}\n\n"),
            Grid::markdown,
            "> **Warning.** ",
        )
    }

    fn page(
        &self,
        escape: fn(&str) -> String,
        heading: fn(&str) -> String,
        table: fn(&Grid) -> String,
        loud: &str,
    ) -> String {
        let mut page = String::new();
        if loud.starts_with('>') {
            page.push_str("# Two runs side by side\n\n");
        }
        for warning in &self.warnings {
            let _ = writeln!(page, "{loud}{}\n", escape(warning));
        }
        let _ = writeln!(
            page,
            "First run {}, second run {}. A ratio above 1 is slower or larger in the second.\n",
            escape(&self.first),
            escape(&self.second)
        );
        for line in self.summary() {
            let _ = writeln!(page, "- {line}");
        }
        page.push_str(&heading("Models"));
        page.push_str(&table(&self.table()));
        let _ = writeln!(
            page,
            "\nTimes are medians; the interval of a ratio is the 95 % percentile interval of a seeded \
             bootstrap ({RESAMPLES} resamples of the samples of both runs), rather too narrow with fewer \
             than ten samples, and left out with fewer than three."
        );
        for (run, only) in [
            (&self.first, &self.only_first),
            (&self.second, &self.only_second),
        ] {
            if !only.is_empty() {
                let names: Vec<String> = only.iter().map(|name| escape(name)).collect();
                let _ = writeln!(page, "\nOnly in {}: {}.", escape(run), names.join(", "));
            }
        }
        if !self.deviations.is_empty() {
            page.push_str(&heading("What differs"));
            page.push_str(&table(&self.deviations_table()));
        }
        page
    }
}

/// `66.0 %, 67.1 %: +1.1 [-3.0, 5.2]`.
fn accuracy(pair: &Pair) -> String {
    let Some(change) = pair.accuracy else {
        return NONE.to_owned();
    };
    let (first, second) = (units::percent(change.first), units::percent(change.second));
    if pair.accuracy_difference.is_none() && change.first == change.second {
        return format!("{first}, same");
    }
    let difference = pair.accuracy_difference.map(|found| {
        let points = |value: f64| value * 100.0;
        let found = found.difference;
        format!(
            ": {:+.1} [{:+.1}, {:+.1}]",
            points(found.value),
            points(found.low),
            points(found.high)
        )
    });
    format!("{first}, {second}{}", difference.unwrap_or_default())
}

/// `14.9 ms, 16.0 ms: 1.07 [1.02, 1.11]`, or one figure if both are equal.
fn change(change: Option<Change>, show: impl Fn(f64) -> String) -> String {
    let Some(change) = change else {
        return NONE.to_owned();
    };
    let (first, second) = (show(change.first), show(change.second));
    if change.first == change.second && change.interval.is_none() {
        return format!("{first}, same");
    }
    let ratio = change
        .ratio
        .map(|ratio| format!(": {}", units::ratio(ratio)));
    let interval = change.interval.map(|interval| {
        format!(
            " [{}, {}]",
            units::ratio(interval.low),
            units::ratio(interval.high)
        )
    });
    format!(
        "{first}, {second}{}{}",
        ratio.unwrap_or_default(),
        interval.unwrap_or_default()
    )
}
