//! The page's tables.

use std::fmt::Write as _;

use super::group::Group;
use super::text::{Text, shortened};
use crate::grid::{Grid, Heading};
use crate::record::{ModelRecord, RunRecord};
use crate::{table, units};

/// Cells with more characters are folded.
const LONG: usize = 100;

/// What a table is like besides its cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options<'a> {
    /// What the table shows, for those who hear it.
    pub(super) label: &'a str,
    /// Whether scripts may sort it: not if rows belong together.
    pub(super) is_sortable: bool,
    /// The model of every row, by which it is found and marked; empty for other tables.
    pub(super) models: &'a [ModelRecord],
}

/// A table that scrolls sideways where it is too wide.
pub(super) fn html(grid: &Grid, options: Options) -> String {
    let mut out = scroll_start(options.label);
    let class = if options.is_sortable {
        " class=\"sortable\""
    } else {
        ""
    };
    let _ = write!(out, "<table{class}><thead><tr>");
    for heading in &grid.headings {
        let side = if heading.is_left { "l" } else { "r" };
        let _ = write!(out, "<th scope=\"col\" class=\"{side}\"");
        if !heading.meaning.is_empty() {
            let _ = write!(out, " title=\"{}\"", Text(heading.meaning));
        }
        let _ = write!(out, ">{}</th>", Text(&heading.name));
    }
    out.push_str("</tr></thead><tbody>\n");
    for (index, row) in grid.rows.iter().enumerate() {
        let model = options.models.get(index);
        match model {
            Some(_) => {
                let _ = write!(out, "<tr data-m=\"{index}\">");
            }
            None => out.push_str("<tr>"),
        }
        let cells = grid.headings.iter().zip(row).enumerate();
        for (column, (heading, cell)) in cells {
            let text = contents(cell, heading.is_left);
            let _ = match (column, heading.is_left) {
                (0, _) => write!(
                    out,
                    "<th scope=\"row\">{}{text}</th>",
                    model.map(marker).unwrap_or_default()
                ),
                (_, true) => write!(out, "<td class=\"l\">{text}</td>"),
                (_, false) => write!(out, "<td>{text}</td>"),
            };
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    out
}

/// The start of what scrolls sideways around a table.
pub(super) fn scroll_start(label: &str) -> String {
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">",
        Text(label)
    )
}

/// The marker of a model in a line of text.
pub(super) fn marker(model: &ModelRecord) -> String {
    let index = Group::of(model).index();
    format!(
        "<svg class=\"mark g{index}\" viewBox=\"-7 -7 14 14\" width=\"12\" height=\"12\" \
         aria-hidden=\"true\"><use href=\"#k{index}\"/></svg>"
    )
}

/// A cell's text: nothing of it is lost, but long words are folded.
fn contents(cell: &str, is_words: bool) -> String {
    if !is_words || cell.chars().count() <= LONG {
        return Text(cell).to_string();
    }
    let start: String = cell.chars().take(LONG - 20).collect();
    format!(
        "<details><summary>{}…</summary><pre>{}</pre></details>",
        Text(start.trim_end()),
        Text(&shortened(cell))
    )
}

/// The accuracy of always giving the majority's label, if it is the same beside every model.
pub(super) fn majority(record: &RunRecord) -> Option<String> {
    let mut rates = record.models.iter().map(|model| &model.accuracy.majority);
    let first = units::percent(rates.next()?.value);
    rates
        .all(|rate| units::percent(rate.value) == first)
        .then_some(first)
}

/// All figures of all models. The majority baseline is a column only where it differs.
pub(super) fn models(record: &RunRecord) -> String {
    let mut grid = table::models(record);
    let names = grid.headings.iter();
    let column = names
        .map(|heading| heading.name.as_str())
        .position(|name| name == "Majority");
    if let Some(column) = column.filter(|_| majority(record).is_some()) {
        grid.headings.remove(column);
        for row in &mut grid.rows {
            if column < row.len() {
                row.remove(column);
            }
        }
    }
    html(
        &grid,
        Options {
            label: "All models",
            is_sortable: true,
            models: &record.models,
        },
    )
}

/// What quantisation changes: accuracies, labels, outputs.
pub(super) fn fidelity(record: &RunRecord) -> String {
    let mut grid = Grid::new([
        Heading::left("Model", ""),
        Heading::right("Float accuracy", "of the trained model"),
        Heading::right("Quantised accuracy", "of the model that is proved"),
        Heading::right("Points", "quantised minus float accuracy"),
        Heading::right(
            "Same label",
            "share of rows to which both give the same label",
        ),
        Heading::right("Mean error", "mean absolute difference of the outputs"),
        Heading::right(
            "Largest error",
            "largest absolute difference of the outputs",
        ),
    ]);
    for model in &record.models {
        let (float, quantized) = (&model.accuracy.float, model.accuracy.quantized.as_ref());
        let fidelity = model.proving.fidelity;
        let or_none = |text: Option<String>| text.unwrap_or_else(|| table::NONE.to_owned());
        grid.rows.push(vec![
            model.tag.clone(),
            units::percent(float.value),
            or_none(quantized.map(|rate| units::percent(rate.value))),
            or_none(quantized.map(|rate| {
                // Adding zero turns -0 into 0.
                let points = ((rate.value - float.value) * 1e3).round() / 10.0 + 0.0;
                match points == 0.0 {
                    true => "0.0".to_owned(),
                    false => format!("{points:+.1}"),
                }
            })),
            or_none(fidelity.map(|of| units::percent(of.label_agreement))),
            or_none(fidelity.map(|of| units::error(of.mean_abs_error))),
            or_none(fidelity.map(|of| units::error(of.max_abs_error))),
        ]);
    }
    html(
        &grid,
        Options {
            label: "What quantisation changes",
            is_sortable: true,
            models: &record.models,
        },
    )
}

/// A table without models of its own.
pub(super) fn plain(grid: &Grid, label: &str, is_sortable: bool) -> String {
    html(
        grid,
        Options {
            label,
            is_sortable,
            models: &[],
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_record;

    #[test]
    fn long_messages_are_folded_and_complete() {
        let long = format!("<b>{}", "word ".repeat(200));
        let text = contents(&long, true);
        assert!(
            text.starts_with("<details><summary>&lt;b&gt;word"),
            "{text}"
        );
        assert!(
            text.contains(&format!("<pre>{}</pre>", Text(&long))),
            "{text}"
        );
        assert_eq!(contents(&long, false), Text(&long).to_string());
    }

    #[test]
    fn rows_name_their_model() {
        let html = models(&run_record());
        assert!(html.contains("<tr data-m=\"0\"><th scope=\"row\"><svg class=\"mark g0\""));
        assert!(html.contains("</svg>64-32</th><td>12,545</td>"), "{html}");
    }

    #[test]
    fn the_majority_is_a_column_only_where_it_differs() {
        let mut record = run_record();
        assert!(!models(&record).contains("Majority"));
        assert_eq!(majority(&record).as_deref(), Some("52.0 %"));
        record.models[0].accuracy.majority.value = 0.55;
        let html = models(&record);
        assert!(html.contains(">Majority</th>") && html.contains("<td>55.0 %</td>"));
        assert_eq!(majority(&record), None);
    }

    #[test]
    fn a_loss_of_accuracy_has_its_sign() {
        let html = fidelity(&run_record());
        assert!(
            html.contains("<td>0.0</td>") && html.contains("<td>-0.7</td>"),
            "{html}"
        );
    }
}
