//! A choice in words and tables.

use std::fmt::Write as _;

use super::{Candidate, Cheapest, Choice, Miss, Outside};
use crate::grid::{Grid, Heading, escape, visible};
use crate::table::NONE;
use crate::units;

impl Candidate {
    /// `64.2 % [56.3, 71.4]`, or a dash.
    pub fn accuracy_text(&self) -> String {
        match (self.accuracy, self.low, self.high) {
            (Some(value), Some(low), Some(high)) => format!(
                "{} [{:.1}, {:.1}]",
                units::percent(value),
                low * 100.0,
                high * 100.0
            ),
            _ => NONE.to_owned(),
        }
    }

    /// The figures in one line.
    pub fn describe(&self) -> String {
        format!(
            "{} parameters, {}, proved in {}, verified in {}, {} per proof",
            units::count(self.parameters),
            self.accuracy_text(),
            time(self.prove_ms),
            time(self.verify_ms),
            bytes(self.proof_bytes)
        )
    }
}

impl Cheapest {
    /// `tree is 8.6 points less, 95 % interval [-2.2, +19.2] (Newcombe 1998, method 10), which holds
    /// 0: 151 rows cannot tell the two apart.`, with the name as `escape` has it; `None` of the best
    /// itself.
    pub(crate) fn difference_text(&self, escape: fn(&str) -> String) -> Option<String> {
        let found = self.difference?;
        Some(format!(
            "{} is {:.1} points less, 95 % interval [{:+.1}, {:+.1}] ({}), which holds 0: {} rows cannot \
             tell the two apart.",
            escape(&self.model.tag),
            found.difference.value * 100.0,
            found.difference.low * 100.0,
            found.difference.high * 100.0,
            found.method.name(),
            units::count(self.rows)
        ))
    }
}

impl Miss {
    /// `time of a proof 62.0 ms instead of 50.0 ms (1.24 times)`.
    pub fn describe(&self) -> String {
        let name = self.limit.name();
        let Some(found) = self.found else {
            return format!("{name} is not known");
        };
        let Some(allowed) = self.allowed else {
            return format!("{name} {}", self.limit.show(found));
        };
        let by = match self.limit {
            super::Limit::Accuracy => format!("{:.1} points", (allowed - found) * 100.0),
            _ => format!("{} times", units::ratio(self.factor())),
        };
        let (found, allowed) = (self.limit.show(found), self.limit.show(allowed));
        format!("{name} {found} instead of {allowed} ({by})")
    }
}

impl Choice {
    /// What was chosen, in sentences, with names as `escape` has them.
    fn sentences(&self, escape: fn(&str) -> String) -> Vec<String> {
        let mut lines = vec![format!("Budget: {}.", self.budget.describe())];
        let total = self.within.len() + self.outside.len();
        lines.push(match self.within.len() {
            0 => format!("None of {} is within it.", units::models(total)),
            1 => format!("1 of {} is within it.", units::models(total)),
            some => format!("{some} of {} are within it.", units::models(total)),
        });
        if let Some(best) = &self.best {
            lines.push(format!("Best: {}, {}.", escape(&best.tag), best.describe()));
        }
        if let Some(cheapest) = &self.cheapest {
            let model = &cheapest.model;
            lines.push(match cheapest.difference_text(escape) {
                None => "No cheaper one that is clearly above the majority baseline may be as \
                         accurate, as far as these test rows can tell."
                    .to_owned(),
                Some(difference) => format!(
                    "Cheaper, perhaps as good: {}, {}. {difference}",
                    escape(&model.tag),
                    model.describe()
                ),
            });
        }
        if let (None, Some(best)) = (&self.best, self.frontier.last()) {
            lines.push(format!(
                "Best without limits: {}, {}.",
                escape(&best.tag),
                best.describe()
            ));
        }
        if let Some(nearest) = &self.nearest {
            let misses: Vec<String> = nearest.misses.iter().map(Miss::describe).collect();
            lines.push(format!(
                "Nearest: {}: {}.",
                escape(&nearest.model.tag),
                misses.join("; ")
            ));
        }
        for loosening in &self.loosen {
            lines.push(format!(
                "`{} {}` instead of {} would let {} in.",
                loosening.limit.flag(),
                loosening.limit.argument(loosening.to),
                loosening.limit.show(loosening.from),
                escape(&loosening.tag)
            ));
        }
        if self.nearest.is_some() && self.loosen.is_empty() {
            lines.push("Every model misses several limits, or a figure is not known.".to_owned());
        }
        lines
    }

