//! Where the time goes: a bar per model, of what happens once and of what every proof needs.

use std::fmt::Write as _;

use super::tables;
use super::text::Text;
use crate::record::{ModelRecord, RunRecord, Stage};
use crate::units;

/// Length of the longest bar in units of its SVG, which is stretched to the cell.
const LENGTH: f64 = 1000.0;
/// What happens once per model.
const ONCE: [Stage; 4] = [
    Stage::Settings,
    Stage::Calibrate,
    Stage::Compile,
    Stage::Setup,
];
/// What every proof needs.
const EACH: [Stage; 3] = [Stage::Witness, Stage::Prove, Stage::Verify];

/// The legend and the table of bars; nothing if no stage was timed.
pub(super) fn html(record: &RunRecord) -> String {
    let longest = |stages: &[Stage]| {
        let totals = record.models.iter().map(|model| total(model, stages));
        totals.fold(0.0, f64::max)
    };
    let (once, each) = (longest(&ONCE), longest(&EACH));
    if once <= 0.0 && each <= 0.0 {
        return String::from("<p class=\"note\">No stage was timed.</p>\n");
    }
    let mut out = String::from("<ul class=\"legend\">");
    for stage in Stage::ALL {
        let _ = write!(
            out,
            "<li><svg viewBox=\"0 0 14 14\" width=\"14\" height=\"14\" aria-hidden=\"true\">\
             <path class=\"s-{0}\" d=\"M1 1h12v12H1z\"/></svg>{0}</li>",
            stage.name()
        );
    }
    out.push_str("</ul>\n");
    out.push_str(&tables::scroll_start("Time by stage"));
    out.push_str(
        "<table class=\"sortable bars\"><thead><tr><th scope=\"col\" class=\"l\">Model</th>\
         <th scope=\"col\" class=\"r\">Training</th>\
         <th scope=\"col\" class=\"r\">Once</th><td class=\"l bar\" aria-hidden=\"true\"></td>\
         <th scope=\"col\" class=\"r\">Each proof</th><td class=\"l bar\" aria-hidden=\"true\"></td>\
         </tr></thead><tbody>\n",
    );
    for (index, model) in record.models.iter().enumerate() {
        let _ = write!(
            out,
            "<tr data-m=\"{index}\"><th scope=\"row\">{}{}</th><td>{}</td>",
            tables::marker(model),
            Text(&model.tag),
            units::time(model.training.seconds * 1e3)
        );
        bar(&mut out, model, &ONCE, once);
        bar(&mut out, model, &EACH, each);
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    out
}

fn total(model: &ModelRecord, stages: &[Stage]) -> f64 {
    let medians = stages.iter().filter_map(|stage| median(model, *stage));
    medians.sum()
}

fn median(model: &ModelRecord, stage: Stage) -> Option<f64> {
    let median = model.proving.timings.of(stage).median()?;
    (median.is_finite() && median > 0.0).then_some(median)
}

/// Two cells: the sum of the stages' medians, and the bar.
fn bar(out: &mut String, model: &ModelRecord, stages: &[Stage], longest: f64) {
    let total = total(model, stages);
    if total <= 0.0 || !longest.is_finite() {
        out.push_str("<td>-</td><td></td>");
        return;
    }
    let (mut parts, mut words) = (String::new(), Vec::new());
    let mut from = 0.0;
    for stage in stages {
        let Some(median) = median(model, *stage) else {
            continue;
        };
        let width = median / longest * LENGTH;
        let _ = write!(
            parts,
            "<path class=\"s-{}\" d=\"M{from:.1} 0h{width:.1}v10h-{width:.1}z\"/>",
            stage.name()
        );
        words.push(format!("{} {}", stage.name(), units::time(median)));
        from += width;
    }
    let words = words.join(", ");
    let _ = write!(
        out,
        "<td>{}</td><td class=\"bar\"><svg viewBox=\"0 0 {LENGTH} 10\" preserveAspectRatio=\"none\" \
         role=\"img\" aria-label=\"{words}\"><title>{words}</title>{parts}</svg></td>",
        units::time(total)
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_record;

    #[test]
    fn the_longest_bar_fills_its_cell_and_stages_add_up() {
        let mut record = run_record();
        record.models.truncate(1);
        let timings = &mut record.models[0].proving.timings;
        *timings = crate::Timings::default();
        timings.push(Stage::Witness, 1.0);
        timings.push(Stage::Prove, 3.0);
        let html = html(&record);
        assert!(html.contains("d=\"M0.0 0h250.0v10"), "{html}");
        assert!(html.contains("d=\"M250.0 0h750.0v10"), "{html}");
        assert!(
            html.contains("aria-label=\"witness 1.00 ms, prove 3.00 ms\""),
            "{html}"
        );
        assert!(html.contains("<td>4.00 ms</td>"), "{html}");
    }

    #[test]
    fn without_times_that_is_said() {
        let mut record = run_record();
        record.models.clear();
        assert!(html(&record).contains("No stage was timed"));
    }
}
