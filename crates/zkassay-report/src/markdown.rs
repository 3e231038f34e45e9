//! The run as one Markdown page: what came out, how, and how to repeat it.

mod headline;
mod results;
mod setting;

use std::fmt::Write as _;

use crate::grid::{code, escape};
use crate::{Budget, RunRecord, article, choose, findings};
use crate::{plots, table, units};

/// The page `report.md`, with the plots linked as `plots/*.svg`.
pub fn report(record: &RunRecord) -> String {
    let mut page = format!(
        "# Accuracy and cost of proved models: {}\n\n",
        escape(&record.data.name)
    );
    let _ = writeln!(
        page,
        "Run {} of {}, profile {}, {}, seed {}, {} in all.\n",
        code(&record.id),
        escape(&record.created),
        code(&record.profile),
        units::models(record.models.len()),
        record.seed,
        units::time(record.seconds * 1e3)
    );
    for warning in &record.warnings {
        let _ = writeln!(page, "> **Warning.** {}\n", escape(warning));
    }
    if !record.failures.is_empty() {
        let _ = writeln!(
            page,
            "> **Not everything worked**: {}, see [below](#failures).\n",
            units::counted(record.failures.len(), "failure")
        );
    }
    if record.srs.is_unsafe() {
        page.push_str(
            "> **Warning: `unsafe-local` parameters.** The structured reference string was made\n\
             > on this machine, so whoever ran this could forge proofs. Sizes and times are those\n\
             > of real parameters, but rely on a proof only if its parameters come from a public\n\
             > ceremony.\n\n",
        );
    }
    page.push_str("## In short\n\n");
    headline::write(&mut page, record);
    conclusion(&mut page, record);
    models(&mut page, record);
    frontier(&mut page, record);
    results::peers(&mut page, record);
    study(&mut page, record);
    results::fidelity(&mut page, record);
    results::stages(&mut page, record);
    results::audit(&mut page, record);
    results::failures(&mut page, record);
    setting::write(&mut page, record);
    page
}

/// What the run says about the study's conclusion.
fn conclusion(page: &mut String, record: &RunRecord) {
    page.push_str(
        "\n## Does accuracy grow with the parameters, and cost with both?\n\n\
         The study concluded that accuracy grows with the number of neurons and that cost grows\n\
         linearly. In this run:\n\n",
    );
    for sentence in findings::findings(record).sentences() {
        let _ = writeln!(page, "- {sentence}");
    }
}

fn models(page: &mut String, record: &RunRecord) {
    let grid = table::models(record);
    let _ = writeln!(page, "\n## Models\n\n{}", grid.markdown());
    for plot in plots::all(record) {
        let _ = writeln!(page, "![{}]({})\n", plot.title(), plot.path("svg"));
    }
    page.push_str("What the columns mean:\n\n");
    for heading in &grid.headings {
        let _ = writeln!(page, "- **{}**: {}", heading.name, heading.meaning);
    }
    page.push_str(
        "\n`models.csv` has these and more figures, `samples.csv` every timed sample, and\n\
         `record.json` all of it.\n",
    );
}

/// The models that no other beats.
fn frontier(page: &mut String, record: &RunRecord) {
    let choice = choose::choose(record, &Budget::default());
    if choice.frontier.is_empty() {
        return;
    }
    let _ = write!(
        page,
        "\n## Frontier\n\n\
         No other model is quicker to prove and as accurate:\n\n{}\n\
         No other model has a smaller proof and is as accurate:\n\n{}\n\
         `zkassay choose` finds the best model within limits of time, size, memory and accuracy.\n",
        choice.frontier_table().markdown(),
        choice.size_frontier_table().markdown()
    );
}

/// The study's figures beside ours, where there are models of both.
fn study(page: &mut String, record: &RunRecord) {
    let grid = article::table(record);
    if grid.is_empty() {
        return;
    }
    let _ = write!(
        page,
        "\n## Beside the study\n\n{}.\n\n{}\n",
        article::SOURCE,
        grid.markdown()
    );
    page.push_str("What cannot be compared:\n\n");
    for caveat in article::CAVEATS {
        let _ = writeln!(page, "- {caveat}");
    }
}

#[cfg(test)]
mod tests;
