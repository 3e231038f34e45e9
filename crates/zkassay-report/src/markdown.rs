//! The run as one Markdown page: what came out, how, and how to repeat it.

use std::fmt::Write as _;

use crate::record::{ModelRecord, RunRecord, Stage};
use crate::{plots, table, units};

/// The page `report.md`, with the plots linked as `plots/*.svg`.
pub fn report(record: &RunRecord) -> String {
    let mut page = format!(
        "# Accuracy and cost of proved models: {}\n\n",
        record.data.name
    );
    let _ = writeln!(
        page,
        "Run `{}` of {}, {} models, seed {}.\n",
        record.id,
        record.created,
        record.models.len(),
        record.seed
    );
    headline(&mut page, record);
    for warning in &record.warnings {
        let _ = writeln!(page, "\n> **Warning.** {warning}");
    }
    if record.srs.is_unsafe() {
        page.push_str(
            "\n> **Warning: `unsafe-local` parameters.** The structured reference string was made\n\
             > on this machine, so whoever ran this could forge proofs. Sizes and times are those\n\
             > of real parameters, but rely on a proof only if its parameters come from a public\n\
             > ceremony.\n",
        );
    }
    let _ = write!(page, "\n## Models\n\n{}\n", table::markdown(record));
    for plot in plots::all(record) {
        let _ = writeln!(page, "![{}]({})\n", plot.title(), plot.path("svg"));
    }
    page.push_str("## What the columns mean\n\n");
    for column in &table::COLUMNS {
        let _ = writeln!(page, "- **{}**: {}", column.heading, column.meaning);
    }
    page.push_str(
        "\n`models.csv` has these and more figures, `samples.csv` every timed sample, and\n\
         `record.json` all of it.\n",
    );
    stages(&mut page, record);
    setting(&mut page, record);
    let _ = write!(
        page,
        "\n## How to repeat\n\n```sh\n{}\n```\n\n\
         The same seed gives the same models, circuits and proved rows; times depend on the machine.\n",
        record.command
    );
    page
}

/// The most accurate and the cheapest model, and whether any beats guessing.
fn headline(page: &mut String, record: &RunRecord) {
    let models = &record.models;
    let accuracy = |model: &&ModelRecord| model.accuracy.quantized.value;
    // Of equally accurate models the smaller one.
    let best = models.iter().min_by(|a, b| {
        let order = accuracy(b).total_cmp(&accuracy(a));
        order.then(a.parameters.cmp(&b.parameters))
    });
    let prove = |model: &ModelRecord| model.timings.of(Stage::Prove).median();
    let timed = models
        .iter()
        .filter_map(|model| Some((model, prove(model)?)));
    let cheapest = timed.min_by(|(_, a), (_, b)| a.total_cmp(b));
    if let Some(model) = best {
        let _ = writeln!(page, "- Most accurate when quantised: {}", line(model));
    }
    if let Some((model, _)) = cheapest {
        let _ = writeln!(page, "- Cheapest to prove: {}", line(model));
    }
    let above = models
        .iter()
        .filter(|model| model.accuracy.quantized.low > model.accuracy.majority.value);
    let _ = writeln!(
        page,
        "- Above the majority baseline with their whole 95 % interval: {} of {} models",
        above.count(),
        models.len()
    );
}

fn line(model: &ModelRecord) -> String {
    format!(
        "**`{}`** ({} parameters), {}, proved in {}, verified in {}, {} per proof",
        model.tag,
        units::count(model.parameters),
        table::with_interval(&model.accuracy.quantized),
        table::median(model, Stage::Prove),
        table::median(model, Stage::Verify),
        units::bytes(model.sizes.proof_bytes)
    )
}

/// Where the time went: the median of every stage.
fn stages(page: &mut String, record: &RunRecord) {
    page.push_str("\n## Time by stage\n\nMedians; training once per model.\n\n| Model | train |");
    for stage in Stage::ALL {
        let _ = write!(page, " {} |", stage.name());
    }
    let _ = writeln!(page, "\n|:---|---:|{}", "---:|".repeat(Stage::ALL.len()));
    for model in &record.models {
        let training = units::time(model.training.seconds * 1e3);
        let _ = write!(page, "| {} | {training} |", table::escape(&model.tag));
        for stage in Stage::ALL {
            let _ = write!(page, " {} |", table::median(model, stage));
        }
        page.push('\n');
    }
}