    /// The frontier of accuracy against the time of a proof, and whether the models on it are
    /// within the budget.
    pub fn frontier_table(&self) -> Grid {
        self.models(&self.frontier)
    }

    /// The frontier of accuracy against the size of a proof.
    pub fn size_frontier_table(&self) -> Grid {
        self.models(&self.size_frontier)
    }

    fn models(&self, models: &[Candidate]) -> Grid {
        let mut grid = Grid::new([
            Heading::left("Model", ""),
            Heading::right("Parameters", ""),
            Heading::right("Quantised accuracy", "with its 95 % interval"),
            Heading::right("Prove", "median"),
            Heading::right("Verify", "median"),
            Heading::right("Setup", "median"),
            Heading::right("Proof", ""),
            Heading::right("Proving key", ""),
            Heading::right("Memory", ""),
            Heading::left("Within", "whether it is within the budget"),
        ]);
        grid.rows = models.iter().map(|model| self.row(model)).collect();
        if self.budget.limits().is_empty() {
            grid.headings.pop();
            grid.rows.iter_mut().for_each(|row| {
                row.pop();
            });
        }
        grid
    }

    fn row(&self, model: &Candidate) -> Vec<String> {
        let is_within = self.budget.misses(model).is_empty();
        vec![
            model.tag.clone(),
            units::count(model.parameters),
            model.accuracy_text(),
            time(model.prove_ms),
            time(model.verify_ms),
            time(model.setup_ms),
            bytes(model.proof_bytes),
            bytes(model.pk_bytes),
            bytes(model.memory_bytes),
            if is_within { "yes" } else { "no" }.to_owned(),
        ]
    }

    /// The models outside the budget, with the limits they miss.
    pub fn outside_table(&self) -> Grid {
        let mut grid = Grid::new([
            Heading::left("Model", ""),
            Heading::left("Misses", "the limits, and by how much"),
        ]);
        let row = |outside: &Outside| {
            let misses: Vec<String> = outside.misses.iter().map(Miss::describe).collect();
            vec![outside.model.tag.clone(), misses.join("; ")]
        };
        grid.rows = self.outside.iter().map(row).collect();
        grid
    }

    /// The choice as plain text: sentences, and if any model is within the budget, the frontiers
    /// and what is outside.
    pub fn text(&self) -> String {
        self.page(visible, |title| format!("\n{title}\n\n"), Grid::text)
    }

    /// The same in Markdown, with headings of the third level.
    pub fn markdown(&self) -> String {
        self.page(escape, |title| format!("\n### {title}\n\n"), Grid::markdown)
    }

    fn page(
        &self,
        escape: fn(&str) -> String,
        heading: fn(&str) -> String,
        table: fn(&Grid) -> String,
    ) -> String {
        let mut page = String::new();
        for line in self.sentences(escape) {
            let _ = writeln!(page, "- {line}");
        }
        // The nearest and what to loosen say more than what is out of reach.
        if self.within.is_empty() {
            return page;
        }
        for (title, grid) in [
            (
                "Frontier: no other model is quicker to prove and as accurate",
                self.frontier_table(),
            ),
            (
                "Frontier: no other model has a smaller proof and is as accurate",
                self.size_frontier_table(),
            ),
            ("Outside the budget", self.outside_table()),
        ] {
            if !grid.is_empty() {
                page.push_str(&heading(title));
                page.push_str(&table(&grid));
            }
        }
        page
    }
}

fn time(milliseconds: Option<f64>) -> String {
    milliseconds.map_or_else(|| NONE.to_owned(), units::time)
}

fn bytes(count: Option<u64>) -> String {
    count.map_or_else(|| NONE.to_owned(), units::bytes)
}
