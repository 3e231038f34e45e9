//! The report's tables of measurements.

use std::fmt::Write as _;

use crate::grid::{Grid, Heading, escape};
use crate::record::{RunRecord, Stage};
use crate::table::{self, NONE};
use crate::units;

/// Other provers beside ours.
pub(super) fn peers(page: &mut String, record: &RunRecord) {
    let grid = table::peers(record);
    if grid.is_empty() {
        return;
    }
    let _ = write!(
        page,
        "\n## Other provers\n\n\
         The same ONNX files and test rows, medians; `x` is times ours. Our keys are in memory when a\n\
         proof starts; EZKL reads its own at every proof, for its library has no other way.\n\n{}\n",
        grid.markdown()
    );
    for heading in grid.headings.iter().filter(|of| !of.meaning.is_empty()) {
        let _ = writeln!(page, "- **{}**: {}", heading.name, heading.meaning);
    }
}

/// Accuracy in floating point and as integers, and how far the outputs are apart.
pub(super) fn fidelity(page: &mut String, record: &RunRecord) {
    let mut grid = Grid::new([
        Heading::left("Model", ""),
        Heading::right("Float accuracy", ""),
        Heading::right("Quantised accuracy", ""),
        Heading::right("Points", ""),
        Heading::right("Rows", ""),
        Heading::right("Same label", ""),
        Heading::right("Mean error", ""),
        Heading::right("Largest error", ""),
    ]);
    for model in &record.models {
        let float = &model.accuracy.float;
        let quantized = model.accuracy.quantized.as_ref();
        let points = quantized.map(|rate| format!("{:+.2}", (rate.value - float.value) * 100.0));
        let dash = || NONE.to_owned();
        let mut cells = vec![
            model.tag.clone(),
            table::with_interval(float),
            table::optional_interval(quantized),
            points.unwrap_or_else(dash),
        ];
        cells.extend(match &model.proving.fidelity {
            Some(found) => [
                units::count(found.rows),
                units::percent(found.label_agreement),
                units::error(found.mean_abs_error),
                units::error(found.max_abs_error),
            ],
            None => [dash(), dash(), dash(), dash()],
        });
        grid.rows.push(cells);
    }
    let _ = write!(
        page,
        "\n## Float against quantised\n\n\
         What is proved is the quantised model. Points: its accuracy minus that of the trained model.\n\
         Errors: of its outputs on the rows named, against the trained model's.\n\n{}",
        grid.markdown()
    );
}

/// Where the time went: the median of every stage.
pub(super) fn stages(page: &mut String, record: &RunRecord) {
    let train = [Heading::left("Model", ""), Heading::right("train", "")];
    let stages = Stage::ALL.map(|stage| Heading::right(stage.name(), ""));
    let mut grid = Grid::new(train.into_iter().chain(stages));
    for model in &record.models {
        let mut cells = vec![model.tag.clone(), units::time(model.training.seconds * 1e3)];
        cells.extend(Stage::ALL.map(|stage| table::median(&model.proving, stage)));
        grid.rows.push(cells);
    }
    let _ = write!(
        page,
        "\n## Time by stage\n\n\
         Medians; `train` is the time of all rounds together.\n\n{}",
        grid.markdown()
    );
}

/// Whether the data knows what it should not.
pub(super) fn audit(page: &mut String, record: &RunRecord) {
    let Some(audit) = &record.audit else {
        return;
    };
    let mut grid = Grid::new([
        Heading::left("Features", ""),
        Heading::right("Accuracy", ""),
        Heading::right("Standard error", ""),
    ]);
    for (name, score) in [
        ("prices alone", audit.prices_only),
        ("all, as given", audit.as_given),
        ("all, other sources a day late", audit.delayed),
    ] {
        grid.rows.push(vec![
            name.to_owned(),
            units::percent(score.mean),
            units::percent(score.standard_error),
        ]);
    }
    let _ = write!(
        page,
        "\n## Leak audit\n\n{}. Accuracy by {}:\n\n{}",
        escape(&units::sentence(audit.verdict.trim_end_matches('.'))),
        escape(&audit.method),
        grid.markdown()
    );
    if !audit.suspects.is_empty() {
        let names: Vec<String> = audit.suspects.iter().map(|name| escape(name)).collect();
        let _ = writeln!(
            page,
            "\nFeatures that look as if they knew the label: {}.",
            names.join(", ")
        );
    }
}

/// What failed, where anything did.
pub(super) fn failures(page: &mut String, record: &RunRecord) {
    let grid = table::failures(record);
    if !grid.is_empty() {
        let _ = write!(
            page,
            "\n## Failures\n\nThe run went on without these.\n\n{}",
            grid.markdown()
        );
    }
}