/// Machine, data, seeds and the settings of every model.
fn setting(page: &mut String, record: &RunRecord) {
    let host = &record.host;
    let data = &record.data;
    let _ = write!(
        page,
        "\n## Setting\n\n\
         - Machine: {}, {} cores, {} of memory, {}\n\
         - Threads: {}\n\
         - Revision: {}\n\
         - Data: {}, {} rows of {} features: {} for training, {} for calibrating the\n  \
           quantisation, {} for testing\n\
         - Feature manifest: `{}`\n\
         - Parameters of the proof system: `{}`\n",
        host.cpu,
        host.cores,
        units::bytes(host.ram_bytes),
        host.os,
        host.threads,
        host.revision.as_deref().unwrap_or("unknown"),
        data.name,
        units::count(data.rows),
        data.features,
        units::count(data.train_rows),
        units::count(data.calibration_rows),
        units::count(data.test_rows),
        data.feature_hash,
        record.srs.kind
    );
    if !data.files.is_empty() {
        let bytes = data.files.iter().map(|file| file.bytes).sum();
        let _ = writeln!(
            page,
            "- Files: {}, {} in all; `record.json` has the SHA-256 of each",
            data.files.len(),
            units::bytes(bytes)
        );
    }
    page.push_str("\n| Model | Training | Proved test rows | Settings |\n|:---|:---|:---|:---|\n");
    for model in &record.models {
        let rows: Vec<String> = model.proved_rows.iter().map(usize::to_string).collect();
        let _ = writeln!(
            page,
            "| {} | `{}` | {} | `{}` |",
            table::escape(&model.tag),
            table::escape(&model.training.params.to_string()),
            rows.join(", "),
            table::escape(&model.settings.to_string())
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_record;

    #[test]
    fn headline_names_the_best_and_the_cheapest() {
        let page = report(&run_record());
        assert!(page.contains(
            "- Most accurate when quantised: **`64-32`** (12,545 parameters), 99.3 % [96.3, 99.9], \
             proved in 1.10 s, verified in 4.20 ms, 3.58 kB per proof\n"
        ));
        assert!(page.contains("- Cheapest to prove: **`logistic`** (163 parameters)"));
        // 58.1 % is above 52 %, 96.3 % as well.
        assert!(page.contains("interval: 2 of 2 models"));
    }

    #[test]
    fn of_equally_accurate_models_the_smaller_is_best() {
        let mut record = run_record();
        record.models[1].accuracy = record.models[0].accuracy.clone();
        assert!(report(&record).contains("Most accurate when quantised: **`logistic`**"));
    }

    #[test]
    fn what_speaks_against_the_results_is_said() {
        let mut record = run_record();
        record.warnings.push("the pools know tomorrow".into());
        assert!(report(&record).contains("> **Warning.** the pools know tomorrow\n"));
    }

    #[test]
    fn the_warning_appears_with_unsafe_parameters_only() {
        let mut record = run_record();
        assert!(report(&record).contains("could forge proofs"));
        record.srs.kind = "perpetual-powers-of-tau".into();
        assert!(!report(&record).contains("forge"));
    }

    #[test]
    fn plots_are_linked_where_they_are_written() {
        let record = run_record();
        let page = report(&record);
        for plot in plots::all(&record) {
            assert!(page.contains(&format!("]({})", plot.path("svg"))));
        }
    }

    #[test]
    fn the_command_and_every_seed_and_hash_are_there() {
        let record = run_record();
        let page = report(&record);
        for expected in [&record.command, &record.data.feature_hash] {
            assert!(page.contains(expected.as_str()));
        }
        assert!(page.contains("`record.json` has the SHA-256 of each"));
        assert!(page.contains("seed 20220601"));
        assert!(page.contains("| 0, 7, 31 |"));
    }

    #[test]
    fn a_run_without_models_still_has_a_report() {
        let mut record = run_record();
        record.models.clear();
        assert!(report(&record).contains("0 of 0 models"));
    }
}
